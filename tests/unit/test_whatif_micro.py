"""Two models that were made from different observations agree on how many leave by a door."""

from __future__ import annotations

import sys

import pytest

from ruimte.errors import RuimteError
from ruimte.jobs.micro import crowd_flow, single_flow
from ruimte.whatif.diagram import WEIDMANN


def test_a_door_passes_what_single_pedestrians_make_of_it_within_15_percent() -> None:
    pytest.importorskip("jupedsim", reason="the extra micro is not installed")
    width_m = 2.0
    assert single_flow(width_m, people=100) == pytest.approx(crowd_flow(width_m), rel=0.15)


def test_the_crowd_s_flow_is_the_door_s_capacity() -> None:
    assert crowd_flow(0.8) == pytest.approx(0.8 * WEIDMANN.capacity)


def test_without_jupedsim_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jupedsim", None)
    with pytest.raises(RuimteError, match="JuPedSim is not installed"):
        single_flow(1.0)
