"""Check a lab folder: every mistake in one run, each with file, place and how to mend it."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import holidays
import msgspec
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from ruimte.clock import DAY_US
from ruimte.lab.actions import Named, check_measures
from ruimte.lab.distancing import DISTANCING, mistake_in
from ruimte.lab.field_reports import report_key, report_sensors
from ruimte.lab.files import (
    SENSORTHINGS,
    AlgorithmEntry,
    AlgorithmsFile,
    ArrivalEntry,
    CalendarFile,
    DeviceEntry,
    EventEntry,
    FieldReports,
    LabFile,
    MeasureEntry,
    PlaybookFile,
    SchoolHolidayEntry,
    SensorEntry,
    SensorsFile,
)
from ruimte.lab.geometry import distance_m
from ruimte.lab.ground import MEASURES as TRACK_MEASURES
from ruimte.lab.ground import SHARE, TRACKS, Plane, walkable
from ruimte.lab.lab import Lab, device_topic
from ruimte.lab.mistakes import Mistake, Spot
from ruimte.lab.places import FILE, Places, read_places
from ruimte.lab.privacy import check_privacy
from ruimte.lab.rules import time_zone
from ruimte.lab.tables import entries, read_toml, typed
from ruimte.lab.validity import ALGORITHMS, TRACK_FIGURES, moment_us, validity_us
from ruimte.model.measure import FLOWS
from ruimte.text import duration_us

S = TypeVar("S", bound=msgspec.Struct)
_Entries = list[tuple[S | None, str | None, Spot]]

_NO_GROUND = ("", "-", "none", "no", "n/a", "not needed", "geen")


_DRAWN_M = 0.1
"""A gate from wall to wall ends where the view does; drawing is never exact."""
_FAR_M = 10_000
"""No device tells positions so far from its own (0, 0)."""
_OWNED = {"sensors": "sensor", "topic": "topic", "signing_key": "key"}


def check_lab(folder: Path) -> tuple[Lab | None, list[Mistake]]:
    """The lab in this folder and all mistakes in its files; the lab is ``None`` where there is any mistake.

    A lab without sensors may be without places too: its node shows what partners share, and needs no algorithm for that.
    """
    found: list[Mistake] = []
    if not folder.is_dir():
        what = "this is not a folder" if folder.exists() else "there is no such folder"
        return None, [Mistake(str(folder), "", what, "give a lab's folder, or write one with `ruimte new`")]
    file, zone = _lab_file(folder, found)
    places = read_places(folder, found)
    sensors, devices = _sensors_file(folder, found)
    algorithms = _register(folder, "algorithms.toml", AlgorithmsFile, "algorithm", AlgorithmEntry, found)
    measures = _register(folder, "playbook.toml", PlaybookFile, "measure", MeasureEntry, found)
    events, arrivals, school = _calendar_file(folder, found)
    if sensors is not None:
        tick = file.ticks.length if file is not None and DAY_US % duration_us(file.ticks.length) == 0 else None
        _check_sensors(sensors, tick, zone, places)
        _check_devices(devices, {key for _, key, _ in sensors}, file.key if file is not None else "")
        if places is not None:
            _check_tracks(devices, _good(sensors), places)
    watches = places is not None and sensors is not None and not (places.zones or places.count_points or sensors)
    if places is not None and not watches and not {"zone", "count_point"} & set(places.named.values()):
        what = "there is no zone and no count point"
        Spot(found, FILE).mistake(
            what, "add a feature with kind zone or count_point, or take the sensors out to only follow others"
        )
    if algorithms is not None:
        with_tracks = any(device.ground is not None for device in _good(devices))
        needed = (*(() if watches else ALGORITHMS), *((TRACK_FIGURES,) if with_tracks else ()))
        _check_algorithms(algorithms, zone, Spot(found, "algorithms.toml"), needed)
    for measure, _, spot in measures or []:
        if measure is not None:
            _check_places(measure.places, places, spot)
    if measures is not None and places is not None:
        _check_measures(measures, places, [key for _, key, _ in events or [] if key is not None])
    for event, _, spot in events or []:
        if event is not None:
            _check_event(event, zone, places, spot)
    for arrival, _, spot in arrivals:
        if arrival is not None:
            _check_places(arrival.places, places, spot)
    for period, _, spot in school:
        if period is not None and period.last < period.first:
            spot.mistake(f"last day {period.last} is before the first, {period.first}", "set a later day", at="last")
    if sensors is not None and file is not None and file.field_reports is not None and places is not None:
        taken = {report_key(zone) for zone in places.zones}
        for _, key, spot in sensors:
            if key in taken:
                spot.mistake(f"key {key!r} is that of a zone's field reports", "choose another key", at="key")
    if found or file is None or places is None or None in (sensors, algorithms, measures, events):
        return None, found
    lab = Lab(
        folder=folder,
        file=file,
        zone=zone,
        zones=places.zones,
        gates=places.gates,
        count_points=places.count_points,
        sensors={entry.key: entry for entry in _good(sensors)} | report_sensors(file, places.zones),
        devices={entry.key: entry for entry in _good(devices)},
        algorithms={entry.key: entry for entry in _good(algorithms)},
        measures={entry.key: entry for entry in _good(measures)},
        events=tuple(_good(events)),
        arrivals=tuple(_good(arrivals)),
        school_holidays=tuple((entry.first, entry.last) for entry in _good(school)),
        views=places.views,
        obstacles=places.obstacles,
    )
    return lab, found


def _good(register: _Entries[S] | None) -> list[S]:
    return [entry for entry, _, _ in register or [] if entry is not None]


def _register(
    folder: Path, name: str, file_kind: type[msgspec.Struct], list_name: str, kind: type[S], found: list[Mistake]
) -> _Entries[S] | None:
    """The entries of one register file; ``None`` where it cannot be read at all."""
    read = read_toml(folder, name, found)
    if read is None:
        return None
    raw, spot = read
    typed({field: value for field, value in raw.items() if field != list_name}, file_kind, spot)
    return entries(raw, list_name, kind, spot)


def _sensors_file(folder: Path, found: list[Mistake]) -> tuple[_Entries[SensorEntry] | None, _Entries[DeviceEntry]]:
    """The sensors (``None`` where the file cannot be read at all) and the devices that speak for them."""
    read = read_toml(folder, "sensors.toml", found)
    if read is None:
        return None, []
    raw, spot = read
    typed({field: value for field, value in raw.items() if field not in ("sensor", "device")}, SensorsFile, spot)
    return entries(raw, "sensor", SensorEntry, spot), entries(raw, "device", DeviceEntry, spot)


def _calendar_file(
    folder: Path, found: list[Mistake]
) -> tuple[_Entries[EventEntry] | None, _Entries[ArrivalEntry], _Entries[SchoolHolidayEntry]]:
    """The events (``None`` where the file cannot be read at all), the arrivals and the school holidays."""
    read = read_toml(folder, "calendar.toml", found)
    if read is None:
        return None, [], []
    raw, spot = read
    lists = ("event", "arrival", "school_holiday")
    typed({field: value for field, value in raw.items() if field not in lists}, CalendarFile, spot)
    return (
        entries(raw, "event", EventEntry, spot),
        entries(raw, "arrival", ArrivalEntry, spot),
        entries(raw, "school_holiday", SchoolHolidayEntry, spot),
    )


def _lab_file(folder: Path, found: list[Mistake]) -> tuple[LabFile | None, ZoneInfo]:
    """``lab.toml`` and the lab's time zone (UTC where it has none that can be used)."""
    utc = ZoneInfo("UTC")
    read = read_toml(folder, "lab.toml", found)
    if read is None:
        return None, utc
    raw, spot = read
    file = typed(raw, LabFile, spot)
    if file is None:
        named = raw.get("time_zone")
        return None, ZoneInfo(named) if isinstance(named, str) and time_zone(named) is None else utc
    tick_us = duration_us(file.ticks.length)
    horizon_us = duration_us(file.forecast.horizon)
    look_ahead_us = duration_us(file.warn.look_ahead)
    if DAY_US % tick_us:
        spot.mistake(f"a day is not a whole number of ticks of {file.ticks.length}", "use 1m, 5m, 15m, 1h …", at="ticks.length")
    if horizon_us < tick_us:
        spot.mistake("the forecast's horizon is shorter than a tick", "make it at least one tick", at="forecast.horizon")
    elif not tick_us <= look_ahead_us <= horizon_us:
        mend = f"choose between a tick ({file.ticks.length}) and the forecast's horizon ({file.forecast.horizon})"
        spot.mistake(f"warnings cannot look {file.warn.look_ahead} ahead", mend, at="warn.look_ahead")
    if file.warn.close_below >= file.warn.open_at:
        spot.mistake("close_below is not below open_at", "leave a gap, like 0.25 and 0.5", at="warn.close_below")
    if duration_us(file.unusual.history) < duration_us("4w"):
        spot.mistake("less than four weeks cannot show what is unusual", "use 4w or more; 52w is best", at="unusual.history")
    if duration_us(file.intake.clock_skew_most) < duration_us(file.intake.clock_skew):
        what = f"clock_skew_most {file.intake.clock_skew_most} is shorter than clock_skew {file.intake.clock_skew}"
        spot.mistake(what, "make it as long or longer", at="intake.clock_skew_most")
    _check_country(file, spot)
    if file.privacy is not None:
        check_privacy(file.privacy, tick_us, spot)
    if file.field_reports is not None:
        _check_validity(file.field_reports, ZoneInfo(file.time_zone), spot, at="field_reports.valid_until")
    return file, ZoneInfo(file.time_zone)


