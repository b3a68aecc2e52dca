"""Peers for the made-up city: the plain sum of what was counted, and an oracle that knows every rate, death and lie."""

from __future__ import annotations

import time

import numpy as np

from benchmarks._city import CAMERA_SD, DEVICES_SD, DOUBLE, START_US, City, simulate
from benchmarks._crowd import DAY, EMPTY_HOUR, HOUR, LINKS, ZONES
from benchmarks._rows import Array, Estimate, grid, score

_EMPTY = EMPTY_HOUR * HOUR - 1
"""The tick of a day at whose end nobody is there."""


def naive(city: City, reset: bool = True, clamp: bool = True) -> Array:
    """People by adding up in − out of what was counted, shape (ticks, zones); a missing row counts as 0.

    ``reset`` puts it to 0 at each empty hour; ``clamp`` never lets it be less.
    """
    change = np.nan_to_num(_counted(city)) @ _incidence().T
    people, inside = np.zeros(change.shape), np.zeros(ZONES)
    for tick in range(len(change)):
        inside = inside + change[tick]
        if clamp:
            inside = np.maximum(inside, 0.0)
        if reset and tick % DAY == _EMPTY:
            inside = np.zeros(ZONES)
        people[tick] = inside
    return people


def oracle(city: City) -> Estimate:
    """A Kalman filter of all zones together that knows what no filter can know; mean and sd of shape (ticks, zones).

    Of each datastream it knows the detection p at every time, and when it is dead or lies. A count c stands for c/p persons, with
    the variance of the binomial and of counting twice. Where there is none to trust, it takes the true mean and variance of the
    flow in that hour. It knows the cameras' error, the devices a person and the empty hour. Nobody is lost between zones:
    what one zone has too many its neighbour lacks.
    """
    counted, secrets, model = _counted(city), city.secrets, city.model
    known = secrets.trusted & ~np.isnan(counted)
    share = secrets.detection * (1.0 + DOUBLE)
    persons = np.where(known, counted / share, secrets.expected)
    noise = (1.0 - secrets.detection) / secrets.detection + DOUBLE * (1.0 - DOUBLE) / (share * (1.0 + DOUBLE))
    variance = np.where(known, persons * noise, secrets.spread)
    incidence = _incidence()
    change = persons @ incidence.T
    figures = grid(model, city.observations, [reading.id for reading in model.readings], START_US, len(counted))
    result = Estimate(np.zeros(change.shape), np.zeros(change.shape))
    mean, spread = np.zeros(ZONES), np.zeros((ZONES, ZONES))
    for tick in range(len(change)):
        mean = np.maximum(mean + change[tick], 0.0)
        spread = spread + (incidence * variance[tick]) @ incidence.T
        for column, reading in enumerate(model.readings):
            figure, zone = figures[tick, column], reading.place
            if np.isnan(figure):
                continue
            people, off = max(mean[zone], 1.0), CAMERA_SD
            rate = 1.0
            if reading.measure == "devices":
                rate, off = secrets.proportion[tick], DEVICES_SD
            error = off**2 * rate**2 * (people**2 + spread[zone, zone]) + people * rate * (1.0 - rate) + 1 / 12
            gain = rate * spread[:, zone] / (rate**2 * spread[zone, zone] + error)
            mean = np.maximum(mean + gain * (figure - rate * mean[zone]), 0.0)
            spread = spread - np.outer(gain, rate * spread[zone])
        if tick % DAY == _EMPTY:
            mean, spread = np.zeros(ZONES), np.zeros((ZONES, ZONES))
        result.mean[tick], result.sd[tick] = mean, np.sqrt(np.maximum(np.diag(spread), 0.0))
    return result


def _counted(city: City) -> Array:
    """Counts by tick and link, shape (ticks, links); NaN where no row came."""
    return grid(city.model, city.observations, [stream.id for stream in city.model.streams], START_US, len(city.people))


def _incidence() -> Array:
    """What a person on each link adds to each zone, shape (zones, links)."""
    matrix = np.zeros((ZONES + 1, len(LINKS)))  # the last is the outside
    matrix[LINKS[:, 0], np.arange(len(LINKS))] = -1.0
    matrix[LINKS[:, 1], np.arange(len(LINKS))] = 1.0
    return matrix[:-1]


def _check(seed: int) -> None:
    """Print how near the peers come in one city."""
    began = time.process_time()
    city = simulate(seed=seed)
    took = time.process_time() - began
    about = np.broadcast_to(city.open[:, None], city.people.shape)
    print(f"seed {seed}: {city.observations.num_rows:,} rows in {took:.1f} CPU s, {city.people[about].mean():.0f} people a zone")
    for name, reset, clamp in (("naive", True, True), ("not clamped", True, False), ("never emptied", False, True)):
        people = naive(city, reset, clamp)
        print(f"  {name}: RMSE {score(city.people, Estimate(people, 0.0 * people), about).rmse:.1f}")
    best = score(city.people, oracle(city), about)
    print(f"  oracle: RMSE {best.rmse:.1f}, bias {best.bias:.2f}, covered {best.coverage:.3f}")


if __name__ == "__main__":
    assert simulate(10, 1).observations.equals(simulate(10, 1).observations)
    for number in range(3):
        _check(number)
