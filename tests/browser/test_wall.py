"""The display on the wall: nobody touches it, so it has to look after itself and must never be a calm picture of the past."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from fake_room import SPOTS, FakeAccounts, FakeRoom, fake_lab
from ruimte.jobs.room import ZoneView
from ruimte.model.role import Actor

from .conftest import picture

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
SCREEN = {"width": 1920, "height": 1080}


def wall(open_page: Open, served: Any, query: str = "?lang=en", **options: Any) -> Page:
    return open_page(f"{served.url}/wall{query}", **{"viewport": SCREEN, **options})


def steps(served: Any, count: int) -> None:
    served.do(lambda: [served.room.step() for _ in range(count)])


def pixels(page: Page, selector: str) -> float:
    found: float = page.locator(selector).first.evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
    return found


def restart(serve: Any, served: Any, room: FakeRoom) -> Any:
    """Another node at the same address."""
    served.stop()
    return serve(room, FakeAccounts(), int(served.url.rsplit(":", 1)[1]))


def test_it_shows_map_warnings_clock_and_age_and_follows(served: Any, open_page: Open) -> None:
    page = wall(open_page, served)
    assert page.locator("path.place").count() == len(SPOTS)
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator(".warning").first).to_contain_text("Boulevard middle")
    expect(page.locator("#clock")).to_have_text(re.compile(r"^2\d:\d\d$"))
    expect(page.locator("#age")).to_have_text(re.compile(r"^Data (less than a minute|\d+ min) old$"))
    steps(served, 6)
    expect(page.locator(".facts")).to_contain_text("◆ E Boulevard middle 23:00, chance 74%")
    expect(page.locator("#clock")).to_have_text(re.compile("^22:"))
    steps(served, 8)
    expect(page.locator('.label[data-key="boulevard-middle"]')).to_contain_text(re.compile("◆ E.*[0-9],[0-9]{3}"))
    expect(page.locator("#alarm")).to_be_hidden()


def test_the_lead_counts_down_between_pictures(served: Any, open_page: Open) -> None:
    page = wall(open_page, served)
    lead = page.locator(".warning .lead strong").first
    first = lead.inner_text()
    expect(lead).not_to_have_text(first)  # 15 minutes of the lab's time a second, and no picture in between
    assert re.fullmatch(r"in \d h( \d+ min)?|in \d+ min|now", lead.inner_text())


def test_it_is_read_from_across_the_room(served: Any, open_page: Open) -> None:
    """At 5 m a letter's cap height has to be a three-hundredth of that; a 55-inch screen is 685 mm high."""
    page = wall(open_page, served)
    page.wait_for_timeout(300)
    cap_mm = {name: 0.7 * pixels(page, name) * 685 / 1080 for name in (".told h3", ".lead strong", "#clock", ".warning .step")}
    assert {name: mm for name, mm in cap_mm.items() if mm < 5000 / 300} == {}
    page.set_viewport_size({"width": 3840, "height": 2160})
    assert pixels(page, "#clock") > 120


def test_nobody_touches_it(served: Any, open_page: Open) -> None:
    page = wall(open_page, served)
    for _ in range(4):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.body")
    assert page.locator("button, a[href], input, select, summary, [tabindex]").count() == 0
    assert page.locator("#map").evaluate("element => getComputedStyle(element).cursor") == "none"
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [1920, 1080]


def test_what_does_not_fit_is_counted(served: Any, open_page: Open) -> None:
    page = wall(open_page, served, viewport={"width": 1280, "height": 420})
    steps(served, 15)
    expect(page.locator("#told h2")).to_contain_text("5 open")
    shown = page.locator(".warning:visible").count()
    assert 0 < shown < 5
    left = 5 - shown
    expect(page.locator("#more")).to_have_text("and one more warning" if left == 1 else f"and {left} more warnings")
    foot = page.locator("#warnings").bounding_box()
    last = page.locator(".warning:visible").last.bounding_box()
    assert last["y"] + last["height"] <= foot["y"] + foot["height"] + 1, "what is shown is shown whole"
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(page.locator("#more")).to_be_hidden()
    assert page.locator(".warning:visible").count() == 5


def test_a_dead_node_is_loud_and_a_new_one_is_taken_up_without_a_hand(serve: Any, open_page: Open) -> None:
    served = serve(FakeRoom(), FakeAccounts())
    page = wall(open_page, served, expecting="net::ERR_")
    page.evaluate("window.same = true")
    served.stop()
    expect(page.locator("#alarm-text")).to_have_text(re.compile(r"^No live data for 1\d s$"), timeout=14_000)
    expect(page.locator("#alarm-more")).to_have_text(re.compile(r"What you see is the picture of 2\d:\d\d\."))
    expect(page.locator("main")).to_have_css("filter", re.compile("grayscale"))
    expect(page.locator("#badge")).to_have_text("No live data")
    assert page.locator("#alarm").bounding_box()["height"] > 150
    again = restart(serve, served, FakeRoom())
    expect(page.locator("#alarm")).to_be_hidden(timeout=15_000)
    assert page.evaluate("window.same"), "the same page goes on where the node serves the same one"
    again.do(again.room.step)
    expect(page.locator("#badge")).to_have_text("Replay ×900")


