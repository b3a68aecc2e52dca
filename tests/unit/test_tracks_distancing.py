"""Distances, by example: who counts as together, what is told when, what is bounded, what is refused."""

from __future__ import annotations

import math
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from distances_reference import watch as watch_slowly
from ruimte.clock import DAY_US
from ruimte.errors import RuimteError
from ruimte.lab.distancing import require_distancing
from ruimte.lab.files import AlgorithmEntry
from ruimte.lab.validity import moment_us
from ruimte.tracks.area import walkable_area
from ruimte.tracks.distancing import Distancing, Rule, live_rule
from ruimte.tracks.frames import frames_of
from ruimte.tracks.radial import chance_within

NAN = math.nan
HOME = ZoneInfo("Europe/Amsterdam")


def play(watch, positions, first=0):
    """Frames of {person: (x, y)}."""
    for number, people in enumerate(positions, first):
        x, y = np.array(list(people.values()), dtype=float).reshape(-1, 2).T
        watch.stream(number, list(people), x, y)
    return watch


def test_two_who_walk_together_are_no_contact_and_a_third_who_passes_is():
    """1 and 2 walk side by side; 3 stands where they pass."""
    walk = [{1: (f * 0.5, 0.0), 2: (f * 0.5, 0.7), 3: (10.0, 1.5)} for f in range(41)]
    watch = play(Distancing(rate_hz=2), walk)
    pairs = watch.pairs()
    assert pairs.together[(pairs.one == 0) & (pairs.other == 1)].tolist() == [True]
    told = watch.finish()
    # 3 is within 1.5 m of 1 nowhere (1.5 m is not nearer), of 2 at 0.8 m aside for |x - 10| < 1.27: 5 frames
    assert told.contacts == 1
    assert told.people == 3
    assert told.person_minutes == pytest.approx(41 * 3 / 2 / 60)
    assert told.contacts_per_person_minute == pytest.approx(2 / told.person_minutes)
    assert told.share_too_close == pytest.approx(2 / 3)
    assert told.share_in_groups == pytest.approx(2 / 3)
    assert told.exposure.tolist() == [1, 2, 0, 0, 0, 0, 0]
    assert told.apart_s[:15].sum() == 2.5
    assert told.together_s.sum() == 20.5
    assert told.together_s[6] + told.together_s[7] == 20.5


def test_a_group_is_provisional_while_both_are_in_view_and_final_after():
    """Together for 10 s, apart for 10 s: a group at first, none in the end."""
    rule = Rule(group_s=5, lost_s=1)
    near = [{1: (0.0, 0.0), 2: (0.8, 0.0)}] * 10
    apart = [{1: (0.0, 0.0), 2: (1.2, 0.0)}] * 10
    watch = play(Distancing(1, rule), near)
    assert (watch.pairs().together.tolist(), watch.pairs().provisional.tolist()) == ([True], [True])
    assert watch.figures().contacts == 0
    play(watch, apart, 10)
    assert watch.figures().contacts == 1
    play(watch, [{1: (0.0, 0.0)}] * 3, 20)
    assert (watch.pairs().together.tolist(), watch.pairs().provisional.tolist()) == ([False], [False])
    assert watch.figures().provisional == 2


def test_a_family_holds_together_also_when_the_one_in_between_is_forgotten_first():
    """1 – 2 – 3 in a row, 0.9 m apart: 1 and 3 are no pair of their own. 2 leaves and is settled long before."""
    rule = Rule(group_s=3, contact_m=2.0, lost_s=1, keep_s=2)
    row = [{1: (0.0, 0.0), 2: (0.9, 0.0), 3: (1.8, 0.0)}] * 10
    rest = [{1: (0.0, 0.0), 3: (1.8, 0.0)}] * 40
    watch = play(play(Distancing(1, rule), row), rest, 10)
    assert watch.in_memory == (2, 1)
    assert watch.pairs().together.tolist() == [True]
    told = watch.finish()
    assert (told.people, told.contacts, told.unsure) == (3, 0, 0)
    assert told.together_s.sum() == 10 + 10 + 50


