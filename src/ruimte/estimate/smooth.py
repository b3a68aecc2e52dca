r"""What is known of a moment with everything that was heard later: for history.

The filters tell of a moment what was known then; ``smooth`` what is known now, of the same rows and with the same verdicts on the
sensors. It goes back over what the filters did (the modified Bryson-Frazier smoother, see ``adjoint``), in one of two ways.

**All that came later** (fixed interval): once forward, keeping the filters' state at the begin of every chunk of ticks; then
chunk by chunk from the last to the first, each run again with a tape, and back over that. Chunks are as long as the root of the
whole, so that the states and the tape of one chunk together take a memory that grows as slowly.

**Up to a lag later** (fixed lag L): the ticks in blocks of L. What comes within L after a tick is the rest of its own block and
the begin of the next, so that each block is run once: forward, what its first ticks tell of its begin; backward, what its last
ticks tell of each tick, and how each tick's people hang together with the block's end. Both are put together as

.. math:: \lambda = \lambda_1 + \Phi^\top \lambda_2, \qquad \Lambda = \Lambda_1 + \Phi^\top \Lambda_2 \Phi

so that a tick costs the same whatever the lag.

What was not linear in the filters (people put back into their limits, odd surprises that weigh less) is taken as the measurement
that it came to. People are forgotten at the empty hour, calibrations are not: those of a day are told by all the days after it.
Smoothing with all also knows what the filter does not dare to calibrate by: that nobody was there at an empty hour before which
much was guessed. People who pass through a zone within a longest stay are told as the filter told them: it keeps a sum of its own
for them. A flow is the mean that its link had, as the filter's is, and with the calibration that was known then: in a trial with
a lying counter, calibrations learned later made flows worse.

Anderson, B. D. O. and Moore, J. B. (1979), Optimal Filtering, Prentice-Hall, chapter 7.
Särkkä, S. and Svensson, L. (2023), Bayesian Filtering and Smoothing, 2nd edition, Cambridge University Press.
"""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa

from ruimte.compiled import compiled
from ruimte.estimate import buffer, memory, tell
from ruimte.estimate.adjoint import Later, ahead, back, back_empty, carry, nothing, onward, told
from ruimte.estimate.layout import Array, Layout, layout_of
from ruimte.estimate.record import Record, Written, finish, new_record, record
from ruimte.estimate.state import Inputs, Outputs, State, inputs_of, outputs, outputs_of
from ruimte.estimate.step import run
from ruimte.model.place import Model
from ruimte.model.state import STATES, VALUE_COLUMNS

LEAST_CHUNK = 256


def smooth(model: Model, state: bytes | None, observations: pa.Table, until_us: int, lag_us: int | None = None) -> pa.Table:
    """Estimate every tick that ends at or before ``until_us`` with what was heard after it.

    Args:
        model: the compiled lab.
        state: what ``advance`` gave where the period begins, or None.
        observations: rows (schema ``OBSERVATIONS``) in order of receipt, as ``advance`` takes them.
        until_us: the moment up to which to tell, and up to which rows count.
        lag_us: rows of ticks that end up to so much later take part (rounded down to ticks; 0: what the filters know then). None:
            all of them. Memory grows with the lag, and without one as the root of the period.

    Returns:
        The estimates (schema ``STATES``) of all ticks after the state's newest settled one. People, inflow, outflow and flow are
        smoothed; ``observed``, ``age_us`` and ``left_out`` are those of ``advance``.

    Raises:
        RuimteError: the state was made by a newer version, or is no state.
        ValueError: a negative lag.
    """
    if lag_us is not None and lag_us < 0:
        raise ValueError(f"a lag is not negative: {lag_us} µs")
    layout = layout_of(model)
    known = memory.new_memory(layout) if state is None else memory.load(state, model, len(VALUE_COLUMNS))
    buffer.take(known, model, layout, observations)
    if known.settled is None:
        return STATES.empty_table()
    given, heard = buffer.inputs(known, model, layout, model.tick_of(until_us) - 1)
    ticks, first = len(given.slot), known.settled + 1
    out = outputs(layout, ticks)
    lag = ticks if lag_us is None else lag_us // model.tick_us
    if lag == 0:
        run(layout, known.state, given, out)
    elif lag < ticks:
        _lagged(layout, known.state, given, out, lag)
    elif ticks:
        _whole(layout, known.state, given, out)
    heard = np.maximum.accumulate(np.concatenate([known.heard_us[None], heard]), axis=0)[1:]
    verdicts = np.concatenate([out.stream, out.reading], axis=1)
    values, age = tell.values(model, given, out), tell.age(model, first, heard)
    return tell.table(model, first, list(range(ticks)), values, age, verdicts)


