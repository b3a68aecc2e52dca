"""The register in the store: what each datastream measures, in which unit, of which place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ruimte.jobs.register import register_lab
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.sta.swe import OM, shown
from ruimte.store.sqlite import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    new_lab(tmp_path / "lab")
    register = tmp_path / "lab" / "sensors.toml"
    text = register.read_text(encoding="utf-8")
    head, _, tail = text.partition('key = "station-road"')
    tail = tail.replace('place = "station-road"', 'place = "square"').replace('["count"]', '["people", "density"]')
    register.write_text(f'{head}key = "station-road"{tail}', encoding="utf-8")
    return tmp_path / "lab"


def _rows(store: Store, query: str) -> list[tuple[Any, ...]]:
    return store.read(lambda connection: connection.execute(query).fetchall())


def test_each_datastream_has_its_type_unit_and_place(folder: Path, tmp_path: Path) -> None:
    lab = read_lab(folder)
    with Store(tmp_path / "lab.db", lab.key) as store:
        model = register_lab(lab, store)
        rows = _rows(
            store,
            "SELECT d.key, d.result_type, d.properties, p.definition, f.key, f.feature FROM datastreams d"
            " JOIN datastreams_properties l ON l.datastream_id = d.id JOIN observed_properties p ON p.id = observed_property_id"
            " JOIN features f ON f.id = d.feature_id",
        )
    told = {key: (shown(json.loads(kind)), *rest) for key, kind, *rest in rows}
    kind, properties, definition, place, feature = told["station-road/people"]
    assert kind["observationType"] == OM + "OM_CountObservation"
    assert kind["unitOfMeasurement"] == {"name": "persons", "symbol": "{persons}", "definition": "https://ucum.org/ucum"}
    assert json.loads(properties) == {"interval_us": 300_000_000}
    assert definition
    assert (place, json.loads(feature)["type"]) == ("square", "Polygon")
    assert told["station-road/density"][0]["observationType"] == OM + "OM_Measurement"
    assert told["square-west/count_in"][0]["observationType"] == OM + "OM_CountObservation"
    assert json.loads(told["square-west/count_in"][4])["type"] == "LineString"
    assert {stream.key.rpartition("/")[2] for stream in model.streams} == {"count_in", "count_out"}


def test_ids_stay_with_their_keys(folder: Path, tmp_path: Path) -> None:
    lab = read_lab(folder)
    with Store(tmp_path / "lab.db", lab.key) as store:
        register_lab(lab, store)
        before = store.stream_ids()
        register_lab(lab, store)
        assert store.stream_ids() == before
