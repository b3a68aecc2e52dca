"""Danger and distance of a device's frames: when distances may be watched, what ends it, and that nothing is left of it then."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruimte.clock import DAY_US, HOUR_US, SECOND_US, to_us
from ruimte.errors import RuimteError
from ruimte.jobs import crowd_watch, crowd_words
from ruimte.jobs.crowd_view import DistanceFiguresView
from ruimte.jobs.crowd_watch import CrowdWatch
from ruimte.jobs.words import Words
from ruimte.lab.check import check_lab
from ruimte.lab.files import Distancing as Asked
from ruimte.lab.lab import Lab
from ruimte.store.records import LogEntry
from ruimte.tracks.area import walkable_area
from ruimte.tracks.danger import Unknown
from ruimte.tracks.distancing import Distancing, live_rule
from ruimte.tracks.frames import frames_of
from ruimte.tracks.lookout import Lookout
from track_lab import ALGORITHM, sensor, track_lab

ZONE = [(0.0, 0.0), (20.0, 0.0), (20.0, 10.0), (0.0, 10.0)]
VIEW = [(-1.0, -1.0), (21.0, -1.0), (21.0, 11.0), (-1.0, 11.0)]
AREA = walkable_area(VIEW)
FIRST, LAST = date(2020, 4, 1), date(2020, 4, 30)
NOON = to_us(datetime(2020, 4, 10, 12, tzinfo=UTC))
ENDS = to_us(datetime(2020, 4, 30, 22, tzinfo=UTC))
"""Midnight in Amsterdam."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sensors = {"hall-people": sensor("hall-people", "hall", ["people", "people_sd"])}
    return track_lab(tmp_path_factory.mktemp("lab") / "lab", VIEW, ZONE, sensors)


@pytest.fixture(scope="module")
def lab(folder: Path) -> Lab:
    lab, found = check_lab(folder)
    assert lab is not None, found
    return lab


def allowed(lab: Lab, **changes: Any) -> Lab:
    """The lab with an entry that allows distancing, but for the changes."""
    entry = lab.algorithms["track-figures"]
    usual = {
        "key": "physical-distancing",
        "lawful_basis": "Emergency order 2020-3",
        "valid_from": FIRST,
        "valid_until": LAST,
    }
    own = msgspec.structs.replace(entry, **(usual | changes))
    return Lab(
        **{name: getattr(lab, name) for name in lab.__dataclass_fields__} | {"algorithms": lab.algorithms | {own.key: own}}
    )


class Wall:
    """A clock that is set by hand, and a logbook."""

    def __init__(self, at_us: int = NOON) -> None:
        self.us = at_us
        self.log: list[tuple[str, dict[str, Any]]] = []

    def __call__(self) -> int:
        return self.us

    def told(self, kind: str, body: dict[str, Any]) -> None:
        self.log.append((kind, body))


def watch_of(lab: Lab, wall: Wall, rate_hz: float = 2.0) -> CrowdWatch:
    return CrowdWatch(lab, lab.devices["overhead"], AREA, rate_hz, wall, wall.told)


def pass_by(watch: CrowdWatch, seconds: int = 20, first: int = 0, wall: Wall | None = None) -> None:
    """Two walk side by side and pass somebody who stands, two frames a second."""
    for number in range(first, first + 2 * seconds + 1):
        along = 0.5 * (number - first)
        if wall is not None:
            wall.us += SECOND_US // 2
        watch.take(number, [1, 2, 3], [along, along, 10.0], [0.0, 0.7, 1.5])


def test_without_an_entry_distances_are_not_watched_and_it_says_why(lab: Lab) -> None:
    wall = Wall()
    watch = watch_of(lab, wall)
    pass_by(watch)
    assert watch.in_memory[1:] == (0, 0)
    assert watch.distancing("en") == DistanceFiguresView(on=False, why="It is not in the algorithm register.")
    assert watch.distancing("nl").why == "Het staat niet in het algoritmeregister."
    assert wall.log == []


