"""Notes by hand: what looks like a visitor's identifier is refused, what a crowd manager writes is not."""

from __future__ import annotations

import pytest

from ruimte.errors import RuimteError
from ruimte.intake.notes import LONGEST, HoldsPersonalError, check_note, find_in_note


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Car KB-12-GT on the square", "a number plate"),
        ("car (12-xyz-3) blocks the gate", "a number plate"),
        ("Busje met kenteken 12XYZ3 weggestuurd.", "a number plate"),
        ("auto B-AB 1234 staat in de weg", "a number plate"),
        ("Lost child, call 06-12345678", "a phone number"),
        ("Ouders bellen op 070-1234567", "a phone number"),
        ("bel 0113 12 34 56", "a phone number"),
        ("reach him at +31 6 12345678", "a phone number"),
        ("mail jan@example.org", "an e-mail address"),
        ("BSN 111222333 genoteerd", "a citizen's number"),
        ("phone 00:1a:2b:3c:4d:5e seen", "a device's address"),
    ],
)
def test_what_identifies_a_visitor_is_found(text, kind):
    assert find_in_note(text) == kind
    with pytest.raises(HoldsPersonalError) as told:
        check_note(text)
    assert told.value.kind == kind
    assert not any(word in str(told.value) for word in text.split() if any(letter.isdigit() for letter in word))


@pytest.mark.parametrize(
    "text",
    [
        "Gate 12 closed at 22:30; about 1200-1500 people in front of it.",
        "Tram 1 rijdt niet, reizigers lopen via de Langestraat (2 km).",
        "2024-12-31: 3 posts, unit 21-04 on its way, channel 5.",
        "Geen bijzonderheden. 10.000 bezoekers verwacht om 23:45.",
        "P1 warning discussed with duty officer; density 4.5/m² near the A12.",
        "Section B-C full, 15 min wait at R2D2 stage",
        "Drukte op 12.500, capaciteit 15000 – route om via N44",
    ],
)
def test_what_a_crowd_manager_writes_passes(text):
    assert find_in_note(text) is None
    assert check_note(f"  {text} ") == text


def test_an_empty_and_an_endless_note_are_refused():
    for text, what in (("  ", "is empty"), ("a" * (LONGEST + 1), "longer than 500")):
        with pytest.raises(RuimteError, match=what):
            check_note(text)
    assert check_note("a b " * 100)
