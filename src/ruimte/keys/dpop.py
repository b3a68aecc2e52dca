"""Proofs that whoever sends a token holds the key it was given to (DPoP, RFC 9449): one for each request.

A proof names the method and the address of its request, the moment, a number of its own, a nonce that the node gave, and, beside
an access token, that token's hash. So a token that was stolen, and a proof that was overheard, open nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Collection
from typing import NamedTuple

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from ruimte.errors import RuimteError
from ruimte.keys.jwt import ALGORITHMS, Jwk, make, new_id, read_header, read_unproven, verify

TYPE = "dpop+jwt"
WINDOW_S = 300
"""How far from now a proof's moment may lie; the nonce says more exactly that it is new."""

_WHERE = "DPoP"
_VALUE = re.compile(r"[\w-]{43}", re.ASCII)
_NAME = re.compile(r"[\x21-\x7e]{1,128}")
_URI = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?(?P<path>/[^?#\s]*)?", re.I | re.A
)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PORTS = {"http": "80", "https": "443"}


class NonceError(RuimteError):
    """The proof holds no nonce that the node takes now: it may be made anew with the one that comes with the answer."""


class Proof(NamedTuple):
    """A proof that holds: ``key_id`` is the thumbprint of its key (RFC 7638), ``id`` its number, ``nonce`` the one it used."""

    key_id: str
    id: str
    nonce: str


class _Claims(msgspec.Struct, frozen=True):
    jti: str
    htm: str
    htu: str
    iat: float
    nonce: str = ""
    ath: str = ""


class _Nonce(msgspec.Struct, frozen=True):
    nonce: str = ""


def make_proof(
    key: OKPKey | ECKey, method: str, url: str, *, at_s: int, nonce: str | None = None, access_token: str | None = None
) -> str:
    """A proof for one request to ``url`` (query and fragment are left out), signed with Ed25519 or ES256 by the kind of key."""
    claims: dict[str, object] = {"jti": new_id(), "htm": method, "htu": url.partition("#")[0].partition("?")[0], "iat": at_s}
    if nonce is not None:
        claims["nonce"] = nonce
    if access_token is not None:
        claims["ath"] = token_hash(access_token)
    alg = "ES256" if isinstance(key, ECKey) else "Ed25519"
    return make({"typ": TYPE, "alg": alg, "jwk": key.as_dict(private=False)}, claims, key)


def check_proof(
    proof: str, *, method: str, url: str, now_s: float, nonces: Collection[str] = (), access_token: str | None = None
) -> Proof:
    """What a proof proves, of a request with ``method`` to ``url`` (RFC 9449, section 4.3).

    ``nonces``: those that are taken now; none: none is asked for. Whether its number is new is for its keeper to say. Raises
    ``RuimteError``, and ``NonceError`` (before anything costly is done) where only the nonce is wrong.
    """
    header = read_header(proof, _WHERE)
    if header.typ != TYPE or header.jwk is None:
        raise RuimteError("is no DPoP proof", _WHERE, f'its header says "typ": "{TYPE}" and "jwk": the public key')
    if nonces and not _is_among(read_unproven(proof, _Nonce, _WHERE).nonce, nonces):
        raise NonceError(
            "this node wants its own nonce in a proof", _WHERE, "use the one of the header DPoP-Nonce of this answer"
        )
    key, key_id = _key_of(header.jwk, header.alg)
    claims = verify(proof, key, _Claims, _WHERE)
    if _NAME.fullmatch(claims.jti) is None:
        raise RuimteError("jti is not usable", _WHERE, "use 16 random bytes in base64url")
    if claims.htm != method:
        raise RuimteError("is for another method", _WHERE, "make a proof for each request")
    if (meant := normal(claims.htu)) is None or meant != normal(url):
        raise RuimteError("is for another address", _WHERE, f"htu is {url} here, as the node knows it")
    if not abs(claims.iat - now_s) <= WINDOW_S:
        raise RuimteError("is not of now", _WHERE, "set the clock, and make a proof for each request")
    if access_token is not None and not hmac.compare_digest(claims.ath.encode(), token_hash(access_token).encode()):
        raise RuimteError("does not belong to the access token", _WHERE, "ath is the base64url of its SHA-256")
    return Proof(key_id, claims.jti, claims.nonce)


def token_hash(access_token: str) -> str:
    """``ath``: base64url of the SHA-256 of an access token."""
    return base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()).rstrip(b"=").decode()


def normal(url: str) -> str | None:
    """An address as it is compared: without query and fragment, written in one way (RFC 3986, 6.2.2 and 6.2.3).

    None where it is no address of HTTP in ASCII, or names a user.

    >>> normal("HTTPS://Crowd.Example.org:443/share/v1/%7Estate?zones=a")
    'https://crowd.example.org/share/v1/~state'
    """
    found = _URI.fullmatch(url.partition("#")[0].partition("?")[0])
    if found is None or not url.isascii() or len(url) > 2048:
        return None
    scheme, port = found["scheme"].lower(), (found["port"] or "").lstrip("0")
    ending = f":{port}" if port and port != _PORTS[scheme] else ""
    return f"{scheme}://{found['host'].lower()}{ending}{_ESCAPE.sub(_escape, found['path'] or '/')}"


def _escape(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return letter if letter in _UNRESERVED else found[0].upper()


def _is_among(nonce: str, nonces: Collection[str]) -> bool:
    return any(hmac.compare_digest(nonce.encode(), each.encode()) for each in nonces)


def _key_of(jwk: Jwk, alg: str) -> tuple[OKPKey | ECKey, str]:
    """The key in a header, and its thumbprint."""
    kty, crv, is_point = ("EC", "P-256", True) if alg == "ES256" else ("OKP", "Ed25519", False)
    values = (jwk.x, jwk.y) if is_point else (jwk.x,)
    if (jwk.kty, jwk.crv) != (kty, crv) or any(_VALUE.fullmatch(value) is None for value in values):
        raise RuimteError("its key does not fit its algorithm", _WHERE, f"use {' or '.join(ALGORITHMS)} with a key for that")
    if jwk.d is not None:
        raise RuimteError("holds a private key, which is one no longer", _WHERE, "make another, and send its public half only")
    try:
        if is_point:
            key: OKPKey | ECKey = ECKey.import_key({"kty": "EC", "crv": "P-256", "x": jwk.x, "y": jwk.y})
        else:
            key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": jwk.x})
    except (JoseError, ValueError, TypeError):
        raise RuimteError("its key is none", _WHERE, "send the public key as a JWK") from None
    return key, key.thumbprint()
