"""The command ``archive``: over a database that a node has open, beside it in the data folder, in words and as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from ruimte.cli import main
from ruimte.jobs.archiving import History
from ruimte.lab.new import new_lab
from ruimte.store import observations
from ruimte.store.sqlite import Store

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
TICKS = 4 * 288


@pytest.fixture
def ruimte(tmp_path, monkeypatch):
    """Runs a command in a folder that holds a lab and its database with four days of a count point; gives the result."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUIMTE_DATA", str(tmp_path / "data"))
    new_lab(tmp_path / "town")
    lines = [f"{BEGIN + tick * timedelta(minutes=5):%Y-%m-%dT%H:%M}Z,STATION-01,{tick % 50}" for tick in range(TICKS)]
    (tmp_path / "counts.csv").write_text("\n".join(["t,s,n", *lines]) + "\n")
    (tmp_path / "mapping.toml").write_text('time = "t"\ninterval = "5m"\nsensor = "s"\ncount = "n"\n')

    def run(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    imported = run("import", "town", "counts.csv", "--format", "table", "--mapping", "mapping.toml")
    assert imported.exit_code == 0, imported.output
    return run


def test_archiving_while_a_node_has_the_database(ruimte, tmp_path):
    with Store(tmp_path / "data" / "town.db", "town") as store:
        result = ruimte("archive", "town", "--verify", "--json")
        assert result.exit_code == 0, result.output
        told = json.loads(result.stdout)
        assert told["archive"] == str(tmp_path / "data" / "archive" / "town")
        assert (told["days"], told["written"], told["rewritten"], told["files"], told["verified"]) == (4, 4, 0, 4, 4)
        # the end of the last tick is the first moment of a day that is not over
        assert (told["rows"], told["database_rows"]) == (TICKS - 1, TICKS)
        assert told["bytes_per_row"] == round(told["bytes"] / told["rows"], 2)
        assert told["database_bytes"] > told["bytes"]

        again = ruimte("archive", "town").stdout.splitlines()
        assert again[0].split() == ["days", "in", "the", "archive", "4"]
        assert again[1].split() == ["of", "these", "written", "now", "0"]
        assert f"bytes of {TICKS - 1:,} rows, {told['bytes_per_row']:.2f} a row" in again[2]
        assert again[3].startswith("database ")

        history = History(store, tmp_path / "data" / "archive" / "town")
        assert history.received(0, 2**62).equals(store.read(lambda c: observations.received(c, 0, 2**62)))


def test_what_is_wrong_is_one_line(ruimte, tmp_path):
    assert ruimte("archive", "town").exit_code == 0
    (path,) = (tmp_path / "data" / "archive" / "town" / "2026-01-06").iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    mended = ruimte("archive", "town", "--verify")
    assert mended.stdout.splitlines()[2].split() == ["of", "these", "rewritten", "1"]

    missing = ruimte("archive", "town", "--data", "elsewhere")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert missing.stderr == "ruimte: elsewhere/town.db: no such database; import a file first, or choose another --data\n"
