"""HTTP POST to somebody else's machine: TLS verified, no redirects, no proxies, in bounded time, to where a node may send."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from ruimte.errors import RuimteError
from ruimte.notify.reach import resolve
from ruimte.notify.trouble import Undelivered

CONNECT_S, WHOLE_S = 5.0, 15.0
LONGEST_WISH_S = 3600.0
"""The longest that a receiver's Retry-After is believed."""
_LATER = frozenset({408, 425, 429})


class Poster:
    """Posts for one channel. ``ca_file``: PEM of an authority besides those that the system knows."""

    def __init__(self, *, allow_private: bool = False, ca_file: str | None = None) -> None:
        self._allow_private = allow_private
        self._context = tls_context(ca_file)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Until the receiver has said that it has it (2xx). Raises ``Undelivered`` where it does not."""
        try:
            async with asyncio.timeout(WHOLE_S):
                await self._post(httpx.URL(url), body, headers)
        except (TimeoutError, httpx.TimeoutException):
            raise Undelivered("no-answer", again=True, seconds=round(WHOLE_S)) from None
        except httpx.ConnectError as error:
            raise _not_connected(error) from None
        except httpx.HTTPError:
            raise Undelivered("broken-off", again=True) from None

    async def _post(self, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> None:
        port = url.port or {"https": 443, "http": 80}[url.scheme]
        name, host = url.raw_host.decode("ascii").strip("[]"), url.netloc.decode("ascii")
        addresses = await resolve(name, port, allow_private=self._allow_private)
        async with httpx.AsyncClient(
            verify=self._context, trust_env=False, follow_redirects=False, timeout=httpx.Timeout(WHOLE_S, connect=CONNECT_S)
        ) as client:
            for address in addresses:
                request = client.build_request(
                    "POST",
                    url.copy_with(host=address),
                    content=body,
                    headers={**headers, "host": host},
                    extensions={"sni_hostname": name},
                )
                try:
                    answer = await client.send(request, stream=True)  # the body of an answer is never read
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    if address == addresses[-1]:
                        raise
                    continue
                await answer.aclose()
                _judge(answer)
                return


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Verifies by what the system trusts, and by ``ca_file``. Raises ``RuimteError`` where that is no certificate."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError):
            raise RuimteError("cannot be read as certificates", ca_file, "give a file in PEM") from None
    return context


def _judge(answer: httpx.Response) -> None:
    status = answer.status_code
    if answer.is_success:
        return
    if 300 <= status < 400:
        raise Undelivered("redirect", again=False, status=status)
    if status in _LATER or status >= 500:
        raise Undelivered("status", again=True, after_s=_wish_s(answer.headers.get("retry-after")), status=status)
    raise Undelivered("status", again=False, status=status)


def _wish_s(text: str | None) -> float | None:
    """Seconds of a Retry-After: a number, or a date (RFC 9110, 10.2.3)."""
    if text is None:
        return None
    seconds: float | None = None
    if text.strip().isdecimal() and text.isascii():
        seconds = float(text)
    else:
        with contextlib.suppress(ValueError, TypeError):
            moment = parsedate_to_datetime(text)
            seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_WISH_S)


def _not_connected(error: BaseException) -> Undelivered:
    """What is behind a connection that was not made: the certificate, or nobody there."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return Undelivered("tls", again=True, reason=getattr(seen, "verify_message", None) or seen.reason or "TLS")
        seen = seen.__cause__ or seen.__context__
    return Undelivered("unreachable", again=True)
