"""Reports of what happened: a replay of some hours, with what was warned of and decided in it."""

from __future__ import annotations

import asyncio
import re
from html.parser import HTMLParser

import pytest

from ruimte.clock import HOUR_US, MINUTE_US, ManualClock
from ruimte.errors import RuimteError
from ruimte.jobs.live import LiveRoom
from ruimte.jobs.reporting import as_dict, gather, log_csv, report_page
from ruimte.model.role import Actor
from ruimte.report.pdf import find_chromium, to_pdf

from .conftest import NOW, moment, rows_of

HOURS = 14
WHO = Actor("Jo Jansen", "operator")


@pytest.fixture
def evening(start):
    """A town that was run for some hours, in which every warning was acknowledged, and a measure taken for the first one."""
    run = start()
    clock = ManualClock(moment(NOW - 1))
    room = LiveRoom(run.station, clock, "replay", 600.0)

    def feed(now_us):
        hours = range(run.hour, (now_us - moment(0)) // HOUR_US + 1)
        run.hour = hours.stop
        rows = rows_of(run.counts, run.store.stream_ids(), hours)
        run.store.append(rows)
        return rows

    async def live():
        first = True
        for _ in range(HOURS):
            await room.run(lambda progress: None, feed, clock.now_us() + HOUR_US)
            for warning in room.warnings("en"):
                if warning.phase != "open":
                    continue
                await room.acknowledge(warning.id, WHO)
                if first and warning.measures:
                    await room.decide(warning.id, WHO, warning.measures[0].key, "as agreed")
                    first = False

    asyncio.run(live())
    return run


def period():
    return moment(NOW - 1), moment(NOW + HOURS - 1)


def told(run, language="en", span=None):
    station = run.station
    return gather(station.lab, station.model, run.store, language, *(span or period()))


def page(run, language="en", span=None):
    station = run.station
    return report_page(station.lab, station.model, run.store, language, *(span or period()))


def test_it_holds_the_warnings_that_were_given_and_what_became_of_them(evening):
    found = told(evening)
    given = {warning.id: warning for warning in evening_warnings(evening)}
    assert {judged.warning.id for judged in found.warnings} == set(given)
    assert found.known
    street = next(judged for judged in found.warnings if judged.warning.place == "station-road")
    assert street.warning.opened_us == given[street.warning.id].opened_us
    assert street.warning.by == "operator"
    passed = [judged for judged in found.warnings if judged.verdict in ("ahead", "already")]
    assert passed, "the town was far busier than ever in these hours"
    for judged in passed:
        place = found.place(judged.warning.place)
        assert place.passed(judged.level).any()
        assert judged.lead_us is None or 0 < judged.lead_us <= HOURS * HOUR_US


def evening_warnings(run):
    from ruimte.store import records

    return [step for _, step in run.store.read(lambda c: records.warning_steps(c, *period()))]


def test_a_decision_is_told_with_what_was_expected_and_what_came(evening):
    found = told(evening)
    decision = found.decisions[0]
    place = found.place(decision.place)
    after = (place.ends_us > decision.at_us) & (place.ends_us <= decision.at_us + found.look_ahead_us)
    assert decision.note == "as agreed"
    assert decision.peak == pytest.approx(place.mean[after].max())
    (taken,) = [judged.warning for judged in found.warnings if judged.warning.measure]
    assert taken.place == decision.place
    assert taken.answer == decision.what


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_page_is_whole_and_fetches_nothing(evening, language):
    text = page(evening, language)
    assert f'<html lang="{language}">' in text
    assert ("invented" if language == "en" else "verzonnen") in text  # the example lab is
    assert not re.findall(r'(?:src|href)="(?!#)', text.replace("xlink:href", "href"))
    assert "<script" not in text
    parser = Ids()
    parser.feed(text)
    assert len(parser.ids) == len(set(parser.ids))
    assert text.count('role="img"') == 1 + len([p for p in told(evening).places if p.worst is not None])
    for name in re.findall(r'aria-labelledby="([^"]+)"', text):
        assert set(name.split()) <= set(parser.ids)
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)


class Ids(HTMLParser):
    """Collects the ids of a page."""

    def __init__(self):
        super().__init__()
        self.ids = []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]


def test_the_two_languages_tell_the_same(evening):
    one, other = as_dict(told(evening, "en")), as_dict(told(evening, "nl"))
    for each in (one, other):
        each.pop("lab")
        for warning in each["warnings"]:
            warning.pop("answer")
    assert one == other


def test_the_forecast_is_compared_with_what_came(evening):
    found = told(evening)
    assert {each.place for each in found.skill} <= {place.key for place in found.places}
    assert {each.ahead_us for each in found.skill} == {HOUR_US, 3 * HOUR_US}
    for each in found.skill:
        assert 0 < each.error < 3
        assert 0 <= each.within <= 1


def test_a_quiet_period_and_an_unknown_one_are_told_as_such(evening):
    quiet = (moment(NOW - 40), moment(NOW - 34))
    found = told(evening, span=quiet)
    assert not found.warnings
    assert "No warnings." in page(evening, span=quiet)
    unknown = (moment(NOW + 200), moment(NOW + 206))
    assert not told(evening, span=unknown).known
    assert "Nothing is known of this period" in page(evening, span=unknown)
    assert all(
        share == 1.0 for share in (told(evening, span=unknown).silent_share(p) for p in told(evening, span=unknown).places)
    )


@pytest.mark.parametrize(("span", "what"), [((5, 5), "before it begins"), ((0, 40 * 24 * HOUR_US), "longer than 31 days")])
def test_a_period_that_is_none_is_refused(evening, span, what):
    with pytest.raises(RuimteError, match=what):
        told(evening, span=span)


def test_the_logbook_as_csv_holds_every_line_of_the_period(evening):
    rows = log_csv(evening.station.lab, evening.store, "nl", *period()).split("\r\n")
    assert rows[0] == "Nummer,Tijd van het lab,Kloktijd,Soort,Plek,Waarschuwing,Wie,Tekst"
    assert len(rows) - 2 == len(told(evening).log)
    assert any("Maatregel voor" in row for row in rows)


def test_nobody_is_named(evening):
    for language in ("en", "nl"):
        assert "Jansen" not in page(evening, language)
        assert "Jansen" not in log_csv(evening.station.lab, evening.store, language, *period())


def test_a_pdf_is_made_by_the_machines_chromium(evening):
    if find_chromium() is None:
        pytest.skip("no Chromium on this machine")
    made = to_pdf(page(evening, "nl"))
    assert made.startswith(b"%PDF-")
    assert len(made) > 20_000


def test_without_a_chromium_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(RuimteError, match="no Chromium is found") as told_:
        to_pdf("<p>hello</p>")
    assert "print the HTML" in told_.value.mend


def test_a_browser_that_hangs_is_ended(monkeypatch, tmp_path):
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 30\n")
    slow.chmod(0o755)
    monkeypatch.setenv("CHROMIUM", str(slow))
    with pytest.raises(RuimteError, match=r"longer than 0\.2 s"):
        to_pdf("<p>hello</p>", timeout_s=0.2)


def test_moments_are_whole_ticks_of_the_lab(evening):
    found = told(evening)
    assert found.tick_us == 60 * MINUTE_US
    assert all(int(us - period()[0]) % HOUR_US == 0 for place in found.places for us in place.ends_us)
