"""Signed messages: what was signed comes out, what was changed or sent before does not."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey

from ruimte.errors import RuimteError
from ruimte.keys.signature import LAST_SEQUENCE, KeyPair, generate, key_id, sign, verify
from ruimte.store.sequences import accept_sequence
from ruimte.store.sqlite import Store

PAIR = KeyPair(  # RFC 8037, appendix A.1
    private="nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", public="11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
)
OTHER = generate()
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def jwk(pair: KeyPair) -> OKPKey:
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": pair.public, "d": pair.private})


def by_hand(header: dict[str, object], payload: bytes, pair: KeyPair = PAIR) -> str:
    """A token with any header, signed rightly."""
    first, second = (base64.urlsafe_b64encode(part).rstrip(b"=") for part in (json.dumps(header).encode(), payload))
    signature = jwk(pair).get_op_key("sign").sign(first + b"." + second)
    return b".".join([first, second, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_pairs_differ_and_fit() -> None:
    assert len({generate() for _ in range(10)}) == 10
    assert jwk(OTHER).as_dict(private=False)["x"] == OTHER.public
    assert key_id(OTHER.public) == jwk(OTHER).thumbprint()


@given(st.binary(max_size=300), st.integers(0, LAST_SEQUENCE), st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_was_signed_comes_out(payload: bytes, sequence: int, detached: bool) -> None:
    token = sign(payload, PAIR.private, sequence, detached=detached)
    assert (b".." in token.encode()) == (detached or payload == b"")
    if detached or payload:
        assert verify(token, PAIR.public, payload if detached else None) == (payload, sequence, key_id(PAIR.public))


@given(st.binary(min_size=1, max_size=60), st.data())
@settings(max_examples=200, deadline=None)
def test_any_change_is_refused(payload: bytes, data: st.DataObject) -> None:
    token = sign(payload, PAIR.private, 7)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from(ALPHABET + ".=+/ \n\x00é"))
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(RuimteError):
            verify(changed, PAIR.public)
    for longer in (token + "\n", token + "=", token + "A", " " + token, token[:-1], token.replace(".", "..", 1)):
        with pytest.raises(RuimteError):
            verify(longer, PAIR.public)


def test_the_last_letter_of_a_signature_can_be_written_in_one_way_only() -> None:
    token = sign(b"{}", PAIR.private, 7)
    right = [letter for letter in ALPHABET if _verifies(token[:-1] + letter)]
    assert right == [token[-1]]


def _verifies(token: str) -> bool:
    try:
        verify(token, PAIR.public)
    except RuimteError:
        return False
    return True


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
@settings(max_examples=200, deadline=None)
def test_what_is_no_token_is_one_line(token: bytes | str) -> None:
    with pytest.raises(RuimteError, match="is not a signed message"):
        verify(token, PAIR.public)


def test_another_library_reads_what_was_signed_and_the_other_way_round() -> None:
    token = sign(b"3 persons", PAIR.private, 5)
    registry = jws.JWSRegistry(algorithms=["Ed25519"], strict_check_header=False)
    assert jws.deserialize_compact(token, jwk(PAIR), registry=registry).payload == b"3 persons"
    theirs = jws.serialize_compact({"alg": "Ed25519", "kid": key_id(PAIR.public), "seq": 6}, "4", jwk(PAIR), registry=registry)
    assert verify(theirs, PAIR.public).payload == b"4"


def test_a_payload_beside_a_token_is_signed_as_it_is_and_another_library_checks_it() -> None:
    body = b'{"people": "3 > 2?"}\xff'
    token = sign(body, PAIR.private, 5, detached=True)
    registry = jws.JWSRegistry(algorithms=["Ed25519"], strict_check_header=False)
    assert jws.deserialize_compact(token, jwk(PAIR), registry=registry, payload=body).payload == body
    head, _, signature = token.split(".")
    Ed25519PublicKey.from_public_bytes(unpadded(PAIR.public)).verify(unpadded(signature), head.encode() + b"." + body)


def test_a_payload_beside_a_token_may_be_signed_in_base64url_too() -> None:
    head, _, signature = by_hand(GOOD, b"4").split(".")
    assert verify(f"{head}..{signature}", PAIR.public, b"4") == (b"4", 6, key_id(PAIR.public))


@pytest.mark.parametrize(
    "change", [{"b64": False}, {"crit": ["b64"]}, {"b64": True, "crit": ["b64"]}, {"b64": False, "crit": ["exp"]}]
)
def test_a_header_says_in_one_way_how_the_payload_was_signed(change: dict[str, object]) -> None:
    head, _, signature = by_hand({**GOOD, **change}, b"4").split(".")
    with pytest.raises(RuimteError, match="header"):
        verify(f"{head}..{signature}", PAIR.public, b"4")


def test_the_older_name_of_the_algorithm_is_known() -> None:
    token = by_hand({"alg": "EdDSA", "kid": key_id(PAIR.public), "seq": 6, "typ": "JWS"}, b"4")
    assert verify(token.encode(), PAIR.public) == (b"4", 6, key_id(PAIR.public))


GOOD = {"alg": "Ed25519", "kid": key_id(PAIR.public), "seq": 6}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"alg": "none"}, "header"),
        ({"alg": "HS256"}, "header"),
        ({"seq": -1}, "header"),
        ({"seq": 2**63}, "header"),
        ({"seq": 1.5}, "header"),
        ({"seq": True}, "header"),
        ({"seq": None}, "header"),
        ({"b64": False, "crit": ["b64"]}, "header"),
        ({"jwk": {"kty": "OKP"}}, "header"),
        ({"kid": key_id(OTHER.public)}, "another key"),
        ({"kid": "camera"}, "another key"),
    ],
)
def test_other_headers_are_refused(change: dict[str, object], what: str) -> None:
    assert verify(by_hand(GOOD, b"4"), PAIR.public).sequence == 6
    with pytest.raises(RuimteError, match=what):
        verify(by_hand({**GOOD, **change}, b"4"), PAIR.public)


@pytest.mark.parametrize("header", [b"[]", b'"alg"', b"3", b"null", b'{"alg"', b"\xff", b"[" * 500])
def test_a_header_that_is_no_object_is_refused(header: bytes) -> None:
    part = base64.urlsafe_b64encode(header).rstrip(b"=").decode()
    with pytest.raises(RuimteError, match="header"):
        verify(f"{part}.e30.{'A' * 86}", PAIR.public)


def test_a_signature_of_somebody_else_is_refused() -> None:
    with pytest.raises(RuimteError, match="does not fit"):
        verify(by_hand(GOOD, b"4", OTHER), PAIR.public)
    with pytest.raises(RuimteError, match="another key"):
        verify(sign(b"4", OTHER.private, 6), PAIR.public)


def test_the_payload_is_in_the_token_or_beside_it() -> None:
    for token, beside in ((sign(b"4", PAIR.private, 1), b"4"), (sign(b"4", PAIR.private, 1, detached=True), None)):
        with pytest.raises(RuimteError, match="the payload is missing, or comes twice"):
            verify(token, PAIR.public, beside)
    with pytest.raises(RuimteError, match="does not fit"):
        verify(sign(b"4", PAIR.private, 1, detached=True), PAIR.public, b"5")


@pytest.mark.parametrize("key", ["", "x", "A" * 42, "A" * 44, "é" * 43, "A" * 42 + "B", PAIR.private + "="])
def test_what_is_no_key_is_one_line(key: str) -> None:
    with pytest.raises(RuimteError, match="is not an Ed25519 key"):
        sign(b"", key, 1)
    with pytest.raises(RuimteError, match="is not an Ed25519 key"):
        verify(sign(b"1", PAIR.private, 1), key)


def test_errors_hold_nothing_of_the_message() -> None:
    token = sign(b"secret", PAIR.private, 1)
    with pytest.raises(RuimteError) as error:
        verify(token, OTHER.public)
    assert token.split(".")[1] not in str(error.value)


@pytest.mark.parametrize("sequence", [-1, LAST_SEQUENCE + 1])
def test_a_sequence_number_is_bounded(sequence: int) -> None:
    with pytest.raises(RuimteError, match="not a sequence number"):
        sign(b"", PAIR.private, sequence)


def test_a_message_is_taken_once_and_a_failed_one_may_come_again(tmp_path: Path) -> None:
    with Store(tmp_path / "lab.db", "test") as store:

        def take(sequence: int, key: str = "one", fail: bool = False) -> None:
            def work(connection):  # type: ignore[no-untyped-def]
                accept_sequence(connection, key, sequence)
                if fail:
                    raise ValueError("the observations were refused")

            store.write(work).result()

        take(0)
        take(5)
        for old in (5, 4, 0):
            with pytest.raises(RuimteError, match="was sent before"):
                take(old)
        with pytest.raises(ValueError, match="refused"):
            take(9, fail=True)
        take(9)
        take(1, key="two")
        take(LAST_SEQUENCE)
    with Store(tmp_path / "lab.db", "test") as store, pytest.raises(RuimteError, match="was sent before"):
        store.write(lambda connection: accept_sequence(connection, "one", LAST_SEQUENCE)).result()