def test_a_node_with_another_page_gets_it_shown(serve: Any, open_page: Open) -> None:
    served = serve(FakeRoom(), FakeAccounts())
    page = wall(open_page, served, expecting="net::ERR_")
    page.evaluate("window.same = true")
    lab = fake_lab()
    lab.count_points.pop("park-gate")
    restart(serve, served, FakeRoom(lab=lab))
    expect(page.locator("path.place")).to_have_count(len(SPOTS) - 1, timeout=15_000)
    assert page.evaluate("window.same") is None


def test_silence_of_every_sensor_is_not_calm(served: Any, open_page: Open) -> None:
    page = wall(open_page, served)
    served.room.heard = False
    served.do(lambda: [served.room.step(), served.room.begun.clear()])
    expect(page.locator("#alarm-text")).to_have_text("No sensor is heard")
    expect(page.locator("#told")).to_contain_text("Not known: no sensor is heard.")
    served.room.heard = True
    served.do(served.room.step)
    expect(page.locator("#alarm")).to_be_hidden()


def test_warnings_that_cannot_be_fetched_are_said_to_be_old(served: Any, open_page: Open) -> None:
    page = wall(open_page, served, expecting="status of 500")
    page.route("**/fragments/wall*", lambda route: route.fulfill(status=500))
    served.do(served.room.step)
    expect(page.locator("#alarm-text")).to_have_text("The warnings are old", timeout=18_000)
    page.unroute("**/fragments/wall*")
    expect(page.locator("#alarm")).to_be_hidden(timeout=8_000)


def test_old_data_is_marked(served: Any, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = FakeRoom.zones

    def old(room: FakeRoom, language: str, at_us: int | None = None) -> list[ZoneView]:
        return [msgspec.structs.replace(zone, age_s=3 * 3600.0) for zone in usual(room, language, at_us)]

    monkeypatch.setattr(FakeRoom, "zones", old)
    page = wall(open_page, served)
    expect(page.locator("#age")).to_have_class("badge old")
    expect(page.locator("#age")).to_have_text(re.compile(r"^Data 3 h( \d+ min)? old$"))
    monkeypatch.setattr(FakeRoom, "zones", usual)
    served.do(served.room.step)
    expect(page.locator("#age")).to_have_class("badge")


def test_a_session_that_has_ended_asks_to_sign_in(serve: Any, open_page: Open) -> None:
    accounts = FakeAccounts()
    served = serve(FakeRoom(), accounts)
    page = open_page(served.url, expecting="status of 401", viewport=SCREEN)
    accounts.password = "a long password"
    page.goto(served.url + "/wall")
    page.wait_for_selector("body.wall[data-ready]")
    accounts.held.clear()
    served.do(served.room.step)
    page.wait_for_url("**/sign-in")


def test_no_letter_stands_on_the_same_spot_for_hours(served: Any, open_page: Open, chromium: Any) -> None:
    context = chromium.new_context(viewport=SCREEN)
    page = context.new_page()
    page.clock.install(time=0)
    page.goto(served.url + "/wall")
    page.wait_for_selector("body[data-ready]")
    spots = set()
    for _ in range(9):
        box = page.locator("h1").bounding_box()
        spots.add((round(box["x"], 1), round(box["y"], 1)))
        page.clock.run_for(90_000)
    context.close()
    assert len(spots) >= 7
    assert max(x for x, _ in spots) - min(x for x, _ in spots) < 20


def test_what_others_do_is_seen(served: Any, open_page: Open) -> None:
    page = wall(open_page, served, "?lang=nl&theme=light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    served.do(lambda: asyncio.ensure_future(served.room.acknowledge(1, Actor("Jo", "manager"))))
    expect(page.locator(".warning.acknowledged")).to_contain_text("Bevestigd door crowd manager")
    expect(page.locator("#told h2")).to_have_text("Waarschuwingen · 2 open · 1 bevestigd")


def test_a_picture_of_it_for_the_docs(served: Any, open_page: Open) -> None:
    page = wall(open_page, served, viewport={"width": 1600, "height": 900})
    steps(served, 8)
    served.do(lambda: asyncio.ensure_future(served.room.acknowledge(3, Actor("Jo", "manager"))))
    expect(page.locator(".warning.acknowledged")).to_have_count(1)
    picture(page, "wall.png")
