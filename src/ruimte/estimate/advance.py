"""The seam: all places of a shard in, new state and estimates out.

``advance`` is a pure function. Its state holds the filters as they stood at the last *settled* tick (one for which no row can
come any more), the rows of the ticks after that, and what was last said of those ticks. A late row within the lab's limit
re-opens the ticks it belongs to, and the changed estimates come out again as revisions.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ruimte.estimate import buffer, memory, tell
from ruimte.estimate.layout import layout_of
from ruimte.estimate.memory import Spoken
from ruimte.estimate.state import inputs_of, outputs, outputs_of
from ruimte.estimate.step import run
from ruimte.model.place import Model
from ruimte.model.state import STATES, VALUE_COLUMNS

ALGORITHMS = {"rate-filter": "2", "counting-line-balance": "3"}


def advance(model: Model, state: bytes | None, observations: pa.Table, until_us: int) -> tuple[bytes, pa.Table]:
    """Take in observations and estimate every tick that ends at or before ``until_us``.

    Args:
        model: the compiled lab.
        state: what the last call gave, or None to begin. A lab whose ticks have changed begins afresh.
        observations: rows (schema ``OBSERVATIONS``) in order of receipt, each with ``received_us`` in (the last ``until_us``,
            this one]. A row counts in the tick in which its interval ends. Rows of datastreams that the model does not know, too
            late ones, and ones from the future are left out.
        until_us: the moment up to which to tell; may lie beyond the last row, so that silence widens the intervals.

    Returns:
        The new state (versioned bytes), and the estimates (schema ``STATES``): new ticks, and earlier ticks that changed. The
        final state and the latest revisions do not depend on how the rows were split over calls.

    Raises:
        RuimteError: the state was made by a newer version, or is no state.
    """
    layout = layout_of(model)
    known = memory.new_memory(layout) if state is None else memory.load(state, model, len(VALUE_COLUMNS))
    buffer.take(known, model, layout, observations)
    if known.settled is None:
        return memory.dump(known, model), STATES.empty_table()
    begin = known.settled
    last = model.tick_of(until_us) - 1
    settled = max(begin, min(last, (until_us - model.lateness_us - model.phase_us) // model.tick_us - 1))
    given, heard = buffer.inputs(known, model, layout, last)
    ticks = len(given.slot)
    out = outputs(layout, ticks)
    sure = settled - begin
    run(layout, known.state, inputs_of(given, 0, sure), outputs_of(out, 0, sure))
    if sure < ticks:
        # from here on ticks are provisional: go on with a copy, keep what is settled
        run(layout, memory.copy_of(known.state), inputs_of(given, sure, ticks), outputs_of(out, sure, ticks))

    first = begin + 1
    heard = np.maximum.accumulate(np.concatenate([known.heard_us[None], heard]), axis=0)
    values, age = tell.values(model, given, out), tell.age(model, first, heard[1:])
    verdicts = np.concatenate([out.stream, out.reading], axis=1)
    said = {first + t: Spoken(values[t], verdicts[t].tobytes() + age[t].tobytes()) for t in range(ticks)}
    new = [tick - first for tick, now in said.items() if not _same(known.spoken.get(tick), now)]
    known.spoken = {tick: now for tick, now in said.items() if tick >= first + sure}
    known.heard_us = heard[sure]
    if sure:
        buffer.forget(known, model, settled)
    return memory.dump(known, model), tell.table(model, first, new, values, age, verdicts)


def _same(before: Spoken | None, now: Spoken) -> bool:
    return before is not None and before.rest == now.rest and np.array_equal(before.values, now.values, equal_nan=True)
