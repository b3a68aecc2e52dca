"""Signed statements: JWS (RFC 7515) with Ed25519 (RFC 8032) that say in ``typ`` what kind of thing was signed.

Their header holds ``alg`` (``Ed25519``, RFC 9864), ``kid`` (the thumbprint of the public key, RFC 7638) and ``typ``; a
statement of one kind can so never pass for one of another. They carry no sequence number: what is stated holds however often it
is shown.
"""

from __future__ import annotations

import base64
import re
from typing import Literal

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from ruimte.errors import RuimteError
from ruimte.keys.signature import ED25519, key_id, private_jwk, public_jwk, public_of

# The last letter of a signature holds two bits: that the others are 0 leaves one way to write it.
_TOKEN = re.compile(r"[\w-]{1,700}\.[\w-]{1,5600}\.[\w-]{85}[AQgw]", re.ASCII)


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    alg: Literal["Ed25519"]
    kid: str
    typ: str


def state(payload: bytes, private: str, typ: str) -> str:
    """``payload`` signed, as ``header.payload.signature``. Raises ``RuimteError`` for a key that is none."""
    header = {"alg": "Ed25519", "kid": key_id(public_of(private)), "typ": typ}
    return jws.serialize_compact(header, payload, private_jwk(private), registry=ED25519)


def signer(token: str, typ: str) -> str:
    """The thumbprint of the key that a statement of this kind says it is signed with; ``read_statement`` tells whether it is.

    Raises ``RuimteError`` (which holds nothing of the token) where it is no statement of this kind.
    """
    return _header(token, typ).kid


def read_statement(token: str, public: str, typ: str) -> bytes:
    """The payload, once it is sure that the holder of the key that belongs to ``public`` signed it as this kind.

    Raises ``RuimteError`` (which holds nothing of the token) otherwise.
    """
    if _header(token, typ).kid != key_id(public):
        raise RuimteError("is signed with another key", "signature", "let the party sign with its own")
    try:
        return jws.deserialize_compact(token, public_jwk(public), registry=ED25519).payload
    except (JoseError, ValueError):
        raise RuimteError("the signature does not fit what it signs", "signature", "take the text as it was signed") from None


def _header(token: str, typ: str) -> _Header:
    wrong = RuimteError("is not a signed statement", "signature", "take the text as it was signed, a JWS in compact form")
    if _TOKEN.fullmatch(token) is None:
        raise wrong
    part = token.partition(".")[0]
    try:
        header = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), type=_Header)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise wrong from None
    if header.typ != typ:
        raise RuimteError(f"is a statement of another kind than {typ}", "signature", "take the text that was signed for this")
    return header
