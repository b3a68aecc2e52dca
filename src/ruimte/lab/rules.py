"""What one field by itself must be: a rule takes a value and returns what is wrong and how to mend it, or nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from ruimte.lab.files import (
    FORMAT,
    ActionEntry,
    AlgorithmEntry,
    AlgorithmsFile,
    ArrivalEntry,
    CalendarFile,
    CountPointProperties,
    DeviceEntry,
    Distancing,
    EventEntry,
    FieldReports,
    Forecasting,
    GateProperties,
    Ground,
    Intake,
    LabFile,
    Map,
    MeasureEntry,
    ObstacleProperties,
    PlaybookFile,
    Privacy,
    Retention,
    ScenarioFile,
    SchoolHolidayEntry,
    SensorEntry,
    SensorsFile,
    Text,
    Ticks,
    Unusual,
    ViewProperties,
    Warn,
    ZoneProperties,
)
from ruimte.lab.levels import TABLES, UNUSUAL
from ruimte.model.measure import FLOWS, MEASURES
from ruimte.text import duration_us

Complaint = tuple[str, str] | None
Rule = Callable[[Any], Complaint]

OUTSIDE = "outside"
"""What a gate leads to where there is no zone; so no place may have this key."""
FREE_KINDS = ("number", "text", "boolean")
"""What a declared key of an Observation's ``parameters`` may hold."""
STATUSES = ("in development", "in use", "out of use")
"""States of an algorithm in the register (as in the Dutch algorithm register)."""

ACTIONS = ("close", "open", "width", "one-way", "dose", "hold", "redirect", "stop-arrivals", "extend-event")
"""What can be done to a crowd, as far as the what-if model knows."""

_LONGEST_US = duration_us("5200w")


def format_version(value: int) -> Complaint:
    return None if value == FORMAT else (f"format {value} is not known", f"write format = {FORMAT}")


def key(value: str) -> Complaint:
    if value == OUTSIDE:
        return f"key {OUTSIDE!r} means the world around the zones", "choose another key"
    if re.fullmatch(r"[a-z0-9-]{1,64}", value) is None:
        return f"key {value!r} is not a key", "use up to 64 small letters a–z, digits and hyphens"
    return None


def filled(value: str) -> Complaint:
    return None if value.strip() else ("the text is empty", "write one")


def text(value: Text) -> Complaint:
    if isinstance(value, str):
        return filled(value)
    wrong = [language for language in value if re.fullmatch(r"[a-z]{2}", language) is None]
    if wrong:
        return f"{wrong[0]!r} is not a language", "use two-letter codes such as en and nl"
    return None if value and all(v.strip() for v in value.values()) else ("a text is empty", "write it for each language")


def e_mail(value: str) -> Complaint:
    good = re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", value) is not None
    return None if good else (f"{value!r} is not an e-mail address", "write one that is read, like crowd@example.org")


def web_address(value: str) -> Complaint:
    good = re.fullmatch(r"https?://[^\s/]+\S*", value) is not None
    return None if good else (f"{value!r} is not a web address", "write one that starts with https://")


def time_zone(value: str) -> Complaint:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"unknown time zone {value!r}", "write an IANA name like Europe/Amsterdam"
    return None


def length_of_time(value: str) -> Complaint:
    return _length_of_time(value, shortest_us=1)


def delay(value: str) -> Complaint:
    return _length_of_time(value, shortest_us=0)


def probability(value: float) -> Complaint:
    return None if 0 < value <= 1 else (f"{value} is not a probability above 0 and up to 1", "write one, like 0.5")


def positive(value: float) -> Complaint:
    return None if 0 < value < math.inf else (f"{value} is not above 0", "write a number above 0")


def share(value: float) -> Complaint:
    return None if 0 < value <= 1 else (f"{value} is not a share above 0 and up to 1", "write one, like 0.15 for 15 %")


def not_negative(value: float) -> Complaint:
    return None if 0 <= value < math.inf else (f"{value} is below 0 or no number", "write 0 or more")


def time_of_day(value: str) -> Complaint:
    good = re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value) is not None
    return None if good else (f"{value!r} is not a time of day", "write it like 03:30")


def moment(value: str) -> Complaint:
    if value.startswith("+"):
        return delay(value[1:])
    return None if time_of_day(value) is None else (f"{value!r} is not a time", "write 21:30, or +10m after the decision")


def level_table(*measures: str) -> Rule:
    """A rule: the name of a level-of-service table with one of these measures, or ``unusual``."""
    names = [*(table.name for table in TABLES.values() if table.measure in measures), UNUSUAL]
    return one_of("level-of-service table", *names)


