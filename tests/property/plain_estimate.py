"""Two days of the made-up square, estimated without compiled code; prints the values as JSON (run with NUMBA_DISABLE_JIT=1)."""

from __future__ import annotations

import json
import sys

from estimate_world import end_us, live, rows, square
from ruimte.estimate.advance import advance
from ruimte.model.state import VALUE_COLUMNS


def main() -> None:
    model = square(gates=2, cameras=1)
    cameras = live(2, seed=6).people[:, None] * 1.1
    _, states = advance(model, None, rows(live(2, gates=2, seed=6), model, cameras=cameras), end_us(2 * 288 - 1))
    json.dump([[None if v != v else v for v in states[name].to_pylist()] for name in VALUE_COLUMNS], sys.stdout)


if __name__ == "__main__":
    main()
