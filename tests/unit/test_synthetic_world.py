"""The invented boulevard: nobody appears or vanishes, crowds are believable, and the same seed gives the same day."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise

import numpy as np
import pytest

from ruimte.clock import HOUR_US, to_us
from ruimte.errors import RuimteError
from ruimte.lab.lab import Lab
from ruimte.lab.levels import TABLES, table_name
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.synthetic import Day, Parameters, day, history
from ruimte.synthetic.weather import weather

FESTIVAL = date(2026, 8, 15)
SATURDAY = date(2026, 8, 8)


@pytest.fixture(scope="module")
def lab() -> Lab:
    return read_lab(lab_folder("boulevard"))


@pytest.fixture(scope="module")
def evening(lab: Lab) -> Day:
    return day(lab, FESTIVAL, 1)


def balance(lab: Lab, of: Day) -> np.ndarray:
    """People in each zone as the gates say: who came in less who went out, since the day began; (ticks, zones)."""
    found = np.zeros_like(of.people)
    for number, gate in enumerate(lab.gates.values()):
        net = of.flows[:, number, 0] - of.flows[:, number, 1]
        if gate.from_ in of.zones:
            found[:, of.zones.index(gate.from_)] -= net
        if gate.to in of.zones:
            found[:, of.zones.index(gate.to)] += net
    return found.cumsum(axis=0)


def outer(lab: Lab) -> list[int]:
    return [number for number, gate in enumerate(lab.gates.values()) if gate.from_ == "outside"]


def worst(lab: Lab, of: Day) -> dict[str, str]:
    """The worst level of service of each zone in the day."""
    found = {}
    for number, zone in enumerate(lab.zones.values()):
        table = TABLES[table_name(lab.file.levels, zone)]
        most = of.people[:, number].max() / zone.area_m2
        found[zone.key] = table.names[sum(most >= upper for upper in table.upper)]
    return found


def at(of: Day, lab: Lab, hour: int, minute: int = 0) -> int:
    """The tick that ends at a local time of the day's date."""
    moment = to_us(datetime(of.on.year, of.on.month, of.on.day, hour, minute, tzinfo=lab.zone))
    return int(np.flatnonzero(of.ends_us == moment)[0])


def test_people_are_who_came_in_less_who_went_out(lab: Lab, evening: Day) -> None:
    assert np.array_equal(evening.people, balance(lab, evening))
    assert evening.people.min() == 0


def test_in_the_end_everybody_has_gone_home(lab: Lab, evening: Day) -> None:
    ways = evening.flows[:, outer(lab)].sum(axis=(0, 1))
    assert ways[0] == ways[1]
    assert 0.999 * evening.visitors <= ways[0] <= evening.visitors, "hardly anybody turns round before the first gate"
    assert not evening.people[-1].any()


def test_a_gate_lets_through_no_more_than_fits(lab: Lab, evening: Day) -> None:
    for number, gate in enumerate(lab.gates.values()):
        assert gate.width_m is not None
        most = gate.width_m * evening.parameters.gate_per_m_s * 300
        if gate.key != "tram-stop":  # who boards a tram goes through its doors
            assert evening.flows[:, number].sum(axis=1).max() <= most + 1


def test_an_ordinary_evening_stays_calm_and_a_festival_does_not(lab: Lab, evening: Day) -> None:
    assert set(worst(lab, day(lab, SATURDAY, 1)).values()) <= {"A", "B", "C"}
    levels = worst(lab, evening)
    assert levels["festival-beach"] in "DE"
    assert levels["tram-square"] in "DE"
    assert levels["promenade-middle"] in "EF"
    assert 3 <= sum(level in "DEF" for level in levels.values()) <= 6
    assert levels["lighthouse-square"] == "A"


def test_some_other_festival_is_as_full_as_can_be(lab: Lab) -> None:
    worlds = [day(lab, FESTIVAL, seed, Parameters.drawn(seed)) for seed in range(12)]
    full = [sum(level == "F" for level in worst(lab, world).values()) for world in worlds]
    assert 1 <= sum(count > 0 for count in full) <= 6
    assert max(full) <= 3
    densities = [world.people / [zone.area_m2 for zone in lab.zones.values()] for world in worlds]
    assert max(density.max() for density in densities) < 5.4


