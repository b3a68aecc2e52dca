"""Every mistake in a lab's files is found: each by itself, and all in one run."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ruimte.errors import RuimteError
from ruimte.lab.check import check_lab
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder, names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    new_lab(tmp_path / "lab")
    return tmp_path / "lab"


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {file}"
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def edit_feature(folder: Path, key: str, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "places.geojson"
    collection = json.loads(path.read_text(encoding="utf-8"))
    change(next(f for f in collection["features"] if f["properties"]["key"] == key))
    path.write_text(json.dumps(collection), encoding="utf-8")


@pytest.mark.parametrize("name", names())
def test_the_labs_that_come_along_have_no_mistakes(name: str) -> None:
    lab, mistakes = check_lab(lab_folder(name))
    assert mistakes == []
    assert lab is not None
    assert lab.key == name


def test_a_new_lab_has_no_mistakes(folder: Path) -> None:
    lab, mistakes = check_lab(folder)
    assert mistakes == []
    assert lab is not None
    assert lab.key == "lab"
    assert list(lab.zones) == ["square", "street"]
    assert lab.zones["street"].area_m2 == 900
    assert lab.zones["square"].area_m2 == pytest.approx(61.67 * 44.51, rel=0.002)


def test_a_new_lab_overwrites_nothing(folder: Path) -> None:
    with pytest.raises(RuimteError, match="there is something here already"):
        new_lab(folder)


TABLE_MISTAKES = [
    # file, what stands there, what is written instead, where the mistake is, what it says
    ("lab.toml", 'key = "lab"', "key = lab", "line ", "not TOML"),
    ("lab.toml", "format = 1", "format = 2", "field format (line 5)", "newer than this version knows"),
    ("lab.toml", "format = 1", "format = 0", "field format (line 5)", "format 0 is not known"),
    ("lab.toml", "format = 1\n", "", "", "field 'format' is missing"),
    ("lab.toml", 'key = "lab"', 'key = "My Lab"', "field key (line 6)", "not a key"),
    ("lab.toml", "contact =", "contacts =", "field contacts (line 9)", "unknown field 'contacts'"),
    ("lab.toml", "contact =", "colour = 1\ncontact =", "field colour (line 9)", "unknown field 'colour'"),
    ("lab.toml", '"crowd@example.org"', '"nobody"', "field contact", "not an e-mail address"),
    ("lab.toml", '"Europe/Amsterdam"', '"Europe/Atlantis"', "field time_zone", "unknown time zone"),
    ("lab.toml", '"Europe/Amsterdam"', '"../etc"', "field time_zone", "unknown time zone"),
    ("lab.toml", 'country = "NL"', 'country = "XX"', "field country", "no public holidays"),
    ("lab.toml", 'country = "NL"', 'country = "CH"\nregion = "XX"', "field region", "no public holidays"),
    ("lab.toml", 'country = "NL"', 'region = "ZH"', "field region", "without a country"),
    ("lab.toml", 'levels = "fruin-walkway"', 'levels = "fruin"', "field levels", "unknown level-of-service table"),
    ("lab.toml", 'length = "5m"', 'length = "7m"', "field ticks.length", "not a whole number of ticks"),
    ("lab.toml", 'length = "5m"', 'length = "five"', "field ticks.length", "not a length of time"),
    ("lab.toml", 'length = "5m"', 'length = "0m"', "field ticks.length", "no time at all"),
    ("lab.toml", 'length = "5m"', "length = 5", "field ticks.length", "expected str, got int"),
    ("lab.toml", 'horizon = "3h"', 'horizon = "1m"', "field forecast.horizon", "shorter than a tick"),
    ("lab.toml", 'look_ahead = "1h"', 'look_ahead = "4h"', "field warn.look_ahead", "cannot look 4h ahead"),
    ("lab.toml", "open_at = 0.5", "open_at = 1.5", "field warn.open_at", "not a probability"),
    ("lab.toml", "close_below = 0.25", "close_below = 0.5", "field warn.close_below", "not below open_at"),
    ("lab.toml", 'from_level = "D"', 'from_level = "G"', "field warn.from_level", "unknown level"),
    ("lab.toml", 'history = "52w"', 'history = "1w"', "field unusual.history", "less than four weeks"),
    ("lab.toml", "minimum_people = 50", "minimum_people = -1", "field unusual.minimum_people", "below 0"),
    ("lab.toml", 'staff = "90d"', 'staff = "90"', "field retention.staff", "not a length of time"),
    ("lab.toml", 'tiles = "none"', 'tiles = "osm"', "field map.tiles", "unknown base map"),
    ("lab.toml", 'clock_skew = "2m"', 'clock_skew = "2h"', "field intake.clock_skew_most", "is shorter than clock_skew 2h"),
    ("lab.toml", 'clock_skew = "2m"', 'clock_skew = "soon"', "field intake.clock_skew", "not a length of time"),
    ("lab.toml", 'frozen_after = "6h"', 'frozen_after = "0h"', "field intake.frozen_after", "no time at all"),
    ("lab.toml", "anonymous_writes = false", 'anonymous_writes = "no"', "field intake.anonymous_writes", "expected bool"),
    ("lab.toml", 'battery = "number"', 'battery = "volt"', "field intake.keys", "key 'battery' cannot hold 'volt'"),
    ("lab.toml", 'battery = "number"', '"a b" = "number"', "field intake.keys", "'a b' is not a key"),
    ("lab.toml", 'battery = "number"', "battery = 1", "field intake.keys", "expected str, got int"),
    ("lab.toml", "[ticks]\n", "[tick]\n", "field tick", "unknown field 'tick'"),
    ("sensors.toml", 'key = "street-east"', 'key = "square-west"', "sensor 3 'square-west' field key", "already used"),
    ("sensors.toml", 'place = "station-road"', 'place = "station"', "field place", "unknown place"),
    ("sensors.toml", 'place = "station-road"', 'place = "square"', "field place", "'square' is a zone, and 'count' is of those"),
    ("sensors.toml", "max_per_interval = 1600\n", "", "sensor 4 'station-road'", "'count' without max_per_interval"),
    ("sensors.toml", 'measures = ["count"]', 'measures = ["weight"]', "field measures", "unknown measure"),
    ("sensors.toml", 'measures = ["count"]', 'measures = ["devices"]', "field personal_data", "counts what people carry"),
    ("sensors.toml", 'measures = ["count"]', "measures = []", "field measures", "empty"),
    ("sensors.toml", 'measures = ["count"]', 'measures = ["count", "count_in"]', "field measures", "twice"),
    ("sensors.toml", 'measures = ["count_in", "count_out"]', 'measures = ["count"]', "field measures", "cannot tell"),
    ("sensors.toml", 'interval = "5m"', 'interval = "2m"', "field interval", "does not divide the tick"),
    ("sensors.toml", 'interval = "5m"', 'interval = "10m"', "field interval", "does not divide the tick"),
    ("sensors.toml", "max_per_interval = 1600", "max_per_interval = 0", "field max_per_interval", "not above 0"),
    ("sensors.toml", "max_per_interval = 1600", "max_per_interval = nan", "field max_per_interval", "not above 0"),
    ("sensors.toml", "valid_until = 2030-12-31", "valid_until = 2025-12-31", "field valid_until", "before valid_from"),
    ("sensors.toml", "valid_until = 2030-12-31", 'valid_until = "2030"', "field valid_until", "expected date, got str"),
    ("sensors.toml", '"GDPR article 6(1)(e): a task in the public interest"', '"none"', "field legal_ground", "legal ground"),
    ("sensors.toml", 'privacy_url = "https://example.org/privacy/square"\n', "", "field privacy_url", "privacy statement"),
    ("sensors.toml", '"https://example.org/privacy/square"', '"on paper"', "field privacy_url", "not a web address"),
    ("sensors.toml", 'impact_assessment = "DPIA counting cameras, version 1"\n', "", "field impact_assessment", "assessment"),
    ("sensors.toml", 'owner = "Municipality of Example"\n', "", "sensor 1 'square-west'", "field 'owner' is missing"),
    ("sensors.toml", 'owner = "Municipality of Example"', 'owner = " "', "field owner", "the text is empty"),
    ("sensors.toml", '{ en = "Station road", nl = "Stationsweg" }', '{ dutch = "Stationsweg" }', "field name", "not a language"),
    ("sensors.toml", 'kind = "infrared counter"', 'mac = "a"\nkind = "infrared counter"', "field mac", "unknown field 'mac'"),
    ("sensors.toml", 'key = "square-cameras"', 'key = "Square"', "device 1 'Square' field key", "not a key"),
    ("sensors.toml", '"square-street"]', '"square-south"]', "field sensors", "unknown sensor 'square-south'"),
    ("sensors.toml", '"square-street"]', '"square-west"]', "field sensors", "empty or doubled"),
    ("sensors.toml", 'sensors = ["square-west", "square-street"]', "sensors = []", "field sensors", "empty"),
    ("sensors.toml", "per_minute = 120", "per_minute = 0", "field per_minute", "not above 0"),
    ("sensors.toml", "per_minute = 120", 'signing_key = "abc"', "field signing_key", "not an Ed25519 public key"),
    ("sensors.toml", "per_minute = 120", f'signing_key = "{"A" * 42}B"', "field signing_key", "not an Ed25519 public key"),
    ("sensors.toml", "per_minute = 120", 'topic = "a/b"', "field topic", "has topics of its own"),
    ("sensors.toml", "per_minute = 120", 'topic = "a/#"', "field topic", "not a topic"),
    ("sensors.toml", "per_minute = 120", 'topic = "a b"', "field topic", "not a topic"),
    ("sensors.toml", "per_minute = 120", 'topic = "$SYS/a"', "field topic", "the broker's or SensorThings' own"),
    ("sensors.toml", "per_minute = 120", 'topic = "v1.1/Things"', "field topic", "the broker's or SensorThings' own"),
    ("sensors.toml", "per_minute = 120", "token = 'x'", "field token", "unknown field 'token'"),
    ("sensors.toml", "[[device]]", "[device]", "field device", "not a list of tables"),
    ("algorithms.toml", 'key = "rate-filter"', 'key = "rates"', "", "'rate-filter' is not registered"),
    ("algorithms.toml", 'status = "in use"', 'status = "fine"', "field status", "unknown status"),
    ("algorithms.toml", "valid_until = 2030-12-31", "valid_until = 2020-12-31", "field valid_until", "before valid_from"),
    ("algorithms.toml", "[[algorithm]]", "[algorithm]", "line ", "not TOML"),
    ("playbook.toml", "priorities = [1, 2, 3]", "priorities = [0]", "field priorities", "not among 1, 2 and 3"),
    ("playbook.toml", "priorities = [1, 2, 3]", "priorities = [1.5]", "field priorities", "expected int"),
    ("playbook.toml", '["square", "street"]', '["square", "park"]', "field places", "unknown place 'park'"),
    ("playbook.toml", 'key = "announce"', 'key = "stewards"', "measure 2 'stewards' field key", "already used"),
    ("calendar.toml", "2026-07-04T18:00:00", "2026-07-04T09:00:00", "field end", "before it starts"),
    ("calendar.toml", "2026-07-04T18:00:00", "2026-07-04", "field end", "expected datetime"),
    ("calendar.toml", '["square", "street"]', '["square-west"]', "field places", "unknown place"),
    ("calendar.toml", "expected_visitors = 6000", "expected_visitors = -5", "field expected_visitors", "not above 0"),
    ("places.geojson", '{\n  "type"', '{\n  type', "line 2", "not JSON"),
    ("places.geojson", '"FeatureCollection"', '"Feature"', "", "not a GeoJSON FeatureCollection"),
    ("places.geojson", '"format": 1', '"format": 9', "field format", "newer than this version knows"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "place", "what"), TABLE_MISTAKES)
def test_each_mistake_in_a_text_is_found(folder: Path, file: str, old: str, new: str, place: str, what: str) -> None:
    edit(folder, file, old, new)
    lab, mistakes = check_lab(folder)
    assert lab is None
    assert [(m.file, place in m.place, what in m.what) for m in mistakes] == [(file, True, True)]
    assert mistakes[0].mend


def _square(west: float, east: float, north: float = 52.0904) -> list[list[list[float]]]:
    return [[[west, 52.09], [east, 52.09], [east, north], [west, north], [west, 52.09]]]


def _coordinates(value: object) -> Callable[[dict[str, Any]], object]:
    return lambda feature: feature["geometry"].update(coordinates=value)


def _property(name: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda feature: feature["properties"].update({name: value})


FEATURE_MISTAKES = [
    ("square", _coordinates([[[5.12, 52.09], [5.1209, 52.0904], [5.1209, 52.09], [5.12, 52.0904], [5.12, 52.09]]]), "Self-"),
    ("square", _coordinates([[[52.09, 185.12], [52.1, 185.12], [52.1, 185.13], [52.09, 185.12]]]), "outside WGS84"),
    ("square", _coordinates([[[5.12, 52.09], [5.1209, 52.09]]]), "is invalid"),
    ("square", _coordinates([["west", "east"]]), "not those of a Polygon"),
    ("square", _coordinates(_square(5.12, 5.1212)), "overlaps zone 'square' by"),
    ("square", lambda f: f["geometry"].update(type="Point"), "a zone is a Polygon, not 'Point'"),
    ("square", lambda f: f.update(geometry=None), "a zone is a Polygon, not None"),
    ("square", lambda f: f.update(type="Thing"), "not a GeoJSON Feature"),
    ("square", _property("area_m2", -4), "not above 0"),
    ("square", _property("capacity", "many"), "expected float | null, got str"),
    ("square", _property("typical", -4), "not above 0"),
    ("square", _property("typical", 0), "not above 0"),
    ("square", _property("typical", "many"), "expected float | null, got str"),
    ("station-road", _property("typical", 0), "not above 0"),
    ("station-road", _property("typical", -1.5), "not above 0"),
    ("square-west", _property("typical", 5), "unknown field 'typical'"),
    ("square", _property("empty_at", "25:00"), "not a time of day"),
    ("square", _property("levels", "fruin-walkway-flow"), "unknown level-of-service table"),
    ("square", _property("kind", "area"), "unknown kind 'area'"),
    ("square", _property("area", 5), "unknown field 'area'"),
    ("square", _property("key", "outside"), "means the world around"),
    ("square-west", _property("to", "park"), "'park' is not a zone"),
    ("square-west", _property("to", "outside"), "from 'outside' to itself"),
    ("square-street", _property("from", "street"), "from 'street' to itself"),
    ("square-west", _property("width_m", 0), "not above 0"),
    ("square-west", _coordinates([[5.1190, 52.0901], [5.1190, 52.0902]]), "m from zone 'square'"),
    ("street-east", _property("key", "square-street"), "already used by feature 4"),
    ("station-road", _coordinates([5.1185]), "not those of a Point"),
    ("station-road", _coordinates([5.1185, 152.09]), "outside WGS84"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "change", "what"), FEATURE_MISTAKES)
def test_each_mistake_in_a_feature_is_found(
    folder: Path, key: str, change: Callable[[dict[str, Any]], object], what: str
) -> None:
    edit_feature(folder, key, change)
    lab, mistakes = check_lab(folder)
    assert lab is None
    assert [m for m in mistakes if m.file == "places.geojson" and m.place.startswith("feature") and what in m.what]


SCHOOL = """
[[school_holiday]]
key = "summer"
first = 2026-07-06
last = 2026-08-16
"""


def _with_school(folder: Path, text: str = SCHOOL) -> None:
    path = folder / "calendar.toml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_school_holidays_are_part_of_a_lab(folder: Path) -> None:
    _with_school(folder, SCHOOL + SCHOOL.replace("summer", "autumn").replace("07-06", "10-19").replace("08-16", "10-19"))
    lab, mistakes = check_lab(folder)
    assert mistakes == []
    assert lab is not None
    assert lab.school_holidays == ((date(2026, 7, 6), date(2026, 8, 16)), (date(2026, 10, 19), date(2026, 10, 19)))
    assert lab.events  # the events beside them are still read


@pytest.mark.parametrize(
    ("old", "new", "place", "what"),
    [
        ("2026-08-16", "2026-07-05", "school_holiday 1 'summer' field last", "before the first"),
        ("last = 2026-08-16\n", "", "school_holiday 1 'summer'", "field 'last' is missing"),
        ("2026-07-06", "2026-07-06T00:00:00", "school_holiday 1 'summer' field first", "expected date"),
        ('key = "summer"', 'key = "Summer 2026"', "school_holiday 1", "not a key"),
        ("last = ", 'name = "x"\nlast = ', "school_holiday 1 'summer' field name", "unknown field"),
        ("[[school_holiday]]", "[school_holiday]", "field school_holiday", "not a list of tables"),
        ("[[school_holiday]]", "[[school_holidays]]", "field school_holidays", "unknown field"),
    ],
)
def test_each_mistake_in_school_holidays_is_found(folder: Path, old: str, new: str, place: str, what: str) -> None:
    assert old in SCHOOL
    _with_school(folder, SCHOOL.replace(old, new, 1))
    lab, mistakes = check_lab(folder)
    assert lab is None
    assert [(m.file, place in m.place, what in m.what) for m in mistakes] == [("calendar.toml", True, True)], mistakes
    assert mistakes[0].mend


def test_two_school_holidays_of_one_key_are_a_mistake(folder: Path) -> None:
    _with_school(folder, SCHOOL * 2)
    _, mistakes = check_lab(folder)
    assert [("already used" in m.what, "school_holiday 2" in m.place) for m in mistakes] == [(True, True)]


ARRIVAL = """
[[arrival]]
key = "special-train"
at = 2026-07-04T12:30:00
people = 800
places = ["station-road"]
within = "10m"
"""


def test_arrivals_are_part_of_a_lab(folder: Path) -> None:
    _with_school(folder, ARRIVAL + ARRIVAL.replace("special", "next").replace('within = "10m"\n', ""))
    lab, mistakes = check_lab(folder)
    assert mistakes == []
    assert lab is not None
    assert [(each.key, each.people, each.places, each.within) for each in lab.arrivals] == [
        ("special-train", 800, ["station-road"], "10m"),
        ("next-train", 800, ["station-road"], "15m"),
    ]
    assert lab.events


@pytest.mark.parametrize(
    ("old", "new", "place", "what"),
    [
        ("people = 800", "people = 0", "arrival 1 'special-train' field people", "not above 0"),
        ("people = 800", "people = -3", "arrival 1 'special-train' field people", "not above 0"),
        ("people = 800", 'people = "many"', "field people", "expected int"),
        ("people = 800\n", "", "arrival 1 'special-train'", "field 'people' is missing"),
        ('"10m"', '"soon"', "field within", "not a length of time"),
        ('"10m"', '"0m"', "field within", "no time at all"),
        ("2026-07-04T12:30:00", "2026-07-04", "field at", "expected datetime"),
        ("2026-07-04T12:30:00", '"noon"', "field at", "datetime"),
        ("at = 2026-07-04T12:30:00\n", "", "arrival 1 'special-train'", "field 'at' is missing"),
        ('["station-road"]', '["platform"]', "field places", "unknown place 'platform'"),
        ('["station-road"]', '["square-west"]', "field places", "unknown place 'square-west'"),
        ('key = "special-train"', 'key = "Train"', "arrival 1", "not a key"),
        ("people = ", 'name = "x"\npeople = ', "field name", "unknown field"),
        ("[[arrival]]", "[arrival]", "field arrival", "not a list of tables"),
    ],
)
def test_each_mistake_in_arrivals_is_found(folder: Path, old: str, new: str, place: str, what: str) -> None:
    assert old in ARRIVAL
    _with_school(folder, ARRIVAL.replace(old, new, 1))
    lab, mistakes = check_lab(folder)
    assert lab is None
    assert [(m.file, place in m.place, what in m.what) for m in mistakes] == [("calendar.toml", True, True)], mistakes
    assert mistakes[0].mend


def test_what_is_typical_is_part_of_a_lab(folder: Path) -> None:
    edit_feature(folder, "square", _property("typical", 120))
    edit_feature(folder, "station-road", _property("typical", 0.5))
    lab, mistakes = check_lab(folder)
    assert mistakes == []
    assert lab is not None
    assert (lab.zones["square"].typical, lab.zones["street"].typical) == (120, None)
    assert lab.count_points["station-road"].typical == 0.5


def test_a_feature_with_a_mistake_is_still_known_to_others(folder: Path) -> None:
    edit_feature(folder, "square", _property("capacity", -1))
    edit_feature(folder, "station-road", _property("width_m", -1))
    _, mistakes = check_lab(folder)
    assert [m.place for m in mistakes] == ["feature 1 'square' field capacity", "feature 6 'station-road' field width_m"]


def test_zones_may_overlap_by_a_sliver(folder: Path) -> None:
    edit_feature(folder, "square", _coordinates(_square(5.12, 5.120905)))
    assert check_lab(folder)[1] == []


def test_two_sensors_may_share_a_source_one_after_the_other(folder: Path) -> None:
    edit(folder, "sensors.toml", "max_per_interval = 4500", 'source_id = "STATION-01"\nmax_per_interval = 4500')
    _, mistakes = check_lab(folder)
    assert [m.what for m in mistakes] == ["source_id 'STATION-01' is also that of 'square-west' at the same time"]
    edit(folder, "sensors.toml", "valid_until = 2030-12-31", "valid_until = 2026-06-30")
    edit(folder, "sensors.toml", 'key = "station-road"', 'key = "station-road-2"')
    text = (folder / "sensors.toml").read_text(encoding="utf-8")
    head, _, last = text.rpartition("valid_from = 2026-01-01")
    (folder / "sensors.toml").write_text(head + "valid_from = 2026-07-01" + last, encoding="utf-8")
    assert check_lab(folder)[1] == []


DEVICE = """
[[device]]
key = "other"
name = "Other"
format = "vendor"
sensors = ["station-road"]
"""


def _add(folder: Path, text: str) -> list[str]:
    with (folder / "sensors.toml").open("a", encoding="utf-8") as file:
        file.write(text)
    return [f"{mistake.place.rpartition(' field ')[2].split()[0]}: {mistake.what}" for mistake in check_lab(folder)[1]]


def test_a_sensor_a_topic_and_a_key_belong_to_one_device(folder: Path) -> None:
    assert _add(folder, DEVICE + f'signing_key = "{"A" * 43}"\n') == []
    again = DEVICE.replace('"other"', '"again"') + f'topic = "ruimte/lab/other"\nsigning_key = "{"A" * 43}"\n'
    assert _add(folder, again) == [
        "sensors: sensor 'station-road' belongs to device 'other' already",
        "topic: topic 'ruimte/lab/other' belongs to device 'other' already",
        f"signing_key: key '{'A' * 43}' belongs to device 'other' already",
    ]


def test_a_device_has_a_topic_of_its_own_or_one_by_its_key(folder: Path) -> None:
    assert _add(folder, DEVICE) == []
    lab = read_lab(folder)
    assert lab.topic(lab.devices["other"]) == "ruimte/lab/other"
    assert _add(folder, 'topic = "axis:Camera/1"\n') == []
    lab = read_lab(folder)
    assert lab.topic(lab.devices["other"]) == "axis:Camera/1"


def test_what_is_no_flow_may_be_of_a_zone_at_any_interval_and_without_a_most(folder: Path) -> None:
    edit(folder, "sensors.toml", 'place = "station-road"', 'place = "square"')
    edit(folder, "sensors.toml", 'measures = ["count"]', 'measures = ["people", "density", "sound_level"]')
    edit(folder, "sensors.toml", 'interval = "5m"\nmax_per_interval = 1600\n', 'interval = "7m"\n')
    assert check_lab(folder)[1] == []


def test_presence_of_devices_needs_all_that_personal_data_needs(folder: Path) -> None:
    edit(folder, "sensors.toml", 'measures = ["count"]', 'measures = ["devices"]')
    edit(folder, "sensors.toml", "personal_data = false", "personal_data = true")
    edit(folder, "sensors.toml", '"no personal data: an infrared beam counts passers-by"', '"none"')
    assert [mistake.place.split("field ")[1].split()[0] for mistake in check_lab(folder)[1]] == [
        "legal_ground",
        "privacy_url",
        "impact_assessment",
    ]


def test_all_mistakes_are_found_in_one_run(folder: Path) -> None:
    edit(folder, "lab.toml", '"Europe/Amsterdam"', '"Mars"')
    edit(folder, "lab.toml", '"crowd@example.org"', '"nobody"')
    edit(folder, "lab.toml", "open_at = 0.5", "open_at = 5")
    edit_feature(folder, "square", _property("capacity", -1))
    edit(folder, "sensors.toml", 'kind = "infrared counter"', "kind = 3\ncolour = 4")
    (folder / "algorithms.toml").unlink()
    (folder / "playbook.toml").write_bytes(b"\xff\xfe\x00")
    edit(folder, "calendar.toml", '["square", "street"]', '["park"]')
    _, mistakes = check_lab(folder)
    assert [m.file for m in mistakes] == [
        *["lab.toml"] * 3, "places.geojson", *["sensors.toml"] * 2, "algorithms.toml", "playbook.toml", "calendar.toml"
    ]  # fmt: skip
    with pytest.raises(RuimteError, match="8 more: run `ruimte check"):
        read_lab(folder)


@pytest.mark.parametrize("file", ["lab", "places.geojson", "sensors", "algorithms", "playbook", "calendar"])
def test_a_missing_file_is_one_mistake(folder: Path, file: str) -> None:
    name = file if "." in file else f"{file}.toml"
    (folder / name).unlink()
    _, mistakes = check_lab(folder)
    assert [(m.file, m.what) for m in mistakes] == [(name, "the file is missing")]


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RuimteError) as error:
        read_lab(tmp_path / "nowhere")
    assert str(error.value).endswith("there is no such folder; give a lab's folder, or write one with `ruimte new`")


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, "-" + "9" * 400])
def test_a_monstrous_number_is_a_mistake_too(folder: Path, number: str) -> None:
    edit(folder, "sensors.toml", "max_per_interval = 1600", f"max_per_interval = {number}")
    edit(folder, "calendar.toml", "expected_visitors = 6000", f"expected_visitors = -{number.lstrip('-')}")
    edit(folder, "places.geojson", "[5.1185, 52.0902]", f"[{number}, 52.0902]")
    _, mistakes = check_lab(folder)
    assert {m.file for m in mistakes} == {"sensors.toml", "calendar.toml", "places.geojson"}


def test_a_mistake_tells_its_line(folder: Path) -> None:
    edit(folder, "sensors.toml", 'interval = "5m"', 'interval = "4m"')
    lines = (folder / "sensors.toml").read_text(encoding="utf-8").splitlines()
    line = lines.index('interval = "4m"') + 1
    _, mistakes = check_lab(folder)
    assert str(mistakes[0]) == (
        f"sensors.toml, sensor 1 'square-west' field interval (line {line}): interval 4m does not divide the tick (5m); "
        "make the tick a multiple of it in lab.toml"
    )


def test_field_reports_need_a_ground_and_an_end(folder: Path) -> None:
    edit(folder, "lab.toml", "valid_until = 2030-12-31\naccuracy", "valid_until = 2025-12-31\naccuracy")
    assert [str(m) for m in check_lab(folder)[1]] == [
        "lab.toml, field field_reports.valid_until (line 47): valid_until 2025-12-31 is before valid_from 2026-01-01;"
        " set a later day"
    ]
    edit(folder, "lab.toml", 'legal_ground = "no', 'law = "no')
    assert any("'field_reports.legal_ground' is missing" in m.what for m in check_lab(folder)[1])


def test_a_sensor_cannot_have_the_key_of_a_zones_field_reports(folder: Path) -> None:
    edit(folder, "sensors.toml", 'key = "station-road"', 'key = "field-report-square"')
    assert any("is that of a zone's field reports" in m.what for m in check_lab(folder)[1])


PRIVACY = """
[privacy]
epsilon_per_day = 1.0
quantities = { people = 0.5, flow = 0.5 }
intervals = 8
passages = 6
assumption = { en = "nobody stays longer than two hours", nl = "niemand blijft langer dan twee uur" }
public = ["people"]
"""


def with_privacy(folder: Path, text: str = PRIVACY) -> None:
    path = folder / "lab.toml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_a_privacy_budget_is_part_of_a_lab(folder: Path) -> None:
    with_privacy(folder)
    privacy = read_lab(folder).file.privacy
    assert privacy is not None
    assert (privacy.step, privacy.branching, privacy.quantities) == ("15m", 12, {"people": 0.5, "flow": 0.5})


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("epsilon_per_day = 1.0", "epsilon_per_day = 0.9", "the quantities ask ε = 1 a day, and the lab has 0.9"),
        ("epsilon_per_day = 1.0", "epsilon_per_day = 0", "is not above 0"),
        ("flow = 0.5", "level = 0.5", "no noise is drawn for 'level'"),
        ("flow = 0.5", "flow = -0.5", "is not above 0"),
        ("{ people = 0.5, flow = 0.5 }", "{}", "no quantity has a part of ε"),
        ("{ people = 0.5, flow = 0.5 }", '["people"]', "expected object"),
        ("intervals = 8", "intervals = 0", "0 is not from 1 to 1000"),
        ("passages = 6", "", "counts of passages without passages"),
        ('public = ["people"]', 'public = ["inflow"]', "'inflow' is public, and has no part of ε"),
        ("passages = 6", 'passages = 6\nstep = "7m"', "steps of 7m do not fit hours and ticks"),
        ("passages = 6", 'passages = 6\nstep = "1m"', "steps of 1m do not fit hours and ticks"),
        ("passages = 6", "passages = 6\nbranching = 1", "1 is not from 2 to 1000"),
        ("passages = 6", "passages = 6\nweight = 0.5", "0.5 is not from 1 to 1000"),
        ("intervals = 8\n", "", "intervals"),
    ],
)
def test_each_mistake_in_a_privacy_budget_is_found(folder: Path, old: str, new: str, what: str) -> None:
    assert old in PRIVACY
    with_privacy(folder, PRIVACY.replace(old, new))
    lab, mistakes = check_lab(folder)
    assert lab is None
    assert [mistake.file for mistake in mistakes] == ["lab.toml"]
    assert what in mistakes[0].what or what in mistakes[0].where
