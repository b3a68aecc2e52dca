"""The estimate: how near it comes where the truth is known, which sick sensors it finds, and how quick it is.

Run: ``make bench-estimate``. With ``--quick`` it takes fewer seeds and days. Truth is recorded walks (Jülich), a made-up city,
and the platforms of a real stop, which are empty at night (Zürich). Real data are read from ``../shared/data``, where that is
there.
``--only speed`` runs one part.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks._accuracy import city_rows, track_rows
from benchmarks._alarms import alarm_rows, look
from benchmarks._city import simulate
from benchmarks._filter_speed import filter_rows
from benchmarks._hidden import hidden_rows
from benchmarks._live import one_site, thousand_sites
from benchmarks._report import OUT, Row, markdown, publish
from benchmarks._zurich import loss_row, night_rows, read_year


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts: dict[str, Callable[[bool], list[Row]]] = {"walks": _walks, "city": _city, "zurich": _zurich, "speed": _speed}
    parser.add_argument("--quick", action="store_true", help="fewer seeds and days")
    parser.add_argument("--only", choices=parts, help="one part, written as estimate-PART")
    asked = parser.parse_args()
    rows = [each for name, part in parts.items() if asked.only in (None, name) for each in part(asked.quick)]
    name = "estimate" if asked.only is None else f"estimate-{asked.only}"
    publish(name, rows)
    (OUT / f"{name}.md").write_text(markdown(rows) + "\n", "utf-8")


def _walks(quick: bool) -> list[Row]:
    return track_rows(2 if quick else 6)


def _city(quick: bool) -> list[Row]:
    """Each city in a process of its own; the seeds' rows one after another."""
    seeds, days = ([0], 30) if quick else ([0, 1, 2], 90)
    with ProcessPoolExecutor(2) as pool:
        return [each for rows in pool.map(_one_city, seeds, [days] * len(seeds)) for each in rows]


def _one_city(seed: int, days: int) -> list[Row]:
    city = simulate(days, seed)
    return [*city_rows(city, seed), *alarm_rows(look(city), seed)]


def _zurich(quick: bool) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="ruimte-bench-") as folder:
        year = read_year(Path(folder))
    return [*night_rows(year), *hidden_rows(year), loss_row(year)]


def _speed(quick: bool) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="ruimte-bench-") as folder:
        return [*filter_rows(quick), *one_site(quick), *thousand_sites(Path(folder), quick)]


if __name__ == "__main__":
    main()
