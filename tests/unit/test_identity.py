"""Attacks on the door of partners: what was overheard, stolen, forged or taken back opens nothing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from partners import BASE, CITY, NOW_S, POLICE, PartnerNode
from ruimte.errors import RuimteError
from ruimte.jobs import nonces
from ruimte.jobs.identity import IdentityError
from ruimte.keys import client_assertion
from ruimte.keys.access_token import Confirmation, make_token
from ruimte.keys.client_assertion import KIND, make_assertion
from ruimte.keys.dpop import make_proof
from ruimte.keys.signature import KeyPair, generate, key_id, private_jwk

ISSUER = f"{BASE}/share/v1"
TOKEN = f"{ISSUER}/token"
WHO = f"{ISSUER}/who"
PROOF_KEY = private_jwk(generate().private)
CERTIFICATE = hashlib.sha256(b"a certificate").digest()


@pytest.fixture
def node(tmp_path: Path) -> PartnerNode:
    return PartnerNode(tmp_path)


def by_hand(claims: dict[str, Any], pair: KeyPair, **header: Any) -> str:
    """A token with any claims (None leaves one out) and header, rightly signed."""
    told = {name: value for name, value in claims.items() if value is not None}
    first, second = (
        base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in ({"alg": "Ed25519"} | header, told)
    )
    signature = private_jwk(pair.private).get_op_key("sign").sign(first + b"." + second)
    return b".".join([first, second, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def form(node: PartnerNode, **other: Any) -> dict[str, str]:
    assertion = make_assertion(POLICE, node.police, ISSUER, at_s=int(node.time.now_s))
    given = {
        "grant_type": "client_credentials",
        "client_assertion_type": KIND,
        "client_assertion": assertion,
        "scope": "event-safety",
    } | other
    return {name: value for name, value in given.items() if value is not None}


def proof(node: PartnerNode, method: str = "POST", url: str = TOKEN, token: str | None = None, key: Any = PROOF_KEY) -> str:
    return make_proof(key, method, url, at_s=int(node.time.now_s), nonce=node.identity.nonce(), access_token=token)


def token(node: PartnerNode, **other: Any) -> str:
    return node.identity.token(form(node, **other), proof=proof(node), url=TOKEN, issuer=ISSUER).access_token


def check(node: PartnerNode, token: str, **other: Any) -> Any:
    """Ask with a token and a fresh proof, or with what is given in their place."""
    given: dict[str, Any] = {"authorization": f"DPoP {token}", "method": "GET", "url": WHO, "issuer": ISSUER}
    given |= {"dpop": other["dpop"] if "dpop" in other else proof(node, "GET", WHO, token)} | other
    return node.identity.check(**given)


def refused(code: str, work: Callable[[], object]) -> IdentityError:
    with pytest.raises(IdentityError) as found:
        work()
    assert found.value.code == code, str(found.value)
    return found.value


def asking(node: PartnerNode, assertion: str) -> Callable[[], object]:
    return lambda: node.identity.token(form(node, client_assertion=assertion), proof=proof(node), url=TOKEN, issuer=ISSUER)


# asking for a token


def test_a_token_says_who_asks_for_what(node: PartnerNode) -> None:
    who = check(node, token(node))
    assert who == (POLICE, "event-safety", key_id(node.police.public))


def test_an_assertion_is_good_once_also_after_a_restart_and_with_another_proof(node: PartnerNode) -> None:
    assertion = make_assertion(POLICE, node.police, ISSUER, at_s=int(NOW_S))
    asking(node, assertion)()
    refused("invalid_client", asking(node, assertion))
    node.start()
    refused("invalid_client", asking(node, assertion))


def test_a_proof_is_good_once_and_not_after_a_restart(node: PartnerNode) -> None:
    used = proof(node)
    ask = lambda: node.identity.token(form(node), proof=used, url=TOKEN, issuer=ISSUER)  # noqa: E731
    ask()
    assert "before" in refused("invalid_dpop_proof", ask).what
    node.start()
    refused("use_dpop_nonce", ask)


CLAIMS = {"iss": POLICE, "sub": POLICE, "aud": ISSUER, "jti": "number", "iat": int(NOW_S), "exp": int(NOW_S) + 60}


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"aud": "https://other.example.org/share/v1"}, {}),
        ({"aud": [ISSUER, "https://other.example.org/share/v1"]}, {}),
        ({"aud": ISSUER + "/"}, {}),
        ({"aud": []}, {}),
        ({"aud": None}, {}),
        ({"iss": CITY}, {}),
        ({"sub": CITY}, {}),
        ({"iss": CITY, "sub": CITY}, {}),
        ({"iss": "", "sub": ""}, {}),
        ({"iss": POLICE + "\n", "sub": POLICE + "\n"}, {}),
        ({"iss": "urn:é", "sub": "urn:é"}, {}),
        ({"iss": "u" * 256, "sub": "u" * 256}, {}),
        ({"exp": int(NOW_S) - 60}, {}),
        ({"exp": int(NOW_S) + 301}, {}),
        ({"exp": int(NOW_S) + 3600, "iat": None}, {}),
        ({"exp": None}, {}),
        ({"exp": 10**400}, {}),
        ({"exp": "soon"}, {}),
        ({"iat": int(NOW_S) + 61, "exp": int(NOW_S) + 90}, {}),
        ({"nbf": int(NOW_S) + 61}, {}),
        ({"iat": int(NOW_S) - 290, "exp": int(NOW_S) + 60}, {}),
        ({"jti": None}, {}),
        ({"jti": ""}, {}),
        ({"jti": "x" * 200}, {}),
        ({}, {"alg": "none"}),
        ({}, {"alg": "HS256"}),
        ({}, {"alg": "ES256"}),
        ({}, {"typ": "at+jwt"}),
        ({}, {"typ": "dpop+jwt"}),
        ({}, {"crit": ["iss"]}),
        ({}, {"kid": "another"}),
    ],
    ids=str,
)
def test_an_assertion_for_something_else_is_refused(node: PartnerNode, claims: dict[str, Any], header: dict[str, Any]) -> None:
    asking(node, by_hand(CLAIMS, node.police))()
    refused("invalid_client", asking(node, by_hand(CLAIMS | {"jti": "another"} | claims, node.police, **header)))


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"aud": TOKEN}, {}),
        ({"aud": [ISSUER]}, {}),
        ({"iat": None}, {}),
        ({"exp": int(NOW_S) - 59}, {}),
        ({}, {"alg": "EdDSA"}),
        ({}, {"typ": "JWT"}),
    ],
    ids=str,
)
def test_an_assertion_may_be_written_in_other_ways(node: PartnerNode, claims: dict[str, Any], header: dict[str, Any]) -> None:
    asking(node, by_hand(CLAIMS | claims, node.police, **header))()


@pytest.mark.parametrize("text", ["", "a.b.c", "..", "a" * 5000, "é.é.é", "e30.e30.", "e30.e30.e30", "W10.W10.W10"])
def test_what_is_no_assertion_is_refused(node: PartnerNode, text: str) -> None:
    refused("invalid_client", asking(node, text))


def test_an_answer_does_not_tell_which_parties_exist(node: PartnerNode, monkeypatch: pytest.MonkeyPatch) -> None:
    checks: list[str] = []

    def counted(*given: Any) -> Any:
        checks.append("one")
        return verify(*given)

    verify = client_assertion.verify
    monkeypatch.setattr(client_assertion, "verify", counted)
    mallory = generate()
    at_s = int(NOW_S)
    said = []
    for party, keys in ((POLICE, mallory), ("urn:nobody", mallory), (POLICE, node.police._replace(private=mallory.private))):
        checks.clear()
        error = refused("invalid_client", asking(node, make_assertion(party, keys, ISSUER, at_s=at_s)))
        said.append((str(error), len(checks)))
    assert len(set(said)) == 1
    assert said[0][1] == 1


def test_the_key_that_stands_in_for_those_of_nobody_opens_nothing(node: PartnerNode) -> None:
    published = KeyPair("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", client_assertion._NOBODY)  # RFC 8037, appendix A
    refused("invalid_client", asking(node, make_assertion("urn:nobody", published, ISSUER, at_s=int(NOW_S))))
    refused("invalid_client", asking(node, make_assertion(POLICE, published, ISSUER, at_s=int(NOW_S))))


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("unsupported_grant_type", {"grant_type": "password"}),
        ("unsupported_grant_type", {"grant_type": None}),
        ("invalid_client", {"client_assertion_type": "urn:other"}),
        ("invalid_client", {"client_assertion": None}),
        ("invalid_client", {"client_id": CITY}),
        ("invalid_scope", {"scope": None}),
        ("invalid_scope", {"scope": "two purposes"}),
        ("invalid_scope", {"scope": "Event"}),
        ("invalid_scope", {"scope": "event\n"}),
        ("invalid_scope", {"scope": "a" * 65}),
    ],
)
def test_a_form_that_asks_for_something_else_is_refused(node: PartnerNode, code: str, fields: dict[str, Any]) -> None:
    refused(code, lambda: token(node, **fields))


def test_a_token_is_bound_to_something(node: PartnerNode) -> None:
    refused("invalid_dpop_proof", lambda: node.identity.token(form(node), proof=None, url=TOKEN, issuer=ISSUER))
    elsewhere = proof(node, "POST", TOKEN.replace("org", "net"))
    refused("invalid_dpop_proof", lambda: node.identity.token(form(node), proof=elsewhere, url=TOKEN, issuer=ISSUER))


def test_where_it_cannot_be_noted_that_an_assertion_was_used_no_token_is_given(node: PartnerNode) -> None:
    node.identity._spent.close()
    error = refused("temporarily_unavailable", lambda: token(node))
    assert error.status == 503
    assert str(node.path) not in str(error)


# asking with a token


def test_a_stolen_token_opens_nothing(node: PartnerNode) -> None:
    stolen = token(node)
    own = private_jwk(generate().private)
    refused("invalid_token", lambda: check(node, stolen, dpop=proof(node, "GET", WHO, stolen, own)))
    refused("invalid_token", lambda: check(node, stolen, dpop=None))
    refused("invalid_token", lambda: check(node, stolen, authorization=f"Bearer {stolen}"))
    refused("invalid_token", lambda: check(node, stolen, authorization=f"Bearer {stolen}", certificate=CERTIFICATE))
    check(node, stolen)


def test_an_overheard_proof_opens_nothing_else(node: PartnerNode) -> None:
    first, second = token(node), token(node)
    overheard = proof(node, "GET", WHO, first)
    check(node, first, dpop=overheard)
    refused("invalid_dpop_proof", lambda: check(node, first, dpop=overheard))
    for method, url, given in (("POST", WHO, first), ("GET", TOKEN, first), ("GET", WHO, second), ("GET", WHO, None)):
        other = proof(node, method, url, given)
        refused("invalid_dpop_proof", lambda other=other: check(node, first, dpop=other))


def test_a_proof_with_an_old_nonce_is_asked_for_anew_and_its_number_stays_spent(node: PartnerNode) -> None:
    given = token(node)
    used = proof(node, "GET", WHO, given)
    check(node, given, dpop=used)
    node.time.pass_s(nonces.WINDOW_S)
    refused("invalid_dpop_proof", lambda: check(node, given, dpop=used))
    node.time.pass_s(nonces.WINDOW_S)
    refused("use_dpop_nonce", lambda: check(node, given, dpop=used))
    check(node, given)


def test_only_parties_take_room_where_used_proofs_are_kept(node: PartnerNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces, "MOST", 3)
    given, thief = token(node), private_jwk(generate().private)
    for _ in range(5):
        refused("invalid_client", asking(node, "a.b.c"))
        refused("invalid_token", lambda: check(node, given, dpop=proof(node, "GET", WHO, given, thief)))
    check(node, given)
    check(node, given)
    refused("temporarily_unavailable", lambda: check(node, given))
    node.time.pass_s(nonces.WINDOW_S)
    check(node, given)


def test_a_token_of_another_node_or_for_another_address_opens_nothing(node: PartnerNode, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = PartnerNode(tmp_path / "other")
    other.keys[POLICE] = [node.police.public]
    other.police = node.police
    refused("invalid_token", lambda: check(node, token(other)))
    mine = token(node)
    elsewhere = "https://other.example.org/share/v1"
    refused("invalid_token", lambda: check(node, mine, issuer=elsewhere, url=f"{elsewhere}/who"))


def test_a_token_holds_for_five_minutes(node: PartnerNode) -> None:
    given = token(node)
    node.time.pass_s(299)
    check(node, given)
    node.time.pass_s(1)
    assert "expired" in refused("invalid_token", lambda: check(node, given)).what


def test_a_clock_that_is_set_back_revives_nothing(node: PartnerNode) -> None:
    given, before = token(node), make_assertion(POLICE, node.police, ISSUER, at_s=int(NOW_S))
    node.time.pass_s(400)
    token(node)
    node.time.now_s -= 400
    assert "expired" in refused("invalid_token", lambda: check(node, given)).what
    refused("invalid_client", asking(node, before))  # nobody used it, but the party has made another since


def test_a_clock_that_is_set_back_before_a_restart_makes_no_replay_possible(node: PartnerNode) -> None:
    assertion = make_assertion(POLICE, node.police, ISSUER, at_s=int(NOW_S))
    given = node.identity.token(form(node, client_assertion=assertion), proof=(used := proof(node)), url=TOKEN, issuer=ISSUER)
    node.time.pass_s(1000)
    token(node)
    node.time.now_s -= 1000
    node.start()
    refused("invalid_client", asking(node, assertion))
    refused("use_dpop_nonce", lambda: node.identity.token(form(node), proof=used, url=TOKEN, issuer=ISSUER))
    refused("invalid_token", lambda: check(node, given.access_token))


@pytest.mark.parametrize("at_start", [True, False])
def test_a_clock_that_was_fast_and_is_put_right_locks_nobody_out(node: PartnerNode, at_start: bool) -> None:
    token(node)
    if at_start:
        node.time.now_s += 86_400 * 365
        node.start()
        node.time.now_s -= 86_400 * 365
    node.time.now_s += 86_400 * 365
    refused("invalid_client", lambda: token(node, client_assertion=make_assertion(POLICE, node.police, ISSUER, at_s=int(NOW_S))))
    node.time.now_s -= 86_400 * 365
    check(node, token(node))


def test_revoking_and_replacing_keys_act_on_the_next_request(node: PartnerNode) -> None:
    given, new = token(node), generate()
    check(node, given)
    node.keys[POLICE] = [new.public, node.police.public]  # while a key is replaced there are two
    check(node, given)
    renewed = token(node, client_assertion=make_assertion(POLICE, new, ISSUER, at_s=int(NOW_S)))
    node.keys[POLICE] = [new.public]
    assert "in force" in refused("invalid_token", lambda: check(node, given)).what
    refused("invalid_client", lambda: token(node))
    check(node, renewed)
    del node.keys[POLICE]
    refused("invalid_token", lambda: check(node, renewed))
    refused("invalid_client", lambda: token(node))


def test_another_partys_key_does_not_help(node: PartnerNode) -> None:
    city = generate()
    node.keys[CITY] = [city.public]
    refused("invalid_client", asking(node, make_assertion(POLICE, city, ISSUER, at_s=int(NOW_S))))
    given = token(node)
    node.keys[POLICE] = [city.public]
    refused("invalid_token", lambda: check(node, given))


@pytest.mark.parametrize("text", ["", "DPoP", "DPoP ", "Basic YTpi", "DPoP a b", "DPoP é", "DPoP " + "a" * 5000, "DPoP a,DPoP b"])
def test_what_is_no_token_is_a_bad_request(node: PartnerNode, text: str) -> None:
    refused("invalid_request", lambda: check(node, "x", authorization=text))


def test_no_token_and_forged_tokens_prove_nobody(node: PartnerNode) -> None:
    refused("invalid_token", lambda: check(node, "x", authorization=None))
    mallory = generate()
    claims = {
        "issuer": ISSUER,
        "party": POLICE,
        "purpose": "event-safety",
        "cnf": Confirmation(jkt=PROOF_KEY.thumbprint()),
        "client_key": key_id(node.police.public),
        "at_s": int(NOW_S),
        "run": node.identity._run,
        "run_ms": 0,
    }
    check(node, make_token(node.pair, **claims))
    for forged in (
        make_token(mallory, **claims),
        make_token(KeyPair(mallory.private, node.pair.public), **claims),
        by_hand({}, node.pair, typ="at+jwt", kid=key_id(node.pair.public)),
        by_hand(CLAIMS, node.pair, typ="JWT"),
        make_proof(private_jwk(node.pair.private), "GET", WHO, at_s=int(NOW_S)),
    ):
        refused("invalid_token", lambda forged=forged: check(node, forged))
    with pytest.raises(RuimteError):
        make_token(KeyPair("no key", "no key"), **claims)


def test_a_token_bound_to_a_certificate_opens_with_that_only(node: PartnerNode) -> None:
    given = node.identity.token(form(node), proof=None, url=TOKEN, issuer=ISSUER, certificate=CERTIFICATE)
    assert given.token_type == "Bearer"
    bearer = {"authorization": f"Bearer {given.access_token}", "dpop": None}
    assert check(node, given.access_token, certificate=CERTIFICATE, **bearer).party == POLICE
    other = hashlib.sha256(b"another").digest()
    refused("invalid_token", lambda: check(node, given.access_token, certificate=other, **bearer))
    refused("invalid_token", lambda: check(node, given.access_token, certificate=None, **bearer))
    refused("invalid_token", lambda: check(node, given.access_token))


def test_a_check_costs_little(node: PartnerNode) -> None:
    given = token(node)
    proofs = [proof(node, "GET", WHO, given) for _ in range(100)]
    began = time.process_time()
    for each in proofs:
        check(node, given, dpop=each)
    assert (time.process_time() - began) / 100 < 0.002  # s of CPU: four times the goal, for busy machines


# over HTTP


def over_http(node: PartnerNode, work: Callable[[httpx.AsyncClient], Coroutine[Any, Any, None]], base: str = BASE) -> None:
    async def whole() -> None:
        async with node.http(base) as http:
            await work(http)

    asyncio.run(whole())


def test_an_answer_of_the_endpoint_is_as_oauth_has_it(node: PartnerNode) -> None:
    async def work(http: httpx.AsyncClient) -> None:
        given = await http.post("/share/v1/token", data=form(node), headers={"dpop": proof(node)})
        assert given.status_code == 200
        assert given.headers["cache-control"] == "no-store"
        assert given.headers["dpop-nonce"] == node.identity.nonce()
        told = given.json()
        assert (told["token_type"], told["expires_in"], told["scope"]) == ("DPoP", 300, "event-safety")
        claims = json.loads(base64.urlsafe_b64decode(told["access_token"].split(".")[1] + "=="))
        assert claims["exp"] - claims["iat"] == 300
        assert (claims["iss"], claims["aud"], claims["sub"], claims["client_id"]) == (ISSUER, ISSUER, POLICE, POLICE)
        assert claims["cnf"] == {"jkt": PROOF_KEY.thumbprint()}

        without = await http.post(
            "/share/v1/token", data=form(node), headers={"dpop": make_proof(PROOF_KEY, "POST", TOKEN, at_s=1)}
        )
        assert (without.status_code, without.json()["error"]) == (400, "use_dpop_nonce")
        assert without.headers["dpop-nonce"] == node.identity.nonce()

        nobody = await http.post("/share/v1/token", data=form(node, client_assertion="a.b.c"), headers={"dpop": proof(node)})
        assert (nobody.status_code, nobody.json()["error"]) == (401, "invalid_client")
        assert re.fullmatch(r"[\x20\x21\x23-\x5b\x5d-\x7e]+", nobody.json()["error_description"])

    over_http(node, work)


def test_a_request_that_proves_nobody_is_told_how_to(node: PartnerNode) -> None:
    async def work(http: httpx.AsyncClient) -> None:
        bare = await http.get("/share/v1/who")
        assert (bare.status_code, bare.headers["www-authenticate"]) == (401, 'DPoP algs="Ed25519 EdDSA ES256"')
        given = token(node)
        headers = {
            "authorization": f"DPoP {given}",
            "dpop": make_proof(PROOF_KEY, "GET", WHO, at_s=int(NOW_S), access_token=given),
        }
        late = await http.get("/share/v1/who", headers=headers)
        assert late.status_code == 401
        assert 'error="use_dpop_nonce"' in late.headers["www-authenticate"]
        assert late.headers["dpop-nonce"] == node.identity.nonce()
        wrong = await http.get("/share/v1/who", headers={**headers, "dpop": proof(node, "POST", WHO, given)})
        assert wrong.status_code == 401
        assert (
            'DPoP error="invalid_dpop_proof", error_description="DPoP: is for another method' in wrong.headers["www-authenticate"]
        )

    over_http(node, work)


@pytest.mark.parametrize("name", ["DPoP", "Authorization"])
def test_a_header_that_comes_twice_is_refused(node: PartnerNode, name: str) -> None:
    async def work(http: httpx.AsyncClient) -> None:
        given = token(node)
        headers = [("authorization", f"DPoP {given}"), ("dpop", proof(node, "GET", WHO, given))]
        twice = await http.get("/share/v1/who", headers=[*headers, *(each for each in headers if each[0] == name.lower())])
        assert twice.status_code in (400, 401)
        assert "twice" in twice.json()["detail"]
        assert (await http.get("/share/v1/who", headers=headers)).status_code == 200

    over_http(node, work)


@pytest.mark.parametrize(
    ("status", "given"),
    [
        (400, {"content": "{}", "headers": {"content-type": "application/json"}}),
        (400, {"content": "grant_type=client_credentials&grant_type=client_credentials"}),
        (400, {"content": "scope=a&scope=b&" + "x=y&" * 5}),
        (400, {"content": "&".join(f"a{n}=b" for n in range(40))}),
        (400, {"content": b"scope=%FF\xff"}),
        (400, {"content": "scope=a", "headers": {"authorization": "Basic YTpi"}}),
        (413, {"content": "a=" + "b" * 20_000}),
    ],
)
def test_a_form_that_is_none_is_refused(node: PartnerNode, status: int, given: dict[str, Any]) -> None:
    async def work(http: httpx.AsyncClient) -> None:
        headers = {"content-type": "application/x-www-form-urlencoded"} | given.pop("headers", {})
        answer = await http.post("/share/v1/token", headers=headers, **given)
        assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")

    over_http(node, work)


def test_who_fails_too_often_is_not_listened_to_and_others_are(node: PartnerNode) -> None:
    async def guess(http: httpx.AsyncClient) -> httpx.Response:
        return await http.post("/share/v1/token", data=form(node, client_assertion="a.b.c"), headers={"dpop": proof(node)})

    async def work(http: httpx.AsyncClient) -> None:
        assert [(await guess(http)).status_code for _ in range(30)] == [401] * 30
        late = await guess(http)
        assert (late.status_code, late.headers["retry-after"]) == (429, "60")
        assert (await http.get("/share/v1/who", headers={"authorization": "DPoP a.b.c"})).status_code == 429
        async with node.http(client=("198.51.100.9", 1)) as other:
            assert (await guess(other)).status_code == 401

    over_http(node, work)


def test_an_address_may_be_written_in_other_ways_that_mean_the_same(node: PartnerNode) -> None:
    async def work(http: httpx.AsyncClient) -> None:
        given = token(node)
        for path, asked in (("/share/v1/who", WHO), ("/share/v1/who?zones=a%2Fb", WHO), ("/share/v1/%77ho", WHO)):
            headers = {"authorization": f"DPoP {given}", "dpop": proof(node, "GET", asked, given)}
            assert (await http.get(path, headers=headers)).status_code == 200

    over_http(node, work)


def test_without_a_base_url_only_the_address_it_listens_on_is_the_nodes(tmp_path: Path) -> None:
    node = PartnerNode(tmp_path, base_url="")
    here = "http://127.0.0.1:8000"

    async def work(http: httpx.AsyncClient) -> None:
        told = await http.get("/share/v1/.well-known/oauth-authorization-server")
        assert told.json()["issuer"] == f"{here}/share/v1"
        for host in ("127.0.0.1:8001", "10.0.0.1:8000", "evil.example", "u@127.0.0.1:8000", "127.0.0.1:x", ""):
            answer = await http.post("/share/v1/token", data=form(node), headers={"dpop": proof(node), "host": host})
            assert answer.status_code == 421, host

    over_http(node, work, here)


def test_programs_can_read_about_tokens(node: PartnerNode) -> None:
    async def work(http: httpx.AsyncClient) -> None:
        told = (await http.get("/share/v1/.well-known/oauth-authorization-server", headers={"host": "any"})).json()
        assert told["issuer"] == ISSUER
        assert told["token_endpoint"] == TOKEN
        assert told["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
        assert told["tls_client_certificate_bound_access_tokens"] is False
        keys = (await http.get(told["jwks_uri"])).json()["keys"]
        assert [(key["x"], key["kid"]) for key in keys] == [(node.pair.public, key_id(node.pair.public))]
        assert all("d" not in key for key in keys)

    over_http(node, work)


def test_a_certificate_counts_only_from_a_proxy_on_this_machine(tmp_path: Path) -> None:
    node = PartnerNode(tmp_path, certificate_header="Client-Cert")
    der = b"a certificate"
    shown = {"client-cert": f":{base64.b64encode(der).decode()}:"}

    async def whole() -> None:
        async with node.http(client=("127.0.0.1", 1)) as proxy, node.http() as anybody:
            given = (await proxy.post("/share/v1/token", data=form(node), headers=shown)).json()
            assert given["token_type"] == "Bearer"
            bearer = {"authorization": f"Bearer {given['access_token']}"}
            assert (await proxy.get("/share/v1/who", headers={**bearer, **shown})).status_code == 200
            twice = [*bearer.items(), *shown.items(), *shown.items()]
            assert (await proxy.get("/share/v1/who", headers=twice)).status_code == 401
            refusal = await proxy.get("/share/v1/who", headers=bearer)
            assert (refusal.status_code, "Bearer error=" in refusal.headers["www-authenticate"]) == (401, True)
            assert (await anybody.get("/share/v1/who", headers={**bearer, **shown})).status_code == 401
            assert (await anybody.post("/share/v1/token", data=form(node), headers=shown)).status_code == 400

    asyncio.run(whole())
