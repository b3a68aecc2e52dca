"""What partners tell about a lab: taken whole or not at all, kept with who told it, and shown while it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provider import Clock
from ruimte.clock import DAY_US, HOUR_US, MINUTE_US, SystemClock, from_us, to_us
from ruimte.errors import RuimteError
from ruimte.intake.notes import HoldsPersonalError
from ruimte.jobs.contributions import Contributions
from ruimte.jobs.staff import purge
from ruimte.jobs.words import Words
from ruimte.lab.lab import Lab
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.share.agreement import Party
from ruimte.share.asking import Asked
from ruimte.share.contribution import LONGEST_US, read
from ruimte.store import records
from ruimte.store.sqlite import Store

NOW_US = to_us(datetime(2026, 7, 4, 18, 0, tzinfo=UTC))  # 20:00 in Amsterdam
POLICE = Party(id="urn:nld:oin:00000099000000002000", name="Police of Example", public_key="")
ORGANISER = Party(id="urn:nld:oin:00000099000000003000", name="Festival", public_key="")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    folder = tmp_path_factory.mktemp("labs") / "town"
    new_lab(folder)
    return read_lab(folder)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW_US)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "town.db", "town", durable=False) as opened:
        yield opened


@pytest.fixture
def told(lab: Lab, store: Store, clock: Clock) -> Contributions:
    return Contributions(lab, store, clock)


def later(minutes: float) -> str:
    return (from_us(NOW_US) + timedelta(minutes=minutes)).isoformat()


def texts(told: Contributions, language: str = "en") -> list[str]:
    return [f"{each.place_name}, {each.party}: {each.text}" for each in told.views(language)]


def test_each_kind_is_shown_as_a_sentence_in_both_languages(told):
    told.take("zone-status", POLICE, {"zone": "square", "status": "full", "until": later(60)})
    told.take("closures", POLICE, {"place": "street-east", "from": later(0), "until": later(180), "reason": "broken pavement"})
    told.take("arrivals", ORGANISER, {"place": "street", "expected": 1200, "from": later(30), "until": later(90)})
    assert texts(told) == [
        "Square, Police of Example: full until 21:00",
        "Shopping street, Festival: 1200 people expected from 20:30 to 21:30",
        "Shopping street, east end, Police of Example: closed until 23:00: broken pavement",
    ]
    assert "Winkelstraat, oosteinde, Police of Example: dicht tot 23:00: broken pavement" in texts(told, "nl")


def test_it_is_gone_when_it_is_over_and_a_later_one_takes_its_place(told, clock):
    told.take("zone-status", POLICE, {"zone": "square", "status": "busy", "until": later(60)})
    told.take("zone-status", POLICE, {"zone": "square", "status": "closed", "until": later(30)})
    told.take("zone-status", ORGANISER, {"zone": "square", "status": "busy", "until": later(30)})
    assert texts(told) == ["Square, Police of Example: closed until 20:30", "Square, Festival: busy until 20:30"]
    told.take("zone-status", POLICE, {"zone": "square", "status": "open", "until": later(60)})
    assert texts(told) == ["Square, Festival: busy until 20:30"]
    clock.us += 31 * MINUTE_US
    assert texts(told) == []


def test_the_logbook_tells_which_organisation_and_never_who(told, store, lab):
    told.take("closures", POLICE, {"place": "square-west", "from": later(0), "until": later(60), "reason": "too full"})
    (entry,) = store.read(lambda c: records.log(c, None, 10))
    assert (entry.kind, entry.who, entry.name) == ("contributed", "Police of Example", None)
    assert Words(lab, "en").log(entry) == "Square, west side: closed from 20:00 to 21:00. too full"
    assert Words(lab, "nl").log(entry) == "Plein, westkant: dicht van 20:00 tot 21:00. too full"


BAD = {
    "unknown place": ("closures", {"place": "moon", "from": later(0), "until": later(9)}, "is no place of this lab"),
    "a gate is no zone": ("zone-status", {"zone": "square-west", "status": "full", "until": later(9)}, "is no place of this lab"),
    "unknown status": ("zone-status", {"zone": "square", "status": "mad", "until": later(9)}, "invalid enum value 'mad'"),
    "no offset": ("zone-status", {"zone": "square", "status": "full", "until": "2026-07-04T23:00:00"}, "has no offset"),
    "no time": ("zone-status", {"zone": "square", "status": "full", "until": "tonight"}, "invalid RFC3339"),
    "over": ("zone-status", {"zone": "square", "status": "full", "until": later(-9)}, "ends before it begins"),
    "over already": ("closures", {"place": "square", "from": later(-20), "until": later(-9)}, "is over already"),
    "backwards": ("closures", {"place": "square", "from": later(9), "until": later(3)}, "ends before it begins"),
    "too far": ("closures", {"place": "square", "from": later(9), "until": later(60 * 24 * 15)}, "more than 14 days"),
    "below 0": ("arrivals", {"place": "square", "expected": -1, "from": later(0), "until": later(9)}, ">= 0"),
    "a text": ("arrivals", {"place": "square", "expected": "many", "from": later(0), "until": later(9)}, "expected int"),
    "too long": ("closures", {"place": "square", "from": later(0), "until": later(9), "reason": "x" * 201}, "<= 200"),
    "more": ("closures", {"place": "square", "from": later(0), "until": later(9), "who": "Jo"}, "unknown field"),
    "less": ("closures", {"place": "square"}, "missing required field"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_sense_is_refused_in_one_line_and_nothing_is_kept(told, store, name):
    kind, body, expected = BAD[name]
    with pytest.raises(RuimteError, match=expected) as raised:
        told.take(kind, POLICE, body)
    assert "\n" not in str(raised.value)
    assert raised.value.mend
    assert told.views("en") == []
    assert store.read(lambda c: records.log(c, None, 10)) == []


def test_a_text_that_holds_an_identifier_is_refused(told):
    with pytest.raises(HoldsPersonalError):
        told.take("closures", POLICE, {"place": "square", "from": later(0), "until": later(9), "reason": "van 12-XYZ-3"})
    assert told.views("en") == []


def test_it_comes_from_a_decided_request_and_who_listens_is_told(lab, store, clock):
    news: list[bool] = []
    told = Contributions(lab, store, clock, lambda: news.append(True))
    asked = Asked(party=POLICE.id, purpose="event-safety", action="contribute-closures", lab="town", at_us=NOW_US, agreement="A")
    receipt = asyncio.run(told(asked, "Police of Example", {"place": "square", "from": later(0), "until": later(9)}))
    assert (receipt["kind"], receipt["party"], receipt["place"], news) == ("closures", POLICE.id, "square", [True])


def test_what_was_over_long_ago_is_forgotten_with_the_logbook(told, store, monkeypatch):
    told.take("closures", POLICE, {"place": "square", "from": later(0), "until": later(9)})
    monkeypatch.setattr(SystemClock, "now_us", lambda self: NOW_US + 2 * DAY_US)
    kept = "SELECT count(*) FROM contributions"
    purge(store, 3 * DAY_US)
    assert store.read(lambda c: c.execute(kept).fetchone()) == (1,)
    purge(store, DAY_US)
    assert store.read(lambda c: c.execute(kept).fetchone()) == (0,)


def test_the_furthest_end_is_taken_and_no_further():
    def until(us: int) -> dict[str, str]:
        return {"zone": "a", "status": "full", "until": from_us(us).isoformat()}

    assert read("zone-status", until(NOW_US + LONGEST_US), ["a"], [], NOW_US)
    with pytest.raises(RuimteError):
        read("zone-status", until(NOW_US + LONGEST_US + HOUR_US), ["a"], [], NOW_US)
