"""What was predicted when a measure was taken: kept with the decision in the logbook, and laid beside what was then measured.

A prediction is no proof that the measure did it: the page says "predicted" and "measured", no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ruimte.clock import SECOND_US
from ruimte.jobs.compare_views import FEWEST, POINT, SHARE
from ruimte.jobs.compared import Effect
from ruimte.jobs.comparing import Compared
from ruimte.jobs.words import Words
from ruimte.lab.lab import Lab
from ruimte.model.forecast import MEDIAN, level_index
from ruimte.store.records import LogEntry

FORMAT = 1
_QUANTILES = {"q05": level_index(0.05), "q50": MEDIAN, "q95": level_index(0.95)}
_MOST = 3
"""So many decisions are laid over one chart, the newest."""


def predicted(found: Compared, measure: str, place: str) -> dict[str, Any]:
    """What a decision keeps: at each step the quantiles of people without the measure and with it, persons.

    Of the place that was warned of, and of each zone where a chance changes by a point or the median by a twentieth; not of zones
    whose people are not known. ``from`` and ``valid`` in µs.
    """
    s, without, done = found.situation, found.comparison.outcomes["nothing"], found.comparison.outcomes[measure]
    moved = np.nanmax(np.abs(done.chance - without.chance), axis=(1, 2), initial=0.0) >= POINT
    before, after = without.people[:, :, MEDIAN], done.people[:, :, MEDIAN]
    moved |= (np.abs(after - before) >= np.maximum(FEWEST, SHARE * before)).any(axis=1)
    zones = {
        key: {
            side: {name: outcome.people[z, :, at].round(1).tolist() for name, at in _QUANTILES.items()}
            for side, outcome in (("without", without), ("with", done))
        }
        for z, key in enumerate(found.network.zones)
        if z not in s.unknown and (key == place or bool(moved[z]))
    }
    return {
        "format": FORMAT,
        "from": s.start_us,
        "valid": s.valid_us.tolist(),
        "members": found.members,
        "measure": measure,
        "zones": zones,
    }


def effects(lab: Lab, decisions: Sequence[LogEntry], place: str, states: pa.Table, language: str) -> list[Effect]:
    """What was predicted for a place by decisions (oldest first), the newest few, beside its ``states``."""
    measured = {
        end: mean
        for end, mean, seen in zip(
            states["end_us"].to_pylist(), states["mean"].to_pylist(), states["observed"].to_pylist(), strict=True
        )
        if seen and mean is not None and mean == mean
    }
    found = [
        _effect(lab, entry, entry.body["predicted"], place, measured, language)
        for entry in decisions
        if place in entry.body.get("predicted", {}).get("zones", {}) and entry.body["predicted"].get("format") == FORMAT
    ]
    return found[-_MOST:]


def _effect(
    lab: Lab, entry: LogEntry, told: Mapping[str, Any], place: str, measured: Mapping[int, float], language: str
) -> Effect:
    words, sides, valid = Words(lab, language), told["zones"][place], told["valid"]
    known = [step for step, at in enumerate(valid) if at in measured]
    step = known[-1] if known else len(valid) - 1
    name = words.decision(told["measure"]) or told["measure"]
    figures = {
        "measure_name": name,
        "time": valid[step],
        "measured": float(measured[valid[step]]) if known else None,
        "without_q50": float(sides["without"]["q50"][step]),
        **{f"with_{quantile}": float(sides["with"][quantile][step]) for quantile in _QUANTILES},
    }
    return Effect(
        at=entry.lab_us // SECOND_US,
        measure=told["measure"],
        name=name,
        t=[at // SECOND_US for at in valid],
        without_q50=sides["without"]["q50"],
        with_q05=sides["with"]["q05"],
        with_q50=sides["with"]["q50"],
        with_q95=sides["with"]["q95"],
        told=words.sentence("effect.measured" if known else "effect.ahead", figures),
    )
