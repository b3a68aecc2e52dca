"""Speeds, crossings and levels of service of tracks, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ruimte.errors import RuimteError
from ruimte.lab.levels import TABLES, table
from ruimte.tracks.diagram import fundamental_diagram
from ruimte.tracks.flow import along, crossings, cumulative, flow, spells
from ruimte.tracks.frames import Frames, frames_of
from ruimte.tracks.gates import gates_of
from ruimte.tracks.motion import Follower, acceleration, motion
from ruimte.tracks.service import of_density, of_flow

DOOR = gates_of({"door": [(0, 2), (0, 0)]})  # forward is west


def walk(x: list[float], y: float | list[float] = 1.0, frames: list[int] | None = None, rate_hz: float = 10) -> Frames:
    """One person's track."""
    return frames_of([7] * len(x), frames or range(len(x)), x, y if isinstance(y, list) else [y] * len(x), rate_hz)


def test_borders_of_a_track() -> None:
    steady = walk([0.0, 0.1, 0.2, 0.3, 0.4])
    for borders, known in (("exclude", [0, 0, 1, 0, 0]), ("adaptive", [0, 1, 1, 1, 0]), ("single", [1, 1, 1, 1, 1])):
        speed = motion(steady, 2, borders).speed_m_s  # type: ignore[arg-type]
        assert np.isfinite(speed).tolist() == [bool(each) for each in known]
        assert speed[np.isfinite(speed)] == pytest.approx(1.0)
    assert np.isnan(motion(walk([0.0]), 1, "single").speed_m_s).all()


def test_speed_along_a_direction_is_negative_against_it() -> None:
    assert motion(walk([0.0, 0.1, 0.2]), 1, along=[-2, 0]).speed_m_s[1] == pytest.approx(-1.0)


def test_a_gap_counts_its_time() -> None:
    assert motion(walk([0.0, 0.1, 0.5], frames=[0, 1, 5]), 1).speed_m_s[1] == pytest.approx(1.0)
    assert np.isnan(motion(walk([0.0, 0.1, 0.5], frames=[0, 1, 5]), 1, "adaptive").speed_m_s).all()


def test_acceleration_is_told_at_the_end_of_its_window() -> None:
    speeding = acceleration(walk([0.0, 0.0, 0.02, 0.06]), 1)
    assert np.isnan(speeding.size_m_s2[:2]).all()
    assert speeding.size_m_s2[2:] == pytest.approx([2.0, 2.0])
    assert acceleration(walk([0.06, 0.02, 0.0]), 1, along=[1, 0]).size_m_s2[2] == pytest.approx(2.0)


def test_a_track_that_jumps_has_no_speed_there_and_says_so() -> None:
    found = motion(walk([0.0, 0.1, 0.2, 9.0, 9.1, 9.2]), 1)
    assert found.jumped.tolist() == [False, False, True, True, False, False]
    assert np.isnan(found.speed_m_s).tolist() == [True, False, True, True, False, True]
    assert acceleration(walk([0.0, 0.1, 9.0]), 1).jumped.tolist() == [False, False, True]
    assert len(crossings(walk([-5.0, -4.9, 5.0, 5.1]), DOOR).row) == 0


def test_a_speed_needs_both_ends_of_its_window_and_a_crossing_every_step() -> None:
    lost = walk([-0.2, math.nan, 0.2, 0.3])
    assert motion(lost, 1).speed_m_s == pytest.approx([math.nan, 2.0, math.nan, math.nan], nan_ok=True)
    assert len(crossings(lost, DOOR).row) == 0


def test_a_follower_tells_what_was_known_by_then() -> None:
    follower = Follower(rate_hz=10, step=2)
    told = [follower.follow(f, [1, 2], [0.1 * f, 5.0], [0.0, 9.0 * (f == 3)]).tolist() for f in range(4)]
    assert np.isnan(told[:2]).all()
    assert told[2] == pytest.approx([1.0, 0.0])
    assert told[3][0] == pytest.approx(1.0)
    assert math.isnan(told[3][1]), "nobody moves 9 m in 0.2 s"
    with pytest.raises(RuimteError, match="frame 3 after frame 3; send frames in order"):
        follower.follow(3, [1], [0.0], [0.0])
    with pytest.raises(RuimteError, match="twice in frame 4"):
        follower.follow(4, [1, 1], [0.0, 0.0], [0.0, 0.0])


def test_who_crosses_which_way_and_when() -> None:
    to_and_fro = crossings(walk([0.1, -0.1, -0.2, 0.2, -0.1]), DOOR)
    assert to_and_fro.frame.tolist() == [1, 3, 4]
    assert to_and_fro.way.tolist() == [1, -1, 1]
    assert to_and_fro.first.tolist() == [True, False, False]


def test_who_stops_on_the_line_crosses_when_they_leave_it_on_the_other_side() -> None:
    assert crossings(walk([0.2, 0.0, 0.0, -0.2]), DOOR).frame.tolist() == [3]
    assert crossings(walk([0.2, 0.0, 0.0, 0.2]), DOOR).frame.tolist() == []
    assert crossings(walk([0.2, -5e-6, -0.2]), DOOR).frame.tolist() == [2]


def test_past_the_end_of_a_gate_is_not_through_it() -> None:
    assert len(crossings(walk([0.2, -0.2], 2.5), DOOR).row) == 0
    assert len(crossings(walk([0.2, -0.2], 2.0), DOOR).row) == 1
    assert crossings(walk([0.2, -0.2], frames=[0, 4]), DOOR).frame.tolist() == [4]


