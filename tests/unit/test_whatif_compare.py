"""Members, and what a measure changes beside the forecast on the page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ruimte.model.forecast import LEVELS, MEDIAN, exceedance, value_at
from ruimte.whatif.compare import anchored, compare
from ruimte.whatif.ensemble import Members, Situation, members, on_their_way, run
from ruimte.whatif.measures import Schedule, nothing
from ruimte.whatif.network import Network, network
from ruimte.whatif.situation import AFTER_S, LONGEST_STAY_S, Ending, destination_shares, situation_of

MINUTES = 60
LIMITS = np.array([[300.0, 500.0, np.nan], [40.0, 80.0, 160.0]])


def places() -> Network:
    gates = [("west", None, "square", 6.0, 0, 20), ("mid", "square", "lane", 3.0, 20, 10), ("east", "lane", None, 4.0, 10, 0)]
    return network([("square", 600.0), ("lane", 100.0)], gates)


def rates(net: Network, **of: float) -> np.ndarray:
    """Persons/s through links, by name: west_in, mid_out … (in is from the gate's first side to its second)."""
    found = np.zeros(len(net.source))
    for name, value in of.items():
        gate, way = name.split("_")
        found[net.link(gate, way == "in")] = value
    return found


def situation(**changes: Any) -> Situation:
    net = places()
    lately = rates(net, west_in=0.5, west_out=0.4, mid_in=0.1, east_in=0.1, east_out=0.02)
    given: dict[str, Any] = {"people_mean": np.array([250.0, 30.0]), "people_sd": np.array([30.0, 6.0])}
    given |= {"rates": lately, "counted": 1_000.0} | changes
    return situation_of(net, 0, MINUTES, 5, **given)


def forecast(s: Situation) -> np.ndarray:
    """A forecast that is wider, and elsewhere, than what the model makes of it."""
    steps = np.arange(1, s.steps + 1)
    middle = np.stack([250 + 8 * steps, 30 + steps])
    return middle[..., None] * np.exp((0.1 + 0.01 * steps)[None, :, None] * np.linspace(-2.3, 2.3, len(LEVELS)))


def shut(s: Situation, gate: str = "west", inward: bool = True) -> Schedule:
    made = nothing(s.network, s.minutes)
    made.plan.held[:, s.network.link(gate, inward)] = 1.0
    return made


def test_a_quantile_and_its_chance_belong_together() -> None:
    quantiles = np.sort(np.random.default_rng(3).gamma(3, 40, (4, 21)), axis=-1)
    level = np.array([0.002, 0.01, 0.03, 0.3, 0.5, 0.77, 0.99, 0.999])
    values = value_at(quantiles, level)
    assert 1 - exceedance(quantiles[:, None], values) == pytest.approx(np.tile(level, (4, 1)), abs=1e-9)
    assert value_at(quantiles, LEVELS) == pytest.approx(quantiles)
    assert np.isnan(value_at(np.full(21, np.nan), level)).all()


def test_members_are_the_same_for_the_same_seed_and_as_spread_as_they_should_be() -> None:
    s = situation()
    one, again, other = members(s, 200, 1), members(s, 200, 1), members(s, 200, 2)
    assert np.array_equal(one.people, again.people)
    assert not np.array_equal(one.people, other.people)
    assert one.people.mean(axis=0) == pytest.approx(s.people_mean, rel=0.01)
    assert one.people.std(axis=0) == pytest.approx(s.people_sd, rel=0.05)
    assert one.arrivals.mean() == pytest.approx(1.0, abs=0.01)
    assert one.arrivals.std() == pytest.approx(s.arrivals_sd, rel=0.1)
    assert one.speed.std() == pytest.approx(0.1, rel=0.05)
    assert abs(np.corrcoef(one.people[:, 0], one.arrivals)[0, 1]) < 0.2


def test_members_are_never_fewer_than_nobody_nor_more_than_fit() -> None:
    s = replace(situation(), people_mean=np.array([1.0, 530.0]), people_sd=np.array([50.0, 50.0]))
    drawn = members(s)
    assert drawn.people.min() == 0.0
    assert drawn.people.max() == pytest.approx(540.0)


def test_a_run_does_not_depend_on_the_number_of_threads() -> None:
    s = situation()
    drawn = members(s, 20)
    one, three = (run(s, drawn, nothing(s.network, MINUTES), threads) for threads in (1, 3))
    assert np.array_equal(one.people, three.people)
    assert np.array_equal(one.flow, three.flow)


def test_what_goes_on_as_it_was_stays_as_it_is() -> None:
    # as many come as go, everywhere: people, flows and stay are in balance, so nothing changes in an hour
    net = places()
    lately = rates(net, west_in=0.5, west_out=0.4, mid_in=0.3, mid_out=0.2, east_in=0.3, east_out=0.2)
    s = situation(rates=lately)
    certain = Members(s.people_mean[None], *(np.ones(1) for _ in range(4)))
    paths = run(s, certain, nothing(s.network, MINUTES))
    assert paths.people[0, 0] == pytest.approx(250.0, rel=0.02)
    assert paths.people[0, 1] == pytest.approx(30.0, rel=0.06)
    assert paths.flow[0, net.link("west", False), -1] == pytest.approx(0.4, rel=0.03)
    assert paths.queue.max() < 1e-9


def test_who_is_on_the_way_at_the_start_is_part_of_the_people() -> None:
    shares = np.array([[0.0, 1.0]])
    start = on_their_way(np.array([100.0]), np.array([1 / 90]), np.array([[0.0, 10.0]]), shares)
    assert start.sum() == pytest.approx(100.0)
    assert start[0, 1] / start[0, 0] == pytest.approx(10 / 90)


def test_where_people_go_is_where_they_went() -> None:
    net = places()
    shares = destination_shares(net, rates(net, west_out=0.3, mid_in=0.1))
    west, east = len(net.zones) + net.outer.index("west"), len(net.zones) + net.outer.index("east")
    assert shares[0, west] == pytest.approx(0.75)
    assert shares[0, 1] == pytest.approx(0.25)
    # nobody was seen to leave the lane: by width, 3 m to the square and 4 m to the east
    assert shares[1, 0] == pytest.approx(3 / 7)
    assert shares[1, east] == pytest.approx(4 / 7)
    assert shares[west].tolist() == [1.0, 0.0, 0.0, 0.0]


def test_how_long_people_stay_is_people_over_outflow_and_less_after_an_event() -> None:
    s = situation(endings=[Ending(30 * 60_000_000, (1,))])
    assert s.stay_s[0] == pytest.approx(250 / 0.5)
    assert s.stay_s[1, :30] == pytest.approx(min(30 / 0.1, LONGEST_STAY_S))
    late = situation(rates=np.zeros(6), endings=[Ending(30 * 60_000_000, (1,))])
    assert late.stay_s[1, 29] == LONGEST_STAY_S
    assert late.stay_s[1, 30] == AFTER_S


def test_nothing_is_the_forecast_on_the_page_exactly() -> None:
    s = situation()
    s = replace(s, forecast=forecast(s))
    found = compare(s, {"shut": shut(s)}, LIMITS, count=50).outcomes["nothing"]
    assert np.array_equal(found.people, s.forecast)
    page = exceedance(s.forecast[:, None], np.repeat(LIMITS[:, :, None], s.steps, axis=2))
    assert np.array_equal(found.chance, page, equal_nan=True)
    assert np.array_equal(found.change, np.zeros_like(found.change))
    assert (found.fewer == 0).all()


def test_a_measure_moves_the_forecast_by_what_it_changes_in_the_same_members() -> None:
    s = situation()
    s = replace(s, forecast=forecast(s))
    drawn = members(s, 50)
    without = run(s, drawn, nothing(s.network, MINUTES))
    done = run(s, drawn, shut(s))
    told, base = anchored(s, done, without), anchored(s, without, without)
    moved = done.people - without.people
    assert told == pytest.approx(np.clip(base + moved, 0, s.room[:, None]))
    assert np.quantile(base[:, 0, -1], 0.5) == pytest.approx(s.forecast[0, -1, MEDIAN], rel=0.01)
    assert np.array_equal(np.argsort(base[:, 0, 3]), np.argsort(without.people[:, 0, 3]))


def test_holding_people_outside_lowers_the_chance_inside_and_tells_who_waits() -> None:
    s = situation()
    found = compare(s, {"shut": shut(s)}, LIMITS, count=100).outcomes
    without, done = found["nothing"], found["shut"]
    assert (done.chance[0, 0] <= without.chance[0, 0] + 1e-12).all()
    assert done.people[0, -1, MEDIAN] < 0.2 * without.people[0, -1, MEDIAN]
    assert done.fewer[0] > 0.9
    assert done.queue[s.network.outer.index("west"), -1] == pytest.approx(0.5 * 3600, rel=0.02)
    assert done.change[0, -1, 2] < 0
    assert np.isnan(done.chance[0, 2]).all()
    assert np.isnan(done.ever[0, 2])
    assert not np.isnan(done.ever[1]).any()


def test_the_chance_of_ever_is_at_least_that_of_any_step() -> None:
    s = situation(people_sd=np.array([80.0, 20.0]))
    for outcome in compare(s, {"shut": shut(s)}, LIMITS, count=100).outcomes.values():
        assert (outcome.ever + 1e-12 >= outcome.chance.max(axis=2))[~np.isnan(outcome.ever)].all()


def test_the_same_members_make_a_difference_of_nothing_nothing() -> None:
    s = situation()
    found = compare(s, {"same": nothing(s.network, MINUTES)}, LIMITS, count=30).outcomes
    assert np.array_equal(found["same"].people, found["nothing"].people)
    assert np.array_equal(found["same"].change, np.zeros_like(found["same"].change))


def test_a_zone_that_is_shut_tells_who_is_in_it() -> None:
    s = situation()
    made = nothing(s.network, MINUTES)
    made.plan.may[:, [s.network.link("mid", True), s.network.link("mid", False)]] = 0.0
    made.plan.may[:, [s.network.link("east", True), s.network.link("east", False)]] = 0.0
    done = compare(s, {"shut": made}, LIMITS, count=20).outcomes["shut"]
    assert done.trapped[1] == pytest.approx(30.0, rel=0.05)
    assert done.trapped[0].max() == 0.0


def test_a_forecast_that_is_not_known_leaves_the_members_to_speak() -> None:
    s = situation()
    half = forecast(s)
    half[1] = np.nan
    found = compare(replace(s, forecast=half), {"shut": shut(s)}, LIMITS, count=30).outcomes["shut"]
    alone = compare(s, {"shut": shut(s)}, LIMITS, count=30).outcomes["shut"]
    assert np.array_equal(found.people[1], alone.people[1])
    assert np.array_equal(found.chance[1], alone.chance[1])
    assert not np.isnan(found.people[0]).any()


def test_of_a_zone_whose_people_are_not_known_nothing_is_told() -> None:
    s = situation(people_mean=np.array([250.0, np.nan]), people_sd=np.array([30.0, np.nan]))
    assert s.unknown == (1,)
    assert s.people_mean[1] == pytest.approx(0.1 * 600)  # for the square's sake: as many as leave in ten minutes
    s = replace(s, forecast=forecast(s))
    found = compare(s, {"shut": shut(s)}, LIMITS, count=20).outcomes["shut"]
    assert np.isnan(found.people[1]).all()
    assert np.isnan(found.chance[1]).all()
    assert np.isnan(found.ever[1]).all()
    assert not np.isnan(found.people[0]).any()
