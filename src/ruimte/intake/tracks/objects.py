"""JSON objects in a file: one a line, or all in an array."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from ruimte.errors import RuimteError
from ruimte.intake.tracks.content import MOST_ROWS

T = TypeVar("T")

_ANY = msgspec.json.Decoder(msgspec.Raw)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


def raw_objects(content: bytes, where: str) -> list[msgspec.Raw]:
    """The texts of the objects: of the array that the file is, of its lines, or the one that it holds. Raises ``RuimteError``
    with the line that is not JSON."""
    text = content.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        if text.startswith(b"["):
            return _limited(_ARRAY.decode(text), where)
        return [_ANY.decode(text)]
    except RecursionError:
        raise RuimteError("is nested too deep", where, "choose another file") from None
    except (msgspec.MsgspecError, UnicodeError):
        if text.startswith(b"["):
            raise RuimteError("is not a JSON array", where, "complete it; the file may be cut off") from None
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    found = []
    for number, line in _limited(lines, where):
        try:
            found.append(_ANY.decode(line))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            mend = "take the line out; the file may be cut off"
            raise RuimteError("is not JSON", f"{where}, line {number}", mend) from None
    return found


def objects_in(content: bytes, decoder: msgspec.json.Decoder[T], where: str) -> list[T]:
    """The objects as what ``decoder`` makes of them. Raises ``RuimteError`` with the number of the one that does not fit."""
    found = []
    for number, raw in enumerate(raw_objects(content, where), start=1):
        try:
            found.append(decoder.decode(raw))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise RuimteError("is not a JSON object", f"{where}, object {number}", "take it out") from None
    return found


def _limited(found: list[T], where: str) -> list[T]:
    if len(found) > MOST_ROWS:
        raise RuimteError(f"holds more than {MOST_ROWS:,} objects", where, "split it by time")
    return found
