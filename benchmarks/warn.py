"""Warnings and what can be done: how good warnings are, what the what-if model costs, and what it keeps to.

Run: ``make bench-warn``. ``--only whatif`` runs one part.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks._evenings import evening_rows
from benchmarks._report import OUT, Row, markdown, publish
from benchmarks._surges import surge_rows
from benchmarks._whatif import micro_rows, whatif_rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts: dict[str, Callable[[bool], list[Row]]] = {
        "whatif": whatif_rows,
        "micro": micro_rows,
        "surges": surge_rows,
        "evenings": evening_rows,
    }
    parser.add_argument("--quick", action="store_true", help="fewer repeats, evenings and surges")
    parser.add_argument("--only", choices=parts, help="one part, written as warn-PART")
    asked = parser.parse_args()
    rows = [each for name, part in parts.items() if asked.only in (None, name) for each in part(asked.quick)]
    name = "warn" if asked.only is None else f"warn-{asked.only}"
    publish(name, rows)
    (OUT / f"{name}.md").write_text(markdown(rows) + "\n", "utf-8")


if __name__ == "__main__":
    main()
