"""What is not registered, not in use, or past its date does not run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ruimte.clock import to_us
from ruimte.errors import RuimteError
from ruimte.lab.lab import Lab
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.lab.validity import ALGORITHMS, moment_us, registered, require_algorithm, validity_us

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def lab_with(folder: Path, old: str = "", new: str = "") -> Lab:
    new_lab(folder)
    register = folder / "algorithms.toml"
    register.write_text(register.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    return read_lab(folder)


def test_an_algorithm_runs_from_its_first_midnight_to_the_end_of_its_last_day(tmp_path: Path) -> None:
    lab = lab_with(tmp_path)
    first = to_us(datetime(2026, 1, 1, tzinfo=AMSTERDAM))
    end = to_us(datetime(2031, 1, 1, tzinfo=AMSTERDAM))
    for key in ALGORITHMS:
        assert [registered(lab, key, at) for at in (first - 1, first, end - 1, end)] == [False, True, True, False]


def test_an_expired_algorithm_is_refused_with_its_dates(tmp_path: Path) -> None:
    lab = lab_with(tmp_path)
    require_algorithm(lab, "rate-filter", to_us(datetime(2027, 1, 1, tzinfo=UTC)))
    with pytest.raises(RuimteError, match="holds from 2026-01-01 to 2030-12-31, not at 2032-01-01T00:00:00Z"):
        require_algorithm(lab, "rate-filter", to_us(datetime(2032, 1, 1, tzinfo=UTC)))


def test_an_algorithm_that_is_not_in_use_is_refused(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, 'status = "in use"', 'status = "out of use"')
    with pytest.raises(RuimteError, match="has status 'out of use', so it does not run"):
        require_algorithm(lab, "rate-filter", to_us(datetime(2027, 1, 1, tzinfo=UTC)))


def test_an_unregistered_algorithm_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuimteError, match="'oracle' is not registered"):
        require_algorithm(lab_with(tmp_path), "oracle", 0)


def test_a_moment_without_an_offset_is_local_and_one_with_an_offset_is_exact(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, "valid_until = 2030-12-31", "valid_until = 2030-06-01T12:00:00")
    assert validity_us(lab.algorithms["rate-filter"], lab.zone)[1] == to_us(datetime(2030, 6, 1, 12, tzinfo=AMSTERDAM))
    assert moment_us(datetime(2030, 6, 1, 12, tzinfo=UTC), lab.zone) == to_us(datetime(2030, 6, 1, 12, tzinfo=UTC))
    assert moment_us(date(2030, 6, 1), lab.zone) == to_us(datetime(2030, 6, 1, tzinfo=AMSTERDAM))
