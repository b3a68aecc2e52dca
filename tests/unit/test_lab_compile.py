"""A lab as arrays: places, directions, sites, and the wall's time."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ruimte.clock import HOUR_US, MINUTE_US, to_us
from ruimte.errors import RuimteError
from ruimte.lab.compile import compile_lab, shard, stream_keys
from ruimte.lab.lab import Lab
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.model.place import OUTSIDE, Model


def ids(lab: Lab) -> dict[str, int]:
    return {stream.key: number for number, stream in enumerate(stream_keys(lab), start=100)}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    new_lab(tmp_path / "lab")
    return read_lab(tmp_path / "lab")


def directions(model: Model, key: str) -> list[tuple[str, str]]:
    link = next(model.links[s.link] for s in model.streams if s.key == key)
    sides = [(link.source, "out"), (link.target, "in"), (link.point, link.way)]
    return [(model.places[index].key, way) for index, way in sides if index != OUTSIDE]


def sites(folder: Path) -> list[str]:
    lab = read_lab(folder)
    return [place.site for place in compile_lab(lab, ids(lab)).places]


def test_in_at_a_gate_is_from_its_from_to_its_to(lab: Lab) -> None:
    model = compile_lab(lab, ids(lab))
    assert directions(model, "square-west/count_in") == [("square", "in")]
    assert directions(model, "square-west/count_out") == [("square", "out")]
    assert directions(model, "square-street/count_in") == [("square", "out"), ("street", "in")]
    assert directions(model, "square-street/count_out") == [("street", "out"), ("square", "in")]
    assert directions(model, "station-road/count") == [("station-road", "both")]


def test_a_count_point_may_tell_two_directions(tmp_path: Path) -> None:
    new_lab(tmp_path)
    register = tmp_path / "sensors.toml"
    text = register.read_text(encoding="utf-8").replace('measures = ["count"]', 'measures = ["count_in", "count_out"]')
    register.write_text(text, encoding="utf-8")
    lab = read_lab(tmp_path)
    model = compile_lab(lab, ids(lab))
    assert directions(model, "station-road/count_in") == [("station-road", "in")]
    assert directions(model, "station-road/count_out") == [("station-road", "out")]


def test_only_flows_reach_the_model(tmp_path: Path) -> None:
    new_lab(tmp_path)
    register = tmp_path / "sensors.toml"
    text = register.read_text(encoding="utf-8").replace('measures = ["count"]', 'measures = ["count", "speed", "sound_level"]')
    register.write_text(text, encoding="utf-8")
    lab = read_lab(tmp_path)
    assert [stream.key for stream in stream_keys(lab) if stream.sensor.key == "station-road"] == [
        "station-road/count",
        "station-road/speed",
        "station-road/sound_level",
    ]
    assert [stream.key for stream in compile_lab(lab, ids(lab)).streams][-1] == "station-road/count"


def test_places_are_zones_then_count_points_with_their_tables(lab: Lab) -> None:
    places = compile_lab(lab, ids(lab)).places
    assert [(p.key, p.quantity, p.levels) for p in places] == [
        ("square", "people", "fruin-walkway"),
        ("street", "people", "fruin-walkway"),
        ("station-road", "flow", "fruin-walkway-flow"),
    ]
    assert places[0].empty_at_us == 4 * HOUR_US + 30 * MINUTE_US
    assert places[0].capacity == 4000


def test_zones_that_gates_join_are_one_site(tmp_path: Path) -> None:
    new_lab(tmp_path)
    assert sites(tmp_path) == ["square", "square", "station-road"]
    path = tmp_path / "places.geojson"
    collection = json.loads(path.read_text(encoding="utf-8"))
    next(f for f in collection["features"] if f["properties"]["key"] == "square-street")["properties"]["from"] = "outside"
    path.write_text(json.dumps(collection), encoding="utf-8")
    assert sites(tmp_path) == ["square", "street", "station-road"]


def test_a_stream_knows_its_gate_interval_and_validity(lab: Lab) -> None:
    model = compile_lab(lab, ids(lab))
    stream = model.streams[0]
    assert (stream.id, model.links[stream.link].gate, stream.interval_us) == (100, "square-west", 5 * MINUTE_US)
    amsterdam = ZoneInfo("Europe/Amsterdam")
    assert stream.valid_from_us == to_us(datetime(2026, 1, 1, tzinfo=amsterdam))
    assert stream.valid_until_us == to_us(datetime(2031, 1, 1, tzinfo=amsterdam))


def test_a_datastream_without_an_id_is_named(lab: Lab) -> None:
    with pytest.raises(RuimteError, match="square-west/count_in: the store does not know"):
        compile_lab(lab, {})


@pytest.mark.parametrize(
    ("name", "moment", "before_h", "after_h"),
    [
        ("auckland", datetime(2024, 4, 6, 14, tzinfo=UTC), 13, 12),
        ("auckland", datetime(2024, 9, 28, 14, tzinfo=UTC), 12, 13),
        ("hardbruecke", datetime(2020, 3, 29, 1, tzinfo=UTC), 1, 2),
        ("hardbruecke", datetime(2020, 10, 25, 1, tzinfo=UTC), 2, 1),
    ],
)
def test_the_offset_changes_at_the_very_moment(name: str, moment: datetime, before_h: int, after_h: int) -> None:
    lab = read_lab(lab_folder(name))
    model = compile_lab(lab, ids(lab))
    at = np.array([to_us(moment) - 1, to_us(moment)])
    assert (model.utc_offset_us(at) / HOUR_US).tolist() == [before_h, after_h]


@pytest.mark.parametrize(
    ("time_zone", "length", "phase_us"),
    [
        ("Pacific/Auckland", "1h", 0),
        ("Pacific/Auckland", "1d", 12 * HOUR_US),
        ("Europe/Zurich", "1d", 23 * HOUR_US),
        ("Asia/Kathmandu", "1h", 15 * MINUTE_US),
        ("Australia/Adelaide", "1h", 30 * MINUTE_US),
    ],
)
def test_ticks_start_on_the_walls_whole_hours_and_days(tmp_path: Path, time_zone: str, length: str, phase_us: int) -> None:
    new_lab(tmp_path)
    text = (tmp_path / "lab.toml").read_text(encoding="utf-8")
    text = text.replace("Europe/Amsterdam", time_zone).replace('length = "5m"', f'length = "{length}"')
    text = text.replace('horizon = "3h"', 'horizon = "2d"').replace('look_ahead = "1h"', 'look_ahead = "1d"')
    (tmp_path / "lab.toml").write_text(text, encoding="utf-8")
    lab = read_lab(tmp_path)
    model = compile_lab(lab, ids(lab))
    assert model.phase_us == phase_us
    winter = datetime(2026, 7 if time_zone.startswith(("Pacific", "Australia")) else 1, 15, 7, 12, tzinfo=UTC)
    end_us = model.tick_end_us(model.tick_of(to_us(winter)))
    wall_us = end_us + int(model.utc_offset_us(np.array([end_us]))[0])
    assert wall_us % model.tick_us == 0


def test_shards_stay_what_they_are() -> None:
    assert [shard(site) for site in ("platform-ost", "platform-west", "queen-45")] == [27, 1377, 1384]


def test_the_calendar_holds_the_countrys_holidays_and_the_labs_school_holidays(tmp_path: Path) -> None:
    new_lab(tmp_path)
    with (tmp_path / "calendar.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[school_holiday]]\nkey = "summer"\nfirst = 2026-07-06\nlast = 2026-08-16\n')
    lab = read_lab(tmp_path)
    calendar = compile_lab(lab, ids(lab)).calendar
    assert calendar.school == ((date(2026, 7, 6), date(2026, 8, 16)),)
    assert date(2026, 12, 25) in calendar.holidays
    assert date(2026, 12, 24) not in calendar.holidays
    # the same day goes by the same name each year, so that it is told again
    assert len({calendar.holidays[date(year, 12, 25)] for year in range(2015, 2030)}) == 1
    assert not any(";" in name or "observed" in name for name in calendar.holidays.values())


def test_a_lab_without_a_country_has_no_holidays_but_its_schools(tmp_path: Path) -> None:
    new_lab(tmp_path)
    text = (tmp_path / "lab.toml").read_text(encoding="utf-8")
    (tmp_path / "lab.toml").write_text(text.replace('country = "NL"', ""), encoding="utf-8")
    with (tmp_path / "calendar.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[school_holiday]]\nkey = "summer"\nfirst = 2026-07-06\nlast = 2026-08-16\n')
    lab = read_lab(tmp_path)
    calendar = compile_lab(lab, ids(lab)).calendar
    assert not calendar.holidays
    assert len(calendar.school) == 1


def test_gatherings_and_arrivals_are_who_is_known_to_come(tmp_path: Path) -> None:
    new_lab(tmp_path)
    with (tmp_path / "calendar.toml").open("a", encoding="utf-8") as file:
        file.write(
            '\n[[arrival]]\nkey = "train"\nat = 2026-07-04T12:30:00\npeople = 800\nplaces = ["station-road"]\nwithin = "10m"\n'
        )
        file.write('\n[[arrival]]\nkey = "ferry"\nat = 2026-07-05T12:30:00Z\npeople = 50\n')
    lab = read_lab(tmp_path)
    market, train, ferry = compile_lab(lab, ids(lab)).loads
    start = to_us(datetime(2026, 7, 4, 8, tzinfo=UTC))
    assert (market.start_us, market.end_us, market.people, market.places) == (start, start + 8 * HOUR_US, 6000, (0, 1))
    assert market.from_us < market.start_us
    assert market.until_us > market.end_us
    at = to_us(datetime(2026, 7, 4, 10, 30, tzinfo=UTC))  # half past twelve in Amsterdam
    assert (train.from_us, train.start_us, train.end_us, train.until_us) == (at, *[at + 10 * MINUTE_US] * 3)
    assert (train.people, train.places) == (800, (2,))
    assert (ferry.from_us, ferry.places) == (to_us(datetime(2026, 7, 5, 12, 30, tzinfo=UTC)), ())
    assert ferry.until_us == ferry.from_us + 15 * MINUTE_US


def test_what_is_typical_comes_with_the_place(tmp_path: Path) -> None:
    new_lab(tmp_path)
    path = tmp_path / "places.geojson"
    path.write_text(path.read_text(encoding="utf-8").replace('"capacity": 4000', '"typical": 120'), encoding="utf-8")
    lab = read_lab(tmp_path)
    assert [place.typical for place in compile_lab(lab, ids(lab)).places] == [120, None, None]


def test_field_reports_are_a_datastream_a_zone_and_no_sensor_of_the_filters(tmp_path: Path) -> None:
    new_lab(tmp_path)
    lab = read_lab(tmp_path)
    ids = {each.key: number for number, each in enumerate(stream_keys(lab), start=1)}
    model = compile_lab(lab, ids)
    assert {model.places[each.place].key for each in model.reports} == set(lab.zones)
    assert {each.accuracy for each in model.reports} == {0.25}
    assert all(ids[f"{each.key}/people_sd"] == each.sd_id for each in model.reports)
    assert not any("field-report" in reading.key for reading in model.readings)


def test_a_lab_without_field_reports_registers_none(tmp_path: Path) -> None:
    new_lab(tmp_path)
    file = tmp_path / "lab.toml"
    text = file.read_text(encoding="utf-8")
    begin, end = text.index("[field_reports]"), text.index("[map]")
    file.write_text(text[:begin] + text[end:], encoding="utf-8")
    lab = read_lab(tmp_path)
    assert not any(key.startswith("field-report") for key in lab.sensors)
    assert compile_lab(lab, {each.key: n for n, each in enumerate(stream_keys(lab))}).reports == ()
