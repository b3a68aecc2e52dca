"""The service as an ASGI application, lean enough to stand before the pages' middleware: whoever asks, body, answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from ruimte.errors import RuimteError
from ruimte.web.guard import known_hosts, require_known_host
from ruimte.web.problems import WebError
from ruimte.web.settings import WebSettings
from ruimte.web.sta.access import Access
from ruimte.web.sta.body import Bodies, Gone
from ruimte.web.sta.exchange import JSON, READS, ROOT, Ask, Reply, encode, refusal
from ruimte.web.sta.links import base

_log = logging.getLogger(__name__)
_BROWSERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]


class Served(Protocol):
    """A service for programs: an ASGI application that answers everything under its ``root``."""

    @property
    def root(self) -> str: ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def close(self) -> None:
        """The node stops: end what has no end of its own."""
        ...


class Front:
    """Middleware: hands what is asked of a service, under its root, to that service, and everything else on."""

    def __init__(self, app: ASGIApp, services: Sequence[Served]) -> None:
        self._app, self._services = app, services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            for service in self._services:
                if path == service.root or path.startswith(f"{service.root}/"):
                    return await service(scope, receive, send)
        return await self._app(scope, receive, send)


class Answers(Protocol):
    """Answers requests."""

    async def answer(self, ask: Ask) -> Reply:
        """The answer; an error that is somebody's is one too."""
        ...


class StaApp:
    """Answers everything under ``root``. ``marks`` are headers of every answer."""

    def __init__(
        self, service: Answers, access: Access, settings: WebSettings, marks: Mapping[str, str], root: str = ROOT
    ) -> None:
        self.root = root
        self._service, self._access, self._settings = service, access, settings
        self._hosts = known_hosts(settings)
        self._bodies = Bodies()
        self._headers = [*_BROWSERS, *((name.encode(), value.encode()) for name, value in marks.items())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            reply = await self._reply(scope, receive)
        except Gone:
            return
        except RuimteError as error:
            reply = refusal(error)
        except Exception:
            _log.exception("%s %s", scope["method"], scope["path"])
            mistake = {"code": 500, "type": "error", "message": "the node made a mistake", "mend": "see the node's own messages"}
            reply = Reply(500, encode(mistake))
        await self._send(scope, reply, send)

    def close(self) -> None:
        """Nothing here goes on by itself."""

    async def _reply(self, scope: Scope, receive: Receive) -> Reply:
        headers = dict(scope["headers"])
        require_known_host(headers.get(b"host", b"").decode("latin-1"), self._hosts)
        is_read = scope["method"] in READS
        if not is_read:
            _require_own_page(headers)
        caller = self._access(scope, headers)
        path, query = _address(scope, self.root)
        links = base(scope, headers, self._settings)
        kind, prefer = (headers.get(name, b"").decode("latin-1") for name in (b"content-type", b"prefer"))
        body = b"" if is_read else await self._bodies.read(receive, headers)
        ask = Ask(
            method=scope["method"],
            path=path,
            query=query,
            base=links,
            caller=caller,
            body=body,
            kind=kind or JSON,
            prefer=prefer,
            gzip=is_read and b"gzip" in headers.get(b"accept-encoding", b""),
        )
        try:
            return await self._service.answer(ask)
        finally:
            self._bodies.release(len(body))

    async def _send(self, scope: Scope, reply: Reply, send: Send) -> None:
        headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in reply.headers.items()]
        if reply.body or reply.kind != JSON:  # an empty text is a text too
            headers.append((b"content-type", reply.kind.encode("latin-1")))
        if reply.status != 204:
            headers.append((b"content-length", str(len(reply.body)).encode()))
        if reply.status in (408, 413, 503):
            headers.append((b"connection", b"close"))  # the rest of the body is not waited for
        await send({"type": "http.response.start", "status": reply.status, "headers": [*headers, *self._headers]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else reply.body})


def _address(scope: Scope, root: str) -> tuple[str, str]:
    """Address and query as they came, percent-encoded, for a decoded slash would be another step."""
    raw = scope.get("raw_path") or scope["path"].encode()
    if not raw.startswith(root.encode()):
        raise WebError(404, "there is no such address", "address", f"write {root} as it is")
    try:
        return raw.decode()[len(root) :].strip("/"), scope["query_string"].decode()
    except UnicodeDecodeError:
        raise WebError(400, "is not UTF-8", "address", "percent-encode it") from None


def _require_own_page(headers: Mapping[bytes, bytes]) -> None:
    """A browser may only change something from a page of this node; other clients say nothing of where they come from."""
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    is_own = origin is None or origin.partition(b"://")[2] == headers.get(b"host")
    if site not in (None, b"same-origin", b"none") or not is_own:
        raise WebError(
            403, "that does not come from a page of this node", "Origin", "send it from a program, or from a page of this node"
        )
