"""One tick of every site after the other: flows and sensors, then people. Compiled; sites do not know of each other."""

from __future__ import annotations

from ruimte.compiled import compiled
from ruimte.estimate.layout import Layout
from ruimte.estimate.state import Inputs, Outputs, State
from ruimte.estimate.step_flows import step_flows
from ruimte.estimate.step_people import facts_at, step_people


@compiled
def run(layout: Layout, state: State, given: Inputs, out: Outputs) -> None:
    """Advance all sites over the ticks of ``given``, changing ``state`` and filling ``out`` in place."""
    last = 0
    for t in range(len(given.slot)):
        fact, last = facts_at(given, t, last)
        for site in range(len(layout.sites) - 1):
            flows = step_flows(layout, state, given, out, t, site, None)
            step_people(layout, state, given, out, t, site, flows, fact, last, None)
