from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from starlette.testclient import TestClient

from fake_room import CAVEATS, FakeAccounts, FakeRoom
from ruimte.estimate.health import Condition
from ruimte.jobs.room import SensorView
from ruimte.web import conditions
from ruimte.web.app import create_app
from ruimte.web.control.crowd_words import crowd_words
from ruimte.web.control.levels import worst_first
from ruimte.web.control.script_words import script_words
from ruimte.web.control.wall_words import wall_words
from ruimte.web.pages import as_data
from ruimte.web.settings import WebSettings
from ruimte.web.words import Words, preferred

WEB = Path(str(files("ruimte.web")))


def test_every_word_is_translated() -> None:
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    keywords = {"_": None, "words": None, "self": None, "marked": None}
    used = {found[2] for found in extract_from_dir(WEB, method_map=methods, keywords=keywords)}
    with (WEB / "locale/nl/LC_MESSAGES/ruimte.po").open("rb") as source:
        catalogue = read_po(source, locale="nl")
    translated = {message.id for message in catalogue if message.id and message.string}
    assert used == translated
    assert [message.id for message in catalogue if message.fuzzy and message.id] == []


def test_translations_keep_the_places_to_fill_in() -> None:
    with (WEB / "locale/nl/LC_MESSAGES/ruimte.po").open("rb") as source:
        catalogue = read_po(source, locale="nl")
    slot = re.compile(r"%\(\w+\)s|\{\w+\}|%%")
    for message in catalogue:
        assert sorted(slot.findall(str(message.id))) == sorted(slot.findall(str(message.string))), message.id


def test_scripts_say_only_words_they_were_given() -> None:
    words = Words("en", ZoneInfo("UTC"))
    modes_and_phases = {"live", "replay", "starting", "ended"}
    rooms, walls, crowds = (
        "".join(path.read_text() for path in (WEB / "static/js").glob(f"{folder}*.js")) for folder in ("", "wall/", "crowds/")
    )
    pages = ((rooms, script_words(words)), (rooms + walls, wall_words(words)), (crowds, crowd_words(words)))
    for scripts, known in ((scripts, set(given)) for scripts, given in pages):
        assert set(re.findall(r'\bsay\("(\w+)"', scripts)) <= known
        assert known <= set(re.findall(r'"(\w+)"', scripts)) | modes_and_phases


