"""Anything at the door of partners: it is refused with an error of ours, or it is what the party signed."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partners import BASE, NOW_S, POLICE, PartnerNode
from ruimte.errors import RuimteError
from ruimte.jobs.identity import IdentityError
from ruimte.keys.client_assertion import KIND, check_assertion
from ruimte.keys.dpop import check_proof, make_proof, normal, token_hash
from ruimte.keys.signature import generate, private_jwk

PAIR = generate()
KEY = private_jwk(PAIR.private)
ISSUER = f"{BASE}/share/v1"
URL = f"{ISSUER}/state"
ASSERTION = {"iss": POLICE, "sub": POLICE, "aud": ISSUER, "jti": "a", "iat": int(NOW_S), "exp": int(NOW_S) + 60}
PROOF = {"jti": "a", "htm": "GET", "htu": URL, "iat": int(NOW_S), "nonce": "n", "ath": token_hash("t")}
PROOF_HEADER = {"typ": "dpop+jwt", "alg": "Ed25519", "jwk": KEY.as_dict(private=False)}

texts = st.text(max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def by_hand(header: Any, claims: Any) -> str:
    first, second = (base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, claims))
    signature = KEY.get_op_key("sign").sign(first + b"." + second)
    return b".".join([first, second, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def assertion(text: str) -> Any:
    return check_assertion(text, [PAIR.public], audiences=(ISSUER,), now_s=NOW_S)


def proof(text: str) -> Any:
    return check_proof(text, method="GET", url=URL, now_s=NOW_S, nonces=("n",), access_token="t")


@pytest.fixture(scope="module")
def node() -> Iterator[PartnerNode]:
    with tempfile.TemporaryDirectory() as folder:
        yield PartnerNode(Path(folder))


def test_the_ones_that_are_changed_here_hold() -> None:
    assert assertion(by_hand({"alg": "Ed25519"}, ASSERTION)).party == POLICE
    assert proof(by_hand(PROOF_HEADER, PROOF)).id == "a"


@given(texts | st.from_regex(r"[\w-]{0,40}(\.[\w-]{0,40}){0,4}", fullmatch=True))
def test_any_text_is_refused(text: str) -> None:
    for check in (assertion, proof):
        with pytest.raises(RuimteError):
            check(text)


@given(values, values)
def test_any_header_and_claims_are_refused(header: Any, claims: Any) -> None:
    for check in (assertion, proof):
        with pytest.raises(RuimteError):
            check(by_hand(header, claims))


@given(st.sampled_from(sorted(ASSERTION)), values)
def test_an_assertion_of_which_a_claim_is_anything_else_is_refused_or_says_the_same(name: str, value: Any) -> None:
    try:
        said = assertion(by_hand({"alg": "Ed25519"}, ASSERTION | {name: value}))
    except RuimteError:
        return
    assert said.party == POLICE
    assert said.expires_s <= NOW_S + 360


@given(st.sampled_from(["typ", "alg", "jwk", "crit", "b64", "kid", "jku", "x5c"]), values)
def test_a_proof_of_which_the_header_is_anything_else_is_refused_or_proves_the_same_key(name: str, value: Any) -> None:
    try:
        said = proof(by_hand(PROOF_HEADER | {name: value}, PROOF))
    except RuimteError:
        return
    assert said.key_id == KEY.thumbprint()


@given(st.sampled_from(sorted(PROOF)), values)
def test_a_proof_of_which_a_claim_is_anything_else_is_refused_or_proves_the_same(name: str, value: Any) -> None:
    try:
        said = proof(by_hand(PROOF_HEADER, PROOF | {name: value}))
    except RuimteError:
        return
    assert said.key_id == KEY.thumbprint()
    assert name in ("jti", "iat") or value == PROOF[name]


@given(st.integers(0, 5000), st.characters())
def test_a_token_of_which_a_letter_was_changed_is_refused(where: int, letter: str) -> None:
    for made, check in ((by_hand({"alg": "Ed25519"}, ASSERTION), assertion), (by_hand(PROOF_HEADER, PROOF), proof)):
        place = where % made.rindex(".")  # within the signature the last letter holds bits that mean nothing
        changed = made[:place] + letter + made[place + 1 :]
        if changed != made:
            with pytest.raises(RuimteError):
                check(changed)


@given(st.text(max_size=60))
def test_an_address_is_written_in_one_way(text: str) -> None:
    for url in (text, f"https://h/{text}", f"https://{text}/a", f"https://h/{quote(text)}"):
        meant = normal(url)
        assert meant is None or (meant.isascii() and normal(meant) == meant)


@given(
    st.dictionaries(
        st.sampled_from(["grant_type", "client_assertion_type", "client_assertion", "scope", "client_id"]),
        texts | st.sampled_from(["client_credentials", KIND, "event-safety", POLICE]),
    )
)
@settings(max_examples=60)
def test_any_form_is_refused_as_oauth_has_it(node: PartnerNode, form: dict[str, str]) -> None:
    proven = make_proof(KEY, "POST", f"{ISSUER}/token", at_s=int(NOW_S), nonce=node.identity.nonce())
    with pytest.raises(IdentityError) as found:
        node.identity.token(form, proof=proven, url=f"{ISSUER}/token", issuer=ISSUER)
    assert found.value.status in (400, 401)


@given(st.none() | texts | st.from_regex(r"(DPoP|Bearer) [\w.]{0,60}", fullmatch=True), st.none() | texts)
@settings(max_examples=60)
def test_any_headers_prove_nobody(node: PartnerNode, authorization: str | None, dpop: str | None) -> None:
    with pytest.raises(IdentityError) as found:
        node.identity.check(authorization, dpop, "GET", URL, issuer=ISSUER)
    assert found.value.at_resource() in (400, 401)
