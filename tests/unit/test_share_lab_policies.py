"""``policies.cedar`` of a lab: read, and checked with the lab; whatever is wrong is one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ruimte.cli import main
from ruimte.errors import RuimteError
from ruimte.jobs.lab_policies import FILE, lab_policies
from ruimte.lab.new import new_lab

GOOD = '@id("no-history") forbid (principal, action == Action::"read-history", resource);\n'


@pytest.fixture
def town(tmp_path: Path) -> Path:
    new_lab(tmp_path / "town")
    return tmp_path / "town"


def check(town: Path) -> Result:
    return CliRunner().invoke(main, ["check", str(town)])


def test_policies_that_forbid_are_in_order(town: Path) -> None:
    assert lab_policies(town) == ""
    (town / FILE).write_text(GOOD)
    assert check(town).exit_code == 0
    assert lab_policies(town) == GOOD


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("forbid", "permit"), ("no-history permits", "only forbid")),
        ("forbid (principal, action, resource) when { context.people > 3 };", ("people", "not found")),
        ("forbid principal", ("unexpected",)),
        ("# a comment of another language", ("invalid token",)),
    ],
)
def test_a_mistake_is_told_in_a_line(town: Path, text: str, words: tuple[str, ...]) -> None:
    (town / FILE).write_text(text)
    done = check(town)
    lines = done.stdout.splitlines()
    assert done.exit_code == 1
    assert lines[0].startswith(f"{FILE}: ")
    assert all(line.startswith((FILE, str(town))) for line in lines)
    for word in words:
        assert word in lines[0]


def _folder(file: Path) -> None:
    file.mkdir()


def _no_text(file: Path) -> None:
    file.write_bytes(b"forbid \xff")


@pytest.mark.parametrize("spoil", [_folder, _no_text])
def test_a_file_that_is_no_text_is_told_in_a_line(town: Path, spoil: Callable[[Path], None]) -> None:
    spoil(town / FILE)
    done = check(town)
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 2
    assert "cannot be read" in done.stdout
    with pytest.raises(RuimteError, match="cannot be read"):
        lab_policies(town)
