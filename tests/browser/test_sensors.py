"""What a figure rests on, and the page of sensors: who looks sees what is wrong and why, with the keyboard and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from fake_room import FakeAccounts, FakeRoom

from .conftest import picture, violations

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
MIDDLE = "/?zone=boulevard-middle"
PHONES = [{"width": 390, "height": 844}, {"width": 320, "height": 700}]


def unfold(page: Page) -> None:
    page.locator("#rests-summary").click()
    expect(page.locator("#rests-list")).to_be_visible()


def width(page: Page) -> int:
    found: int = page.evaluate("document.documentElement.scrollWidth")
    return found


def test_the_summary_names_the_worst_and_unfolds_with_the_keyboard(served: Any, open_page: Open) -> None:
    page = open_page(served.url + MIDDLE)
    summary = page.locator("#rests-summary")
    expect(summary).to_have_text("Rests on 3 of 4 sensors; ✖ Boulevard middle 4: wrong; ? Boulevard middle 3: silent; 2 more")
    expect(page.locator("#rests-list")).to_be_hidden()
    page.locator("#place").focus()
    page.keyboard.press("Tab")
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    items = page.locator("#rests-list li")
    expect(items).to_have_count(5)
    expect(page.locator("#rests-list")).to_be_visible()
    expect(items.nth(3)).to_have_text("Boulevard middle 5 ○ no sensor No sensor watches this gate.")
    expect(items.nth(0)).to_contain_text("✖ wrong 1 min ago")
    expect(items.nth(0)).to_contain_text(
        re.compile(r"Suddenly counts 45% fewer people.*Counts 1.7\s× more out than in; corrected.")
    )
    expect(items.nth(1)).to_contain_text("? silent 14 h ago · left out")
    expect(items.nth(2)).to_contain_text(re.compile(r"↗ drifts.*Counts 1.4\s× more in than out; corrected."))
    expect(items.nth(4)).to_contain_text("fine 1 min ago")
    page.keyboard.press("Enter")
    expect(page.locator("#rests-list")).to_be_hidden()


def test_what_a_figure_rests_on_follows_the_picture(served: Any, open_page: Open) -> None:
    page = open_page(served.url + "/?zone=market")
    summary = page.locator("#rests-summary")
    expect(summary).to_have_text("Rests on 2 of 2 sensors")
    unfold(page)
    summary.focus()

    def hang() -> None:
        served.room.conditions["market-2"] = "stuck"
        served.room.step()

    served.do(hang)
    expect(summary).to_have_text("Rests on 1 of 2 sensors; ▪ Market 2: stuck")
    expect(page.locator("#rests-list li").first).to_contain_text("Told 12 for 9 intervals in a row.")
    expect(page.locator("#rests")).to_have_attribute("open", "")
    expect(summary).to_be_focused()
    page.locator("#place").select_option("mill-lane")
    expect(summary).to_have_text("Rests on one sensor")
    page.locator("#place").select_option("new-bridge")
    expect(summary).to_have_text("Rests on no sensor; ? New Bridge 1: silent")


def test_looking_back_tells_only_what_was_used(served: Any, open_page: Open) -> None:
    page = open_page(served.url + MIDDLE)
    unfold(page)
    page.locator("#day-back").click()
    expect(page.locator("#rests-summary")).to_have_text(
        "Rests on 3 of 4 sensors; ? Boulevard middle 3: left out; ○ Boulevard middle 5: no sensor"
    )
    expect(page.locator("#rests-list")).to_contain_text("Not heard, or not believable then")
    expect(page.locator("#rests-list")).not_to_contain_text("corrected")
    page.keyboard.press("l")
    expect(page.locator("#rests-summary")).to_contain_text("✖ Boulevard middle 4: wrong")


def test_the_words_under_a_chart_tell_density_flows_and_who_would_fit(served: Any, open_page: Open) -> None:
    page = open_page(served.url + MIDDLE)
    expect(page.locator("#sentence")).to_contain_text(re.compile(r"\d persons now \([\d–]+\); 0.16 persons/m²; expected at"))
    flows = page.locator("#flows")
    expect(flows).to_have_text("In 600 ± 66, out 540 ± 58 an hour; at 1.5 m 1,231 fit, chance of more 25%.")
    page.locator("#place").select_option("mill-lane")
    expect(flows).to_have_text("")
    page.goto(served.url + MIDDLE + "&lang=nl")
    expect(page.locator("#sentence")).to_contain_text("; 0,16 personen/m²; verwacht om")
    expect(flows).to_have_text("In 600 ± 66, uit 540 ± 58 per uur; op 1,5 m passen er 1.231, kans op meer 25%.")
    expect(page.locator("#rests-summary")).to_have_text(
        "Steunt op 3 van 4 sensoren; ✖ Boulevard midden 4: klopt niet; ? Boulevard midden 3: geen signaal; nog 2"
    )
    unfold(page)
    expect(page.locator("#rests-list")).to_contain_text("1 min geleden")
    expect(page.locator("#rests-list")).to_contain_text(re.compile(r"Telt 1,4\s× meer in dan uit; gecorrigeerd."))


@pytest.mark.parametrize("size", [(1280, 800), (1456, 819), (1280, 620)])
def test_the_list_leaves_the_chart_its_height_and_the_page_its_frame(served: Any, open_page: Open, size: tuple[int, int]) -> None:
    page = open_page(served.url + MIDDLE, viewport={"width": size[0], "height": size[1]}, color_scheme="light")
    height = "document.querySelector('#chart').clientHeight"
    before = page.evaluate(height)
    unfold(page)
    assert page.evaluate(height) == before
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == list(size)
    assert page.evaluate("document.querySelector('#warnings').clientHeight") > 60
    page.locator("#rests-list li").last.scroll_into_view_if_needed()
    expect(page.locator("#rests-list li").last).to_be_in_viewport()
    if size == (1280, 800):
        page.locator("#rests").evaluate("box => { box.scrollTop = 0; }")
        picture(page, "rests.png", ".chart")


@pytest.mark.parametrize("size", PHONES, ids=lambda size: str(size["width"]))
@pytest.mark.parametrize("language", ["en", "nl"])
def test_on_a_phone_nothing_sticks_out(served: Any, open_page: Open, size: Any, language: str) -> None:
    page = open_page(f"{served.url}{MIDDLE}&lang={language}", viewport=size)
    unfold(page)
    page.locator("#table-panel summary").click()
    expect(page.locator("#table")).to_contain_text("3/4 ✖")
    assert width(page) == size["width"]
    page.goto(f"{served.url}/sensors")
    expect(page.locator("tbody tr")).to_have_count(36)
    assert width(page) == size["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_no_accessibility_violation(served: Any, open_page: Open, axe: str, scheme: str, language: str) -> None:
    page = open_page(f"{served.url}{MIDDLE}&lang={language}", color_scheme=scheme)
    unfold(page)
    page.locator("#table-panel summary").click()
    expect(page.locator("#table")).to_contain_text("3/4 ✖")
    assert violations(page, axe) == []
    page.locator("#help-button").click()
    link = page.locator('#help a[href="/sensors"]')
    assert violations(page, axe) == []
    link.click()
    page.wait_for_selector("body.plain")
    expect(page.locator("h1")).to_have_text({"en": "Sensors", "nl": "Sensoren"}[language])
    expect(page.locator("tbody tr").first).to_contain_text({"en": "✖ wrong", "nl": "✖ klopt niet"}[language])
    assert violations(page, axe) == []
    if (scheme, language) == ("light", "en"):
        picture(page, "sensors.png")


def test_during_the_start_the_page_of_sensors_says_so(serve: Any, open_page: Open, axe: str) -> None:
    served = serve(FakeRoom(phase="starting"), FakeAccounts())
    page = open_page(served.url)
    expect(page.locator("#rests")).to_be_hidden()
    page.goto(f"{served.url}/sensors")
    expect(page.locator("[role=status]")).to_have_text("Not known yet: the node is starting.")
    assert violations(page, axe) == []
