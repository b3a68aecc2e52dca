"""The archive: days as files that are whole, checked by hash, and never served once the database has more of them."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ruimte.clock import DAY_US, HOUR_US, SECOND_US, ManualClock, to_us
from ruimte.errors import RuimteError
from ruimte.jobs.archiving import History, archive_days, sites
from ruimte.lab.compile import compile_lab, shard, stream_keys
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder, names
from ruimte.model.observation import OBSERVATIONS
from ruimte.store import archive, observations
from ruimte.store.catalogue import StreamEntry, register
from ruimte.store.sqlite import Store

BEGIN = to_us(datetime(2020, 1, 30, tzinfo=UTC))
DATES = ["2020-01-30", "2020-01-31", "2020-02-01"]
LATER = ManualClock(BEGIN + 100 * DAY_US)
KEYS = ("north/count", "south/count", "gone/count")


def rows(*values):
    """A batch of (datastream, hours after the beginning, result); received when the hour ends."""
    full = [(s, BEGIN + h * HOUR_US - HOUR_US, BEGIN + h * HOUR_US, BEGIN + h * HOUR_US, float(r), 0) for s, h, r in values]
    columns = zip(*full, strict=True)
    return pa.table([pa.array(list(c), f.type) for c, f in zip(columns, OBSERVATIONS, strict=True)], schema=OBSERVATIONS)


def entry(key):
    texts = dict.fromkeys(("sensor_key", "name", "description", "kind", "measure", "definition"), key)
    more = {"feature_key": key, "feature_name": key, "feature": {}, "metadata": {}, "result_type": {}, "interval_us": 1}
    return StreamEntry(key=key, **texts, **more)


@pytest.fixture
def store(tmp_path):
    """Three days and an hour of two datastreams and one that nobody knows, each hour."""
    with Store(tmp_path / "test.db", "test", durable=False) as opened:
        opened.write(lambda c: register(c, [entry(key) for key in KEYS], [])).result()
        opened.append(rows(*((stream, hour, hour * stream) for stream in (1, 2, 3, 99) for hour in range(73))))
        yield opened


@pytest.fixture
def lab(make_lab):
    return make_lab()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "archive" / "test"


@pytest.fixture
def archived(lab, store, folder):
    return archive_days(lab, store, folder, clock=LATER)


def database(store, from_us=BEGIN - 1, until_us=BEGIN + 100 * DAY_US):
    return store.read(lambda c: observations.received(c, from_us, until_us))


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def damage(folder, change):
    """Change the bytes of the second day's file; gives its path."""
    path = folder / DATES[1] / "shards-0000-4095.parquet"
    path.write_bytes(change(path.read_bytes()))
    return path


def test_each_closed_day_is_a_file_and_a_line_of_the_manifest(store, folder, archived):
    assert files(folder) == [*(f"{date}/shards-0000-4095.parquet" for date in DATES), "archive.lock", "manifest.json"]
    assert (archived.days, archived.written, archived.rewritten, archived.files, archived.rows) == (3, 3, 0, 3, 288)
    assert (archived.database_rows, archived.bytes) == (292, sum(path.stat().st_size for path in folder.rglob("*.parquet")))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["format"], manifest["lab"]) == (1, "test")
    assert manifest["datastreams"] == store.stream_ids() == {key: number for number, key in enumerate(KEYS, 1)}
    assert list(manifest["days"]) == DATES
    (segment,) = manifest["days"][DATES[0]]["segments"]
    assert (segment["rows"], segment["first_us"], segment["last_us"]) == (96, BEGIN, BEGIN + 23 * HOUR_US)
    assert (segment["first_shard"], segment["last_shard"], len(segment["sha256"])) == (0, 4095, 64)


def test_a_file_holds_whole_rows_in_order_of_receipt(store, folder, archived):
    table = pq.read_table(folder / DATES[0] / "shards-0000-4095.parquet", partitioning=None)
    stored = store.read(
        lambda c: c.execute(
            "SELECT datastream_id, start_us, end_us, received_us, result, flags, id FROM observations WHERE received_us < ?"
            " ORDER BY received_us, id",
            (BEGIN + DAY_US,),
        ).fetchall()
    )
    assert [tuple(row.values())[:-1] for row in table.to_pylist()] == stored
    # a datastream that the lab no longer has lies at the shard of its own key, one without a key at that of its id
    expected = {number: shard(key) for number, key in enumerate(KEYS, 1)} | {99: shard("datastream 99")}
    assert dict(zip(table["datastream"].to_pylist(), table["shard"].to_pylist(), strict=True)) == expected


