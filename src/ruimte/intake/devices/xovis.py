"""Xovis sensors, API v5: the data pushes ``live_data`` and ``logics_data``, and the history that a sensor keeps.

The sensor names itself by ``sensor_info.serial_number`` only, so that is the source's name; the register knows it by it. A
counter belongs to a logic (a line or a zone that counts): the source is ``<serial>/<id of the logic>``.

| counter | measure |
|---|---|
| ``fw`` of a logic | ``count_in`` |
| ``bw`` of a logic | ``count_out`` |
| of type ``state``, or of a zone's occupancy | ``people`` |
| any other of type ``accumulation`` | ``count`` of ``<serial>/<id of the logic>/<name of the counter>`` |

- Live, ``tracked_objects`` of type ``PERSON``: points of a ``Frame``, ``position`` in metres. Groups repeat persons; prams,
  bicycles and the like are no persons.
- Live, events of category ``COUNT``: ``counter_value`` is a running total, or of a state the value at that time. Which counter it
  is stands in ``config``; so the push must send its metadata. Crossings of lines and zones are told again by the counters:
  dropped.
- Logics and history: ``value`` is the count of the record, ``from`` to ``to`` or ``begin`` to ``end``; of a state that at its
  end.
- Logics that count bicycles, prams, groups and the like are left out. Gender, masks, staff and view direction refuse the payload.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from ruimte.errors import RuimteError
from ruimte.intake.devices.payload import IGNORED, Ignored, Sent, decode, decoder
from ruimte.intake.devices.times import Moment, epoch_ms, in_order, instant
from ruimte.intake.message import Frame, Message, Reading, Total
from ruimte.model.observation import Flag

Time = str | float


class _SensorInfo(Sent, frozen=True, kw_only=True):
    serial_number: str
    type: Ignored = IGNORED
    name: Ignored = IGNORED
    group: Ignored = IGNORED
    timezone: Ignored = IGNORED


class _LogicConfig(Sent, frozen=True, kw_only=True):
    id: int
    name: Ignored = IGNORED
    info: str = ""
    type: str = ""
    geometries: Ignored = IGNORED
    optional_data: Ignored = IGNORED
    layer_id: Ignored = IGNORED


class _CountConfig(Sent, frozen=True, kw_only=True):
    id: int
    name: str = ""
    logic_id: int
    type: str = "accumulation"


class _Config(Sent, frozen=True, kw_only=True):
    logics: tuple[_LogicConfig, ...] = ()
    counts: tuple[_CountConfig, ...] = ()
    geometries: Ignored = IGNORED


class _ObjectAttributes(Sent, frozen=True, kw_only=True):
    person_height: float | None = None
    members: Ignored = IGNORED


class _Object(Sent, frozen=True, kw_only=True):
    track_id: int
    type: str
    position: Annotated[tuple[float, ...], msgspec.Meta(min_length=2, max_length=3)]
    attributes: _ObjectAttributes = _ObjectAttributes()


class _EventAttributes(Sent, frozen=True, kw_only=True):
    counter_id: int | None = None
    counter_value: float | None = None
    track_id: Ignored = IGNORED
    geometry_id: Ignored = IGNORED
    geometry_type: Ignored = IGNORED
    geometry_name: Ignored = IGNORED
    sequence_number: Ignored = IGNORED
    zone_event_type: Ignored = IGNORED
    time_in_zone: Ignored = IGNORED
    direction: Ignored = IGNORED
    logic_id: Ignored = IGNORED
    door_id: Ignored = IGNORED
    space_id: Ignored = IGNORED


class _Event(Sent, frozen=True, kw_only=True):
    type: str
    category: str = ""
    attributes: _EventAttributes = _EventAttributes()


class _Frame(Sent, frozen=True, kw_only=True):
    time: Time
    framenumber: Ignored = IGNORED
    frametype: Ignored = IGNORED
    tracked_objects: tuple[_Object, ...] = ()
    events: tuple[_Event, ...] = ()
    illumination: Ignored = IGNORED


class _Live(Sent, frozen=True, kw_only=True):
    sensor_info: _SensorInfo
    frames: list[_Frame]
    config: _Config = _Config()
    package_info: Ignored = IGNORED


class _Count(Sent, frozen=True, kw_only=True):
    id: int
    value: float | None = None
    name: str = ""
    bins: Ignored = IGNORED


class _LogicRecord(Sent, frozen=True, kw_only=True):
    begin: Time = msgspec.field(name="from")
    end: Time = msgspec.field(name="to")
    counts: tuple[_Count, ...] = ()
    samples: Ignored = IGNORED
    samples_expected: Ignored = IGNORED


class _Logic(Sent, frozen=True, kw_only=True):
    id: int
    info: str = ""
    name: Ignored = IGNORED
    geometries: Ignored = IGNORED
    zone_of_interest_id: Ignored = IGNORED
    records: tuple[_LogicRecord, ...] = ()


class _Logics(Sent, frozen=True, kw_only=True):
    sensor_info: _SensorInfo
    logics: list[_Logic]
    package_info: Ignored = IGNORED
    data_info: Ignored = IGNORED


class _Measurement(Sent, frozen=True, kw_only=True):
    begin: Time
    end: Time
    counts: tuple[_Count, ...] = ()
    records: Ignored = IGNORED


class _History(Sent, frozen=True, kw_only=True):
    sensor_info: _SensorInfo
    config: _Config
    measurements: list[_Measurement]
    package_info: Ignored = IGNORED


class _Push(Sent, frozen=True, kw_only=True):
    live_data: _Live | None = None
    logics_data: _Logics | None = None
    history_data: _History | None = None


_READER = decoder(_Push)


class _Counter(NamedTuple):
    """What a counter counts: ``source`` and ``measure``, and whether it is a state rather than a count."""

    source: str
    measure: str
    is_state: bool


class Xovis:
    """The format ``xovis``."""

    name = "xovis"

    def read(self, payload: bytes, zone: ZoneInfo, received_us: int) -> Message:
        sent = decode(payload, _READER)
        clock = _Clock(zone, received_us)
        if sent.live_data is not None:
            return _live(sent.live_data, clock)
        if sent.logics_data is not None:
            return _logics(sent.logics_data, clock)
        if sent.history_data is not None:
            return _history(sent.history_data, clock)
        raise RuimteError("holds no live_data, logics_data or history_data", "payload", "set the push to one of these")


class _Clock(NamedTuple):
    zone: ZoneInfo
    received_us: int

    def read(self, time: Time, where: str) -> Moment:
        """Milliseconds since 1970, or ISO 8601."""
        if isinstance(time, str):
            return instant(time, where, self.zone, self.received_us)
        return epoch_ms(time, where), Flag.NONE


# --- live ---------------------------------------------------------------------------------------------------------------


def _live(live: _Live, clock: _Clock) -> Message:
    serial = live.sensor_info.serial_number
    message = Message(serial)
    counters = _configured(serial, live.config)
    for number, frame in enumerate(live.frames):
        where = f"live_data.frames[{number}]"
        time_us, flags = clock.read(frame.time, f"{where}.time")
        persons = [each for each in frame.tracked_objects if each.type == "PERSON"]
        message.frames.append(_points(serial, time_us, persons))  # also where there is nobody: that is zero people
        for event in frame.events:
            if event.category == "COUNT" or event.type.startswith("COUNT_"):
                _count(message, counters, event.attributes, (time_us, flags), f"{where}.events")
    return message


def _points(source: str, time_us: int, persons: Sequence[_Object]) -> Frame:
    ids = np.array([each.track_id & (2**64 - 1) for each in persons], dtype=np.uint64)
    x_m, y_m = (np.array([each.position[axis] for each in persons], dtype=np.float64) for axis in (0, 1))
    return Frame(source, time_us, ids, x_m, y_m, np.array([_height_m(each) for each in persons], dtype=np.float64))


def _height_m(person: _Object) -> float:
    if person.attributes.person_height is not None:
        return person.attributes.person_height
    return person.position[2] if len(person.position) == 3 else float("nan")


def _count(message: Message, counters: dict[int, _Counter | None], told: _EventAttributes, at: Moment, where: str) -> None:
    if told.counter_id is None or told.counter_value is None:
        raise RuimteError("a count without counter_id or counter_value", where, "let the push send the attributes of events")
    if told.counter_id not in counters:
        raise RuimteError("a count of which config tells nothing", where, "let the push send its full metadata")
    counter, (time_us, flags) = counters[told.counter_id], at
    if counter is None:
        return
    if counter.is_state:
        message.readings.append(Reading(counter.source, counter.measure, time_us, time_us, told.counter_value, flags))
    else:
        message.totals.append(Total(counter.source, counter.measure, time_us, told.counter_value, flags=flags))


# --- logics and history -------------------------------------------------------------------------------------------------


def _logics(sent: _Logics, clock: _Clock) -> Message:
    serial = sent.sensor_info.serial_number
    message = Message(serial)
    for logic in sent.logics:
        for record in logic.records:
            counters = {each.id: _counter(serial, logic.id, logic.info, each.name, "") for each in record.counts}
            _record(message, counters, record.begin, record.end, record.counts, clock, "logics_data.logics.records")
    return message


def _history(sent: _History, clock: _Clock) -> Message:
    serial = sent.sensor_info.serial_number
    message = Message(serial)
    counters = _configured(serial, sent.config)
    for number, each in enumerate(sent.measurements):
        _record(message, counters, each.begin, each.end, each.counts, clock, f"history_data.measurements[{number}]")
    return message


def _record(
    message: Message,
    counters: dict[int, _Counter | None],
    begin: Time,
    end: Time,
    counts: Sequence[_Count],
    clock: _Clock,
    where: str,
) -> None:
    (start_us, from_flags), (end_us, flags) = clock.read(begin, where), clock.read(end, where)
    in_order(start_us, end_us, where)
    for count in counts:
        if count.id not in counters:
            raise RuimteError("a count of which config tells nothing", where, "send the configuration with the history")
        counter = counters[count.id]
        if counter is not None and count.value is not None:
            begins_us = end_us if counter.is_state else start_us
            reading = Reading(counter.source, counter.measure, begins_us, end_us, count.value, from_flags | flags)
            message.readings.append(reading)


# --- counters -----------------------------------------------------------------------------------------------------------


def _configured(serial: str, config: _Config) -> dict[int, _Counter | None]:
    """The counters by their id; None for one that counts no persons."""
    kinds = {logic.id: logic.type or logic.info for logic in config.logics}
    return {
        each.id: _counter(serial, each.logic_id, kinds.get(each.logic_id, ""), each.name, each.type) for each in config.counts
    }


_NO_PERSONS = ("GROUP", "BICYCLE", "PRAM", "WHEELCHAIR", "SHOPPING_CART", "QUEUE", "WRONG_WAY")


def _counter(serial: str, logic: int, kind: str, name: str, count_type: str) -> _Counter | None:
    if any(word in kind for word in _NO_PERSONS):
        return None
    source = f"{serial}/{logic}"
    if count_type == "state" or "OCCUPANCY" in kind:
        return _Counter(source, "people", True)
    if name in _DIRECTIONS:
        return _Counter(source, _DIRECTIONS[name], False)
    return _Counter(f"{source}/{name}", "count", False)


_DIRECTIONS = {"fw": "count_in", "bw": "count_out"}
