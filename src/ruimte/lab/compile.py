"""Compile a lab: from text files to the arrays and indices that the science reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import cast
from zlib import crc32
from zoneinfo import ZoneInfo

import holidays
import numpy as np
from numpy.typing import NDArray

from ruimte.clock import HOUR_US, MINUTE_US, to_us
from ruimte.errors import RuimteError
from ruimte.lab.field_reports import KIND as FIELD_REPORT
from ruimte.lab.files import SensorEntry
from ruimte.lab.geometry import area_m2
from ruimte.lab.ground import ACCURACY as TRACKS_ACCURACY
from ruimte.lab.ground import TRACKS
from ruimte.lab.lab import Lab
from ruimte.lab.levels import table_name
from ruimte.lab.rules import OUTSIDE
from ruimte.lab.validity import moment_us, validity_us
from ruimte.model.calendar import Calendar
from ruimte.model.measure import FLOWS, PRESENCES
from ruimte.model.place import OUTSIDE as NOWHERE
from ruimte.model.place import Fact, Link, Load, Model, Occasion, Place, Presence, Reading, Report, Stream, Way
from ruimte.text import duration_us

SHARDS = 4096
AFTERMATH_US = 12 * HOUR_US
"""So long after a gathering its place is still unlike other weeks: people go home, and the morning after is quiet."""
DETECTION, DETECTION_ACCURACY = 0.95, 0.15
"""The share of those who pass that a counter is thought to count, and by how much that may be off, where the register does not
say."""
READING_ACCURACY = 0.15
"""By which share one count of the people in a zone is off, where the register does not say."""
LASTING_OF_TRACKS = 1.0
"""Of the error that the register allows a count from tracks, the share that is the same for hours."""
FIELD_ACCURACY = 0.25
"""By which share a person's figure of a crowd is off, where neither the lab nor who told it says."""
TURN_UP = (0.92, 0.05)
"""The share of sold tickets that turns up, and its standard deviation: no-shows differ from one event to the next."""
COME_US, GO_US = 2 * HOUR_US, HOUR_US
"""Within this time before a gathering its visitors come, and within this time after it they go, where nobody says otherwise."""
_WAYS: dict[str, Way] = {"count": "both", "count_in": "in", "count_out": "out"}


@dataclass(frozen=True, slots=True)
class StreamKey:
    """A datastream that the register asks for: one measure of one sensor, under a key that never changes.

    ``place`` is the key of the gate, count point or zone.
    """

    key: str
    sensor: SensorEntry
    measure: str
    place: str


def stream_keys(lab: Lab) -> list[StreamKey]:
    """All datastreams of the lab's register, in its order. Each key is ``SENSOR/MEASURE``."""
    return [
        StreamKey(f"{sensor.key}/{measure}", sensor, measure, sensor.place)
        for sensor in lab.sensors.values()
        for measure in sensor.measures
    ]


def shard(site: str) -> int:
    """The shard of a site, 0–4095, fixed for ever.

    >>> shard("platform-ost")
    27
    """
    return crc32(site.encode()) % SHARDS


def compile_lab(lab: Lab, stream_ids: Mapping[str, int], years: tuple[int, int] = (2000, 2040)) -> Model:
    """The lab as a model: places (zones, then count points, in the file's order), the links between them and what watches them.

    Flows (``count``, ``count_in``, ``count_out``) and what tells of the people in a zone (``people``, ``density``, ``devices``)
    are in the model: what else is measured is kept, but no estimate rests on it.
    ``stream_ids`` gives the store's id of each datastream key. The wall's time is exact in ``years`` (from, until); earlier
    times take the first offset, later ones the last. Raises ``RuimteError`` where a datastream has no id.
    """
    places = _places(lab)
    links = _links(lab, places)
    streams, readings = _datastreams(lab, places, links, stream_ids)
    first, last = years
    tick_us = duration_us(lab.file.ticks.length)
    changes = list(_offset_changes(lab.zone, first, last))
    return Model(
        lab=lab.key,
        places=places,
        links=links,
        streams=streams,
        readings=readings,
        reports=tuple(_reports(lab, places, stream_ids)),
        facts=tuple(_facts(lab, places)),
        tick_us=tick_us,
        phase_us=-_standard_offset_us(lab.zone, last) % tick_us,
        lateness_us=duration_us(lab.file.ticks.lateness),
        offset_from_us=_frozen([from_us for from_us, _ in changes]),
        offset_us=_frozen([offset_us for _, offset_us in changes]),
        occasions=tuple(_occasions(lab, places)),
        loads=tuple(_loads(lab, places)),
        calendar=_calendar(lab, years),
    )