def _check_country(file: LabFile, spot: Spot) -> None:
    if file.country is None:
        if file.region is not None:
            spot.mistake("a region without a country", "add country, like NL", at="region")
        return
    for at, region in (("country", None), ("region", file.region)):
        try:
            holidays.country_holidays(file.country, subdiv=region)
        except NotImplementedError:
            mend = "write an ISO 3166 code like NL" if at == "country" else "write its ISO 3166-2 code, or leave it out"
            spot.mistake(f"no public holidays are known for {at} {region or file.country!r}", mend, at=at)
            return


def _check_sensors(register: _Entries[SensorEntry], tick: str | None, zone: ZoneInfo, places: Places | None) -> None:
    by_source: dict[str, list[tuple[SensorEntry, tuple[int, int]]]] = {}
    for sensor, _, spot in register:
        if sensor is None:
            continue
        if places is not None:
            _check_sensor_place(sensor, places, spot)
        flows = [measure for measure in sensor.measures if measure in FLOWS]
        if flows and tick is not None and duration_us(tick) % duration_us(sensor.interval):
            what = f"interval {sensor.interval} does not divide the tick ({tick})"
            spot.mistake(what, "make the tick a multiple of it in lab.toml", at="interval")
        if flows and sensor.max_per_interval == math.inf:
            spot.mistake(f"{flows[0]!r} without max_per_interval", "add the most persons that one interval can hold")
        _check_validity(sensor, zone, spot)
        _check_privacy(sensor, spot)
        if sensor.source_id is not None:
            span = validity_us(sensor, zone)
            same = by_source.setdefault(sensor.source_id, [])
            for other, (from_us, until_us) in same:
                if span[0] < until_us and from_us < span[1]:
                    what = f"source_id {sensor.source_id!r} is also that of {other.key!r} at the same time"
                    spot.mistake(what, "end one before the other begins, or correct the name", at="source_id")
            same.append((sensor, span))


