"""The data that come with a lab of the package: how its database is filled the first time, and where a replay of it begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ruimte.intake.formats.auckland import packaged_counts
from ruimte.jobs.importing import import_file
from ruimte.jobs.register import register_lab
from ruimte.jobs.synthesising import synthesise, usual_period
from ruimte.lab.lab import Lab
from ruimte.store.sqlite import Store

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class OwnData:
    """``fill`` writes all of a lab's own data into its empty store; on the day of an event a replay begins at ``from_h``."""

    fill: Callable[[Lab, Store, Progress], None]
    from_h: int


def _packaged_counts(lab: Lab, store: Store, progress: Progress) -> None:
    register_lab(lab, store)
    import_file(lab, store, packaged_counts(), "auckland", progress=lambda share, _: progress(share))


def _invented(lab: Lab, store: Store, progress: Progress) -> None:
    synthesise(lab, store, *usual_period(lab), progress=progress)


OWN_DATA = {"auckland": OwnData(_packaged_counts, from_h=15), "boulevard": OwnData(_invented, from_h=17)}
"""By the lab's key."""
