"""The body of a request: at most so large, and within a time, so that neither a flood nor a trickle holds the node."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.types import Receive

from ruimte.web.problems import WebError

LARGEST = 16 * 1024 * 1024
"""Bytes of the largest body: some hundred thousand observations as data arrays."""
LARGEST_TOGETHER = 8 * LARGEST
"""Bytes of all bodies that are being read or dealt with."""
PROGRESS_S = 10.0
"""How long a client may be silent in the middle of a body."""
WHOLE_S = 60.0
"""How long a body may take."""


class Gone(Exception):  # noqa: N818 - no error: nobody is there to be told
    """The client left before its request was whole."""


class Bodies:
    """Reads bodies of ``largest`` bytes at most (else ``LARGEST``), and knows how much of them there is; what was read has to be
    given back with ``release``."""

    def __init__(self, largest: int | None = None) -> None:
        self._given = largest
        self._held = 0

    @property
    def _largest(self) -> int:
        return LARGEST if self._given is None else self._given

    async def read(self, receive: Receive, headers: Mapping[bytes, bytes]) -> bytes:
        """The whole body. Raises ``Gone``, and ``WebError``: 413 too large, 408 not in time, 503 too many at once."""
        told = headers.get(b"content-length", b"0")
        if len(told) > 9 or int(told) > self._largest:
            raise _too_large(self._largest)
        pieces: list[bytes] = []
        try:
            await self._collect(receive, pieces)
        except BaseException:
            self.release(sum(map(len, pieces)))
            raise
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def release(self, size: int) -> None:
        """So many bytes are no longer needed."""
        self._held -= size

    async def _collect(self, receive: Receive, pieces: list[bytes]) -> None:
        loop = asyncio.get_running_loop()
        last_s, size = loop.time() + WHOLE_S, 0
        try:
            async with asyncio.timeout(PROGRESS_S) as limit:
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Gone
                    piece: bytes = message.get("body", b"")
                    pieces.append(piece)
                    size += len(piece)
                    self._held += len(piece)
                    if size > self._largest:
                        raise _too_large(self._largest)
                    if self._held > LARGEST_TOGETHER:
                        raise WebError(503, "too much is being sent at once", "body", "send it again a little later")
                    if not message.get("more_body", False):
                        return
                    limit.reschedule(min(loop.time() + PROGRESS_S, last_s))
        except TimeoutError:
            raise WebError(408, "the body did not arrive in time", "body", "send it without long breaks") from None


def _too_large(largest: int) -> WebError:
    return WebError(413, f"the body is larger than {largest} bytes", "body", "send it in parts")
