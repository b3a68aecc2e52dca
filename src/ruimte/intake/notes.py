"""What a person writes into the logbook: a note is for what happens, never for who a visitor is.

A note is looked at as a whole and word by word, for what the gatekeeper knows by its shape: plates, phone numbers, e-mail
addresses, citizens' numbers and the like. A person's name has no shape; that it does not belong there is said beside the field.
"""

from __future__ import annotations

import re
from itertools import pairwise

from ruimte.errors import RuimteError
from ruimte.intake.identifiers import Key, read_text

LONGEST = 500
"""Characters of a note."""

_PHONE = re.compile(r"(?<![\w.,+-])0[1-9]\d{1,2}[ -]?\d{2,3}[ -]?\d{2}[ -]?\d{2}(?![\w.,-]*\d)")
"""A telephone at home, as the Dutch write it: 070-1234567, 0113 12 34 56."""
_PLAIN_PLATE = re.compile(r"(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{6}")
_EDGES = ".,;:!?()[]{}'\"«»“”‘’"


class HoldsPersonalError(RuimteError):
    """A note holds what looks like an identifier; ``kind`` says which ("a number plate"), its value is not told."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"holds what looks like {kind}", "note", "leave it out: the logbook holds nothing about visitors")
        self.kind = kind


def find_in_note(text: str) -> str | None:
    """The kind of identifier that a note holds, or None.

    >>> find_in_note("Man in 12-xyz-3 blocks the gate"), find_in_note("Gate 12 closed at 22:30, about 1200-1500 people")
    ('a number plate', None)
    """
    found = read_text(text, Key())
    if found is None and _PHONE.search(text):
        found = "a phone number"
    words = [word.strip(_EDGES) for word in text.split()]
    spoken = [*words, *(" ".join(pair) for pair in pairwise(words))]
    for word in spoken if found is None else ():
        found = found or read_text(word, Key(holds_address=True)) or read_text(word.upper(), Key()) or _plain_plate(word)
    return found


def check_note(text: str) -> str:
    """The note, trimmed. Raises ``RuimteError`` where it is empty or too long, and ``HoldsPersonalError`` for what looks like an
    identifier."""
    text = text.strip()
    if not text:
        raise RuimteError("is empty", "note", "write what happened")
    if len(text) > LONGEST:
        raise RuimteError(f"is longer than {LONGEST} characters", "note", "shorten it")
    kind = find_in_note(text)
    if kind is not None:
        raise HoldsPersonalError(kind)
    return text


def _plain_plate(word: str) -> str | None:
    """A plate without its hyphens, in capitals: 12XYZ3."""
    if _PLAIN_PLATE.fullmatch(word) is None:
        return None
    return read_text("-".join(re.findall(r"[A-Z]+|\d+", word)), Key())
