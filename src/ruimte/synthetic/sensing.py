"""What the sensors tell of a day: counters that miss people, cameras that err, and now and then nothing at all."""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.clock import HOUR_US
from ruimte.errors import RuimteError
from ruimte.lab.compile import DETECTION, READING_ACCURACY, StreamKey, stream_keys
from ruimte.lab.field_reports import KIND as FIELD_REPORT
from ruimte.lab.lab import Lab
from ruimte.model.observation import OBSERVATIONS
from ruimte.synthetic.world import Day
from ruimte.text import duration_us

Array = NDArray[np.float64]
Random = np.random.Generator

_WAYS = {"count_in": 0, "count_out": 1}
_WEATHER = {"temperature": "temperature_c", "precipitation": "rain_mm", "wind_speed": "wind_m_s"}
_FALSE = 0.03
"""Who is not there, an interval: dogs, prams, counted all the same; and as a share of those who pass, the next."""
_FALSE_SHARE = 0.004
_SEEN_MOST = 0.995
_RUN = 6
"""Intervals for which a sensor that falls silent stays so."""


def observe(
    day: Day, lab: Lab, ids: Mapping[str, int], seed: int | None = None, from_us: int | None = None, until_us: int | None = None
) -> pa.Table:
    """What the lab's sensors tell of a day, as a table with schema ``OBSERVATIONS``, in order of time.

    ``ids``: the id of each datastream, by its key (``SENSOR/MEASURE``); others are left out, so are those of which the world
    knows nothing. ``seed``: of the errors; by default the day's own. A sensor is off in the same way on all days of one seed.
    Only intervals that end in ``(from_us, until_us]`` are told of, where these are given. Each is received at its end.

    Raises ``RuimteError`` where a counter's interval is not the day's tick.
    """
    seed = day.seed if seed is None else seed
    told = [_told(day, lab, each, seed) for each in stream_keys(lab) if each.key in ids]
    known = [each.key for each in stream_keys(lab) if each.key in ids]
    columns = [
        (np.full(len(end), ids[key]), start, end, result)
        for key, found in zip(known, told, strict=True)
        if found is not None
        for start, end, result in [found]
    ]
    if not columns:
        return OBSERVATIONS.empty_table()
    stream, start, end, result = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    inside = (end > (from_us if from_us is not None else 0)) & (end <= (until_us if until_us is not None else end.max()))
    order = np.flatnonzero(inside)[np.lexsort((stream[inside], end[inside]))]
    arrays = [stream, start, end, end, result, np.zeros(len(end), dtype=np.int32)]
    return pa.table([pa.array(a[order]).cast(f.type) for a, f in zip(arrays, OBSERVATIONS, strict=True)], schema=OBSERVATIONS)


def _told(day: Day, lab: Lab, each: StreamKey, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Array] | None:
    """Start, end and result of what one datastream tells; None where the world knows nothing of it."""
    if each.sensor.kind == FIELD_REPORT:
        return None  # nobody of this world tells how many they see
    key = crc32(each.key.encode())
    lasting, today = np.random.default_rng([seed, key]), np.random.default_rng([seed, key, day.on.toordinal()])
    end = day.ends_us
    start = end - day.tick_us
    if each.measure in _WEATHER:
        hourly = getattr(day.weather, _WEATHER[each.measure])
        start = day.start_us + HOUR_US * np.arange(len(hourly), dtype=np.int64)
        return start, start + HOUR_US, np.round(hourly, 1)
    if each.measure in _WAYS and each.place in day.gates:
        if duration_us(each.sensor.interval) != day.tick_us:
            raise RuimteError("the invented world counts by the tick", each.sensor.key, "make its interval the lab's tick")
        result = _counted(day, lab, each, lasting, today)
    elif each.measure == "people" and each.place in day.zones:
        start = end  # an instant
        result = _seen(day, each, lasting, today)
    else:
        return None
    there = ~_silent(len(end), day.parameters.drop_out, today)
    return start[there], end[there], result[there]


def _counted(day: Day, lab: Lab, each: StreamKey, lasting: Random, today: Random) -> Array:
    """Persons counted of those who passed: a share, off in its own lasting way, wandering, lower where it is full."""
    p = day.parameters
    flows = day.flows[:, day.gates.index(each.place)]
    width_m = lab.gates[each.place].width_m or 3.0
    full = np.minimum(flows.sum(axis=1) / (p.gate_per_m_s * width_m * day.tick_us / 1e6), 1.0)
    registered = DETECTION if each.sensor.detection is None else each.sensor.detection
    share = registered * np.exp(p.detection_spread * lasting.normal() + _wander(day, p.detection_drift, today))
    passed = flows[:, _WAYS[each.measure]]
    counted = today.binomial(passed, np.clip(share * (1 - p.crowd_blindness * full), 0, _SEEN_MOST))
    return (counted + today.poisson(_FALSE + _FALSE_SHARE * passed)).astype(float)


def _seen(day: Day, each: StreamKey, lasting: Random, today: Random) -> Array:
    """Persons that an area camera makes out: off by a share that lasts, one that wanders, and one of each moment."""
    accuracy = READING_ACCURACY if each.sensor.accuracy is None else each.sensor.accuracy
    error = day.parameters.camera_noise * accuracy
    people = day.people[:, day.zones.index(each.place)]
    off = 0.35 * lasting.normal() + _wander(day, 0.5, today) + 0.75 * today.normal(size=len(people))
    return np.maximum(0.0, np.round(people * np.exp(error * off) + today.normal(0, 1.0, len(people)) * (people > 0)))


def _wander(day: Day, spread: float, random: Random) -> Array:
    """Noise that keeps for about an hour, with this standard deviation, shape (ticks,)."""
    keeps = np.exp(-day.tick_us / HOUR_US)
    pushes = random.normal(size=len(day.people)) * np.sqrt(1 - keeps**2)
    pushes[0] = random.normal()
    found = np.empty(len(pushes))
    last = 0.0
    for number, push in enumerate(pushes):
        last = found[number] = keeps * last + push
    return spread * found


def _silent(count: int, share: float, random: Random) -> NDArray[np.bool_]:
    """Intervals of which nothing arrives: half of them alone, half in runs, shape (count,)."""
    alone = random.random(count) < share / 2
    starts = random.random(count + _RUN - 1) < share / 2 / _RUN
    return alone | (np.convolve(starts, np.ones(_RUN), mode="valid") > 0)
