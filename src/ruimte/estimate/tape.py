r"""A tape of what is done to a filter's normal distribution, so that smoothing can go back over it. Compiled.

All that the filters do to (x, P) comes down to three steps, in their order:

- **shear**: :math:`x_i \leftarrow x_i + b\,x_j`
- **scale**: :math:`x_i \leftarrow b\,x_i`; with b = 0 the number is forgotten
- **measurement**: with the row h, :math:`P h` as it was before, :math:`1/s` and the surprise by s

and of the empty hour one that the filter leaves out, but hindsight does not. What only moves the mean by a known amount, or adds
noise, leaves no trace: the way back does not need it.

Who filters without a tape passes ``None``. Compiled code then has no trace of it either: Numba drops the branches.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ruimte.compiled import compiled
from ruimte.estimate.layout import Array, Records

SHEAR, SCALE, MEASURED, EMPTY = range(4)


STEP = np.dtype([("kind", np.int64), ("row", np.int64), ("column", np.int64), ("by", np.float64)])
MEASUREMENT = np.dtype(
    [("terms", np.int64), ("at", np.int64, 2), ("h", np.float64, 2), ("precision", np.float64), ("pull", np.float64)]
)


class Tape(NamedTuple):
    """Steps and the measurements among them; ``used`` (2,): how many of both are written.

    A step has its ``kind``, ``row`` (of a measurement: its number), ``column`` and ``by``; a measurement the ``terms`` entries
    ``h`` that are not 0 and where they are (``at``), ``precision`` 1/s and ``pull`` surprise/s, and P h in its row of ``ph``. Of
    the empty hour, ``pull`` is the mean of the people, as it was before.
    """

    used: Array
    steps: Records
    measured: Records
    ph: Array


def new_tape(n: int, steps: int, measurements: int) -> Tape:
    """An empty tape for a filter of n numbers. Memory that is not written to costs nothing."""
    return Tape(
        np.zeros(2, np.int64),
        np.empty(steps, STEP).view(np.recarray),
        np.empty(measurements, MEASUREMENT).view(np.recarray),
        np.empty((measurements, n)),
    )


@compiled
def rewind(tape: Tape) -> None:
    """Begin to write anew."""
    tape.used[:] = 0


@compiled
def note(tape: Tape, kind: int, row: int, column: int, by: float) -> None:
    """Write down a step."""
    k = tape.used[0]
    if k >= len(tape.steps):
        raise IndexError("the tape is full")
    step = tape.steps[k]
    step.kind, step.row, step.column, step.by = kind, row, column, by
    tape.used[0] = k + 1


@compiled
def note_row(tape: Tape, kind: int, at: Array, h: Array, terms: int, precision: float, pull: float) -> Array:
    """Write down a measurement; gives the room for its P h, which is still to be filled."""
    u = tape.used[1]
    if u >= len(tape.measured):
        raise IndexError("the tape is full")
    one = tape.measured[u]
    for k in range(terms):
        one.at[k], one.h[k] = at[k], h[k]
    one.terms, one.precision, one.pull = terms, precision, pull
    tape.used[1] = u + 1
    note(tape, kind, u, 0, 0.0)
    ph: Array = tape.ph[u]
    return ph


@compiled
def note_one(tape: Tape, kind: int, p: Array, i: int, precision: float, pull: float) -> None:
    """Write down a measurement of number i alone, with P as it was before."""
    ph = note_row(tape, kind, np.full(1, i), np.ones(1), 1, precision, pull)
    for j in range(len(p)):
        ph[j] = p[i, j]
