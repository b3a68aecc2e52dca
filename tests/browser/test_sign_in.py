"""Signing in, in a real browser: cookies as it keeps them between sites, the keyboard, and pages that everybody can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from fake_room import FakeRoom
from issuer import SECRET, Issuer, issuing
from ruimte.clock import SystemClock
from ruimte.settings import OidcFile
from ruimte.store.accounts import StoredAccounts
from ruimte.web.oidc.client import client_of
from ruimte.web.oidc.provider import Provider

from .conftest import violations

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
PASSWORD = "kraan beschuit tafel"


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[StoredAccounts]:
    """One account, of an operator with a password."""
    with StoredAccounts(tmp_path / "accounts.db", SystemClock().now_us) as held:
        held.add("jo", "operator")
        held.sign_out(held.set_password(held.redeem(held.one_time_token("jo")) or "", PASSWORD))
        yield held


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing(Issuer()) as served:
        yield served


@pytest.fixture
def node(serve: Any, accounts: StoredAccounts, issuer: Issuer) -> str:
    """The address of a node with the provider, by a name that is another site than the provider's."""
    served = serve(FakeRoom(), accounts)
    file = OidcFile(issuer=issuer.url, client_id="ruimte", secret_env="S", name="City", roles={"crowd-operators": "operator"})
    served.server._app.state.provider = Provider(client_of(file, {"S": SECRET}))
    return str(served.url.replace("127.0.0.1", "localhost"))


def test_who_comes_back_from_the_provider_is_signed_in_and_can_act(node: str, open_page: Open) -> None:
    page = open_page(f"{node}/sign-in", plain=True, expecting="404")  # the provider has no icon
    page.get_by_role("link", name="Sign in with City").click()
    page.wait_for_selector("body[data-ready]")
    assert page.url.startswith(f"{node}/?zone=")
    expect(page.locator("header")).to_contain_text("Jo Jansen")
    cookies = {cookie["name"].partition("_")[2].partition("_")[0]: cookie for cookie in page.context.cookies(node)}
    assert set(cookies) == {"session"}, "the cookie of the way there is gone"
    assert (cookies["session"]["sameSite"], cookies["session"]["httpOnly"]) == ("Strict", True)
    page.locator("#acknowledge-1").click()
    expect(page.locator("#logbook")).to_contain_text("Jo Jansen")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign out of City too").click()
    page.get_by_role("link", name="back").click()
    assert page.url == f"{node}/sign-in"


def test_a_link_in_a_mail_signs_in_too(node: str, accounts: StoredAccounts, issuer: Issuer, open_page: Open) -> None:
    link = f"{node}/sign-in/{accounts.one_time_token('jo')}"
    page = open_page(f"{node}/sign-in", plain=True, expecting="404")
    page.goto(f"{issuer.url}/end?post_logout_redirect_uri={link}")  # any page of another site that holds the link
    page.get_by_role("link", name="back").click()
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("header")).to_contain_text("jo")


def test_signing_in_and_ending_a_session_by_keyboard(node: str, accounts: StoredAccounts, open_page: Open) -> None:
    elsewhere = accounts.sign_in("jo", PASSWORD)
    page = open_page(f"{node}/sign-in", plain=True)
    page.get_by_label("Name").focus()
    page.keyboard.type("jo")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-ready]")
    page.goto(f"{node}/account")
    page.get_by_role("button", name="End the session of").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="End the session of")).to_have_count(0)
    assert accounts.actor(elsewhere or "") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_no_accessibility_violation(
    node: str, accounts: StoredAccounts, open_page: Open, axe: str, scheme: str, language: str
) -> None:
    accounts.sign_in("jo", PASSWORD)
    accounts.set_role("jo", "admin")
    page = open_page(f"{node}/sign-in?why=out&lang={language}", plain=True, color_scheme=scheme, expecting="401")
    assert violations(page, axe) == []
    page.locator("#name").fill("jo")
    page.locator("#password").fill("guess")
    page.locator("form button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert violations(page, axe) == []
    page.locator("#name").fill("jo")
    page.locator("#password").fill(PASSWORD)
    page.locator("form button").click()
    page.wait_for_selector("body[data-ready]")
    page.goto(f"{node}/account")
    assert page.locator("form[action='/staff-names/forget']").count() == 1
    assert violations(page, axe) == []
