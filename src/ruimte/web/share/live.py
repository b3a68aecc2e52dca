"""``/live``: what is new under an agreement, as server-sent events (HTML Living Standard, section 9.2).

``figures`` and ``warning`` each hold one CloudEvent and the node's signature over it, ``beat`` says that the node lives, and
``ended`` tells as a problem document why nothing more comes.
"""

from __future__ import annotations

import asyncio
import logging
import re

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ruimte.clock import iso
from ruimte.errors import RuimteError
from ruimte.jobs.desk import Event, RefusedError
from ruimte.share.asking import FOLLOWED, Action
from ruimte.web.problems import bad_field
from ruimte.web.share.accept import choose
from ruimte.web.share.problem import problem
from ruimte.web.share.query import asked, parameters
from ruimte.web.share.resource import mistake
from ruimte.web.share.state import House, caller, house

MEDIA_TYPE = "text/event-stream"
BEAT_S = 15.0
PARAMETERS = ("kind", "zones", "quantities", "step", "agreement")

_HEADERS = {"cache-control": "no-store, no-transform", "x-accel-buffering": "no", "vary": "accept"}
_ID = re.compile(r"[!-~]{1,200}")
_log = logging.getLogger(__name__)


async def live(request: Request) -> Response:
    """GET: a stream of what is new, from just after ``Last-Event-ID`` on where that is sent."""
    here, who = house(request), await caller(request)
    given = parameters(request, PARAMETERS)
    asking = asked(request, who, action_of(given.get("kind")), given)
    choose(request.headers.get("accept", ""), (MEDIA_TYPE,))
    after = request.headers.get("last-event-id") or None
    if after is not None and not _ID.fullmatch(after):
        raise bad_field("Last-Event-ID", "is no id of an event", "send the last one that came, or leave it out")
    if request.method == "HEAD":
        return Response(headers=_HEADERS, media_type=MEDIA_TYPE)
    here.streams.enter(who.party)
    try:
        queue = await here.desk.live(asking, after)
    except BaseException:
        here.streams.leave(who.party)
        raise
    return _Stream(here, who.party, queue)


def action_of(kind: str | None) -> Action:
    """The action of following a kind of figures. Raises ``WebError`` (400)."""
    action = FOLLOWED.get(kind or "state")
    if action is None:
        raise bad_field("kind", "cannot be followed", f"use {', '.join(FOLLOWED)}")
    return action


class _Stream(Response):
    """Passes a queue on until its grant ends, the reader leaves, or the node stops.

    The desk waits for who reads slowly, and the server cuts off who does not read (``ruimte.web.protocol``).
    """

    media_type = MEDIA_TYPE

    def __init__(self, here: House, party: str, queue: asyncio.Queue[Event | RefusedError]) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._here, self._party, self._queue = here, party, queue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        telling = asyncio.create_task(self._tell(send))
        leaving = asyncio.create_task(_until_gone(receive))
        try:
            with self._here.streams.stopped_by(telling.cancel):
                await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not leaving.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._here.desk.leave(self._queue)
            self._here.streams.leave(self._party)
            telling.cancel()
            leaving.cancel()
            await asyncio.gather(telling, leaving, return_exceptions=True)

    async def _tell(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._put(send, self._beat())
        try:
            while True:
                item = await self._next()
                if isinstance(item, RuimteError):
                    return await self._put(send, _frame("ended", msgspec.json.encode(problem(item))))
                await self._put(send, self._beat() if item is None else told(item))
        except Exception:
            _log.exception("a live stream has failed")
            await self._put(send, _frame("ended", msgspec.json.encode(problem(mistake()))))

    async def _next(self) -> Event | RuimteError | None:
        """What is new, or None where that was nothing for a while."""
        try:
            async with asyncio.timeout(BEAT_S):  # wait_for of Python 3.11 may swallow that the stream is stopped
                return await self._queue.get()
        except TimeoutError:
            return None

    def _beat(self) -> bytes:
        return _frame("beat", msgspec.json.encode({"time": iso(self._here.now_us())}))

    async def _put(self, send: Send, frame: bytes) -> None:
        await send({"type": "http.response.body", "body": frame, "more_body": True})


def told(event: Event) -> bytes:
    """The event as a frame. Its bytes stay as they were signed."""
    data = msgspec.json.encode({"event": msgspec.Raw(event.body), "signature": event.signature})
    return _frame("warning" if event.kind == "warning" else "figures", data, f"id: {event.id}\n")


def _frame(name: str, data: bytes, id_line: str = "") -> bytes:
    return b"%sevent: %s\ndata: %s\n\n" % (id_line.encode(), name.encode(), data)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
