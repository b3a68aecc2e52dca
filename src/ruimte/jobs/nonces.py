"""That a DPoP proof is new: by nonces of the node, which follow a clock that nobody can set.

A nonce is drawn from a secret of this run of the node, and holds for two to four minutes. So a proof of before a restart is void,
what becomes of the wall's clock changes nothing, and the numbers of proofs need no disk: each is kept as long as its nonce holds.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable

from ruimte.errors import RuimteError

WINDOW_S = 120
MOST = 500_000
"""Proofs in one window; a node that hears more of them takes none until the next."""


class Nonces:
    """The nonces of one run; ``uptime_s`` tells a time that only goes forward. For any thread."""

    def __init__(self, uptime_s: Callable[[], float]) -> None:
        self._uptime_s = uptime_s
        self._lock = threading.Lock()
        self._secret = secrets.token_bytes(32)
        self._window = -1
        self._taken: tuple[str, str] = ("", "")
        self._seen: dict[str, set[bytes]] = {}

    def taken(self) -> tuple[str, str]:
        """The two that are taken now; the first is the one to give out."""
        window = int(self._uptime_s() // WINDOW_S)
        with self._lock:
            if window != self._window:
                self._window = window
                self._taken = (self._nonce(window), self._nonce(window - 1))
                self._seen = {nonce: self._seen.get(nonce, set()) for nonce in self._taken}
            return self._taken

    def spend(self, nonce: str, key_id: str, proof_id: str) -> bool:
        """Whether a proof, whose nonce was taken, is the first with its number; from now on it is not.

        Raises ``RuimteError`` where there were too many to remember more.
        """
        digest = hashlib.sha256(f"{key_id} {proof_id}".encode()).digest()[:16]
        with self._lock:
            seen = self._seen.get(nonce)
            if seen is None or digest in seen:
                return False
            if len(seen) >= MOST:
                raise RuimteError("too much is asked at once", "DPoP", f"try again in {WINDOW_S} seconds")
            seen.add(digest)
            return True

    def _nonce(self, window: int) -> str:
        drawn = hmac.digest(self._secret, window.to_bytes(8, signed=True), "sha256")
        return base64.urlsafe_b64encode(drawn[:18]).decode()