def test_with_an_entry_the_figures_are_those_of_distancing(lab: Lab) -> None:
    wall = Wall()
    watch = watch_of(allowed(lab), wall)
    pass_by(watch, wall=wall)
    seen = Distancing(2.0, live_rule(1.5), AREA)
    for number in range(41):
        seen.stream(number, [1, 2, 3], [0.5 * number, 0.5 * number, 10.0], [0.0, 0.7, 1.5])
    told, view = seen.figures(), watch.distancing("en")
    assert view.on
    assert (view.why, view.until, view.contact_m) == ("", "2020-04-30T22:00:00Z", 1.5)
    assert view.since == "2020-04-10T12:00:00Z"
    assert view.contacts_per_person_minute == pytest.approx(told.contacts_per_person_minute)
    assert (view.people, view.provisional, view.share_too_close) == (3, 3, told.share_too_close)
    assert view.exposure == told.exposure.tolist()
    assert view.radial == pytest.approx(told.radial.tolist())
    assert wall.log == [("distancing-on", {"device": "overhead", "ends": ENDS, "ground": "Emergency order 2020-3"})]


def test_the_distance_is_that_of_the_lab(lab: Lab) -> None:
    other = allowed(lab)
    file = msgspec.structs.replace(other.file, distancing=Asked(distance_m=0.6))
    other = Lab(**{name: getattr(other, name) for name in other.__dataclass_fields__} | {"file": file})
    watch = watch_of(other, Wall())
    pass_by(watch)
    view = watch.distancing("en")
    assert (view.contact_m, view.share_too_close) == (0.6, 0.0)


def test_when_the_entry_ends_what_was_known_is_gone_at_once_and_the_logbook_is_told_once(lab: Lab) -> None:
    wall = Wall(ENDS - 15 * SECOND_US)
    watch = watch_of(allowed(lab), wall)
    pass_by(watch, seconds=5, wall=wall)
    assert watch.in_memory[1:] == (3, 1)
    wall.us = ENDS - 1
    watch.check()
    assert watch.distancing("en").on
    wall.us = ENDS
    watch.check()
    assert watch.in_memory[1:] == (0, 0)
    pass_by(watch, first=100)
    view = watch.distancing("en")
    assert (view.on, view.why) == (False, "Its time is over. It has to be decided on anew.")
    assert view.exposure == []
    assert [kind for kind, _ in wall.log] == ["distancing-on", "distancing-off"]


def test_nobody_looks_and_no_frame_comes_but_a_view_ends_it_too(lab: Lab) -> None:
    wall = Wall(ENDS - SECOND_US)
    watch = watch_of(allowed(lab), wall)
    pass_by(watch, seconds=5)
    wall.us = ENDS
    assert not watch.distancing("nl").on
    assert watch.in_memory[1:] == (0, 0)


def test_a_clock_that_is_set_back_brings_nothing_back(lab: Lab) -> None:
    wall = Wall(ENDS - SECOND_US)
    watch = watch_of(allowed(lab), wall)
    wall.us = ENDS
    watch.check()
    wall.us = NOON
    pass_by(watch)
    assert not watch.distancing("en").on
    assert watch.in_memory[1:] == (0, 0)


def test_it_begins_by_itself_when_the_entry_does(lab: Lab) -> None:
    wall = Wall(to_us(datetime(2020, 3, 31, 21, 59, 59, tzinfo=UTC)))
    watch = watch_of(allowed(lab), wall)
    assert watch.distancing("en").why == "It has not begun yet."
    wall.us += SECOND_US
    pass_by(watch)
    assert watch.distancing("en").people == 3
    assert [kind for kind, _ in wall.log] == ["distancing-on"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": "out of use"}, "not in use"),
        ({"lawful_basis": "none"}, "names no legal ground"),
        ({"valid_until": date(2020, 7, 1)}, "90 days"),
        ({"valid_until": date(2020, 3, 1)}, "ends before it begins"),
    ],
)
def test_an_entry_that_breaks_its_rules_does_not_switch_it_on(lab: Lab, changes: dict[str, Any], why: str) -> None:
    watch = watch_of(allowed(lab, **changes), Wall())
    pass_by(watch)
    assert why in watch.distancing("en").why
    assert watch.in_memory[1:] == (0, 0)


def test_the_figures_are_of_the_running_hour(lab: Lab) -> None:
    wall = Wall(NOON + HOUR_US - 30 * SECOND_US)
    watch = watch_of(allowed(lab), wall)
    pass_by(watch, wall=wall)
    assert watch.distancing("en").people == 3
    wall.us += 20 * SECOND_US
    watch.take(60, [3], [10.0], [1.5])
    view = watch.distancing("en")
    assert (view.since, view.people, view.exposure[1:]) == ("2020-04-10T13:00:10Z", 1, [0] * 6)
    assert [kind for kind, _ in wall.log] == ["distancing-on"]


