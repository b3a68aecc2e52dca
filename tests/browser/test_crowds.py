"""What devices with tracks see, in a real browser: the field on the map, figures that stay current, and silence that shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from fake_crowds import seen_by
from fake_room import FakeAccounts, FakeRoom

from .conftest import picture, violations
from .test_control_room import FIRST_LOAD_BYTES
from .test_everyone import LISTEN, PHONE, SMALL, WIDER, spoken

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
LEVELS = {"D": "rgb(245, 213, 71)", "E": "rgb(224, 112, 10)", "F": "rgb(106, 27, 154)"}  # in light
COLOURS = """() => {
    const drawn = document.querySelector("canvas.field"), found = {};
    const canvas = Object.assign(document.createElement("canvas"), { width: drawn.width, height: drawn.height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(drawn, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4) {
        const key = data[at + 3] ? `rgb(${data[at]}, ${data[at + 1]}, ${data[at + 2]})` : "clear";
        found[key] = (found[key] ?? 0) + 1;
    }
    for (const key in found) found[key] /= canvas.width * canvas.height;
    return found;
}"""
CORNERS = """() => {
    const box = document.querySelector("canvas.field").getBoundingClientRect();
    const edge = document.querySelector(".field-edge").getBoundingClientRect();
    return [box, edge].map(({ left, top, right, bottom }) => [left, top, right, bottom]);
}"""


@dataclass
class Crowd:
    """What the invented devices see; a test changes it while the page is open."""

    second: float = 0.0
    step_s: float = 0.0
    silent: bool = False
    people: float = 143.0

    def __call__(self, language: str) -> Any:
        self.second += self.step_s
        return seen_by(lambda: self.second, lambda: self.silent, people=self.people)(language)


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


@pytest.fixture
def crowded(serve: Any, crowd: Crowd) -> Any:
    """The invented room, with devices that tell tracks."""
    return serve(FakeRoom(seen_crowds=crowd), FakeAccounts())


def asked(page: Page, part: str) -> list[str]:
    """The requests of a page to an address that holds ``part``, from now on."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url) if part in request.url else None)
    return found


def test_the_field_lies_on_its_corners_in_the_colours_of_the_levels(crowded: Any, open_page: Open) -> None:
    page = open_page(f"{crowded.url}/crowds?lang=en", color_scheme="light")
    expect(page.locator("canvas.field")).to_be_visible()
    shares = page.evaluate(COLOURS)
    assert 0.005 < shares[LEVELS["F"]] < shares[LEVELS["E"]] < shares[LEVELS["D"]] < 0.3
    assert shares["clear"] == pytest.approx(60 / 2500, abs=1e-6), "there is nothing where nobody can be"
    field, edge = page.evaluate(CORNERS)
    assert field == pytest.approx(edge, abs=3)
    turned = page.locator("canvas.field").evaluate("each => new DOMMatrix(getComputedStyle(each).transform)")
    assert abs(turned["b"]) > 0.2, "the plane of this device is turned"
    page.locator(".leaflet-control-zoom-out").click()
    page.wait_for_timeout(600)
    field, smaller = page.evaluate(CORNERS)
    assert field == pytest.approx(smaller, abs=3)
    assert smaller[2] - smaller[0] < edge[2] - edge[0]


def test_each_level_that_calls_has_a_mark_of_its_own(crowded: Any, open_page: Open) -> None:
    page = open_page(f"{crowded.url}/crowds?lang=en", color_scheme="light")
    for _ in range(4):
        page.locator(".leaflet-control-zoom-in").click()
        page.wait_for_timeout(350)
    shares = page.evaluate(COLOURS)
    for ink in ("rgb(26, 31, 35)", "rgb(18, 11, 3)", "rgb(255, 255, 255)"):  # of D, E and F
        assert shares[ink] > 0.001, ink
    legend = page.locator(".heat-legend")
    expect(legend).to_contain_text("Level from so many persons/m²: Fruin 1971, walking. Marks are levels, not people.")
    assert legend.locator("li").all_inner_texts() == ["A 0", "B 0.31", "C 0.43", "● D 0.72", "◆ E 1.08", "▲ F 2.15"]


def test_figures_and_field_are_new_each_second_and_the_reader_keeps_the_place(
    crowded: Any, crowd: Crowd, open_page: Open
) -> None:
    page = open_page(f"{crowded.url}/crowds?lang=en", color_scheme="light")
    summary = page.locator("#rings-square-roof summary")
    summary.focus()
    page.keyboard.press("Enter")
    before = page.evaluate(COLOURS)
    page.evaluate("window.kept = document.querySelector('#crowd-square-roof tbody th')")
    crowd.people, crowd.second = 260.0, 9.0
    stage = page.locator("#crowd-square-roof tr", has_text="Before the stage")
    expect(stage).to_contain_text("▲ level F", timeout=4000)
    expect(stage).to_contain_text("130 ± 4")
    assert page.evaluate(COLOURS) != before
    expect(summary).to_be_focused()
    expect(page.locator("#rings-square-roof table")).to_be_visible()
    assert page.evaluate("window.kept.isConnected"), "only what differs was changed"


def test_silence_is_hatched_told_once_and_not_calm(crowded: Any, crowd: Crowd, open_page: Open) -> None:
    page = open_page(f"{crowded.url}/crowds?lang=en")
    page.evaluate(LISTEN)
    crowd.silent = True
    expect(page.locator(".field-told")).to_have_text("Square, from the roof: no frames for 40 s")
    expect(page.locator(".field-edge")).to_have_css("fill", 'url("#hatch")')
    expect(page.locator("canvas.field")).to_be_hidden()
    expect(page.locator("#crowd-square-roof .heard")).to_contain_text("no frames for 40 s")
    expect(page.locator("#crowd-square-roof .figures").first).not_to_contain_text("72")
    page.wait_for_timeout(2500)
    assert spoken(page) == ["Square, from the roof: no frames for 40 s"]
    crowd.silent = False
    expect(page.locator("canvas.field")).to_be_visible()
    expect(page.locator(".field-told")).to_have_count(0)
    assert spoken(page)[1:] == ["Square, from the roof: frames again"]


def test_a_node_that_is_lost_does_not_leave_a_picture_that_looks_current(serve: Any, crowd: Crowd, open_page: Open) -> None:
    served = serve(FakeRoom(seen_crowds=crowd), FakeAccounts())
    page = open_page(f"{served.url}/crowds?lang=en", expecting="net::ERR_")
    page.evaluate(LISTEN)
    served.stop()
    expect(page.locator("#gone")).to_contain_text(re.compile(r"The node has not answered for 1\d s\. What you see is old\."))
    expect(page.locator("#crowds")).to_have_css("filter", re.compile("grayscale"))
    page.wait_for_timeout(2200)
    assert len(spoken(page)) == 1
    serve(FakeRoom(seen_crowds=crowd), FakeAccounts(), int(served.url.rsplit(":", 1)[1]))
    expect(page.locator("#gone")).to_be_hidden(timeout=10_000)
    assert page.locator("body.no-data").count() == 0


def test_a_page_that_is_not_seen_asks_nothing(crowded: Any, open_page: Open) -> None:
    page = open_page(f"{crowded.url}/crowds?lang=en")
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => window.away });
        window.away = true;
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    page.wait_for_timeout(1500)
    requests = asked(page, "/fragments/crowds")
    page.wait_for_timeout(2500)
    assert requests == []
    page.evaluate("() => { window.away = false; document.dispatchEvent(new Event('visibilitychange')); }")
    page.wait_for_timeout(2500)
    assert 2 <= len(requests) <= 4


