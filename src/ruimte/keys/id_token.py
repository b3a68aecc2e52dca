"""ID tokens of an OpenID provider (OpenID Connect Core 1.0, section 3.1.3.7): who somebody is, signed by the provider."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ruimte.errors import RuimteError

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "RS384", "RS512", "PS384", "PS512", "ES384", "ES512")
"""All that are taken: signatures that only the provider can make. ``none`` and those by a shared secret (``HS256``) are not."""

_HASHES = {"256": "sha256", "384": "sha384", "512": "sha512", "SA": "sha512"}
_KEY_TYPES: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_TYPE_OF = {"R": "RSA", "P": "RSA", "ES": "EC", "Ed": "OKP"}
_LEEWAY_S = 60
"""How far the provider's clock may be from ours."""
_OLDEST_S = 600
"""A token for a sign-in of now is not older."""
_LEAST_RSA_BITS = 2048
_MEND = "sign in again; if that does not help, check the provider's settings"

_REGISTRY = jws.JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)


class UnknownKeyError(RuimteError):
    """The token names a key that is not among those known: the provider may have a new one."""


class _Header(msgspec.Struct):
    alg: str
    kid: str | None = None
    crit: Any = None


class _Claims(msgspec.Struct):
    iss: str
    sub: str
    aud: str | list[str]
    exp: int | float
    iat: int | float
    nonce: str
    azp: str | None = None
    nbf: int | float | None = None
    at_hash: str | None = None


def check_id_token(
    token: str,
    keys: Sequence[Mapping[str, Any]],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str | None,
    now_s: float,
    algorithms: Sequence[str] = ALGORITHMS,
) -> dict[str, Any]:
    """The claims of a token, once it is sure that the provider made it for us, now, in answer to this sign-in.

    ``keys``: the provider's public keys as JWK (RFC 7517); ``algorithms``: those that it says it signs with. Raises
    ``RuimteError`` (which holds nothing of the token), and ``UnknownKeyError`` where its key is not there.
    """
    payload = _signed(token, keys, [name for name in algorithms if name in ALGORITHMS])
    try:
        claims = msgspec.json.decode(payload, type=_Claims)
        everything: dict[str, Any] = msgspec.json.decode(payload, type=dict[str, Any])
    except msgspec.DecodeError:
        raise _refused("lacks what an ID token holds") from None
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if claims.iss != issuer:
        raise _refused("is of another issuer")
    if client_id not in audience:
        raise _refused("is for another application")
    if (claims.azp is not None or len(audience) > 1) and claims.azp != client_id:
        raise _refused("was given to another application")
    if now_s >= claims.exp + _LEEWAY_S:
        raise _refused("has expired")
    if not now_s - _OLDEST_S <= claims.iat <= now_s + _LEEWAY_S or (claims.nbf or 0) > now_s + _LEEWAY_S:
        raise _refused("is not of now")
    if not hmac.compare_digest(claims.nonce.encode(), nonce.encode()):
        raise _refused("answers another sign-in")
    if claims.at_hash is not None and (access_token is None or not _fits(claims.at_hash, access_token, token)):
        raise _refused("does not belong to the access token")
    if not claims.sub or len(claims.sub) > 255:
        raise _refused("names nobody")
    return everything


def _signed(token: str, keys: Sequence[Mapping[str, Any]], algorithms: Sequence[str]) -> bytes:
    """The payload of a token that one of the keys signed."""
    header = _header(token)
    if header.alg not in algorithms or header.crit is not None:
        raise _refused("is signed in a way that is not taken")
    kind = next(kind for start, kind in _TYPE_OF.items() if header.alg.startswith(start))
    fitting = [key for key in keys if _is_for(key, kind, header)]
    if not fitting:
        raise UnknownKeyError("the ID token is signed by a key that is not known", "ID token", _MEND)
    for key in fitting:
        try:
            known = _KEY_TYPES[kind].import_key({name: value for name, value in key.items() if name in _PUBLIC[kind]})
            if isinstance(known, RSAKey) and known.public_key.key_size < _LEAST_RSA_BITS:
                continue
            return jws.deserialize_compact(token, known, algorithms=[header.alg], registry=_REGISTRY).payload
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    raise _refused("is not signed by its issuer")


_PUBLIC = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}


def _is_for(key: Mapping[str, Any], kind: str, header: _Header) -> bool:
    named = header.kid is None or key.get("kid") == header.kid
    return named and key.get("kty") == kind and key.get("use", "sig") == "sig" and key.get("alg", header.alg) == header.alg


def _header(token: str) -> _Header:
    part = token.partition(".")[0]
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), type=_Header)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise _refused("is none") from None


def _fits(at_hash: str, access_token: str, token: str) -> bool:
    """Whether ``at_hash`` is the left half of the access token's hash (section 3.1.3.6)."""
    algorithm = _header(token).alg
    digest = hashlib.new(next(name for end, name in _HASHES.items() if algorithm.endswith(end)), access_token.encode()).digest()
    wanted = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    return hmac.compare_digest(wanted, at_hash.encode())


def _refused(what: str) -> RuimteError:
    return RuimteError(f"the ID token {what}", "ID token", _MEND)
