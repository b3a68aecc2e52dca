"""Proofs of possession: those of the RFC hold, and one for another request, moment, key or token does not."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from ruimte.errors import RuimteError
from ruimte.keys.dpop import NonceError, check_proof, make_proof, normal, token_hash
from ruimte.keys.signature import generate, key_id, private_jwk

URL = "https://crowd.example.org/share/v1/state"
PAIR = generate()
KEY = private_jwk(PAIR.private)
# RFC 9449, figure 2 (a proof for the token endpoint) and section 7.1 (a token and its hash)
OF_THE_RFC = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldW"
    "QVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2My"
    "bFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdW"
    "P0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
TOKEN_OF_THE_RFC = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"


def by_hand(header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None, key: Any = KEY) -> str:
    """A proof in which single fields are others (None leaves one out)."""
    head = {"typ": "dpop+jwt", "alg": "Ed25519", "jwk": KEY.as_dict(private=False)} | (header or {})
    told = {"jti": "number", "htm": "GET", "htu": URL, "iat": 1000, "nonce": "n"} | (claims or {})
    kept = ({name: value for name, value in each.items() if value is not None} for each in (head, told))
    first, second = (base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in kept)
    text = first + b"." + second
    return (text + b"." + base64.urlsafe_b64encode(key.get_op_key("sign").sign(text)).rstrip(b"=")).decode()


def check(proof: str, **other: Any) -> Any:
    return check_proof(proof, **({"method": "GET", "url": URL, "now_s": 1000.0, "nonces": ("n", "before")} | other))


def test_the_proof_of_the_rfc_holds() -> None:
    proof = check_proof(OF_THE_RFC, method="POST", url="https://server.example.com/token", now_s=1562262616.0)
    assert proof == ("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "-BwC3ESc6acc2lTc", "")
    assert token_hash(TOKEN_OF_THE_RFC) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


@pytest.mark.parametrize("key", [KEY, ECKey.generate_key("P-256")], ids=["Ed25519", "ES256"])
def test_a_proof_that_was_made_holds_and_names_its_key(key: Any) -> None:
    made = make_proof(key, "GET", URL + "?zones=a#b", at_s=1000, nonce="before", access_token="t")
    assert check(made, access_token="t").key_id == key.thumbprint()
    assert check(by_hand()).key_id == key_id(PAIR.public)


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"typ": "JWT"}, {}),
        ({"typ": None}, {}),
        ({"jwk": None}, {}),
        ({"alg": "none"}, {}),
        ({"alg": "HS256"}, {}),
        ({"alg": "ES256"}, {}),
        ({"alg": "RS256"}, {}),
        ({"alg": "Ed448"}, {}),
        ({"crit": ["exp"]}, {}),
        ({"b64": False, "crit": ["b64"]}, {}),
        ({"b64": False}, {}),
        ({"jwk": KEY.as_dict(private=True)}, {}),
        ({"jwk": private_jwk(generate().private).as_dict(private=False)}, {}),
        ({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}}, {}),
        ({"jwk": {"kty": "oct", "k": "c2VjcmV0"}}, {}),
        ({"jwk": RSAKey.generate_key(2048, auto_kid=False).as_dict(private=False)}, {}),
        ({}, {"htm": "POST"}),
        ({}, {"htm": "get"}),
        ({}, {"htm": None}),
        ({}, {"htu": URL + "/"}),
        ({}, {"htu": URL.replace("https", "http")}),
        ({}, {"htu": URL.replace("org", "net")}),
        ({}, {"htu": URL.replace("//", "//user@")}),
        ({}, {"htu": "/share/v1/state"}),
        ({}, {"htu": URL.replace("crowd", "crоwd")}),  # a Cyrillic letter
        ({}, {"htu": URL.replace("/state", "／state")}),
        ({}, {"htu": URL.replace("state", "%2e%2e/v1/state")}),
        ({}, {"htu": URL.replace(".org", ".org:8443")}),
        ({}, {"htu": "x" * 3000}),
        ({}, {"htu": None}),
        ({}, {"iat": 699}),
        ({}, {"iat": 1301}),
        ({}, {"iat": 1e300}),
        ({}, {"iat": 10**400}),
        ({}, {"iat": True}),
        ({}, {"iat": None}),
        ({}, {"jti": ""}),
        ({}, {"jti": "x" * 129}),
        ({}, {"jti": "two words"}),
        ({}, {"jti": None}),
        ({}, {"jti": 7}),
    ],
    ids=str,
)
def test_a_proof_for_something_else_is_refused(header: dict[str, Any], claims: dict[str, Any]) -> None:
    with pytest.raises(RuimteError):
        check(by_hand(header, claims))


@pytest.mark.parametrize("nonce", [None, "", "m", "nn", "ｎ"])
def test_a_proof_without_the_nodes_nonce_may_be_made_anew(nonce: str | None) -> None:
    with pytest.raises(NonceError):
        check(by_hand(claims={"nonce": nonce}))


def test_a_proof_belongs_to_its_access_token() -> None:
    proof = by_hand(claims={"ath": token_hash("token")})
    check(proof, access_token="token")
    for other in ("Token", "token "):
        with pytest.raises(RuimteError, match="does not belong"):
            check(proof, access_token=other)
    with pytest.raises(RuimteError, match="does not belong"):
        check(by_hand(), access_token="token")


def test_a_proof_by_a_shared_secret_of_the_public_key_is_refused() -> None:
    secret = OctKey.import_key(base64.urlsafe_b64decode(PAIR.public + "="))
    header = {"typ": "dpop+jwt", "alg": "HS256", "jwk": KEY.as_dict(private=False)}
    registry = jws.JWSRegistry(algorithms=["HS256"], strict_check_header=False)
    claims = json.dumps({"jti": "a", "htm": "GET", "htu": URL, "iat": 1000, "nonce": "n"})
    with pytest.raises(RuimteError):
        check(jws.serialize_compact(header, claims, secret, registry=registry))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://h/a?b#c", "https://h/a"),
        ("HTTPS://H:0443/a", "https://h/a"),
        ("https://h", "https://h/"),
        ("http://h:80/%7ea%2fb", "http://h/~a%2Fb"),
        ("https://[::1]:8000/a", "https://[::1]:8000/a"),
        ("https://h:8000/A", "https://h:8000/A"),
        ("ftp://h/a", None),
        ("https://u@h/a", None),
        ("https:///a", None),
        ("https://h/a b", None),
        ("https://h\\@evil/a", None),
        ("https://ｈ/a", None),
        ("https://\u212a/a", None),  # the sign of Kelvin, which lower() turns into a k
        ("https://h:８０/a", None),
    ],
)
def test_addresses_are_compared_as_they_are_meant(written: str, meant: str | None) -> None:
    assert normal(written) == meant


def test_a_key_that_is_no_point_of_the_curve_is_refused() -> None:
    other = ECKey.generate_key("P-256")
    jwk = {**other.as_dict(private=False), "x": "A" * 43, "y": "A" * 43}
    text = jws.serialize_compact(
        {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk},
        json.dumps({"jti": "a", "htm": "GET", "htu": URL, "iat": 1000, "nonce": "n"}),
        other,
        registry=jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False),
    )
    with pytest.raises(RuimteError, match="none"):
        check(text)