def test_the_control_room_has_the_field_behind_a_switch_and_asks_nothing_while_it_is_off(
    crowded: Any, crowd: Crowd, open_page: Open
) -> None:
    page = open_page(f"{crowded.url}/?lang=en")
    requests = asked(page, "/api/v1/crowds")
    switch = page.get_by_role("checkbox", name="Density")
    expect(switch).not_to_be_checked()
    page.wait_for_timeout(1500)
    assert requests == []
    switch.focus()
    page.keyboard.press("Space")
    expect(page.locator("canvas.field")).to_be_visible()
    expect(page.locator(".heat-control .heat-legend")).to_be_visible()
    before = page.locator("canvas.field").bounding_box()
    page.get_by_role("button", name="Go there").click()
    page.wait_for_function(f"document.querySelector('canvas.field').getBoundingClientRect().width > {before['width'] * 10}")
    page.locator('path[data-key="station-square"]').dispatch_event("click")
    expect(page.locator("#place")).to_have_value("station-square")
    page.reload()
    expect(page.locator("canvas.field")).to_be_visible()
    page.locator("#day-back").click()
    expect(page.locator("canvas.field")).to_have_count(0)
    expect(page.locator(".heat-control label")).to_have_text("Density: only now")
    page.keyboard.press("l")
    expect(page.locator("canvas.field")).to_be_visible()
    crowd.silent = True
    expect(page.locator(".field-edge.silent")).to_be_visible()
    switch.uncheck()
    expect(page.locator(".field-edge")).to_have_count(0)
    page.wait_for_timeout(300)
    requests.clear()
    page.wait_for_timeout(1500)
    assert requests == []
    page.get_by_role("link", name="Figures").click()
    page.wait_for_selector("body.plain")
    expect(page.locator("h1")).to_have_text("Crowds")


def test_a_lab_without_such_devices_loads_nothing_of_it(served: Any, open_page: Open) -> None:
    page = open_page(served.url)
    loaded = page.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    assert len(loaded) > 20
    assert [each for each in loaded if "crowds" in each or "heat" in each] == []
    expect(page.locator("#density")).to_have_count(0)
    page.goto(f"{served.url}/crowds?lang=en")
    expect(page.locator("[role=status]")).to_have_text("No device that tells tracks is registered in this lab.")


