"""How a party says who it is when it asks for a token: ``private_key_jwt`` (RFC 7523, OpenID Connect Core, section 9).

The party signs, with the key that stands in its agreement, that it is itself (``iss`` = ``sub`` = its id), to whom it speaks
(``aud``), and until when that holds: five minutes at most.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec

from ruimte.errors import RuimteError
from ruimte.keys.jwt import LEEWAY_S, make, new_id, read_header, read_unproven, verify
from ruimte.keys.signature import KeyPair, key_id, private_jwk, public_jwk

KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFE_S = 300
"""The longest that one may hold."""

_WHERE = "client_assertion"
_PARTY = re.compile(r"[\x21-\x7e]{1,255}")
_ID = re.compile(r"[\x21-\x7e]{1,128}")
_NOBODY = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
"""Checked against where a party has no key, so that an answer takes as long; whose it was is published (RFC 8037), so it is
refused all the same."""


class Asserted(NamedTuple):
    """Who asks: the ``party``, the thumbprint of the key that it signed with, and the assertion's own number.

    ``[issued_s, expires_s)``: when it holds, by the party's clock.
    """

    party: str
    key_id: str
    id: str
    issued_s: float
    expires_s: float


class _Who(msgspec.Struct, frozen=True):
    iss: str
    sub: str


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    aud: str | list[str]
    jti: str
    exp: float
    iat: float | None = None
    nbf: float | None = None


def make_assertion(party: str, keys: KeyPair, audience: str, *, at_s: int, life_s: int = 60) -> str:
    """An assertion of ``party`` for the issuer (or token endpoint) ``audience``, good once."""
    claims = {"iss": party, "sub": party, "aud": audience, "jti": new_id(), "iat": at_s, "exp": at_s + life_s}
    return make({"typ": "JWT", "alg": "Ed25519", "kid": key_id(keys.public)}, claims, private_jwk(keys.private))


def claimed_party(assertion: str) -> str:
    """Who an assertion says it is of, not yet checked. Raises ``RuimteError``."""
    header = read_header(assertion, _WHERE)
    if header.alg == "ES256" or header.typ not in ("", "JWT"):
        raise RuimteError("is signed in a way that is not taken", _WHERE, "sign with Ed25519 and the key of the agreement")
    who = read_unproven(assertion, _Who, _WHERE)
    if who.iss != who.sub or _PARTY.fullmatch(who.iss) is None:
        raise RuimteError("iss and sub are not one party", _WHERE, "both are the party's id, as in the agreement")
    return who.iss


def check_assertion(assertion: str, public_keys: Sequence[str], *, audiences: Collection[str], now_s: float) -> Asserted:
    """Who asks, once it is sure that one of the party's ``public_keys`` signed this, for us, now.

    Whether its number is new is for its keeper to say. Raises ``RuimteError``, in the same words and the same time for a party
    that has no keys here as for one whose signature does not fit.
    """
    claimed_party(assertion)
    signer, claims = _signed(assertion, public_keys)
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if len(audience) != 1 or audience[0] not in audiences:
        raise RuimteError("is for another node", _WHERE, f"aud is {sorted(audiences)[0]}")
    issued_s = claims.exp - LIFE_S if claims.iat is None else claims.iat
    if not now_s < claims.exp + LEEWAY_S:
        raise RuimteError("has expired", _WHERE, "make one for each token, and set the clock")
    if not max(issued_s, claims.nbf or 0) <= now_s + LEEWAY_S:
        raise RuimteError("does not hold yet", _WHERE, "set the clock")
    if not claims.exp - issued_s <= LIFE_S or not claims.exp <= now_s + LIFE_S + LEEWAY_S:
        raise RuimteError(f"holds for longer than {LIFE_S} seconds", _WHERE, "let it expire sooner")
    if _ID.fullmatch(claims.jti) is None:
        raise RuimteError("jti is not usable", _WHERE, "use 16 random bytes in base64url")
    return Asserted(claims.iss, signer, claims.jti, issued_s, claims.exp)


def _signed(assertion: str, public_keys: Sequence[str]) -> tuple[str, _Claims]:
    """The thumbprint of the key that signed, and what it signed."""
    wanted = read_header(assertion, _WHERE).kid
    fitting = [key for key in public_keys if wanted in ("", key_id(key))]
    for key in fitting or [_NOBODY]:
        try:
            claims = verify(assertion, public_jwk(key), _Claims, _WHERE)
        except RuimteError:
            continue
        if fitting:
            return key_id(key), claims
    raise RuimteError("no key of this party signed this", _WHERE, "sign with the key that stands in an agreement in force")
