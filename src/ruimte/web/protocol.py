"""HTTP as uvicorn speaks it, but with an end to its patience: a client that does not finish the head of a request is cut off."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 10.0
"""How long the head of a request may take, and the first one from the connection on."""
LARGEST_HEAD = 65_536
"""Bytes of the largest head: the request line and all headers."""


class PatientProtocol(HttpToolsProtocol):
    """Bodies are the application's own concern; a connection that waits between requests is uvicorn's."""

    _limit: asyncio.TimerHandle | None = None
    _head = 0
    _in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._limit = self.loop.call_later(HEAD_S, self._cut_off)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head:
            return
        self._head += len(data)
        if self._head > LARGEST_HEAD:
            self._cut_off()
        elif self._limit is None:
            self._limit = self.loop.call_later(HEAD_S, self._cut_off)

    def on_message_begin(self) -> None:
        self._in_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def _stop_waiting(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _cut_off(self) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self.transport.close()
