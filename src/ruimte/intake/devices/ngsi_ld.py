"""NGSI-LD: what context brokers and their agents send, one entity, a list of them, or a notification.

| type | attribute | measure |
|---|---|---|
| CrowdFlowObserved | ``peopleCountTowards``, ``peopleCountAway`` | ``count_in``, ``count_out`` |
| | ``peopleCount`` | ``count``, where neither of those two is told |
| | ``occupancy`` | ``occupancy`` |
| | ``averageCrowdSpeed`` | ``speed``: km/h unless ``unitCode`` says otherwise |
| ItemFlowObserved of people | ``intensity`` | ``count_in`` of a lane forward or inbound |
| | | ``count_out`` of a lane backward or outbound, ``count`` of any other |
| | ``occupancy``, ``averageSpeed`` | ``occupancy``, ``speed`` |
| NoiseLevelObserved | ``LAeq`` | ``sound_level`` |
| WeatherObserved | ``temperature``, ``relativeHumidity``, ``windSpeed``, ``precipitation`` | the same |

The source is ``refDevice``, or the entity's ``id`` where there is none or several; of an ItemFlowObserved with a lane
``<that>/lane-<laneId>``. The interval is ``dateObservedFrom`` to ``dateObservedTo``, or that of ``dateObserved``; where only an
instant is told, it is the end. Flows of other things than people say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ruimte.errors import RuimteError
from ruimte.intake.devices.ngsi_entities import (
    Attribute,
    CrowdFlowObserved,
    Given,
    ItemFlowObserved,
    NoiseLevelObserved,
    Notification,
    Observed,
    WeatherObserved,
)
from ruimte.intake.devices.payload import decode, decoder
from ruimte.intake.devices.times import Moment, in_order, instant, interval
from ruimte.intake.message import Message, Reading

_READER = decoder(Notification | Observed | list[Observed])  # type: ignore[arg-type]

SPEED_UNITS = {"KMH": 1 / 3.6, "MTS": 1.0, "KNT": 1852 / 3600}
"""Metres per second in a unit, by its UN/CEFACT code."""
_UNITS: dict[str, dict[str, float]] = {
    "count": {"C62": 1.0, "IE": 1.0},
    "count_in": {"C62": 1.0, "IE": 1.0},
    "count_out": {"C62": 1.0, "IE": 1.0},
    "occupancy": {"C62": 1.0, "P1": 0.01},
    "speed": SPEED_UNITS,
    "sound_level": {"2N": 1.0},
    "temperature": {"CEL": 1.0},
    "humidity": {"C62": 1.0, "P1": 0.01},
    "wind_speed": {"MTS": 1.0, "KMH": SPEED_UNITS["KMH"], "KNT": SPEED_UNITS["KNT"]},
    "precipitation": {"MMT": 1.0},
}
"""Of each measure the units that it comes in and what one is in the measure's own; the first is meant where none is told."""
_PEOPLE = {"people", "person", "pedestrian", "pedestrians"}
_WAYS = {"forward": "count_in", "inbound": "count_in", "backward": "count_out", "outbound": "count_out"}


class NgsiLd:
    """The format ``ngsi-ld``."""

    name = "ngsi-ld"

    def read(self, payload: bytes, zone: ZoneInfo, received_us: int) -> Message:
        sent = decode(payload, _READER)
        if isinstance(sent, Notification):
            entities, place = sent.data, "data[{}]"
        elif isinstance(sent, list):
            entities, place = sent, "[{}]"
        else:
            entities, place = [sent], ""
        message = Message()
        for number, entity in enumerate(entities):
            reader = _Reader(entity, place.format(number), zone, received_us)
            message.readings += reader.readings()
            message.device = message.device or reader.device()
        return message


class _Told(NamedTuple):
    name: str
    given: Given
    measure: str


