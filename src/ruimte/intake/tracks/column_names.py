"""A table whose columns have the usual names needs no mapping: this finds it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ruimte.errors import RuimteError
from ruimte.intake.tracks.track_mapping import TrackMapping

_METRES, _SECONDS = ("m", "cm", "mm"), ("s", "ms", "us")
_ROLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "id": (("id", "track", "trackid", "objectid", "personid", "pedestrianid", "agentid", "pid"), ()),
    "frame": (("frame", "frameid", "framenumber", "fr"), ()),
    "time": (("time", "timestamp", "datetime", "t"), _SECONDS),
    "kind": (("class", "type", "objecttype", "objectclass", "classname", "category"), ()),
    "x": (("x",), _METRES),
    "y": (("y",), _METRES),
    "longitude": (("longitude", "lon", "lng", "long"), ()),
    "latitude": (("latitude", "lat"), ()),
}
"""Of each role the names that it goes by, without signs, and the units that may follow."""

PEOPLE = ("pedestrian", "pedestrians", "person", "persons", "people", "human", "voetganger", "voetgangers", "persoon")
"""What a column that tells what moves says of people, where no mapping tells it."""

_NAMED = re.compile(r"(.+?)(?:\s*[/\[(]\s*(?:in\s+)?(m|cm|mm|s|ms|us)\s*[\])]?|_(m|cm|mm|s|ms|us))?")
_MEND = "tell by a mapping (--mapping) what its columns mean"


class _Column(NamedTuple):
    """A column that plays a role, and its unit where its name tells one."""

    name: str
    unit: str | None


def by_names(names: Sequence[str], where: str, *, on_globe: bool = False) -> TrackMapping:
    """The mapping of a table whose columns have the usual names, units among them (``x/m``, ``y [cm]``, ``t_s``).

    ``on_globe``: longitude and latitude are wanted; else they are taken where there are no x and y. A column with times is
    read where none tells the frame. Raises ``RuimteError`` where a column is lacking, or two could be meant.

    >>> found = by_names(["frame", "x/m", "y/m", "lon_wgs84", "id"], "walk.parquet")
    >>> found.id, found.frame, found.x, found.y, found.unit
    ('id', 'frame', 'x/m', 'y/m', 'm')
    """
    roles = {role: column for role in _ROLES if (column := _playing(role, names, where)) is not None}
    places = ("x", "y") if {"x", "y"} <= roles.keys() and not on_globe else ("longitude", "latitude")
    if not on_globe and not set(places) <= roles.keys():
        places = ("x", "y")
    lacking = [role for role in ("id", *places) if role not in roles]
    lacking += [] if roles.keys() & {"frame", "time"} else ["frame or time"]
    if lacking:
        some = ", ".join(map(repr, names[:12])) + (", …" if len(names) > 12 else "")
        raise RuimteError(f"no column {', '.join(lacking)} (found: {some})", where, _MEND)
    if roles[places[0]].unit != roles[places[1]].unit:
        raise RuimteError("tells x and y in different units", where, _MEND)
    when = "frame" if "frame" in roles else "time"
    told = {role: roles[role].name for role in ("id", when, *places)}
    told |= {"kind": roles["kind"].name} if "kind" in roles else {}
    units = {"unit": roles[places[0]].unit, "time_unit": roles[when].unit}
    return msgspec.convert({**told, **units, "people": list(PEOPLE) if "kind" in roles else []}, TrackMapping)


def unit_in_name(name: str) -> str | None:
    """The unit of length that a column's name tells, if any."""
    unit = _word_and_unit(name)[1]
    return unit if unit in _METRES else None


def _playing(role: str, names: Sequence[str], where: str) -> _Column | None:
    """The column that plays a role."""
    words, units = _ROLES[role]
    found = [
        _Column(name, unit) for name in names for word, unit in [_word_and_unit(name)] if word in words and unit in (None, *units)
    ]
    if len(found) > 1:
        raise RuimteError(f"the {role} may be in {' or '.join(repr(each.name) for each in found)}", where, _MEND)
    return found[0] if found else None


def _word_and_unit(name: str) -> tuple[str, str | None]:
    """A column's name without signs, and its unit.

    >>> _word_and_unit("x/m"), _word_and_unit("Track_ID"), _word_and_unit("x_RGF"), _word_and_unit("position.lat")
    (('x', 'm'), ('trackid', None), ('xrgf', None), ('lat', None))
    """
    found = _NAMED.fullmatch(name.strip().rsplit(".", maxsplit=1)[-1].lower())
    if found is None:
        return name, None
    return re.sub(r"[\s_-]", "", found[1]), found[2] or found[3]
