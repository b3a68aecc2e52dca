"""Figures with noise: drawn once for a day, quantity, place and step, kept, and told to all who have it.

Whatever is made of them afterwards (coarser steps, areas, rounding, leaving out what rests on few) costs no privacy: it rests on
what was told already. So neither asking again, nor overlapping windows, nor putting together what several recipients got tells
more than the ε of the day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import DAY_US, HOUR_US
from ruimte.errors import RuimteError
from ruimte.lab.files import Privacy
from ruimte.lab.privacy import PRESENCE, QUANTITIES
from ruimte.share.budget import drawn_as
from ruimte.share.figures import Array, Figures
from ruimte.share.kept import Kept
from ruimte.share.private import GRAIN, MICRO, Ints, noise, spread, units
from ruimte.share.spending import Budget, Days, Spending
from ruimte.share.steps import in_steps
from ruimte.text import duration_text, duration_us

WAITS_US = 7 * DAY_US
"""How long noise waits for its steps once it was drawn; a figure that nobody asked for by then is never told."""
_NO_DRAWS = "open it for a recipient first"


class Noise:
    """The noise of one lab. ``places``: its zones with their area (m²), and its count points (None); nothing else is told.

    ``now_us`` is the lab's time, the clock of the figures. Thread-safe as far as ``kept`` is.
    """

    def __init__(
        self, kept: Kept, settings: Privacy, zone: ZoneInfo, places: Mapping[str, float | None], now_us: Callable[[], int]
    ) -> None:
        self._kept = kept
        self._settings = settings
        self._places = places
        self._now_us = now_us
        self._days = Days(zone)
        self._budget = Budget(kept, settings, self._days, now_us)
        self.step_us = duration_us(settings.step)

    def days(self, figures: Figures) -> list[str]:
        """The lab's local days in which steps of these figures begin."""
        return list(dict.fromkeys(self._days.of(start_us) for start_us in figures.starts_us.tolist()))

    def open(self, recipient: str, day: str, quantity: str, reserved: float) -> None:
        """Let a recipient have a quantity of a day; it pays once, out of what is ``reserved`` for it a day (ε).

        Raises ``BudgetError`` where that passes its part or the lab's budget, ``RuimteError`` for what is never told with noise.
        """
        self._budget.open(recipient, [(day, drawn_as(quantity))], reserved)

    def tell(self, recipient: str, figures: Figures, reserved: float) -> Figures:
        """Exact figures at ticks (or the base step) in, noised ones at the base step out, opened for a recipient as needed."""
        steps = in_steps(figures, self.step_us)
        self._check(steps)
        asked = [(day, drawn_as(quantity)) for day in self.days(steps) for quantity in steps.quantities]
        self._budget.open(recipient, asked, reserved)
        return self.noised(steps)

    def noised(self, figures: Figures) -> Figures:
        """Exact figures at the base step in, the same with noise out: neither rounded nor cut off at 0.

        Told are steps that are over, of days that were opened (else ``RuimteError``). The rest is NaN, and ``suppressed`` where
        it is known: also gates, for who passes one enters a zone as well, and would be counted twice.

        ``low`` and ``high`` hold the noise's own 90 % interval, and the settings' ``accuracy`` for the error of the estimate. The
        estimate's own band is not told: its width goes with the exact figure, and would give that away.
        """
        self._check(figures)
        value, half = np.full_like(figures.value, np.nan), np.full_like(figures.value, np.nan)
        days = np.array([self._days.of(start_us) for start_us in figures.starts_us.tolist()])
        for quantity in dict.fromkeys(drawn_as(name) for name in figures.quantities):
            persons = self._persons(quantity, figures)
            for day in dict.fromkeys(days.tolist()):
                steps = np.flatnonzero(days == day)
                told, band = self._of_day(day, quantity, figures, persons, steps)
                for index, name in enumerate(figures.quantities):
                    if drawn_as(name) == quantity:
                        per_person = self._per_person(name, figures)
                        value[:, steps, index] = told * per_person
                        half[:, steps, index] = band * per_person
        half = np.hypot(half, self._settings.accuracy * np.maximum(value, 0.0))
        hidden = figures.suppressed | (np.isnan(value) & np.isfinite(figures.value))
        return replace(figures, value=value, low=value - half, high=value + half, suppressed=hidden)

    def spending(self, day: str) -> Spending:
        """What was spent of a day's budget, and by whom."""
        return self._budget.spending(day)

    def metadata(self, day: str, quantities: Iterable[str]) -> dict[str, Any]:
        """What an answer says of its noise: what is hidden, on which assumption, at which ε a day, and how large the noise is.

        All in one field, ``noise``. ``scale`` is that of the Laplace noise of each draw, in the quantity's unit over one base
        step (density: persons); ``epsilon_per_day`` is all of the lab's.
        """
        told: dict[str, Any] = {}
        for name in quantities:
            drawn = drawn_as(name)
            made = self._budget.made(day, drawn)
            presence = drawn in PRESENCE
            steps = len(self._days.starts(day, made.step_us))
            told[name] = {
                "mechanism": "discrete Laplace" if presence else "discrete Laplace on a tree of running totals",
                "epsilon": made.epsilon / MICRO,
                "intervals" if presence else "passages": made.touches,
                "weight": made.weight,
                "scale": made.scale(steps) * (1.0 if presence else HOUR_US / made.step_us),
                **({} if presence else {"branching": made.branching}),
            }
        budget = self._budget.of_day(day) / MICRO
        assumption, step = self._settings.assumption, self._settings.step
        return {"noise": {"day": day, "epsilon_per_day": budget, "step": step, "assumption": assumption, "quantities": told}}

    def forget(self, before_us: int) -> int:
        """Delete the days before that of this moment, and noise that waited too long; such days are never told again."""
        self._kept.end_waiting(self._now_us() - WAITS_US)
        return self._kept.forget(self._days.of(before_us))

    def tidy(self, kept_us: int) -> int:
        """``forget`` what is older than this, by the lab's time."""
        return self.forget(self._now_us() - kept_us)

    def _of_day(self, day: str, quantity: str, figures: Figures, persons: Array, steps: NDArray[np.intp]) -> tuple[Array, Array]:
        """What is told of a day's ``steps``, and half its noise's interval, in persons: (places, steps); NaN: not told."""
        if self._kept.mechanism(day, quantity) is None:
            raise RuimteError(f"{quantity} of {day} was not opened", figures.lab, _NO_DRAWS)
        made = self._budget.made(day, quantity)
        if made.step_us != figures.step_us:
            what = f"noise of {day} is drawn for steps of {duration_text(made.step_us)}, not {duration_text(figures.step_us)}"
            raise RuimteError(what, figures.lab, "a changed step counts for days that nobody has opened yet")
        all_starts, asked = self._days.starts(day, made.step_us), figures.starts_us[steps]
        over = asked + figures.step_us <= self._now_us()
        told = np.array([self._told(quantity, place, asked) for place in figures.places])
        new = over & np.isnan(told) & np.isfinite(persons[:, steps])
        new &= np.array([[place in self._places] for place in figures.places])
        if new.any():
            exact = units(np.where(new, persons[:, steps], 0.0))
            with self._kept.alone():
                for row in np.flatnonzero(new.any(axis=1)):
                    place, at = figures.places[row], new[row]
                    if not self._kept.is_drawn(day, quantity, place):
                        series = zip(all_starts, noise(made, len(all_starts)).tolist(), strict=True)
                        self._kept.draw(day, quantity, place, series, self._now_us())
                    self._kept.tell(quantity, place, list(zip(asked[at].tolist(), exact[row, at].tolist(), strict=True)))
            told = np.array([self._told(quantity, place, asked) for place in figures.places])
        scale = made.scale(len(all_starts))
        band = {start: spread(made.draws(index)) * scale for index, start in enumerate(all_starts)}
        return told, np.where(np.isnan(told), np.nan, [band[start] for start in asked.tolist()])

    def _told(self, quantity: str, place: str, starts_us: Ints) -> list[float]:
        """What is kept of a place, in persons; NaN where nothing is."""
        kept = dict(self._kept.told(quantity, place, int(starts_us.min()), int(starts_us.max()) + 1))
        return [kept[start] / GRAIN if start in kept else np.nan for start in starts_us.tolist()]

    def _persons(self, quantity: str, figures: Figures) -> Array:
        """The exact figures of what noise is drawn for, as persons in a step: (places, steps)."""
        name = quantity if quantity in figures.quantities else "density"
        exact: Array = figures.value[:, :, list(figures.quantities).index(name)]
        return exact / self._per_person(name, figures)

    def _per_person(self, name: str, figures: Figures) -> Array:
        """What one person is in a quantity, by place: (places, 1)."""
        if name == "density":
            return np.array([[1 / (self._places.get(place) or np.nan)] for place in figures.places])
        return np.full((len(figures.places), 1), 1.0 if name in PRESENCE else HOUR_US / figures.step_us)

    def _check(self, figures: Figures) -> None:
        if figures.kind == "forecast":
            raise RuimteError("a forecast is not told with noise", figures.lab, "ask for the state or for history")
        for name in figures.quantities:
            if drawn_as(name) not in QUANTITIES:
                raise RuimteError(f"{name} is not told with noise", figures.lab, f"choose from {', '.join(QUANTITIES)}")
        if np.any(figures.starts_us % figures.step_us):
            whole = duration_text(figures.step_us)
            raise RuimteError("steps begin beside whole steps", figures.lab, f"give steps that begin on a whole {whole}")