def _told(entity: Observed) -> Iterator[_Told]:
    """The attributes of an entity that are of a measure."""
    if isinstance(entity, CrowdFlowObserved):
        yield _Told("peopleCountTowards", entity.people_count_towards, "count_in")
        yield _Told("peopleCountAway", entity.people_count_away, "count_out")
        if entity.people_count_towards is None and entity.people_count_away is None:
            yield _Told("peopleCount", entity.people_count, "count")
        yield _Told("occupancy", entity.occupancy, "occupancy")
        yield _Told("averageCrowdSpeed", entity.average_crowd_speed, "speed")
    elif isinstance(entity, ItemFlowObserved):
        if str(_plain(entity.item_type)).casefold() in _PEOPLE:
            yield _Told("intensity", entity.intensity, _WAYS.get(str(_plain(entity.lane_direction)), "count"))
            yield _Told("occupancy", entity.occupancy, "occupancy")
            yield _Told("averageSpeed", entity.average_speed, "speed")
    elif isinstance(entity, NoiseLevelObserved):
        yield _Told("LAeq", entity.laeq, "sound_level")
    elif isinstance(entity, WeatherObserved):
        yield _Told("temperature", entity.temperature, "temperature")
        yield _Told("relativeHumidity", entity.relative_humidity, "humidity")
        yield _Told("windSpeed", entity.wind_speed, "wind_speed")
        yield _Told("precipitation", entity.precipitation, "precipitation")


class _Reader(NamedTuple):
    """Reads one entity; ``place`` is where it stands in the payload."""

    entity: Observed
    place: str
    zone: ZoneInfo
    received_us: int

    def readings(self) -> list[Reading]:
        told = [(each, _number(each, self._where(each.name))) for each in _told(self.entity)]
        found = [(each, number) for each, number in told if number is not None]
        if not found:
            return []
        source = self.counted_at()
        spans = [self._span(each.given) for each, _ in found]
        return [
            Reading(source, each.measure, start_us, end_us, number, from_flags | flags)
            for (each, number), ((start_us, from_flags), (end_us, flags)) in zip(found, spans, strict=True)
        ]

    def device(self) -> str:
        ref = self.entity.ref_device
        named = ref.object if isinstance(ref, Attribute) and ref.object is not None else ref
        if isinstance(named, Attribute):
            named = str(_plain(named) or "")
        if isinstance(named, list):
            named = named[0] if len(named) == 1 else ""
        return named or self.entity.id

    def counted_at(self) -> str:
        lane = _plain(self.entity.lane_id) if isinstance(self.entity, ItemFlowObserved) else None
        if lane is None:
            return self.device()
        return f"{self.device()}/lane-{lane:g}" if isinstance(lane, float | int) else f"{self.device()}/lane-{lane}"

    def _span(self, given: Given) -> tuple[Moment, Moment]:
        begins, ends = self._time("dateObservedFrom"), self._time("dateObservedTo")
        if begins is not None and ends is not None:
            span = self._instant(begins, "dateObservedFrom"), self._instant(ends, "dateObservedTo")
            where = "dateObservedTo"
        else:
            where = "dateObserved"
            text = self._time(where) or ends or (given.observed_at if isinstance(given, Attribute) else None)
            if text is None:
                raise RuimteError("is missing", self._where(where), "tell when it was observed")
            span = interval(text, self._where(where), self.zone, self.received_us)
        in_order(span[0][0], span[1][0], self._where(where))
        return span

    def _time(self, name: str) -> str | None:
        fields: dict[str, Given] = {
            "dateObserved": self.entity.date_observed,
            "dateObservedFrom": self.entity.date_observed_from,
            "dateObservedTo": self.entity.date_observed_to,
        }
        value = _plain(fields[name])
        if value is not None and not isinstance(value, str):
            raise RuimteError("is not a time", self._where(name), "send ISO 8601 with an offset")
        return value

    def _instant(self, text: str, name: str) -> Moment:
        return instant(text, self._where(name), self.zone, self.received_us)

    def _where(self, name: str) -> str:
        return f"{self.place}.{name}".lstrip(".")


def _plain(given: Given) -> str | float | bool | None:
    """The value of an attribute, however deep it is wrapped."""
    while isinstance(given, Attribute):
        if given.value is None:
            return given.typed_value
        given = given.value
    return given


def _number(told: _Told, where: str) -> float | None:
    value = _plain(told.given)
    if value is None:
        return None
    if isinstance(value, str | bool):
        raise RuimteError("is not a number", where, "send a number")
    units = _UNITS[told.measure]
    unit = (told.given.unit_code if isinstance(told.given, Attribute) else None) or next(iter(units))
    if unit not in units:
        raise RuimteError("is in a unit that is not known here", f"{where}.unitCode", f"send one of {', '.join(units)}")
    return value * units[unit]
