"""Whether a receiver wants what is to be sent to it: the validation handshake of CloudEvents' *HTTP 1.1 Web Hooks for Event
Delivery* 1.0.1, section 4. Without it anybody who may make a webhook could have others flooded.
"""

from __future__ import annotations

import asyncio

import httpx

from ruimte.errors import RuimteError
from ruimte.notify.guarded import GuardedTransport
from ruimte.notify.post import CONNECT_S, WHOLE_S, tls_context
from ruimte.notify.trouble import Undelivered

ORIGIN, ALLOWED = "WebHook-Request-Origin", "WebHook-Allowed-Origin"


async def agree(address: str, origin: str, *, allow_private: bool = False, ca_file: str | None = None) -> None:
    """Ask at ``address`` whether events of ``origin`` (a host's name) may be sent there.

    Raises ``RuimteError`` where the answer is no, or none; always in the same words, so that nobody can look around inside a
    network by it.
    """
    try:
        async with (
            asyncio.timeout(WHOLE_S),
            httpx.AsyncClient(
                transport=GuardedTransport(tls_context(ca_file), allow_private=allow_private),
                timeout=httpx.Timeout(WHOLE_S, connect=CONNECT_S),
                trust_env=False,
                follow_redirects=False,
            ) as client,
            client.stream("OPTIONS", address, headers={ORIGIN: origin, "user-agent": "ruimte"}) as answer,
        ):
            allowed = answer.headers.get(ALLOWED, "").strip().lower() if answer.is_success else ""
    except (TimeoutError, httpx.HTTPError, Undelivered):
        allowed = ""
    if allowed not in ("*", origin.lower()):
        mend = f"let it answer OPTIONS with {ALLOWED}: {origin}"
        raise RuimteError("does not say that it wants events of this node", "address", mend)