def one_of(what: str, *known: str) -> Rule:
    """A rule: one of the known words."""

    def rule(value: str) -> Complaint:
        return None if value in known else (f"unknown {what} {value!r}", f"choose one of {', '.join(known)}")

    return rule


def measures(value: list[str]) -> Complaint:
    unknown = [measure for measure in value if measure not in MEASURES]
    if unknown:
        return f"unknown measure {unknown[0]!r}", f"choose from {', '.join(MEASURES)}"
    if not value or len(set(value)) < len(value):
        return "measures are empty or doubled", "name each thing it measures once"
    if "count" in value and len(set(value) & set(FLOWS)) > 1:
        return "'count' beside 'count_in' or 'count_out' counts everybody twice", "use count alone, or the two directions"
    return None


def sensor_keys(value: list[str]) -> Complaint:
    if not value or len(set(value)) < len(value):
        return "sensors are empty or doubled", "name each sensor that the device speaks for once"
    return None


def signing_key(value: str) -> Complaint:
    """32 bytes as 43 letters of base64url; the last of them holds four bits, so two of its six are 0."""
    good = re.fullmatch(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", value) is not None
    return None if good else ("this is not an Ed25519 public key", "write the public key that `ruimte device keygen` prints")


def topic(value: str) -> Complaint:
    if value.startswith(("$", "v1.1/")):
        return f"topic {value!r} is the broker's or SensorThings' own", "choose another"
    good = re.fullmatch(r"[^\s+#\x00-\x1f\x7f]{1,256}", value) is not None
    return None if good else (f"{value!r} is not a topic", "write one topic, without + and # and without spaces")


def free_keys(value: dict[str, str]) -> Complaint:
    for name, kind in value.items():
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name) is None:
            return f"{name!r} is not a key for parameters", "use up to 64 letters, digits and underscores, a letter first"
        if kind not in FREE_KINDS:
            return f"key {name!r} cannot hold {kind!r}", f"choose one of {', '.join(FREE_KINDS)}"
    return None


def priorities(value: list[int]) -> Complaint:
    if value and set(value) <= {1, 2, 3}:
        return None
    return f"priorities {value} are not among 1, 2 and 3", "list at least one; 1 is the most urgent"


def parts_of_epsilon(value: dict[str, float]) -> Complaint:
    known = ("people", "inflow", "outflow", "flow")
    for name, part in value.items():
        if name not in known:
            return f"no noise is drawn for {name!r}", f"choose from {', '.join(known)}"
        if (complaint := positive(part)) is not None:
            return complaint
    return None if value else ("no quantity has a part of ε", "give one, like { people = 0.5 }")


def two_or_more(value: int) -> Complaint:
    return None if 2 <= value <= 1000 else (f"{value} is not from 2 to 1000", "write a whole number, like 2 or 12")


def one_or_more(value: float) -> Complaint:
    return None if 1 <= value <= 1000 else (f"{value} is not from 1 to 1000", "write a number of 1 or more")


def longitude_latitude(value: list[float]) -> Complaint:
    good = len(value) == 2 and abs(value[0]) <= 180 and abs(value[1]) < 90
    return None if good else (f"{value} is no longitude and latitude", "write both in degrees, longitude first")


def bearing(value: float) -> Complaint:
    return None if -360 <= value <= 360 else (f"{value} is not an angle", "write degrees clockwise from north, 0 to 360")


def distance_apart(value: float) -> Complaint:
    return None if 0.3 <= value <= 5 else (f"{value} m is no distance that people are asked to keep", "write metres, like 1.5")


def frame_rate(value: float) -> Complaint:
    return None if 0.1 <= value <= 200 else (f"{value} frames a second", "write the sensor's frame rate in 1/s, like 12.5")


def position_error(value: float) -> Complaint:
    return None if 0 <= value <= 5 else (f"{value} m is no error of a position", "write metres, like 0.1")


def homography(value: list[list[float]]) -> Complaint:
    if [len(row) for row in value] != [3, 3, 3] or not all(math.isfinite(number) for row in value for number in row):
        return "this is not three rows of three numbers", "write what maps shares (x, y, 1) of the picture to metres"
    (a, b, c), (d, e, f), (g, h, i) = value
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    if determinant == 0:
        return "this homography maps the picture onto a line", "measure it anew, from four points that are not on one line"
    return None


def _length_of_time(value: str, shortest_us: int) -> Complaint:
    try:
        length_us = duration_us(value)
    except ValueError as error:
        return str(error), "write a whole number and s, m, h, d or w, like 5m"
    if length_us < shortest_us:
        return f"{value!r} is no time at all", "write a longer time"
    return None if length_us <= _LONGEST_US else (f"{value!r} is longer than a century", "write a shorter time")