def test_n_t_and_flow_by_way() -> None:
    people = frames_of(
        [1, 1, 1, 2, 2, 2, 3, 3, 3], [0, 1, 2] * 3, [0.1, -0.1, -0.2, 0.2, 0.1, -0.1, -0.1, -0.05, 0.1], [1.0] * 9, rate_hz=1
    )
    found = crossings(people, DOOR)
    assert cumulative(people, found, DOOR).T.tolist() == [[0, 1, 3]]
    assert cumulative(people, found, DOOR, way=-1).T.tolist() == [[0, 0, 1]]
    assert flow(people, found, DOOR, 3.0).tolist() == [[[2 / 3, 1 / 3]]]
    assert flow(people, found, DOOR, 2.0).tolist() == [[[0.5, 0.0]]], "the second window is not finished"
    told = spells(people, found, DOOR, 0, 1, np.ones(9))
    assert len(told.flow) == 0, "nothing but the end follows the first crossing"
    assert spells(people, crossings(people, gates_of({"far": [(9, 0), (9, 1)]})), DOOR, 0, 1, np.ones(9)).flow.shape == (0,)


def test_many_crossings_are_all_kept() -> None:
    found = crossings(walk([0.1, -0.1] * 200), DOOR)
    assert found.frame.tolist() == list(range(1, 400))
    assert found.way.tolist() == [1, -1] * 199 + [1]


def test_along_a_gate_each_way_apart() -> None:
    people = frames_of([1, 1, 2, 2], [0, 1] * 2, [0.1, 0.0, -0.1, 0.0], [0.5, 0.5, 1.5, 1.5], rate_hz=10)
    told = along(people, DOOR, np.full(4, 2.0), np.array([[0.5], [0.25], [0.5], [0.25]]), motion(people, 1, "single"))
    assert told.density[0, 0].tolist() == pytest.approx([0.25, 0.125])
    assert told.flow[0, 0].tolist() == pytest.approx([0.25, 0.125])
    assert told.speed_m_s[0, 0].tolist() == pytest.approx([0.5, 0.25])
    with pytest.raises(RuimteError, match="cells of other frames"):
        along(people, DOOR, np.zeros(3), np.zeros((3, 1)), motion(people, 1))


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (([1, 1], [0, 0], [0.0, 1.0], [0.0, 0.0], 10), "a person is twice in frame 0"),
        (([1], [0, 1], [0.0], [0.0], 10), "different lengths"),
        (([1.5], [0], [0.0], [0.0], 10), "column 'person' holds something else than whole numbers"),
        (([1], [math.nan], [0.0], [0.0], 10), "column 'frame'"),
        (([1], [0], [0.0], [0.0], 0), "frames a second"),
        (([1, 1], [0, 1_700_000_000_000], [0.0, 0.0], [0.0, 0.0], 10), "not times in milliseconds"),
    ],
)
def test_tracks_that_make_no_sense_are_refused(table: tuple[object, ...], told: str) -> None:
    with pytest.raises(RuimteError, match=told):
        frames_of(*table)  # type: ignore[arg-type]


def test_rows_in_any_order_are_the_same_tracks() -> None:
    chance = np.random.default_rng(1)
    person, frame = np.repeat([3, 1, 2], 5), np.tile(np.arange(5), 3)
    x, mixed = chance.normal(size=15), chance.permutation(15)
    one, other = frames_of(person, frame, x, x, 5), frames_of(person[mixed], frame[mixed], x[mixed], x[mixed], 5)
    assert np.array_equal(one.x_m, other.x_m)
    assert np.array_equal(x[mixed][other.order], other.x_m)
    assert one.tracks.tolist() == [1, 2, 3]


def test_levels_of_density_are_the_table_s() -> None:
    for name in ("fruin-walkway", "fruin-queueing", "hcm-queueing"):
        limits = np.array(table(name).upper)
        assert of_density(limits - 1e-9, table(name)).rank.tolist() == [0, 1, 2, 3, 4]
        assert of_density(limits, table(name)).rank.tolist() == [1, 2, 3, 4, 5]
    with pytest.raises(RuimteError, match="is of flows"):
        of_density(1.0, table("hcm-walkway-flow"))


def test_a_flow_alone_never_shows_level_f() -> None:
    flows = np.array([5.0, 30.0, 500.0, math.nan])
    for name in (each for each, found in TABLES.items() if found.measure == "flow_per_width"):
        alone = of_flow(flows, table(name))
        assert alone.rank.max() == 4
        assert not alone.certain.any()
        jam = of_flow(flows, table(name), density=np.full(4, 4.0))
        assert jam.rank.tolist() == [5, 5, 5, -1]
        assert jam.certain.tolist() == [True, True, True, False]
        moving = of_flow(flows[:2], table(name), speed_m_s=np.array([1.3, 1.2]))
        assert moving.rank.tolist() == alone.rank[:2].tolist()
        assert moving.certain.all()
        assert of_flow(30.0, table(name), speed_m_s=0.2).rank == 5
        assert of_flow(0.0, table(name), speed_m_s=0.0).certain == np.False_, "nobody passes: an empty passage or a blocked one"


def test_fundamental_diagram_leaves_out_what_is_not_known() -> None:
    found = fundamental_diagram([0.5, 1.5, 1.5, math.nan, 9.0], [1.2, 0.8, 1.0, 1.0, 0.1], [0, 1, 2])
    assert found.pairs.tolist() == [1, 2]
    assert found.speed_m_s.tolist() == pytest.approx([1.2, 0.9])
    assert found.speed_sd.tolist() == pytest.approx([0.0, 0.1])
    assert found.flow.tolist() == pytest.approx([0.6, 1.35])
    with pytest.raises(RuimteError, match="classes out of order"):
        fundamental_diagram([1.0], [1.0], [2, 1])
