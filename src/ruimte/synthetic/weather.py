"""Invented weather at sea, hour by hour: a season, fair and foul spells of some days, showers, a breeze."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SPELL = 0.65
"""How much of a day's kind of weather is left the day after."""
_MEMORY = 12
"""Days after which nothing is left of it."""


@dataclass(frozen=True, slots=True)
class Weather:
    """The weather of one day, each (hours,) from its first hour on: air temperature, rain per hour, wind.

    ``kind``: "beach", "fair", "dull" or "wet", as the afternoon is.
    """

    kind: str
    temperature_c: Array
    rain_mm: Array
    wind_m_s: Array


def weather(on: date, seed: int, hours: int, first_hour: int) -> Weather:
    """The weather of a day of ``hours`` that begins at the local ``first_hour``; the same for a date and seed, and like the day's
    before.

    Long-term means are about those of the Dutch coast: 17.5 °C in August, 4 °C in February, rain in 7 % of the hours.
    """
    spell = _spell(on, seed)
    random = np.random.default_rng([seed, on.toordinal(), 2])
    hour = first_hour + np.arange(hours)
    season = np.cos(2 * np.pi * (on.timetuple().tm_yday - 215) / 365.25)
    mean_c = 11.0 + 6.5 * season + 2.6 * spell + random.normal(0, 0.7)
    swing_c = (2.2 + 1.6 * season) * (1 + 0.45 * spell)
    temperature_c = mean_c + max(0.6, swing_c) * np.cos(2 * np.pi * (hour - 15) / 24)
    wind_m_s = np.exp(1.75 - 0.22 * spell + random.normal(0, 0.2)) * (1 + 0.2 * np.cos(2 * np.pi * (hour - 15) / 24))
    rain_mm = np.zeros(hours)
    for _ in range(random.poisson(0.75 * np.exp(-1.1 * spell))):
        begin, length = random.uniform(0, hours), random.exponential(1.8)
        wet = np.clip(np.minimum(begin + length, np.arange(hours) + 1) - np.maximum(begin, np.arange(hours)), 0, 1)
        rain_mm += random.exponential(1.2) * wet
    afternoon = (hour >= 12) & (hour < 20)
    kind = _kind(float(temperature_c[afternoon].mean()), float(rain_mm[afternoon].sum()))
    return Weather(kind, temperature_c, rain_mm, wind_m_s)


def _spell(on: date, seed: int) -> float:
    """How fair the weather is that day: standard normal, and like that of the days before."""
    pushes = [np.random.default_rng([seed, on.toordinal() - back, 1]).normal() for back in range(_MEMORY)]
    weights = _SPELL ** np.arange(_MEMORY)
    return float(pushes @ weights / np.sqrt((weights**2).sum()))


def _kind(afternoon_c: float, rain_mm: float) -> str:
    if rain_mm >= 1.5:
        return "wet"
    if afternoon_c >= 22:
        return "beach"
    return "fair" if afternoon_c >= 16 else "dull"