def test_what_is_settled_by_a_link_that_could_still_change_is_counted_as_such():
    """1 is a stranger to 3 but for 2, who is with both; then 2 leaves 3."""
    rule = Rule(group_s=3, contact_m=2.0, lost_s=1, keep_s=2)
    row = [{1: (0.0, 0.0), 2: (0.9, 0.0), 3: (1.8, 0.0)}] * 10
    two = [{2: (0.9, 0.0), 3: (1.8, 0.0)}] * 10
    split = [{2: (0.9, 0.0), 3: (5.0, 0.0)}] * 60
    watch = play(play(play(Distancing(1, rule), row), two, 10), split, 20)
    assert watch.figures().unsure == 1


def test_memory_stays_small_in_an_endless_stream():
    """Each second somebody new walks through; what was settled is gone, what was told is not."""
    watch = Distancing(1, Rule(lost_s=1, keep_s=5))
    most = (0, 0)
    for number in range(2000):
        here = np.arange(max(number - 9, 0), number + 1)
        watch.stream(number, here, number - here, np.zeros(len(here)))
        most = max(most, watch.in_memory)
    assert most[0] <= 10 + 1 + 5 + 5 + 1
    assert most[1] <= 2 * most[0]
    told = watch.finish()
    assert told.people == 2000
    assert told.contacts == 1999
    assert told.apart_s[10] == sum(min(n, 9) for n in range(2000))


def test_a_crowd_that_grows_finds_room_and_nothing_is_lost():
    """From one person to 400 who all change place with others, in a batch and one frame at a time."""
    chance, rule, scene = np.random.default_rng(3), Rule(keep_s=1.0), []
    for number, count in enumerate([1, 100, 400, 400, 2, 300]):
        at = chance.uniform(0, 12, (count, 2))
        scene.append((number, {int(who): tuple(xy) for who, xy in zip(chance.permutation(500), at.tolist(), strict=False)}))
    live = Distancing(1, rule)
    slow = watch_slowly(scene, rule, 1, live.figures().edges_m.tolist())
    for number, people in scene:
        live.stream(number, list(people), *np.array(list(people.values())).T)
    rows = [(who, number, *at) for number, people in scene for who, at in people.items()]
    whole = Distancing(1, rule)
    whole.batch(frames_of(*np.array(rows).T, 1))
    for told in (live.finish(), whole.finish()):
        assert told.people == len(slow.tracks)
        assert (told.apart_s + told.together_s).tolist() == np.sum(list(slow.rings.values()), axis=0).tolist()
        assert told.jumped == slow.jumped


def test_the_numbers_of_tracks_are_forgotten_when_they_are_lost():
    watch = play(Distancing(1, Rule(lost_s=2, keep_s=1000)), [{4321: (0.0, 0.0)}, {}, {}, {}])
    assert watch.in_memory == (1, 0)
    assert not any((each == 4321).any() for each in watch._memory)


def test_who_comes_back_within_the_time_is_the_same_and_later_somebody_else():
    frames = [{1: (0.0, 0.0)}, {}, {}, {1: (0.0, 0.0)}]
    assert play(Distancing(1, Rule(lost_s=3)), frames).finish().people == 1
    late = play(Distancing(1, Rule(lost_s=2)), frames).finish()
    assert (late.people, late.jumped) == (2, 0)


def test_warming_up_leaves_nothing_behind():
    watch = Distancing(25)
    watch.warm_up()
    assert watch.in_memory == (0, 0)
    assert watch.finish().people == 0


def test_a_number_that_jumps_is_somebody_else_and_said_so():
    told = play(Distancing(1), [{1: (0.0, 0.0)}, {1: (12.0, 0.0)}, {1: (24.6, 0.0)}]).finish()
    assert (told.people, told.jumped) == (2, 1)


def test_positions_that_are_none_are_left_out_and_counted():
    told = play(Distancing(1), [{1: (0.0, 0.0), 2: (NAN, 0.0), 3: (0.5, math.inf), 4: (1e300, -1e300), 5: (1.0, 0.0)}]).finish()
    assert (told.people, told.unknown, told.contacts) == (2, 3, 1)


