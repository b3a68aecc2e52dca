"""What a device sends to a lab as SensorThings Observations, read into what the inbox takes. Times are left as texts."""

from __future__ import annotations

from typing import Any

from ruimte.jobs.inbox import Sent
from ruimte.sta.bodies import check_body, read_id
from ruimte.sta.entities import ENTITIES
from ruimte.sta.errors import StaError
from ruimte.sta.path import Path

MOST_ROWS = 100_000
"""Observations in one message: more would hold up all others."""
_KEPT = ("phenomenonTime", "resultTime", "result", "parameters")
_REGISTER = "the lab's folder says what exists here"


def sent_observation(path: Path, body: Any) -> Sent:
    """An Observation posted to ``Datastreams(n)/Observations``, or to ``Observations`` with a link to its Datastream.

    Raises ``StaError``: 403 for any other address and for what a lab does not keep, 400 for a wrong body.
    """
    *before, last = path.steps
    if last.entity.name != "Observation" or not path.is_set or path.ref or len(before) > 1:
        raise StaError(_REGISTER, str(path), "send Observations to Datastreams(n)/Observations", 403)
    check_body(ENTITIES["Observation"], body)
    if before:
        if before[0].entity.name != "Datastream" or before[0].id is None:
            raise StaError(_REGISTER, str(path), "send Observations to Datastreams(n)/Observations", 403)
        stream = before[0].id
        if body.get("Datastream") is not None and _stream(body["Datastream"]) != stream:
            raise StaError("is another than that of the address", "Datastream", "leave it out, or name the same")
    else:
        stream = _stream(body.get("Datastream"))
    for name, value in body.items():
        if value is not None and name not in _KEPT and name != "Datastream" and "@" not in name:
            raise StaError("is not kept in a lab", name, f"send {', '.join(_KEPT)}", 403)
    return Sent(stream, *(body.get(name) for name in ("result", "phenomenonTime", "resultTime", "parameters")))


def sent_rows(groups: list[Any]) -> list[Sent | StaError]:
    """The rows of data arrays (OGC 18-088, clause 12), in order; a row that does not fit its components is an error.

    Raises ``StaError``: 400 where a group itself is wrong, 403 for components that a lab does not keep, 413 for too many rows.
    """
    arrays = [group.get("dataArray") for group in groups if isinstance(group, dict)]
    if sum(len(rows) for rows in arrays if isinstance(rows, list)) > MOST_ROWS:
        raise StaError(f"holds more than {MOST_ROWS} observations", "body", "send them in several messages", 413)
    return [row for number, group in enumerate(groups) for row in _group(group, f"group {number}")]


def _group(group: Any, where: str) -> list[Sent | StaError]:
    if not isinstance(group, dict):
        raise StaError("is no object", where, 'send {"Datastream": {"@iot.id": 1}, "components": […], "dataArray": [[…]]}')
    stream = _stream(group.get("Datastream"))
    names, rows = group.get("components"), group.get("dataArray")
    if not isinstance(names, list) or not isinstance(rows, list) or "result" not in names:
        raise StaError(
            "needs components, with result, and a dataArray", where, 'as in {"components": ["result"], "dataArray": [[5]]}'
        )
    if other := [name for name in names if name not in _KEPT]:
        raise StaError(f"a lab does not keep {other[0]!a}", where, f"use {', '.join(_KEPT)}", 403)
    place = {name: names.index(name) for name in names}
    if len(place) < len(names):
        raise StaError("names a component twice", where, "name each once")
    return [_row(stream, row, place) for row in rows]


def _row(stream: int, row: Any, place: dict[str, int]) -> Sent | StaError:
    if not isinstance(row, list) or len(row) != len(place):
        return StaError(f"is no list of {len(place)}, one value a component", "dataArray", "check the row")
    result, *others = (
        row[place[name]] if name in place else None for name in ("result", "phenomenonTime", "resultTime", "parameters")
    )
    parameters = others[2]
    if parameters is not None and not isinstance(parameters, dict):
        return StaError("is no JSON object", "parameters", 'send an object, such as {"floor": 3}')
    return Sent(stream, result, *others)


def _stream(link: Any) -> int:
    if not isinstance(link, dict) or "@iot.id" not in link:
        raise StaError("an Observation needs its Datastream", "Datastream", 'link it: {"Datastream": {"@iot.id": 5}}')
    return read_id(link["@iot.id"], "Datastream")