def _loads(lab: Lab, places: tuple[Place, ...]) -> Iterator[Load]:
    """Who is known to come: the visitors of events, and arrivals beyond the usual."""
    index = {place.key: number for number, place in enumerate(places)}
    for event in lab.events:
        if event.expected_visitors is not None:
            start, end = moment_us(event.start, lab.zone), moment_us(event.end, lab.zone)
            doors = start - COME_US if event.gates_open is None else moment_us(event.gates_open, lab.zone)
            yield Load(doors, start, end, end + GO_US, event.expected_visitors, tuple(index[key] for key in event.places))
    for arrival in lab.arrivals:
        at = moment_us(arrival.at, lab.zone)
        gone = at + duration_us(arrival.within)
        yield Load(at, gone, gone, gone, arrival.people, tuple(index[key] for key in arrival.places))


def _calendar(lab: Lab, years: tuple[int, int]) -> Calendar:
    named = {} if lab.file.country is None else holiday_names(lab.file.country, lab.file.region, years)
    return Calendar(named, lab.school_holidays)


def holiday_names(country: str, region: str | None, years: tuple[int, int]) -> dict[date, str]:
    """Public holidays of a country and region by date, in years (from, until), with their English names.

    One name for a day and its substitute, and the same in all countries: what one city's Christmas was like tells of another's.
    """
    found = holidays.country_holidays(country, subdiv=region, years=range(*years), language="en_US")
    return {day: name.split(";")[0].removesuffix(" (observed)").strip() for day, name in found.items()}


def _occasions(lab: Lab, places: tuple[Place, ...]) -> Iterator[Occasion]:
    index = {place.key: number for number, place in enumerate(places)}
    for event in lab.events:
        if event.series is not None:
            start, end = moment_us(event.start, lab.zone), moment_us(event.end, lab.zone)
            yield Occasion(event.series, start, end + AFTERMATH_US, tuple(index[key] for key in event.places))


def _places(lab: Lab) -> tuple[Place, ...]:
    sites = sites_of_zones(lab)
    zones = [
        Place(
            key=zone.key,
            name=zone.name,
            quantity="people",
            site=sites[zone.key],
            area_m2=zone.area_m2,
            capacity=zone.capacity,
            empty_at_us=_time_of_day_us(zone.empty_at) if zone.empty_at is not None else None,
            longest_stay_us=duration_us(zone.longest_stay) if zone.longest_stay is not None else None,
            levels=table_name(lab.file.levels, zone),
            typical=zone.typical,
        )
        for zone in lab.zones.values()
    ]
    points = [
        Place(
            key=point.key,
            name=point.name,
            quantity="flow",
            site=point.key,
            width_m=point.width_m,
            levels=table_name(lab.file.levels, point),
            typical=point.typical,
        )
        for point in lab.count_points.values()
    ]
    return (*zones, *points)


def sites_of_zones(lab: Lab) -> dict[str, str]:
    """The site of each zone: the smallest key among the zones that gates join to it."""
    site = {key: key for key in lab.zones}
    for gate in lab.gates.values():
        if gate.from_ in site and gate.to in site:
            one, other = sorted((site[gate.from_], site[gate.to]))
            site = {key: one if name == other else name for key, name in site.items()}
    return site


def _links(lab: Lab, places: tuple[Place, ...]) -> tuple[Link, ...]:
    """Both ways through every gate, watched or not, then the ways that are counted at count points; in is ``from`` → ``to``."""
    index = {place.key: number for number, place in enumerate(places)} | {OUTSIDE: NOWHERE}
    links = []
    for gate in lab.gates.values():
        one, other = index[gate.from_], index[gate.to]
        links += [Link(gate.key, "in", one, other), Link(gate.key, "out", other, one)]
    counted = {(sensor.place, measure) for sensor in lab.sensors.values() for measure in sensor.measures}
    for point in lab.count_points.values():
        links += [
            Link(point.key, way, point=index[point.key]) for measure, way in _WAYS.items() if (point.key, measure) in counted
        ]
    return tuple(links)


