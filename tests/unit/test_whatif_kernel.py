"""People on a network: diagrams as published, queues as on paper, nobody lost, no zone fuller than full."""

from __future__ import annotations

import numpy as np
import pytest

from ruimte.whatif.diagram import SFPE, WEIDMANN, Diagram, receiving_flow, sending_speed
from ruimte.whatif.kernel import SLOT_S, Demand, Plan, Traits
from ruimte.whatif.network import Network, network
from ruimte.whatif.simulate import Run, plan_of, simulate, step_s

MINUTES = 60


def corridor(width_m: float = 2.0, area_m2: float = 400.0, outer_m: float = 20.0) -> Network:
    """outside → a → b → outside; the gate in the middle has the width that is asked for."""
    gates = [("in", None, "a", outer_m, 0, 10), ("mid", "a", "b", width_m, 10, 10), ("out", "b", None, outer_m, 10, 0)]
    return network([("a", area_m2), ("b", area_m2)], gates)


def demand(net: Network, slots: int = MINUTES, arrivals: dict[str, float] | None = None, stay_s: float = 1e12) -> Demand:
    """Arrivals by outer gate (persons/s); who comes in goes to the last outer gate, and so does who has stayed."""
    zones, exits = len(net.zones), len(net.exits)
    rates = np.array([(arrivals or {}).get(key, 0.0) for key in net.outer])
    shares = np.zeros((zones + exits, zones + exits))
    shares[:, -1] = 1.0
    return Demand(np.tile(rates, (slots, 1)), np.full((slots, zones), 1 / stay_s), shares)


def balance(net: Network, start: float, done: Run) -> float:
    """Persons too many at the end."""
    return float(done.people[-1].sum() + done.queue[-1].sum() + done.gone - done.came - start)


def test_weidmann_is_as_published() -> None:
    assert WEIDMANN.capacity == pytest.approx(1.2249, abs=5e-5)
    assert WEIDMANN.critical == pytest.approx(1.7507, abs=5e-5)
    published = [1.0581, 0.6062, 0.3307, 0.1563, 0.0374]
    assert WEIDMANN.speed(np.arange(1.0, 6.0)) == pytest.approx(published, abs=5e-5)
    assert WEIDMANN.speed(np.array([0.0, 5.4, 7.0])) == pytest.approx([1.34, 0.0, 0.0])


def test_sfpe_is_as_published() -> None:
    assert SFPE.capacity == pytest.approx(1.3158, abs=5e-5)
    assert SFPE.critical == pytest.approx(1.880, abs=5e-4)
    assert SFPE.jam == pytest.approx(3.759, abs=5e-4)
    assert SFPE.flow(np.array([1.0])) == pytest.approx([1.4 * (1 - 0.266)])


@pytest.mark.parametrize("diagram", [WEIDMANN, SFPE], ids=["weidmann", "sfpe"])
def test_what_is_sent_rises_and_what_is_received_falls_with_density(diagram: Diagram) -> None:
    numbers = diagram.numbers()
    density = np.linspace(0.01, diagram.jam, 400)
    sent = np.array([d * sending_speed(numbers, d) for d in density])
    received = np.array([receiving_flow(numbers, d) for d in density])
    assert (np.diff(sent) > -1e-12).all()
    assert (np.diff(received) < 1e-12).all()
    assert np.minimum(sent, received) == pytest.approx(diagram.flow(density), abs=1e-9)


@pytest.mark.parametrize("diagram", [WEIDMANN, SFPE], ids=["weidmann", "sfpe"])
@pytest.mark.parametrize("density", [0.3, 0.8, 1.2, 1.7])
def test_a_steady_stream_through_a_corridor_has_the_flow_of_the_diagram(density: float, diagram: Diagram) -> None:
    # a zone of 10 m by 10 m that people cross in full: density ρ in it is reached when ρ·v(ρ)·10 m come in a second
    gates = [("in", None, "a", 40.0, 0, 10), ("out", "a", None, 40.0, 10, 0)]
    net = network([("a", 100.0)], gates)
    wanted = float(diagram.flow(np.array([density]))[0]) * 10.0
    done = simulate(net, np.zeros(1), demand(net, arrivals={"in": wanted}), plan_of(net, MINUTES, diagram), diagram=diagram)
    assert done.people[-1, 0] / 100.0 == pytest.approx(density, rel=1e-3)
    assert done.flow[-1, net.link("out", True)] == pytest.approx(wanted, rel=1e-3)


