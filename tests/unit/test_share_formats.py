"""Released figures as bytes: the same figures in every form, with what goes along."""

from __future__ import annotations

import csv
import io
import json
import time
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from ruimte.clock import iso
from ruimte.errors import RuimteError
from ruimte.share.asking import Granted
from ruimte.share.cells import cells
from ruimte.share.figures import Figures
from ruimte.share.formats import CSV, JSON, MEDIA_TYPES, NGSI_LD, PARQUET, SENSORTHINGS, write
from ruimte.share.metadata import metadata
from ruimte.share.release import release
from share_world import CITY, MINUTE_US, NOON_US, PLACES, POLICE, figures, granted, privacy

TICK_US = 5 * MINUTE_US


def made(one: Granted | None = None, kind: str = "state") -> tuple[Figures, dict[str, Any]]:
    one = one or granted(
        zones=("square", "bridge"),
        gates=("arch",),
        quantities=("people", "density", "level", "flow", "inflow"),
        round_to=5,
    )
    base = figures(
        {
            "square": {"people": [37.0, 3, float("nan")], "inflow": [float("nan")] * 3},
            "street": {"people": [20.0] * 3},
            "bridge": {"flow": [600.0, 12, 1200]},
            "arch": {"inflow": [240.0, 240, 240]},
        },
        kind=kind,
    )
    out = release(base, one, PLACES, cells([one], PLACES, base.step_us, since_us=0))
    return out, metadata(out, one, PLACES, "estimate 1.2")


def rows(body: bytes) -> list[dict[str, Any]]:
    return json.loads(body)["figures"]  # type: ignore[no-any-return]


def test_json_tells_each_figure_and_what_it_is() -> None:
    out, meta = made()
    body = json.loads(write(out, meta, JSON))
    first, few, unknown = (row for row in body["figures"] if row["place"] == "square" and row["quantity"] == "people")
    assert first == {
        "place": "square",
        "quantity": "people",
        "start": iso(NOON_US),
        "end": iso(NOON_US + TICK_US),
        "value": 35.0,
        "low": 30.0,
        "high": 45.0,
        "suppressed": False,
    }
    assert (few["value"], few["suppressed"]) == (None, True)
    assert (unknown["value"], unknown["suppressed"]) == (None, False)
    level = next(row for row in body["figures"] if row["place"] == "square" and row["quantity"] == "level")
    assert (level["value"], level["level"]) == (1, "B")
    told = {(row["place"], row["quantity"]) for row in body["figures"]}
    assert ("square", "flow") not in told, "a zone has none"
    assert ("bridge", "people") not in told
    assert ("arch", "inflow") in told
    assert next(row for row in body["figures"] if (row["place"], row["quantity"]) == ("arch", "inflow"))["suppressed"], (
        "few are on the square beside it"
    )


def test_metadata_says_under_what_and_in_which_form() -> None:
    meta = json.loads(write(*made(), JSON))["meta"]
    assert meta["agreement"] == "a"
    assert (meta["provider"], meta["consumer"], meta["purpose"]) == (CITY, POLICE, "event-safety")
    assert (meta["source"], meta["delete_after"], meta["onward_sharing"]) == ("City", "30d", False)
    assert (meta["exactness"], meta["minimum"], meta["round_to"], meta["step"]) == ("suppressed", 10, 5, "5m")
    assert meta["units"]["people"] == "persons"
    assert meta["algorithm"] == "estimate 1.2"
    assert meta["places"]["square"]["table"] == "fruin-walkway"
    assert "privacy" not in meta


def test_metadata_of_private_figures_says_what_the_noise_promises() -> None:
    one = granted(exactness="private", privacy=privacy())
    out, _ = made(one)
    meta = metadata(out, one, PLACES, noise={"mechanism": "discrete Laplace"})
    assert meta["privacy"] == {
        "epsilon_per_day": 1.0,
        "intervals": 8,
        "assumption": "nobody stays longer than two hours",
        "mechanism": "discrete Laplace",
    }


def test_metadata_of_exact_figures_names_no_rounding() -> None:
    one = granted(exactness="exact", areas={"centre": ("square", "street")})
    meta = made(one)[1]
    assert (meta["minimum"], meta["round_to"]) == (None, None)
    assert meta["places"]["centre"]["zones"] == ("square", "street")
    assert meta["places"]["centre"]["area_m2"] == 150.0