def test_a_large_day_is_cut_into_ranges_of_whole_shards(lab, store, folder):
    archive_days(lab, store, folder, clock=LATER, rows_per_file=30)
    assert archive.received(folder, 0, 2**62).equals(database(store, until_us=BEGIN + 3 * DAY_US - 1))
    manifest = archive.read_manifest(folder)
    (one, *others) = manifest.days[DATES[0]].segments
    assert one.name.startswith(f"{DATES[0]}/shards-{one.first_shard:04}-{one.first_shard + 1023:04}")
    assert sum(segment.rows for segment in (one, *others)) == 96
    for segment in manifest.segments():
        shards = pq.read_table(folder / segment.name, columns=["shard"], partitioning=None)["shard"].to_pylist()
        assert len(shards) == segment.rows
        assert segment.first_shard <= min(shards) <= max(shards) <= segment.last_shard


@pytest.mark.parametrize(("hours", "days"), [(95, 2), (96, 3), (97, 3)])
def test_a_day_is_closed_a_day_after_its_end(lab, store, folder, hours, days):
    assert archive_days(lab, store, folder, clock=ManualClock(BEGIN + hours * HOUR_US)).days == days


def test_a_day_stays_open_while_nothing_came_after_it(lab, store, folder):
    store.append(rows((1, 120, 1.0)))
    assert archive_days(lab, store, folder, clock=LATER).days == 4
    assert "2020-02-03" not in archive.read_manifest(folder).days


def test_archiving_again_writes_nothing(lab, store, folder, archived):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = archive_days(lab, store, folder, clock=LATER, verify=True)
    assert (again.days, again.written, again.rewritten, again.verified) == (3, 0, 0, 3)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.suffix != ".lock"} == {
        path: time for path, time in before.items() if path.suffix != ".lock"
    }


def test_reading_gives_what_the_database_gives(store, folder, archived):
    for from_us, until_us in ((0, 2**62), (BEGIN, BEGIN + DAY_US), (BEGIN + 5, BEGIN + 7), (BEGIN + 2 * DAY_US, BEGIN)):
        expected = database(store, from_us, min(until_us, BEGIN + 3 * DAY_US - 1))
        assert archive.received(folder, from_us, until_us).equals(expected)
    some = archive.received(folder, 0, 2**62, {"south/count": 2})
    assert set(some["datastream"].to_pylist()) == {2}
    assert some.num_rows == 72


def test_a_day_that_grew_is_stale_until_it_is_archived_again(lab, store, folder, archived):
    history = History(store, folder)
    store.append(rows((1, 25, 777.0), (2, 74, 1.0)))
    manifest = archive.read_manifest(folder)
    assert store.read(lambda c: archive.stale_days(c, manifest)) == [DATES[1]]
    assert store.read(lambda c: archive.stale_days(c, manifest, BEGIN + 2 * DAY_US - 1, 2**62)) == []
    assert 777.0 in history.received(0, 2**62)["result"].to_pylist()
    assert history.received(0, 2**62).equals(database(store))

    again = archive_days(lab, store, folder, clock=LATER)
    assert (again.written, again.rewritten, again.rows) == (0, 1, 289)
    assert store.read(lambda c: archive.stale_days(c, archive.read_manifest(folder))) == []
    # the old file stays until the next run, for somebody may be reading it
    old = f"{DATES[1]}/shards-0000-4095.parquet"
    assert old in files(folder)
    assert f"{DATES[1]}/shards-0000-4095.2.parquet" in files(folder)
    assert archive_days(lab, store, folder, clock=LATER).rewritten == 0
    assert old not in files(folder)
    assert archive.received(folder, 0, BEGIN + 3 * DAY_US).equals(database(store, until_us=BEGIN + 3 * DAY_US - 1))


def test_history_without_an_archive_is_the_database(store, folder):
    assert History(store, folder).received(0, 2**62).equals(database(store))