def test_two_at_one_point_are_counted_and_marked():
    told = play(Distancing(1, Rule(group_s=10)), [{1: (1.0, 1.0), 2: (1.0, 1.0)}] * 3).finish()
    assert told.same_point_s == 3
    assert (told.contacts, told.apart_s[0]) == (1, 3)


def test_nobody_is_not_known_and_not_zero():
    told = play(Distancing(1), [{}, {}]).finish()
    assert told.people == 0
    assert math.isnan(told.contacts_per_person_minute)
    assert math.isnan(told.share_too_close)
    assert np.isnan(told.radial).all()


def test_people_at_random_have_a_radial_distribution_of_one():
    """Also near walls and around an obstacle."""
    area = walkable_area([(0, 0), (12, 0), (12, 3), (0, 3)], [[(4, 1), (8, 1), (8, 2), (4, 2)]])
    chance = np.random.default_rng(1)
    watch = Distancing(1, Rule(lost_s=1, keep_s=0, ring_m=0.5), area)
    for number in range(0, 6000, 3):
        x, y = chance.uniform(0, 12, 40), chance.uniform(0, 3, 40)
        free = ~((x > 4) & (x < 8) & (y > 1) & (y < 2))
        watch.stream(number, np.flatnonzero(free), x[free], y[free])
    told = watch.finish()
    np.testing.assert_allclose(told.radial, 1.0, atol=0.04)
    np.testing.assert_array_equal(told.radial_apart, told.radial)


def test_a_thin_area_has_chances_too():
    thin = walkable_area([(0, 0), (100, 0), (100, 0.01), (0, 0.01)])
    # along a line of length L two places are closer than r with the chance 2 r / L
    np.testing.assert_allclose(chance_within(thin, np.array([0.5, 0.6, 0.7, 0.8])), 2 * 0.1 / 100, rtol=0.15)


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ({"contact_m": 0.0}, "contact_m of 0.0 m"),
        ({"contact_m": NAN}, "contact_m of nan m"),
        ({"contact_m": 1.55}, "in rings of 0.1 m"),
        ({"ring_m": 1e-9}, "at most 1000"),
        ({"reach_m": 1.0}, "less than contact_m"),
        ({"group_share": 1.1}, "group_share of 1.1"),
        ({"group_share": NAN}, "group_share of nan"),
        ({"keep_s": -1.0}, "keep_s of -1.0 s"),
        ({"lost_s": math.inf}, "lost_s of inf s"),
        ({"exposure_s": (5.0, 1.0)}, "exposure_s"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule, part):
    with pytest.raises(RuimteError, match=part):
        Distancing(25, Rule(**rule))


@pytest.mark.parametrize("contact_m", [0.3, 0.37, 1.0, 1.5, 1.9, 2.03, 5.0])
def test_the_live_rule_suits_every_distance(contact_m):
    """Whole rings, a group near a metre, a reach of 2 m or more; and two at just that distance are not too close."""
    rule = live_rule(contact_m)
    assert rule.contact_m == contact_m
    assert 0.75 <= rule.group_m <= 1.25
    assert max(2.0, contact_m) <= rule.reach_m < max(2.0, contact_m) + 0.4
    for apart_m, contacts in ((contact_m, 0), (contact_m * (1 - 1e-9), 1)):
        watch = play(Distancing(rate_hz=2, rule=rule), [{1: (0.0, 0.0), 2: (apart_m, 0.0)}] * 4)
        assert watch.finish().contacts == contacts


def test_a_watch_anew_has_nothing_of_the_old_one():
    watch = play(Distancing(rate_hz=2), [{1: (0.0, 0.0), 2: (0.5, 0.0)}] * 4)
    other = watch.anew()
    assert other.in_memory == (0, 0)
    play(other, [{1: (0.0, 0.0), 2: (9.0, 0.0)}] * 4)
    assert (watch.finish().contacts, other.finish().contacts) == (1, 0)


