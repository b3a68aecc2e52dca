"""The command line: bad input is one line that names the thing and the mend; wrong usage is wrong usage."""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
import socket
import sqlite3

import pytest
from click.testing import CliRunner

from ruimte.cli import main
from ruimte.lab.new import new_lab

MAPPING = 'time = "t"\ninterval = "5m"\nsensor = "s"\ncount = "n"\n'
GOOD = "t,s,n\n2026-06-01T12:00,STATION-01,12\n2026-06-01T12:05,STATION-01,14\n"


@pytest.fixture
def ruimte(tmp_path, monkeypatch):
    """Runs the command line in a folder of its own that holds a good lab ``town``, a mapping and a file; gives the result."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUIMTE_DATA", str(tmp_path / "data"))
    new_lab(tmp_path / "town")
    (tmp_path / "mapping.toml").write_text(MAPPING)
    (tmp_path / "counts.csv").write_text(GOOD)
    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])


def imported(ruimte, *more, lab="town", file="counts.csv"):
    return ruimte("import", lab, file, "--format", "table", "--mapping", "mapping.toml", *more)


def refused(result, *told):
    """Exit code 1, one line on stderr, nothing on stdout, no traceback, and what is told in it."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("ruimte: ")
    assert "Traceback" not in line
    assert "; " in line, "no mend"
    for part in told:
        assert str(part) in line
    return line


def test_a_new_lab_is_in_order(ruimte):
    assert ruimte("new", "fresh").exit_code == 0
    checked = ruimte("check", "fresh")
    assert (checked.exit_code, checked.stdout) == (0, "fresh: in order\n")
    assert json.loads(ruimte("check", "fresh", "--json").stdout) == {"ok": True, "mistakes": []}
    refused(ruimte("new", "fresh"), "fresh", "there is something here already")


def test_a_file_is_imported_once(ruimte, tmp_path):
    first = json.loads(imported(ruimte, "--json").stdout)
    assert (first["rows"], first["kept"], first["added"], first["refused"]) == (2, 2, 2, [])
    assert first["database"] == str(tmp_path / "data" / "town.db")
    again = imported(ruimte)
    assert again.exit_code == 0
    assert f"database {first['database']}" in again.stdout
    assert "known already                     2" in again.stdout
    assert (tmp_path / "data" / "town.db").exists()


def test_a_refused_row_never_stops_the_rest_and_is_counted(ruimte, tmp_path):
    rows = [
        "2026-06-01T12:10,STATION-01,-3",
        "2026-06-01T12:15,STATION-01,1e9",
        "2026-06-01T12:20,STATION-01,many",
        "soon,STATION-01,5",
        "2026-06-01T12:25,STATION-99,5",
        "2025-12-31T12:00,STATION-01,5",
        "2031-01-01T12:00,STATION-01,5",
        "2026-06-01T12:30,STATION-01,5,6",
        "2026-06-01T12:35,STATION-01,",
        "2026-06-01T12:40,STATION-01,15",
    ]
    (tmp_path / "counts.csv").write_text(GOOD + "\n".join(rows) + "\n")
    result = imported(ruimte, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["rows"], report["kept"], report["missing"], report["added"]) == (12, 4, 1, 4)
    assert report["doubtful"] == 1  # a thousand million people: kept, but nothing rests on it
    counted = {refusal["reason"]: refusal["count"] for refusal in report["refused"]}
    assert sum(counted.values()) == 7
    assert counted["less than can be"] == 1
    assert counted["unreadable number"] == 1
    assert counted["sensor is not registered"] == 1
    assert counted["outside the sensor's registered period"] == 1
    assert counted["lies in the future"] == 1
    assert all(refusal["examples"] for refusal in report["refused"])


