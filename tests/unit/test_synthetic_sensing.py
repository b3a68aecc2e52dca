"""What the invented sensors tell: near the truth, but never it; and only what they are asked."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from ruimte.clock import HOUR_US, to_us
from ruimte.errors import RuimteError
from ruimte.lab.compile import stream_keys
from ruimte.lab.lab import Lab
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.model.observation import OBSERVATIONS
from ruimte.synthetic import Day, Parameters, day, observe

EXACT = Parameters(detection_spread=0.0, detection_drift=0.0, crowd_blindness=0.0, drop_out=0.0, camera_noise=0.0)


@pytest.fixture(scope="module")
def lab() -> Lab:
    return read_lab(lab_folder("boulevard"))


@pytest.fixture(scope="module")
def ids(lab: Lab) -> dict[str, int]:
    return {each.key: 100 + number for number, each in enumerate(stream_keys(lab))}


@pytest.fixture(scope="module")
def truth(lab: Lab) -> Day:
    return day(lab, date(2026, 6, 10), 4)


def results(table: pa.Table, stream: int) -> np.ndarray:
    return table["result"].to_numpy()[table["datastream"].to_numpy() == stream]


def test_every_datastream_tells_in_order_of_time(lab: Lab, ids: dict[str, int], truth: Day) -> None:
    table = observe(truth, lab, ids)
    assert table.schema == OBSERVATIONS
    sensed = {number for key, number in ids.items() if not key.startswith("field-report-")}  # those are people's
    assert set(table["datastream"].to_pylist()) == sensed
    end = table["end_us"].to_numpy()
    assert (np.diff(end) >= 0).all()
    assert end[0] > truth.start_us
    assert end[-1] == truth.ends_us[-1]
    assert np.array_equal(end, table["received_us"].to_numpy())
    assert table["result"].null_count == 0


def test_what_is_not_asked_is_not_told(lab: Lab, ids: dict[str, int], truth: Day) -> None:
    one = observe(truth, lab, {"village/count_in": 7})
    assert set(one["datastream"].to_pylist()) == {7}
    assert np.array_equal(results(one, 7), results(observe(truth, lab, ids), ids["village/count_in"]))
    assert observe(truth, lab, {"elsewhere/count_in": 7}).equals(OBSERVATIONS.empty_table())


def test_an_evening_is_cut_out_of_the_day(lab: Lab, ids: dict[str, int], truth: Day) -> None:
    noon, midnight = (to_us(datetime(2026, 6, day, hour, tzinfo=lab.zone)) for day, hour in ((10, 12), (11, 0)))
    whole, cut = observe(truth, lab, ids), observe(truth, lab, ids, from_us=noon, until_us=midnight)
    ends = whole["end_us"].to_numpy()
    assert cut.equals(whole.filter(pa.array((ends > noon) & (ends <= midnight))))
    assert cut["end_us"][0].as_py() == noon + 5 * 60_000_000


def test_without_errors_counters_see_the_registered_share_and_cameras_everybody(lab: Lab, ids: dict[str, int]) -> None:
    truth = day(lab, date(2026, 8, 15), 2, EXACT)
    table = observe(truth, lab, ids)
    for key, share in (("festival-square/count_in", 0.92), ("car-park/count_out", 0.95), ("tram-stop/count_in", 0.9)):
        gate, way = key.split("/count_")
        passed = truth.flows[:, truth.gates.index(gate), ("in", "out").index(way)]
        counted = results(table, ids[key])
        assert len(counted) == len(passed)
        assert counted.sum() / passed.sum() == pytest.approx(share, abs=0.02)
    people = truth.people[:, truth.zones.index("festival-beach")]
    assert np.abs(results(table, ids["camera-festival-beach/people"]) - people).max() <= 5


def test_errors_are_as_large_as_the_register_says(lab: Lab, ids: dict[str, int]) -> None:
    truth = day(lab, date(2026, 8, 15), 2)
    people = truth.people[:, truth.zones.index("beach-south")].astype(float)
    off, shares = [], []
    for seed in range(20):
        table = observe(truth, lab, {key: ids[key] for key in ("camera-beach-south/people", "car-park/count_in")}, seed)
        there = np.isin(
            truth.ends_us, table["end_us"].to_numpy()[table["datastream"].to_numpy() == ids["camera-beach-south/people"]]
        )
        busy = people[there] > 300
        off.append(np.log(results(table, ids["camera-beach-south/people"])[busy] / people[there][busy]))
        passed = truth.flows[:, truth.gates.index("car-park"), 0]
        shares.append(results(table, ids["car-park/count_in"]).sum() / passed.sum())
    assert np.concatenate(off).std() == pytest.approx(0.12, rel=0.25)
    assert np.std([each.mean() for each in off]) > 0.02, "each camera is off in its own lasting way"
    assert 0.01 < np.std(shares) < 0.06


def test_a_sensor_is_off_in_the_same_way_on_all_days_of_a_seed(lab: Lab, ids: dict[str, int]) -> None:
    odd = Parameters(detection_spread=0.3, detection_drift=0.0, drop_out=0.0)
    key = "village/count_in"

    def share(on: date, seed: int) -> float:
        truth = day(lab, on, 1, odd)
        counted = results(observe(truth, lab, {key: 1}, seed), 1)
        return float(counted.sum() / truth.flows[:, truth.gates.index("village"), 0].sum())

    here = [share(date(2026, 6, number), 7) for number in (8, 9)]
    assert here[0] == pytest.approx(here[1], abs=0.04)
    assert np.std([share(date(2026, 6, 8), seed) for seed in range(8)]) > 0.05


def test_some_intervals_never_arrive(lab: Lab, ids: dict[str, int]) -> None:
    truth = day(lab, date(2026, 6, 10), 4, Parameters(drop_out=0.1))
    full, holes = observe(day(lab, date(2026, 6, 10), 4, EXACT), lab, ids), observe(truth, lab, ids)
    assert 0.88 < holes.num_rows / full.num_rows < 0.92
    ends = holes["end_us"].to_numpy()[holes["datastream"].to_numpy() == ids["village/count_in"]]
    assert (np.diff(ends) // truth.tick_us).max() >= 6, "some are silent for half an hour"


def test_the_weather_mast_tells_by_the_hour(lab: Lab, ids: dict[str, int], truth: Day) -> None:
    table = observe(truth, lab, ids)
    mine = table.filter(pa.array(table["datastream"].to_numpy() == ids["mast/temperature"]))
    assert mine.num_rows == 24
    assert set((mine["end_us"].to_numpy() - mine["start_us"].to_numpy()).tolist()) == {HOUR_US}
    assert np.allclose(mine["result"].to_numpy(), truth.weather.temperature_c, atol=0.051)


def test_a_counter_of_another_interval_is_refused(lab: Lab, ids: dict[str, int], truth: Day) -> None:
    quick = msgspec.structs.replace(lab.sensors["village"], interval="1m")
    other = dataclasses.replace(lab, sensors=lab.sensors | {"village": quick})
    with pytest.raises(RuimteError, match="counts by the tick"):
        observe(truth, other, ids)
