"""The page of sharing in a real browser: read by everybody, and used with the keyboard alone, on a phone too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from agreed import CITY, KEYS, METRO, pair_of
from fake_room import FakeAccounts, FakeRoom
from fake_sharing import FakeShared, file_of, furnished, in_force, offered, office_of, shared_of, to_police
from ruimte.model.role import Actor
from ruimte.share.agreement import Party

from .conftest import picture, violations

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
NARROW = {"width": 320, "height": 700}


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[FakeShared]:
    room = FakeRoom()
    made = shared_of(room, tmp_path, private=True)
    made.room = room  # type: ignore[attr-defined]
    with made.desk.log:
        yield made


@pytest.fixture
def served(serve: Any, shared: Any) -> Any:
    """A node that shares; whoever opens its page is its crowd manager."""
    return serve(shared.room, FakeAccounts(user=Actor("Jo Jansen", "manager")), sharing=office_of(shared, shared.room))


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called so."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"the keyboard does not reach {name!r}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_everybody_can_read_and_reach_it(
    served: Any, shared: FakeShared, open_page: Open, axe: str, scheme: str, language: str
) -> None:
    furnished(shared)
    page = open_page(f"{served.url}/sharing?lang={language}", color_scheme=scheme, plain=True)
    expect(page.locator("h1")).to_have_text({"en": "Sharing", "nl": "Delen"}[language])
    expect(page.locator("article")).to_have_count(5)
    assert violations(page, axe) == []
    if (scheme, language) == ("light", "en"):
        page.set_viewport_size({"width": 1000, "height": 1500})
        picture(page, "sharing.png")
    for summary in page.locator("summary").all():
        if summary.is_visible():
            summary.click()
    assert violations(page, axe) == []
    page.goto(f"{served.url}/sharing/propose")
    assert violations(page, axe) == []
    if (scheme, language) == ("light", "en"):
        picture(page, "sharing-propose.png")


def test_signing_and_taking_back_with_the_keyboard_alone(served: Any, shared: Any, open_page: Open) -> None:
    hashed = shared.put(offered(shared))
    page = open_page(f"{served.url}/sharing", plain=True)
    expect(page.locator(".told")).to_have_text("Waits for City of Example to sign.")
    tab_to(page, "Sign")
    expect(page.locator(":focus")).to_have_accessible_description(re.compile("Police of Example"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The agreement has been signed.")
    expect(page.locator(".told")).to_have_text("In force; 115 days left.")
    assert shared.desk.book.granted()[0].status == "valid"
    tab_to(page, "Take back…")
    expect(page.get_by_text("This stops at once:")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator(".final li")).to_have_text(
        "Police of Example gets nothing more, from its next request on: how busy it is now and warnings."
    )
    tab_to(page, "Take it back for good")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("from the next request on nothing is given")
    assert shared.desk.book.find(hashed).status == "revoked"
    page.goto(f"{served.url}/logbook")
    expect(page.locator("tbody tr").first).to_contain_text(f"Agreement {hashed[:12]} with Police of Example taken back.")


def test_a_file_is_taken_in_and_comes_out_signed(served: Any, shared: Any, open_page: Open, tmp_path: Path) -> None:
    letter = tmp_path / "from-the-police.json"
    letter.write_bytes(file_of(offered(shared)))
    page = open_page(f"{served.url}/sharing", plain=True, expecting="400")
    expect(page.locator("article")).to_have_count(0)
    page.locator("#file").set_input_files(letter)
    page.get_by_role("button", name="Take in", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Read what it says before you sign.")
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.locator("article.valid")).to_have_count(1)
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download the file").click()
    assert b'"accept"' in Path(coming.value.path()).read_bytes()
    letter.write_text("no agreement")
    page.locator("#file").set_input_files(letter)
    with page.expect_response("**/sharing") as answer:
        page.get_by_role("button", name="Take in", exact=True).click()
    assert answer.value.status == 400
    expect(page.get_by_role("alert")).to_contain_text("from-the-police.json: is not JSON.")


def test_a_proposal_is_made_in_the_form_and_again_after_a_mistake(served: Any, shared: Any, open_page: Open, axe: str) -> None:
    page = open_page(f"{served.url}/sharing", plain=True, expecting="400")
    page.get_by_role("link", name="Propose an agreement").click()
    page.get_by_label("Name").fill("Metro of Example")
    page.locator("#partner_id").fill(METRO)
    page.locator("#partner_key").fill("not a key")
    page.get_by_label("warnings").check()
    page.get_by_label("all of this lab").check()
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("alert")).to_contain_text("The partner: is not an Ed25519 key.")
    assert violations(page, axe) == []
    expect(page.get_by_label("warnings")).to_be_checked()
    page.locator("#partner_key").fill(KEYS[METRO].public)
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("status")).to_contain_text("signed for this node")
    expect(page.locator("article .told")).to_have_text("Waits for Metro of Example to sign.")
    (known,) = shared.desk.book.all()
    assert set(known.agreement.signatures.accept) == {CITY}


@pytest.mark.parametrize("language", ["en", "nl"])
def test_on_a_small_phone_nothing_sticks_out(served: Any, shared: FakeShared, open_page: Open, language: str) -> None:
    furnished(shared)
    shared.put(in_force(shared, group_id="x" * 80))
    long = Party(id="urn:x:" + "long" * 30, name="W" * 200, public_key=pair_of("long").public)
    shared.put(offered(shared, to_police(shared.lab), to_police(shared.lab, consumer=long.id), others=(long,), group_id="long"))
    page = open_page(f"{served.url}/sharing?lang={language}", viewport=NARROW, plain=True)
    for summary in page.locator("summary").all():
        if summary.is_visible():
            summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    page.goto(f"{served.url}/sharing/propose")
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]


def test_the_control_room_leads_there(serve: Any, open_page: Open) -> None:
    served = serve(FakeRoom(), FakeAccounts())
    page = open_page(served.url)
    page.locator("#help-button").click()
    page.locator('#help a[href="/sharing"]').click()
    page.wait_for_selector("body.plain")
    expect(page.locator(".notice")).to_contain_text("a replay shares nothing")