RULES: dict[type[msgspec.Struct], dict[str, Rule]] = {
    LabFile: {
        "format": format_version,
        "key": key,
        "name": text,
        "organisation": filled,
        "contact": e_mail,
        "time_zone": time_zone,
        "levels": level_table("density", "flow_per_width"),
    },
    Ticks: {"length": length_of_time, "lateness": delay},
    Forecasting: {"horizon": length_of_time},
    Unusual: {"history": length_of_time, "minimum_per_hour": not_negative, "minimum_people": not_negative},
    Warn: {
        "open_at": probability,
        "close_below": probability,
        "close_after": delay,
        "cool_down": delay,
        "look_ahead": length_of_time,
        "from_level": one_of("level", "A", "B", "C", "D", "E", "F"),
        "open_after": delay,
        "surge": positive,
        "escalate_after": length_of_time,
        "shelve_most": length_of_time,
        "operators": positive,
    },
    Retention: {"observations": length_of_time, "logbook": length_of_time, "staff": length_of_time},
    Map: {"tiles": one_of("base map", "none", "pdok-grey")},
    Distancing: {"distance_m": distance_apart},
    FieldReports: {"legal_ground": filled, "accuracy": share},
    Privacy: {
        "epsilon_per_day": positive,
        "quantities": parts_of_epsilon,
        "intervals": one_or_more,
        "passages": one_or_more,
        "assumption": text,
        "step": length_of_time,
        "weight": one_or_more,
        "passage_weight": one_or_more,
        "branching": two_or_more,
        "accuracy": share,
    },
    Intake: {"clock_skew": delay, "clock_skew_most": delay, "frozen_after": length_of_time, "keys": free_keys},
    ZoneProperties: {
        "key": key,
        "name": text,
        "area_m2": positive,
        "capacity": positive,
        "empty_at": time_of_day,
        "longest_stay": length_of_time,
        "levels": level_table("density"),
        "typical": positive,
    },
    GateProperties: {
        "key": key,
        "name": text,
        "from": filled,
        "to": filled,
        "width_m": positive,
        "per_minute": positive,
    },
    CountPointProperties: {
        "key": key,
        "name": text,
        "width_m": positive,
        "levels": level_table("flow_per_width"),
        "typical": positive,
    },
    SensorsFile: {"format": format_version},
    SensorEntry: {
        "key": key,
        "name": text,
        "kind": filled,
        "measures": measures,
        "interval": length_of_time,
        "owner": filled,
        "purpose": text,
        "legal_ground": filled,
        "max_per_interval": positive,
        "detection": share,
        "accuracy": share,
        "source_id": filled,
        "privacy_url": web_address,
        "impact_assessment": filled,
    },
    DeviceEntry: {
        "key": key,
        "name": text,
        "format": filled,
        "sensors": sensor_keys,
        "per_minute": positive,
        "signing_key": signing_key,
        "topic": topic,
    },
    ViewProperties: {"key": key, "name": text},
    ObstacleProperties: {"key": key, "name": text},
    Ground: {
        "view": filled,
        "origin": longitude_latitude,
        "rate_hz": frame_rate,
        "bearing_deg": bearing,
        "homography": homography,
        "error_m": position_error,
    },
    AlgorithmsFile: {"format": format_version},
    AlgorithmEntry: {
        "key": key,
        "version": filled,
        "name": text,
        "goal": text,
        "kind": filled,
        "owner": filled,
        "status": one_of("status", *STATUSES),
        "human_intervention": text,
        "risks": text,
        "lawful_basis": filled,
    },
    PlaybookFile: {"format": format_version},
    MeasureEntry: {
        "key": key,
        "name": text,
        "text": text,
        "decides": text,
        "priorities": priorities,
        "takes": delay,
        "lasts": length_of_time,
    },
    ActionEntry: {
        "do": one_of("action", *ACTIONS),
        "way": one_of("way", "in", "out", "both"),
        "per_minute": not_negative,
        "share": share,
        "width_m": not_negative,
        "by": length_of_time,
        "from": moment,
        "until": moment,
    },
    ScenarioFile: {"format": format_version, "name": text},
    CalendarFile: {"format": format_version},
    EventEntry: {"key": key, "name": text, "expected_visitors": positive, "sold": positive},
    ArrivalEntry: {"key": key, "people": positive, "within": length_of_time},
    SchoolHolidayEntry: {"key": key},
}