def test_unreadable_times_are_refused_and_counted(ruimte, tmp_path):
    text = "t,s,n\nyesterday,STATION-01,1\n31/31/2026,STATION-01,2\n2026-06-01T12:00,STATION-01,3\n"
    (tmp_path / "counts.csv").write_text(text)
    report = json.loads(imported(ruimte, "--json").stdout)
    assert report["kept"] == 1
    (refusal,) = report["refused"]
    assert (refusal["count"], refusal["unit"]) == (2, "rows")
    assert refusal["examples"] == ["row 2: 'yesterday'", "row 3: '31/31/2026'"]
    assert refusal["mend"].startswith("expected ISO 8601")


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("cell", ["-4", "", "many"])
def test_a_file_of_which_nothing_is_kept_is_an_error_after_its_report(ruimte, tmp_path, cell, as_json):
    (tmp_path / "counts.csv").write_text(f"t,s,n\n2026-06-01T12:00,STATION-01,{cell}\n")
    result = imported(ruimte, *["--json"] * as_json)
    assert result.exit_code == 1
    assert result.stderr == "ruimte: counts.csv: no observation was kept; see the reasons above\n"
    if as_json:
        assert json.loads(result.stdout)["kept"] == 0
    else:
        assert "observations kept                 0" in result.stdout


def test_a_copied_lab_is_noticed_by_the_database_it_writes_to(ruimte, tmp_path):
    shutil.copytree(tmp_path / "town", tmp_path / "copy")
    (ours,) = {json.loads(imported(ruimte, "--json", lab=lab).stdout)["database"] for lab in ("town", "copy")}
    assert ours.endswith("town.db")


def test_an_unknown_column(ruimte, tmp_path):
    (tmp_path / "counts.csv").write_text(GOOD.replace("t,s,n", "when,s,n"))
    refused(imported(ruimte), "counts.csv", "no column 't'", "mapping.toml")


def test_a_missing_file(ruimte):
    refused(imported(ruimte, file="none.csv"), "none.csv", "file not found", "check the path")


def test_a_missing_mapping(ruimte):
    refused(ruimte("import", "town", "counts.csv", "--format", "table"), "counts.csv", "needs a mapping")
    refused(ruimte("import", "town", "counts.csv", "--format", "table", "--mapping", "none.toml"), "none.toml", "check the path")


def test_an_unknown_format_names_the_known_ones(ruimte):
    refused(ruimte("import", "town", "counts.csv", "--format", "excel"), "'excel'", "auckland, melbourne, table, zurich")


def test_a_truncated_gzip(ruimte, tmp_path):
    rows = "".join(f"2026-06-{day:02}T{hour:02}:00,STATION-01,{hour * day}\n" for day in range(1, 31) for hour in range(24))
    whole = gzip.compress(("t,s,n\n" + rows).encode())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    refused(imported(ruimte, file="cut.csv.gz"), "cut.csv.gz", "cut off or damaged", "fetch it again")
    (tmp_path / "whole.csv.gz").write_bytes(whole)
    assert imported(ruimte, file="whole.csv.gz").exit_code == 0


def test_a_lab_with_overlapping_zones(ruimte, tmp_path):
    places = tmp_path / "town" / "places.geojson"
    text = places.read_text()
    places.write_text(text.replace("5.1209, 52.0901", "5.1205, 52.0901").replace("5.1209, 52.09025", "5.1205, 52.09025"))
    assert places.read_text() != text
    refused(imported(ruimte), "places.geojson", "street", "square")
    checked = ruimte("check", "town")
    assert checked.exit_code == 1
    assert "overlap" in checked.stdout


def test_a_lab_that_is_not_there(ruimte):
    refused(imported(ruimte, lab="atlantis"), "atlantis")
    refused(ruimte("serve", "atlantis", "--no-browser"), "atlantis")
    assert ruimte("check", "atlantis").exit_code == 1


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_busy_port(ruimte, command):
    assert imported(ruimte).exit_code == 0
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        lab = ["town"] if command == "serve" else ["--lab", "town"]
        refused(ruimte(command, *lab, "--port", port, "--no-browser"), f"127.0.0.1:{port}", "choose another --port")


@pytest.mark.parametrize(
    ("text", "told"),
    [("tomorrow", "is not a time"), ("2020-01-01T12:00", "lies outside the data"), ("2026-06-31", "is not a time")],
)
def test_a_bad_start_of_the_demo(ruimte, text, told):
    assert imported(ruimte).exit_code == 0
    refused(ruimte("demo", "--lab", "town", "--from", text, "--no-browser", "--port", 0), "--from", told)


def test_a_demo_without_data(ruimte):
    refused(ruimte("demo", "--lab", "town", "--no-browser", "--port", 0), "town.db", "import a file first")


