"""Invented days in a database, their truth in a file, and a replay that needs nothing else."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from ruimte.cli import main
from ruimte.clock import HOUR_US, from_us, to_us
from ruimte.errors import RuimteError
from ruimte.jobs import own_data
from ruimte.jobs.replay import Replay, default_start, open_source, run_through
from ruimte.jobs.synthesising import SEED, Synthesised, synthesise, truth_of, usual_period
from ruimte.lab.lab import Lab
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.store import observations
from ruimte.store.sqlite import Reader, Store
from ruimte.synthetic import day, observe

FIRST, LAST = date(2026, 6, 8), date(2026, 6, 9)


@pytest.fixture(scope="module")
def lab() -> Lab:
    return read_lab(lab_folder("boulevard"))


def fill(lab: Lab, path, **options) -> Synthesised:
    with Store(path, lab.key, durable=False) as store:
        return synthesise(lab, store, FIRST, LAST, **options)


def test_the_database_holds_what_the_sensors_told_and_the_file_the_truth(tmp_path, lab):
    shares: list[float] = []
    told = fill(lab, tmp_path / "b.db", truth=tmp_path / "truth.parquet", progress=shares.append)
    assert shares == [0.5, 1.0]
    with Reader(tmp_path / "b.db", lab.key) as store:
        ids = store.stream_ids()
        held = store.read(lambda c: observations.received(c, 0, 2**62))
    expected = [observe(day(lab, on, SEED), lab, ids) for on in (FIRST, LAST)]
    assert told.rows == held.num_rows == sum(each.num_rows for each in expected)
    assert held["result"].to_numpy().sum() == pytest.approx(sum(each["result"].to_numpy().sum() for each in expected))
    truth = pq.read_table(tmp_path / "truth.parquet")
    assert truth.num_rows == 2 * 288 * (len(lab.zones) + 2 * len(lab.gates))
    assert truth.slice(0, truth.num_rows // 2).equals(truth_of(day(lab, FIRST, SEED)))


def test_the_truth_names_places_and_moments(lab):
    found = day(lab, FIRST, 3)
    rows = truth_of(found).to_pylist()
    noon = datetime(2026, 6, 8, 10, tzinfo=UTC)
    tick = int(np.flatnonzero(found.ends_us == to_us(noon))[0])
    (people,) = [r["persons"] for r in rows if r["place"] == "pier" and r["end"] == noon]
    (went,) = [r["persons"] for r in rows if (r["place"], r["quantity"], r["end"]) == ("village", "out", noon)]
    assert people == found.people[tick, found.zones.index("pier")]
    assert went == found.flows[tick, found.gates.index("village"), 1]


def test_the_same_seed_fills_the_same_database_and_another_another(tmp_path, lab):
    one, again, other = (fill(lab, tmp_path / f"{name}.db", seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert one == again
    assert one.visitors != other.visitors


def test_days_that_are_there_are_not_written_over(tmp_path, lab):
    fill(lab, tmp_path / "b.db")
    with pytest.raises(RuimteError, match="holds observations of 2026-06-08 to 2026-06-10 already"):
        fill(lab, tmp_path / "b.db", seed=2)
    with Store(tmp_path / "b.db", lab.key, durable=False) as store:
        assert synthesise(lab, store, date(2026, 6, 10), date(2026, 6, 10)).rows > 10_000


def test_what_is_broken_off_leaves_nothing_behind(tmp_path, lab):
    def stop(share: float) -> None:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fill(lab, tmp_path / "b.db", progress=stop)
    with Reader(tmp_path / "b.db", lab.key) as store:
        assert store.read(observations.span) is None
    assert fill(lab, tmp_path / "b.db").rows > 20_000


def test_a_lab_that_is_measured_gets_no_invented_figures(tmp_path, lab):
    real = read_lab(lab_folder("hardbruecke"))
    with Store(tmp_path / "h.db", real.key) as store, pytest.raises(RuimteError, match="would stand among measured ones"):
        synthesise(real, store, FIRST, LAST)
    new_lab(tmp_path / "town")
    town = read_lab(tmp_path / "town")
    with Store(tmp_path / "t.db", town.key) as store, pytest.raises(RuimteError, match="synthesise the lab boulevard"):
        synthesise(town, store, FIRST, LAST)


def test_the_usual_past_is_ten_weeks_and_a_day_up_to_the_festival(lab):
    assert usual_period(lab) == (date(2026, 6, 5), date(2026, 8, 15))
    span = tuple(to_us(datetime(2026, *edge, 4, tzinfo=lab.zone)) for edge in ((6, 5), (8, 16)))
    start = from_us(default_start(lab, span)).astimezone(lab.zone)
    assert start.replace(tzinfo=None) == datetime(2026, 8, 15, 17)
    with pytest.raises(RuimteError, match="the calendar has no event to end with"):
        usual_period(dataclasses.replace(lab, events=()))


def test_a_replay_fills_its_own_database_and_runs(tmp_path, lab, monkeypatch):
    monkeypatch.setattr(own_data, "usual_period", lambda lab: (FIRST, LAST))
    with open_source(lab, tmp_path / "boulevard.db") as source:
        first, last = source.read(observations.span)
        assert last - first > 47 * HOUR_US
        assert default_start(lab, (first, last)) == first + (last - first) * 3 // 4
        start = to_us(datetime(2026, 6, 9, 18, tzinfo=lab.zone))
        replay = Replay.begin(lab, source, tmp_path, start)
        with replay.target as store:
            summary = run_through(replay, start + HOUR_US)
            assert summary.ticks == 12
            assert summary.rows > 600
            states = store.read(lambda c: c.execute("SELECT count(*) FROM states WHERE mean IS NOT NULL").fetchone()[0])
            assert states > 0
    assert list(tmp_path.glob("boulevard.db"))


def test_an_empty_database_of_an_own_lab_is_filled_too(tmp_path, lab, monkeypatch):
    monkeypatch.setattr(own_data, "usual_period", lambda lab: (FIRST, FIRST))
    Store(tmp_path / "boulevard.db", lab.key).close()
    with open_source(lab, tmp_path / "boulevard.db") as source:
        assert source.read(observations.count) > 10_000


def test_the_command_tells_what_it_made(tmp_path):
    arguments = ["synthesise", "boulevard", "--from", "2026-06-08", "--to", "2026-06-08", "--seed", "3", "--data", str(tmp_path)]
    done = CliRunner().invoke(main, [*arguments, "--truth", str(tmp_path / "t.parquet"), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert (told["from"], told["to"], told["seed"]) == ("2026-06-08", "2026-06-08", 3)
    assert told["rows"] > 10_000
    assert told["visitors"] > told["most"] > 500
    assert (tmp_path / "t.parquet").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--from", "yesterday"], "'yesterday' is not a day"),
        (["--from", "2026-06-09", "--to", "2026-06-08"], "ends before it begins"),
        (["--from", "2026-06-08", "--to", "2026-06-08", "--truth", "/nowhere/t.parquet"], "cannot be written"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, options, says):
    done = CliRunner().invoke(main, ["synthesise", "boulevard", "--data", str(tmp_path), *options])
    assert done.exit_code == 1
    assert says in done.output
    assert len(done.output.strip().splitlines()) == 1
