"""Axis Object Analytics over MQTT: the camera's events of a scenario (topic ``…/ObjectAnalytics/Device1Scenario1``).

The source is the scenario as the topic ends (``Device1Scenario1``), within the camera that sent it: the camera names itself by
its serial number only, which is dropped. All values are texts.

- Crossline counting, ``data.totalHuman``: a running total of ``count`` since ``data.startTime``. A scenario counts one direction;
  which one the register says: a sensor with only ``count_in`` or only ``count_out`` takes it.
- Occupancy in area, ``data.human``: ``people`` at ``timestamp`` (milliseconds).
- Other classes, and ``total`` of all classes, are no persons and are dropped; an event that is not about counts says nothing.
"""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import msgspec

from ruimte.errors import RuimteError
from ruimte.intake.devices.payload import IGNORED, Ignored, Sent, decode, decoder
from ruimte.intake.devices.times import epoch_ms, instant
from ruimte.intake.message import Message, Reading, Total


class _Data(Sent, frozen=True, kw_only=True, rename="camel"):
    total_human: str | None = None
    human: str | None = None
    start_time: str | None = None
    reason: Ignored = IGNORED
    scenario: Ignored = IGNORED
    scenario_type: Ignored = IGNORED
    trigger_time: Ignored = IGNORED
    active: Ignored = IGNORED
    class_types: Ignored = IGNORED
    object_id: Ignored = IGNORED
    track_id: Ignored = IGNORED
    total: Ignored = IGNORED
    total_bike: Ignored = IGNORED
    total_bus: Ignored = IGNORED
    total_car: Ignored = IGNORED
    total_motorcycle: Ignored = msgspec.field(name="totalMotorcycle/bicycle", default=IGNORED)
    total_other_vehicle: Ignored = IGNORED
    total_truck: Ignored = IGNORED
    total_unknown: Ignored = IGNORED
    bike: Ignored = IGNORED
    bus: Ignored = IGNORED
    car: Ignored = IGNORED
    motorcycle: Ignored = msgspec.field(name="motorcycle/bicycle", default=IGNORED)
    other_vehicle: Ignored = IGNORED
    truck: Ignored = IGNORED
    unknown: Ignored = IGNORED


class _Event(Sent, frozen=True, kw_only=True):
    source: Ignored
    key: Ignored
    data: _Data


class _Envelope(Sent, frozen=True, kw_only=True):
    topic: str
    timestamp: float
    message: _Event
    serial: Ignored = IGNORED


_READER = decoder(_Envelope)
_SCENARIO = re.compile(r"/ObjectAnalytics/(\w{1,64})\Z")


class AxisObjectAnalytics:
    """The format ``axis-object-analytics``."""

    name = "axis-object-analytics"

    def read(self, payload: bytes, zone: ZoneInfo, received_us: int) -> Message:
        sent = decode(payload, _READER)
        scenario = _SCENARIO.search(sent.topic)
        if scenario is None:
            raise RuimteError("is not a scenario of Axis Object Analytics", "topic", "publish …/ObjectAnalytics/Device1Scenario1")
        source, time_us = scenario[1], epoch_ms(sent.timestamp, "timestamp")
        counts = sent.message.data
        message = Message()
        if counts.human is not None:
            message.readings.append(Reading(source, "people", time_us, time_us, _number(counts.human, "human")))
        if counts.total_human is not None:
            since_us = _since(counts.start_time, zone, received_us)
            value = _number(counts.total_human, "totalHuman")
            message.totals.append(Total(source, "count", time_us, value, since_us))
        return message


def _since(text: str | None, zone: ZoneInfo, received_us: int) -> int | None:
    return instant(text, "message.data.startTime", zone, received_us)[0] if text else None


def _number(text: str, name: str) -> float:
    if re.fullmatch(r"\d{1,15}", text, re.ASCII) is None:
        raise RuimteError("is not a whole number", f"message.data.{name}", "send the count as the vendor's format says")
    return float(text)