def _check_sensor_place(sensor: SensorEntry, places: Places, spot: Spot) -> None:
    kind = places.named.get(sensor.place)
    if kind is None:
        spot.mistake(f"unknown place {sensor.place!r}", "name a gate or count point of places.geojson", at="place")
    elif kind == "zone" and (flows := [measure for measure in sensor.measures if measure in FLOWS]):
        what = f"{sensor.place!r} is a zone, and {flows[0]!r} is of those who pass a line"
        spot.mistake(what, "a counter hangs at a gate or a count point: name that", at="place")
    elif kind == "gate" and "count" in sensor.measures:
        spot.mistake("'count' at a gate cannot tell who came in", 'measure ["count_in", "count_out"]', at="measures")


def _check_privacy(sensor: SensorEntry, spot: Spot) -> None:
    if not sensor.personal_data:
        if "devices" in sensor.measures:
            what = "'devices' counts what people carry by what it sends: the sensor processes personal data"
            spot.mistake(what, "set personal_data = true", at="personal_data")
        return
    if sensor.legal_ground.strip().lower() in _NO_GROUND:
        spot.mistake("personal data without a legal ground", "name the law or decision, or stop the sensor", at="legal_ground")
    if sensor.privacy_url is None:
        spot.mistake("personal data without a privacy statement", "add privacy_url with its address", at="privacy_url")
    if sensor.impact_assessment is None:
        mend = "add impact_assessment: where it is kept"
        spot.mistake("personal data without an impact assessment", mend, at="impact_assessment")


