"""Files that cannot be read give one line that names the file and the mend."""

from __future__ import annotations

import gzip

import pytest

from ruimte.errors import RuimteError
from ruimte.intake.files import csv_header, read_csv
from ruimte.intake.report import Report


def read(path, columns=("a", "b"), **options):
    report = Report(str(path), "table")
    return read_csv(path, columns, report, mend="check", **options), report


def test_plain_gzipped_and_with_a_byte_order_mark(tmp_path):
    text = b"\xef\xbb\xbfa, b\n1,2\n3,\n"
    (tmp_path / "plain.csv").write_bytes(text)
    (tmp_path / "zipped.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "named-otherwise.csv").write_bytes(gzip.compress(text))
    for path in tmp_path.iterdir():
        sheet, report = read(path)
        assert sheet.columns["a"].to_pylist() == ["1", "3"]
        assert sheet.columns["b"].to_pylist() == ["2", None]
        assert sheet.row.tolist() == [2, 3]
        assert report.rows == 2


def test_a_broken_row_is_refused_and_the_others_keep_their_numbers(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n3\n4,5\n6,7,8\n9,10\n")
    sheet, report = read(path)
    assert sheet.row.tolist() == [2, 4, 6]
    assert sheet.columns["a"].to_pylist() == ["1", "4", "9"]
    assert report.rows == 5
    assert report.refused_count("rows") == 2
    assert "row 3 has 1" in "\n".join(report.lines())


def cut_off(path):
    path.write_bytes(gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(20_000)))[:-3000])


def damaged_in_the_header(path):
    path.write_bytes(gzip.compress(b"a,b\n1,2\n")[:12])


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: None, "file not found"),
        (lambda path: path.mkdir(), "this is a folder"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_text("a,b\n"), "the file holds no rows"),
        (lambda path: path.write_text("x,y\n1,2\n"), "no column 'a', 'b' (found: x, y)"),
        (lambda path: path.write_text("a,b,a\n1,2,3\n"), "column 'a' comes twice"),
        (lambda path: path.write_bytes(b"a,b\n\xff\xfe,2\n"), "is not text in utf-8"),
        (lambda path: path.write_bytes(b"a,\xff\n1,2\n"), "is not text in utf-8"),
        (cut_off, "cut off or damaged"),
        (damaged_in_the_header, "cut off or damaged"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, make, what):
    path = tmp_path / "counts.csv"
    make(path)
    with pytest.raises(RuimteError) as raised:
        read(path)
    line = str(raised.value)
    assert what in line
    assert str(path) in line
    assert ";" in line
    assert "\n" not in line


def test_a_name_that_promises_gzip_is_held_to_it(tmp_path):
    path = tmp_path / "counts.csv.gz"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(RuimteError, match=r"counts\.csv\.gz: is not gzip; fetch it again, or leave \.gz out of its name"):
        read(path)


def test_the_text_nan_is_no_empty_cell(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\nnan,NaN\nNA,-\n")
    sheet, _ = read(path)
    assert (sheet.columns["a"].to_pylist(), sheet.columns["b"].to_pylist()) == (["nan", None], ["NaN", None])


def test_other_delimiters_and_encodings(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes("zähler;b\n1;2\n".encode("latin-1"))
    assert csv_header(path, delimiter=";", encoding="latin-1") == ["zähler", "b"]
    sheet, _ = read(path, ("zähler",), delimiter=";", encoding="latin-1")
    assert sheet.columns["zähler"].to_pylist() == ["1"]
    with pytest.raises(RuimteError, match="unknown encoding 'nonsense'"):
        read(path, encoding="nonsense")
