"""Hypothesis by the hundred thousand: in chunks with seeds of their own, so that its memory of what it tried does not pile up."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

CASES = int(os.environ.get("RUIMTE_FUZZ", "5000"))
"""How many cases all fuzz tests have together."""
SEED = int(os.environ.get("RUIMTE_FUZZ_SEED", "0"))
"""The first chunk's seed: the same one gives the same cases, another one others."""
CHUNK = 250


def share(part: float) -> int:
    """So many of all cases."""
    return max(1, round(CASES * part))


def run(
    number: int, strategy: SearchStrategy[Any], check: Callable[[Any], None], after: Callable[[int], None] | None = None
) -> None:
    """Gives ``number`` cases of the strategy to the check; ``after`` hears after each chunk how many there were so far."""
    done = 0
    while done < number:
        size = min(CHUNK, number - done)
        chunk = settings(
            max_examples=size,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        seed(SEED + done)(chunk(given(strategy)(lambda case: check(case))))()
        done += size
        gc.collect()
        if after is not None:
            after(done)


def resident_mb() -> float | None:
    """Memory of this process; nothing where the system does not tell."""
    if sys.platform != "linux":
        return None
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
