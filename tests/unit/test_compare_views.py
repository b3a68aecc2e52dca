"""What a page shows of measures that are compared: chances at the worst moment, side effects, who waits, who is shut in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from ruimte.clock import MINUTE_US
from ruimte.jobs.compare_views import above_minutes, compare_view, latest_worst, row_of
from ruimte.jobs.comparing import Compared, to_compare
from ruimte.jobs.effects import effects, predicted
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.lab.scenario import scenario_of
from ruimte.store.records import LogEntry
from ruimte.whatif.compare import compare
from ruimte.whatif.ensemble import Situation
from ruimte.whatif.measures import schedule_of
from ruimte.whatif.network import network
from ruimte.whatif.situation import situation_of

START_US = 1_780_000_000_000_000 // (5 * MINUTE_US) * 5 * MINUTE_US
PLACE = "square"
PLAYBOOK = """
[[measure]]
key = "shut"
name = { en = "Shut the square", nl = "Sluit het plein" }
text = { en = "Let nobody in or out.", nl = "Laat niemand in of uit." }
decides = { en = "Police", nl = "Politie" }
priorities = [1]
takes = "0m"

[[measure.action]]
do = "close"
zone = "square"

[[measure]]
key = "late"
name = { en = "Much later", nl = "Veel later" }
text = { en = "Not within the hour.", nl = "Niet binnen het uur." }
decides = { en = "Police", nl = "Politie" }
priorities = [1]
takes = "3h"

