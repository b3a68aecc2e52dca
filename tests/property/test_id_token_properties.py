"""An ID token from anybody: it is refused with an error of ours, or it is the one that was signed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey

from ruimte.errors import RuimteError
from ruimte.keys.id_token import check_id_token

KEY = ECKey.generate_key("P-256", {"kid": "k"})
JWK = {**KEY.as_dict(private=False), "kid": "k"}
CLAIMS = {"iss": "https://i", "sub": "s", "aud": "c", "exp": 1300, "iat": 1000, "nonce": "n"}

texts = st.text(max_size=40)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def signed(claims: object, **header: object) -> str:
    return jws.serialize_compact({"alg": "ES256", "kid": "k", **header}, json.dumps(claims).encode(), KEY, algorithms=["ES256"])


def check(token: str, keys: list[dict[str, object]]) -> dict[str, object]:
    return check_id_token(token, keys, issuer="https://i", client_id="c", nonce="n", access_token=None, now_s=1000.0)


def test_the_token_itself_is_taken() -> None:
    assert check(signed(CLAIMS), [JWK]) == CLAIMS


@given(st.text(max_size=200))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(RuimteError):
        check(text, [JWK])


@given(st.integers(0, 10_000), st.characters())
def test_a_token_of_which_one_letter_was_changed_is_refused(where: int, letter: str) -> None:
    token = signed(CLAIMS)
    where %= token.rindex(".")  # within the signature the last letter holds bits that mean nothing
    changed = token[:where] + letter + token[where + 1 :]
    if changed != token:
        with pytest.raises(RuimteError):
            check(changed, [JWK])


@given(st.sampled_from(sorted(CLAIMS)), values)
def test_a_claim_that_is_anything_else_is_refused_or_harmless(name: str, value: object) -> None:
    try:
        told = check(signed(CLAIMS | {name: value}), [JWK])
    except RuimteError:
        return
    assert name in ("exp", "iat", "sub", "aud") or value == CLAIMS[name]
    assert {key: told[key] for key in ("iss", "nonce")} == {"iss": "https://i", "nonce": "n"}


@given(st.lists(st.dictionaries(st.sampled_from(["kty", "kid", "crv", "x", "y", "use", "alg", "n", "e"]), values), max_size=4))
def test_keys_that_are_none_open_nothing_and_hide_no_key(others: list[dict[str, object]]) -> None:
    with pytest.raises(RuimteError):
        check(signed(CLAIMS), others)
    assert check(signed(CLAIMS), [*others, JWK]) == CLAIMS
