"""Every page for everyone: no violation that axe finds in both languages, both themes and on the smallest screen; fingers,
magnified letters, keyboards, high contrast, paper, and those who listen to the page instead of looking at it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from fake_room import BY_KEY, FakeAccounts, FakeRoom
from sandbox import sandbox

from .conftest import violations
from .test_sources import Invented

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
PHONE = {"width": 320, "height": 640}
SIZES = {"desk": {"width": 1456, "height": 819}, "phone": PHONE}
PLAIN = ("/sensors", "/sources", "/sign-in", "/sign-in?why=act", "/account", "/nowhere")
SMALL = """() => [...document.querySelectorAll("a[href], button, input, select, summary")].filter((each) => {
    const box = (each.closest("label") ?? each).getBoundingClientRect();
    const seen = each.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) && !each.matches(".skip");
    return seen && box.width > 0 && (box.height < 43.5 || box.width < 43.5);
}).map((each) => `${each.outerHTML.slice(0, 90)} ${each.getBoundingClientRect().width}×${each.getBoundingClientRect().height}`)"""
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def steps(served: Any, count: int) -> None:
    served.do(lambda: [served.room.step() for _ in range(count)])


@pytest.fixture
def full(serve: Any) -> Any:
    """A room with devices, in which a password may be set."""
    return serve(FakeRoom(), FakeAccounts(), inbox=Invented())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_axe_finds_nothing_on_any_page(
    full: Any, open_page: Open, axe: str, tmp_path: Path, language: str, scheme: str, size: str
) -> None:
    found: dict[str, list[str]] = {}
    page = open_page(f"{full.url}/?lang={language}", color_scheme=scheme, viewport=SIZES[size], expecting="status of 4")

    def check(what: str) -> None:
        found[what] = violations(page, axe) + ([f"{page.evaluate(WIDER)} px too wide"] if page.evaluate(WIDER) > 0 else [])

    check("the control room")
    steps(full, 14)
    expect(page.locator("#map-words")).to_contain_text({"en": "level E", "nl": "niveau E"}[language])
    page.locator("#table-panel summary").click()
    page.locator("#rests-summary").click()
    check("unfolded")
    page.wait_for_timeout(500)  # a click on a list that has just moved is not taken
    for button in ("measure", "decline"):
        page.locator(f"#{button}-1").click()
        expect(page.locator("#dialog")).to_be_visible()
        check(button)
        page.keyboard.press("Escape")
        expect(page.locator(f"#{button}-1")).to_be_focused()
    page.locator("#help-button").click()
    check("help")
    page.keyboard.press("Escape")
    page.locator("#day-back").click()
    expect(page.locator("#banner")).to_be_visible()
    check("looking back")
    for path in PLAIN:
        page.goto(full.url + path)
        page.wait_for_selector("body.plain")
        check(path)
    page.goto(f"{full.url}/wall?theme={scheme}")
    page.wait_for_selector("body[data-ready]")
    check("the wall display")
    full.room.heard = False
    steps(full, 1)
    expect(page.locator("#alarm")).to_be_visible()
    check("the wall display, no sensor heard")
    with sandbox(tmp_path) as node:
        for path in ("", "nowhere"):
            page.goto(f"{node.url.rstrip('/')}/{path}?lang={language}")
            page.wait_for_selector("body.plain")
            check(f"the sandbox {path}")
    assert {what: complaints for what, complaints in found.items() if complaints} == {}
    assert len(found) == 16


def test_axe_finds_nothing_where_the_password_is_wrong(serve: Any, open_page: Open, axe: str) -> None:
    accounts = FakeAccounts(auto=False, password="a long password")
    served = serve(FakeRoom(), accounts)
    page = open_page(f"{served.url}/sign-in", plain=True, expecting="status of 401")
    page.locator("#name").fill("Jo Jansen")
    page.locator("#password").fill("guess")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert violations(page, axe) == []


@pytest.mark.parametrize("language", ["en", "nl"])
def test_on_a_phone_warnings_come_first_and_every_target_fits_a_finger(full: Any, open_page: Open, language: str) -> None:
    page = open_page(f"{full.url}/?lang={language}", viewport=PHONE, has_touch=True, is_mobile=True)
    parts = ("#warnings", "#chart", "#map", "#table-panel", "#logbook")
    tops = [page.locator(part).bounding_box()["y"] for part in parts]
    assert tops == sorted(tops)
    footer = page.locator("#lookback").bounding_box()["y"]
    button = page.locator("#decline-1").bounding_box()
    assert button["y"] + button["height"] < footer, "a warning and what can be done about it are on the first screen"
    assert page.evaluate(SMALL) == []
    page.locator("#table-panel summary").tap()
    assert page.evaluate(SMALL) == []
    page.locator("#help-button").tap()
    assert page.evaluate(SMALL) == []
    page.keyboard.press("Escape")
    assert page.locator("#slider").bounding_box()["width"] > 280
    page.locator("#day-back").tap()
    expect(page.locator("#banner")).to_be_visible()
    assert page.evaluate(SMALL) == []
    for path in PLAIN[:-1]:
        page.goto(full.url + path)
        assert page.evaluate(SMALL) == [], path


def test_on_a_phone_a_measure_is_taken_with_one_thumb(full: Any, open_page: Open) -> None:
    page = open_page(full.url, viewport=PHONE, has_touch=True, is_mobile=True)
    page.locator("#measure-1").tap()
    sheet = page.locator("#dialog").bounding_box()
    assert (sheet["x"], sheet["width"], sheet["y"] + sheet["height"]) == (0, 320, 640)
    take = page.locator("#dialog .primary")
    expect(page.locator("#dialog")).to_contain_text("Measures compared: 2")
    page.wait_for_timeout(600)  # what lands just after the list was sorted is not taken
    # unfolded, the sheet is longer than the screen; the buttons stay
    page.locator("#dialog summary", has_text="Other measures").tap()
    box = take.bounding_box()
    assert box["y"] > 640 / 2
    assert box["y"] + box["height"] <= 640
    assert page.evaluate(SMALL) == []
    page.locator("#dialog .choice", has_text="One-way walking").tap()
    expect(page.get_by_role("radio", name="One-way walking")).to_be_checked()
    take.tap()
    expect(page.locator("#warning-1")).to_contain_text("Decided: One-way walking")


def test_on_a_phone_one_finger_on_the_map_scrolls_the_page(full: Any, open_page: Open) -> None:
    page = open_page(full.url, viewport=PHONE, has_touch=True, is_mobile=True)
    assert "none" not in page.locator("#map").evaluate("element => getComputedStyle(element).touchAction")
    assert page.locator("#map").evaluate("element => !element.classList.contains('leaflet-touch-drag')")


@pytest.mark.parametrize(("percent", "view"), [(200, (728, 410)), (400, (320, 256))])
def test_magnified_nothing_is_lost(full: Any, open_page: Open, percent: int, view: tuple[int, int]) -> None:
    """WCAG 1.4.10: 1280 × 1024 at 400 % is 320 × 256; no scrolling in two directions, and the foot does not cover the page."""
    page = open_page(full.url, viewport={"width": view[0], "height": view[1]})
    assert page.evaluate(WIDER) == 0
    page.locator("#logbook tr").last.scroll_into_view_if_needed()
    foot = page.locator("#lookback")
    covered = (
        foot.bounding_box()["height"] / view[1] if foot.evaluate("each => getComputedStyle(each).position") == "sticky" else 0
    )
    assert covered < 0.25
    page.locator("#measure-1").click()
    page.locator("#dialog .primary").click()
    expect(page.locator("#warning-1")).to_contain_text("Decided")


def test_letters_grow_with_the_readers_own_size(full: Any, open_page: Open) -> None:
    page = open_page(full.url, viewport=PHONE)
    before = page.locator("#sentence").evaluate("each => parseFloat(getComputedStyle(each).fontSize)")
    page.evaluate("document.documentElement.style.fontSize = '175%'")
    assert page.locator("#sentence").evaluate("each => parseFloat(getComputedStyle(each).fontSize)") == pytest.approx(2 * before)
    assert page.evaluate(WIDER) == 0


def test_the_keyboard_reaches_everything_in_the_order_of_the_page(full: Any, open_page: Open) -> None:
    page = open_page(full.url)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    seen: list[str] = []
    told: Any = None
    for _ in range(120):
        told = page.evaluate(
            """() => {
                const each = document.activeElement, style = getComputedStyle(each);
                const shown = style.outlineStyle !== "none" || each.matches(".place") && parseFloat(style.strokeWidth) > 2;
                return each === document.body ? null : [each.id || each.dataset.key || each.textContent.trim(), shown];
            }"""
        )
        if told is None:
            break
        assert told[1], f"{told[0]} does not show that it has the focus"
        seen.append(told[0])
        page.keyboard.press("Tab")
    places = [seen.index(key) for key in BY_KEY]
    parts = [seen.index(each) for each in ("help-button", "acknowledge-1", "measure-3", "place")]
    parts += [seen.index("rests-summary"), seen.index("map"), *sorted(places), seen.index("slider")]
    assert parts == sorted(parts)
    assert told is None, "the focus leaves the page again"


def test_the_map_is_told_in_words_and_stays_current(full: Any, open_page: Open) -> None:
    page = open_page(full.url)
    words = page.locator("#map-words")
    expect(words).to_contain_text("Calls for attention, 3 of 13 places: Boulevard middle: ")
    expect(words).to_contain_text(re.compile(r"Busiest, in persons: Boulevard middle [\d,]+, "))
    expect(words).to_contain_text(re.compile(r"Busiest, in persons/h: Long Street at the cinema \(east\) [\d,]+, "))
    expect(words).to_contain_text("Not heard: New Bridge.")
    expect(page.locator("#map")).to_have_accessible_description(re.compile("Calls for attention, 3 of 13 places"))
    steps(full, 14)
    expect(words).to_contain_text(re.compile(r"Boulevard middle: \d,\d{3} persons, level E"))
    steps(full, 18)
    expect(words).to_contain_text("No place calls for attention.")
    page.keyboard.press("l")
    page.locator("#day-back").click()
    expect(page.locator("#banner")).to_be_visible()
    full.room.heard = False
    page.keyboard.press("l")
    steps(full, 1)
    expect(words).to_contain_text("How busy it is is not known.")


def spoken(page: Page) -> list[str]:
    """Everything that the live regions were given, in order."""
    found: list[str] = page.evaluate("window.spoken ?? []")
    return found


LISTEN = """window.spoken = []; for (const id of ["said", "shouted"]) {
    new MutationObserver((all) => all.forEach((one) => one.addedNodes.forEach((node) => window.spoken.push(node.textContent))))
        .observe(document.getElementById(id), { childList: true });
}"""


def test_only_what_matters_is_spoken(full: Any, open_page: Open) -> None:
    page = open_page(full.url)
    page.evaluate(LISTEN)
    steps(full, 1)
    expect(page.locator("#warnings .warning").first).to_contain_text("2 h (23:00)")
    page.wait_for_timeout(1000)
    assert spoken(page) == [], "a tick in which nothing happens is not spoken"
    steps(full, 13)
    expect(page.locator("#said")).to_contain_text("New warning: ")
    fresh = [text for text in spoken(page) if text.startswith("New warning")]
    assert len(fresh) == len(set(fresh)) == page.locator('.warning[data-phase="open"]').count() - 3
    full.do(lambda: [setattr(full.room, "heard", False), full.room.tell("state")])
    expect(page.locator("#said")).to_contain_text("Market: silent, no sensor is heard")
    full.do(lambda: [setattr(full.room, "heard", True), full.room.tell("state")])
    expect(page.locator("#said")).to_contain_text("Market: heard again")
    assert not any("New Bridge" in text for text in spoken(page)), "what was silent before is no news"
    assert page.locator("[role=status], [role=log], [role=timer]").count() == 0


def test_a_warning_that_is_raised_is_spoken(full: Any, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(full.url)
    page.evaluate(LISTEN)
    usual = FakeRoom.warnings

    def raised(room: FakeRoom, language: str, at_us: int | None = None) -> Any:
        return [
            msgspec.structs.replace(each, priority=1, level="F") if each.id == 1 else each
            for each in usual(room, language, at_us)
        ]

    monkeypatch.setattr(FakeRoom, "warnings", raised)
    full.do(lambda: full.room.tell("changed"))
    expect(page.locator("#shouted")).to_contain_text("Warning raised: Boulevard middle: level F in ")
    full.do(lambda: full.room.tell("changed"))
    page.wait_for_timeout(1500)
    assert len(spoken(page)) == 1


def test_a_node_that_is_lost_is_spoken_of_once(serve: Any, open_page: Open) -> None:
    room, accounts = FakeRoom(), FakeAccounts()
    served = serve(room, accounts)
    page = open_page(served.url, expecting="net::ERR_")
    page.evaluate(LISTEN)
    served.stop()
    expect(page.locator("#shouted")).to_contain_text("No live data for 10 s.", timeout=14_000)
    page.wait_for_timeout(2500)
    assert len(spoken(page)) == 1, "the seconds that pass are not read out"
    serve(room, accounts, int(served.url.rsplit(":", 1)[1]))
    expect(page.locator("#shouted")).to_contain_text("Live data again.", timeout=10_000)


def test_in_high_contrast_nothing_that_means_something_is_lost(full: Any, open_page: Open) -> None:
    page = open_page(full.url, forced_colors="active", color_scheme="dark")
    steps(full, 14)
    expect(page.locator('path[data-key="boulevard-middle"]')).to_have_css("fill", "rgb(210, 102, 10)")
    style = "(each, name) => getComputedStyle(each)[name]"
    assert page.locator("#legend .level-4").first.evaluate(style, "backgroundColor") == "rgb(210, 102, 10)"
    calm = page.locator('path[data-key="mill-lane"]')
    assert calm.evaluate(style, "stroke") != calm.evaluate(style, "fill")
    bands = page.evaluate("getComputedStyle(document.querySelector('.lines .bands'), '::before').backgroundImage")
    assert "gradient" in bands
    # the chart is painted with the reader's own colours: the bands let the lines through
    drawn = page.locator("#chart canvas").evaluate(
        """canvas => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let opaque = 0;
            for (let at = 3; at < data.length; at += 4) if (data[at] > 200) opaque += 1;
            return opaque / (data.length / 4);
        }"""
    )
    assert 0.001 < drawn < 0.2


def test_who_wants_more_contrast_and_less_motion_gets_it(full: Any, open_page: Open) -> None:
    page = open_page(full.url, contrast="more", reduced_motion="reduce")
    colour = "getComputedStyle(document.querySelector('.quiet')).color"
    assert page.evaluate(colour) == page.evaluate("getComputedStyle(document.body).color")
    assert page.locator("#map.leaflet-fade-anim").count() == 0
    page.locator(".leaflet-control-zoom-in").click()
    assert page.evaluate("[document.getAnimations().length, document.querySelectorAll('.leaflet-zoom-anim').length]") == [0, 0]


def test_on_paper_is_what_is_known_now(full: Any, open_page: Open) -> None:
    page = open_page(full.url, color_scheme="dark")
    steps(full, 12)
    expect(page.locator("#row-boulevard-middle").locator("xpath=../..")).to_contain_text("level E")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    for seen in ("#printed", "#warnings", "#sentence", "#map-words", "#table", "#logbook", "#clock"):
        expect(page.locator(seen)).to_be_visible()
    for hidden in ("#map", "#chart", "#lookback", "nav", "#acknowledge-2", "#legend"):
        expect(page.locator(hidden)).to_be_hidden()
    assert page.locator("button:visible").count() == 0
    expect(page.locator("#printed")).to_have_text(re.compile(r"Printed: \w+,? \d+ \w+ \d{4}.* \d\d:\d\d"))
    assert page.locator("#table tbody tr:visible").count() == len(BY_KEY)
    assert page.locator("body").evaluate("each => getComputedStyle(each).color") == "rgb(26, 31, 35)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#table-panel[open]").count() == 0
    page.emulate_media(media="screen")
    pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))
    assert 1 <= pages <= 2


def test_on_paper_the_past_says_that_it_is_the_past(full: Any, open_page: Open) -> None:
    page = open_page(full.url)
    page.locator("#day-back").click()
    expect(page.locator("#banner")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("#banner")).to_contain_text("Looking back: ")
    expect(page.locator("#banner")).to_be_visible()
    expect(page.locator("#back-to-live")).to_be_hidden()
