"""How far a forecast is to be trusted: its own error beside the baselines, and a notice where it is to be read with care."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import fake_room
from fake_room import CAVEATS, FakeAccounts, FakeRoom

from .conftest import picture, violations

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
HARBOUR = "/?zone=harbour-street"
SUMMARY = {
    "en": "Forecast 1–3 h ahead: off by 14%, same time last week by 19%; 90 of 100 in the band",
    "nl": "Verwachting 1–3 u vooruit: 14% ernaast, zelfde tijd vorige week 19%; 90 van 100 in de band",
}
UNKNOWN = "How good this forecast is: not known. A learned forecast tells after some days."


def unfold(page: Page) -> None:
    page.locator("#skill-summary").click()
    expect(page.locator("#skill table")).to_be_visible()


def rows(page: Page) -> list[list[str]]:
    found = page.locator("#skill-rows tr")
    return [found.nth(index).locator("th, td").all_inner_texts() for index in range(found.count())]


def test_one_line_tells_how_good_it_is_and_unfolds_with_the_keyboard(served: Any, open_page: Open) -> None:
    page = open_page(served.url + HARBOUR)
    summary, table = page.locator("#skill-summary"), page.locator("#skill table")
    expect(summary).to_have_text(SUMMARY["en"])
    expect(table).to_be_hidden()
    page.locator("#rests-summary").focus()
    page.keyboard.press("Tab")
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="How good this forecast is")).to_be_visible()
    assert [row[0] for row in rows(page)] == ["0–1", "1–3", "3–6"]
    assert rows(page)[0][1:] == ["12% ✓", "19%", "15%", "90%"]
    assert rows(page)[2][1:] == ["14% ✓", "19%", "24%", "?"]
    page.locator("#rests-summary").click()
    expect(table).to_be_hidden()  # one of the two is enough beside a chart
    expect(page.locator("#rests-list")).to_be_visible()


def test_the_least_error_is_marked_whosever_it_is(served: Any, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    far = {"from_h": 6.0, "until_h": 24.0, "error": 1.204, "last_week": 0.301, "profile": 0.299, "within": 0.705, "pairs": 12}
    monkeypatch.setattr(fake_room, "SKILL", (far, far | {"from_h": 24.0, "until_h": 48.0, "pairs": 11}))
    page = open_page(served.url + HARBOUR)
    expect(page.locator("#skill-summary")).to_have_text(
        "Forecast 6–24 h ahead: off by 120%, same time last week by 30%; 71 of 100 in the band"
    )
    unfold(page)
    assert rows(page) == [["6–24", "120%", "30% ✓", "30% ✓", "71%"]]  # eleven pairs tell nothing
    widths = page.evaluate("[...document.querySelectorAll('#skill-rows i')].map((bar) => bar.style.width)")
    assert widths[0] == "100%"
    assert widths[3] == "70.5%"


def test_where_it_is_not_known_the_page_says_so(served: Any, open_page: Open) -> None:
    page = open_page(served.url + "/?zone=new-bridge")
    expect(page.locator("#skill-unknown")).to_have_text(UNKNOWN)
    expect(page.locator("#skill")).to_be_hidden()
    page.locator("#place").select_option("market")
    expect(page.locator("#skill-summary")).to_have_text(SUMMARY["en"])
    expect(page.locator("#skill-unknown")).to_be_hidden()


def test_a_caveat_is_seen_and_part_of_what_is_spoken(served: Any, open_page: Open) -> None:
    page = open_page(served.url + HARBOUR)
    caveat = CAVEATS["harbour-street"]["en"]
    notice, chart = page.locator("#caveats"), page.locator("#chart")
    expect(notice).to_have_text(f"⚠\ufe0e {caveat}")
    expect(notice).to_be_visible()
    sentence = page.locator("#sentence").inner_text()
    expect(chart).to_have_accessible_name(f"{caveat} {sentence}")
    page.locator("#place").select_option("mill-lane")
    expect(notice).to_be_hidden()
    expect(page.locator("#sentence")).to_contain_text("Mill Lane:")
    expect(chart).to_have_accessible_name(page.locator("#sentence").inner_text())
    page.locator('path[data-key="harbour-street"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text(caveat)
    page.keyboard.press("t")
    row = page.locator("#table tbody tr", has=page.locator("#row-harbour-street"))
    expect(row).to_contain_text("⚠")
    expect(row).to_contain_text(caveat)
    assert page.locator("#table").inner_text().count("⚠") == 1


def test_looking_back_tells_neither(served: Any, open_page: Open) -> None:
    page = open_page(served.url + HARBOUR)
    unfold(page)
    page.locator("#day-back").click()
    expect(page.locator("#sentence")).to_contain_text("persons/h at 20:45")
    for part in ("#skill", "#skill-unknown", "#caveats"):
        expect(page.locator(part)).to_be_hidden()
    page.keyboard.press("l")
    expect(page.locator("#skill table")).to_be_visible()
    expect(page.locator("#caveats")).to_be_visible()


def test_during_the_start_nothing_is_said_of_it(serve: Any, open_page: Open) -> None:
    page = open_page(serve(FakeRoom(phase="starting"), FakeAccounts()).url)
    for part in ("#skill", "#skill-unknown", "#caveats"):
        expect(page.locator(part)).to_be_hidden()


@pytest.mark.parametrize("size", [(320, 700), (390, 844), (1280, 620), (1280, 800), (1456, 819)])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_it_leaves_the_page_its_frame(served: Any, open_page: Open, language: str, size: tuple[int, int]) -> None:
    width, height = size
    page = open_page(f"{served.url}{HARBOUR}&lang={language}", viewport={"width": width, "height": height}, color_scheme="light")
    expect(page.locator("#skill-summary")).to_have_text(SUMMARY[language])
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("document.querySelector('#skill').scrollWidth <= document.querySelector('#skill').clientWidth")
    wider = "[...document.querySelectorAll('#skill :is(th, td)')].filter((cell) => cell.scrollWidth > cell.clientWidth)"
    assert page.evaluate(f"{wider}.map((cell) => cell.textContent)") == []
    page.locator("#skill > p").scroll_into_view_if_needed()
    expect(page.locator("#skill > p")).to_be_in_viewport()
    if width > 1000:
        assert page.evaluate("document.documentElement.scrollHeight") == height
        assert page.evaluate("document.querySelector('#warnings').clientHeight") > 60
    if (language, size) == ("en", (1456, 819)):
        page.evaluate("for (const part of ['.chart', '#skill']) document.querySelector(part).scrollTop = 0")
        picture(page, "forecast-skill.png", ".chart")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_no_accessibility_violation(served: Any, open_page: Open, axe: str, scheme: str, language: str) -> None:
    page = open_page(f"{served.url}{HARBOUR}&lang={language}", color_scheme=scheme)
    unfold(page)
    page.locator("#table-panel summary").click()
    expect(page.locator("#table")).to_contain_text("⚠")
    assert violations(page, axe) == []