def _check_devices(register: _Entries[DeviceEntry], sensors: set[str | None], lab: str) -> None:
    """Who speaks for what must be beyond doubt: a sensor, a topic and a signing key belong to one device."""
    taken: dict[tuple[str, str], str] = {}
    for device, _, spot in register:
        if device is None:
            continue
        if device.topic is not None and device.format == SENSORTHINGS:
            spot.mistake(f"format {SENSORTHINGS!r} has topics of its own", "leave topic out", at="topic")
        for sensor in device.sensors:
            if sensor not in sensors:
                spot.mistake(f"unknown sensor {sensor!r}", "name sensors of this file by their key", at="sensors")
        owned = [("sensors", sensor) for sensor in device.sensors] + [("topic", device_topic(lab, device))]
        if device.signing_key is not None:
            owned.append(("signing_key", device.signing_key))
        for field, value in owned:
            other = taken.setdefault((field, value), device.key)
            if other != device.key:
                spot.mistake(
                    f"{_OWNED[field]} {value!r} belongs to device {other!r} already", "give each device its own", at=field
                )


def _check_tracks(devices: _Entries[DeviceEntry], sensors: list[SensorEntry], places: Places) -> None:
    """Figures from tracks need a device that tells where these lie, and that sees the place whole."""
    of_tracks = {sensor.key: sensor for sensor in sensors if sensor.kind == TRACKS}
    for device, _, spot in devices:
        if device is None:
            continue
        mine = [of_tracks[key] for key in device.sensors if key in of_tracks]
        if device.ground is None:
            for sensor in mine:
                what = f"sensor {sensor.key!r} is of kind {TRACKS!r}, and the device has no ground"
                spot.mistake(what, "add [device.ground], which tells where its tracks lie", at="sensors")
            continue
        if places.named.get(device.ground.view) != "view":
            spot.mistake(f"{device.ground.view!r} is not a view", "name a view of places.geojson", at="ground.view")
        if device.ground.view not in places.views:
            continue
        plane, view = Plane.of(device.ground), places.views[device.ground.view].polygon
        far_m = distance_m(Point(plane.origin), view)
        if far_m > _FAR_M:
            what = f"origin is {far_m / 1000:,.0f} km from view {device.ground.view!r}"
            spot.mistake(what, "write where its (0, 0) is, longitude first", at="ground.origin")
            continue
        if walkable(plane, view, places.obstacles.values()) is None:
            what = f"obstacles leave no room, or cut view {device.ground.view!r} in two"
            spot.mistake(what, "draw the view or the obstacles anew", at="ground.view")
        for sensor in mine:
            _check_tracks_sensor(sensor, plane.flat(view), plane, places, spot)


