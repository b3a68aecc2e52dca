"""Axis People Counter, live data: ``/local/tvpc/.api?live-sum.json`` (VAPIX People counter API).

`name`, as set in the camera, is the source; ``in`` and ``out`` are running totals of ``count_in`` and ``count_out`` that begin
anew at midnight. ``timestamp`` is ``YYYYMMDDhhmmss`` on the camera's wall clock, without an offset. ``serial`` is dropped.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec

from ruimte.intake.devices.payload import IGNORED, Ignored, Sent, decode, decoder
from ruimte.intake.devices.times import by_pattern
from ruimte.intake.message import Message, Total


class _LiveSum(Sent, frozen=True, kw_only=True):
    name: str
    timestamp: str
    count_in: float = msgspec.field(name="in")
    count_out: float = msgspec.field(name="out")
    serial: Ignored = IGNORED


_READER = decoder(_LiveSum)


class AxisPeopleCounter:
    """The format ``axis-people-counter``."""

    name = "axis-people-counter"

    def read(self, payload: bytes, zone: ZoneInfo, received_us: int) -> Message:
        sent = decode(payload, _READER)
        time_us, flags = by_pattern(sent.timestamp, "%Y%m%d%H%M%S", "timestamp", zone, received_us)
        counts = {"count_in": sent.count_in, "count_out": sent.count_out}
        totals = [Total(sent.name, measure, time_us, value, flags=flags) for measure, value in counts.items()]
        return Message(sent.name, totals=totals)
