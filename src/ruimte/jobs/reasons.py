"""Why a warning stands, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.lab.lab import Lab
from ruimte.lab.validity import moment_us
from ruimte.model.forecast import MEDIAN, level_index
from ruimte.model.place import Place
from ruimte.model.warning import Reason, Warning  # noqa: A004 - the field's own word
from ruimte.warn.surge import Surge

BUSIER = 1.5
"""From so many times the usual on, it is worth saying."""
_TELLING = 0.02
"""Where fewer than this share of the level's limit is usual, "a thousand times as busy" says nothing."""
_SENSORS = 2
"""So many sensors that are missing are named; more would hide what else there is to say."""


@dataclass(frozen=True, slots=True)
class Drivers:
    """What drives how busy a place is getting: a ``surge`` with the gate that saw most of it; the gate through which most came in
    of late, with persons/s and its share of all who came in; and the sensors on which the figure does not rest. ``leaving``: it
    is the visitors of an event who leave, by the what-if model or (``leaving-before``) by what the last such evening was like.
    """

    surge: Surge | None = None
    surge_gate: str = ""
    gate: str = ""
    inflow: float = 0.0
    share: float = 0.0
    missing: tuple[str, ...] = ()
    tick_us: int = 0
    leaving: Literal["", "leaving", "leaving-before"] = ""


def scale_of(place: Place) -> tuple[float, str]:
    """Factor from a place's own quantity to the unit it is told in, and that unit."""
    return (1.0, "persons") if place.quantity == "people" else (3600.0, "persons/h")


def explain(
    lab: Lab,
    place: Place,
    warning: Warning,
    *,
    now: float,
    usual: float,
    observed: float,
    quantiles: list[float] | None,
    drivers: Drivers = Drivers(),
) -> Warning:
    """Fill in the reasons, the figures and the proposed measures of a warning.

    Args:
        lab: the lab.
        place: the warning's place.
        warning: as the lifecycle gave it.
        now: the state's mean, in the place's quantity; NaN is not known.
        usual: the median of this weekday and hour; NaN is not known.
        observed: share of the sensors heard, 0–1.
        quantiles: the forecast for the expected moment (21), None where that is now; NaN is not known.
        drivers: what drives it.
    """
    scale, unit = scale_of(place)
    limit = warning.threshold * scale
    if quantiles is not None and any(value != value for value in quantiles):
        quantiles = None
    reasons = _surge(drivers) if drivers.surge is not None else []
    if quantiles is not None:
        low, middle, high = (quantiles[level_index(level)] * scale for level in (0.05, 0.5, 0.95))
        figures = {"time": warning.expected_us, "q05": low, "q50": middle, "q95": high, "limit": limit}
        reasons.append(Reason(drivers.leaving or "forecast", {**figures, "unit": unit, "level": warning.level}))
    elif now == now:
        reasons.append(Reason("above", {"now": now * scale, "unit": unit, "level": warning.level, "limit": limit}))
    else:
        reasons.append(Reason("unknown", {}))
    if drivers.gate:
        reasons.append(Reason("inflow", {"gate": drivers.gate, "per_hour": drivers.inflow * 3600, "share": drivers.share}))
    if usual > _TELLING * warning.threshold and now >= BUSIER * usual:
        reasons.append(Reason("busier", {"ratio": now / usual, "usual": usual * scale, "unit": unit}))
    for event in lab.events:
        start, end = moment_us(event.start, lab.zone), moment_us(event.end, lab.zone)
        near = start - HOUR_US <= warning.expected_us and warning.updated_us < end + HOUR_US
        if near and (not event.places or place.key in event.places):
            name = event.name if isinstance(event.name, str) else dict(event.name)
            ends = warning.updated_us <= end <= warning.expected_us + HOUR_US // 2
            reasons.append(Reason("event-ends" if ends else "event", {"name": name, "start": start, "end": end}))
    if 0 < observed < 1:
        reasons.append(Reason("partly", {"share": observed}))
    reasons += [Reason("sensor", {"sensor": key}) for key in drivers.missing[:_SENSORS]]
    measures = [
        measure.key
        for measure in lab.measures.values()
        if warning.priority in measure.priorities and (not measure.places or place.key in measure.places)
    ]
    return msgspec.structs.replace(
        warning,
        reasons=tuple(reasons),
        measures=tuple(measures),
        now=None if now != now else now,
        expected=None if quantiles is None else quantiles[MEDIAN],
    )


def _surge(drivers: Drivers) -> list[Reason]:
    surge = drivers.surge
    assert surge is not None
    figures: dict[str, float | str] = {
        "people": surge.people,
        "usual": max(0.0, surge.usual),
        "minutes": drivers.tick_us // MINUTE_US,
        "gate": drivers.surge_gate,
    }
    return [Reason("surge" if surge.believed else "surge-doubted", {**figures})]