def test_a_frame_of_too_many_pairs_is_refused():
    crowd = {n: (0.01 * n, 0.0) for n in range(60)}
    with pytest.raises(RuimteError, match=r"1770 pairs within 2\.5 m"):
        play(Distancing(rate_hz=2, most_pairs=1500), [crowd])
    assert play(Distancing(rate_hz=2, most_pairs=1800), [crowd]).in_memory == (60, 1770)


def test_frames_that_make_no_sense_are_refused_and_change_nothing():
    watch = play(Distancing(2), [{1: (0.0, 0.0)}], first=7)
    for number, person, x, part in [
        (7, [1], [0.0], "frame 7 after frame 7"),
        (6, [1], [0.0], "frame 6 after frame 7"),
        (8, [1, 1], [0.0, 1.0], "a person is twice in frame 8"),
        (8, [1, 2], [0.0], "different lengths"),
        (8, [1.5], [0.0], "whole numbers"),
        (2**60, [1], [0.0], "number frames"),
    ]:
        with pytest.raises(RuimteError, match=part):
            watch.stream(number, person, x, x)
    with pytest.raises(RuimteError, match="25 frames a second, not 2"):
        watch.batch(frames_of([1], [9], [0.0], [0.0], 25))
    with pytest.raises(RuimteError, match="frames a second"):
        Distancing(0)
    assert watch.finish().person_minutes == 1 / 2 / 60


def entry(**changes):
    usual = {
        "key": "physical-distancing",
        "version": "1",
        "name": "Physical distancing",
        "goal": "Shows where people cannot keep their distance.",
        "kind": "counting",
        "owner": "Municipality",
        "status": "in use",
        "human_intervention": "A person decides.",
        "risks": "Families that split up count as strangers.",
        "lawful_basis": "Emergency order 2020-3, article 2",
        "valid_from": date(2026, 3, 1),
        "valid_until": date(2026, 5, 29),
    }
    return AlgorithmEntry(**(usual | changes))


def test_distancing_with_a_ground_and_an_end_within_90_days_is_allowed():
    """The last day counts whole; the clock goes an hour on in March."""
    start = moment_us(date(2026, 3, 1), HOME)
    assert moment_us(date(2026, 5, 30), HOME) - start < 90 * DAY_US
    for at_us in (start, start + 30 * DAY_US, moment_us(date(2026, 5, 30), HOME) - 1):
        require_distancing(entry(), HOME, at_us)
    require_distancing(entry(valid_from=datetime(2026, 3, 1, 12), valid_until=datetime(2026, 5, 30, 12)), HOME, start + DAY_US)


def test_an_entry_at_the_end_of_the_calendar_is_refused_in_words():
    with pytest.raises(RuimteError, match="holds from 9999-12-01"):
        require_distancing(entry(valid_from=date(9999, 12, 1), valid_until=date(9999, 12, 30)), HOME, 0)


@pytest.mark.parametrize(
    ("changes", "day", "part"),
    [
        (None, 10, "is off: it is not registered"),
        ({"key": "rate-filter"}, 10, "is off: it is not registered"),
        ({"status": "being tested"}, 10, "status 'being tested'"),
        ({"lawful_basis": "No personal data is processed."}, 10, "without a legal ground"),
        ({"lawful_basis": " "}, 10, "without a legal ground"),
        ({"valid_until": date(2026, 5, 30)}, 10, "longer than 90 days"),
        ({"valid_until": date.max}, 10, "longer than 90 days"),
        ({"valid_until": datetime(2026, 5, 30, 0, 0, 1)}, 10, "longer than 90 days"),
        ({"valid_until": date(2026, 2, 1)}, 10, "is before valid_from"),
        ({}, -1, "holds from 2026-03-01"),
        ({}, 100, "holds from 2026-03-01"),
    ],
)
def test_distancing_is_off_without_an_entry_that_allows_it(changes, day, part):
    at_us = moment_us(date(2026, 3, 1), HOME) + day * DAY_US
    with pytest.raises(RuimteError, match=part):
        require_distancing(None if changes is None else entry(**changes), HOME, at_us)
