"""The page of sources: a privacy officer sees at a glance what sends what it must not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from fake_room import FakeAccounts, FakeRoom
from ruimte.jobs.sources import SourceView

from .conftest import picture, violations

pytestmark = pytest.mark.browser

_PLAIN = {"refused": 0, "unasked": 0, "doubtful": 0, "last": "2026-07-04T12:05:03Z", "refusal": None, "personal": None}


class Invented:
    """An inbox that only tells."""

    def views(self) -> list[SourceView]:
        camera = {"messages": 312, "kept": 310, "refused": 2, "refusal": "holds what looks like a device's address"}
        return [
            SourceView(**_PLAIN | {"device": "gate-3", "name": "Gate 3", "personal": "a device's address"} | camera),
            SourceView(
                **_PLAIN
                | {"device": "quay", "name": {"en": "Quay, east", "nl": "Kade, oost"}, "messages": 640, "kept": 637}
                | {"doubtful": 4, "refused": 3, "unasked": 640, "refusal": "less than can be"}
            ),
            SourceView(**_PLAIN | {"device": "bridge", "name": "Bridge", "messages": 0, "kept": 0, "last": None}),
        ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_sends_what_it_must_not_is_seen(serve: Any, open_page: Callable[..., Page], axe: str, scheme: str) -> None:
    served = serve(FakeRoom(), FakeAccounts(), inbox=Invented())
    page = open_page(f"{served.url}/sources", color_scheme=scheme, plain=True)
    expect(page.locator("tr.wrong")).to_contain_text("Sends what it must not.")
    expect(page.locator("tr.wrong")).to_contain_text("a device's address")
    expect(page.locator("tbody")).to_contain_text("not heard yet")
    assert violations(page, axe) == []
    if scheme == "light":
        picture(page, "sources.png")
    page.goto(f"{served.url}/sources?lang=nl")
    expect(page.locator("h1")).to_have_text("Bronnen")
    expect(page.locator("tbody")).to_contain_text("Kade, oost")
    expect(page.locator("tr.wrong")).to_contain_text("het adres van een apparaat")


def test_a_node_without_devices_says_so(serve: Any, open_page: Callable[..., Page]) -> None:
    served = serve(FakeRoom(), FakeAccounts())
    page = open_page(f"{served.url}/sources", plain=True)
    expect(page.locator("tbody")).to_contain_text("No device is registered, and none sends.")
