"""What a recording of tracks tells, as plain data: for JSON, and for the tables of the terminal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import iso
from ruimte.jobs.measuring import Told, start_us
from ruimte.jobs.track_scene import GatePlace, ZonePlace
from ruimte.tracks.distancing import Distances
from ruimte.tracks.worst import Worst

Row = dict[str, Any]

_FEW = 5
"""Of fewer people a map is no map of a crowd."""


def parameters(told: Told) -> Row:
    """What the figures depend on."""
    return {
        "cut_off_m": told.choices.cut_off_m,
        "step_frames": told.step,
        "window_s": told.choices.window_s,
        "every_s": told.choices.every_s,
        "square_m": told.stage.scene.grid.side_m,
        "rate_hz": told.recording.frames.rate_hz,
        "unit": told.recording.unit,
        "format": told.recording.format,
    }


def as_dict(told: Told) -> Row:
    """All that is told of a recording, but for its series and its map."""
    begin_us = start_us(told.recording)
    return {
        "file": str(told.file),
        "parameters": parameters(told),
        "start": None if begin_us is None else iso(begin_us),
        "seconds": told.figures.seconds,
        "frames": told.figures.frames,
        "tracks": len(told.recording.frames.track) - 1,
        "walkable": told.stage.seen,
        "walkable_m2": told.stage.scene.area.area_m2,
        "zones": [_zone(told, at, zone) for at, zone in enumerate(told.stage.zones)],
        "gates": [_gate(told, at, gate) for at, gate in enumerate(told.stage.gates)],
        "left_out": _left_out(told),
        "indicators": [_indicator(worst) for worst in told.worst],
        "distancing": None if told.distances is None else _distances(told.distances),
        "notes": list(notes(told)),
    }


def notes(told: Told) -> tuple[str, ...]:
    """What was decided or left out on the way, a line each."""
    short: tuple[str, ...] = ()
    if told.stage.gates and told.figures.seconds < told.choices.window_s:
        short = (f"flow over {told.choices.window_s:g} s is not known: the recording has {told.figures.seconds:.1f} s",)
    count = len(told.recording.frames.track) - 1
    few = (f"fewer than {_FEW} tracks: map and figures show where these few went; keep them as you keep the recording",)
    return (*told.recording.notes, *told.stage.notes, *short, *(few if count < _FEW else ()))


def _zone(told: Told, at: int, zone: ZonePlace) -> Row:
    series, levels = told.figures.series, told.zone_levels[at]
    weight = series.frames / series.frames.sum()
    density, top = series.voronoi[:, at], int(series.voronoi[:, at].argmax())
    median, high = np.quantile(density, (0.5, 0.95))
    speed = series.speed_m_s[:, at]
    share = np.bincount(levels.rank, weights=weight, minlength=len(levels.names))
    return {
        "zone": zone.key,
        "name": zone.name,
        "area_m2": zone.area_m2,
        "people_mean": float(series.people[:, at] @ weight),
        "people_most": int(series.people_most[:, at].max()),
        "density_classic_mean": float(series.classic[:, at] @ weight),
        "density_median": float(median),
        "density_95": float(high),
        "density_most": float(density[top]),
        "density_most_at_s": float(series.start_s[top]),
        "speed_m_s": float(np.nanmean(speed)) if np.isfinite(speed).any() else None,
        "levels": zone.levels.name,
        "level_worst": levels.names[int(levels.rank.max())],
        "level_share": {name: float(each) for name, each in zip(levels.names, share, strict=True)},
    }


def _gate(told: Told, at: int, gate: GatePlace) -> Row:
    passing, levels = told.figures.passing, told.gate_levels[at]
    forward, back = int(passing.forward[-1, at]), int(passing.back[-1, at])
    both = 60 * (passing.forward_s + passing.back_s)[:, at]
    known = np.isfinite(both).any()
    most = float(np.nanmax(both)) if known else math.nan
    worst = int(levels.rank.argmax())
    return {
        "gate": gate.key,
        "name": gate.name,
        "from": gate.from_,
        "to": gate.to,
        "width_m": gate.width_m,
        "forward": forward,
        "back": back,
        "people": int(passing.people[-1, at]),
        "flow_mean_per_min": 60 * (forward + back) / told.figures.seconds,
        "flow_most_per_min": number(most),
        "flow_most_per_m_min": number(most / gate.width_m),
        "flow_most_until_s": float(ends_s(told)[int(np.nanargmax(both))]) if known else None,
        "levels": gate.levels.name,
        "level_worst": levels.names[int(levels.rank[worst])] if known else None,
        "certain": bool(levels.certain[worst]) if known else None,
    }


def _left_out(told: Told) -> Row:
    left = told.figures.left_out
    return {name: getattr(left, name) for name in ("positions", "unknown", "outside", "no_cell", "twins", "jumped")}


def _indicator(worst: Worst) -> Row:
    one = worst.indicator
    return {
        "name": one.name,
        "value": number(one.value),
        "unit": one.unit,
        "why_not": one.why or None,
        "start_s": worst.start_s,
        "windows": worst.windows,
        "windows_known": worst.known,
        "x_m": number(worst.x_m),
        "y_m": number(worst.y_m),
        "threshold": one.threshold,
        "parameters": [str(each) for each in one.parameters],
        "formula": one.formula,
        "source": one.source,
        "label": one.label,
    }


def _distances(found: Distances) -> Row:
    starts = (0.0, *found.rule.exposure_s)
    return {
        "people": found.people,
        "person_minutes": found.person_minutes,
        "contact_m": found.rule.contact_m,
        "contact_s": found.rule.contact_s,
        "contacts": found.contacts,
        "contacts_per_person_minute": number(found.contacts_per_person_minute),
        "share_too_close": number(found.share_too_close),
        "share_in_groups": number(found.share_in_groups),
        "exposure": [{"from_s": start, "people": int(count)} for start, count in zip(starts, found.exposure, strict=True)],
        "jumped": found.jumped,
        "unknown": found.unknown,
        "same_point_s": found.same_point_s,
    }


def ends_s(told: Told) -> NDArray[np.float64]:
    """Where each interval of the series ends, seconds since the first frame."""
    return told.figures.series.start_s + told.figures.series.frames / told.recording.frames.rate_hz


def number(value: float) -> float | None:
    """The number, or None where it is not known."""
    return float(value) if math.isfinite(value) else None
