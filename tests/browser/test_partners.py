"""What partners share, in a real browser: seen, read aloud, reached by keys, and small enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from fake_partners import FakePartners
from fake_room import FakeAccounts, FakeRoom, fake_lab
from ruimte.model.role import Actor

from .conftest import picture, violations

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
Serve = Callable[..., Any]
LONG_NAME = "urn:nld:oin:00000099000000001000/" + "boulevard-" * 8


class Police(FakeRoom):
    """A room without places of its own."""

    def _open_warnings(self) -> None:
        pass

    def zones(self, language: str, at_us: int | None = None) -> list[Any]:
        return []

    def warnings(self, language: str, at_us: int | None = None) -> list[Any]:
        return []


def police() -> Police:
    """The police's: no zone, no count point, no sensor."""
    lab = fake_lab()
    file = msgspec.structs.replace(lab.file, key="police", name={"en": "Police room", "nl": "Meldkamer"}, organisation="Police")
    return Police(lab=type(lab)(Path("police"), file, lab.zone, {}, {}, {}, {}, {}, {}, {}, ()))


def foreign(page: Page) -> Any:
    return page.locator("path.foreign")


def test_a_partner_s_places_are_on_the_map_in_their_own_way_and_in_the_panel(serve: Serve, open_page: Open, axe: str) -> None:
    page = open_page(serve(FakeRoom(), FakeAccounts(), followed=FakePartners()).url)
    expect(foreign(page)).to_have_count(3)
    expect(foreign(page).first).to_have_accessible_name("Square · City of Example: level D, 1,240 persons")
    panel = page.locator("#partners-panel")
    expect(panel).to_have_attribute("open", "")  # something is wrong, so it shows itself
    expect(panel.locator("summary")).to_contain_text("links to look at: 1")
    expect(panel).to_contain_text("not heard since 20:05")
    page.locator("#table-panel summary").click()
    expect(page.locator("#table .told-of")).to_have_text("Police of Example: closed until 22:45: broken pavement")
    assert violations(page, axe) == []


def test_it_opens_and_closes_by_keys_and_is_fetched_again_when_something_changed(serve: Serve, open_page: Open) -> None:
    partners = FakePartners()
    partners.followed, partners.contributed = ["city"], []
    served = serve(FakeRoom(), FakeAccounts(), followed=partners)
    page = open_page(served.url)
    panel, summary = page.locator("#partners-panel"), page.locator("#partners-panel summary")
    expect(panel).not_to_have_attribute("open", "")
    summary.focus()
    page.keyboard.press("Enter")
    expect(panel).to_have_attribute("open", "")
    partners.followed = ["city", "metro"]
    served.do(lambda: served.room.tell("changed"))
    expect(panel).to_contain_text("Metro of Example")
    expect(panel).to_have_attribute("open", "")
    expect(summary).to_be_focused()  # the reader's place is kept
    expect(page.locator("#shouted")).to_contain_text("links to look at: 1")


def test_police_without_places_of_their_own_see_those_of_others(serve: Serve, open_page: Open, axe: str) -> None:
    partners = FakePartners()
    partners.contributed = []
    page = open_page(serve(police(), FakeAccounts(), followed=partners).url)
    expect(foreign(page)).to_have_count(3)
    expect(page.locator("#map")).to_be_visible()
    expect(page.locator("section.chart")).to_be_hidden()
    expect(page.locator("#warnings")).to_contain_text("This node has no places of its own")
    expect(page.locator(".partner").first).to_contain_text("Quay")
    assert violations(page, axe) == []
    picture(page, "police.png")


def test_a_node_without_places_or_partners_opens_too(serve: Serve, open_page: Open) -> None:
    page = open_page(serve(police(), FakeAccounts()).url)
    expect(page.locator("#warnings")).to_contain_text("This node has no places of its own")


def test_on_a_phone_nothing_is_cut_off(serve: Serve, open_page: Open, axe: str) -> None:
    page = open_page(serve(police(), FakeAccounts(), followed=FakePartners()).url, viewport={"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth <= 320")
    expect(page.locator(".partner").first).to_be_visible()
    assert violations(page, axe) == []


@pytest.mark.parametrize("language", ["en", "nl"])
def test_on_a_phone_the_longest_name_wraps(serve: Serve, open_page: Open, language: str) -> None:
    class Long(FakePartners):
        def links(self, language: str) -> list[Any]:
            city, metro = super().links(language)
            return [msgspec.structs.replace(city, told=f"{LONG_NAME} showed 115 entries before, and 57 now"), metro]

    partners, room = Long(), police()
    partners.distrusted = True
    served = serve(room, FakeAccounts(), followed=partners)
    act = room.write_act(Actor("Jo", "manager"), "agreement-revoked", {"partner": LONG_NAME, "agreement": "x" * 12})
    asyncio.run_coroutine_threadsafe(act, served.loop).result(10)
    page = open_page(f"{served.url}/?lang={language}", viewport={"width": 320, "height": 640})
    expect(page.locator("#logbook")).to_contain_text(LONG_NAME)
    expect(page.locator(".partner .alarm").first).to_contain_text(LONG_NAME)
    for wide in ("html", "#partners-scroll", ".partner .alarm", ".logbook .scroll", ".partner table"):
        box = page.locator(wide).first
        assert box.evaluate("each => each.scrollWidth <= each.clientWidth"), wide
        assert box.evaluate("each => each.getBoundingClientRect().right <= 320"), wide


def test_pictures_for_the_docs(serve: Serve, open_page: Open) -> None:
    page = open_page(serve(FakeRoom(), FakeAccounts(), followed=FakePartners()).url)
    expect(foreign(page)).to_have_count(3)
    picture(page, "partners.png", "#partners-panel")
