"""Files that prove something without the log: an entry is in it (C2SP tlog-proof), or it only grew.

A tlog-proof carries extra data. Ours is JSON: the ``leaf`` (the entry's bytes) and, where they are still kept, the ``salt`` and
the ``payload`` that it commits to. Nothing of it is trusted before it has been held against the proof.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec
import rfc8785

from ruimte.errors import RuimteError
from ruimte.ledger.checkpoint import whole
from ruimte.ledger.note import from_base64
from ruimte.ledger.tree import HASH_BYTES

INCLUSION = "c2sp.org/tlog-proof@v1"
CONSISTENCY = "ruimte-consistency@v1"
MOST_HASHES = 63

_MEND = "copy the whole file again, as it was given"


class Extra(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What goes with a proof: the entry itself, and what it commits to where that is still kept (``salt`` in base64url)."""

    leaf: str
    salt: str | None = None
    payload: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Entry ``index`` is in the log that ``checkpoint`` (a signed note) tells of."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: Extra | None = None

    def __str__(self) -> str:
        extra = "" if self.extra is None else f"extra {base64.b64encode(msgspec.json.encode(self.extra)).decode()}\n"
        return f"{INCLUSION}\n{extra}index {self.index}\n{_hash_lines(self.hashes)}\n{self.checkpoint}"


@dataclass(frozen=True, slots=True)
class Consistency:
    """The log of the ``new`` checkpoint begins with that of the ``old`` one (both signed notes)."""

    hashes: tuple[bytes, ...]
    old: str
    new: str

    def __str__(self) -> str:
        return f"{CONSISTENCY}\n{_hash_lines(self.hashes)}\n{self.old}\n{self.new}"


def read_inclusion(text: str, where: str = "proof") -> Inclusion:
    """The parts of a tlog-proof. Raises ``RuimteError`` where it is none; nothing is checked here."""
    head, _, checkpoint = text.partition("\n\n")
    rows = head.split("\n")
    if rows.pop(0) != INCLUSION:
        raise RuimteError("is not a proof", where, f"its first line should be {INCLUSION}")
    extra = None
    if rows and rows[0].startswith("extra "):
        extra = _extra(rows.pop(0).removeprefix("extra "), where)
    index = whole(rows.pop(0).removeprefix("index ")) if rows and rows[0].startswith("index ") else None
    if index is None:
        raise RuimteError("does not say which entry it is of", where, _MEND)
    return Inclusion(index, _hashes(rows, where), checkpoint, extra)


def read_consistency(text: str, where: str = "proof") -> Consistency:
    """The parts of a consistency file. Raises ``RuimteError`` where it is none; nothing is checked here."""
    parts = text.split("\n\n")
    rows = parts[0].split("\n")
    if len(parts) != 5 or rows.pop(0) != CONSISTENCY:
        raise RuimteError("is not a consistency proof", where, f"{CONSISTENCY}, hashes, and two checkpoints make one")
    return Consistency(_hashes(rows, where), f"{parts[1]}\n\n{parts[2]}\n", f"{parts[3]}\n\n{parts[4]}")


def keeps_to(extra: Extra, commitment: str) -> bool:
    """Whether salt and payload of a proof are what an entry committed to."""
    try:
        salt = base64.urlsafe_b64decode((extra.salt or "") + "=" * (-len(extra.salt or "") % 4))
        payload = rfc8785.dumps(extra.payload)
    except (ValueError, rfc8785.CanonicalizationError):
        return False
    return hashlib.sha256(salt + payload).hexdigest() == commitment


def _extra(encoded: str, where: str) -> Extra | None:
    """Our own extra data; None for those of others, which mean nothing to us."""
    octets = from_base64(encoded)
    if octets is None:
        raise RuimteError("its extra data are not base64", where, _MEND)
    try:
        return msgspec.json.decode(octets, type=Extra)
    except (msgspec.DecodeError, RecursionError):
        return None


def _hash_lines(hashes: tuple[bytes, ...]) -> str:
    return "".join(f"{base64.b64encode(each).decode()}\n" for each in hashes)


def _hashes(rows: list[str], where: str) -> tuple[bytes, ...]:
    found = [from_base64(row) for row in rows]
    if len(found) > MOST_HASHES or any(each is None or len(each) != HASH_BYTES for each in found):
        raise RuimteError("holds a line that is no hash", where, _MEND)
    return tuple(each for each in found if each is not None)
