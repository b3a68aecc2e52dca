"""Signing in with an OpenID provider, over real HTTP: it works, and every way to get in without being signed in does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from fake_room import FakeRoom
from issuer import SECRET, Issuer, issuing, with_header, with_public_key_as_secret, without_signature
from ruimte.clock import SystemClock
from ruimte.model.role import Actor
from ruimte.settings import OidcFile
from ruimte.store.accounts import StoredAccounts
from ruimte.web.app import create_app
from ruimte.web.oidc.client import client_of
from ruimte.web.oidc.provider import Provider
from ruimte.web.server import page_server
from ruimte.web.settings import WebSettings

ROLES = {"crowd-managers": "manager", "crowd-operators": "operator"}


class Node:
    """A node that knows the provider, and browsers on it."""

    def __init__(self, url: str, app: Any, accounts: StoredAccounts) -> None:
        self.url, self.app, self.accounts = url, app, accounts
        self.browsers: list[httpx.Client] = []

    def browser(self) -> httpx.Client:
        """A browser of its own: it follows nobody by itself."""
        self.browsers.append(httpx.Client(trust_env=False, headers={"accept": "text/html"}))
        return self.browsers[-1]

    def begin(self, browser: httpx.Client) -> str:
        """To the provider and back: the address at which the node is to be asked next."""
        there = browser.get(f"{self.url}/sign-in/provider")
        assert there.status_code == 303, there.text
        return browser.get(there.headers["location"]).headers["location"]

    def sign_in(self, browser: httpx.Client) -> httpx.Response:
        return browser.get(self.begin(browser))

    def who(self, browser: httpx.Client) -> Actor | None:
        """Who the node thinks a browser is."""
        tokens = [cookie.value for cookie in browser.cookies.jar if cookie.name.startswith("ruimte_session")]
        return self.accounts.actor(tokens[0] or "") if tokens else None


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing(Issuer()) as served:
        yield served


@contextmanager
def serving(issuer: Issuer, folder: Path, **more: Any) -> Iterator[Node]:
    file = OidcFile(**{"issuer": issuer.url, "client_id": "ruimte", "secret_env": "S", "name": "City", "roles": ROLES} | more)
    provider = Provider(client_of(file, {"S": SECRET}))
    with StoredAccounts(folder / "accounts.db", SystemClock().now_us) as accounts:
        app = create_app(FakeRoom(), accounts, WebSettings(), provider=provider)
        server = page_server(app)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        until = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < until, "the node did not start"
            time.sleep(0.01)
        node = Node(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", app, accounts)
        try:
            yield node
        finally:
            for browser in node.browsers:
                browser.close()
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def node(issuer: Issuer, tmp_path: Path) -> Iterator[Node]:
    with serving(issuer, tmp_path) as served:
        yield served


def test_somebody_signs_in_acts_and_signs_out_of_both(node: Node, issuer: Issuer) -> None:
    browser = node.browser()
    assert browser.get(f"{node.url}/").headers["location"] == "/sign-in"
    assert "Sign in with City" in browser.get(f"{node.url}/sign-in").text
    landed = node.sign_in(browser)
    assert (landed.status_code, landed.headers["referrer-policy"], landed.headers["cache-control"]) == (
        200,
        "no-referrer",
        "no-store",
    )
    assert node.who(browser) == Actor("Jo Jansen", "operator")
    origin = {"origin": node.url}
    assert browser.post(f"{node.url}/warnings/1/acknowledge", headers=origin).status_code == 303
    account = browser.get(f"{node.url}/account").text
    assert "Jo Jansen" in account
    assert 'name="password"' not in account
    out = browser.post(f"{node.url}/sign-out", headers=origin)
    page = browser.get(node.url + out.headers["location"]).text
    assert "Sign out of City too" in page
    assert node.who(browser) is None
    there = urlsplit(browser.get(f"{node.url}/sign-out/provider").headers["location"])
    assert (there.path, parse_qs(there.query)["post_logout_redirect_uri"]) == ("/end", [f"{node.url}/sign-in"])


def test_the_request_carries_all_that_binds_it(node: Node) -> None:
    there = node.browser().get(f"{node.url}/sign-in/provider")
    query = parse_qs(urlsplit(there.headers["location"]).query)
    assert {name: len(values) for name, values in query.items()} == dict.fromkeys(
        ("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"), 1
    )
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{node.url}/sign-in/provider/callback"]
    cookie = there.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    for secret in (query["state"][0], query["nonce"][0]):
        assert secret not in cookie


def test_another_sites_link_begins_nothing(node: Node) -> None:
    answer = node.browser().get(f"{node.url}/sign-in/provider", headers={"sec-fetch-site": "cross-site"})
    assert answer.headers["location"] == "/sign-in"


def test_a_public_client_needs_no_secret(issuer: Issuer, tmp_path: Path) -> None:
    issuer.secret = None
    with serving(issuer, tmp_path, secret_env=None) as node:
        assert node.sign_in(node.browser()).status_code == 200


def test_the_first_line_that_fits_gives_the_role_and_no_line_gives_none(node: Node, issuer: Issuer) -> None:
    issuer.claims["roles"] = ["crowd-operators", "crowd-managers", 7]
    browser = node.browser()
    node.sign_in(browser)
    assert node.who(browser) == Actor("Jo Jansen", "manager")
    for roles in (["admin"], "crowd", [], None):
        issuer.claims["roles"] = roles
        stranger = node.browser()
        answer = node.sign_in(stranger)
        assert (answer.status_code, "you have no role on this node" in answer.text) == (403, True)
        assert node.who(stranger) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda claims: claims.update(nonce="of another sign-in"), "answers another sign-in"),
        (lambda claims: claims.pop("nonce"), "lacks what an ID token holds"),
        (lambda claims: claims.update(aud="another"), "is for another application"),
        (lambda claims: claims.update(aud=["ruimte", "another"]), "was given to another application"),
        (lambda claims: claims.update(azp="another"), "was given to another application"),
        (lambda claims: claims.update(iss="https://evil.example"), "is of another issuer"),
        (lambda claims: claims.update(iss=claims["iss"] + "/"), "is of another issuer"),
        (lambda claims: claims.update(exp=time.time() - 61), "has expired"),
        (lambda claims: claims.update(exp="never"), "lacks what an ID token holds"),
        (lambda claims: claims.pop("exp"), "lacks what an ID token holds"),
        (lambda claims: claims.update(iat=time.time() - 3600), "is not of now"),
        (lambda claims: claims.update(iat=time.time() + 3600), "is not of now"),
        (lambda claims: claims.update(nbf=time.time() + 3600), "is not of now"),
        (lambda claims: claims.update(at_hash="of another token"), "does not belong to the access token"),
        (lambda claims: claims.update(sub=""), "names nobody"),
        (lambda claims: claims.pop("sub"), "lacks what an ID token holds"),
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    node: Node, issuer: Issuer, caplog: pytest.LogCaptureFixture, change: Callable[[dict[str, Any]], Any], why: str
) -> None:
    issuer.change_claims = change
    browser = node.browser()
    assert node.sign_in(browser).status_code == 502
    assert node.who(browser) is None
    assert f"the ID token {why}" in caplog.text


def test_a_token_that_the_provider_did_not_sign_is_refused(node: Node, issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    other = Issuer().key
    public = other.as_dict(private=False)
    forged = {
        without_signature: "signed in a way that is not taken",
        with_public_key_as_secret(issuer.key): "signed in a way that is not taken",
        with_header(issuer.key, crit=["x"], x=1): "signed in a way that is not taken",
        with_header(other): "is not signed by its issuer",
        with_header(other, kid="mine", jwk=public): "signed by a key that is not known",
        with_header(other, kid="mine", jku=f"{issuer.url}/mine"): "signed by a key that is not known",
    }
    for sign, why in forged.items():
        caplog.clear()
        issuer.sign = sign
        browser = node.browser()
        assert node.sign_in(browser).status_code == 502
        assert node.who(browser) is None
        assert why in caplog.text
    issuer.sign = with_header(issuer.key)
    assert node.sign_in(node.browser()).status_code == 200


def test_an_answer_works_once_and_only_in_the_browser_that_began(node: Node) -> None:
    victim, thief = node.browser(), node.browser()
    back = node.begin(victim)
    assert thief.get(back).status_code == 400
    assert node.who(thief) is None
    assert victim.get(back).status_code == 400  # and the thief's try has spent it
    back = node.begin(victim)
    assert victim.get(back).status_code == 200
    assert victim.get(back).status_code == 400


def test_a_code_of_another_sign_in_is_refused(node: Node) -> None:
    """An attacker's own code, put into a victim's sign-in: PKCE binds it to the sign-in that it was made for."""
    attacker, victim = node.browser(), node.browser()
    code = parse_qs(urlsplit(node.begin(attacker)).query)["code"][0]
    back = urlsplit(node.begin(victim))
    query = {name: values[0] for name, values in parse_qs(back.query).items()}
    answer = victim.get(f"{node.url}{back.path}", params=query | {"code": code})
    assert answer.status_code == 502
    assert node.who(victim) is None


@pytest.mark.parametrize("iss", ["https://evil.example", ""])
def test_the_answer_of_another_issuer_is_refused_before_its_code_is_used(node: Node, issuer: Issuer, iss: str) -> None:
    issuer.change_answer = lambda answer: answer.update(iss=iss)
    assert node.sign_in(node.browser()).status_code == 403
    assert len(issuer.codes) == 1


def test_a_provider_that_tells_no_issuer_with_its_answers_is_taken_as_it_is(node: Node, issuer: Issuer) -> None:
    issuer.answer_iss = False
    assert node.sign_in(node.browser()).status_code == 200


def test_a_refusal_by_the_provider_is_said_and_nothing_of_it_is_shown(node: Node, issuer: Issuer) -> None:
    def refuse(answer: dict[str, Any]) -> None:
        del answer["code"]
        answer.update(error="access_denied", error_description="<b>call 555</b>")

    issuer.change_answer = refuse
    answer = node.sign_in(node.browser())
    assert answer.status_code == 403
    assert "City did not sign you in" in answer.text
    assert "555" not in answer.text


def test_a_parameter_that_comes_twice_is_refused(node: Node) -> None:
    browser = node.browser()
    back = node.begin(browser)
    assert browser.get(back + "&state=other").status_code == 400


def test_nobody_is_sent_where_the_address_says(node: Node) -> None:
    browser = node.browser()
    for name in ("next", "return_to", "redirect_uri", "url"):
        there = browser.get(f"{node.url}/sign-in/provider", params={name: "https://evil.example"})
        assert "evil" not in there.headers["location"]
    back = node.begin(browser)
    landed = browser.get(back + "&next=https://evil.example&redirect_uri=https://evil.example")
    assert 'content="0; url=/"' in landed.text
    assert "evil" not in landed.text
    assert (
        "evil"
        not in browser.get(f"{node.url}/sign-out/provider?post_logout_redirect_uri=https://evil.example").headers["location"]
    )


def test_a_new_key_is_fetched_and_a_key_that_nobody_has_is_not_fetched_again_and_again(node: Node, issuer: Issuer) -> None:
    assert node.sign_in(node.browser()).status_code == 200
    provider = node.app.state.provider
    issuer.new_key("second")
    assert node.sign_in(node.browser()).status_code == 502  # the keys were fetched a moment ago
    keys, _ = provider._keys
    provider._keys = keys, time.monotonic() - 31
    assert node.sign_in(node.browser()).status_code == 200
    issuer.published = issuer.key
    issuer.new_key("never published")
    before = issuer.asked.count("keys")
    assert [node.sign_in(node.browser()).status_code for _ in range(3)] == [502] * 3
    assert issuer.asked.count("keys") == before


def test_other_signatures_of_the_provider_work_too(tmp_path: Path) -> None:
    with issuing(Issuer(algorithm="ES256")) as issuer:
        issuer.new_key("curve")
        issuer.claims["name"] = ""
        with serving(issuer, tmp_path) as node:
            browser = node.browser()
            assert node.sign_in(browser).status_code == 200
            assert node.who(browser) == Actor("u-1", "operator")


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.update(issuer="https://evil.example"),
        lambda told: told.update(token_endpoint="https://evil.example/token"),
        lambda told: told.update(jwks_uri=told["jwks_uri"].replace("127.0.0.1", "user@127.0.0.1")),
        lambda told: told.update(authorization_endpoint="https://evil.example/authorize"),
        lambda told: told.update(end_session_endpoint="javascript:alert(1)"),
        lambda told: told.update(code_challenge_methods_supported=["plain"]),
        lambda told: told.pop("token_endpoint"),
    ],
)
def test_a_provider_that_tells_what_cannot_be_is_not_used(node: Node, issuer: Issuer, change: Callable[[Any], Any]) -> None:
    issuer.change_metadata = change
    answer = node.browser().get(f"{node.url}/sign-in/provider")
    assert answer.status_code == 502
    assert "does not answer as it should" in answer.text


def test_keys_larger_than_keys_are_are_not_read(node: Node, issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    issuer.large = True
    assert node.sign_in(node.browser()).status_code == 502
    assert "larger than" in caplog.text


def test_a_provider_that_is_away_is_said_and_local_accounts_still_work(issuer: Issuer, tmp_path: Path) -> None:
    with issuing(Issuer()) as gone:
        pass
    with serving(gone, tmp_path) as node:
        assert node.browser().get(f"{node.url}/sign-in/provider").status_code == 502
        node.accounts.add("jo", "viewer")
        browser = node.browser()
        assert browser.get(f"{node.url}/sign-in/{node.accounts.one_time_token('jo')}").status_code == 200
        assert node.who(browser) == Actor("jo", "viewer")


def test_beginning_again_and_again_is_stopped(node: Node) -> None:
    browser = node.browser()
    codes = [browser.get(f"{node.url}/sign-in/provider").status_code for _ in range(21)]
    assert codes == [303] * 20 + [429]
