"""What devices with tracks see, as HTML and JSON: what is old or not known never reads as calm, and nothing is of one person."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from starlette.testclient import TestClient

from fake_crowds import distancing, field, indicators, seen_by
from fake_room import FakeRoom
from ruimte.jobs.crowd_view import CrowdView, DistanceFiguresView
from ruimte.lab.levels import TABLES, table
from ruimte.web.control import crowd_figures
from ruimte.web.control.crowd_words import table_name
from ruimte.web.words import Words

FRUIN = table("fruin-walkway")
EN, NL = (Words(language, ZoneInfo("Europe/Amsterdam")) for language in ("en", "nl"))


@pytest.fixture
def crowded(room: FakeRoom) -> FakeRoom:
    """The invented room, with two devices."""
    room.seen_crowds = seen_by()
    return room


def text(html: str) -> str:
    """What a reader sees, in one line."""
    html = re.sub(r"<(script|svg)\b.*?</\1>", " ", html, flags=re.S)
    return " ".join(unescape(re.sub("<[^>]+>", " ", html)).split())


def changed(**fields: Any) -> Callable[[str], list[CrowdView]]:
    """The first device with other fields."""
    return lambda language: [msgspec.structs.replace(seen_by()(language)[0], **fields)]


def test_the_page_has_every_figure_before_any_script_runs(client: TestClient, crowded: FakeRoom) -> None:
    told = text(client.get("/crowds", params={"lang": "en"}).text)
    assert "2 s ago · 143 people in view · 1% of the positions could not be used" in told
    assert "Before the stage ◆ level E Fruin 1971, walking 72 ± 3 1.38 0.31" in told
    assert "Station gate 61 14" in told
    assert "Mill Lane ? ?" in told
    assert re.search(r"Densest square of 0.5 m: 3\.\d persons/m², level F\. Level D or above: \d\d% of the view\.", told)


def test_the_page_speaks_dutch(client: TestClient, crowded: FakeRoom) -> None:
    told = text(client.get("/crowds", params={"lang": "nl"}).text)
    assert "2 s geleden · 143 mensen in beeld" in told
    assert "Voor het podium ◆ niveau E Fruin 1971, lopen 72 ± 3 1,38 0,31" in told
    assert "0,0317 s⁻² drempel 0,02 s⁻² indicator, niet gevalideerd als voorspeller" in told
    assert "Aan tot en met 14 feb 2020." in told


@pytest.mark.parametrize(("language", "said"), [("en", "no frames for 40 s"), ("nl", "al 40 s geen signaal")])
def test_silence_is_not_calm(client: TestClient, room: FakeRoom, language: str, said: str) -> None:
    room.seen_crowds = seen_by(silent=lambda: True)
    html = client.get("/fragments/crowds", params={"lang": language}).text
    told = text(html)
    assert said in told
    for figure in ("143", "72 ±", "1.38", "1,38", "0.0317", "0,0317", "61 14"):
        assert figure not in told.partition({"en": "Physical", "nl": "Afstand"}[language])[0], figure
    assert 'class="step silent"' in html
    assert html.count('class="crowd silent"') == 2
    assert {"en": "It need not be calm.", "nl": "Het hoeft niet rustig te zijn."}[language] in told


def test_a_device_that_never_spoke_says_so(client: TestClient, crowded: FakeRoom) -> None:
    told = text(client.get("/fragments/crowds", params={"lang": "en"}).text)
    after = told.partition("Passage to the station")[2]
    assert after.startswith(" ? no frames yet How busy it is is not known.")
    assert "⚠︎ It has not sent a frame since the start." in after


def test_an_indicator_is_never_without_its_label_and_never_an_alarm(client: TestClient, crowded: FakeRoom) -> None:
    html = client.get("/fragments/crowds", params={"lang": "en"}).text
    cards = re.findall(r"<li>\s*<h4>.*?</li>", html, flags=re.S)
    assert len(cards) == len(indicators("en")) == 3
    for card, each in zip(cards, indicators("en"), strict=True):
        told = text(card)
        assert each.label in told
        assert each.formula in told
        assert each.source in told
        assert all(parameter in told for parameter in each.parameters)
        assert "alert" not in card
        assert "level-" not in card
        assert "problem" not in card
    assert "not known: less than 4 persons/m²" in text(cards[2])
    assert not re.search(r"\b0(\.0)? rad/s", text(cards[2]))
    assert "threshold" not in text(cards[1])


def test_distancing_that_is_off_is_one_line_that_says_why(client: TestClient, room: FakeRoom) -> None:
    room.seen_crowds = seen_by(distances=False)
    told = text(client.get("/fragments/crowds", params={"lang": "en"}).text)
    assert "Physical distancing Off: it is not in the algorithm register. Passage" in told


def test_distancing_that_is_on_tells_until_when_and_what_to_know(client: TestClient, crowded: FakeRoom) -> None:
    told = text(client.get("/fragments/crowds", params={"lang": "en"}).text)
    assert "On until 14 Feb 2020. Since 20:00: 1,284 people, of whom 143 provisional: their part may still change." in told
    assert "Contacts a person-minute 0.42 Closer than 1.5 m 24% In a group 41%" in told
    assert "strangers count as a group" in told
    assert "0–1 s 981 1–5 s 142" in told
    assert "15 s – 1 min 51 1–5 min 19 5–15 min 3 15 min and more 0" in told


def test_the_program_interface_gives_the_views_as_they_are(client: TestClient, crowded: FakeRoom) -> None:
    answer = client.get("/api/v1/crowds", params={"lang": "nl"})
    assert answer.headers["content-type"] == "application/json"
    given = msgspec.json.decode(answer.content, type=dict[str, list[CrowdView]])
    assert given == {"crowds": crowded.crowds("nl")}


def test_a_lab_without_such_devices_has_no_trace_of_them(client: TestClient) -> None:
    page = client.get("/").text
    assert "crowds" not in re.sub(r'"crowds":null', "", page)
    assert client.get("/api/v1/crowds").json() == {"crowds": []}
    told = client.get("/crowds", params={"lang": "en"}).text
    assert "No device that tells tracks is registered in this lab." in told
    assert "leaflet.js" not in told


def test_the_control_room_leads_there_where_there_are_some(client: TestClient, crowded: FakeRoom) -> None:
    page = client.get("/", params={"lang": "en"}).text
    assert '<a href="/crowds">Crowds</a>' in page
    assert "js/crowds/" not in page, "it is loaded by the switch, not by the page"
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, flags=re.S)[1])  # type: ignore[index]
    assert data["crowds"]["upper"] == list(FRUIN.upper)
    assert data["crowds"]["table"] == "Fruin 1971, walking"


@pytest.mark.parametrize(
    ("levels", "named"),
    [("hcm-queueing", "HCM 2000, queueing"), ("hcm-walkway-flow", "Fruin 1971, walking"), ("unusual", "Fruin 1971, walking")],
)
def test_the_map_is_coloured_by_the_labs_table_if_it_is_one_of_densities(
    client: TestClient, crowded: FakeRoom, levels: str, named: str
) -> None:
    crowded.lab = replace(crowded.lab, file=msgspec.structs.replace(crowded.lab.file, levels=levels))
    assert f'"table":"{named}"' in client.get("/crowds", params={"lang": "en"}).text


@pytest.mark.parametrize("name", [*TABLES, "unusual"])
def test_every_table_has_a_name_in_both_languages(name: str) -> None:
    assert name not in (table_name(name, EN), table_name(name, NL))


def test_what_is_handed_to_the_map_is_a_field_and_an_age(client: TestClient, crowded: FakeRoom) -> None:
    html = client.get("/fragments/crowds").text
    fields = json.loads(re.search(r'id="fields">(.*?)</script>', html, flags=re.S)[1])  # type: ignore[index]
    assert [set(each) for each in fields] == [{"device", "name", "age_s", "field"}] * 2
    assert len(fields[0]["field"]["values"]) == 2500
    assert fields[1]["field"] is None


def test_names_that_are_markup_stay_text(client: TestClient, room: FakeRoom) -> None:
    room.seen_crowds = changed(name="<script>alert(1)</script>", trouble="</script><b>")
    html = client.get("/crowds").text
    assert "<script>alert" not in html
    assert "</script><b>" not in html


def test_the_densest_square_is_told_as_the_map_colours_it() -> None:
    given = msgspec.structs.replace(field("square-roof", 0.0, 2, 2), values=[0.0, FRUIN.upper[2], None, FRUIN.upper[1]])
    told = crowd_figures.densest(given, FRUIN, EN)
    assert told == "Densest square of 0.5 m: 0.7 persons/m², level D. Level D or above: 33% of the view."
    empty = msgspec.structs.replace(given, values=[None] * 4)
    assert crowd_figures.densest(empty, FRUIN, EN) == crowd_figures.densest(None, FRUIN, EN) == ""


def test_the_bars_are_as_long_as_their_figures() -> None:
    bars = crowd_figures.exposure(distancing("en", on=True), EN)
    assert [bar.length for bar in bars[:2]] == [100.0, 14.5]
    assert sum(int(bar.people.replace(",", "")) for bar in bars) == 1284
    nobody = msgspec.structs.replace(distancing("en", on=True), exposure=[0] * 7)
    assert [bar.length for bar in crowd_figures.exposure(nobody, EN)] == [0.0] * 7


def test_the_chart_by_distance_has_chance_at_its_line() -> None:
    view = DistanceFiguresView(on=True, contact_m=1.5, ring_m=0.5, radial=[None, 1.0, 4.0])
    chart = crowd_figures.rings(view, EN)
    assert chart is not None
    assert chart.rings[1].y == chart.even == 45.0, "a ring that is as by chance ends at the line"
    assert chart.rings[2].height == chart.tall == 60.0
    assert (chart.rings[0].figure, chart.rings[0].height) == ("?", 0.0)
    assert (chart.close, chart.wide, chart.reach) == (30.0, 30.0, "1.5 m")
    assert crowd_figures.rings(msgspec.structs.replace(view, radial=[None, None]), EN) is None


def test_what_was_not_told_is_a_question_mark_never_a_zero(client: TestClient, room: FakeRoom) -> None:
    bare = [
        msgspec.structs.replace(figure, people=None, people_sd=None, density=None, speed=None, level=None)
        for figure in seen_by()("en")[0].figures
    ]
    room.seen_crowds = changed(figures=bare, people=None, left_out=None, field=None, distancing=DistanceFiguresView(on=True))
    told = text(client.get("/fragments/crowds", params={"lang": "en"}).text)
    assert "2 s ago Zone" in told
    assert "Before the stage not known ? ? ?" in told
    assert (
        "0 people, of whom 0 provisional: their part may still change. Contacts a person-minute ? Too close ? In a group ?"
        in told
    )
