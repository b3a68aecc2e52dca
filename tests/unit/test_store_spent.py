"""Assertions are taken once: across restarts, and whatever moments their makers sign."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ruimte.errors import RuimteError
from ruimte.store.spent import Spent


def test_an_assertion_is_taken_once_also_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "spent.db"
    with Spent(path) as spent:
        assert spent.spend("police", "a", 1000, 1060)
        assert not spent.spend("police", "a", 1000, 1060)
        assert spent.spend("police", "b", 1000, 1060)
        assert spent.spend("city", "a", 1000, 1060)
    with Spent(path) as spent:
        assert not spent.spend("police", "a", 1000, 1060)
        assert not spent.spend("police", "a", 1030, 1090)
        assert spent.spend("police", "c", 1000, 1060)


def test_what_may_be_forgotten_is_refused(tmp_path: Path) -> None:
    with Spent(tmp_path / "spent.db") as spent:
        assert spent.spend("police", "old", 1000, 1060)
        assert spent.spend("police", "new", 5000, 5060)
        assert not spent.spend("police", "old", 1000, 1060)
        assert not spent.spend("police", "never seen", 1000, 1060)
        assert spent.spend("city", "its own clock", 1000, 1060)


def test_two_machines_of_a_party_may_differ_by_a_minute(tmp_path: Path) -> None:
    with Spent(tmp_path / "spent.db") as spent:
        assert spent.spend("police", "fast", 1055, 1115)
        assert spent.spend("police", "slow", 1000, 1030)
        assert not spent.spend("police", "slow", 1000, 1030)


def test_little_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "spent.db"
    with Spent(path) as spent:
        for minute in range(50):
            assert spent.spend("police", f"number {minute}", 60 * minute, 60 * minute + 60)
        rows = sqlite3.connect(path).execute("SELECT (SELECT count(*) FROM spent), (SELECT count(*) FROM parties)").fetchone()
    assert rows == (2, 1)


def test_of_many_at_once_one_is_taken(tmp_path: Path) -> None:
    with Spent(tmp_path / "spent.db") as spent, ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: spent.spend("police", "a", 1000, 1060), range(40)))
    assert taken.count(True) == 1


def test_what_cannot_be_noted_is_an_error(tmp_path: Path) -> None:
    spent = Spent(tmp_path / "spent.db")
    spent.close()
    with pytest.raises(RuimteError, match="cannot be used"):
        spent.spend("police", "a", 1000, 1060)
    (tmp_path / "none.db").write_text("this is no database, though it is long enough to be looked at as one" * 20)
    with pytest.raises(RuimteError, match="cannot be used"):
        Spent(tmp_path / "none.db")
