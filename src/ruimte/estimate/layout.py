"""A model as index arrays, so that compiled code finds its way: sites, and what each of them has."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import DAY_US, HOUR_US
from ruimte.model.place import OUTSIDE, Link, Model, Reading

Ints = NDArray[np.int64]
T = TypeVar("T")

JAM_DENSITY_PER_M2 = 5.4
"""Persons/m² at which nobody moves (Weidmann 1993): a zone holds no more."""
DAY_KINDS = 3
"""Monday to Friday, Saturday, Sunday."""
LONGEST_BIN_US = HOUR_US // 2
"""The profile tells half-hours apart, where ticks are not longer."""


Array = NDArray[Any]
Records = Any
"""A NumPy record array: one record a thing, one field a name. Compiled code reads ``records.field[i]``, as Python does."""

SITE = np.dtype([(name, np.int64) for name in ("zone", "link", "stream", "reading", "flow", "flow_p", "people", "people_p")])
ZONE = np.dtype([("place", np.int64), ("most", np.float64), ("stay", np.int64)])
LINK = np.dtype([("model", np.int64), ("source", np.int64), ("target", np.int64)])
STREAM = np.dtype([("id", np.int64), ("link", np.int64), ("most", np.float64), ("scale", np.float64), ("accuracy", np.float64)])
REPORT = np.dtype([("id", np.int64), ("sd_id", np.int64), ("zone", np.int64), ("accuracy", np.float64)])
READING = np.dtype(
    [
        ("id", np.int64),
        ("zone", np.int64),
        ("scale", np.float64),
        ("accuracy", np.float64),
        ("free", np.bool_),
        ("lasting", np.float64),
        ("sd_id", np.int64),
    ]
)
LASTING = 0.2
"""Of the variance of a camera's error, the share that lasts for hours, where the model does not say."""
NONE = -1
"""The datastream of a reading's error, where none tells it."""


class Layout(NamedTuple):
    """Where what stands. Sites follow each other in every array; ``sites`` (sites + 1 records) says where each one's part begins.

    Zones, links, streams and readings are numbered anew, site by site; ``zones.place``, ``links.model``, ``streams.id`` and
    ``readings.id`` lead back to the model. ``links.source`` and ``links.target`` are zones within the site, or -1;
    ``streams.link`` and ``readings.zone`` are numbers within the site too. ``zones.most`` is what fits in, ``zones.stay`` the
    longest stay in ticks (0: none); ``streams.most`` what a tick can hold, ``streams.scale`` the
    persons thought to pass for each one counted, ``readings.scale`` turns a result into persons, ``readings.free``: in an
    unknown proportion; ``readings.lasting`` is the share of the variance that lasts, ``readings.sd_id`` the datastream that tells
    how far each is off, or -1. ``reports`` are what people may tell, by id; their ``zone`` is a number in the layout, for they
    are told as facts, and no filter has anything of its own for them.

    The flow filter of a site with l links has 1 + l numbers: what all share, then each link's own. The people filter of a site
    with z zones, j streams, l links and r readings has z + j + l + r: people, persons per person counted, errors of predicted
    flows, scales of readings.
    """

    sites: Records
    zones: Records
    links: Records
    streams: Records
    readings: Records
    reports: Records
    day_bins: int
    tick_h: float


def kept(make: Callable[[Model], T]) -> Callable[[Model], T]:
    """Make something of a model once, and keep it for the last model that was asked for: a live lab asks at every tick."""
    last: list[tuple[Model, T]] = []

    @wraps(make)
    def of(model: Model) -> T:
        if not last or last[0][0] is not model:
            last[:] = [(model, make(model))]
        return last[0][1]

    return of


@kept
def layout_of(model: Model) -> Layout:
    """The layout of a model."""
    site_of_place = [place.site for place in model.places]
    sites = {site: number for number, site in enumerate(dict.fromkeys(site_of_place))}
    place_site = np.array([sites[site] for site in site_of_place], dtype=np.int64)
    zones = [index for index, place in enumerate(model.places) if place.quantity == "people"]
    zones.sort(key=lambda index: (place_site[index], index))
    links = sorted(range(len(model.links)), key=lambda index: (place_site[_place(model.links[index])], index))
    link_site = [int(place_site[_place(model.links[index])]) for index in links]
    link_number = {index: number for number, index in enumerate(links)}
    streams = sorted(model.streams, key=lambda stream: (link_number[stream.link], stream.id))
    readings = sorted(model.readings, key=lambda reading: (place_site[reading.place], reading.id))

    zone_at = _starts((int(place_site[index]) for index in zones), len(sites))
    link_at = _starts(link_site, len(sites))
    stream_at = _starts((link_site[link_number[stream.link]] for stream in streams), len(sites))
    reading_at = _starts((int(place_site[reading.place]) for reading in readings), len(sites))
    flows = 1 + np.diff(link_at)
    people = np.diff(zone_at) + np.diff(stream_at) + np.diff(link_at) + np.diff(reading_at)

    within = {place: int(number - zone_at[place_site[place]]) for number, place in enumerate(zones)} | {OUTSIDE: -1}
    link_of = {stream.id: link_number[stream.link] for stream in streams}
    tick_us = model.tick_us
    return Layout(
        sites=_records(
            SITE,
            zip(
                zone_at,
                link_at,
                stream_at,
                reading_at,
                _ends(flows),
                _ends(flows**2),
                _ends(people),
                _ends(people**2),
                strict=True,
            ),
        ),
        zones=_records(
            ZONE,
            (
                (
                    z,
                    (model.places[z].area_m2 or math.inf) * JAM_DENSITY_PER_M2,
                    -(-(model.places[z].longest_stay_us or 0) // tick_us),
                )
                for z in zones
            ),
        ),
        links=_records(LINK, ((index, within[model.links[index].source], within[model.links[index].target]) for index in links)),
        streams=_records(
            STREAM,
            (
                (
                    s.id,
                    link_of[s.id] - link_at[link_site[link_of[s.id]]],
                    s.most * tick_us / s.interval_us,
                    1 / s.detection,
                    s.accuracy,
                )
                for s in streams
            ),
        ),
        readings=_records(
            READING,
            (
                (
                    r.id,
                    within[r.place],
                    _scale(model, r),
                    r.accuracy,
                    r.measure == "devices",
                    LASTING if r.lasting is None else r.lasting,
                    NONE if r.sd_id is None else r.sd_id,
                )
                for r in readings
            ),
        ),
        reports=_records(
            REPORT, ((r.id, r.sd_id, zones.index(r.place), r.accuracy) for r in sorted(model.reports, key=lambda r: r.id))
        ),
        day_bins=DAY_US // max(LONGEST_BIN_US, tick_us),
        tick_h=tick_us / HOUR_US,
    )


def _scale(model: Model, reading: Reading) -> float:
    """Persons, or devices, per unit of a result."""
    if reading.measure != "density":
        return 1.0
    return (model.places[reading.place].area_m2 or math.nan) * reading.walkable


def _records(kind: np.dtype[Any], rows: Iterable[tuple[Any, ...]]) -> Records:
    return np.array(list(rows), dtype=kind).view(np.recarray)


def _place(link: Link) -> int:
    """A place of the link's site."""
    return link.places[0]


def _starts(site_of_each: Iterable[int], sites: int) -> Ints:
    """Where each site's part begins in a list that is sorted by site."""
    counts = np.bincount(np.fromiter(site_of_each, dtype=np.int64), minlength=sites)
    return _ends(counts)


def _ends(lengths: NDArray[np.int64]) -> Ints:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
