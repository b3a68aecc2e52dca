"""Access tokens of a node: JWT (RFC 9068) that only whoever holds a certain key, or certificate, can use.

``cnf`` names that: ``jkt``, the thumbprint of the key that signs DPoP proofs (RFC 9449), or ``x5t#S256``, the fingerprint of a
client certificate (RFC 8705). ``client_key`` is the thumbprint of the party's key with which it was asked for: once that key is
no longer the party's, the token is worth nothing. ``run`` and ``run_ms`` say in which run of the node, and how long after its
start by a clock that nobody can set, it was given.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ruimte.errors import RuimteError
from ruimte.keys.jwt import make, new_id, read_header, verify
from ruimte.keys.signature import KeyPair, key_id, private_jwk, public_jwk

TYPE = "at+jwt"
LIFE_S = 300

_WHERE = "Authorization"


class Confirmation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who may use a token: one of both is there. ``certificate``: base64url of the SHA-256 of its DER."""

    jkt: str = ""
    certificate: str = msgspec.field(name="x5t#S256", default="")


class AccessToken(msgspec.Struct, frozen=True, kw_only=True):
    """The claims. Times are whole seconds since 1970, but for ``run_ms``. ``scope``: the purpose."""

    iss: str
    sub: str
    client_id: str
    aud: str
    scope: str
    cnf: Confirmation
    client_key: str
    run: str
    run_ms: int
    jti: str
    iat: int
    exp: int


def make_token(
    keys: KeyPair, *, issuer: str, party: str, purpose: str, cnf: Confirmation, client_key: str, at_s: int, run: str, run_ms: int
) -> str:
    """A token of the node with these ``keys``, for itself, for five minutes."""
    claims = AccessToken(
        iss=issuer,
        sub=party,
        client_id=party,
        aud=issuer,
        scope=purpose,
        cnf=cnf,
        client_key=client_key,
        run=run,
        run_ms=run_ms,
        jti=new_id(),
        iat=at_s,
        exp=at_s + LIFE_S,
    )
    told: dict[str, Any] = msgspec.to_builtins(claims)
    return make({"typ": TYPE, "alg": "Ed25519", "kid": key_id(keys.public)}, told, private_jwk(keys.private))


def read_token(token: str, public: str) -> AccessToken:
    """What a token says that the node whose key is ``public`` gave. Raises ``RuimteError`` where it gave none such.

    Whether it is for here and still holds is to be asked each time: ``require_valid``.
    """
    header = read_header(token, _WHERE)
    if header.typ != TYPE or header.alg != "Ed25519" or header.kid != key_id(public):
        raise _refused("is not one of this node")
    return verify(token, public_jwk(public), AccessToken, _WHERE)


def require_valid(token: AccessToken, *, issuer: str, now_s: float, run: str, now_ms: int) -> None:
    """Raise ``RuimteError`` where a token is not for ``issuer``, or not for now.

    Both clocks must agree: the wall's, which is what partners see, and the run's, which goes on when somebody sets that back.
    """
    if token.iss != issuer or token.aud != issuer:
        raise _refused("is for another address of this node")
    if token.run != run:
        raise _refused("is of before the node was started anew")
    if now_s >= token.exp or not 0 <= now_ms - token.run_ms < LIFE_S * 1000:
        raise _refused("has expired")


def _refused(what: str) -> RuimteError:
    return RuimteError(f"the access token {what}", _WHERE, "ask for a new one")
