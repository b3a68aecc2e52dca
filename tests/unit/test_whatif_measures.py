"""From scenarios to gates and arrivals, minute by minute; and what that does to people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from whatif_places import steady

from ruimte.clock import MINUTE_US
from ruimte.lab.compile import compile_lab, stream_keys
from ruimte.lab.files import ActionEntry
from ruimte.lab.lab import Lab
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.lab.scenario import Scenario, Step
from ruimte.lab.validity import moment_us
from ruimte.labs import lab_folder
from ruimte.whatif.diagram import SFPE
from ruimte.whatif.measures import Schedule, nothing, schedule_of, times
from ruimte.whatif.network import Network, network_of
from ruimte.whatif.simulate import plan_of, simulate

MINUTES = 60


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    folder: Path = tmp_path_factory.mktemp("labs") / "town"
    new_lab(folder)
    return read_lab(folder)


@pytest.fixture(scope="module")
def net(lab: Lab) -> Network:
    return network_of(lab, compile_lab(lab, {each.key: n for n, each in enumerate(stream_keys(lab))}))


@pytest.fixture(scope="module")
def start_us(lab: Lab) -> int:
    """The summer market's last half hour has begun."""
    return moment_us(lab.events[0].end, lab.zone) - 30 * MINUTE_US


def scheduled(lab: Lab, net: Network, start_us: int, *actions: ActionEntry, takes: int = 0, lasts: int | None = None) -> Schedule:
    steps = tuple(Step(action, takes * MINUTE_US, None if lasts is None else lasts * MINUTE_US) for action in actions)
    return schedule_of(Scenario("s", "S", steps), net, lab, start_us, MINUTES)


def test_the_network_has_the_labs_zones_gates_and_lengths(net: Network, lab: Lab) -> None:
    assert net.zones == ("square", "street")
    assert net.gates == ("square-west", "square-street", "street-east")
    assert net.outer == ("square-west", "street-east")
    assert net.area_m2 == pytest.approx([lab.zones["square"].area_m2, 900])
    assert net.assumed_width == ()
    # the square is 62 m long, and its other gate lies at the other end
    assert net.length_m[net.link("square-west", False)] == pytest.approx(62, abs=2)
    # the street is drawn 103 m by 11 m, but has 900 m² of its 1144: lengths are scaled alike
    assert net.length_m[net.link("street-east", False)] == pytest.approx(103 * (900 / 1144) ** 0.5, rel=0.03)


def test_what_the_trams_carry_limits_a_gate_whatever_its_width(lab: Lab) -> None:
    gates = lab.gates | {"street-east": replace(lab.gates["street-east"], per_minute=30.0)}
    slow = network_of(replace(lab, gates=gates), compile_lab(lab, {each.key: n for n, each in enumerate(stream_keys(lab))}))
    both = [slow.link("street-east", inward) for inward in (True, False)]
    assert plan_of(slow, 5).limit[:, both].tolist() == [[0.5, 0.5]] * 5
    assert np.isinf(np.delete(plan_of(slow, 5).limit, both, axis=1)).all()


def test_a_gate_without_a_width_is_as_wide_as_it_is_drawn_and_is_named() -> None:
    lab = read_lab(lab_folder("hardbruecke"))
    net = network_of(lab, compile_lab(lab, {each.key: n for n, each in enumerate(stream_keys(lab))}))
    assert net.assumed_width == net.gates
    assert net.width_m[net.gates.index("ost-vbz")] == pytest.approx(45, abs=1)
    assert net.width_m[net.gates.index("ost-nord")] == pytest.approx(4, abs=0.2)


def test_a_lab_of_count_points_has_nowhere_to_walk() -> None:
    lab = read_lab(lab_folder("auckland"))
    net = network_of(lab, compile_lab(lab, {each.key: n for n, each in enumerate(stream_keys(lab))}))
    assert net.zones == net.gates == ()


def test_an_action_works_from_when_the_measure_does_until_it_ends(lab: Lab, net: Network, start_us: int) -> None:
    shut = scheduled(lab, net, start_us, ActionEntry(do="close", gate="square-west", way="in"), takes=5, lasts=20)
    link = net.link("square-west", True)
    assert shut.plan.may[:, link].tolist() == [1.0] * 5 + [0.0] * 20 + [1.0] * 35
    assert shut.plan.may[:, net.link("square-west", False)].min() == 1.0


