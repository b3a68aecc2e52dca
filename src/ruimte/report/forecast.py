"""Pictures of a comparison of forecasts."""

from __future__ import annotations

from pathlib import Path

from ruimte.forecast.comparison import Comparison


def draw_backtest(found: Comparison, out: Path) -> list[Path]:
    """Draw a comparison into a folder; gives the files."""
    raise NotImplementedError
