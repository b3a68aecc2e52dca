"""A small lab and its grants for the tests of sharing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ruimte.share.agreement import Duties, Form, Grant, Privacy, Terms, What
from ruimte.share.asking import Asked, Granted
from ruimte.share.figures import Figures
from ruimte.share.places import PlaceInfo
from ruimte.share.release import BASE

LAB = "boulevard"
CITY, POLICE, PRESS = (f"urn:nld:oin:000000990000000000{number:02d}" for number in (1, 2, 3))
MINUTE_US = 60_000_000
NOON_US = 1_780_000_000_000_000 // (86_400_000_000) * 86_400_000_000 + 12 * 60 * MINUTE_US
"""Noon UTC of a day in 2026."""
YEAR_S = 365 * 86_400

LINE = {"type": "LineString", "coordinates": ((4.8, 52.3), (4.8, 52.4))}
PLACES: dict[str, PlaceInfo] = {
    "square": PlaceInfo("zone", "Square", area_m2=100.0, levels="fruin-walkway"),
    "street": PlaceInfo("zone", "Street", area_m2=50.0, levels="fruin-walkway"),
    "quay": PlaceInfo("zone", "Quay", area_m2=200.0, levels="fruin-queueing"),
    "bridge": PlaceInfo(
        "count_point",
        "Bridge",
        width_m=4.0,
        levels="fruin-walkway-flow",
        geometry={"type": "Point", "coordinates": (4.9, 52.4)},
    ),
    "arch": PlaceInfo("gate", "Arch", width_m=3.0, sides=("square", "street"), geometry=LINE),
    "alley": PlaceInfo("gate", "Alley", width_m=2.0, sides=("outside", "square"), geometry=LINE),
}


def privacy() -> Privacy:
    return Privacy(epsilon_per_day=1.0, intervals=8, assumption="nobody stays longer than two hours")


def granted(name: str = "a", index: int = 0, status: str = "valid", begins_us: int | None = None, **changes: Any) -> Granted:
    """A grant of the city to the police; ``changes`` are fields of any of its parts."""
    terms = {"purpose": "event-safety", "legal_regime": "none", "legal_ground": "none"}
    what = {"kinds": ("state",), "zones": ("square", "street"), "quantities": ("people", "density")}
    form = {"exactness": "suppressed", "step": "5m", "minimum": 10}
    own = {"provider": CITY, "consumer": POLICE, "lab": LAB}
    for part, known in ((terms, Terms), (what, What), (form, Form), (own, Grant)):
        part |= {key: changes.pop(key) for key in list(changes) if key in known.__struct_fields__ and key != "properties"}
    assert not changes, changes
    grant = Grant(
        **own,
        properties=Terms(
            **terms,  # type: ignore[arg-type]
            what=What(**what),  # type: ignore[arg-type]
            form=Form(**form),  # type: ignore[arg-type]
            duties=Duties(delete_after="30d", name_source="City"),
        ),
    )
    begin_us = NOON_US - YEAR_S * 1_000_000 if begins_us is None else begins_us
    return Granted(
        agreement=name, index=index, grant=grant, status=status, not_before_us=begin_us, not_after_us=NOON_US + YEAR_S * 1_000_000
    )


def asked(**changes: Any) -> Asked:
    return Asked(**({"party": POLICE, "purpose": "event-safety", "action": "read-state", "lab": LAB, "at_us": NOON_US} | changes))


def figures(
    told: Mapping[str, Mapping[str, Sequence[float]]], tick_us: int = 5 * MINUTE_US, begin_us: int = NOON_US, kind: str = "state"
) -> Figures:
    """Base figures of all places: ``told[place][quantity]`` a value for each tick, with a band of a tenth on either side."""
    steps = max(len(values) for of in told.values() for values in of.values())
    value = np.full((len(PLACES), steps, len(BASE)), np.nan)
    for row, place in enumerate(PLACES):
        for column, quantity in enumerate(BASE):
            if quantity in told.get(place, {}):
                value[row, :, column] = told[place][quantity]
    return Figures(
        kind=kind,  # type: ignore[arg-type]
        lab=LAB,
        places=tuple(PLACES),
        quantities=BASE,
        starts_us=begin_us + np.arange(steps, dtype=np.int64) * tick_us,
        step_us=tick_us,
        value=value,
        low=value * 0.9,
        high=value * 1.1,
        suppressed=np.zeros(value.shape, dtype=bool),
    )
