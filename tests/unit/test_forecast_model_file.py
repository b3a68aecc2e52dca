"""A model as bytes: it tells the same when it comes back, and whatever is wrong with a file is told in one line."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import replace
from functools import cache

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_world import plain, trained
from ruimte.errors import RuimteError
from ruimte.forecast import model_file
from ruimte.forecast.features import NAMES
from ruimte.forecast.model_file import FORMAT, About, Bundle, decode, encode
from ruimte.forecast.special import Memory

ABOUT = About(name="t", made="2026-01-01T00:00:00Z", sources=["counts"], from_=["2024-01-01"], until=["2025-01-01"], command="x")
MAGIC = b"RUIMTE-FORECAST\n"


@cache
def small() -> bytes:
    """Of a model that learned nothing, but remembers a holiday."""
    memory = Memory({"New Year": (np.r_[np.nan, np.arange(23.0)], np.ones(24))})
    return encode(Bundle(ABOUT, replace(plain(), memory=memory), plain(96)))


def sealed(packed: bytes, version: int = FORMAT) -> bytes:
    """With a checksum that fits: what an attacker or a bug would write."""
    return MAGIC + version.to_bytes(2, "big") + hashlib.sha256(packed).digest() + packed


def opened() -> dict:
    return msgspec.msgpack.decode(zlib.decompress(small()[len(MAGIC) + 34 :]))


def closed(file: object) -> bytes:
    return sealed(zlib.compress(msgspec.msgpack.encode(file)))


def refused(data: bytes, what: str = "") -> None:
    with pytest.raises(RuimteError) as caught:
        decode(data, "a.ruimte-model")
    line = str(caught.value)
    assert line.startswith("a.ruimte-model: ")
    assert "\n" not in line
    assert what in line
    assert caught.value.mend


def test_what_comes_back_tells_the_same_to_the_bit():
    learned = trained()
    data = encode(Bundle(ABOUT, learned, plain(96)))
    found = decode(data, "here")
    assert found.about == ABOUT
    assert encode(found) == data
    assert found.hours.per_day == learned.per_day
    assert found.quarters is not None
    assert found.quarters.per_day == 96
    rows = np.random.default_rng(1).normal(0, 1, (500, len(NAMES))).astype(np.float32)
    rows[::7, ::3] = np.nan
    for one, other in zip(learned.median, found.hours.median, strict=True):
        assert one.until_h == other.until_h
        np.testing.assert_array_equal(one.trees.predict(rows), other.trees.predict(rows))
    np.testing.assert_array_equal(learned.scale.predict(rows), found.hours.scale.predict(rows))
    np.testing.assert_array_equal(learned.shape, found.hours.shape)
    np.testing.assert_array_equal(learned.spread, found.hours.spread)
    assert set(found.hours.memory.ratios) == set(learned.memory.ratios)
    for name in learned.memory.ratios:
        np.testing.assert_array_equal(learned.memory.of(name), found.hours.memory.of(name))


def test_a_model_of_hours_alone_comes_back_as_such():
    assert decode(encode(Bundle(ABOUT, plain())), "here").quarters is None


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"ruimte", MAGIC[:-1], b"\x80\x04\x95" + b"0" * 90, b"0" * 5000])
def test_what_is_no_model_is_refused(data):
    refused(data, "is not a forecast model")


def test_a_newer_format_says_that_ruimte_is_to_be_updated():
    data = bytearray(small())
    data[len(MAGIC) + 1] = FORMAT + 1
    refused(bytes(data), f"format {FORMAT + 1}")
    refused(bytes(data), "update Ruimte")


def test_every_cut_is_refused():
    data = small()
    for end in {*range(200), *range(200, len(data), 97), len(data) - 1}:
        refused(data[:end])
    refused(data + b"\0", "checksum")


@given(at=st.integers(0, 10**9), to=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_every_other_byte_is_refused(at, to):
    data = bytearray(small())
    at %= len(data)
    if data[at] == to:
        to ^= 1
    data[at] = to
    refused(bytes(data))


def test_every_flipped_bit_of_the_head_is_refused():
    for at in range(len(MAGIC) + 34 + 8):
        for bit in range(8):
            data = bytearray(small())
            data[at] ^= 1 << bit
            refused(bytes(data))


@given(packed=st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_under_a_good_checksum_are_refused(packed):
    refused(sealed(packed))
    refused(sealed(zlib.compress(packed)))


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=5) | st.binary(max_size=200),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _paths(value: object, path: tuple = ()) -> list[tuple]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for key, inner in pairs for each in _paths(inner, (*path, key)))]


@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_whatever_stands_in_a_field_it_is_refused_or_can_be_told_from(data):
    file = opened()
    *path, last = data.draw(st.sampled_from([path for path in _paths(file) if path]))
    holder = file
    for key in path:
        holder = holder[key]
    if isinstance(holder[last], bytes) and data.draw(st.booleans()):
        holder[last] = data.draw(st.binary(min_size=len(holder[last]), max_size=len(holder[last])) | st.just(holder[last][:-1]))
    elif isinstance(holder, dict) and data.draw(st.booleans()):
        del holder[last]
    else:
        holder[last] = data.draw(anything)
    try:
        found = decode(closed(file), "here")
    except RuimteError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    rows = np.zeros((3, len(NAMES)), dtype=np.float32)
    for learned in (found.hours, found.quarters):
        if learned is not None:
            assert np.isfinite(learned.scale.predict(rows)).all()
            assert all(np.isfinite(part.trees.predict(rows)).all() for part in learned.median)


def _array(kind: str, *values: float) -> bytes:
    return np.array(values, dtype=kind).tobytes()


def _node(**changes: bytes) -> dict[str, bytes]:
    """One node of two leaves."""
    good = {
        "root": _array("<i4", 0),
        "feature": _array("<i2", 0),
        "threshold": _array("<f8", 1.0),
        "left": _array("<i4", -1),
        "right": _array("<i4", -2),
        "missing": _array("<i1", 0),
        "leaf": _array("<f8", 0.1, 0.2),
    }
    return good | changes


@pytest.mark.parametrize(
    ("trees", "what"),
    [
        (_node(left=_array("<i4", 0)), "leads back"),
        (_node(root=_array("<i4", 1)), "where nothing is"),
        (_node(right=_array("<i4", -3)), "where nothing is"),
        (_node(left=_array("<i4", -1, -1)), "differ in length"),
        (_node(threshold=b"\0" * 9), "whole model"),
        (_node(feature=_array("<i2", len(NAMES))), "none of"),
        (_node(feature=_array("<i2", -1)), "none of"),
        (_node(threshold=_array("<f8", np.nan)), "not a number"),
        (_node(leaf=_array("<f8", 0.1, np.inf)), "not a number"),
        ({}, "whole model"),
    ],
)
def test_trees_that_lead_nowhere_are_refused(trees, what):
    file = opened()
    file["hours"]["scale"] = _node()
    decode(closed(file), "here")
    file["hours"]["scale"] = trees
    refused(closed(file), what)
    file = opened()
    file["hours"]["median"][0][1] = trees
    refused(closed(file), what)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shape", np.full(168, np.nan)),
        ("shape", np.ones(167)),
        ("shape", np.ones(0)),
        ("spread", np.full((6, 21), np.inf)),
        ("spread", np.ones(20)),
    ],
)
def test_a_shape_or_a_spread_that_is_none_is_refused(field, value):
    file = opened()
    file["hours"][field] = value.astype("<f8").tobytes()
    refused(closed(file), "does not hold a whole model")


def test_other_features_are_refused():
    file = opened()
    file["features"][0] = "other"
    refused(closed(file), "other features")
    file["features"] = file["features"][1:]
    refused(closed(file), "other features")


@pytest.mark.parametrize("until", [[], [6.0, 6.0], [168.0, 6.0], [np.nan], [6.0, np.nan], [np.nan, 168.0]])
def test_parts_of_the_median_follow_each_other(until):
    file = opened()
    trees = file["hours"]["median"][0][1]
    file["hours"]["median"] = [[each, trees] for each in until]
    refused(closed(file), "follow each other")


@pytest.mark.parametrize(("hours", "quarters"), [("quarters", "quarters"), ("hours", "hours"), ("quarters", "hours")])
def test_hours_are_hours_and_quarters_are_quarters(hours, quarters):
    file = opened()
    swapped = file | {"hours": file[hours], "quarters": file[quarters]}
    refused(closed(swapped), "does not hold a whole model")


@pytest.mark.parametrize("weight", [np.nan, np.inf, -1.0])
def test_a_holiday_that_weighs_no_number_is_refused(weight):
    file = opened()
    file["hours"]["special"]["New Year"][1] = np.full(24, weight).tobytes()
    refused(closed(file), "does not hold a whole model")


def test_a_holiday_like_infinity_is_refused():
    file = opened()
    file["hours"]["special"]["New Year"][0] = np.full(24, np.inf).tobytes()
    refused(closed(file), "does not hold a whole model")


def test_what_swells_when_unpacked_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(model_file, "_LONGEST", 100_000)
    unpacked = []
    plain_inflate = zlib.decompressobj

    class Watched:
        def __init__(self):
            self.inner = plain_inflate()

        def decompress(self, *arguments):
            unpacked.append(self.inner.decompress(*arguments))
            return unpacked[-1]

    monkeypatch.setattr(zlib, "decompressobj", Watched)
    refused(sealed(zlib.compress(b"\0" * 50_000_000, 9)))
    file = opened()
    file["about"]["sources"] = ["x" * 5_000_000]
    refused(closed(file))
    assert all(len(each) <= 100_000 for each in unpacked)
