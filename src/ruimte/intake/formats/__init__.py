"""The formats by name: one small file each."""

from __future__ import annotations

from ruimte.intake.formats.auckland import Auckland
from ruimte.intake.formats.melbourne import Melbourne
from ruimte.intake.formats.table import Table
from ruimte.intake.formats.zurich import Zurich
from ruimte.intake.raw import Format

FORMATS: dict[str, Format] = {each.name: each for each in (Auckland(), Melbourne(), Table(), Zurich())}