def _chunk(ticks: int) -> int:
    """Ticks in a chunk."""
    return max(LEAST_CHUNK, 2 * math.isqrt(ticks))


def _whole(layout: Layout, state: State, given: Inputs, out: Outputs) -> None:
    """Smooth with all that came later, into ``out``."""
    ticks = len(given.slot)
    chunk = _chunk(ticks)
    begins = range(0, ticks, chunk)
    states = [state]
    for begin in begins[1:]:
        states.append(memory.copy_of(states[-1]))
        run(layout, states[-1], inputs_of(given, begin - chunk, begin), outputs_of(out, begin - chunk, begin))
    sites = range(len(layout.sites) - 1)
    later = [(nothing(_numbers(layout, site)), nothing(1 + int(np.diff(layout.sites.link)[site]))) for site in sites]
    made = [new_record(layout, given, site, min(chunk, ticks)) for site in sites]
    for begin in reversed(begins):
        before = states.pop()
        for site in sites:
            end = min(begin + chunk, ticks)
            record(layout, before, given, out, site, begin, end, made[site])
            _back_over(made[site], end - begin, *later[site])
            finish(layout, out, site, begin, end - begin, made[site])


def _numbers(layout: Layout, site: int) -> int:
    """Numbers of a site's people filter."""
    return int(layout.sites.people[site + 1] - layout.sites.people[site])


@compiled
def _back_over(made: Record, ticks: int, people: Later, flow: Later) -> None:
    """Tell of a record's ticks what later ones tell of its end, and go back over it, both in place."""
    room = np.empty(len(people.score))
    for k in range(ticks - 1, -1, -1):
        _tell(made.people, k, people, room)
        back_empty(made.people.tape, made.people.ends[k], made.people.ends[k + 1], people, room)
    room = np.empty(len(flow.score))
    for k in range(ticks - 1, -1, -1):
        _tell(made.flow, k, flow, room)
        back(made.flow.tape, made.flow.ends[k], made.flow.ends[k + 1], flow, room)


@compiled
def _tell(of: Written, k: int, later: Later, room: Array) -> None:
    """Of tick k what comes later tells."""
    of.change[k] = 0.0
    of.less[k] = 0.0
    told(of.rows[k], later, of.change[k], of.less[k], room)


def _lagged(layout: Layout, state: State, given: Inputs, out: Outputs, lag: int) -> None:
    """Smooth with what came up to ``lag`` ticks later, into ``out``."""
    ticks = len(given.slot)
    blocks = -(-LEAST_CHUNK // lag)
    chunk = blocks * lag
    for site in range(len(layout.sites) - 1):
        before, now = new_record(layout, given, site, chunk), new_record(layout, given, site, chunk)
        for begin in range(0, ticks, chunk):
            end = min(begin + chunk, ticks)
            record(layout, state, given, out, site, begin, end, now)
            for last, this in ((before.people, now.people), (before.flow, now.flow)):
                _over_blocks(last, this, min(begin, chunk), end - begin, lag)
            if begin:
                finish(layout, out, site, begin - chunk, chunk, before)
            if end == ticks:
                finish(layout, out, site, begin, end - begin, now)
            before, now = now, before


@compiled
def _over_blocks(before: Written, now: Written, ticks_before: int, ticks: int, lag: int) -> None:
    """Tell of the ticks of a chunk what comes up to ``lag`` later in it, and of the last block of the chunk before."""
    if ticks_before > 0:
        _complete(now, 0, ticks, before, ticks_before - lag, lag)
    for begin in range(0, ticks, lag):
        if begin > 0:
            _complete(now, begin, ticks, now, begin - lag, lag)
        _within_block(now, begin, min(begin + lag, ticks))


@compiled
def _within_block(of: Written, begin: int, end: int) -> None:
    """What the rest of its block tells of each tick; and its covariance with its own end becomes that with the block's."""
    n = of.rows.shape[2]
    later, through, room = nothing(n), np.eye(n), np.empty(n)
    for k in range(end - 1, begin - 1, -1):
        _tell(of, k, later, room)
        carry(of.rows[k], through, room)
        back(of.tape, of.ends[k], of.ends[k + 1], later, room)
        onward(of.tape, of.ends[k], of.ends[k + 1], through, room)


@compiled
def _complete(next_: Written, begin: int, end: int, of: Written, first: int, lag: int) -> None:
    """What the next block, which begins at tick ``begin``, tells of a block's ticks from ``first`` on: of each up to its lag."""
    n = of.rows.shape[2]
    later, through, room = nothing(n), np.eye(n), np.empty(n)
    for k in range(lag):
        if begin + k < end:
            ahead(next_.tape, next_.ends[begin + k], next_.ends[begin + k + 1], through, later, room)
        told(of.rows[first + k], later, of.change[first + k], of.less[first + k], room)
