"""Where enough people stand behind a figure: k, asked of the common cells, for people and for those who pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import HOUR_US
from ruimte.share.cells import Cells
from ruimte.share.figures import Array
from ruimte.share.grid import Grid, means
from ruimte.share.places import PlaceInfo

Mask = NDArray[np.bool_]
PEOPLE, INFLOW, OUTFLOW, FLOW = range(4)
"""Where each stands in the last axis of a grid of ``("people", "inflow", "outflow", "flow")``."""


def enough(grid: Grid, keys: Sequence[str], places: Mapping[str, PlaceInfo], common: Cells, minimum: int) -> tuple[Mask, Mask]:
    """Whether people, and flows, may be told: two masks of shape (places, blocks).

    **People** of a zone: where the mean of its cell over the block is ``minimum`` or more.

    **Flows**: persons are the rate times the length of the block. In, out and both together of a place are told together or not
    at all: each is the difference of the others. Where suppressed grants cut those of a zone into parts (``Cells.parts``), each
    part has to be enough by itself. And as who knows how many there were, came and went, knows how many there are, flows are told
    only where no tick of the block or of the one before it is known to have fewer than ``minimum`` people in the zone itself, on
    a side of the gate, or in any zone that is given and that gates join to it.

    What is not known is not enough. The block before the first is not known.
    """
    per_block = common.block_us // grid.tick_us
    block = means(grid.value, per_block)
    starts_us = grid.starts_us(common.block_us)
    old = starts_us < common.since_us
    people = _people(block[:, :, PEOPLE], keys, common, minimum)
    flows = _flows(grid, block, keys, places, common, minimum)
    if old.any():
        people = np.where(old, _hanging_together(people, keys, common, common.joined), people)
        flows = np.where(old, _hanging_together(flows, keys, common, common.flows_joined), flows)
    return people, flows


def _people(block: Array, keys: Sequence[str], common: Cells, minimum: int) -> Mask:
    cell = np.array([common.cell.get(key, -1) for key in keys], dtype=np.int64)
    held = np.zeros((max(common.cell.values(), default=-1) + 2, block.shape[1]))
    np.add.at(held, cell, np.where(cell[:, None] < 0, np.nan, block))  # what lies in no cell is never enough
    return np.asarray(held[cell] >= minimum)


def _flows(grid: Grid, block: Array, keys: Sequence[str], places: Mapping[str, PlaceInfo], common: Cells, minimum: int) -> Mask:
    passed = block[:, :, INFLOW:] * (common.block_us / HOUR_US)
    known = ~np.isnan(passed)
    per_block = common.block_us // grid.tick_us
    small = np.asarray(grid.value[:, :, PEOPLE] < minimum).reshape(len(keys), block.shape[1], per_block)
    few: Mask = np.asarray(small.any(axis=2))
    few[:, 1:] |= few[:, :-1].copy()
    few[:, : -(-grid.first * grid.tick_us // common.block_us) + 1] = True  # nothing is known of the block before
    row = {key: index for index, key in enumerate(keys)}
    few_on_site: dict[int, Mask] = {}
    for zone in common.cell:
        if zone in row and (site := common.sites.get(zone)) is not None:
            few_on_site[site] = few_on_site.get(site, False) | few[row[zone]]
    out = np.zeros(block.shape[:2], dtype=bool)
    for index, key in enumerate(keys):
        place = places[key]
        if place.kind == "count_point":
            out[index] = passed[index, :, 2] >= minimum
            continue
        if place.kind == "gate":
            out[index] = known[index].any(axis=1) & (~known[index] | (passed[index] >= minimum)).all(axis=1)
        else:
            out[index] = (passed[index, :, :2] >= minimum).all(axis=1)
            for part in common.parts.get(key, ()):
                taken = [passed[row[gate], :, 0 if way == "inflow" else 1] for gate, way in part]
                out[index] &= np.sum(taken, axis=0) >= minimum
        for zone in (key, *place.sides):
            if zone in row:
                out[index] &= ~few[row[zone]]
        if common.sites.get(key) in few_on_site:
            out[index] &= ~few_on_site[common.sites[key]]
    return out


def _hanging_together(mask: Mask, keys: Sequence[str], common: Cells, joined: Mapping[str, int]) -> Mask:
    """The mask where it holds for all places of a component in all blocks of the window; a place in none stands alone."""
    per_window = common.window_us // common.block_us
    windows = mask.reshape(len(keys), mask.shape[1] // per_window, per_window).all(axis=2)
    first_free = max(joined.values(), default=-1) + 1
    component = np.array([joined.get(key, first_free + index) for index, key in enumerate(keys)], dtype=np.int64)
    whole = np.ones((first_free + len(keys), windows.shape[1]), dtype=bool)
    np.logical_and.at(whole, component, windows)
    return np.repeat(whole[component], per_window, axis=1)
