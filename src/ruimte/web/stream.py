"""One stream of changes for every browser: each frame is encoded once and shared by all who listen in a language."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ruimte.jobs.room import Change, Room
from ruimte.web.pages import Pages
from ruimte.web.picture import picture
from ruimte.web.session import may_go_on

_log = logging.getLogger(__name__)

_TOGETHER_S = 0.04
"""Changes that come within this time are sent as one."""
_BACKLOG = 16
_LOOK_AGAIN_S = 5.0
"""How often it is asked whether the session of one who listens has not ended."""
_RETRY = b"retry: 1000\n\n"


class Hub:
    """Listens to the room once, and passes on to every browser; when nothing changes, tells that the node lives."""

    def __init__(self, room: Room, beat_s: float = 3.0) -> None:
        self._room = room
        self._beat_s = beat_s
        self._listeners: dict[asyncio.Queue[bytes | None], str] = {}

    def __len__(self) -> int:
        """How many browsers listen."""
        return len(self._listeners)

    def join(self, language: str) -> asyncio.Queue[bytes | None]:
        """A queue of frames; the first is the state as it is, so that who comes back is up to date at once. None is the end."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_BACKLOG)
        queue.put_nowait(_RETRY + self._frame("state", language))
        self._listeners[queue] = language
        return queue

    def leave(self, queue: asyncio.Queue[bytes | None]) -> None:
        """Stop listening."""
        self._listeners.pop(queue, None)

    def close(self) -> None:
        """End every stream: the node stops."""
        self._send(dict.fromkeys(self._listeners.values()))

    async def run(self) -> None:
        """Pass on the room's changes, until cancelled."""
        changes = self._room.listen()
        try:
            while True:
                kinds = await self._next(changes)
                try:
                    self._pass_on(kinds)
                except Exception:  # one bad picture must not silence those that follow
                    _log.exception("a change could not be passed on to the browsers")
                await asyncio.sleep(_TOGETHER_S)
        finally:
            self._room.unlisten(changes)

    async def _next(self, changes: asyncio.Queue[Change]) -> set[str]:
        try:
            # asyncio.wait_for, before Python 3.12, swallows a cancel that comes with a change: a stop then waits for ever
            async with asyncio.timeout(self._beat_s):
                first = await changes.get()
        except TimeoutError:
            return {"beat"}
        return {first.kind, *(changes.get_nowait().kind for _ in range(changes.qsize()))}

    def _pass_on(self, kinds: set[str]) -> None:
        if "state" in kinds:
            kinds.discard("beat")
        for kind in sorted(kinds, reverse=True):
            frames = {language: self._frame(kind, language) for language in set(self._listeners.values())}
            self._send(frames)

    def _send(self, frames: Mapping[str, bytes | None]) -> None:
        for queue, language in self._listeners.items():
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(frames[language])

    def _frame(self, kind: str, language: str) -> bytes:
        status = self._room.status()
        data: object = {"status": status}
        if kind == "state":
            data = picture(self._room, language)
        elif kind == "changed":
            data = {"sequence": status.sequence}
        return b"event: %s\ndata: %s\n\n" % (kind.encode(), msgspec.json.encode(data))


async def stream(request: Request) -> Response:
    """``/api/v1/stream``: server-sent events ``state``, ``changed`` and ``beat``."""
    hub: Hub = request.app.state.hub
    pages: Pages = request.app.state.pages
    headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
    told = frames(hub, pages.language(request), partial(may_go_on, request))
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)


async def frames(
    hub: Hub, language: str, may_go_on: Callable[[], bool], look_again_s: float = _LOOK_AGAIN_S
) -> AsyncIterator[bytes]:
    """What one browser gets, for as long as its visitor may look."""
    queue = hub.join(language)
    look_again = time.monotonic() + look_again_s
    try:
        while (frame := await queue.get()) is not None:
            if time.monotonic() >= look_again:
                if not may_go_on():
                    return
                look_again = time.monotonic() + look_again_s
            yield frame
    finally:
        hub.leave(queue)
