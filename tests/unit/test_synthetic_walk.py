"""How one visitor walks, waits at a gate, stays and goes home, on a ground of two zones in a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ruimte.synthetic.ground import SPOTS, Ground
from ruimte.synthetic.walk import STOP, Crowd, Trams, new_visitors, walk

WEST, MIDDLE, EAST = 0, 1, 2
LENGTH_M = 100.0


def ground(area_m2: float = 1e4) -> Ground:
    """Two squares of 100 m side by side, with gates in the west, between them, and in the east; all spots are middles."""
    at_m = np.array([0.0, LENGTH_M, 2 * LENGTH_M])
    rest = np.full((3, 2, 5), np.inf)
    rest[WEST, 0] = [0, LENGTH_M, 0, np.inf, 2 * LENGTH_M]
    rest[MIDDLE, 0] = [np.inf, 0, np.inf, np.inf, LENGTH_M]
    rest[MIDDLE, 1] = [0, np.inf, LENGTH_M, np.inf, np.inf]
    rest[EAST, 1] = [LENGTH_M, 0, 2 * LENGTH_M, np.inf, 0]
    return Ground(
        area_m2=np.full(2, area_m2),
        spots=np.tile(np.array([[[50.0, 0.0]], [[150.0, 0.0]]]), (1, SPOTS, 1)),
        ends_m=np.stack([at_m, np.zeros(3), at_m, np.zeros(3)], axis=1),
        sides=np.array([[-1, 0], [0, 1], [1, -1]]),
        width_m=np.ones(3),
        doors=np.array([[WEST, MIDDLE], [MIDDLE, EAST]]),
        rest_m=rest,
    )


@dataclass(frozen=True)
class Plan:
    goal: int = -1
    stay_s: float = 0.0
    until_s: float = np.inf


def crowd(count: int = 1, plan: Plan = Plan(), **fields: float) -> Crowd:
    """Visitors who all come in the west and leave in the east at 1 m/s, with this plan."""
    who = new_visitors(count)
    usual = {
        "entry": WEST,
        "exit": EAST,
        "second": EAST,
        "speed_m_s": 1.0,
        "tolerance": 4.0,
        "patience_s": 600.0,
        "hardy_mm": 1e9,
    }
    for name, value in (usual | fields).items():
        who[name] = value
    stops = np.zeros((count, 1), dtype=STOP).view(np.recarray)
    stops["goal"], stops["stay_s"], stops["until_s"] = plan.goal, plan.stay_s, plan.until_s
    return Crowd(who, stops)


def run(
    crowd: Crowd,
    on: Ground | None = None,
    per_s: float = 10.0,
    rain: float = 0.0,
    trams: tuple[float, ...] = (),
    seats: int = 10,
    ticks: int = 120,
) -> tuple[np.ndarray, np.ndarray]:
    """Two hours by the minute; ``trams`` stop in the east."""
    stops = Trams(np.array(trams, dtype=float), EAST if trams else 99, seats)
    return walk(on or ground(), crowd, stops, np.full(3, per_s), np.full(2, rain), 60.0, ticks)


def when(passed: np.ndarray, gate: int, way: int = 0) -> list[int]:
    """The minute of each passage."""
    return np.repeat(np.arange(len(passed)), passed[:, gate, way]).tolist()


def test_who_walks_through_takes_as_long_as_the_way_is() -> None:
    _, passed = run(crowd(start_s=600.0))
    assert when(passed, WEST) == [10]
    assert when(passed, MIDDLE) == [11]
    assert when(passed, EAST) == [13]  # 200 m, and some seconds at each gate
    assert passed[:, :, 1].sum() == 0


def test_who_stays_is_there_as_long_as_planned() -> None:
    people, passed = run(crowd(plan=Plan(goal=1, stay_s=1800.0)))
    assert 32 <= np.count_nonzero(people[:, 1]) <= 35
    assert when(passed, EAST)[0] in (33, 34, 35)


def test_who_means_to_leave_at_a_time_does() -> None:
    _, passed = run(crowd(plan=Plan(goal=0, stay_s=np.inf, until_s=3600.0)))
    assert when(passed, EAST) == [62]


def test_rain_sends_home_who_cannot_stand_it() -> None:
    plan = Plan(goal=0, stay_s=5400.0)
    dry, wet, hardy = (run(crowd(plan=plan, hardy_mm=2.0), rain=mm)[1] for mm in (0.0, 3.0, 1.0))
    assert when(dry, EAST)[0] > 90
    assert when(wet, EAST)[0] < 20
    assert np.array_equal(dry, hardy)


def test_a_gate_lets_one_person_through_at_a_time() -> None:
    people, passed = run(crowd(300), per_s=0.5)
    assert passed[1:9, WEST, 0].tolist() == [30] * 8
    assert passed[:, WEST, 0].sum() == passed[:, EAST, 0].sum() == 300
    assert people[-1].sum() == 0


def test_a_crowd_slows_its_own_walk() -> None:
    free, dense = (run(crowd(200), ground(area_m2=area), per_s=100.0)[1] for area in (1e4, 60.0))
    assert when(dense, EAST)[100] > when(free, EAST)[100]


def test_who_finds_it_too_full_waits_and_then_goes_elsewhere() -> None:
    stay = Plan(goal=1, stay_s=3600.0)
    people, passed = run(crowd(100, stay, tolerance=1.0, exit=WEST, second=WEST), ground(area_m2=40.0), per_s=100.0, ticks=240)
    assert people[:, 1].max() <= 42, "no more than one person/m², and who steps in at the same moment"
    assert passed[:60, WEST, 1].sum() > 40, "the others waited, gave up and went home"
    assert passed[:, WEST, 0].sum() == passed[:, WEST, 1].sum()


def test_a_tram_takes_as_many_as_it_has_seats() -> None:
    _, passed = run(crowd(25, patience_s=1e9), trams=(1000.0, 2000.0, 3000.0))
    assert sorted(set(when(passed, EAST))) == [16, 33, 50]
    assert [int(passed[minute, EAST, 0]) for minute in (16, 33, 50)] == [10, 10, 5]


def test_who_will_not_wait_for_the_tram_walks_another_way() -> None:
    _, passed = run(crowd(25, patience_s=1500.0, second=WEST), trams=(1000.0, 2000.0, 3000.0))
    assert passed[:, EAST, 0].sum() == 10, "the second tram is too late for them"
    assert passed[:, WEST, 1].sum() == 15


def test_after_the_last_tram_who_is_left_walks() -> None:
    people, passed = run(crowd(25, patience_s=1e9, second=WEST), trams=(1000.0, 2000.0))
    assert passed[:, EAST, 0].sum() == 20
    assert passed[:, WEST, 1].sum() == 5
    assert people[-1].sum() == 0


def test_the_visitors_that_were_given_stay_as_they_were() -> None:
    given = crowd(5, Plan(goal=0, stay_s=60.0))
    before = given.who.copy()
    first, again = run(given), run(given)
    assert np.array_equal(before, given.who)
    assert np.array_equal(first[1], again[1])
