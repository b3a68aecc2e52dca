"""A learned model as bytes: numbers only, versioned, with its own checksum; never pickle, so a file can do nothing by being
read.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from ruimte.errors import RuimteError
from ruimte.forecast.features import NAMES
from ruimte.forecast.learned import BUCKETS_H, Learned, Part
from ruimte.forecast.past import DAY_H, WEEK_DAYS
from ruimte.forecast.special import Memory
from ruimte.forecast.trees import Trees
from ruimte.model.forecast import LEVELS

FORMAT = 1
_MAGIC = b"RUIMTE-FORECAST\n"
_LONGEST = 200_000_000
"""A model unpacked is far smaller; what claims to be larger is not one."""
_TREES = ("root", "feature", "threshold", "left", "right", "missing", "leaf")
_KINDS = {"root": "<i4", "feature": "<i2", "threshold": "<f8", "left": "<i4", "right": "<i4", "missing": "<i1", "leaf": "<f8"}


class About(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a model comes from. ``sources``: what it was learned from, each with its licence; ``from_`` and ``until``: the
    local days of the first and after the last count, by source; ``command``: what makes it again."""

    name: str
    made: str
    sources: list[str]
    from_: list[str]
    until: list[str]
    command: str


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    per_day: int
    shape: bytes
    special: dict[str, tuple[bytes, bytes]]
    median: list[tuple[float, dict[str, bytes]]]
    scale: dict[str, bytes]
    spread: bytes


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    about: About
    features: list[str]
    hours: _Stored
    quarters: _Stored | None


@dataclass(frozen=True, slots=True)
class Bundle:
    """All that a lab forecasts with: a model of hours, and one of quarters of an hour where it has one."""

    about: About
    hours: Learned
    quarters: Learned | None = None


def encode(bundle: Bundle) -> bytes:
    """The bundle as bytes: magic, format, SHA-256 of what follows, and that, packed."""
    quarters = None if bundle.quarters is None else _stored(bundle.quarters)
    packed = zlib.compress(msgspec.msgpack.encode(_File(bundle.about, list(NAMES), _stored(bundle.hours), quarters)), 9)
    return _MAGIC + FORMAT.to_bytes(2, "big") + hashlib.sha256(packed).digest() + packed


def decode(data: bytes, where: str, mend: str = "name a file that ruimte train or ruimte pretrain wrote") -> Bundle:
    """The bundle in these bytes. Raises ``RuimteError``, naming ``where`` and the ``mend``, for what is no model, is damaged,
    or too new.
    """
    head = len(_MAGIC)
    if data[:head] != _MAGIC:
        raise RuimteError("is not a forecast model", where, mend)
    if (version := int.from_bytes(data[head : head + 2], "big")) > FORMAT:
        raise RuimteError(f"is a model of format {version}; this version of Ruimte knows up to {FORMAT}", where, "update Ruimte")
    digest, packed = data[head + 2 : head + 34], data[head + 34 :]
    if version < 1 or hashlib.sha256(packed).digest() != digest:
        raise RuimteError("is damaged: its checksum does not fit", where, mend)
    try:
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(packed, _LONGEST)
        file = msgspec.msgpack.decode(plain, type=_File)
        if file.features != list(NAMES):
            raise RuimteError("looks at other features than this version of Ruimte has", where, mend)
        quarters = None if file.quarters is None else _learned(file.quarters, 4 * DAY_H)
        return Bundle(file.about, _learned(file.hours, DAY_H), quarters)
    except (zlib.error, msgspec.MsgspecError, ValueError, KeyError) as error:
        raise RuimteError(f"does not hold a whole model ({error})", where, mend) from None


def _stored(learned: Learned) -> _Stored:
    return _Stored(
        learned.per_day,
        _bytes(learned.shape, "<f8"),
        {name: (_bytes(mean, "<f8"), _bytes(weight, "<f8")) for name, (mean, weight) in learned.memory.ratios.items()},
        [(float(part.until_h), _of_trees(part.trees)) for part in learned.median],
        _of_trees(learned.scale),
        _bytes(learned.spread, "<f8"),
    )


def _of_trees(trees: Trees) -> dict[str, bytes]:
    return {name: _bytes(getattr(trees, name), _KINDS[name]) for name in _TREES}


def _bytes(array: Any, kind: str) -> bytes:
    return np.ascontiguousarray(array, dtype=kind).tobytes()


def _learned(stored: _Stored, per_day: int) -> Learned:
    shape = np.frombuffer(stored.shape, "<f8")
    if stored.per_day != per_day or len(shape) != WEEK_DAYS * per_day:
        raise ValueError(f"a week of {len(shape)} blocks, {stored.per_day} a day")
    spread = np.frombuffer(stored.spread, "<f8").reshape(len(BUCKETS_H), len(LEVELS))
    if not (np.isfinite(shape).all() and np.isfinite(spread).all()):
        raise ValueError("a shape or a spread that is not a number")
    ratios = {name: (_day(mean), _day(weight)) for name, (mean, weight) in stored.special.items()}
    if any(np.isinf(mean).any() or not (np.isfinite(weight) & (weight >= 0)).all() for mean, weight in ratios.values()):
        raise ValueError("a special day that is not a number")
    parts = tuple(Part(until_h, _trees(trees)) for until_h, trees in stored.median)
    # not "≥ …": what is not a number follows nothing
    if not parts or not all(one.until_h < other.until_h for one, other in pairwise([Part(0.0, parts[0].trees), *parts])):
        raise ValueError("parts of the median that do not follow each other")
    return Learned(stored.per_day, shape, Memory(ratios), parts, _trees(stored.scale), spread)


def _day(data: bytes) -> Any:
    return np.frombuffer(data, "<f8").reshape(DAY_H)


def _trees(stored: dict[str, bytes]) -> Trees:
    trees = Trees(**{name: np.frombuffer(stored[name], _KINDS[name]) for name in _TREES})
    if (what := trees.mistake(len(NAMES))) is not None:
        raise ValueError(what)
    return trees