def test_a_queue_before_a_gate_is_as_long_as_on_paper() -> None:
    net = corridor(width_m=1.0)
    capacity = WEIDMANN.capacity
    done = simulate(net, np.zeros(2), demand(net, arrivals={"in": 2.0}), plan_of(net, MINUTES))
    through = done.flow[:, net.link("mid", True)]
    assert through[10:] == pytest.approx(capacity, rel=1e-9)
    grown = np.diff(done.people[20:, 0] + done.queue[20:, 0]) / SLOT_S
    assert grown == pytest.approx(2.0 - capacity, rel=1e-6)


def test_a_queue_outside_has_the_length_and_the_wait_of_the_point_queue() -> None:
    # 3 persons/s come for 20 minutes to a door that lets 1.2249 m⁻¹s⁻¹ · 1.5 m pass
    net = corridor(width_m=20.0, area_m2=4000.0, outer_m=1.5)
    come = demand(net, arrivals={"in": 3.0})
    come.arrivals[20:] = 0.0
    passes = 1.5 * WEIDMANN.capacity
    done = simulate(net, np.zeros(2), come, plan_of(net, MINUTES))
    minutes = np.arange(1, MINUTES + 1)
    on_paper = np.where(minutes <= 20, minutes * 60 * (3.0 - passes), np.maximum(1200 * 3.0 - minutes * 60 * passes, 0))
    assert done.queue[:, 0] == pytest.approx(on_paper, abs=1e-6)


def test_a_crowd_leaves_a_full_zone_at_the_capacity_of_its_gate() -> None:
    net = network([("a", 100.0)], [("out", "a", None, 2.0, 5, 0)])
    start = np.array([[0.0, 530.0]])
    done = simulate(net, start, demand(net, 10), plan_of(net, 10))
    gone = 530.0 - done.people[:, 0]
    cleared = np.minimum(np.arange(1, 11) * 60 * 2.0 * WEIDMANN.capacity, 530.0)
    assert gone[:3] == pytest.approx(cleared[:3], rel=1e-9)
    assert gone[-1] == pytest.approx(530.0, abs=0.01)


def test_a_symmetric_merge_gives_both_the_same_and_never_more_than_fits() -> None:
    gates = [("w", "west", "mid", 6.0, 8, 4), ("e", "east", "mid", 6.0, 8, 4), ("out", "mid", None, 0.5, 4, 0)]
    net = network([("west", 300.0), ("east", 300.0), ("mid", 60.0)], gates)
    start = np.zeros((3, 4))
    start[0, 3] = start[1, 3] = 1500.0
    done = simulate(net, start, demand(net), plan_of(net, MINUTES))
    assert done.flow[:, net.link("w", True)] == pytest.approx(done.flow[:, net.link("e", True)], rel=1e-12)
    assert (done.people <= WEIDMANN.jam * net.area_m2 * (1 + 1e-9)).all()
    assert done.people[5:20, 2].min() > 0.8 * WEIDMANN.critical * 60.0
    assert done.flow[10, net.link("out", True)] == pytest.approx(0.5 * WEIDMANN.capacity, rel=1e-9)


def test_both_ways_through_a_gate_share_it_in_proportion() -> None:
    net = network([("a", 9000.0), ("b", 9000.0)], [("mid", "a", "b", 1.0, 10, 10)])
    start = np.array([[0.0, 800.0], [400.0, 0.0]])
    done = simulate(net, start, Demand(np.zeros((1, 0)), np.zeros((1, 2)), np.zeros((2, 2))), plan_of(net, 1))
    there, back = done.flow[0, net.link("mid", True)], done.flow[0, net.link("mid", False)]
    assert there + back == pytest.approx(WEIDMANN.capacity, rel=1e-9)
    assert there / back == pytest.approx(2.0, rel=0.1)


def grid(rng: np.random.Generator, rows: int, columns: int) -> Network:
    zones = [(f"z{n}", float(rng.uniform(50, 800))) for n in range(rows * columns)]
    gates = []
    for row in range(rows):
        for column in range(columns):
            here = row * columns + column
            for there in ([here + 1] if column + 1 < columns else []) + ([here + columns] if row + 1 < rows else []):
                walks = rng.uniform(3, 20, 2)
                gates.append((f"g{here}-{there}", f"z{here}", f"z{there}", float(rng.uniform(0.5, 6)), *map(float, walks)))
    for number in range(3):
        gates.append((f"o{number}", None, f"z{number * 2 % len(zones)}", float(rng.uniform(1, 8)), 0.0, 8.0))
    return network(zones, gates)


