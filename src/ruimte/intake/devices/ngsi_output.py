"""NGSI-LD output: a count point's state as ``CrowdFlowObserved``, one direction of it as ``ItemFlowObserved``.

Normalized entities for a context broker (ETSI GS CIM 009; Smart Data Models, dataModel.Transportation). Neither model has a
density or the number of people in a zone, so a zone's state has no place in them.
"""

from __future__ import annotations

from typing import Any

from ruimte.clock import iso

CONTEXT = (
    "https://raw.githubusercontent.com/smart-data-models/dataModel.Transportation/master/context.jsonld",
    "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.7.jsonld",
)
"""JSON-LD contexts: the model's, then the core's."""

Geometry = dict[str, Any]
"""A GeoJSON geometry."""


def to_crowd_flow_observed(
    key: str,
    start_us: int,
    end_us: int,
    location: Geometry,
    *,
    count: float | None = None,
    count_in: float | None = None,
    count_out: float | None = None,
    occupancy: float | None = None,
    speed_m_per_s: float | None = None,
    congested: bool | None = None,
    name: str | None = None,
) -> dict[str, Any]:
    """A ``CrowdFlowObserved`` of a count point or gate over [start, end).

    ``key`` makes the entity's id, so it must be unique at the broker (``<lab>:<place>``). Counts are persons, sent as whole
    numbers: ``count`` of both directions (where it is None it is the sum of the two, if both are known), ``count_in`` towards,
    ``count_out`` away. ``occupancy`` is the share of time, 0 to 1. ``location`` is a GeoJSON geometry. What is None is left out:
    missing is not zero.
    """
    if count is None and count_in is not None and count_out is not None:
        count = count_in + count_out
    return _entity("CrowdFlowObserved", key, start_us, end_us, location) | _known(
        name=_property(name),
        peopleCount=_property(_whole(count)),
        peopleCountTowards=_property(_whole(count_in)),
        peopleCountAway=_property(_whole(count_out)),
        occupancy=_property(occupancy),
        averageCrowdSpeed=_speed(speed_m_per_s),
        congested=_property(congested),
    )


def to_item_flow_observed(
    key: str,
    start_us: int,
    end_us: int,
    location: Geometry,
    *,
    lane: int,
    direction: str | None,
    count: float | None,
    occupancy: float | None = None,
    speed_m_per_s: float | None = None,
) -> dict[str, Any]:
    """An ``ItemFlowObserved`` of people over [start, end): one lane of a count point or gate.

    ``lane`` counts from 1. ``direction`` is ``forward`` (in), ``backward`` (out), or None for both together. The rest is as in
    ``to_crowd_flow_observed``.
    """
    return _entity("ItemFlowObserved", f"{key}:{lane}", start_us, end_us, location) | _known(
        itemType=_property("people"),
        laneId=_property(lane),
        laneDirection=_property(direction),
        intensity=_property(_whole(count)),
        occupancy=_property(occupancy),
        averageSpeed=_speed(speed_m_per_s),
    )


def _entity(kind: str, key: str, start_us: int, end_us: int, location: Geometry) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:{kind}:{key}",
        "type": kind,
        "dateObserved": _property(f"{iso(start_us)}/{iso(end_us)}"),
        "dateObservedFrom": _date_time(start_us),
        "dateObservedTo": _date_time(end_us),
        "location": {"type": "GeoProperty", "value": location},
        "@context": list(CONTEXT),
    }


def _property(value: str | float | bool | None) -> dict[str, Any] | None:
    return None if value is None else {"type": "Property", "value": value}


def _date_time(us: int) -> dict[str, Any]:
    return {"type": "Property", "value": {"@type": "DateTime", "@value": iso(us)}}


def _speed(metres_per_second: float | None) -> dict[str, Any] | None:
    if metres_per_second is None:
        return None
    return {"type": "Property", "value": round(metres_per_second * 3.6, 2), "unitCode": "KMH"}


def _whole(count: float | None) -> int | None:
    return None if count is None else round(count)


def _known(**attributes: dict[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}
