"""Sharing: what a decision and a release cost, how soon followers have an update, how fast the log is checked, what noise costs.

Run: ``make bench-share``. ``--only live`` runs one part.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks._privacy import bench_privacy
from benchmarks._report import OUT, Row, markdown, publish
from benchmarks._share_live import bench_live, bench_release
from benchmarks._share_log import bench_proof, bench_verify


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts: dict[str, Callable[[bool], list[Row]]] = {
        "release": bench_release,
        "live": bench_live,
        "verify": lambda quick: bench_verify(100_000 if quick else 1_000_000),
        "proof": lambda quick: bench_proof(100_000 if quick else 1_000_000),
        "privacy": bench_privacy,
    }
    parser.add_argument("--quick", action="store_true", help="fewer repeats, a log of 100,000")
    parser.add_argument("--only", choices=parts, help="one part, written as share-PART")
    asked = parser.parse_args()
    rows = [each for name, part in parts.items() if asked.only in (None, name) for each in part(asked.quick)]
    name = "share" if asked.only is None else f"share-{asked.only}"
    publish(name, rows)
    (OUT / f"{name}.md").write_text(markdown(rows) + "\n", "utf-8")


if __name__ == "__main__":
    main()
