"""Read a lab that must be right."""

from __future__ import annotations

from pathlib import Path

from ruimte.errors import RuimteError
from ruimte.lab.check import check_lab
from ruimte.lab.lab import Lab


def read_lab(folder: Path) -> Lab:
    """The lab in this folder. Raises ``RuimteError`` with the first mistake, and how many there are, where it has any."""
    lab, mistakes = check_lab(folder)
    if lab is not None:
        return lab
    first, others = mistakes[0], len(mistakes) - 1
    more = f" (and {others} more: run `ruimte check {folder}`)" if others else ""
    raise RuimteError(first.what, first.where, first.mend + more)
