"""The state of the count points for a context broker: NGSI-LD entities, as smart data platforms of cities read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ruimte.clock import HOUR_US, to_us
from ruimte.intake.devices.ngsi_output import to_crowd_flow_observed
from ruimte.jobs.room import Room, ZoneView
from ruimte.text import duration_us
from ruimte.web import fields


async def crowd_flow_observed(request: Request) -> Response:
    """Every count point whose flow is known, over the newest tick (or that of ``at``)."""
    room: Room = request.app.state.room
    views = room.zones("en", fields.moment(request, room))
    entities = [_entity(room, view) for view in views if view.kind == "count_point" and view.mean is not None and not view.silent]
    return Response(msgspec.json.encode(entities), media_type="application/ld+json")


def _entity(room: Room, view: ZoneView) -> dict[str, Any]:
    tick_us, end_us = duration_us(room.lab.file.ticks.length), to_us(datetime.fromisoformat(view.time))

    def persons(per_hour: float | None) -> float | None:
        return None if per_hour is None else per_hour * tick_us / HOUR_US

    return to_crowd_flow_observed(
        f"{room.lab.key}:{view.key}",
        end_us - tick_us,
        end_us,
        dict(room.lab.count_points[view.key].point.__geo_interface__),
        count=persons(view.mean),
        count_in=persons(view.inflow),
        count_out=persons(view.outflow),
        name=view.name,
    )