def test_csv_and_parquet_tell_the_same_as_json() -> None:
    out, meta = made()
    expected = rows(write(out, meta, JSON))
    lines = list(csv.DictReader(io.StringIO(write(out, meta, CSV).decode(), newline="")))
    table = pq.read_table(io.BytesIO(write(out, meta, PARQUET)))
    assert len(lines) == len(expected) == table.num_rows > 10
    for row, line, record in zip(expected, lines, table.to_pylist(), strict=True):
        assert line["agreement"] == "a"
        assert [line["place"], line["quantity"], line["start"], line["end"]] == [
            row["place"],
            row["quantity"],
            row["start"],
            row["end"],
        ]
        assert line["value"] == ("" if row["value"] is None else str(row["value"]))
        assert line["suppressed"] == ("true" if row["suppressed"] else "false")
        assert line["level"] == (row.get("level") or "")
        assert record["start"].strftime("%Y-%m-%dT%H:%M:%SZ") == row["start"]
        assert {key: record[key] for key in ("place", "quantity", "value", "low", "high", "suppressed")} == {
            key: row[key] for key in ("place", "quantity", "value", "low", "high", "suppressed")
        }
        assert record["level"] == row.get("level")
    assert json.loads(table.schema.metadata[b"ruimte"]) == json.loads(msgspec.json.encode(meta))


def test_ngsi_ld_tells_how_many_passed() -> None:
    out, meta = made()
    entities = json.loads(write(out, meta, NGSI_LD, PLACES))
    bridge = [entity for entity in entities if ":bridge" in entity["id"]]
    assert [entity["peopleCount"]["value"] for entity in bridge] == [50, 100], "what is few has no entity"
    assert bridge[0]["id"] == "urn:ngsi-ld:CrowdFlowObserved:boulevard:bridge"
    assert bridge[0]["location"]["value"]["coordinates"] == [4.9, 52.4]
    exact, of_arch = made(granted(zones=(), gates=("arch",), quantities=("inflow", "outflow"), exactness="exact"))
    arch = json.loads(write(exact, of_arch, NGSI_LD, PLACES))
    assert [entity["peopleCountTowards"]["value"] for entity in arch] == [20, 20, 20]
    assert "peopleCountAway" not in arch[0]


def test_sensorthings_has_a_data_array_for_each_place_and_quantity() -> None:
    out, meta = made()
    groups = json.loads(write(out, meta, SENSORTHINGS))["value"]
    assert all(group["dataArray@iot.count"] == len(group["dataArray"]) > 0 for group in groups)
    flow = next(group for group in groups if group["Datastream"]["name"] == "bridge: flow")
    assert flow["components"] == ["phenomenonTime", "result", "parameters"]
    assert [row[1] for row in flow["dataArray"]] == [600.0, 1200.0]
    assert flow["dataArray"][0][0] == f"{iso(NOON_US)}/{iso(NOON_US + TICK_US)}"


def test_a_forecast_tells_when_it_was_made() -> None:
    out, _ = made(granted(kinds=("forecast",)), kind="forecast")
    issued = Figures(**{f: getattr(out, f) for f in out.__slots__} | {"issued_us": NOON_US})
    assert metadata(issued, granted(), PLACES)["issued"] == iso(NOON_US)


def test_nothing_told_is_still_a_good_answer() -> None:
    one = granted(zones=("quay",))
    out, meta = made(one)
    for media_type in MEDIA_TYPES:
        assert write(out, meta, media_type, PLACES)
    assert json.loads(write(out, meta, SENSORTHINGS))["value"] == []


def test_another_media_type_is_refused() -> None:
    with pytest.raises(RuimteError, match="cannot be written as 'text/html'; ask for one of"):
        write(*made(), "text/html")


def test_many_figures_are_written_fast() -> None:
    names = tuple(f"zone-{number:03d}" for number in range(200))
    value = np.random.default_rng(1).random((200, 1, 4)) * 100
    hidden = np.zeros(value.shape, dtype=bool)
    quantities = ("people", "density", "inflow", "outflow")
    out = Figures("state", "l", names, quantities, np.array([NOON_US]), TICK_US, value, value, value, hidden)
    meta = {"agreement": "a", "places": {name: {"quantities": quantities} for name in names}}
    took = []
    for _ in range(20):
        begin = time.perf_counter()
        write(out, meta, JSON)
        took.append(time.perf_counter() - begin)
    print(f"200 zones with 4 quantities as JSON: {sorted(took)[10] * 1e3:.2f} ms")
    assert min(took) < 0.02, "ten times and more what it takes on a quiet machine"
