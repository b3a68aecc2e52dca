"""Amsterdam's counting cameras, versions 2 and 3 of their messages (github.com/Amsterdam/waarnemingen-mensen).

Version 2: ``data[]``, each with the counts of one camera over ``interval`` seconds from ``timestamp_start``. The source is
``<sensor>/<id of the aggregate>``.

| aggregate | measure |
|---|---|
| of type ``line``: ``count_in``, ``count_out`` | ``count_in``, ``count_out`` |
| of type ``zone``: ``count`` | ``people`` at the end of the interval |

Version 3: one camera over ``interval`` seconds from ``timestamp``. The source is ``<sensor>``.

| field | measure |
|---|---|
| ``density`` | ``density`` at the end of the interval |
| ``direction[]`` with ``azimuth`` from 0 up to 180 | ``count_in``: who walks north or east |
| ``direction[]`` with ``azimuth`` from 180 up to 360 | ``count_out``: who walks south or west |
| ``direction[]``: all ``cumulative_distance`` over all ``cumulative_time`` | ``speed`` |

A list of directions tells all of them: one that is not in it is 0. Draw the gate accordingly. What a camera says while it is not
``operational`` is kept as doubtful. Tracks of single persons (version 2 of ``message_type`` ``person``, version 3 ``signals``)
are dropped unread; better is a camera that does not send them.
"""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from ruimte.clock import SECOND_US
from ruimte.errors import RuimteError
from ruimte.intake.devices.payload import IGNORED, Ignored, Sent, decode, decoder
from ruimte.intake.devices.times import Moment, instant
from ruimte.intake.message import Message, Reading
from ruimte.model.observation import Flag

_LONGEST_INTERVAL_S = 86_400


class _Camera(Sent, frozen=True, kw_only=True):
    """What messages of both versions tell of the camera."""

    sensor: str
    interval: int
    sensor_type: Ignored = IGNORED
    latitude: Ignored = IGNORED
    longitude: Ignored = IGNORED
    version: Ignored = IGNORED
    owner: Ignored = IGNORED
    supplier: Ignored = IGNORED
    purpose: Ignored = IGNORED


# --- version 2 ----------------------------------------------------------------------------------------------------------


class _Line(Sent, frozen=True, kw_only=True, tag_field="type", tag="line"):
    id: str
    count_in: float
    count_out: float
    azimuth: Ignored = IGNORED


class _Zone(Sent, frozen=True, kw_only=True, tag_field="type", tag="zone"):
    id: str
    count: float
    area: Ignored = IGNORED
    geom: Ignored = IGNORED


class _CountMessage(_Camera, frozen=True, kw_only=True, tag_field="message_type", tag="count"):
    timestamp_start: str
    aggregate: list[_Line | _Zone]
    sensor_state: str
    timestamp_message: Ignored = IGNORED
    message: Ignored = IGNORED


class _PersonMessage(_Camera, frozen=True, kw_only=True, tag_field="message_type", tag="person"):
    timestamp_start: Ignored = IGNORED
    aggregate: Ignored = IGNORED
    sensor_state: Ignored = IGNORED
    timestamp_message: Ignored = IGNORED
    message: Ignored = IGNORED


class _Version2(Sent, frozen=True, kw_only=True):
    data: list[_CountMessage | _PersonMessage]


_READER_2 = decoder(_Version2)


class Amsterdam2:
    """The format ``amsterdam-v2``."""

    name = "amsterdam-v2"

    def read(self, payload: bytes, zone: ZoneInfo, received_us: int) -> Message:
        sent = decode(payload, _READER_2)
        counts = [(number, each) for number, each in enumerate(sent.data) if isinstance(each, _CountMessage)]
        message = Message(counts[0][1].sensor if counts else "")
        for number, each in counts:
            start = instant(each.timestamp_start, f"data[{number}].timestamp_start", zone, received_us)
            start_us, end_us, flags = _interval(start, each.interval, each.sensor_state, f"data[{number}].interval")
            for part in each.aggregate:
                source = f"{each.sensor}/{part.id}"
                if isinstance(part, _Zone):
                    message.readings.append(Reading(source, "people", end_us, end_us, part.count, flags))
                else:
                    message.readings.append(Reading(source, "count_in", start_us, end_us, part.count_in, flags))
                    message.readings.append(Reading(source, "count_out", start_us, end_us, part.count_out, flags))
        return message


def _interval(start: Moment, seconds: int, state: str, where: str) -> tuple[int, int, Flag]:
    if not 0 < seconds <= _LONGEST_INTERVAL_S:
        raise RuimteError("is no length of an interval", where, "send it in seconds, up to a day")
    start_us, flags = start
    return start_us, start_us + seconds * SECOND_US, flags if state == "operational" else flags | Flag.DOUBTFUL


# --- version 3 ----------------------------------------------------------------------------------------------------------


class _Direction(Sent, frozen=True, kw_only=True):
    azimuth: float
    count: float
    cumulative_distance: float = 0.0
    cumulative_time: float = 0.0
    median_speed: Ignored = IGNORED
    signals: Ignored = IGNORED


class _Version3(_Camera, frozen=True, kw_only=True):
    timestamp: str
    direction: list[_Direction]
    status: str
    density: float | None = None
    id: Ignored = IGNORED


_READER_3 = decoder(_Version3)


class Amsterdam3:
    """The format ``amsterdam-v3``."""

    name = "amsterdam-v3"

    def read(self, payload: bytes, zone: ZoneInfo, received_us: int) -> Message:
        sent = decode(payload, _READER_3)
        start = instant(sent.timestamp, "timestamp", zone, received_us)
        start_us, end_us, flags = _interval(start, sent.interval, sent.status, "interval")
        counts = {"count_in": 0.0, "count_out": 0.0}
        for number, each in enumerate(sent.direction):
            counts[_way(each.azimuth, f"direction[{number}].azimuth")] += each.count
        readings = [Reading(sent.sensor, measure, start_us, end_us, value, flags) for measure, value in counts.items()]
        seconds = sum(each.cumulative_time for each in sent.direction)
        if seconds > 0:
            speed = sum(each.cumulative_distance for each in sent.direction) / seconds
            readings.append(Reading(sent.sensor, "speed", start_us, end_us, speed, flags))
        if sent.density is not None:
            readings.append(Reading(sent.sensor, "density", end_us, end_us, sent.density, flags))
        return Message(sent.sensor, readings)


def _way(azimuth: float, where: str) -> Literal["count_in", "count_out"]:
    if not 0 <= azimuth <= 360:
        raise RuimteError("is no azimuth", where, "send degrees from north, 0 to 360")
    return "count_in" if azimuth % 360 < 180 else "count_out"
