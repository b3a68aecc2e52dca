"""Text in the two languages of the house, and lengths of time as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping

LANGUAGES = ("en", "nl")

_UNITS_US = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}


def duration_us(text: str) -> int:
    """Microseconds of a length of time written as a whole number and a unit (s, m, h, d, w).

    >>> duration_us("5m")
    300000000

    Raises ``ValueError`` where it is written otherwise.
    """
    match = re.fullmatch(r"(\d+)\s*([smhdw])", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a length of time")
    return int(match[1]) * _UNITS_US[match[2]]


def duration_text(us: int) -> str:
    """A length of time as people write it, in the largest unit that holds it a whole number of times.

    >>> duration_text(300_000_000), duration_text(90_000_000)
    ('5m', '90s')
    """
    fitting = [unit for unit, unit_us in _UNITS_US.items() if us and us % unit_us == 0]
    return f"{us // _UNITS_US[fitting[-1]]}{fitting[-1]}" if fitting else f"{us / _UNITS_US['s']:g}s"


def pick(text: str | Mapping[str, str], language: str) -> str:
    """The text in the wanted language, else in English, else in any.

    >>> pick({"en": "Stage", "nl": "Podium"}, "nl")
    'Podium'
    """
    if isinstance(text, str):
        return text
    return text.get(language) or text.get("en") or next(iter(text.values()), "")
