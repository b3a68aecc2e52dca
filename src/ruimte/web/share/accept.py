"""Which form of an answer a client wants (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ruimte.web.problems import WebError

_RANGE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)/([!#$%&'*+.^_`|~0-9A-Za-z-]+)")
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_MOST = 50


def choose(accept: str, offered: Sequence[str]) -> str:
    """The media type of ``offered`` that an ``Accept`` header likes best, the first where it likes several; "" likes all.

    Raises ``WebError`` (406) where it takes none of them.

    >>> choose("text/csv;q=0.5, application/*", ["application/json", "text/csv"])
    'application/json'
    """
    if not accept.strip():
        return offered[0]
    weights: dict[str, float] = {}
    for part in accept.split(",")[:_MOST]:
        name, *parameters = (each.strip() for each in part.split(";"))
        if _RANGE.fullmatch(name):
            weights[name.lower()] = _weight(parameters)
    best = max(offered, key=lambda kind: _liked(kind, weights))  # of equals the first
    if _liked(best, weights) <= 0:
        raise WebError(406, "the answer is in none of the forms that are accepted", "Accept", f"accept {', '.join(offered)}")
    return best


def _liked(kind: str, weights: dict[str, float]) -> float:
    """How much: the narrowest range that a type falls under says it."""
    for name in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if name in weights:
            return weights[name]
    return 0.0


def _weight(parameters: Sequence[str]) -> float:
    """``q`` of a range; one that is none counts as 1, as if it were not there."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            return float(value) if _WEIGHT.fullmatch(value.strip()) else 1.0
    return 1.0
