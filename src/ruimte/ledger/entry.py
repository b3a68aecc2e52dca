"""An entry of the log: what kind of thing happened, and a salted commitment to the rest.

The log itself says only that something was released, decided or agreed, never how many people were where: what was committed to
stays beside it, with its salt, and is deleted with it. Without the salt nobody can guess a small count back from the commitment.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec
import rfc8785

EntryKind = Literal["agreement", "decision", "release", "register", "algorithm", "preregistration", "contribution"]
SALT_BYTES = 32
BODY_HASH = "sha256"
"""The field of a payload that says what went out: ``body_hash`` of it."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A leaf: ``at`` in whole seconds since 1970, ``commitment`` in hex."""

    v: Literal[1] = 1
    kind: EntryKind
    at: int
    commitment: str

    def leaf(self) -> bytes:
        """The bytes that the tree is over: JSON with the fields in their order, without spaces."""
        return msgspec.json.encode(self)


def commitment(salt: bytes, payload: dict[str, Any]) -> str:
    """SHA-256 over the salt and the payload in canonical JSON (RFC 8785), in hex.

    >>> commitment(bytes(32), {"b": 1, "a": "x"})[:16]
    '99054d02d9f6e432'
    """
    return hashlib.sha256(salt + rfc8785.dumps(payload)).hexdigest()


def body_hash(body: bytes) -> str:
    """How a payload names the bytes that went out: their SHA-256, in hex."""
    return hashlib.sha256(body).hexdigest()