def test_a_newer_manifest_is_refused(lab, store, folder, archived):
    path = folder / "manifest.json"
    path.write_text('{"format": 2, "days": "written otherwise"}')
    for use in (
        lambda: archive.received(folder, 0, 1),
        lambda: archive_days(lab, store, folder),
        lambda: History(store, folder).received(0, 1),
    ):
        with pytest.raises(RuimteError, match=r"manifest\.json: made by a newer Ruimte \(format 2, this one knows 1\); upgrade"):
            use()
    path.write_text("{")
    with pytest.raises(RuimteError, match=r"manifest\.json: cannot be read"):
        archive.received(folder, 0, 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda whole: whole[:-100], "bytes, not"),
        (lambda whole: b"Counted by hand. " * (len(whole) // 17) + b"." * (len(whole) % 17), "cannot be read"),
    ],
    ids=["cut off", "something else"],
)
def test_a_damaged_file_is_refused_and_written_again(lab, store, folder, archived, change, told):
    path = damage(folder, change)
    for use in (
        lambda: archive.received(folder, 0, 2**62),
        lambda: History(store, folder).received(0, 2**62),
        lambda: archive.verify(folder, archive.read_manifest(folder)),
    ):
        with pytest.raises(RuimteError, match=told) as refusal:
            use()
        assert (refusal.value.where, "ruimte archive" in refusal.value.mend) == (str(path), True)
    assert archive_days(lab, store, folder, clock=LATER, verify=True).rewritten == 1
    assert History(store, folder).received(0, 2**62).equals(database(store))


def test_a_changed_byte_is_found_by_its_hash(lab, store, folder, archived):
    path = damage(folder, lambda whole: whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
    archive.verify(folder, archive.Manifest(lab="test"))
    with pytest.raises(RuimteError, match="is not what was written: its SHA-256 is another; remove it, then write it again"):
        archive_days(lab, store, folder, clock=LATER, verify=True)
    path.unlink()
    with pytest.raises(RuimteError, match="is missing"):
        archive.received(folder, 0, 2**62)
    assert archive_days(lab, store, folder, clock=LATER, verify=True).verified == 3


def test_another_database_is_refused(lab, store, folder, archived, tmp_path):
    with Store(tmp_path / "other.db", "test", durable=False) as other:
        other.write(lambda c: register(c, [entry(key) for key in KEYS[::-1]], [])).result()
        with pytest.raises(RuimteError, match="another database: datastream gone/count has another id"):
            archive_days(lab, other, folder)
        with pytest.raises(RuimteError, match="another database"):
            History(other, folder).received(0, 1)
    with pytest.raises(RuimteError, match="another database: datastream west/count has another id"):
        archive.received(folder, 0, 1, {"west/count": 2})


def test_what_the_database_no_longer_has_is_never_written_over(lab, store, folder, archived, tmp_path):
    with Store(tmp_path / "restored.db", "test", durable=False) as restored:
        restored.write(lambda c: register(c, [entry(key) for key in KEYS], [])).result()
        restored.append(rows(*((1, hour, hour) for hour in range(73))))
        with pytest.raises(RuimteError, match="holds other observations of 2020-01-30 than the database; move the archive aside"):
            archive_days(lab, restored, folder, clock=LATER)
        assert History(restored, folder).received(0, 2**62).equals(database(restored))
    (folder / "manifest.json").unlink()
    with pytest.raises(RuimteError, match="holds days but no manifest"):
        archive_days(lab, store, folder, clock=LATER)
    assert len(list(folder.rglob("*.parquet"))) == 3


def test_a_folder_may_be_named_like_a_pattern(lab, store, tmp_path):
    folder = tmp_path / "a[b]*?" / "test"
    archive_days(lab, store, folder, clock=LATER)
    assert History(store, folder).received(0, 2**62).equals(database(store))


def test_without_duckdb_writing_works_and_reading_tells_what_to_install(store, folder, archived, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(RuimteError, match=r"needs the package duckdb; pip install 'ruimte\[archive\]'"):
        archive.received(folder, 0, 2**62)
    assert History(store, folder).received(BEGIN + 3 * DAY_US, 2**62).equals(database(store, BEGIN + 3 * DAY_US))


def test_a_folder_that_cannot_be_written(lab, store, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RuimteError, match="cannot be written"):
        archive_days(lab, store, tmp_path / "file" / "test", clock=LATER)


def test_an_error_leaves_no_part_behind(store, folder):
    folder.mkdir(parents=True)

    def refuse(stream):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        store.read(lambda c: archive.write_day(folder, c, BEGIN, refuse))
    assert files(folder) == []


@pytest.mark.parametrize("name", names())
def test_the_sites_are_those_of_the_compiled_lab(name):
    lab = read_lab(lab_folder(name))
    found = sites(lab)
    keys = [stream.key for stream in stream_keys(lab)]
    assert list(found) == keys
    assert set(found.values()) == {place.site for place in compile_lab(lab, {key: i for i, key in enumerate(keys)}).places}


def test_the_days_are_those_of_utc():
    assert [archive.start_of(date) for date in DATES] == [BEGIN, BEGIN + DAY_US, BEGIN + 2 * DAY_US]
    assert archive.date_of(BEGIN + DAY_US - SECOND_US) == DATES[0]