def _check_tracks_sensor(sensor: SensorEntry, view: BaseGeometry, plane: Plane, places: Places, spot: Spot) -> None:
    known = TRACK_MEASURES.get(places.named.get(sensor.place, ""), ())
    for measure in sensor.measures:
        if known and measure not in known:
            what = f"sensor {sensor.key!r}: {measure!r} of a {places.named[sensor.place]} is not told by tracks"
            spot.mistake(what, f"choose from {', '.join(known)}", at="sensors")
    if sensor.place in places.zones:
        zone = plane.flat(places.zones[sensor.place].polygon)
        seen = float(view.intersection(zone).area / zone.area)
        if "people" in sensor.measures and seen < SHARE:
            what = f"sensor {sensor.key!r} tells people of zone {sensor.place!r}, of which the view holds {seen:.0%}"
            spot.mistake(what, f"let it tell density, or see {SHARE:.0%} or more of the zone", at="ground.view")
        elif seen == 0:
            what = f"zone {sensor.place!r} of sensor {sensor.key!r} is not in the view"
            spot.mistake(what, "draw the view, or correct origin and bearing", at="ground.view")
    elif sensor.place in places.gates and not view.buffer(_DRAWN_M).covers(plane.flat(places.gates[sensor.place].line)):
        what = f"gate {sensor.place!r} of sensor {sensor.key!r} is not whole in the view"
        spot.mistake(what, "draw the view around it, or name another gate", at="ground.view")


def _check_validity(
    entry: SensorEntry | AlgorithmEntry | FieldReports, zone: ZoneInfo, spot: Spot, at: str = "valid_until"
) -> None:
    from_us, until_us = validity_us(entry, zone)
    if until_us <= from_us:
        what = f"valid_until {entry.valid_until} is before valid_from {entry.valid_from}"
        spot.mistake(what, "set a later day", at=at)


def _check_algorithms(register: _Entries[AlgorithmEntry], zone: ZoneInfo, whole: Spot, needed: tuple[str, ...]) -> None:
    for algorithm, _, spot in register:
        if algorithm is None:
            continue
        _check_validity(algorithm, zone, spot)
        wrong = mistake_in(algorithm, zone) if algorithm.key == DISTANCING else None
        if wrong is not None and wrong.why != "reversed":
            spot.mistake(wrong.what, wrong.mend, at=wrong.field)
    named = {key for _, key, _ in register}
    for key in needed:
        if key not in named:
            whole.mistake(f"algorithm {key!r} is not registered, so it cannot run", f'add an [[algorithm]] with key = "{key}"')


def _check_event(event: EventEntry, zone: ZoneInfo, places: Places | None, spot: Spot) -> None:
    if moment_us(event.end, zone) <= moment_us(event.start, zone):
        spot.mistake(f"event ends ({_shown(event.end)}) before it starts ({_shown(event.start)})", "set a later end", at="end")
    if (event.gates_open is None) != (event.sold is None):
        what = "gates_open and sold belong together: when people come in, and how many have a ticket"
        spot.mistake(what, "give both, or neither", at="sold" if event.sold is not None else "gates_open")
    if event.gates_open is not None and moment_us(event.gates_open, zone) >= moment_us(event.start, zone):
        what = f"gates open ({_shown(event.gates_open)}) when it has started ({_shown(event.start)})"
        spot.mistake(what, "set an earlier gates_open", at="gates_open")
    _check_places(event.places, places, spot)


def _check_measures(measures: _Entries[MeasureEntry], places: Places, events: list[str]) -> None:
    gates = {key: (gate.from_, gate.to) for key, gate in places.gates.items()}
    zones = [key for key, kind in places.named.items() if kind == "zone"]
    check_measures(measures, Named(gates, zones, events, [key for _, key, _ in measures if key is not None]))


def _check_places(named: list[str], places: Places | None, spot: Spot) -> None:
    for key in named:
        if places is not None and places.named.get(key) not in ("zone", "count_point"):
            spot.mistake(f"unknown place {key!r}", "name a zone or count point of places.geojson", at="places")


def _shown(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="minutes")