@pytest.mark.parametrize("command", [("import",), ("serve", "town"), ("demo", "--lab", "town")], ids=lambda c: c[0])
@pytest.mark.parametrize("damage", ["newer", "not a database", "of another lab"])
def test_a_database_that_cannot_be_used(ruimte, tmp_path, command, damage):
    assert imported(ruimte).exit_code == 0
    path = tmp_path / "data" / "town.db"
    if damage == "not a database":
        path.write_bytes(b"Counted by hand, on paper.\n" * 500)
    else:
        connection = sqlite3.connect(path)
        other = "UPDATE meta SET value = 'other' WHERE key = 'lab'"
        connection.execute("PRAGMA user_version = 77" if damage == "newer" else other)
        connection.commit()
        connection.close()
    result = imported(ruimte) if command == ("import",) else ruimte(*command, "--no-browser", "--port", 0)
    told = {"newer": "upgrade Ruimte", "not a database": "move it aside", "of another lab": "choose another --data"}
    refused(result, "town.db", told[damage])


def test_data_in_a_place_that_cannot_be(ruimte, tmp_path):
    (tmp_path / "file").touch()
    refused(imported(ruimte, "--data", "file"), "file", "choose")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1"])
def test_a_node_that_others_can_reach_needs_a_password(ruimte, host):
    result = ruimte("serve", "town", "--host", host, "--port", 0, "--no-browser")
    refused(result, host)
    assert imported(ruimte).exit_code == 0
    refused(ruimte("demo", "--lab", "town", "--host", host, "--port", 0, "--no-browser"), host, "this machine only")


@pytest.mark.parametrize(
    "arguments",
    [
        ("fly",),
        ("import",),
        ("import", "town", "counts.csv"),
        ("serve", "town", "--port", "70000"),
        ("serve", "town", "--port", "http"),
        ("demo", "--speed", "0"),
        ("demo", "--speed", "fast"),
        ("check", "town", "--colour"),
    ],
)
def test_wrong_usage_is_two(ruimte, arguments):
    result = ruimte(*arguments)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", [(), ("check",), ("new",), ("import",), ("serve",), ("demo",)])
def test_every_command_helps(ruimte, command):
    result = ruimte(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_a_report_of_a_period(ruimte, tmp_path):
    assert imported(ruimte).exit_code == 0
    refused(ruimte("report", "town"), "no state is known yet", "ruimte estimate")
    assert ruimte("estimate", "town").exit_code == 0
    period = ("--from", "2026-06-01T11:00", "--to", "2026-06-01T13:00")
    done = ruimte("report", "town", *period, "--language", "nl", "--out", "evening.html")
    assert done.exit_code == 0, done.output
    assert "Waarschuwingen: 0, geen waarschuwingen" in done.output
    assert "written: evening.html" in done.output
    assert "<h2>Waarschuwingen</h2>" in (tmp_path / "evening.html").read_text()
    told = json.loads(ruimte("report", "town", *period, "--json").output)
    assert (told["from"], told["known"], told["warnings"]) == ("2026-06-01T09:00:00Z", True, [])
    assert {place["key"] for place in told["places"]} == {"square", "street", "station-road"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--from", "2026-06-01T13:00", "--to", "2026-06-01T11:00"), "ends before it begins"),
        (("--from", "2026-01-01T00:00", "--to", "2026-06-01T11:00"), "longer than 31 days"),
        (("--to", "tomorrow"), "not a time"),
        (("--to", "2026-06-01T13:00", "--out", "evening.doc"), ".doc is no kind of report"),
        (("--to", "2026-06-01T13:00", "--out", "nowhere/evening.html"), "cannot be written"),
    ],
)
def test_a_report_that_cannot_be(ruimte, arguments, told):
    assert imported(ruimte).exit_code == 0
    refused(ruimte("report", "town", *arguments), told)


def test_a_report_of_an_older_database(ruimte, tmp_path):
    assert imported(ruimte).exit_code == 0
    with contextlib.closing(sqlite3.connect(next((tmp_path / "data").glob("*.db")))) as connection:
        connection.execute("DROP TABLE staff_names")
        connection.commit()
    period = ("--from", "2026-06-01T11:00", "--to", "2026-06-01T13:00")
    refused(ruimte("report", "town", *period), "older Ruimte", "ruimte serve")
