"""Checkpoints (C2SP tlog-checkpoint): how a log says how large it is, and which root it has; and cosignatures over them.

A cosignature (C2SP tlog-cosignature, ``cosignature/v1``) is a witness's word that at this time the log was this large, and that
it still begins with all that the witness has seen before.
"""

from __future__ import annotations

import base64
from typing import NamedTuple

from ruimte.errors import RuimteError
from ruimte.ledger.note import COSIGNATURE, Line, Note, NoteKey, fits, from_base64, is_signed, private_key, read_note, sign_note
from ruimte.ledger.tree import HASH_BYTES

_TIME_BYTES = 8
_LARGEST = 2**63 - 1


class Checkpoint(NamedTuple):
    """Which log (its ``origin``), how many entries, and the root (32 bytes) of the tree over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class Cosigned(NamedTuple):
    """A cosignature that is right: who witnessed, and when (seconds since 1970)."""

    name: str
    at: int


def sign_checkpoint(checkpoint: Checkpoint, private: str) -> Note:
    """The checkpoint, signed by its log: the key's name is the origin."""
    return sign_note(checkpoint.text, checkpoint.origin, private)


def parse(note: Note, where: str = "checkpoint") -> Checkpoint:
    """What a note says as a checkpoint; lines beyond the third are left alone. Raises ``RuimteError`` where it is none."""
    rows = note.text.split("\n")[:-1]
    root = from_base64(rows[2]) if len(rows) > 2 else None
    if root is None or len(root) != HASH_BYTES or not all(rows) or (size := whole(rows[1])) is None:
        raise RuimteError("is not a checkpoint", where, "give the text as the log gave it: origin, size, root, signatures")
    return Checkpoint(rows[0], size, root)


def open_checkpoint(text: str, key: NoteKey, where: str = "checkpoint") -> tuple[Checkpoint, Note]:
    """What a checkpoint says, once it is sure that the log with this key signed it. Raises ``RuimteError``."""
    note = read_note(text, where)
    said = parse(note, where)
    if said.origin != key.name:
        raise RuimteError(f"is of {said.origin}, not of {key.name}", where, "give the checkpoint, or the key, of the same log")
    if not is_signed(note, key):
        raise RuimteError(f"is not signed by {key.name}", where, "do not trust it; ask the log for its checkpoint again")
    return said, note


def cosign(text: str, name: str, private: str, at: int) -> Line:
    """A witness's line under a checkpoint's ``text`` (without signatures). ``at``: seconds since 1970."""
    key = private_key(private)
    by = NoteKey(name, key.public_key().public_bytes_raw(), COSIGNATURE)
    return Line(name, by.id, at.to_bytes(_TIME_BYTES) + key.sign(_message(text, at)))


def cosigned(text: str, line: Line, key: NoteKey) -> Cosigned | None:
    """When a witness cosigned a checkpoint's text; None where the line is not by this key, or is wrong."""
    by = key._replace(kind=COSIGNATURE)
    if not line.by(by) or len(line.signature) != _TIME_BYTES + 64:
        return None
    at = int.from_bytes(line.signature[:_TIME_BYTES])
    if at > _LARGEST or not fits(by.public, line.signature[_TIME_BYTES:], _message(text, at)):
        return None
    return Cosigned(line.name, at)


def _message(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def whole(text: str) -> int | None:
    """A whole number as these formats write it: digits, no zeros before it."""
    if not (text.isascii() and text.isdigit() and len(text) < 20) or (len(text) > 1 and text[0] == "0"):
        return None
    return int(text)