def bare_text(template: str) -> list[str]:
    """What a template says without asking the catalogue: text between tags, and in attributes that are read aloud or shown."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}", " ", template, flags=re.S)
    text = re.sub(r"\{\{.*?\}\}", "", text, flags=re.S)
    shown = re.findall(r'\s(?:aria-label|title|alt|placeholder|data-auto)="([^"]*[A-Za-z]{2,}[^"]*)"', text)
    text = re.sub(r"<(script|kbd|code|svg)\b.*?</\1>|<[^>]*>", " ", text, flags=re.S)
    return shown + re.findall(r"[^\W\d_]{2,}", re.sub(r"&\w+;", " ", text))


def test_no_page_says_a_word_that_is_not_translated() -> None:
    assert bare_text('<p title="Hello {{ name }}">{{ _("Bye") }} <b>you</b> &amp; <kbd>Tab</kbd></p>') == ["Hello ", "you"]
    names = {"Ruimte", "EN", "NL", "English", "Nederlands", "OpenAPI"}
    for template in (WEB / "templates").glob("*.html"):
        assert set(bare_text(template.read_text())) <= names, template.name


def test_no_dutch_word_is_left_in_english() -> None:
    """A word that is the same in both languages is so on purpose."""
    with (WEB / "locale/nl/LC_MESSAGES/ruimte.po").open("rb") as source:
        same = {str(message.id) for message in read_po(source, locale="nl") if message.id and message.id == message.string}
    spoken = {text for text in same if re.search(r"[^\W\d_]{2,}", re.sub(r"%\(\w+\)s|\{\w+\}", "", text))}
    assert spoken <= {"Account", "Live", "Sensor", "demo", "link", "min", "%(count)s open"}


def test_no_page_has_inline_script_or_style() -> None:
    for template in (WEB / "templates").glob("*.html"):
        text = template.read_text()
        assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:", text), template.name
        for tag in re.findall(r"<script[^>]*>", text):
            assert "src=" in tag or 'type="application/json"' in tag, template.name


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("nl", "nl"),
        ("nl-BE,nl;q=0.9,en;q=0.8", "nl"),
        ("de, en;q=0.1, nl;q=0.9", "nl"),
        ("de", "en"),
        ("", "en"),
        (";q=x,,", "en"),
    ],
)
def test_the_browsers_language_is_followed(header: str, language: str) -> None:
    assert preferred(header) == language


def test_a_language_that_was_asked_for_is_remembered(client: TestClient) -> None:
    page = client.get("/", params={"lang": "nl"}, headers={"accept-language": "en"})
    assert '<html lang="nl"' in page.text
    assert "Waarschuwingen" in page.text
    assert '<html lang="nl"' in client.get("/", headers={"accept-language": "en"}).text


def test_numbers_and_times_are_written_as_the_reader_does() -> None:
    dutch, english = (Words(language, ZoneInfo("Europe/Amsterdam")) for language in ("nl", "en"))
    assert (dutch.number(12345.6), english.number(12345.6), english.number(None)) == ("12.346", "12,346", "?")
    assert (dutch.duration(5400), english.duration(3600), english.duration(120)) == ("1 u 30 min", "1 h", "2 min")
    assert english.clock("2019-12-31T22:00:00Z") == "23:00"
    assert english.moment("2019-12-31T22:00:00Z", "2020-01-01T10:00:00Z") == "31 Dec 23:00"
    assert (english.percent(0.784), english.percent(1.0), english.percent(0.0)) == ("78%", ">99%", "<1%")


def test_a_data_block_cannot_be_closed_from_inside() -> None:
    text = str(as_data({"name": "</script><script>alert(1)"}))
    assert "<" not in text
    assert json.loads(text) == {"name": "</script><script>alert(1)"}


def test_the_table_has_the_worst_first_and_silence_before_calm(room: FakeRoom) -> None:
    for _ in range(15):
        room.step()
    zones = worst_first(room.zones("en"))
    colours = [zone.colour for zone in zones if zone.abnormal]
    assert colours == sorted(colours, reverse=True)
    first_calm = next(index for index, zone in enumerate(zones) if not zone.abnormal and zone.ahead is None and not zone.silent)
    assert [zone.key for zone in zones if zone.silent] == ["new-bridge"]
    assert next(index for index, zone in enumerate(zones) if zone.silent) < first_calm


def test_looking_back_offers_nothing_to_press(signed_in: TestClient, room: FakeRoom) -> None:
    now = signed_in.get("/fragments/warnings").text
    room.step()
    then = signed_in.get("/fragments/warnings", params={"at": "2019-12-31T19:45:00Z"}).text
    assert 'id="acknowledge-1"' in now
    assert 'id="warning-1"' in then
    assert "acknowledge-1" not in then


def test_looking_back_shows_the_logbook_of_then(client: TestClient, room: FakeRoom) -> None:
    before = client.get("/fragments/logbook").text.count("<tr>")
    for _ in range(14):
        room.step()
    assert client.get("/fragments/logbook").text.count("<tr>") > before
    then = client.get("/fragments/logbook", params={"at": "2019-12-31T19:45:00Z"}).text
    assert then.count("<tr>") == before


def test_the_page_names_every_place_before_any_script_runs(client: TestClient, room: FakeRoom) -> None:
    text = client.get("/").text
    assert all(zone.name in text for zone in room.zones("en"))
    assert all(warning.place_name in text for warning in room.warnings("en"))


def test_no_warnings_is_good_news_only_where_it_is_known(client: TestClient, room: FakeRoom) -> None:
    def told(**at: str) -> str:
        return client.get("/fragments/warnings", params=at).text

    room.begun.clear()
    assert "Nothing is expected to pass its threshold." in told()
    early = told(at="2019-12-29T06:00:00Z")
    assert "No forecast was made then, so nothing was warned of." in early
    assert "Nothing is expected" not in early
    room.phase = "starting"
    assert "Not known yet: the node is starting." in told()
    room.phase = "running"
    room.heard = False
    assert "Not known: no sensor is heard." in told()


def test_the_heading_counts_what_is_open(signed_in: TestClient) -> None:
    def heading(text: str) -> str:
        return " ".join(re.sub("<[^>]+>", "", text[text.index('id="warnings-count"') - 6 :].split("</span>")[0]).split())

    assert heading(signed_in.get("/").text) == "· 3 open · 3 in the last hour"
    answer = signed_in.post("/warnings/1/acknowledge", headers={"hx-request": "true"})
    assert heading(answer.text) == "· 2 open · 1 acknowledged · 3 in the last hour"
    assert (
        heading(signed_in.get("/fragments/warnings", params={"lang": "nl"}).text)
        == "· 2 open · 1 bevestigd · 3 in het afgelopen uur"
    )


def test_a_decision_is_not_final(signed_in: TestClient) -> None:
    signed_in.post("/warnings/1/decide", data={"decline": "yes"})
    text = signed_in.get("/fragments/warnings").text
    assert "Decided: No measure taken" in text
    assert 'id="measure-1"' in text
    assert 'id="decline-1"' in text


def test_a_warning_of_now_expects_no_figure(client: TestClient, room: FakeRoom) -> None:
    for _ in range(14):
        room.step()
    assert room.warnings("en")[0].expected is None
    first = client.get("/fragments/warnings").text.split("</li>")[0]
    assert "now</strong>" in first
    assert "expected" not in first


@pytest.mark.parametrize(
    ("path", "language", "told"),
    [
        ("/nowhere", "nl", "Deze pagina bestaat niet"),
        ("/nowhere", "en", "This page does not exist"),
        ("/account", "nl", "Dit programma heeft nog geen wachtwoord"),
    ],
)
def test_error_pages_speak_the_pages_language(room: FakeRoom, path: str, language: str, told: str) -> None:
    app = create_app(room, FakeAccounts(auto=False), WebSettings())
    caller = "192.0.2.7" if path == "/account" else "127.0.0.1"
    with TestClient(app, "http://localhost:8000", client=(caller, 50_000)) as visitor:
        page = visitor.get(path, headers={"accept": "text/html", "accept-language": language}).text
    assert f">{told}<" in page
    assert "Not Found" not in page
    assert "Forbidden" not in page


def plain(html: str) -> str:
    """The text of a page."""
    return " ".join(re.sub("<[^>]+>", " ", html).split())


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "en",
            [
                "15 of 17 sensors are used. ✖ wrong: 1 ? silent: 2 ↗ drifts: 1 ○ no sensor: 1",
                "Boulevard middle 4 ✖ wrong since 06:45 1 min ago yes "
                "Suddenly counts 45% fewer people than it used to. Counts 1.7\xa0× more out than in; corrected.",
                "New Bridge 1 ? silent since 06:45 14 h ago left out Not heard since 31 Dec 06:00.",
                "Market 2 fine 1 min ago yes Tells what its neighbours and its past make likely.",
            ],
        ),
        (
            "nl",
            [
                "15 van 17 sensoren tellen mee. ✖ klopt niet: 1 ? geen signaal: 2 ↗ wijkt af: 1 ○ geen sensor: 1",
                "Boulevard midden 2 ↗ wijkt af sinds 06:45 1 min geleden ja "
                "Telt 14% minder mensen dan vroeger. Telt 1,4\xa0× meer in dan uit; gecorrigeerd.",
                "Boulevard midden 5 ○ geen sensor Geen sensor bewaakt deze doorgang.",
            ],
        ),
    ],
)
def test_the_page_of_sensors_tells_what_is_wrong_and_why(client: TestClient, language: str, told: list[str]) -> None:
    text = plain(client.get("/sensors", params={"lang": language}).text)
    squeezed = [" ".join(sentence.split()) for sentence in told]
    assert [sentence for sentence in squeezed if sentence not in text] == []


@pytest.mark.parametrize(
    ("language", "starting", "none"),
    [
        ("en", "Not known yet: the node is starting.", "No sensor is registered."),
        ("nl", "Nog niet bekend: het programma start op.", "Er is geen sensor geregistreerd."),
    ],
)
def test_without_sensors_their_page_says_why(
    client: TestClient, room: FakeRoom, monkeypatch: pytest.MonkeyPatch, language: str, starting: str, none: str
) -> None:
    room.phase = "starting"
    text = client.get("/sensors", params={"lang": language}).text
    assert starting in text
    assert "<table" not in text
    room.phase = "running"
    monkeypatch.setattr(FakeRoom, "sensors", lambda *_: [])
    assert none in client.get("/sensors", params={"lang": language}).text


def test_the_page_of_sensors_is_as_open_as_that_of_sources(room: FakeRoom) -> None:
    for password in (None, "a long password"):
        app = create_app(room, FakeAccounts(auto=False, password=password), WebSettings())
        with TestClient(app, "http://localhost:8000", client=("127.0.0.1", 50_000), follow_redirects=False) as visitor:
            for kind in ("text/html", "application/json"):
                sensors, sources = (visitor.get(path, headers={"accept": kind}) for path in ("/sensors", "/sources"))
                assert sensors.status_code == sources.status_code == (200 if password is None else 303 if "html" in kind else 401)
            assert visitor.get("/api/v1/sensors").status_code == (200 if password is None else 401)


def test_the_table_tells_the_chance_of_a_level_and_what_a_figure_rests_on(client: TestClient, room: FakeRoom) -> None:
    for _ in range(14):
        room.step()
    rows = {row.split('"')[0]: f"<a {row}" for row in client.get("/fragments/table").text.split('<a id="row-')[1:]}
    assert "level E chance 90%" in plain(rows["boulevard-middle"])
    assert "chance" not in plain(rows["market"])
    assert "3/4 ✖ Boulevard middle 4: Suddenly counts 45% fewer people" in plain(rows["boulevard-middle"])
    assert "0/1 ? New Bridge 1: Not heard since" in plain(rows["new-bridge"])
    assert plain(rows["market"]).endswith("2/2")


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_table_marks_a_forecast_that_is_to_be_read_with_care(client: TestClient, language: str) -> None:
    asked = {"lang": language}
    rows = client.get("/fragments/table", params=asked).text.split('<a id="row-')[1:]
    (marked,) = [row for row in rows if "⚠" in row]
    assert marked.startswith('harbour-street"')
    assert f"⚠\ufe0e {CAVEATS['harbour-street'][language]} P95 " in plain(marked)
    assert "⚠" not in client.get("/fragments/table", params=asked | {"at": "2019-12-31T18:45:00Z"}).text


def test_every_condition_has_a_word_and_each_that_is_trouble_a_symbol() -> None:
    every = {*get_args(Condition), "missing"}
    assert set(conditions.names(Words("en", ZoneInfo("UTC")))) == every
    assert set(conditions.SYMBOLS) == every - {"fine", "new"}


def test_a_gate_without_sensor_is_no_sensor_and_the_last_to_be_named() -> None:
    def sensor(condition: str, used: bool) -> SensorView:
        return SensorView(key="a", name="A", condition=condition, since=None, heard_s=None, used=used, imbalance=None, told="")

    gate, fine, silent = sensor("missing", False), sensor("fine", True), sensor("silent", False)
    assert conditions.rests([gate, silent, fine]) == conditions.Rests(1, 2, silent)
    assert conditions.rests([gate, fine]) == conditions.Rests(1, 1, gate)
    assert conditions.rests([fine]).worst is None


@pytest.mark.parametrize(
    ("imbalance", "told"),
    [
        (None, ""),
        (1.0, ""),
        (1.09, ""),
        (0.92, ""),
        (1.1, "Counts 1.1\xa0× more in than out; corrected."),
        (1 / 1.1, "Counts 1.1\xa0× more out than in; corrected."),
        (2.5, "Counts 2.5\xa0× more in than out; corrected."),
    ],
)
def test_only_an_imbalance_that_matters_is_told(imbalance: float | None, told: str) -> None:
    assert conditions.uneven(imbalance, Words("en", ZoneInfo("UTC"))) == told
