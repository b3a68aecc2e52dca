"""The control room in a real browser: what a crowd manager does, with the mouse and without."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from fake_room import BY_KEY, SPOTS, START_US, TICK_US, FakeAccounts, FakeRoom, figure

from .conftest import violations

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
FIRST_LOAD_BYTES = 150_000


def place(page: Page, key: str) -> Any:
    return page.locator(f'path[data-key="{key}"]')


def warning(page: Page, number: int) -> Any:
    return page.locator(f"#warning-{number}")


def count(key: str, steps: int = 0) -> str:
    """The figure of a place, so many ticks after the start, as an English reader writes it."""
    return f"{round(figure(BY_KEY[key], START_US + steps * TICK_US)):,}"


def slide(page: Page, steps: int) -> None:
    slider = page.locator("#slider")
    slider.focus()
    for _ in range(abs(steps)):
        slider.press("ArrowLeft" if steps < 0 else "ArrowRight")


def test_every_place_is_on_the_map_with_its_state_in_words(served: Any, open_page: Open) -> None:
    page = open_page(served.url)
    assert page.locator("path.place").count() == len(SPOTS)
    expect(place(page, "harbour-street")).to_have_accessible_name(f"Harbour Street: {count('harbour-street')} persons/h, normal")
    expect(place(page, "new-bridge")).to_have_accessible_name("New Bridge: silent")
    expect(page.locator("#badge")).to_have_text("Replay ×900")


def test_choosing_a_place_shows_its_chart_and_the_same_figures_as_a_sentence(served: Any, open_page: Open) -> None:
    page = open_page(served.url)
    place(page, "long-street-west").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#sentence")).to_contain_text(
        f"Long Street at the cinema (west): {count('long-street-west')} persons/h now ("
    )
    expect(page.locator("#sentence")).to_contain_text(
        re.compile(r"; expected at 23:15: 1,6\d\d \(.*\); P95 then starts at 1,500; chance 5\d%\.")
    )
    expect(page.locator("#chart canvas")).to_be_visible()
    expect(place(page, "long-street-west")).to_have_attribute("aria-pressed", "true")
    assert "zone=long-street-west" in page.url
    page.locator("#place").select_option("market")
    expect(page.locator("#sentence")).to_contain_text("Market:")
    page.reload()
    expect(page.locator("#place")).to_have_value("market")


def test_an_abnormal_place_says_so_with_symbol_letter_and_figure(served: Any, open_page: Open) -> None:
    page = open_page(served.url)
    served.do(lambda: [served.room.step() for _ in range(15)])
    label = page.locator('.label[data-key="boulevard-middle"]')
    expect(label).to_contain_text(re.compile("◆ E.*[0-9],[0-9]{3}"))
    expect(place(page, "boulevard-middle")).to_have_accessible_name(re.compile("level E"))
    expect(place(page, "boulevard-middle")).to_have_css("fill", "rgb(224, 112, 10)")


def test_working_through_the_warnings_with_the_keyboard_only(served: Any, open_page: Open) -> None:
    page = open_page(served.url)
    page.keyboard.press("j")
    expect(warning(page, 1)).to_be_focused()
    page.keyboard.press("a")
    expect(warning(page, 1)).to_contain_text("Acknowledged by crowd manager")
    expect(page.locator("#warnings-count")).to_contain_text("· 2 open · 1 acknowledged")
    following = page.locator('#warnings .warning[data-phase="open"]').first
    expect(following).to_be_focused()
    number = int((following.get_attribute("id") or "").removeprefix("warning-"))
    page.keyboard.press("m")
    expect(page.locator("#dialog")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("at the north end")
    page.keyboard.press("Enter")
    expect(page.locator("#dialog")).to_be_hidden()
    expect(warning(page, number)).to_contain_text("Decided: One-way walking")
    assert served.room.decisions[number] == ("crowd manager", "one-way", "at the north end")
    expect(page.locator('#warnings .warning[data-phase="open"]')).to_be_focused()
    page.keyboard.press("d")
    expect(page.locator("#dialog")).to_contain_text("No measure:")
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()
    page.keyboard.press("d")
    page.keyboard.press("Enter")
    expect(page.locator("#logbook")).to_contain_text("Seen, nothing done")
    assert list(served.room.decisions.values())[1][1] == "seen"
    expect(page.locator("#warnings-count")).to_contain_text("· 0 open · 3 acknowledged")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#warnings .warning").last).to_be_focused()


def test_a_decision_can_be_followed_by_another(served: Any, open_page: Open) -> None:
    page = open_page(served.url)
    page.locator("#decline-1").click()
    page.get_by_role("button", name="Decline the advice").click()
    expect(warning(page, 1)).to_contain_text("Decided: No measure taken")
    page.wait_for_timeout(500)  # a click on a list that has just moved is not taken
    page.locator("#measure-1").click()
    page.locator("#dialog .primary").click()
    expect(warning(page, 1)).to_contain_text("Decided: Send stewards")
    expect(page.locator("#logbook")).to_contain_text("Measure taken: stewards")
    expect(page.locator("#logbook")).to_contain_text("Declined")


def test_the_list_does_not_move_under_a_pointer_that_is_down(served: Any, open_page: Open) -> None:
    page = open_page(served.url)
    held: list[Route] = []
    page.route("**/fragments/warnings", lambda route: held.append(route))
    served.do(served.room.step)
    while not held:
        page.wait_for_timeout(20)
    page.locator("#acknowledge-1").hover()
    page.mouse.down()
    with page.expect_response("**/fragments/warnings"):
        held[0].continue_()
    page.unroute("**/fragments/warnings")
    page.wait_for_timeout(300)
    expect(warning(page, 1)).to_contain_text("2 h 15 min (23:00)")
    page.mouse.up()
    expect(warning(page, 1)).to_contain_text("Acknowledged by crowd manager")
    expect(warning(page, 1)).to_contain_text("2 h (23:00)")


def test_a_click_on_a_list_that_just_moved_is_not_taken_silently(served: Any, open_page: Open) -> None:
    page = open_page(served.url)
    page.evaluate(
        """() => document.addEventListener("warnings", () => {
            const button = document.querySelector("#warnings .primary");
            button.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, detail: 1 }));
        }, { once: true })"""
    )
    served.do(lambda: [served.room.step() for _ in range(14)])
    expect(page.locator("#toast")).to_have_text("The list just moved: click once more.")
    assert served.room.acknowledged == {}


def test_what_is_above_its_level_now_is_told_without_a_chance(served: Any, open_page: Open) -> None:
    page = open_page(served.url + "/?zone=boulevard-middle")
    expect(page.locator("#sentence")).to_contain_text("chance")
    served.do(lambda: [served.room.step() for _ in range(14)])
    expect(page.locator("#sentence")).to_contain_text(
        re.compile(r"; above level E now, which starts at 2,592; highest expected at ")
    )
    expect(page.locator("#sentence")).not_to_contain_text("chance")


def test_shortcuts_can_be_switched_off(served: Any, open_page: Open) -> None:
    page = open_page(served.url)
    page.keyboard.press("?")
    page.get_by_label("Use single keys as shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    assert page.locator("#table-panel[open]").count() == 0


def test_a_refresh_keeps_focus_and_what_is_unfolded(served: Any, open_page: Open) -> None:
    page = open_page(served.url)
    page.locator("#whysum-2").click()
    page.locator("#measure-2").focus()
    served.do(served.room.step)
    expect(warning(page, 2)).to_contain_text("in 2 h 30 min (23:30)")
    expect(page.locator("#measure-2")).to_be_focused()
    expect(page.locator("#why-2")).to_have_attribute("open", "")


def test_a_new_warning_is_announced(served: Any, open_page: Open) -> None:
    page = open_page(served.url)
    served.do(lambda: [served.room.step() for _ in range(14)])
    expect(page.locator("#said")).to_contain_text("New warning: ")


def test_acting_without_a_session_leads_to_the_explanation(serve: Any, open_page: Open) -> None:
    served = serve(FakeRoom(), FakeAccounts(auto=False))
    page = open_page(served.url, expecting="status of 401")
    page.locator("#acknowledge-1").click()
    expect(page.locator(".notice")).to_contain_text("needs a session")
    expect(page.locator("main")).to_contain_text("prints a link in its terminal")
    assert served.room.acknowledged == {}


def test_the_page_follows_the_language_that_is_chosen(served: Any, open_page: Open) -> None:
    page = open_page(served.url + "/?zone=market")
    page.locator("#language").click()
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("html")).to_have_attribute("lang", "nl")
    expect(page.locator("#warnings-title")).to_contain_text("Waarschuwingen · 3 open")
    expect(page.locator("#sentence")).to_contain_text(f"Markt: nu {count('market')} personen (")
    assert "zone=market" in page.url
    page.reload()
    expect(page.locator("#warnings-title")).to_contain_text("Waarschuwingen · 3 open")


def test_dark_mode_is_remembered(served: Any, open_page: Open) -> None:
    page = open_page(served.url, color_scheme="light")
    page.locator("#theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(place(page, "market")).to_have_css("fill", "rgb(48, 55, 60)")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(place(page, "market")).to_have_css("fill", "rgb(48, 55, 60)")


def test_every_press_on_the_theme_that_is_meant_to_be_seen_is_seen(served: Any, open_page: Open) -> None:
    page = open_page(served.url, color_scheme="dark")
    body = page.locator("body")
    dark = body.evaluate("element => getComputedStyle(element).color")
    page.locator("#theme").click()
    expect(body).not_to_have_css("color", dark)
    page.locator("#theme").click()
    expect(body).to_have_css("color", dark)
    page.locator("#theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "auto")


def test_labels_of_one_street_differ_and_leave_the_buttons_free(served: Any, open_page: Open) -> None:
    page = open_page(served.url + "/?zone=park-gate")
    served.do(lambda: [served.room.step() for _ in range(14)])
    names = [page.locator(f'.label[data-key="long-street-{side}"] .name') for side in ("east", "west")]
    for name, end in zip(names, ("(east)", "(west)"), strict=True):
        expect(name).to_have_text(re.compile(rf"^Long Street.*….*{re.escape(end)}$"))
    covered = page.evaluate(
        """() => [...document.querySelectorAll(".label")].filter((label) => {
            const a = label.getBoundingClientRect();
            return [...document.querySelectorAll(".leaflet-control")].some((control) => {
                const b = control.getBoundingClientRect();
                return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
            });
        }).length"""
    )
    assert covered == 0


def test_looking_back_and_returning(served: Any, open_page: Open) -> None:
    page = open_page(served.url + "/?zone=long-street-east")
    slide(page, -20)
    expect(page.locator("#banner")).to_contain_text(re.compile("Looking back: Tue,? 31 Dec"))
    expect(page.locator("#slider-time")).to_contain_text("15:45")
    expect(page.locator("#sentence")).to_contain_text(f"{count('long-street-east', -20)} persons/h at 15:45")
    expect(warning(page, 1)).to_have_count(0)
    served.do(served.room.step)
    expect(page.locator("#sentence")).to_contain_text("at 15:45")
    page.keyboard.press("l")
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#sentence")).to_contain_text("persons/h now")
    expect(warning(page, 1)).to_be_visible()


def test_looking_back_more_than_a_day(served: Any, open_page: Open) -> None:
    page = open_page(served.url)
    for _ in range(2):
        page.locator("#day-back").click()
    expect(page.locator("#banner")).to_contain_text(re.compile("Sun,? 29 Dec"))
    for _ in range(5):
        if page.locator("#day-back").is_enabled():
            page.locator("#day-back").click()
    expect(page.locator("#banner")).to_contain_text(re.compile("Sat,? 28 Dec"))
    page.locator("#back-to-live").click()
    expect(page.locator("#banner")).to_be_hidden()


def test_the_table_shows_the_worst_first_and_chooses(served: Any, open_page: Open) -> None:
    page = open_page(served.url)
    page.keyboard.press("t")
    rows = page.locator("#table tbody tr")
    expect(rows).to_have_count(len(SPOTS))
    expect(rows.first).to_contain_text("Boulevard middle")
    page.locator("#row-mill-lane").click()
    expect(page.locator("#place")).to_have_value("mill-lane")


def test_a_dead_server_does_not_look_like_a_calm_city(serve: Any, open_page: Open) -> None:
    room, accounts = FakeRoom(), FakeAccounts()
    served = serve(room, accounts)
    page = open_page(served.url, expecting="net::ERR_")
    port = int(served.url.rsplit(":", 1)[1])
    served.stop()
    expect(page.locator("#badge")).to_have_text("No live data", timeout=14_000)
    expect(page.locator("#banner")).to_contain_text("What you see is the last known picture")
    expect(page.locator("main")).to_have_css("filter", re.compile("grayscale"))
    serve(room, accounts, port)
    expect(page.locator("#badge")).to_have_text("Replay ×900", timeout=10_000)
    expect(page.locator("#banner")).to_be_hidden()


def test_tabs_share_one_stream(served: Any, chromium: Browser, open_page: Open) -> None:
    context = chromium.new_context(locale="en-GB")
    pages = [open_page(served.url, context=context) for _ in range(3)]
    time.sleep(0.5)
    assert len(served.server.config.app.state.hub) == 1
    served.do(served.room.step)
    for page in pages:
        expect(page.locator("#clock")).to_have_text(re.compile("21:[0-9]{2}"))
        expect(warning(page, 1)).to_contain_text("2 h (23:00)")
    pages[0].close()
    served.do(served.room.step)
    for page in pages[1:]:
        expect(warning(page, 1)).to_contain_text("1 h 45 min (23:00)")
    context.close()


def test_a_page_opened_during_the_start_fills_in_by_itself(serve: Any, open_page: Open) -> None:
    room = FakeRoom(phase="starting")
    served = serve(room, FakeAccounts())
    page = open_page(served.url)
    expect(page.locator("#badge")).to_have_text("Starting")
    expect(page.locator("#banner")).to_contain_text("Getting ready: 40%")

    def run() -> None:
        room.phase = "running"
        room.tell("state")

    served.do(run)
    expect(page.locator("#badge")).to_have_text("Replay ×900")
    expect(page.locator("#legend")).to_contain_text("P95")
    expect(page.locator("#sentence")).to_contain_text("now")


def test_on_a_phone_a_warning_and_its_buttons_are_on_the_first_screen(served: Any, open_page: Open) -> None:
    page = open_page(served.url + "/?lang=nl", viewport={"width": 360, "height": 740})
    assert edges(page, "#decline-1")["bottom"] < edges(page, "#lookback")["top"]
    assert edges(page, "#day-on")["right"] <= 360
    page.locator("#table-panel summary").click()
    page.wait_for_timeout(200)
    page.locator("#table").evaluate("box => { box.scrollLeft = box.scrollWidth; }")
    assert edges(page, "#table thead th:last-child")["right"] <= 360


@pytest.mark.parametrize("width", [320, 640, 1456])
def test_nothing_sticks_out(served: Any, open_page: Open, width: int) -> None:
    page = open_page(served.url, viewport={"width": width, "height": 819})
    page.locator("#table-panel summary").click()
    page.locator("#sentence").wait_for()
    size = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert size[0] == width
    if width == 1456:
        assert size[1] == 819


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_no_accessibility_violation(served: Any, open_page: Open, axe: str, scheme: str, language: str) -> None:
    page = open_page(f"{served.url}/?lang={language}", color_scheme=scheme)
    served.do(lambda: [served.room.step() for _ in range(14)])
    page.locator('.label[data-key="harbour-street"].calls').wait_for()
    expect(page.locator("#said")).not_to_be_empty()
    page.wait_for_timeout(500)  # a click on a list that has just moved is not taken
    page.locator("#acknowledge-1").click()
    expect(page.locator("#acknowledge-1")).to_have_count(0)
    page.locator("#table-panel summary").click()
    assert violations(page, axe) == []
    page.locator("#measure-2").click()
    assert violations(page, axe) == []
    page.keyboard.press("Escape")
    expect(page.locator("#measure-2")).to_be_focused()  # a dialog that closes hands the focus back, a moment later
    slide(page, -30)
    expect(page.locator("#banner")).to_be_visible()
    assert violations(page, axe) == []


@pytest.mark.parametrize("path", ["/sign-in?why=act", "/account", "/nowhere"])
def test_no_accessibility_violation_on_the_plain_pages(served: Any, open_page: Open, axe: str, path: str) -> None:
    page = open_page(served.url, expecting="status of 404")
    page.goto(served.url + path)
    assert violations(page, axe) == []


def test_the_first_load_is_small(served: Any, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": 1456, "height": 819})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    received: list[float] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto(served.url)
    page.wait_for_selector("body[data-ready]")
    page.wait_for_timeout(500)
    context.close()
    assert sum(received) < FIRST_LOAD_BYTES


def edges(page: Page, selector: str) -> dict[str, float]:
    """Where an element stands in the window."""
    found: dict[str, float] = page.locator(selector).evaluate("element => element.getBoundingClientRect().toJSON()")
    return found
