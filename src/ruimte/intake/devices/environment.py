"""Sound and weather in a form of our own, for stations that speak no standard: one flat JSON object.

``source`` is how the station calls itself; ``from`` and ``to`` are the interval (ISO 8601). The other fields are the measures
``sound_level`` (dB, LAeq over the interval), ``temperature`` (°C), ``humidity`` (0 to 1), ``wind_speed`` (m/s), ``precipitation``
(mm in the interval); one that is left out or null is missing.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec

from ruimte.intake.devices.payload import Sent, decode, decoder
from ruimte.intake.devices.times import in_order, instant
from ruimte.intake.message import Message, Reading

MEASURED = ("sound_level", "temperature", "humidity", "wind_speed", "precipitation")


class _Station(Sent, frozen=True, kw_only=True):
    source: str
    begin: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    sound_level: float | None = None
    temperature: float | None = None
    humidity: float | None = None
    wind_speed: float | None = None
    precipitation: float | None = None


_READER = decoder(_Station)


class Environment:
    """The format ``environment``."""

    name = "environment"

    def read(self, payload: bytes, zone: ZoneInfo, received_us: int) -> Message:
        sent = decode(payload, _READER)
        start_us, from_flags = instant(sent.begin, "from", zone, received_us)
        end_us, flags = instant(sent.end, "to", zone, received_us)
        in_order(start_us, end_us, "to")
        told = {name: value for name in MEASURED if (value := getattr(sent, name)) is not None}
        readings = [Reading(sent.source, name, start_us, end_us, value, from_flags | flags) for name, value in told.items()]
        return Message(sent.source, readings)
