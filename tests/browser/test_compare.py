"""Measures side by side in a real browser: from a warning to a measure that is logged, and what was predicted of it."""

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
MIDDLE = "boulevard-middle"


def number_of(served: Any, place: str = MIDDLE) -> int:
    """The number of the warning at a place."""
    return next(id_ for id_, (spot, _) in served.room.begun.items() if spot.key == place)


def opened(page: Page, number: int) -> Any:
    """Open the dialog of a warning with the keyboard, and wait for the comparison."""
    page.locator(f"#measure-{number}").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#dialog .effect").first).to_be_visible()
    page.wait_for_timeout(400)  # a click on a list that has just been sorted is not taken
    return page.locator("#dialog")


@pytest.fixture
def evening(serve: Callable[..., Any]) -> Any:
    """The invented room, so late in the evening that a zone is warned of."""
    room = FakeRoom()
    while MIDDLE not in {spot.key for spot, _ in room.begun.values()}:
        room.step()
    return serve(room, FakeAccounts())


def test_from_warning_to_logged_measure_with_the_keyboard_only(evening: Any, open_page: Open) -> None:
    number = number_of(evening)
    page = open_page(evening.url)
    for _ in range(12):
        page.keyboard.press("j")
        if page.evaluate("document.activeElement.id") == f"warning-{number}":
            break
    expect(page.locator(f"#warning-{number}")).to_be_focused()
    page.keyboard.press("m")
    dialog = page.locator("#dialog")
    expect(dialog.locator("[data-compare] > [role=status]")).to_have_text("Measures compared: 2. Best: One-way walking.")
    # best first, though the playbook names it second; the choice stays where it was
    expect(dialog.locator(".option strong").first).to_have_text("One-way walking")
    expect(page.locator("#dialog input[value=stewards]")).to_be_focused()
    expect(page.locator("#dialog input[value=stewards]")).to_be_checked()
    page.keyboard.press("ArrowUp")
    best = page.locator("#dialog input[value=one-way]")
    expect(best).to_be_checked()
    expect(best).to_have_accessible_description(re.compile(r"1\. One-way walking: 62% → 8%; 140 people wait outside\."))
    page.keyboard.press("Tab")
    expect(page.locator("#side-by-side summary")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#side-by-side svg.curves")).to_have_count(2)
    for _ in range(4):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "note":
            break
    page.keyboard.type("from both ends")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator("#logbook")).to_contain_text("Measure taken: one-way from both ends")
    assert evening.room.decisions[number][1:] == ("one-way", "from both ends")


def test_chances_and_side_effects_stand_beside_each_measure_in_words(evening: Any, open_page: Open) -> None:
    page = open_page(evening.url)
    dialog = opened(page, number_of(evening))
    one_way = dialog.locator(".option[data-measure=one-way]")
    lines = one_way.locator(".chances li")
    expect(lines).to_contain_text([re.compile(r"Boulevard middle[^→]*62% → 8%"), re.compile(r"Boulevard north[^→]*3% → 23%")])
    page.locator("#side-by-side summary").click()
    expect(dialog.locator("svg.curves").first).to_have_accessible_name(re.compile(r"^Boulevard middle at \d\d:\d\d: "))
    expect(dialog.locator("svg.small-map").first).to_have_accessible_name(re.compile(r"Boulevard middle E"))
    expect(dialog.locator("svg.small-map").nth(1)).to_have_accessible_name(re.compile(r"Boulevard middle C"))


def test_a_measure_without_actions_says_that_it_is_not_simulated(evening: Any, open_page: Open) -> None:
    page = open_page(evening.url)
    dialog = opened(page, number_of(evening))
    dialog.get_by_text("Other measures of the playbook").first.click()
    screens = dialog.locator(".option[data-measure=screens]")
    screens.locator("input").check()
    expect(screens.locator(".effect")).to_have_text("Not simulated: it has no actions that can be reckoned.")


