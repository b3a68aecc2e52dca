r"""People who are known to come: the first gathering of its kind, of which only the expected visitors are known, or a special
train.

Of V visitors who come evenly from a to s, stay until e and go evenly until u, a zone holds its share of
:math:`V\,\min(1, \frac{t-a}{s-a}, \frac{u-t}{u-e})^+`, and past a count point go :math:`\frac{V}{s-a}` an hour while they come
and
:math:`\frac{V}{u-e}` while they go. Zones share them by area; of count points each counts all of them, for which of them they
take is not known. This is added to the usual. Once a gathering of a series has been, the last one tells better (``occasions``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import HOUR_US
from ruimte.model.place import Load, Model

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


def expected_of(model: Model, start_us: Ints, end_us: Ints) -> Array:
    """What the loads of a lab add at each place over some spans of time, in persons or persons/h.

    Args:
        model: the compiled lab.
        start_us: starts of the spans, shape (spans,).
        end_us: their ends.

    Returns:
        Shape (places, spans); 0 where nothing is known to come.
    """
    added = np.zeros((len(model.places), len(start_us)))
    for load in model.loads:
        if load.until_us <= start_us[0] or load.from_us >= end_us[-1]:
            continue
        chosen = load.places or tuple(range(len(model.places)))
        zones = [index for index in chosen if model.places[index].quantity == "people"]
        area = sum(model.places[index].area_m2 or 1.0 for index in zones)
        middle = (start_us + end_us) / 2
        there = load.people * _there(load, middle)
        spans = ((load.from_us, load.start_us), (load.end_us, load.until_us))
        passing = load.people * sum(_rate(*span, start_us, end_us) for span in spans)
        for index in chosen:
            place = model.places[index]
            added[index] += there * (place.area_m2 or 1.0) / area if index in zones else passing
    return added


def _there(load: Load, at_us: Array) -> Array:
    """Share of the people that is there at each moment."""
    come = (at_us - load.from_us) / max(1, load.start_us - load.from_us)
    gone = (load.until_us - at_us) / max(1, load.until_us - load.end_us)
    return np.clip(np.minimum(come, gone), 0.0, 1.0)


def _rate(from_us: int, until_us: int, start_us: Ints, end_us: Ints) -> Array:
    """Share an hour that passes in each span, of a whole that passes evenly from one moment to another."""
    if until_us <= from_us:
        return np.zeros(len(start_us))
    shared = np.clip(np.minimum(end_us, until_us) - np.maximum(start_us, from_us), 0, None)
    return np.asarray(shared / (until_us - from_us) / ((end_us - start_us) / HOUR_US))
