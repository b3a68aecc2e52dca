"""Sign-ins that have begun: each is finished once, in the browser that began it, within ten minutes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field

LASTS_S = 600
_MOST = 2000
"""How many may be on their way; the oldest is dropped. A caller may begin 20 a minute, so that nobody fills it alone."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One sign-in on its way. ``verifier``: the secret of PKCE (RFC 7636); ``nonce`` comes back in the ID token."""

    browser: bytes
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    until: float = field(default_factory=lambda: time.monotonic() + LASTS_S)

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier: its SHA-256."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


class Flows:
    """All that are on their way, by ``state``."""

    def __init__(self) -> None:
        self._flows: OrderedDict[str, Flow] = OrderedDict()

    def begin(self, browser: str) -> tuple[str, Flow]:
        """A new one, for the browser that holds a cookie of this text."""
        state, flow = secrets.token_urlsafe(32), Flow(_hash(browser))
        self._flows[state] = flow
        while len(self._flows) > _MOST:
            self._flows.popitem(last=False)
        return state, flow

    def take(self, state: str, browser: str) -> Flow | None:
        """The one of this ``state``, once; None where there is none, it is too old, or another browser began it."""
        flow = self._flows.pop(state, None)
        if flow is None or time.monotonic() >= flow.until or not hmac.compare_digest(flow.browser, _hash(browser)):
            return None
        return flow


def _hash(browser: str) -> bytes:
    return hashlib.sha256(browser.encode(errors="replace")).digest()
