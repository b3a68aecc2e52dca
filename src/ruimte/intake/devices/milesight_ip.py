"""Milesight VS121-P: region people counting by HTTP or MQTT (the vendor's page Communication Protocol of the VS121-P).

The sensor names itself by serial number and addresses only, which are dropped: sources are within the device that sent it.

| field | source | measure |
|---|---|---|
| ``current_total`` | the device | ``people`` |
| ``current_counted[i]`` | ``region-<numbering_regions[i]>`` | ``people`` |

They are of ``time_info.end_time``, of a trigger report of ``time``: on the sensor's wall clock, told apart by ``timezone``
("UTC+8:00") and ``dst_status`` (an hour more; then flagged). Without ``timezone`` they are read in the lab's. The most that was
counted, and whether a region is occupied, are dropped. A snapshot is a picture of people: it refuses the payload.
"""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec

from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.errors import RuimteError
from ruimte.intake.devices.payload import IGNORED, Ignored, Sent, decode, decoder
from ruimte.intake.devices.times import Moment, by_pattern
from ruimte.intake.message import Message, Reading
from ruimte.model.observation import Flag


class _TimeInfo(Sent, frozen=True, kw_only=True):
    timezone: str = ""
    dst_status: bool = False
    end_time: str = ""
    time: str = ""
    start_time: Ignored = IGNORED


class _Report(Sent, frozen=True, kw_only=True):
    event: str
    time_info: _TimeInfo
    current_total: float | None = None
    numbering_regions: tuple[int, ...] = ()
    current_counted: tuple[float, ...] = ()
    device_info: Ignored = IGNORED
    report_type: Ignored = IGNORED
    max_counted: Ignored = IGNORED
    max_counted_upper: Ignored = msgspec.field(name="Max_counted", default=IGNORED)
    total_mapped_regions: Ignored = IGNORED
    regions_name: Ignored = IGNORED
    occupancy: Ignored = IGNORED


_READER = decoder(_Report)
_ZONE = re.compile(r"UTC([+-])(\d{1,2}):([0-5]\d)(?: .*)?\Z", re.ASCII)
_PATTERN = "%Y/%m/%d %H:%M:%S"


class MilesightIp:
    """The format ``milesight-ip``."""

    name = "milesight-ip"

    def read(self, payload: bytes, zone: ZoneInfo, received_us: int) -> Message:
        sent = decode(payload, _READER)
        if sent.event != "Region People Counting":
            raise RuimteError("is no region people counting", "event", "set the sensor to region people counting")
        time_us, flags = _time(sent.time_info, zone, received_us)
        counts = {} if sent.current_total is None else {"": sent.current_total}
        if sent.current_counted:
            if len(sent.current_counted) != len(sent.numbering_regions):
                raise RuimteError("has not one count a region", "current_counted", "send as many as numbering_regions")
            counts |= {f"region-{n}": count for n, count in zip(sent.numbering_regions, sent.current_counted, strict=True)}
        return Message(readings=[Reading(source, "people", time_us, time_us, count, flags) for source, count in counts.items()])


def _time(told: _TimeInfo, zone: ZoneInfo, received_us: int) -> Moment:
    text, where = (told.end_time, "time_info.end_time") if told.end_time else (told.time, "time_info.time")
    if not told.timezone:
        return by_pattern(text, _PATTERN, where, zone, received_us)
    offset = _ZONE.match(told.timezone)
    if offset is None or timedelta(hours=int(offset[2])) > timedelta(hours=14):
        raise RuimteError("is not a time zone", "time_info.timezone", "send it like UTC+1:00")
    wall_us, _ = by_pattern(text, _PATTERN, where, ZoneInfo("UTC"), received_us)
    ahead_us = int(offset[2]) * HOUR_US + int(offset[3]) * MINUTE_US
    summer_us = HOUR_US if told.dst_status else 0
    time_us = wall_us - (ahead_us if offset[1] == "+" else -ahead_us) - summer_us
    return time_us, Flag.REPAIRED if told.dst_status else Flag.NONE