def disturbed(net: Network, rng: np.random.Generator, slots: int) -> Plan:
    """A plan in which gates are shut, held, narrowed and dosed at random."""
    plan = plan_of(net, slots)
    plan.may[rng.random(plan.may.shape) < 0.1] = 0.0
    plan.held[rng.random(plan.held.shape) < 0.05] = 1.0
    dosed = rng.random(plan.limit.shape) < 0.1
    plan.limit[dosed] = rng.uniform(0, 2, dosed.sum())
    for link in range(net.first[-1]):
        others = np.flatnonzero(net.source == net.source[link])
        plan.aside_to[:, link] = rng.choice(others, slots)
        plan.aside[:, link] = rng.choice([0.0, 0.4, 1.0], slots, p=[0.8, 0.1, 0.1])
    plan.width_m[:] *= rng.uniform(0.3, 1.0, plan.width_m.shape)
    return plan


@pytest.mark.parametrize("seed", range(12))
def test_nobody_is_lost_and_no_zone_is_fuller_than_full(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = grid(rng, *rng.integers(1, 5, 2))
    zones, exits = len(net.zones), len(net.exits)
    shares = rng.dirichlet(np.ones(zones + exits), zones + exits)
    come = Demand(rng.uniform(0, 8, (30, exits)), np.full((30, zones), 1 / 400), shares)
    start = rng.dirichlet(np.ones(zones + exits), zones) * (rng.uniform(0, 5.4, zones) * net.area_m2)[:, None]
    done = simulate(net, start, come, disturbed(net, rng, 30), queue=rng.uniform(0, 50, exits), traits=Traits(1.2, 0.9))
    total = start.sum() + done.came
    assert abs(done.people[-1].sum() - done.where.sum()) <= 1e-9 * total
    assert (done.people <= WEIDMANN.jam * net.area_m2 * (1 + 1e-9)).all()
    assert done.where.min() >= -1e-9


@pytest.mark.parametrize("seed", range(12))
def test_who_is_inside_waits_outside_or_left_adds_up_to_who_came(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    net = grid(rng, *rng.integers(1, 5, 2))
    zones, exits = len(net.zones), len(net.exits)
    shares = rng.dirichlet(np.ones(zones + exits), zones + exits)
    come = Demand(rng.uniform(0, 8, (60, exits)), np.full((60, zones), 1 / 400), shares)
    start = rng.uniform(0, 5.4, zones) * net.area_m2
    done = simulate(net, start, come, disturbed(net, rng, 60))
    assert abs(balance(net, start.sum(), done)) <= 1e-9 * (start.sum() + done.came)


def test_a_shut_gate_passes_nobody_and_people_take_the_other_one() -> None:
    gates = [("near", "a", None, 3.0, 5, 0), ("far", "a", None, 3.0, 15, 0)]
    net = network([("a", 500.0)], gates)
    come = demand(net, 20, stay_s=300)
    come.shares[:, 1], come.shares[:, 2] = 1.0, 0.0  # all by the near one
    plan = plan_of(net, 20)
    plan.may[:, net.link("near", True)] = 0.0
    done = simulate(net, np.array([300.0]), come, plan)
    assert done.flow[:, net.link("near", True)].max() == 0.0
    assert done.gone > 200
    assert done.trapped.max() == 0.0


def test_people_go_round_a_queue() -> None:
    # two ways from a to the way out by b: a door of half a metre, and one of 3 m that is a bit further
    gates = [("narrow", "a", "b", 0.5, 10, 10), ("wide", "a", "b", 3.0, 30, 10), ("out", "b", None, 10.0, 10, 0)]
    net = network([("a", 600.0), ("b", 600.0)], gates)
    start = np.zeros((2, 3))
    start[0, 2] = 900.0
    done = simulate(net, start, demand(net, 20), plan_of(net, 20))
    later = done.flow[2]
    narrow, wide = net.link("narrow", True), net.link("wide", True)
    assert later[narrow] > 0.4 * WEIDMANN.capacity
    assert later[wide] > 2.0 * later[narrow]
    assert done.people[8, 0] < 1.0  # by the door of half a metre alone it would take 24 minutes


def test_a_crowd_that_loses_too_much_time_leaves_by_another_exit() -> None:
    gates = [("slow", "a", None, 0.5, 10, 0), ("other", "a", None, 4.0, 30, 0)]
    net = network([("a", 1000.0)], gates)
    start = np.zeros((1, 3))
    start[0, 1] = 2400.0
    both = demand(net, 60)
    both.shares[0] = [0.0, 0.9, 0.1]
    done = simulate(net, start, both, plan_of(net, 60))
    assert done.flow[:, net.link("other", True)].sum() * SLOT_S > 800
    assert done.people[-1, 0] < 1.0


def test_who_cannot_get_out_is_said_to_be_trapped_and_stays() -> None:
    net = corridor(width_m=2.0)
    plan = plan_of(net, 20)
    plan.may[5:10] = 0.0
    done = simulate(net, np.array([100.0, 50.0]), demand(net, 20, stay_s=600), plan)
    assert (done.trapped[:5] == 0).all()
    assert done.trapped[5:10] == pytest.approx(done.people[5:10])
    assert done.people[9].sum() == pytest.approx(done.people[5].sum(), rel=1e-12)
    assert (done.trapped[10:] == 0).all()
    assert done.people[19].sum() < done.people[9].sum()


def test_held_people_wait_and_go_on_when_they_may() -> None:
    net = corridor()
    plan = plan_of(net, 30)
    plan.held[:15, net.link("in", True)] = 1.0
    done = simulate(net, np.zeros(2), demand(net, 30, arrivals={"in": 1.0}), plan)
    assert done.queue[14, 0] == pytest.approx(15 * 60.0)
    assert done.queue[-1, 0] == pytest.approx(0.0, abs=1e-9)


def test_a_dosed_gate_lets_pass_what_it_is_told() -> None:
    net = corridor()
    plan = plan_of(net, 30)
    plan.limit[:, net.link("in", True)] = 20 / 60
    done = simulate(net, np.zeros(2), demand(net, 30, arrivals={"in": 1.0}), plan)
    assert done.flow[1:, net.link("in", True)] == pytest.approx(20 / 60, rel=1e-9)


def test_a_share_that_is_led_aside_takes_the_other_gate() -> None:
    gates = [("one", "a", None, 5.0, 10, 0), ("two", "a", None, 5.0, 10, 0)]
    net = network([("a", 1000.0)], gates)
    plan = plan_of(net, 10)
    one, two = net.link("one", True), net.link("two", True)
    plan.aside[:, one], plan.aside_to[:, one] = 0.3, two
    start = np.zeros((1, 3))
    start[0, 1] = 30.0
    done = simulate(net, start, demand(net, 10), plan)
    assert done.flow[0, two] / (done.flow[0, one] + done.flow[0, two]) == pytest.approx(0.3, rel=1e-6)


def test_the_step_of_time_holds_the_courant_condition() -> None:
    for length in (2.0, 4.0, 10.0, 50.0):
        net = network([("a", 100.0)], [("g", "a", None, 2.0, length, 0)])
        dt = step_s(net)
        assert dt <= min(5.0, length / 1.34)
        assert SLOT_S / dt == pytest.approx(round(SLOT_S / dt))


def test_a_finer_step_tells_the_same() -> None:
    coarse = network([("a", 500.0)], [("in", None, "a", 3.0, 0, 12), ("out", "a", None, 1.0, 12, 0)])
    fine = network(
        [("a", 500.0), ("b", 10.0)], [("in", None, "a", 3.0, 0, 12), ("out", "a", None, 1.0, 12, 0), ("x", "b", None, 1, 2, 0)]
    )
    assert step_s(fine) < step_s(coarse) / 2
    one = simulate(coarse, np.zeros(1), demand(coarse, arrivals={"in": 1.0}), plan_of(coarse, MINUTES))
    come = demand(fine, arrivals={"in": 1.0})
    come.shares[:, 2:] = [0.0, 1.0, 0.0]
    other = simulate(fine, np.zeros(2), come, plan_of(fine, MINUTES))
    assert other.people[5:, 0] == pytest.approx(one.people[5:, 0], rel=0.03)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda g: g.update(start=np.zeros(3)), "shape"),
        (lambda g: g.update(start=np.array([-1.0, 0.0])), "people"),
        (lambda g: g.update(start=np.array([1e6, 0.0])), "more people than fit in 'a'"),
        (lambda g: g.update(queue=np.array([np.nan, 0.0])), "queue"),
        (lambda g: g["plan"].aside_to.__setitem__((0, 0), 4), "led aside"),
        (lambda g: g["demand"].arrivals.__setitem__((0, 0), -1.0), "arrivals"),
    ],
)
def test_what_cannot_be_run_is_refused(change, said: str) -> None:  # type: ignore[no-untyped-def]
    net = corridor()
    given = {"start": np.zeros(2), "demand": demand(net), "plan": plan_of(net, MINUTES), "queue": np.zeros(2)}
    change(given)
    with pytest.raises(ValueError, match=said):
        simulate(net, **given)