def test_a_street_that_is_only_counted_says_why_nothing_is_compared(served: Any, open_page: Open) -> None:
    number = next(id_ for id_, (spot, _) in served.room.begun.items() if not spot.area_m2)
    page = open_page(served.url)
    page.locator(f"#measure-{number}").click()
    expect(page.locator("#dialog [role=status]")).to_have_text("Not simulated: a street, not a zone.")
    page.locator("#dialog .primary").click()
    expect(page.locator("#logbook")).to_contain_text("Measure taken")


def test_what_was_predicted_is_drawn_over_what_was_measured(evening: Any, open_page: Open) -> None:
    number = number_of(evening)
    page = open_page(f"{evening.url}/?zone={MIDDLE}")
    expect(page.locator("#effects")).to_be_hidden()
    dialog = opened(page, number)
    dialog.locator("input[value=one-way]").check()
    dialog.locator(".primary").click()
    expect(page.locator("#effects")).to_contain_text("not measured yet")
    evening.do(lambda: [evening.room.step() for _ in range(3)])
    expect(page.locator("#effects")).to_have_text(re.compile(r"^Predicted with One-way walking: .*; measured: [\d,]+\.$"))
    expect(page.locator(".lines .predicted-with")).to_be_visible()
    page.locator("#place").select_option("market")
    expect(page.locator("#effects")).to_be_hidden()
    expect(page.locator(".lines .predicted-with")).to_be_hidden()


def test_a_click_on_a_list_that_was_just_sorted_is_not_taken(evening: Any, open_page: Open) -> None:
    page = open_page(evening.url)
    page.evaluate(
        """() => new MutationObserver((changes, watching) => {
            const label = document.querySelector("#dialog .option[data-measure=one-way] .effect")?.previousElementSibling;
            if (!label) return;
            watching.disconnect();
            const click = new MouseEvent("click", { bubbles: true, cancelable: true, detail: 1 });
            label.dispatchEvent(click);
            window.refused = click.defaultPrevented;
        }).observe(document.getElementById("dialog"), { childList: true, subtree: true })"""
    )
    dialog = opened(page, number_of(evening))
    assert page.evaluate("window.refused") is True
    expect(dialog.locator("input[value=stewards]")).to_be_checked()
    dialog.locator("input[value=one-way]").check()
    expect(dialog.locator("input[value=one-way]")).to_be_checked()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_no_accessibility_violation(evening: Any, open_page: Open, axe: str, scheme: Any, language: str) -> None:
    page = open_page(f"{evening.url}/?lang={language}&zone={MIDDLE}", color_scheme=scheme)
    dialog = opened(page, number_of(evening))
    page.locator("#side-by-side summary").click()
    assert violations(page, axe) == []
    dialog.locator(".primary").click()
    expect(page.locator("#effects")).to_be_visible()
    page.wait_for_timeout(300)
    assert violations(page, axe) == []


@pytest.mark.parametrize("language", ["en", "nl"])
def test_on_a_phone_the_comparison_is_one_column(evening: Any, open_page: Open, language: str) -> None:
    page = open_page(f"{evening.url}/?lang={language}", viewport={"width": 320, "height": 640})
    opened(page, number_of(evening))
    page.locator("#side-by-side summary").click()
    assert page.evaluate("document.querySelector('#dialog').scrollWidth <= document.querySelector('#dialog').clientWidth")
    left = page.evaluate("[...document.querySelectorAll('.columns > li')].map((each) => each.getBoundingClientRect().left)")
    assert len(set(left)) == 1


def test_the_pictures_of_the_docs(evening: Any, open_page: Open) -> None:
    for _ in range(9):
        evening.room.step()
    number = number_of(evening)
    page = open_page(f"{evening.url}/?zone={MIDDLE}", viewport={"width": 1456, "height": 1100})
    dialog = opened(page, number)
    page.locator("#side-by-side summary").click()
    picture(page, "compare.png", "#dialog")
    dialog.locator("input[value=one-way]").check()
    dialog.locator(".primary").click()
    expect(page.locator("#effects")).to_contain_text("not measured yet")
    evening.do(lambda: [evening.room.step() for _ in range(3)])
    expect(page.locator("#effects")).to_contain_text("measured")
    picture(page, "effect.png", "section.chart")