def _datastreams(
    lab: Lab, places: tuple[Place, ...], links: tuple[Link, ...], stream_ids: Mapping[str, int]
) -> tuple[tuple[Stream, ...], tuple[Reading, ...]]:
    place = {each.key: number for number, each in enumerate(places)}
    link = {(each.gate, each.way): number for number, each in enumerate(links)}
    streams, readings = [], []
    for one in stream_keys(lab):
        if one.measure not in (*FLOWS, *PRESENCES) or one.sensor.kind == FIELD_REPORT:
            continue
        if one.sensor.kind == TRACKS and one.measure == "density" and "people" in one.sensor.measures:
            continue  # of the same tracks: it would count twice
        if one.key not in stream_ids:
            mend = "let the lab's node run once (ruimte serve), import a file, or estimate without --out: that registers it"
            raise RuimteError("the store does not know this datastream", one.key, mend)
        from_us, until_us = validity_us(one.sensor, lab.zone)
        id_, interval_us, accuracy = stream_ids[one.key], duration_us(one.sensor.interval), one.sensor.accuracy
        if one.measure in FLOWS:
            number = link[one.place, _WAYS[one.measure]]
            seen = DETECTION if one.sensor.detection is None else one.sensor.detection
            off = DETECTION_ACCURACY if accuracy is None else accuracy
            streams.append(Stream(id_, one.key, number, interval_us, from_us, until_us, one.sensor.max_per_interval, seen, off))
        elif one.place in lab.zones:
            measure, tracks = cast(Presence, one.measure), one.sensor.kind == TRACKS
            off = accuracy if accuracy is not None else TRACKS_ACCURACY if tracks else READING_ACCURACY
            # what a sensor of tracks misses for long it misses each second: it may not average out
            lasting = LASTING_OF_TRACKS if tracks else None
            sd_id = stream_ids.get(f"{one.sensor.key}/people_sd") if tracks and measure == "people" else None
            walkable = _walkable(lab, one.place) if tracks and measure == "density" else 1.0
            period = (interval_us, from_us, until_us)
            readings.append(Reading(id_, one.key, place[one.place], measure, *period, off, lasting, sd_id, walkable))
    return tuple(streams), tuple(readings)


def _walkable(lab: Lab, key: str) -> float:
    """The share of a zone that people can be on; 1 where its area is given, and not that of its polygon."""
    zone = lab.zones[key]
    if abs(zone.area_m2 - area_m2(zone.polygon)) > 1e-6 * zone.area_m2:
        return 1.0
    free = zone.polygon
    for obstacle in lab.obstacles.values():
        free = free.difference(obstacle.polygon)
    return float(free.area / zone.polygon.area)


def _reports(lab: Lab, places: tuple[Place, ...], stream_ids: Mapping[str, int]) -> Iterator[Report]:
    """What people may tell of zones. One that the store does not know yet, nobody has told anything by."""
    place = {each.key: number for number, each in enumerate(places)}
    for sensor in lab.sensors.values():
        id_, sd_id = (stream_ids.get(f"{sensor.key}/{measure}") for measure in ("people", "people_sd"))
        if sensor.kind == FIELD_REPORT and sensor.place in lab.zones and id_ is not None and sd_id is not None:
            accuracy = FIELD_ACCURACY if sensor.accuracy is None else sensor.accuracy
            yield Report(id_, sd_id, sensor.key, place[sensor.place], *validity_us(sensor, lab.zone), accuracy)


def _facts(lab: Lab, places: tuple[Place, ...]) -> Iterator[Fact]:
    """What the calendar knows of how many people there are: nobody when the gates open, and who has a ticket when it starts."""
    index = {place.key: number for number, place in enumerate(places)}
    for event in lab.events:
        zones = tuple(index[key] for key in event.places if key in lab.zones)
        if event.gates_open is None or event.sold is None or not zones:
            continue
        share, sd = TURN_UP
        yield Fact(moment_us(event.gates_open, lab.zone), zones, 0.0, max(3.0, 0.01 * event.sold))
        yield Fact(moment_us(event.start, lab.zone), zones, share * event.sold, sd * event.sold)


def _offset_changes(zone: ZoneInfo, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Each moment (µs) from which the zone has another offset (µs) from UTC, exact to the second."""
    begin = int(datetime(first, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(last, 1, 1, tzinfo=UTC).timestamp())
    week = 7 * 86_400  # no zone changes its offset twice in a week
    offset = _offset_us(zone, begin)
    yield begin * 1_000_000, offset
    for before in range(begin, end, week):
        low, high = before, min(before + week, end)
        if _offset_us(zone, high) == offset:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset_us(zone, middle) == offset else (low, middle)
        offset = _offset_us(zone, high)
        yield high * 1_000_000, offset


def _offset_us(zone: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    return (offset or timedelta()) // timedelta(microseconds=1)


def _standard_offset_us(zone: ZoneInfo, year: int) -> int:
    """The offset without daylight saving, so that ticks start on the wall's whole hours (and days, in winter)."""
    moment = datetime(year, 1, 1, tzinfo=UTC).astimezone(zone)
    return _offset_us(zone, to_us(moment) // 1_000_000) - (moment.dst() or timedelta()) // timedelta(microseconds=1)


def _time_of_day_us(text: str) -> int:
    hours, minutes = text.split(":")
    return (int(hours) * 60 + int(minutes)) * MINUTE_US


def _frozen(values: list[int]) -> NDArray[np.int64]:
    array = np.array(values, dtype=np.int64)
    array.flags.writeable = False
    return array