@pytest.mark.parametrize(
    ("begin", "until", "first", "last"),
    [
        ("+10m", None, 10, 10_000),
        ("+10m", "+15m", 10, 15),
        ("17:45", None, 15, 10_000),
        ("17:00", "17:45", -30, 15),
        ("17:45", "17:40", 15, 24 * 60 + 10),
        ("23:45", "00:15", 6 * 60 + 15, 6 * 60 + 45),
    ],
)
def test_times_are_the_walls_or_after_the_decision(
    lab: Lab, start_us: int, begin: str | None, until: str | None, first: int, last: int
) -> None:
    step = Step(ActionEntry(do="close", gate="square-west", from_=begin, until=until), lasts_us=9_990 * MINUTE_US)
    found = [(at - start_us) // MINUTE_US for at in times(step, start_us, lab.zone)]
    assert found[0] == first
    assert found[1] == (last if until is not None else first + 9_990)


def test_each_action_does_what_it_says_to_the_plan(lab: Lab, net: Network, start_us: int) -> None:
    west_in, west_out = net.link("square-west", True), net.link("square-west", False)
    done = scheduled(lab, net, start_us, ActionEntry(do="dose", gate="square-west", way="in", per_minute=30.0))
    assert done.plan.limit[0, west_in] == 0.5
    assert done.plan.limit[0, west_out] == np.inf
    done = scheduled(lab, net, start_us, ActionEntry(do="one-way", gate="square-west", way="in"))
    assert (done.plan.may[0, west_in], done.plan.may[0, west_out]) == (1.0, 0.0)
    done = scheduled(lab, net, start_us, ActionEntry(do="hold", zone="square", way="in"))
    held = {int(link) for link in np.flatnonzero(done.plan.held[0])}
    assert held == {west_in, net.link("square-street", False)}
    done = scheduled(lab, net, start_us, ActionEntry(do="width", gate="square-west", width_m=3.0))
    assert done.plan.width_m[0].tolist() == [3.0, 11.0, 11.0]
    done = scheduled(lab, net, start_us, ActionEntry(do="close", zone="square"), ActionEntry(do="open", gate="square-west"))
    assert done.plan.may[0].sum() == len(net.source) - 2
    done = scheduled(lab, net, start_us, ActionEntry(do="stop-arrivals", gate="square-west"), lasts=10)
    assert done.come_by[0].tolist() == [[0, 0], [0, 1]]
    assert done.come_by[10].tolist() == [[1, 0], [0, 1]]
    done = scheduled(
        lab, net, start_us, ActionEntry(do="redirect", gate="square-west", to_gate="street-east", way="in", share=0.25)
    )
    assert done.come_by[0].tolist() == [[0.75, 0.25], [0, 1]]
    done = scheduled(
        lab, net, start_us, ActionEntry(do="redirect", gate="square-west", to_gate="square-street", way="out", share=0.25)
    )
    assert done.plan.aside[0, west_out] == 0.25
    assert done.plan.aside_to[0, west_out] == net.link("square-street", True)


def test_less_of_a_width_is_walked_on_by_sfpe(lab: Lab, net: Network, start_us: int) -> None:
    steps = (Step(ActionEntry(do="width", gate="square-west", width_m=3.0)),)
    done = schedule_of(Scenario("s", "S", steps), net, lab, start_us, MINUTES, SFPE)
    assert done.plan.width_m[0] == pytest.approx([2.7, 10.7, 10.7])


def test_an_event_that_goes_on_lets_people_leave_later(lab: Lab, net: Network, start_us: int) -> None:
    demand = steady(net, MINUTES, {}, stay_s=1e9)
    demand.leave[30:] = 1 / 300  # the market ends, and its visitors go
    start = np.array([800.0, 200.0])
    without = simulate(net, start, demand, nothing(net, MINUTES).plan)
    longer = scheduled(lab, net, start_us, ActionEntry(do="extend-event", event="summer-market", by="15m"))
    done = simulate(net, start, longer.demand(demand), longer.plan)
    assert done.people[29:45] == pytest.approx(np.tile(start, (16, 1)), rel=1e-4)
    assert done.people[45:] == pytest.approx(without.people[30:45], rel=1e-4)


def test_what_changes_nothing_in_the_window_is_told(lab: Lab, net: Network, start_us: int) -> None:
    late = ActionEntry(do="close", gate="square-west", from_="23:00")
    over = ActionEntry(do="extend-event", event="summer-market", by="30m")
    assert scheduled(lab, net, start_us, late).idle == (0,)
    assert scheduled(lab, net, start_us + 3_600 * 1_000_000, over).idle == (0,)
    assert scheduled(lab, net, start_us, ActionEntry(do="close", gate="square-west"), late).idle == (1,)


def test_a_dose_at_the_door_moves_the_crowd_outside(lab: Lab, net: Network, start_us: int) -> None:
    demand = steady(net, MINUTES, {"square-west": 2.0})
    without = simulate(net, np.zeros(2), demand, nothing(net, MINUTES).plan)
    dosed = scheduled(lab, net, start_us, ActionEntry(do="dose", gate="square-west", way="in", per_minute=30.0))
    done = simulate(net, np.zeros(2), dosed.demand(demand), dosed.plan)
    assert done.people[-1, 0] < 0.3 * without.people[-1, 0]
    assert done.queue[-1, 0] == pytest.approx(1.5 * 3600)
    assert done.came == without.came


def test_a_closed_zone_with_people_inside_is_not_hidden(lab: Lab, net: Network, start_us: int) -> None:
    shut = scheduled(lab, net, start_us, ActionEntry(do="close", zone="street"), lasts=30)
    done = simulate(net, np.array([0.0, 300.0]), steady(net, MINUTES, {}), shut.plan)
    assert done.trapped[:30, 1] == pytest.approx(300.0)
    assert done.trapped[30:].max() == 0.0


def test_measures_of_an_event_without_places_hold_everywhere(lab: Lab, net: Network, start_us: int) -> None:
    everywhere = replace(
        lab, events=tuple(type(e)(**{f: getattr(e, f) for f in e.__struct_fields__} | {"places": []}) for e in lab.events)
    )
    done = scheduled(everywhere, net, start_us, ActionEntry(do="extend-event", event="summer-market", by="10m"))
    assert (done.leave_as[30] == 29).all()
