"""Every sentence, in both languages, with the figures that the station and its reasons really give."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace

import msgspec
import pytest

from ruimte.clock import HOUR_US, from_us
from ruimte.intake import identifiers
from ruimte.jobs.reasons import explain
from ruimte.jobs.words import _SENTENCES, IDENTIFIERS, Words, unit
from ruimte.lab.compile import compile_lab, stream_keys
from ruimte.lab.files import EventEntry
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.model.forecast import LEVELS
from ruimte.model.warning import Warning  # noqa: A004 - the field's own word
from ruimte.store.records import LogEntry
from ruimte.text import LANGUAGES

NOON = 1_783_159_200 * 1_000_000  # 4 July 2026, 12:00 in Amsterdam: the market is on


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labs") / "town"
    new_lab(folder)
    return read_lab(folder)


def holes(sentence):
    return set(re.findall(r"{(\w+)}", sentence))


@pytest.mark.parametrize("key", _SENTENCES)
def test_a_sentence_says_the_same_in_every_language(key):
    sentence = _SENTENCES[key]
    assert tuple(sentence) == LANGUAGES
    assert len({frozenset(holes(text)) for text in sentence.values()}) == 1
    bare = re.sub(r"{\w+}|\W", "", sentence["en"])  # what holds nothing but what people wrote reads the same
    assert len(set(sentence.values())) == (len(LANGUAGES) if bare else 1)


def warning(**changes):
    plain = {
        "id": 3, "place": "station-road", "table": "fruin-walkway-flow", "level": "E", "rank": 1, "priority": 2,
        "phase": "open", "opened_us": NOON, "updated_us": NOON, "probability": 0.62, "expected_us": NOON + HOUR_US,
        "lead_us": HOUR_US, "threshold": 2.0,
    }  # fmt: skip
    return Warning(**(plain | changes))


def reasons(lab, language, *, quantiles, now=1.5, usual=0.5, observed=0.5, place="station-road"):
    model = compile_lab(lab, {stream.key: number for number, stream in enumerate(stream_keys(lab), 1)})
    found = next(p for p in model.places if p.key == place)
    told = explain(lab, found, warning(place=place), now=now, usual=usual, observed=observed, quantiles=quantiles)
    # a page reads them back from the store
    kept = msgspec.json.decode(msgspec.json.encode(told), type=Warning)
    words = Words(lab, language)
    assert [words.reason(reason) for reason in told.reasons] == [words.reason(reason) for reason in kept.reasons]
    return [words.reason(reason) for reason in kept.reasons]


def test_reasons_in_english(lab):
    quantiles = (0.95 + LEVELS).tolist()
    assert reasons(lab, "en", quantiles=quantiles) == [
        "Expected at 13:00: 5,220 persons/h (90 % sure: 3,600–6,840); E starts at 7,200.",
        "Now 3.0 times as busy as usual at this weekday and hour (1,800 persons/h).",
        "Rests on 50% of the sensors of this place; the others are silent.",
    ]


def test_reasons_in_dutch(lab):
    assert reasons(lab, "nl", quantiles=None, place="square", usual=1.4, now=1500.0, observed=1.0) == [
        "Gemeten: 1.500 personen; E begint bij 2.",
        "Nu 1071,4 keer zo druk als gewoonlijk op deze weekdag en dit uur (1 personen).",
        "Op de kalender: Zomermarkt, 10:00–18:00.",
    ]


@pytest.mark.parametrize("quantiles", [None, [float("nan")] * len(LEVELS)])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_known_is_said_and_never_written_as_a_figure(lab, language, quantiles):
    nan = float("nan")
    (sentence,) = reasons(lab, language, quantiles=quantiles, now=nan, usual=nan, observed=0.0)
    assert sentence == _SENTENCES["reason.unknown"][language]


def test_the_calendar_is_named_an_hour_before_and_after_and_only_where_it_is(lab):
    def named(start, end, places=()):
        """Whether a fair that starts and ends so many hours from noon is named."""
        first, last = (from_us(NOON + int(hours * HOUR_US)) for hours in (start, end))
        event = EventEntry(key="fair", name="Fair", start=first, end=last, places=list(places))
        told = reasons(replace(lab, events=(event,)), "en", quantiles=None)
        return any("Fair" in sentence for sentence in told)

    assert named(-1, 1)
    assert named(2, 3)  # the moment that is expected lies within the hour before
    assert not named(2.1, 3)
    assert named(-3, -0.9)
    assert not named(-3, -1)
    assert named(-1, 1, ["station-road"])
    assert not named(-1, 1, ["square"])


BODY = {"level": "E", "priority": 2, "probability": 0.62, "time": NOON, "lead_us": HOUR_US}
LINES = [
    ("started", {"mode": "live"}, "The node started (live).", "Het programma is gestart (live)."),
    ("started", {"mode": "replay"}, "The node started (replay).", "Het programma is gestart (herhaling)."),
    (
        "opened",
        BODY,
        "Warning 3, priority 2: Square, E expected at 12:00, 62%.",
        "Waarschuwing 3, prioriteit 2: Plein, E verwacht om 12:00, 62%.",
    ),
    (
        "opened",
        BODY | {"lead_us": 0},
        "Warning 3, priority 2: Square has reached E.",
        "Waarschuwing 3, prioriteit 2: Plein heeft E bereikt.",
    ),
    ("raised", BODY, "Warning 3 raised to E, priority 2: Square.", "Waarschuwing 3 verhoogd naar E, prioriteit 2: Plein."),
    ("lowered", BODY, "Warning 3 lowered to E: Square.", "Waarschuwing 3 verlaagd naar E: Plein."),
    ("closed", BODY, "Warning 3 closed: Square.", "Waarschuwing 3 gesloten: Plein."),
    ("acknowledged", {}, "Warning 3 acknowledged: Square.", "Waarschuwing 3 bevestigd: Plein."),
    (
        "decided",
        {"measure": "stewards", "note": "at {once}"},
        "Measure for Square: Send stewards. at {once}",
        "Maatregel voor Plein: Stuur toezichthouders. at {once}",
    ),
    ("decided", {"measure": "gone", "note": ""}, "Measure for Square: gone.", "Maatregel voor Plein: gone."),
    (
        "declined",
        {"note": ""},
        "Warning 3, Square: no measure taken.",
        "Waarschuwing 3, Plein: geen maatregel genomen.",
    ),
    ("silent", {}, "Not heard any more: Square.", "Geen signaal meer van: Plein."),
    ("heard", {}, "Heard again: Square.", "Weer signaal van: Plein."),
    (
        "not-run",
        {"algorithm": "rate-filter"},
        "Algorithm rate-filter is not registered for this moment, so it does not run.",
        "Algoritme rate-filter staat voor dit moment niet in het register en draait dus niet.",
    ),
]


@pytest.mark.parametrize(("kind", "body", "english", "dutch"), LINES)
def test_lines_of_the_logbook(lab, kind, body, english, dutch):
    entry = LogEntry(lab_us=NOON, wall_us=NOON, kind=kind, who="system", place="square", warning=3, body=body)
    assert Words(lab, "en").log(entry) == english
    assert Words(lab, "nl").log(entry) == dutch


def test_names_of_places_people_and_units(lab):
    dutch = Words(lab, "nl")
    assert (dutch.place("square"), dutch.place("gone")) == ("Plein", "gone")
    assert (dutch.who("system"), dutch.who("operator")) == ("systeem", "operator")
    assert [unit(name, "en") for name in ("persons", "persons/h")] == ["persons", "persons/h"]
    assert [unit(name, "nl") for name in ("persons", "persons/h")] == ["personen", "personen/uur"]


def test_every_identifier_that_can_be_found_has_a_dutch_name():
    source = inspect.getsource(identifiers)
    kinds = set(re.findall(r'"(an? [a-z\' -]+)"', source)) - {"a text"}
    assert kinds == set(IDENTIFIERS)