def test_more_pairs_than_there_is_room_for_begin_anew_and_it_says_so(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd_watch, "MOST_PAIRS", 100)
    watch = watch_of(allowed(lab), Wall())
    for number in range(20):
        watch.take(number, np.arange(60), *np.random.default_rng(number).uniform(0, 3, (2, 60)))
        assert watch.in_memory[2] <= 100
    view = watch.distancing("nl")
    assert view.on
    assert view.why == "Meer paren mensen tegelijk dan er plaats is: opnieuw begonnen."


def test_a_device_that_starts_anew_has_other_people_by_the_same_numbers(lab: Lab) -> None:
    watch = watch_of(allowed(lab), Wall())
    pass_by(watch, first=10_000)
    watch.take(10_030, [1], [0.0], [0.0])  # late
    assert watch.in_memory[1] == 3
    pass_by(watch, seconds=3)
    assert watch.in_memory[1] == 3
    assert watch.distancing("en").people == 3


def test_the_logbook_has_words_for_it(lab: Lab) -> None:
    wall = Wall(ENDS - SECOND_US)
    watch = watch_of(allowed(lab), wall)
    wall.us = ENDS
    watch.check()
    on, off = (LogEntry(lab_us=0, wall_us=0, kind=kind, who="system", body=body) for kind, body in wall.log)
    assert Words(lab, "en").log(on) == (
        "Distances between people are watched by overhead, until 1 May 00:00. Ground: Emergency order 2020-3."
    )
    assert Words(lab, "nl").log(off) == (
        "Afstanden tussen mensen worden niet meer gemeten door overhead: wat bekend was is gewist."
        " De termijn is voorbij. Er moet opnieuw over worden besloten."
    )


def crowd(watch: CrowdWatch, seconds: float, rate_hz: float = 2.0) -> None:
    """A dense crowd that sways from side to side together, with a period of 18 s."""
    x, y = (each.ravel() for each in np.meshgrid(np.arange(-0.6, 20.7, 0.42), np.arange(-0.6, 10.7, 0.42)))
    for number in range(round(seconds * rate_hz)):
        watch.take(number, np.arange(len(x)), x + 0.2 * math.sin(2 * math.pi * number / rate_hz / 18), y)


def test_indicators_come_with_their_label_and_all_that_they_depend_on(lab: Lab) -> None:
    watch = watch_of(lab, Wall())
    crowd(watch, 100)
    english, dutch = watch.indicators("en"), watch.indicators("nl")
    assert [each.key for each in english] == ["pressure", "congestion", "danger", "oscillation"]
    for one, other in zip(english, dutch, strict=True):
        assert one.label == "indicator, not validated as a predictor"
        assert other.label == "indicator, niet gevalideerd als voorspeller"
        assert (one.value, one.threshold, one.source) == (other.value, other.threshold, other.source)
        assert (one.why == "") == (other.why == "") == (one.value is not None)
        assert len(one.parameters) == len(other.parameters)
    assert "averaging radius 1 m" in english[0].parameters
    assert "threshold of the source 0.02 s⁻², which depends on radius and window" in english[0].parameters
    assert "drempel van de bron 0,02 s⁻², die afhangt van straal en tijdvenster" in dutch[0].parameters
    assert "fout van een positie 0,1 m" in dutch[3].parameters
    assert english[3].value == pytest.approx(2 * math.pi / 18, rel=0.03)


def test_an_indicator_that_is_not_known_says_why_and_is_not_zero(lab: Lab) -> None:
    watch = watch_of(lab, Wall())
    assert {each.why for each in watch.indicators("en")} == {"Not seen for long enough yet, or too many frames are missing."}
    pass_by(watch)
    told = watch.indicators("nl")
    assert [each.value for each in told] == [None] * 4
    assert told[0].why == "Te weinig mensen ervoor."
    slow = watch_of(lab, Wall(), rate_hz=0.5)
    pass_by(slow)
    assert slow.indicators("en")[0].why == "The device sends fewer than 1 frames a second."


