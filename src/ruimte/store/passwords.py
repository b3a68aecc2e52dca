"""Passwords as they are kept: scrypt with a salt of their own (RFC 7914), by OWASP's least parameters for it."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_N, _R, _P = 2**15, 8, 3
_MEMORY = 64 * 1024 * 1024


def hashed(password: str) -> str:
    """What is kept of a password: the method, its parameters, the salt and the hash."""
    salt = secrets.token_bytes(16)
    return f"scrypt:{_N}:{_R}:{_P}:{salt.hex()}:{_scrypt(password, salt, _N, _R, _P).hex()}"


def is_hash_of(kept: str, password: str) -> bool:
    """Whether what is kept is of this password.

    >>> is_hash_of(hashed("correct horse"), "correct horse"), is_hash_of(hashed("correct horse"), "wrong horse")
    (True, False)
    """
    _, n, r, p, salt, digest = kept.split(":")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt), int(n), int(r), int(p)), bytes.fromhex(digest))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(errors="replace"), salt=salt, n=n, r=r, p=p, maxmem=_MEMORY)


DUMMY = f"scrypt:{_N}:{_R}:{_P}:{'00' * 16}:{'00' * 64}"
"""No password has this hash: it is compared with where there is no account, so that the answer takes as long."""
