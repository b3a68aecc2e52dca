"""Milesight VS13x people counters (VS133, VS135), as the vendor's decoder tells their LoRaWAN payload
(github.com/Milesight-IoT/SensorDecoders): lines 1 to 4, and regions 1 to 4.

| field | source | measure |
|---|---|---|
| ``line_n_period_in``, ``line_n_period_out`` | ``<device>/line-n`` | ``count_in``, ``count_out`` of the period that ends |
| ``line_n_total_in``, ``line_n_total_out`` | ``<device>/line-n`` | the same as running totals, where no period is told |
| ``region_n_count`` | ``<device>/region-n`` | ``people`` |
| ``region_n_avg_dwell`` | ``<device>/region-n`` | ``dwell``, seconds |

``history`` repeats what was not received, each with its own ``timestamp``. ``region_n_max_dwell``, children apart (they are in
the counts of all), alarms of a covered lens, answers to downlinks, versions, serial number and state of the device are dropped.
Each channel comes in uplinks of its own, so what is not told is missing, never zero.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ruimte.errors import RuimteError
from ruimte.intake.devices.payload import IGNORED, Ignored, Sent
from ruimte.intake.devices.times import Moment, epoch_s
from ruimte.intake.message import Message, Reading, Total
from ruimte.model.observation import Flag

_NUMBERS = range(1, 5)
_PERIODS = {f"line_{n}_period_{way}": (f"line-{n}", f"count_{way}") for n in _NUMBERS for way in ("in", "out")}
_TOTALS = {f"line_{n}_total_{way}": (f"line-{n}", f"count_{way}") for n in _NUMBERS for way in ("in", "out")}
_REGIONS = {f"region_{n}_count": (f"region-{n}", "people") for n in _NUMBERS} | {
    f"region_{n}_avg_dwell": (f"region-{n}", "dwell") for n in _NUMBERS
}
_READ = [(name, float | None, None) for name in (*_PERIODS, *_TOTALS, *_REGIONS)]
_CHILDREN = [f"line_{n}_child_{kind}_{way}" for n in _NUMBERS for kind in ("total", "period") for way in ("in", "out")]
_CHILDREN += [f"region_{n}_child_{what}" for n in _NUMBERS for what in ("count", "avg_dwell", "max_dwell")]
_ALARMS = ["master_occlusion_alarm", *(f"node_{n}_occlusion_alarm" for n in _NUMBERS)]
_DROPPED = [(name, Ignored, IGNORED) for name in (*(f"region_{n}_max_dwell" for n in _NUMBERS), *_CHILDREN, *_ALARMS)]


class _Device(Sent, frozen=True, kw_only=True):
    """What the device tells of itself."""

    ipso_version: Ignored = IGNORED
    protocol_version: Ignored = IGNORED
    hardware_version: Ignored = IGNORED
    firmware_version: Ignored = IGNORED
    tsl_version: Ignored = IGNORED
    sn: Ignored = IGNORED
    lorawan_class: Ignored = IGNORED
    reset_event: Ignored = IGNORED
    device_status: Ignored = IGNORED
    report_interval: Ignored = IGNORED  # from here on answers to downlinks
    periodic_report_enable: Ignored = IGNORED
    timestamp: Ignored = IGNORED
    retransmit_enable: Ignored = IGNORED
    retransmit_interval: Ignored = IGNORED
    reboot: Ignored = IGNORED
    sync_time_from_gateway_config: Ignored = IGNORED
    data_rate: Ignored = IGNORED
    tx_power_level: Ignored = IGNORED
    log_config: Ignored = IGNORED
    device_response_result: Ignored = IGNORED
    history: tuple[dict[str, float], ...] = ()


def _struct(name: str, base: type[Sent]) -> Any:
    return msgspec.defstruct(name, [*_READ, *_DROPPED], bases=(base,), frozen=True, kw_only=True, forbid_unknown_fields=True)


Vs13x = _struct("Vs13x", _Device)
"""The decoded payload: ``None`` where a channel is not told."""

_KNOWN_IN_HISTORY = {"timestamp", *_PERIODS, *_TOTALS, *_REGIONS, *(name for name, _, _ in _DROPPED)}


def read_vs13x(device: str, told: Any, received: Moment, where: str) -> Message:
    """What a decoded payload (a ``Vs13x``) says, of ``device``, at the time of receipt."""
    message = Message(device)
    for number, past in enumerate(told.history):
        place = f"{where}.history[{number}]"
        if not set(past) <= _KNOWN_IN_HISTORY:
            raise RuimteError("holds a field that is not of this format", place, "use the vendor's decoder")
        if "timestamp" not in past:
            raise RuimteError("is missing", f"{place}.timestamp", "use the vendor's decoder")
        _tell(message, past, (epoch_s(past["timestamp"], f"{place}.timestamp"), Flag.NONE))
    _tell(message, {name: value for name, _, _ in _READ if (value := getattr(told, name)) is not None}, received)
    return message


def _tell(message: Message, told: dict[str, float], at: Moment) -> None:
    time_us, flags = at
    for name, value in told.items():
        if name in _TOTALS:
            channel, measure = _TOTALS[name]
            if name.replace("total", "period") not in told:
                message.totals.append(Total(f"{message.device}/{channel}", measure, time_us, value, flags=flags))
        elif name in _PERIODS or name in _REGIONS:
            channel, measure = _PERIODS.get(name) or _REGIONS[name]
            message.readings.append(Reading(f"{message.device}/{channel}", measure, time_us, time_us, value, flags))
