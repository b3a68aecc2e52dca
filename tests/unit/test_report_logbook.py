"""The logbook to take along: CSV that any program reads, and that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from zoneinfo import ZoneInfo

import pytest

from ruimte.clock import HOUR_US
from ruimte.report.logbook import Line, as_csv, as_html
from ruimte.report.words import Words

ZONE = ZoneInfo("Europe/Amsterdam")


def line(text, **more):
    plain = {"id": 1, "at_us": 0, "lab_time": "1970-01-01T01:00:00+01:00", "wall_time": "1970-01-01T01:00:00+01:00"}
    return Line(**(plain | {"kind": "note", "place": "Square", "warning": None, "who": "operator", "text": text} | more))


def read(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def test_every_cell_comes_back_as_it_was():
    odd = 'said "go"; then, at 5,\r\nleft – é'
    rows = read(as_csv([line(odd), line("calm", warning=7)], Words("en", ZONE)))
    assert rows[0] == ["Number", "Lab time", "Wall time", "Kind", "Place", "Warning", "Who", "Text"]
    assert rows[1][-1] == odd
    assert rows[2][5] == "7"
    assert as_csv([line("calm")], Words("en", ZONE)).endswith("\r\n")


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+31", "-1+2", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text):
    (_, row) = read(as_csv([line(text, who=text)], Words("en", ZONE)))
    assert row[-1] == f"'{text}"
    assert row[-2] == f"'{text}"


def test_the_page_shows_what_was_written_and_runs_none_of_it():
    said = "<script>alert(1)</script>"
    text = as_html(
        [line(said)], Words("nl", ZONE), lab="Plein", synthetic=True, from_us=0, until_us=HOUR_US, notice="Print this page: x"
    )
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "verzonnen" in text
    assert "donderdag 1 januari 1970 01:00" in text
    empty = as_html([], Words("nl", ZONE), lab="Plein", synthetic=False, from_us=0, until_us=HOUR_US)
    assert "Er is niets vastgelegd." in empty
