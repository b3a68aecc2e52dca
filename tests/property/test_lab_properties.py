"""What holds for any time zone, any table and any feature."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruimte.clock import from_us, to_us
from ruimte.lab.compile import compile_lab
from ruimte.lab.files import AlgorithmEntry, EventEntry, LabFile, MeasureEntry, SensorEntry, ZoneProperties
from ruimte.lab.lab import Lab
from ruimte.lab.mistakes import Spot
from ruimte.lab.places import read_places
from ruimte.lab.tables import typed

MOMENTS = st.integers(to_us(datetime(2000, 1, 1, tzinfo=UTC)), to_us(datetime(2039, 12, 31, tzinfo=UTC)))


def empty_lab(time_zone: str) -> Lab:
    file = LabFile(format=1, key="any", name="Any", organisation="Any", contact="a@example.org", time_zone=time_zone)
    return Lab(Path("any"), file, ZoneInfo(time_zone), {}, {}, {}, {}, {}, {}, {}, ())


@given(st.sampled_from(sorted(available_timezones() - {"localtime"})), st.lists(MOMENTS, min_size=1, max_size=50))
@settings(deadline=None, max_examples=60)
def test_the_models_offsets_are_those_of_the_time_zone(time_zone: str, moments: list[int]) -> None:
    lab = empty_lab(time_zone)
    model = compile_lab(lab, {})
    offsets = model.utc_offset_us(np.array(moments, dtype=np.int64)).tolist()
    expected = [from_us(us).astimezone(lab.zone).utcoffset() for us in moments]
    assert offsets == [offset.total_seconds() * 1e6 for offset in expected if offset is not None]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates() | st.datetimes()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8
)
KINDS: tuple[type[msgspec.Struct], ...] = (LabFile, SensorEntry, AlgorithmEntry, MeasureEntry, EventEntry, ZoneProperties)


@given(st.sampled_from(KINDS), st.data())
@settings(deadline=None, max_examples=150)
def test_a_table_is_either_right_or_has_mistakes(kind: type[msgspec.Struct], data: st.DataObject) -> None:
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    raw = data.draw(st.dictionaries(st.sampled_from([*names, "stranger"]), VALUES, max_size=len(names)))
    spot = Spot([], "any.toml")
    struct = typed(raw, kind, spot)
    assert (struct is None) == bool(spot.found)
    assert all(mistake.what and mistake.mend for mistake in spot.found)


NUMBERS = st.floats(-200, 200) | st.sampled_from([0, 5, 10, 1e300, float("inf"), float("nan")])
COORDINATES = st.recursive(NUMBERS | st.text(max_size=2) | st.none(), lambda inner: st.lists(inner, max_size=5), max_leaves=20)
RINGS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6).map(lambda ps: [[*ps, ps[0]]])


@given(
    features=st.lists(
        st.fixed_dictionaries(
            {
                "type": st.just("Feature"),
                "properties": st.fixed_dictionaries(
                    {
                        "kind": st.sampled_from(["zone", "gate", "count_point"]),
                        "key": st.sampled_from("abc"),
                        "name": st.just("x"),
                    },
                    optional={"from": st.sampled_from(["a", "outside"]), "to": st.sampled_from(["b", "c"]), "area_m2": VALUES},
                ),
                "geometry": st.fixed_dictionaries(
                    {"type": st.sampled_from(["Polygon", "LineString", "Point"]), "coordinates": RINGS | COORDINATES}
                ),
            }
        ),
        max_size=4,
    )
)
@settings(deadline=None, max_examples=150)
def test_any_features_give_places_or_mistakes(tmp_path_factory: pytest.TempPathFactory, features: list[object]) -> None:
    folder = tmp_path_factory.mktemp("lab")
    text = json.dumps({"type": "FeatureCollection", "features": features}, default=date.isoformat)
    (folder / "places.geojson").write_text(text, encoding="utf-8")
    mistakes: list = []  # type: ignore[type-arg]
    places = read_places(folder, mistakes)
    assert places is not None
    good = {*places.zones, *places.gates, *places.count_points}
    assert mistakes or len(good) == len(features)
    assert all(zone.polygon.is_valid and zone.area_m2 > 0 for zone in places.zones.values())
