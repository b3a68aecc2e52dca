"""Danger indicators, and distances between people, of one device that tells tracks, while it does.

Distances are watched only while the algorithm register allows it, by the wall's clock. That is asked at every frame and every
view, and ``check`` asks it in between. Once it no longer does, what was known of pairs is forgotten at once, and the logbook is
told. A clock that is set back does not bring back an entry that is over.

Nothing here is stored: the figures of distances are of the running hour.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ruimte.clock import HOUR_US, iso
from ruimte.errors import RuimteError
from ruimte.jobs.crowd_view import DistanceFiguresView, IndicatorView
from ruimte.jobs.crowd_words import indicator_views
from ruimte.jobs.words import Words
from ruimte.lab.distancing import DISTANCING, objection
from ruimte.lab.files import DeviceEntry
from ruimte.lab.lab import Lab
from ruimte.lab.validity import validity_us
from ruimte.tracks.area import Area
from ruimte.tracks.distancing import Distances, Distancing, Rule, live_rule
from ruimte.tracks.lookout import Lookout

Array = NDArray[np.float64]
Index = NDArray[np.int64]

Told = Callable[[str, dict[str, Any]], None]
"""Takes what the logbook should say: its kind and body."""

FIGURES_EVERY_S = 10.0
MOST_PAIRS = 1_000_000
"""Pairs in memory at once, some 100 MB; with more of them the watch begins anew."""
_BACK_S = 60.0
"""Frames that are numbered so much lower than the last one are of a device that started anew; others came late."""


class CrowdWatch:
    """What a device's frames tell of danger and of distance. Frames come from one thread; views may be asked for from others.

    Args:
        device: whose frames they are.
        area: where people can walk, in metres of the device's plane.
        rate_hz: frames a second.
        wall_us: the true time, also in a replay.
        told: what the logbook is told, once each time that distances begin or end to be watched.
    """

    def __init__(
        self, lab: Lab, device: DeviceEntry, area: Area, rate_hz: float, wall_us: Callable[[], int], told: Told | None = None
    ) -> None:
        self._lab, self._device, self._area, self._rate_hz = lab, device, area, rate_hz
        self._wall_us, self._told = wall_us, told
        error_m = device.ground.error_m if device.ground is not None else None
        self._lookout = Lookout(area, rate_hz, error_m)
        asked_m = lab.file.distancing.distance_m
        self._rule = live_rule(Rule().contact_m if asked_m is None else asked_m)
        self._nobody = Distancing(rate_hz, self._rule, area, MOST_PAIRS)
        self._entry = lab.algorithms.get(DISTANCING)
        self._lock = threading.RLock()
        self._pairs: Distancing | None = None
        self._figures: Distances | None = None
        self._why = ""
        self._latest_us = 0
        self._hour = 0
        self._since_us = 0
        self._last: int | None = None
        self._figures_at = -math.inf
        self.check()

    def warm_up(self) -> None:
        """Compile what the first frames would wait for: up to half a minute on a machine that has never done it."""
        self._lookout.warm_up()
        if self._entry is not None:
            self._nobody.warm_up()

    def take(self, number: int, ids: ArrayLike, x_m: ArrayLike, y_m: ArrayLike) -> None:
        """Take in frame ``number``: tracks ``ids`` (people,) at ``x_m``, ``y_m``, NaN where that is not known.

        Frames may be missing; one that comes late is left out; whoever is in it twice counts once. Raises ``RuimteError`` where
        columns differ in length.
        """
        who, x, y = np.asarray(ids), np.asarray(x_m, np.float64), np.asarray(y_m, np.float64)
        if not (who.shape == x.shape == y.shape) or who.ndim != 1:
            raise RuimteError("columns of different lengths", "frame", "give an x and a y for each person")
        who, first = np.unique(who, return_index=True)
        x, y = x[first], y[first]
        if self._last is not None and number <= self._last:
            if number > self._last - _BACK_S * self._rate_hz:
                return
            self._forget()
        self._last = number
        self._lookout.take(number, who, x, y)
        self.check()
        pairs = self._pairs
        if pairs is not None:
            self._take_pairs(pairs, number, who, x, y)

    def check(self) -> None:
        """Ask the register whether distances may be watched now, and begin or end accordingly."""
        with self._lock:
            self._latest_us = max(self._latest_us, self._wall_us())
            against = objection(self._entry, self._lab.zone, self._latest_us)
            if against is not None:
                ends, self._pairs, self._figures = self._pairs is not None, None, None
                self._why = f"distancing.{against.why}"
                if ends:
                    self._tell("distancing-off", why=self._why)
                return
            begins, hour = self._pairs is None, self._latest_us // HOUR_US
            if begins or hour != self._hour:
                self._begin("")
                self._hour = hour
            if begins and self._entry is not None:
                ends_us = validity_us(self._entry, self._lab.zone)[1]
                self._tell("distancing-on", ends=ends_us, ground=self._entry.lawful_basis)

    def indicators(self, language: str) -> list[IndicatorView]:
        """The danger indicators of the last seconds, in a reader's language. None of them warns of anything."""
        return indicator_views(self._lookout.told, self._lookout.too_slow, language)

    def distancing(self, language: str) -> DistanceFiguresView:
        """The distances of the running hour, in a reader's language, or why they are not watched."""
        with self._lock:
            self.check()
            on, figures, why, since_us = self._pairs is not None, self._figures, self._why, self._since_us
        words = Words(self._lab, language).sentence(why, {}) if why else ""
        if not on or self._entry is None:
            return DistanceFiguresView(on=False, why=words)
        until = iso(validity_us(self._entry, self._lab.zone)[1])
        rule = self._rule
        if figures is None:
            return DistanceFiguresView(on=True, why=words, until=until, since=iso(since_us), contact_m=rule.contact_m)
        return DistanceFiguresView(
            on=True,
            why=words,
            until=until,
            since=iso(since_us),
            contact_m=rule.contact_m,
            people=figures.people,
            provisional=figures.provisional,
            contacts_per_person_minute=_known(figures.contacts_per_person_minute),
            share_too_close=_known(figures.share_too_close),
            share_in_groups=_known(figures.share_in_groups),
            exposure_s=list(rule.exposure_s),
            exposure=figures.exposure.tolist(),
            ring_m=rule.ring_m,
            radial=[_known(each) for each in figures.radial.tolist()],
        )

    @property
    def in_memory(self) -> tuple[int, int, int]:
        """Positions, tracks and pairs in memory."""
        tracks, pairs = self._pairs.in_memory if self._pairs is not None else (0, 0)
        return self._lookout.in_memory, tracks, pairs

    def _take_pairs(self, pairs: Distancing, number: int, who: Index, x: Array, y: Array) -> None:
        """Without the lock, for views do not wait: only this thread looks into the pairs, others at most take them away."""
        inside, figures, full = self._lookout.within(x, y), None, False
        try:
            pairs.stream(number, who[inside], x[inside], y[inside])
            figures = pairs.figures() if number >= self._figures_at else None
        except RuimteError:  # too many at once: so crowded that distance is not what it is about, or no metres
            full = True
        with self._lock:
            if self._pairs is pairs and full:
                self._begin("distancing.begun-anew")
            elif self._pairs is pairs and figures is not None:
                self._figures = figures
                self._figures_at = number + round(FIGURES_EVERY_S * self._rate_hz)

    def _begin(self, why: str) -> None:
        self._pairs = self._nobody.anew()
        self._figures, self._figures_at, self._why, self._since_us = None, -math.inf, why, self._latest_us

    def _forget(self) -> None:
        """A device that started anew has other people by the same numbers."""
        self._lookout = Lookout(self._area, self._rate_hz, self._lookout.error_m)
        with self._lock:
            if self._pairs is not None:
                self._begin("")

    def _tell(self, kind: str, **body: Any) -> None:
        if self._told is not None:
            self._told(kind, {"device": self._device.key, **body})


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
