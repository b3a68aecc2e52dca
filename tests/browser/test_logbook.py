"""The logbook in a real browser: notes from the control room, the page with its forms, and a report that brings all it needs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import picture, violations

pytestmark = pytest.mark.browser


def test_a_note_from_the_control_room_stands_in_its_logbook(served, open_page):
    page = open_page(served.url)
    field = page.locator("#note-text")
    field.fill("Gate 3 is closed, jam at the kiosk")  # letters that are shortcuts elsewhere
    field.press("Enter")
    expect(page.locator("#logbook tr").first).to_contain_text("Gate 3 is closed, jam at the kiosk")
    expect(field).to_have_value("")
    expect(page.locator("#dialog")).not_to_be_visible()


def test_a_note_that_names_a_visitor_is_refused_and_stays_in_the_field(served, open_page):
    page = open_page(served.url, locale="nl-NL", expecting="400")
    page.locator("#note-text").fill("bel 06-12345678")
    page.locator("#note-text").press("Enter")
    expect(page.locator("#toast")).to_contain_text("de notitie bevat iets als een telefoonnummer")
    expect(page.locator("#note-text")).to_have_value("bel 06-12345678")
    expect(page.locator("#logbook")).not_to_contain_text("12345678")


@pytest.mark.parametrize("locale", ["en-GB", "nl-NL"])
def test_the_page_can_be_read_and_reached_by_everybody(served, open_page, axe, locale):
    context = open_page(served.url, locale=locale).context  # who opens the control room is signed in
    page = open_page(f"{served.url}/logbook", context=context, plain=True)
    assert violations(page, axe) == []
    page.locator("#zone").select_option("market")
    page.locator("#number").fill("300 - 500")
    page.locator("#report-note").fill("bij de kiosk")
    page.locator("form[action='/logbook/field-report'] button").click()
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.locator("tbody tr").first).to_contain_text("400")
    if locale == "en-GB":
        picture(page, "logbook.png")


@pytest.mark.parametrize("locale", ["en-GB", "nl-NL"])
def test_the_report_of_the_evening_can_be_read_by_everybody(served, open_page, axe, locale):
    room = served.room
    for _ in range(14):
        room.step()
    room.acknowledged |= {1: "crowd manager", 2: "crowd manager"}
    room.decisions[1] = ("crowd manager", "stewards", "")
    context = open_page(served.url, locale=locale).context
    page = context.new_page()
    said = []
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.set_viewport_size({"width": 1100, "height": 1240})
    page.goto(f"{served.url}/report", timeout=120_000)  # drawn by a core of a busy machine
    assert said == []  # nothing that the page's own policy stopped
    policy_free = context.browser.new_context()
    copy = policy_free.new_page()
    copy.set_content(page.content().replace("Content-Security-Policy", "x"))  # axe is a script, and a report runs none
    assert violations(copy, axe) == []
    policy_free.close()
    if locale == "en-GB":
        picture(page, "report.png")
    page.close()


def test_the_logbook_fits_beside_the_warnings(served, open_page):
    page = open_page(served.url, viewport={"width": 1280, "height": 720})
    panel, title = (page.locator(part).bounding_box() for part in (".panel.logbook", ".logbook .title"))
    assert title["y"] + title["height"] <= panel["y"] + panel["height"]
    assert page.locator("#logbook tr").first.is_visible()
