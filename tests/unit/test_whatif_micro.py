"""Two models that were made from different observations agree on how many leave by a door."""

from __future__ import annotations

import sys

import pytest

from ruimte.errors import RuimteError
from ruimte.jobs import micro
from ruimte.jobs.micro import check_gates, crowd_flow, single_flow
from ruimte.lab.read import read_lab
from ruimte.lab.scenario import scenario_of
from ruimte.labs import lab_folder
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


def test_a_scenario_s_gates_are_checked_as_wide_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro, "single_flow", lambda width_m: 1.25 * width_m)
    lab = read_lab(lab_folder("boulevard"))
    (one, *_) = found = check_gates(lab, scenario_of(lab, ["close-entrance"]))
    assert all(each.width_m <= micro.WIDEST_M for each in found)
    assert one.gate in lab.gates
    assert "single pedestrians" in one.line()
    with pytest.raises(RuimteError, match="is about no gate with a width"):
        check_gates(lab, scenario_of(lab, ["stagger-end"]))