def test_every_reason_and_every_parameter_has_words(lab: Lab) -> None:
    assert set(Unknown.__args__) - {""} <= set(crowd_words._WHY)
    for each in Lookout(AREA, 10.0, 0.1).told.oscillation.parameters + Lookout(AREA, 10.0, 0.1).told.congestion.parameters:
        assert each.name in crowd_words._PARAMETERS


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-500, 500),
            st.lists(st.tuples(st.integers(-3, 12), st.floats(), st.floats()), max_size=8),
            st.integers(-DAY_US, DAY_US),
        ),
        max_size=40,
    )
)
def test_whatever_comes_it_goes_on_and_holds_little(lab: Lab, steps: list[Any]) -> None:
    """Ids twice, positions that are none, frames late or far off, a clock that goes to and fro."""
    wall = Wall(ENDS - DAY_US)
    watch, number = watch_of(allowed(lab), wall, rate_hz=4.0), 0
    over = False
    for step, people, later_us in steps:
        number += step
        wall.us += later_us
        over = over or wall.us >= ENDS
        who, x, y = np.array(people, dtype=float).reshape(-1, 3).T
        watch.take(number, who.astype(int), x, y)
        positions, tracks, pairs = watch.in_memory
        assert positions <= 8 * 40
        assert tracks <= 8 * 240
        assert pairs <= 28 * 240
        view = watch.distancing("nl")
        assert view.on == (not over)
        msgspec.json.encode([view, watch.indicators("en")])


def test_columns_of_different_lengths_are_refused(lab: Lab) -> None:
    with pytest.raises(RuimteError, match="different lengths"):
        watch_of(lab, Wall()).take(0, [1, 2], [0.0], [0.0])


def test_a_view_holds_no_track_and_no_position(lab: Lab) -> None:
    watch = watch_of(allowed(lab), Wall())
    for number in range(40):
        watch.take(number, [777_001, 777_002], [3.14159 + 0.1 * number, 4.0], [2.71828, 3.0])
    told = msgspec.json.encode([watch.distancing("en"), watch.indicators("en")]).decode()
    assert not any(each in told for each in ("777001", "777002", "3.14159", "2.71828"))


@pytest.mark.parametrize(
    ("basis", "valid_until", "told"),
    [
        ("Emergency order 2020-3", "2020-04-30", None),
        ("none", "2020-04-30", "without a legal ground"),
        ("No personal data is processed.", "2020-04-30", "without a legal ground"),
        ("Emergency order 2020-3", "2020-06-30", "is longer than 90 days"),
    ],
)
def test_check_finds_an_entry_that_breaks_its_own_rules(tmp_path: Path, basis: str, valid_until: str, told: str | None) -> None:
    sensors = {"hall-people": sensor("hall-people", "hall", ["people"])}
    folder = track_lab(tmp_path / "lab", VIEW, ZONE, sensors)
    entry = ALGORITHM.format(key="physical-distancing", basis=basis, valid_from="2020-04-01", valid_until=valid_until)
    file = folder / "algorithms.toml"
    file.write_text(file.read_text(encoding="utf-8") + entry, encoding="utf-8")
    found = check_lab(folder)[1]
    assert len(found) == (0 if told is None else 1)
    if told is not None:
        mistake = found[0]
        field = "valid_until" if "90" in told else "lawful_basis"
        line = [n for n, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1) if text.startswith(field)][-1]
        assert mistake.file == "algorithms.toml"
        assert mistake.place.endswith(f"'physical-distancing' field {field} (line {line})")
        assert told in mistake.what
        assert mistake.mend


@pytest.mark.parametrize(("distance_m", "mistakes"), [(0.3, 0), (1.5, 0), (5, 0), (0.2, 1), (15, 1), (-1, 1)])
def test_check_knows_which_distances_people_keep(tmp_path: Path, distance_m: float, mistakes: int) -> None:
    folder = track_lab(tmp_path / "lab", VIEW, ZONE, {"hall-people": sensor("hall-people", "hall", ["people"])})
    file = folder / "lab.toml"
    file.write_text(file.read_text(encoding="utf-8") + f"\n[distancing]\ndistance_m = {distance_m}\n", encoding="utf-8")
    found = check_lab(folder)[1]
    assert len(found) == mistakes
    assert all("field distancing.distance_m" in each.place and "like 1.5" in each.mend for each in found)


def test_pairs_at_once_are_the_same_as_in_parts(lab: Lab) -> None:
    """What the watch tells is what a look at the whole recording tells."""
    chance = np.random.default_rng(3)
    x, y = (chance.uniform(0, 5, 12) + np.cumsum(chance.normal(0, 0.1, (101, 12)), 0) for _ in range(2))
    watch = watch_of(allowed(lab), Wall(), rate_hz=10.0)
    for number in range(101):
        watch.take(number, np.arange(12), x[number], y[number])
    inside = (x > -1) & (x < 21) & (y > -1) & (y < 11)
    number, who = np.nonzero(inside)
    whole = Distancing(10.0, live_rule(1.5), AREA)
    whole.batch(frames_of(who, number, x[inside], y[inside], 10.0))
    assert watch.distancing("en").exposure == whole.figures().exposure.tolist()
