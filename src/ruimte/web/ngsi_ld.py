"""The state of the count points for a context broker: NGSI-LD entities, as smart data platforms of cities read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ruimte.clock import HOUR_US, to_us
from ruimte.intake.devices.ngsi_output import to_crowd_flow_observed, to_item_flow_observed
from ruimte.jobs.room import Room, ZoneView
from ruimte.text import duration_us
from ruimte.web import fields


async def crowd_flow_observed(request: Request) -> Response:
    """``CrowdFlowObserved`` of every count point whose flow is known, over the newest tick (or that of ``at``)."""
    return _answer(request, _crowd_flow)


async def item_flow_observed(request: Request) -> Response:
    """The same as ``ItemFlowObserved``: a lane for each direction, or one for both where they are not told apart."""
    return _answer(request, _item_flow)


@dataclass(frozen=True, slots=True)
class _Tick:
    """What one count point counted over one tick; counts are persons."""

    key: str
    name: str
    start_us: int
    end_us: int
    point: dict[str, Any]
    count: float | None
    count_in: float | None
    count_out: float | None


def _answer(request: Request, entities: Callable[[_Tick], Iterator[dict[str, Any]]]) -> Response:
    room: Room = request.app.state.room
    views = room.zones("en", fields.moment(request, room))
    known = [view for view in views if view.kind == "count_point" and view.mean is not None and not view.silent]
    found = [entity for view in known for entity in entities(_tick(room, view))]
    return Response(msgspec.json.encode(found), media_type="application/ld+json")


def _tick(room: Room, view: ZoneView) -> _Tick:
    length_us, end_us = duration_us(room.lab.file.ticks.length), to_us(datetime.fromisoformat(view.time))
    flows = (view.mean, view.inflow, view.outflow)  # persons an hour
    point = dict(room.lab.count_points[view.key].point.__geo_interface__)
    counts = (None if flow is None else flow * length_us / HOUR_US for flow in flows)
    return _Tick(f"{room.lab.key}:{view.key}", view.name, end_us - length_us, end_us, point, *counts)


def _crowd_flow(tick: _Tick) -> Iterator[dict[str, Any]]:
    yield to_crowd_flow_observed(
        tick.key,
        tick.start_us,
        tick.end_us,
        tick.point,
        count=tick.count,
        count_in=tick.count_in,
        count_out=tick.count_out,
        name=tick.name,
    )


def _item_flow(tick: _Tick) -> Iterator[dict[str, Any]]:
    ways = [("forward", tick.count_in), ("backward", tick.count_out)]
    lanes = ways if all(count is not None for _, count in ways) else [(None, tick.count)]
    for lane, (direction, count) in enumerate(lanes, 1):
        yield to_item_flow_observed(tick.key, tick.start_us, tick.end_us, tick.point, lane=lane, direction=direction, count=count)
