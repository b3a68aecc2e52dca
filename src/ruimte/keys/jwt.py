"""Small JSON Web Tokens (RFC 7519, 7515) between nodes: made and read in one strict way.

Signed with Ed25519 (RFC 9864; ``EdDSA``, its older name, is taken too) or, of others' proofs, with ES256. Nothing else is read:
no ``none``, no shared secrets, no keys that a token itself says where to fetch.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from ruimte.errors import RuimteError

ALGORITHMS = ("Ed25519", "EdDSA", "ES256")
"""Of proofs; what a party signs with the key of its agreement is Ed25519."""
LEEWAY_S = 60
"""How far another's clock may be from ours."""
MOST_LETTERS = 4096
"""The longest token that is looked at."""

_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_Claims = TypeVar("_Claims", bound=msgspec.Struct)


class Jwk(msgspec.Struct, frozen=True):
    """A public key in a header (RFC 7517, 8037); ``d`` is there where somebody sent a private one."""

    kty: Literal["OKP", "EC"]
    crv: Literal["Ed25519", "P-256"]
    x: str
    y: str = ""
    d: Any = None


class Header(msgspec.Struct, frozen=True):
    """What of a header is read. ``crit``: what a reader must understand; none of it is."""

    alg: Literal["Ed25519", "EdDSA", "ES256"]
    typ: str = ""
    kid: str = ""
    jwk: Jwk | None = None
    crit: Any = None
    b64: Any = None


class _Registry(jws.JWSRegistry):
    """``EdDSA`` is read as Ed25519; a header has room for a key."""

    max_header_length = 2048

    def get_alg(self, name: str) -> Any:
        return self.algorithms["ES256" if name == "ES256" else "Ed25519"]


_REGISTRY = _Registry(strict_check_header=False)  # headers are read by ``Header``, which is stricter


def new_id() -> str:
    """A ``jti``: 128 random bits."""
    return secrets.token_urlsafe(16)


def make(header: Mapping[str, Any], claims: Mapping[str, Any], key: OKPKey | ECKey) -> str:
    """A token over ``claims``; the header says ``alg``."""
    return jws.serialize_compact(dict(header), msgspec.json.encode(claims), key, registry=_REGISTRY)


def read_header(token: str, where: str) -> Header:
    """The header of a token, before anything of it is believed. Raises ``RuimteError`` where this is no token that we read."""
    if len(token) > MOST_LETTERS or _TOKEN.fullmatch(token) is None:
        raise RuimteError("is not a JSON Web Token", where, f"send header.payload.signature, {MOST_LETTERS} letters at most")
    header = _decoded(token.partition(".")[0], Header, where, f"sign with {' or '.join(ALGORITHMS)}")
    if header.crit is not None or header.b64 is not None:
        raise RuimteError("asks for extensions that are not known here", where, "leave crit and b64 out")
    return header


def read_unproven(token: str, kind: type[_Claims], where: str) -> _Claims:
    """The claims of a token that ``read_header`` took, not checked: good for finding whose key to check with, and no more."""
    return _decoded(token.split(".")[1], kind, where, "see what it has to hold")


def verify(token: str, key: OKPKey | ECKey, kind: type[_Claims], where: str) -> _Claims:
    """The claims of a token that the holder of ``key`` signed; ``read_header`` took it before. Raises ``RuimteError``."""
    try:
        payload = jws.deserialize_compact(token, key, registry=_REGISTRY).payload
    except (JoseError, ValueError, TypeError, RecursionError):
        raise RuimteError("the signature does not fit", where, "sign with the key that belongs to it") from None
    return _read(payload, kind, where, "see what it has to hold")


def _decoded(part: str, kind: type[_Claims], where: str, mend: str) -> _Claims:
    try:
        octets = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise RuimteError("is not a JSON Web Token", where, "write its parts in base64url") from None
    return _read(octets, kind, where, mend)


def _read(octets: bytes, kind: type[_Claims], where: str, mend: str) -> _Claims:
    try:
        return msgspec.json.decode(octets, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        text = str(error) if isinstance(error, msgspec.ValidationError) else "no JSON"
        raise RuimteError(f"is not as it has to be ({text})", where, mend) from None