def test_the_first_load_is_small_with_such_devices_too(crowded: Any, chromium: Browser) -> None:
    for path in ("/crowds", "/"):
        context = chromium.new_context(viewport={"width": 1456, "height": 819})
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        received: list[float] = []
        session.on("Network.loadingFinished", lambda event, received=received: received.append(event["encodedDataLength"]))
        page.goto(crowded.url + path)
        page.wait_for_selector("body[data-ready]")
        page.wait_for_timeout(400)
        context.close()
        allowed = FIRST_LOAD_BYTES if path == "/crowds" else FIRST_LOAD_BYTES + 3500  # the switch, after the page is ready
        print(f"first load of {path} with devices: {sum(received):,.0f} bytes")
        assert sum(received) < allowed


def test_2500_squares_each_second_do_not_hold_the_page_up(crowded: Any, crowd: Crowd, chromium: Browser) -> None:
    """From the answer of the node to what is painted."""
    crowd.step_s = 1.0  # no second is like the one before
    context = chromium.new_context(viewport={"width": 1456, "height": 819})
    page = context.new_page()
    page.add_init_script(
        """window.times = []; window.long = [];
        const ask = fetch;
        window.fetch = async (...all) => {
            const answer = await ask(...all), read = answer.text.bind(answer);
            answer.text = async () => {
                const text = await read(), heard = performance.now();
                new MutationObserver((_, watch) => {
                    watch.disconnect();
                    requestAnimationFrame(() => setTimeout(() => times.push(performance.now() - heard)));
                }).observe(document.getElementById("fields"), { childList: true, characterData: true, subtree: true });
                return text;
            };
            return answer;
        };
        new PerformanceObserver((list) => long.push(...list.getEntries())).observe({ type: "longtask" });"""
    )
    page.goto(f"{crowded.url}/crowds")
    page.wait_for_selector("body[data-ready]")
    page.wait_for_timeout(1500)
    page.evaluate("times.length = long.length = 0")
    page.wait_for_timeout(8000)
    times, long = page.evaluate("[times, long.length]")
    context.close()
    assert len(times) >= 6, "it is drawn each second"
    middle = sorted(times)[len(times) // 2]
    print(
        f"answer to pixel, 2,500 squares: median {middle:.0f} ms, most {max(times):.0f} ms, of {len(times)}; long tasks: {long}"
    )
    assert middle < 100, "a reader would see it hang"
    assert long <= len(times) // 2


@pytest.mark.parametrize("size", [(320, 640), (640, 819), (1456, 819)])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_nothing_sticks_out(crowded: Any, open_page: Open, language: str, size: tuple[int, int]) -> None:
    page = open_page(f"{crowded.url}/crowds?lang={language}", viewport={"width": size[0], "height": size[1]})
    page.locator("#rings-square-roof summary").click()
    assert page.evaluate(WIDER) == 0
    page.goto(f"{crowded.url}/?lang={language}")
    page.wait_for_selector("body[data-ready]")
    page.locator("#density").check()
    expect(page.locator("canvas.field")).to_have_count(1)
    assert page.evaluate(WIDER) == 0
    control, ground = page.locator(".heat-control").bounding_box(), page.locator("#map").bounding_box()
    assert control["x"] >= ground["x"]
    assert control["height"] < 0.75 * ground["height"], "it leaves the map to be seen"


def test_on_a_phone_every_target_fits_a_finger(crowded: Any, open_page: Open) -> None:
    page = open_page(f"{crowded.url}/crowds", viewport=PHONE, has_touch=True, is_mobile=True)
    assert page.evaluate(SMALL) == []
    page.goto(crowded.url)
    page.locator("#density").tap()
    expect(page.get_by_role("button", name="Go there")).to_be_visible()
    assert page.evaluate(SMALL) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_no_accessibility_violation(crowded: Any, crowd: Crowd, open_page: Open, axe: str, scheme: str, language: str) -> None:
    page = open_page(f"{crowded.url}/crowds?lang={language}", color_scheme=scheme, viewport={"width": 1280, "height": 1100})
    page.locator("#rings-square-roof summary").click()
    assert violations(page, axe) == []
    page.locator("#rings-square-roof summary").click()
    if (language, scheme) == ("en", "light"):
        picture(page, "crowds.png", "main")
    crowd.silent = True
    expect(page.locator(".field-told")).to_be_visible()
    assert violations(page, axe) == []
    page.goto(f"{crowded.url}/?lang={language}")
    page.wait_for_selector("body[data-ready]")
    page.locator("#density").check()
    expect(page.locator(".field-told")).to_be_visible()
    assert violations(page, axe) == []


def test_in_high_contrast_the_levels_keep_their_colours(crowded: Any, open_page: Open) -> None:
    page = open_page(f"{crowded.url}/crowds", forced_colors="active", color_scheme="dark")
    expect(page.locator("canvas.field")).to_be_visible()
    shares = page.evaluate(COLOURS)
    assert shares["rgb(210, 102, 10)"] > 0.01
    assert shares["rgb(199, 125, 255)"] > 0.005


def test_without_scripts_the_figures_are_there(crowded: Any, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(f"{crowded.url}/crowds")
    expect(page.get_by_role("table", name="Zones of Square, from the roof")).to_contain_text("Before the stage")
    context.close()
