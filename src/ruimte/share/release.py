"""The form of what goes out: from the lab's own ticks to the steps, areas and precision that a grant says.

In this order: means over the step, sums over the area, few people left out, rounding, and only then density and level, so that
they tell no more than the figures beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import HOUR_US
from ruimte.share.agreement import Quantity
from ruimte.share.asking import Granted
from ruimte.share.cells import Cells
from ruimte.share.enough import PEOPLE, Mask, enough
from ruimte.share.figures import Array, Figures
from ruimte.share.grid import Grid, grid, means, ticks_in
from ruimte.share.places import PlaceInfo, given
from ruimte.share.shown import Cube, Names, shown
from ruimte.text import duration_us

BASE: tuple[Quantity, ...] = ("people", "inflow", "outflow", "flow")
"""What figures are made of, in the order of the last axis; density and level follow from it."""
_ALWAYS = 2**62
"""Later than any step."""


def release(figures: Figures, granted: Granted, places: Mapping[str, PlaceInfo], common: Cells) -> Figures:
    """The figures in the form that the grant says: all that it gives of the time that they cover.

    ``figures``: base ticks of all places of the lab (of a private grant: with noise), of the quantities in ``BASE``; see
    ``base_span`` for which ticks are needed. ``common``: the lab's ``cells``.

    * **Time.** Steps lie on UTC's midnight (see ``grid``); only whole steps. A step's figure is the mean over it, so that of a
      flow is its mean rate. One tick that is not known makes the step not known: missing is missing.
    * **Space.** People of an area are the sum. ``low`` and ``high`` are averaged and added too: as not all places are off in the
      same direction at the same time, the true 5 and 95 % lie inside them.
    * **exact**: no more than that. **suppressed**: left out where a common cell holds few (see ``cells``), then rounded.
      **private**: figures with noise below ``minimum`` are left out; rounded; what noise made negative is 0.
    * **Rounding**: half away from 0; ``low`` downward and ``high`` upward.
    * **Density and level** follow from the people (or flow) that are told. The level is its rank in the place's table (0: the
      calmest); where the table has no fixed limits, or an area's zones have different ones, it is not known.

    Raises ``RuimteError`` where the grant's step is not a whole number of ticks.
    """
    form, quantities = granted.grant.properties.form, granted.grant.properties.what.quantities
    if figures.issued_us is not None and figures.issued_us < common.since_us:
        common = replace(common, since_us=_ALWAYS)  # a forecast was told, all of it, before the newest grant was there
    names = given(granted.grant, places)
    step_us = duration_us(form.step)
    suppressing = form.exactness == "suppressed"
    keys = _needed(names, places, common if suppressing else None)
    unit_us = step_us
    if suppressing:
        if step_us % common.block_us:
            raise ValueError("the common cells were made without this grant")
        ticks_in(figures, common.block_us)
        first_us = int(figures.starts_us.min(initial=_ALWAYS))
        early = first_us - first_us % step_us < common.since_us  # the grid begins with a whole step
        unit_us = common.window_us if early else step_us
    ticks = grid(figures, keys, BASE, unit_us)
    row = {key: index for index, key in enumerate(keys)}
    members = [[row[zone] for zone in zones] for zones in names.values()]
    cube = Cube(*(_summed(means(part, ticks_in(figures, step_us)), members) for part in (ticks.value, ticks.low, ticks.high)))
    told, hidden = np.ones(cube.value.shape, dtype=bool), _any_hidden(ticks, members, step_us)
    if suppressing:
        told = _told(ticks, keys, members, places, common, form.minimum, step_us)
    elif form.exactness == "private":
        told = _enough_with_noise(cube.value, form.minimum, step_us)
    if form.exactness != "exact":
        cube = cube.rounded(form.round_to).at_least_nothing()
    starts_us = ticks.starts_us(step_us)
    begin_us, end_us = (ticks.start_us + tick * ticks.tick_us for tick in (ticks.first, ticks.last))
    whole = (starts_us >= begin_us) & (starts_us + step_us <= end_us)
    out, suppressed = shown(cube, told, hidden, Names(names, places), quantities)
    return Figures(
        kind=figures.kind,
        lab=figures.lab,
        places=tuple(names),
        quantities=quantities,
        starts_us=starts_us[whole],
        step_us=step_us,
        value=out.value[:, whole],
        low=out.low[:, whole],
        high=out.high[:, whole],
        suppressed=suppressed[:, whole],
        issued_us=figures.issued_us,
    )


def base_span(granted: Granted, common: Cells, from_us: int, until_us: int) -> tuple[int, int]:
    """[from, until) of the ticks that ``release`` needs for every whole step within these moments, µs.

    One block more before, for flows; whole windows where the time lies before the newest grant. What is released of the time
    around it is ``cut`` off again. Give it ticks that are over only.
    """
    if granted.grant.properties.form.exactness != "suppressed":
        return from_us, until_us
    begin_us = from_us - common.block_us
    if begin_us - begin_us % duration_us(granted.grant.properties.form.step) >= common.since_us:
        return begin_us, until_us
    return begin_us - begin_us % common.window_us, until_us + -until_us % common.window_us


def cut(
    figures: Figures,
    places: Iterable[str] | None = None,
    quantities: Iterable[Quantity] | None = None,
    from_us: int | None = None,
    until_us: int | None = None,
) -> Figures:
    """Only these places, quantities and steps that lie in [from, until); None: all. Names that the figures lack are left out."""
    wanted = figures.places if places is None else tuple(places)
    asked = figures.quantities if quantities is None else tuple(quantities)
    row = {place: index for index, place in enumerate(figures.places)}
    rows = [row[place] for place in dict.fromkeys(wanted) if place in row]
    columns = [figures.quantities.index(quantity) for quantity in dict.fromkeys(asked) if quantity in figures.quantities]
    starts_us = figures.starts_us
    steps = np.ones(len(starts_us), dtype=bool)
    if from_us is not None:
        steps &= starts_us >= from_us
    if until_us is not None:
        steps &= starts_us + figures.step_us <= until_us
    chosen = np.ix_(np.array(rows, dtype=np.int64), np.flatnonzero(steps), np.array(columns, dtype=np.int64))
    return replace(
        figures,
        places=tuple(figures.places[row] for row in rows),
        quantities=tuple(figures.quantities[column] for column in columns),
        starts_us=starts_us[steps],
        value=figures.value[chosen],
        low=figures.low[chosen],
        high=figures.high[chosen],
        suppressed=figures.suppressed[chosen],
    )


def _needed(names: Mapping[str, tuple[str, ...]], places: Mapping[str, PlaceInfo], common: Cells | None) -> tuple[str, ...]:
    """Keys of all places that the figures rest on: those of the grant, and where few are left out all that share its cells."""
    own = list(dict.fromkeys(zone for zones in names.values() for zone in zones))
    if common is None:
        return tuple(own)
    cut = (gate for parts in common.parts.values() for part in parts for gate, _ in part)
    shared = [key for key in (*common.cell, *common.flows_joined, *cut) if key in places]
    sides = [side for key in (*own, *shared) if key in places for side in places[key].sides if side in places]
    return tuple(dict.fromkeys((*own, *shared, *sides)))


def _summed(cube: Array, members: list[list[int]]) -> Array:
    """Sums over the places under each name; flows only of a name that stands for one place."""
    if all(len(rows) == 1 for rows in members):
        return cube[_firsts(members)]
    out = np.full((len(members), *cube.shape[1:]), np.nan)
    for index, rows in enumerate(members):
        if len(rows) == 1:
            out[index] = cube[rows[0]]
        elif rows:
            out[index, :, PEOPLE] = cube[rows, :, PEOPLE].sum(axis=0)
    return out


def _firsts(members: list[list[int]]) -> NDArray[np.int64]:
    return np.array([rows[0] for rows in members], dtype=np.int64)


def _everywhere(mask: Mask, members: list[list[int]]) -> Mask:
    """Where it holds for all places under each name; ``mask`` has a row for each place."""
    if all(len(rows) == 1 for rows in members):
        return mask[_firsts(members)]
    return np.stack([mask[rows].all(axis=0) for rows in members])


def _any_hidden(ticks: Grid, members: list[list[int]], step_us: int) -> Mask:
    """Where a tick of a place under a name was not told already, shape (names, steps, base quantities)."""
    places, count, quantities = ticks.hidden.shape
    per_step = step_us // ticks.tick_us
    by_step: Mask = np.asarray(ticks.hidden.reshape(places, count // per_step, per_step, quantities).any(axis=2))
    return ~_everywhere(~by_step, members)


def _told(
    ticks: Grid,
    keys: tuple[str, ...],
    members: list[list[int]],
    places: Mapping[str, PlaceInfo],
    common: Cells,
    minimum: int,
    step_us: int,
) -> Mask:
    """Where enough people stand behind the figures under each name, shape (names, steps, base quantities)."""
    unknown = {key: PlaceInfo("zone") for key in keys if key not in places}
    people, flows = enough(ticks, keys, unknown | dict(places), common, minimum)
    by_step = [
        mask.reshape(len(keys), mask.shape[1] * common.block_us // step_us, step_us // common.block_us).all(axis=2)
        for mask in (people, flows, flows, flows)
    ]
    return _everywhere(np.stack(by_step, axis=2), members)


def _enough_with_noise(value: Array, minimum: int, step_us: int) -> Mask:
    """Figures with noise are public already: k is a matter of what can be relied on, asked of each figure by itself."""
    persons = value * np.array([1.0, *[step_us / HOUR_US] * 3])
    return np.asarray(persons >= minimum if minimum > 0 else np.ones(value.shape, dtype=bool))
