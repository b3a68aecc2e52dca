"""Estimating a history anew, and the health of a lab's sensors: over a real database, and by the command line."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from ruimte.cli import main
from ruimte.estimate.advance import advance
from ruimte.jobs.archiving import History, archive_days, archive_folder
from ruimte.jobs.estimating import estimate, store_states
from ruimte.jobs.health import read_health
from ruimte.lab.compile import compile_lab
from ruimte.store import observations, results
from ruimte.store.sqlite import Reader, Store


@pytest.fixture
def data(warm, town, tmp_path):
    """A folder with the warm database of the town under the name that the commands look for."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "town.db").write_bytes(warm.read_bytes())
    return folder


@pytest.fixture
def ruimte(folder, data):
    def run(command, *arguments):
        return CliRunner().invoke(main, [command, str(folder), "--data", str(data), *map(str, arguments)])

    return run


def everything(path, town):
    with Reader(path, town.key) as store:
        ids = {id_: number for number, id_ in enumerate(store.place_ids().values())}
        return store.read(lambda c: results.states(c, ids, 0, 2**62)).num_rows, store.read(
            lambda c: results.snapshot(c, "estimate")
        )


def test_a_history_in_chunks_is_what_advance_gives_in_one_go(data, town):
    with Store(data / "town.db", town.key, durable=False) as store:
        model = compile_lab(town, store.stream_ids())
        span = store.read(observations.span)
        found = estimate(town, model, History(store, data / "none"), span, (span[0] - 1, span[1]))
        rows = store.read(lambda c: observations.received(c, 0, 2**62))
    state, states = advance(model, None, rows, span[1] + model.lateness_us)
    assert found.state == state
    wanted = states.filter(np.less_equal(states["end_us"].to_numpy(), span[1]))
    assert repr(found.states.to_pylist()) == repr(wanted.to_pylist())


def test_from_the_archive_it_is_the_same_to_the_bit(data, town):
    with Store(data / "town.db", town.key, durable=False) as store:
        model = compile_lab(town, store.stream_ids())
        span = store.read(observations.span)
        folder = archive_folder(town, data)
        plain = estimate(town, model, History(store, folder), span, (span[0] - 1, span[1]))
        archive_days(town, store, folder)
        archived = estimate(town, model, History(store, folder), span, (span[0] - 1, span[1]))
    assert repr(archived.states.to_pylist()) == repr(plain.states.to_pylist())
    assert archived.state == plain.state


def test_what_differs_is_added_once(ruimte, data, town):
    first = json.loads(ruimte("estimate", "--json").stdout)
    assert first["stored"] > 0
    rows, snapshot = everything(data / "town.db", town)
    again = json.loads(ruimte("estimate", "--json").stdout)
    assert again["stored"] == 0
    assert everything(data / "town.db", town) == (rows, snapshot)
    assert [place["key"] for place in again["places"]] == ["square", "street", "station-road"]
    assert all(place["known"] > 0.5 for place in again["places"])


def test_a_file_stands_by_itself_and_the_database_stays_as_it_was(ruimte, data, town, tmp_path):
    before = everything(data / "town.db", town)
    out = tmp_path / "states.parquet"
    told = ruimte("estimate", "--from", "2026-04-01T00:00", "--to", "2026-04-02T00:00", "--out", out)
    assert told.exit_code == 0, told.output
    table = pq.read_table(out)
    assert set(table["place"].to_pylist()) == {"square", "street", "station-road"}
    assert table.num_rows == 3 * 24
    assert str(table.schema.field("end").type) == "timestamp[us, tz=UTC]"
    assert everything(data / "town.db", town) == before


def test_smoothed_is_surer_than_filtered(ruimte, tmp_path):
    window = ("--from", "2026-04-01T00:00", "--to", "2026-04-03T00:00")
    for name, more in (("filtered", ()), ("smoothed", ("--smooth",))):
        done = ruimte("estimate", *window, *more, "--out", tmp_path / f"{name}.parquet")
        assert done.exit_code == 0, done.output
    filtered, smoothed = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("filtered", "smoothed"))
    assert smoothed["end"].to_pylist() == filtered["end"].to_pylist()
    assert np.nanmean(smoothed["sd"].to_numpy()) < np.nanmean(filtered["sd"].to_numpy())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--smooth",), "--smooth: what is known only later is not what was known then"),
        (("--from", "yesterday"), "--from: 'yesterday' is not a time"),
        (("--from", "2031-01-01T00:00"), "--from 2031-01-01T00:00: lies outside the data"),
        (("--to", "2019-01-01T00:00"), "--to 2019-01-01T00:00: lies outside the data"),
        (("--from", "2026-04-02T00:00", "--to", "2026-04-01T00:00"), "--from and --to: ends before it begins"),
        (("--out", "/nowhere/at/all.parquet"), "/nowhere/at/all.parquet: cannot be written"),
    ],
)
def test_bad_input_is_one_line(ruimte, arguments, told):
    done = ruimte("estimate", *arguments)
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"ruimte: {told}")
    assert "; " in line


def test_without_a_database_or_an_estimate_it_is_told(folder, tmp_path, town):
    for command in ("estimate", "sensors"):
        done = CliRunner().invoke(main, [command, str(folder), "--data", str(tmp_path / "none")])
        assert done.exit_code == 1
        assert "no such database; import a file first" in done.stderr
    with Store(tmp_path / "town.db", town.key):
        pass
    done = CliRunner().invoke(main, ["sensors", str(folder), "--data", str(tmp_path)])
    assert "holds no estimate yet; make one: ruimte estimate" in done.stderr


def test_sensors_are_listed_with_their_calibration(ruimte, data, town):
    text = ruimte("sensors")
    assert text.exit_code == 0, text.output
    assert [line.split()[0] for line in text.stdout.splitlines()[2:6]] == [
        "square-west",
        "square-street",
        "street-east",
        "station-road",
    ]
    told = json.loads(ruimte("sensors", "--json").stdout)
    assert {sensor["condition"] for sensor in told["sensors"]} == {"fine"}
    assert told["unwatched"] == []
    with Reader(data / "town.db", town.key) as store:
        found = read_health(town, store, "town")
    assert [zone.place for zone in found.zones] == ["square", "street"]


def test_a_stored_estimate_lets_a_node_go_on_from_there(data, town):
    with Store(data / "town.db", town.key, durable=False) as store:
        model = compile_lab(town, store.stream_ids())
        span = store.read(observations.span)
        found = estimate(town, model, History(store, data / "none"), span, (span[0] - 1, span[1]))
        store_states(store, model, History(store, data / "none"), found)
        assert store.read(lambda c: results.snapshot(c, "estimate")) == (span[1] + model.lateness_us, found.state)


def test_what_was_learned_is_taken_up_to_the_moment_of_the_node(data, town):
    with Store(data / "town.db", town.key, durable=False) as store:
        model = compile_lab(town, store.stream_ids())
        span = store.read(observations.span)
        later = span[1] + 7 * 3_600_000_000
        store.write(lambda c: results.save_snapshot(c, "estimate", later, b"older")).result()
        history = History(store, data / "none")
        found = estimate(town, model, history, span, (span[0] - 1, span[1]))
        store_states(store, model, history, found)
        moment, state = store.read(lambda c: results.snapshot(c, "estimate"))
        assert moment == later
        assert state == advance(model, found.state, history.received(span[1], later), later)[0]
        assert not store.read(lambda c: results.was_overtaken(c, "estimate"))