def test_a_festival_ends_with_a_wave_to_the_trams(lab: Lab, evening: Day) -> None:
    square, stage = evening.zones.index("tram-square"), evening.zones.index("festival-beach")
    before, after = evening.people[at(evening, lab, 22), square], evening.people[at(evening, lab, 23, 30), square]
    assert after > 5 * before
    assert evening.people[at(evening, lab, 22, 30), stage] > 8_000
    assert evening.people[-12, stage] == 0
    assert day(lab, FESTIVAL, 1, festival=False).people[:, stage].max() < 2_000


def test_people_come_by_tram_in_bursts(lab: Lab, evening: Day) -> None:
    stop = evening.gates.index("tram-stop")
    morning = evening.flows[: at(evening, lab, 12), stop, 0]
    assert (morning == 0).mean() > 0.3, "no tram, nobody"
    boarded = evening.flows[:, stop, 1]
    assert boarded.max() <= 3 * evening.parameters.tram_seats


def test_the_same_seed_gives_the_same_day_and_another_another(lab: Lab) -> None:
    first, again, other = (day(lab, SATURDAY, seed) for seed in (5, 5, 6))
    assert np.array_equal(first.flows, again.flows)
    assert np.array_equal(first.people, again.people)
    assert not np.array_equal(first.flows, other.flows)


def test_a_history_is_its_days(lab: Lab) -> None:
    days = list(history(lab, date(2026, 5, 4), date(2026, 5, 6), seed=3))
    assert [each.on.day for each in days] == [4, 5, 6]
    assert np.array_equal(days[1].people, day(lab, date(2026, 5, 5), 3).people)
    assert all(one.ends_us[-1] == next_.start_us for one, next_ in pairwise(days))


@pytest.mark.parametrize(("on", "hours"), [(date(2026, 3, 28), 23), (date(2026, 10, 24), 25), (date(2026, 6, 1), 24)])
def test_a_day_is_as_long_as_the_clocks_say(lab: Lab, on: date, hours: int) -> None:
    found = day(lab, on, 1)
    assert found.people.shape == (hours * 12, 12)
    assert len(found.weather.rain_mm) == hours
    assert found.ends_us[-1] - found.start_us == hours * HOUR_US
    assert not found.people[-1].any()


def test_fair_weather_brings_people_and_rain_sends_them_home(lab: Lab) -> None:
    summer = [day(lab, date(2026, 7, number), 1) for number in range(1, 22)]
    kinds = {kind: [each.visitors for each in summer if each.weather.kind == kind] for kind in ("beach", "wet")}
    assert np.mean(kinds["beach"]) > 1.5 * np.mean(kinds["wet"])
    wet = max(summer, key=lambda each: each.weather.rain_mm[9:14].max())
    tough, soft = (day(lab, wet.on, 1, Parameters(rain_flight=share)) for share in (0.0, 5.0))
    assert soft.people.sum() < 0.9 * tough.people.sum()
    assert soft.visitors == tough.visitors


def test_the_weather_is_that_of_the_coast_and_keeps_for_days() -> None:
    august = [weather(date(2026, 8, number), seed, 24, 4) for number in range(1, 32) for seed in range(8)]
    assert 15 < np.mean([each.temperature_c.mean() for each in august]) < 20
    assert 0.03 < np.mean([(each.rain_mm > 0.1).mean() for each in august]) < 0.15
    warmth = np.array([[weather(date(2026, 8, n), seed, 24, 4).temperature_c.mean() for n in range(1, 32)] for seed in range(8)])
    assert np.corrcoef(warmth[:, :-1].ravel(), warmth[:, 1:].ravel())[0, 1] > 0.3


def test_more_trams_make_the_queue_shorter(lab: Lab) -> None:
    square = list(lab.zones).index("tram-square")
    few, many = (day(lab, FESTIVAL, 2, Parameters(festival_tram_every_s=every)) for every in (400.0, 120.0))
    assert few.people[:, square].max() > 1.3 * many.people[:, square].max()


def test_drawn_worlds_differ_and_are_the_same_again() -> None:
    drawn = [Parameters.drawn(seed) for seed in range(40)]
    assert drawn[3] == Parameters.drawn(3)
    assert len({each.attendance for each in drawn}) > 30
    assert all(0.5 < each.attendance < 1.6 and 0.3 < each.festival_by_tram < 0.9 for each in drawn)


def test_another_lab_is_refused() -> None:
    with pytest.raises(RuimteError, match="is not there; synthesise the lab boulevard"):
        day(read_lab(lab_folder("hardbruecke")), SATURDAY, 1)