[[measure.action]]
do = "close"
gate = "square-west"
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The example lab with two measures more: one that shuts people in, one that comes too late."""
    folder = tmp_path_factory.mktemp("labs") / "town"
    new_lab(folder)
    with (folder / "playbook.toml").open("a") as playbook:
        playbook.write(PLAYBOOK)
    return read_lab(folder)


@pytest.fixture(scope="module")
def situation() -> Situation:
    net = network(
        [(PLACE, 500.0), ("street", 300.0)],
        [
            ("square-west", None, PLACE, 4.0, 20.0, 20.0),
            ("square-street", PLACE, "street", 4.0, 20.0, 20.0),
            ("street-east", None, "street", 4.0, 20.0, 20.0),
        ],
    )
    rates = np.zeros(len(net.source))
    rates[net.link("square-west", True)] = 1.0
    rates[net.link("square-street", True)] = rates[net.link("street-east", False)] = 0.9
    return situation_of(net, START_US, 30, 5, np.array([500.0, 60.0]), np.array([30.0, 10.0]), rates, 2000.0)


@pytest.fixture(scope="module")
def found(lab, situation) -> Compared:
    names, limits = ("C", "D", "E", "F"), np.array([[200.0, 350.0, 540.0, 1000.0], [100.0, 200.0, 320.0, 600.0]])
    measures = ("hold", "shut", "late", "stewards")
    schedules = {
        key: schedule_of(scenario_of(lab, [key]), situation.network, lab, START_US, 30, situation.diagram)
        for key in measures
        if scenario_of(lab, [key]).steps
    }
    steps = np.repeat(limits[:, :, None], 6, axis=2)
    done = compare(situation, schedules, steps, 60)
    return Compared(START_US, 30, 60, measures, schedules, done, (names, names), steps, False)


def test_measures_stand_best_first_with_the_reason_and_what_is_not_simulated_last(lab, found):
    view = compare_view(lab, found, PLACE, "E", 7, "en")
    assert (view.measures[0].key, view.measures[0].rank) == ("hold", 1)
    assert [each.key for each in view.measures if not each.simulated] == ["stewards"]
    hold, nothing = view.measures[0], view.above_min
    assert hold.above_min < nothing - 5
    assert hold.better
    assert hold.reason.startswith(
        f"Time at level E or above, all zones together: {hold.above_min:.0f} min, without a measure {nothing:.0f} min. Square at "
    )
    assert nothing == round(above_minutes(found, found.comparison.outcomes["nothing"], 4), 1)


def test_a_chance_is_told_at_the_worst_moment_without_and_with(lab, found):
    hold = compare_view(lab, found, PLACE, "E", 7, "en").measures[0]
    square = next(zone for zone in hold.zones if zone.zone == PLACE)
    told = next(each for each in square.levels if each.level == "E")
    chance = found.comparison.outcomes["nothing"].chance[0, 2]
    assert told.without == round(float(chance[latest_worst(chance)]), 4)
    assert told.with_ < told.without - 0.3
    assert hold.summary.startswith("Hold")
    assert f"Square at level E {told.without:.0%}".replace("100%", ">99%") in hold.summary
    assert hold.waiting
    assert "people wait outside" in hold.summary


def test_who_is_shut_in_is_said_and_comes_last(lab, found):
    english, dutch = (compare_view(lab, found, PLACE, "E", 7, language) for language in ("en", "nl"))
    simulated = [each for each in english.measures if each.simulated]
    assert simulated[-1].key == "shut"
    assert simulated[-1].reason.startswith("Last: people have no way out.")
    assert "no way out of Square for up to" in simulated[-1].summary
    assert "open eerst een uitweg" in " ".join(next(each for each in dutch.measures if each.key == "shut").notes)
    square = next(zone for zone in simulated[-1].zones if zone.zone == PLACE)
    assert square.trapped > 300
    assert square.with_ is not None
    assert min(square.with_.q50) > 300


def test_what_changes_nothing_says_so(lab, found):
    late = next(each for each in compare_view(lab, found, PLACE, "E", 7, "en").measures if each.key == "late")
    assert late.reason.startswith("No better than doing nothing.")
    assert late.notes == ["Changes nothing in this time: it works at another time, or not here."]
    assert "no chance changes by a point or more in 30 minutes" in late.summary


def test_of_a_zone_whose_people_are_not_known_nothing_is_told(lab, situation, found):
    unknown = Situation(**{name: getattr(situation, name) for name in situation.__slots__} | {"unknown": (1,)})
    steps = found.limits
    blind = compare(unknown, {"hold": found.schedules["hold"]}, steps, 20)
    part = Compared(START_US, 30, 20, ("hold",), {"hold": found.schedules["hold"]}, blind, found.names, steps, False)
    view = compare_view(lab, part, PLACE, "E", None, "en")
    road = next(zone for zone in view.measures[0].zones if zone.zone == "street")
    assert (road.known, road.told, road.with_, road.colour_with) == (False, False, None, None)
    assert "Nothing is told of Shopping street: how many people are there is not known." in view.notes
    assert list(predicted(part, "hold", PLACE)["zones"]) == [PLACE]


def test_what_was_predicted_is_laid_beside_what_was_measured(lab, found):
    body = {"level": "E", "measure": "hold", "predicted": predicted(found, "hold", PLACE)}
    entry = LogEntry(lab_us=START_US, wall_us=0, kind="decided", who="manager", place=PLACE, body=body)
    other = LogEntry(lab_us=START_US, wall_us=0, kind="decided", who="manager", place=PLACE, body={"measure": "stewards"})
    valid = body["predicted"]["valid"]

    def states(ends, observed=1.0):
        return pa.table({"end_us": ends, "mean": [870.0] * len(ends), "observed": [observed] * len(ends)})

    (told,) = effects(lab, [other, entry], PLACE, states(valid[:3]), "en")
    assert told.t == [at // 1_000_000 for at in valid]
    assert told.with_q50 == body["predicted"]["zones"][PLACE]["with"]["q50"]
    assert told.told.startswith("Predicted with ")
    assert told.told.endswith("; measured: 870.")
    assert f": {told.with_q50[2]:.0f} at " in told.told
    (dutch,) = effects(lab, [entry], PLACE, states(valid, observed=0.0), "nl")
    assert dutch.told.endswith("nog niet gemeten.")
    assert effects(lab, [entry], "elsewhere", states(valid), "en") == []


def test_which_measures_are_put_side_by_side(lab):
    assert to_compare(lab, ["hold"], ["stewards", "hold"]) == ("hold", "stewards")
    assert to_compare(lab, []) == tuple(lab.measures)


def test_the_worst_moment_is_the_last_of_those_that_are_as_bad():
    assert latest_worst(np.array([0.2, 0.9, 0.898, 0.4])) == 2
    assert row_of(("D", "E", "F"), 4) == 1
    assert row_of(("D",), 4) is None
