"""Signed messages: JWS (RFC 7515) with Ed25519 (RFC 8032) and a sequence number.

A token is ``header.payload.signature``, each part in base64url. Its header holds ``alg`` (``Ed25519``, RFC 9864; or ``EdDSA``,
its name in RFC 8037), ``kid`` (the thumbprint of the public key, RFC 7638) and ``seq``, a whole number that grows with every
message. A token may leave its payload out (``header..signature``, RFC 7515 appendix F) where that travels beside it. Those made
here are then signed over the payload as it is (``"b64": false``, RFC 7797): nobody has to write it in base64url to check.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from ruimte.errors import RuimteError

LAST_SEQUENCE = 2**63 - 1
"""The largest sequence number; after it comes a new key."""

_MOST_BYTES = 4 * 1024 * 1024
# The last letter of a signature holds two bits, and the last of a key four: that the others are 0 leaves one way to write each.
_TOKEN = re.compile(rb"[\w-]{1,700}\.[\w-]*\.[\w-]{85}[AQgw]", re.ASCII)
_KEY = re.compile(r"[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII)


class KeyPair(NamedTuple):
    """Both keys as base64url of their 32 bytes, without padding. Who holds ``private`` can sign."""

    private: str
    public: str


class Signed(NamedTuple):
    """A message whose signature is right: its ``payload``, its ``sequence`` number, and the thumbprint of the key, ``key_id``."""

    payload: bytes
    sequence: int
    key_id: str


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    alg: Literal["Ed25519", "EdDSA"]
    kid: str
    seq: Annotated[int, msgspec.Meta(ge=0, le=LAST_SEQUENCE)]
    typ: str | None = None
    cty: str | None = None
    b64: bool = True
    crit: tuple[Literal["b64"]] | None = None


class _Registry(jws.JWSRegistry):
    """One algorithm, whichever of its names is used, and payloads as large as a request may be."""

    max_payload_length = _MOST_BYTES

    def get_alg(self, name: str) -> Any:
        return self.algorithms["Ed25519"]


ED25519 = _Registry(strict_check_header=False)
"""Signs and verifies with Ed25519 only. Headers are read by structs, which are stricter than its own check."""


def generate() -> KeyPair:
    """A new key pair."""
    private = Ed25519PrivateKey.generate()
    return KeyPair(_base64url(private.private_bytes_raw()), _base64url(private.public_key().public_bytes_raw()))


def key_id(public: str) -> str:
    """The thumbprint of a public key (RFC 7638, SHA-256).

    >>> key_id("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")  # RFC 8037, appendix A.3
    'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'
    """
    return _base64url(hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}'.encode()).digest())


def public_of(private: str) -> str:
    """The public key that belongs to a private one. Raises ``RuimteError`` for a key that is none."""
    key = Ed25519PrivateKey.from_private_bytes(_key_bytes(private))
    return _base64url(key.public_key().public_bytes_raw())


def private_jwk(private: str) -> OKPKey:
    """A private key as joserfc takes it. Raises ``RuimteError`` for a key that is none."""
    return OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(_key_bytes(private)))


def public_jwk(public: str) -> OKPKey:
    """A public key as joserfc takes it. Raises ``RuimteError`` for a key that is none."""
    return OKPKey.import_key(Ed25519PublicKey.from_public_bytes(_key_bytes(public)))


def sign(payload: bytes, private: str, sequence: int, *, detached: bool = False) -> str:
    """A token over ``payload``; without it where ``detached``. Raises ``RuimteError`` for a key or a number that is none."""
    key, kid = _signing(private)
    if not 0 <= sequence <= LAST_SEQUENCE:
        raise RuimteError(f"{sequence} is not a sequence number", "signature", "count up from 0, or use the time in µs")
    header = {"alg": "Ed25519", "kid": kid, "seq": sequence}
    if detached:  # put together here: the library would look through a payload that is not even sent
        head = _base64url(msgspec.json.encode(header | {"b64": False, "crit": ["b64"]}))
        return f"{head}..{_base64url(key.sign(head.encode() + b'.' + payload))}"
    return jws.serialize_compact(header, payload, private_jwk(private), registry=ED25519)


@lru_cache(8)
def _signing(private: str) -> tuple[Ed25519PrivateKey, str]:
    """A private key, and the thumbprint of its public one."""
    return Ed25519PrivateKey.from_private_bytes(_key_bytes(private)), key_id(public_of(private))


def verify(token: bytes | str, public: str, payload: bytes | None = None) -> Signed:
    """What ``token`` says, once it is sure that the holder of the key that belongs to ``public`` signed it.

    ``payload`` is that of a detached token. Raises ``RuimteError`` (which holds nothing of the message) where it is no token, its
    signature does not fit, or another key signed it. Whether the sequence number is new is for its keeper to say.
    """
    key = public_jwk(public)
    octets = token.encode(errors="replace") if isinstance(token, str) else token
    if len(octets) > 2 * _MOST_BYTES or _TOKEN.fullmatch(octets) is None:
        raise RuimteError("is not a signed message", "signature", "send a JWS in compact form: header.payload.signature")
    if (payload is not None) != (b".." in octets):
        raise RuimteError("the payload is missing, or comes twice", "signature", "send it in the token or beside it")
    header = _header(octets, beside=payload is not None)
    if header.kid != key_id(public):
        raise RuimteError("is signed by another key than the registered one", "signature", "register the key in sensors.toml")
    try:
        signed = jws.deserialize_compact(octets, key, registry=ED25519, payload=payload)
    except (JoseError, ValueError):
        raise RuimteError("the signature does not fit the message", "signature", "send the message as it was signed") from None
    return Signed(signed.payload, header.seq, header.kid)


def _header(token: bytes, beside: bool) -> _Header:
    part = token.partition(b".")[0]
    try:
        header = msgspec.json.decode(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)), type=_Header)
        if (header.b64, header.crit) not in ((True, None), (False, ("b64",)) if beside else (True, None)):
            raise ValueError
        return header
    except (msgspec.DecodeError, ValueError, RecursionError):
        mend = 'send {"alg": "Ed25519", "kid": thumbprint of the key, "seq": whole number}'
        raise RuimteError("the header is not that of a signed message", "signature", mend) from None


def _key_bytes(text: str) -> bytes:
    if _KEY.fullmatch(text) is None:
        raise RuimteError("is not an Ed25519 key", "signature", "make a pair with `ruimte device keygen`")
    return base64.urlsafe_b64decode(text + "=")


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
