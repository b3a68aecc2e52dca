"""For those who watch the node: is it alive, is it ready, and its figures for Prometheus."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ruimte.jobs.inbox import Inbox
from ruimte.jobs.room import Room
from ruimte.store.outbox import ChannelState
from ruimte.web.stream import Hub

_BEGUN = time.monotonic()
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


async def alive(request: Request) -> Response:
    """200 while the process answers."""
    return PlainTextResponse("ok\n")


async def ready(request: Request) -> Response:
    """200 once there is a picture to look at, 503 before."""
    room: Room = request.app.state.room
    phase = room.status().phase
    return PlainTextResponse(f"{phase}\n", 503 if phase == "starting" else 200)


async def metrics(request: Request) -> Response:
    """Prometheus' text format."""
    room: Room = request.app.state.room
    hub: Hub = request.app.state.hub
    status, zones = room.status(), room.zones("en")
    waiting = Counter(warning.priority for warning in room.warnings("en") if warning.phase == "open")
    lines = [
        *uptime(),
        *gauge("ready", "1 once there is a picture to look at.", {"": float(status.phase == "running")}),
        *gauge("sequence", "Number of the newest picture.", {"": status.sequence}),
        *gauge("places", "Places with a state of their own.", {"": len(zones)}),
        *gauge("places_silent", "Places of which no sensor is heard.", {"": sum(zone.silent for zone in zones)}),
        *gauge(
            "warnings_open",
            "Warnings that nobody has acknowledged, by priority.",
            {f'{{priority="{priority}"}}': waiting[priority] for priority in (1, 2, 3)},
        ),
        *gauge("listeners", "Browsers that listen to the stream.", {"": len(hub)}),
        *_intake(request.app.state.inbox),
        *_outgoing(request.app.state.channels),
    ]
    return PlainTextResponse("\n".join(lines) + "\n", media_type=PROMETHEUS)


def _intake(inbox: Inbox | None) -> list[str]:
    """What the devices did since the node started; nothing of a node without devices."""
    views = [] if inbox is None else inbox.views()
    if not views:
        return []
    results = {
        f'{{device="{view.device}",became="{name}"}}': float(getattr(view, name))
        for view in views
        for name in ("kept", "doubtful", "refused", "unasked")
    }
    personal = float(sum(view.personal is not None for view in views))
    return [
        *gauge("source_results", "Results that devices sent, by what became of them.", results),
        *gauge("sources_personal", "Devices that sent what looks like an identifier.", {"": personal}),
    ]


def _outgoing(channels: Callable[[], list[ChannelState]] | None) -> list[str]:
    """What waits to go out, and which channels take nothing; nothing of a node without channels."""
    states = [] if channels is None else channels()
    if not states:
        return []
    waiting = {f'{{channel="{state.key}"}}': float(state.waiting) for state in states}
    failing = {f'{{channel="{state.key}"}}': float(state.failing_since_us is not None) for state in states}
    return [
        *gauge("outbox_waiting", "Messages that wait to be delivered, by channel.", waiting),
        *gauge("channel_failing", "1 for a channel that takes no messages.", failing),
    ]


def uptime() -> list[str]:
    """How long the node has run."""
    return gauge("uptime_seconds", "Seconds since the node started.", {"": time.monotonic() - _BEGUN})


def gauge(name: str, told: str, values: dict[str, float]) -> list[str]:
    """The lines of one figure, by its labels."""
    head = [f"# HELP ruimte_{name} {told}", f"# TYPE ruimte_{name} gauge"]
    return head + [f"ruimte_{name}{labels} {value:g}" for labels, value in values.items()]
