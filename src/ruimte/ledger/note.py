"""Signed notes (C2SP signed-note): a text, an empty line, and lines that sign it, each by a named key.

A **verifier key** is the line by which somebody says whom to trust: ``name+hash+base64(type || public key)``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ruimte.errors import RuimteError

ED25519 = 0x01
COSIGNATURE = 0x04
"""The types of a key: one that signs notes, and one that cosigns checkpoints, with a time (C2SP tlog-cosignature)."""

MOST_BYTES = 65_536
"""Of a note, with all its signatures."""
MOST_SIGNATURES = 64

_DASH = "— "


class NoteKey(NamedTuple):
    """Who signs: a ``name``, and 32 bytes of an Ed25519 key; ``kind`` is the type of its signatures."""

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        """The verifier key."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"


class Line(NamedTuple):
    """One signature: the name and id (4 bytes) of its key, and what that made of the text."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"

    def by(self, key: NoteKey) -> bool:
        """Whether it says that this key made it."""
        return self.name == key.name and self.key_id == key.id


class Note(NamedTuple):
    """A ``text`` that ends in a new line, and its signatures, which are not checked yet."""

    text: str
    lines: tuple[Line, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.lines))}"


def note_key(name: str, public: str, kind: int = ED25519) -> NoteKey:
    """The key of a party: its ``name``, and ``public`` as everywhere in Ruimte (base64url). Raises ``RuimteError``."""
    check_name(name)
    return NoteKey(name, key_bytes(public), kind)


def read_key(text: str) -> NoteKey:
    """The key that a verifier key tells. Raises ``RuimteError`` where it is none, or its hash does not fit.

    >>> read_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").name
    'PeterNeumann'
    """
    name, _, rest = text.strip().partition("+")
    shown, _, encoded = rest.partition("+")
    octets = from_base64(encoded)
    if octets is None or len(octets) != 33 or octets[0] not in (ED25519, COSIGNATURE):
        raise RuimteError("is not a verifier key", "key", "write it as name+hash+key, as `ruimte log show` prints it")
    key = NoteKey(name, octets[1:], octets[0])
    check_name(name)
    if key.id.hex() != shown:
        raise RuimteError("the hash does not fit the name and the key", "key", "copy the whole line again")
    return key


def read_note(text: str, where: str = "note") -> Note:
    """The parts of a signed note. Raises ``RuimteError`` where it is none; signatures are not checked here."""
    mend = "copy the whole file again, as it was given"
    if len(text) > MOST_BYTES or any(letter < " " and letter != "\n" for letter in text):
        raise RuimteError("is too large, or holds control characters", where, mend)
    body, empty, signed = text.rpartition("\n\n")
    rows = signed.split("\n")
    if not empty or rows.pop() != "" or not 1 <= len(rows) <= MOST_SIGNATURES:
        raise RuimteError("is not a signed note", where, mend)
    return Note(f"{body}\n", tuple(_line(row, where) for row in rows))


def read_lines(text: str, where: str = "signatures") -> tuple[Line, ...]:
    """Lines of signatures alone. Raises ``RuimteError`` where something else is among them."""
    rows = text.strip("\n").split("\n")
    if len(text) > MOST_BYTES or len(rows) > MOST_SIGNATURES:
        raise RuimteError("are too many", where, f"send at most {MOST_SIGNATURES}")
    return tuple(_line(row, where) for row in rows)


def sign_note(text: str, name: str, private: str) -> Note:
    """The note over ``text`` (which ends in a new line), signed by ``name`` with its private key (base64url)."""
    key = private_key(private)
    by = NoteKey(name, key.public_key().public_bytes_raw())
    return Note(text, (Line(name, by.id, key.sign(text.encode())),))


def is_signed(note: Note, key: NoteKey) -> bool:
    """Whether a key signed the note: at least one line says that it did, and all that say so are right."""
    found = [line for line in note.lines if line.by(key)]
    return bool(found) and all(fits(key.public, line.signature, note.text.encode()) for line in found)


def fits(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the holder of an Ed25519 key signed a message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def check_name(name: str) -> None:
    """Raises ``RuimteError`` where this can be no key's name."""
    if not name or "+" in name or any(letter.isspace() or letter < " " for letter in name):
        raise RuimteError(f"{name!r} cannot be the name of a key", "key", "write a name without spaces and +")


def private_key(text: str) -> Ed25519PrivateKey:
    """A private key as Ruimte writes them (base64url of 32 bytes). Raises ``RuimteError`` where it is none."""
    return Ed25519PrivateKey.from_private_bytes(key_bytes(text))


def key_bytes(text: str) -> bytes:
    """The 32 bytes of a key in base64url. Raises ``RuimteError``, which does not repeat them, where it is none."""
    try:
        octets = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if len(octets) != 32:
        raise RuimteError("is not an Ed25519 key", "key", "make a pair with `ruimte device keygen`")
    return octets


def from_base64(text: str) -> bytes | None:
    """What standard base64 holds; None where it is none, or is written in another way than the only one."""
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return octets if base64.b64encode(octets).decode() == text else None


def _line(row: str, where: str) -> Line:
    name, _, encoded = row.removeprefix(_DASH).partition(" ")
    octets = from_base64(encoded)
    if not row.startswith(_DASH) or not name or "+" in name or octets is None or len(octets) < 5:
        raise RuimteError("holds a line that is no signature", where, "copy the whole file again, as it was given")
    return Line(name, octets[:4], octets[4:])
