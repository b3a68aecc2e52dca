"""An ASGI application called directly: no sockets, so that a hundred thousand requests take minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message

HOST = "127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


class Asgi:
    """Gives requests to an application, on an event loop of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def ask(
        self,
        method: str,
        path: bytes,
        query: bytes = b"",
        body: bytes = b"",
        kind: str | None = "application/json",
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; ``path`` and ``query`` are what stands in the request line, whatever bytes those are; ``more`` headers."""
        return self._loop.run_until_complete(self._ask(method, path, query, body, kind, more or {}))

    async def _ask(
        self, method: str, path: bytes, query: bytes, body: bytes, kind: str | None, more: Mapping[str, str]
    ) -> Answer:
        headers = [(b"host", HOST.encode()), (b"content-length", str(len(body)).encode())]
        if kind is not None:
            headers.append((b"content-type", kind.encode("latin-1")))
        headers += [(name.encode(), value.encode("latin-1", "replace")) for name, value in more.items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": _unquoted(path),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }
        pieces: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[Message] = []

        async def receive() -> Message:
            return pieces.pop() if pieces else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        start = next(message for message in sent if message["type"] == "http.response.start")
        whole = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
        return Answer(
            start["status"], {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}, whole
        )


def _unquoted(path: bytes) -> str:
    """The path as a server hands it on: percent-decoded, what is no UTF-8 replaced as uvicorn does."""
    return unquote_to_bytes(path).decode("utf-8", "replace")
