"""The words of a ``$filter``: texts, numbers, times, shapes, names and signs, each with its place for a clear error.

After OData 4.01 (URL conventions and ABNF). A blank where an offset begins is a ``+`` that was not percent-encoded in its URL.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Literal

import shapely

from ruimte.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from ruimte.sta.errors import StaError
from ruimte.sta.times import parse_instant, parse_interval

Kind = Literal["text", "number", "instant", "interval", "date", "time", "duration", "geometry", "name", "sign", "end"]
LARGEST_INTEGER = 2**63 - 1

_INSTANT = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+\- ]\d\d:?\d\d\b)?"
_WORDS = re.compile(
    rf"""
    (?P<blank>\s+)
  | (?P<interval>{_INSTANT}/{_INSTANT})
  | (?P<instant>{_INSTANT})
  | (?P<date>\d{{4}}-\d\d-\d\d)
  | (?P<time>\d\d:\d\d(?::\d\d(?:\.\d+)?)?)
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<typed>(?P<type>geography|geometry|duration)'(?P<typed_text>(?:[^']|'')*)')
  | '(?P<text>(?:[^']|'')*)'
  | (?P<name>[^\W\d][\w.]*|@iot\.id|\$[A-Za-z]+)
  | (?P<sign>[()\[\],/-])
    """,
    re.VERBOSE | re.ASCII,
)
_KEY = re.compile(r"[^\s()\[\]',/\"]+")
"""A step after ``/``: keys of free objects may hold more than a name, as in ``properties/floor-1``."""
_DURATION = re.compile(r"(-?)P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,12}(?:\.\d{1,9})?)S)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Word:
    """A word: its kind, its value (times in µs, a shape as WKT), and where it begins."""

    kind: Kind
    value: Any
    at: int


def words(text: str) -> list[Word]:
    """The words of a text, and one of kind ``end``. Raises ``StaError`` (400) at what is none.

    >>> [word.value for word in words("result gt 5.5")]
    ['result', 'gt', 5.5, None]
    >>> [word.kind for word in words("time eq 2026-04-27T14:00:00+02:00")]
    ['name', 'name', 'instant', 'end']
    """
    found: list[Word] = []
    at = 0
    while at < len(text):
        if found and found[-1].value == "/" and found[-1].kind == "sign" and (key := _KEY.match(text, at)):
            found.append(Word("name", key[0], at))
            at = key.end()
            continue
        match = _WORDS.match(text, at)
        if match is None:
            what = "a text is not closed" if text[at] == "'" else f"{text[at]!r} has no meaning here"
            raise StaError(what, f"$filter, character {at + 1}", "put texts in single quotes, and a quote within one twice")
        if match.lastgroup != "blank":
            found.append(_word(match, at))
        at = match.end()
    return [*found, Word("end", None, at)]


def _word(match: re.Match[str], at: int) -> Word:
    where = f"$filter, character {at + 1}"
    kind = match.lastgroup
    if kind == "typed":
        inner = match["typed_text"].replace("''", "'")
        if match["type"] == "duration":
            return Word("duration", parse_duration(inner, where), at)
        return Word("geometry", _shape(inner, where), at)
    text = match[0]
    if kind == "text":
        return Word("text", match["text"].replace("''", "'"), at)
    if kind == "number":
        return Word("number", _number(text, where), at)
    if kind == "instant":
        return Word("instant", parse_instant(text.replace(" ", "+"), where), at)
    if kind == "interval":
        return Word("interval", parse_interval(text.replace(" ", "+"), where), at)
    if kind == "date":
        return Word("date", _date(text, where), at)
    if kind == "time":
        return Word("time", _time(text, where), at)
    return Word("name" if kind == "name" else "sign", text, at)


def _number(text: str, where: str) -> int | float:
    if text.isdigit():
        if len(text) > 19 or int(text) > LARGEST_INTEGER:
            raise StaError("the number is too large", where, "use integers of at most 64 bit")
        return int(text)
    number = float(text)
    if math.isinf(number):
        raise StaError("the number is too large", where, "use numbers up to 1e308")
    return number


def _date(text: str, where: str) -> int:
    """Days since 1970."""
    try:
        return date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        raise StaError(f"{text} is no date", where, "write it as 2026-04-27") from None


def _time(text: str, where: str) -> int:
    """Microseconds since midnight."""
    try:
        moment = time.fromisoformat(text)
    except ValueError:
        raise StaError(f"{text} is no time of day", where, "write it as 14:30:00") from None
    return moment.hour * HOUR_US + moment.minute * MINUTE_US + moment.second * SECOND_US + moment.microsecond


def parse_duration(text: str, where: str = "duration") -> int:
    """Microseconds of an ISO 8601 duration of days, hours, minutes and seconds. Raises ``StaError`` (400) for anything else.

    >>> parse_duration("PT1H0.5S")
    3600500000
    """
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()[1:]) or text.endswith("T"):
        raise StaError(f"{text[:60]!r} is no duration", where, "write it as duration'PT1H30M' or duration'P1D'")
    sign, days, hours, minutes, seconds = match.groups("0")
    whole = int(days) * DAY_US + int(hours) * HOUR_US + int(minutes) * MINUTE_US + round(float(seconds) * SECOND_US)
    return -whole if sign == "-" else whole


def _shape(text: str, where: str) -> str:
    """A shape as Well-Known Text, without the SRID that some put before it."""
    well_known = re.sub(r"\s*SRID\s*=\s*\d+\s*;", "", text, count=1, flags=re.IGNORECASE)
    try:
        shapely.from_wkt(well_known)
    except shapely.errors.ShapelyError:
        raise StaError("not a shape in Well-Known Text", where, "write it as geography'POINT (4.9 52.37)'") from None
    return well_known
