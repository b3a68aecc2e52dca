"""The lab's files as types: one struct a table, unknown fields forbidden."""

from __future__ import annotations

import math
from datetime import date, datetime

import msgspec

Text = str | dict[str, str]
"""One text, or a table with a text for each language: ``{ en = "Stage", nl = "Podium" }``."""

FORMAT = 1
"""Version of the lab's files; a newer one is refused."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Ticks(_Table, frozen=True):
    """How often the state is estimated, and how late an observation may come."""

    length: str = "5m"
    lateness: str = "0s"


class Forecasting(_Table, frozen=True):
    """How far ahead the forecast looks."""

    horizon: str = "3h"


class Unusual(_Table, frozen=True):
    """Thresholds where no width or area is known: percentiles of the same weekday and hour.

    ``minimum_per_hour`` (flow, persons/h) and ``minimum_people``: below this nothing is worth a warning.
    """

    history: str = "52w"
    minimum_per_hour: float = 0.0
    minimum_people: float = 0.0


class Warn(_Table, frozen=True):
    """When a warning opens and closes (ISA-18.2: hysteresis, debounce, cool-down).

    Opens when P(level passed) reaches ``open_at`` within ``look_ahead`` and stays there for ``open_after``; closes when it stays
    below ``close_below`` for ``close_after``; the same place and level stay quiet for ``cool_down`` after that. ``from_level`` is
    the lowest level of a level-of-service table that warns. ``surge``: a warning opens at once where so large a share of those at
    whom that level starts come in within one tick, beyond what is usual. ``escalate_after``: a warning of priority 1 that nobody
    acknowledged for so long is escalated. ``shelve_most``: the longest that a warning can be put aside. ``operators``: among how
    many people the warnings are shared.
    """

    open_at: float = 0.5
    close_below: float = 0.25
    close_after: str = "15m"
    cool_down: str = "1h"
    look_ahead: str = "3h"
    from_level: str = "D"
    open_after: str = "0s"
    surge: float = 0.25
    escalate_after: str = "5m"
    shelve_most: str = "4h"
    operators: int = 1


class Retention(_Table, frozen=True):
    """How long each kind of record is kept."""

    observations: str = "260w"
    logbook: str = "260w"
    staff: str = "90d"


class Map(_Table, frozen=True):
    """The ground under the zones: ``none`` (nothing leaves the machine) or ``pdok-grey`` (PDOK BRT-A, the Netherlands)."""

    tiles: str = "none"


class Intake(_Table, frozen=True):
    """What devices may do.

    ``anonymous_writes``: whether a sender without a credential is heard. An observation may end ``clock_skew`` ahead of the
    node's clock; up to ``clock_skew_most`` it is kept as doubtful, beyond that refused. ``frozen_after``: a value other than 0
    that stands still for so long is doubtful. ``keys``: which keys an Observation's ``parameters`` may hold, each ``number``,
    ``text`` or ``boolean``.
    """

    anonymous_writes: bool = False
    clock_skew: str = "2m"
    clock_skew_most: str = "1h"
    frozen_after: str = "6h"
    keys: dict[str, str] = {}


class FieldReports(_Table, frozen=True):
    """Whether people on the street may tell how many they see: from when until when, and on which ground.

    ``accuracy``: by which share a figure is off (a standard deviation) where who tells it gives no range.
    """

    legal_ground: str
    valid_from: date | datetime
    valid_until: date | datetime
    accuracy: float = 0.25


class Distancing(_Table, frozen=True):
    """How far people are asked to stay apart; without it nothing is told about distance."""

    distance_m: float | None = None


class Privacy(_Table, frozen=True):
    """Noise, by differential privacy, for the public and for partners whose agreement says so; without it none is released so.

    ``epsilon_per_day`` is the lab's whole budget for a local day, ``quantities`` what each costs of it; those of ``public`` are
    anybody's. Figures are drawn at one base ``step``. What is hidden is a person who is in at most ``intervals`` cells a day (a
    place during a step), passes at most ``passages`` times, and moves the estimates by at most ``weight`` persons for each cell
    and ``passage_weight`` for each passage. ``assumption`` says in words why that holds. ``branching`` is that of the tree of
    running totals; ``accuracy`` the error of the estimate itself as a share, which is told in place of its own band.
    """

    epsilon_per_day: float
    quantities: dict[str, float]
    intervals: int
    assumption: Text
    passages: int | None = None
    step: str = "15m"
    weight: float = 1.25
    passage_weight: float = 2.0
    public: list[str] = []
    branching: int = 12
    accuracy: float = 0.2


class LabFile(_Table, frozen=True):
    """``lab.toml``."""

    format: int
    key: str
    name: Text
    organisation: str
    contact: str
    time_zone: str
    country: str | None = None
    region: str | None = None
    attribution: Text = ""
    synthetic: bool = False
    levels: str = "fruin-walkway"
    ticks: Ticks = Ticks()
    forecast: Forecasting = Forecasting()
    unusual: Unusual = Unusual()
    warn: Warn = Warn()
    retention: Retention = Retention()
    map: Map = Map()
    intake: Intake = Intake()
    distancing: Distancing = Distancing()
    field_reports: FieldReports | None = None
    privacy: Privacy | None = None


class ZoneProperties(_Table, frozen=True):
    """Properties of a zone (a Polygon) in ``places.geojson``: ``area_m2``, ``capacity`` in persons, ``empty_at`` as "HH:MM".

    ``longest_stay``: nobody stays longer than this, as on a platform; only where that is certain. ``typical``: persons in an
    average hour, which a forecast goes by as long as there is no past.
    """

    kind: str
    key: str
    name: Text
    area_m2: float | None = None
    capacity: float | None = None
    empty_at: str | None = None
    longest_stay: str | None = None
    levels: str | None = None
    typical: float | None = None
    note: str = ""


class GateProperties(_Table, frozen=True):
    """Properties of a gate (a LineString) in ``places.geojson``: the zone on each side, or ``outside``.

    ``per_minute``: the most people that it takes each way, whatever its width: what the trams of a stop carry.
    """

    kind: str
    key: str
    name: Text
    from_: str = msgspec.field(name="from")
    to: str
    width_m: float | None = None
    per_minute: float | None = None
    note: str = ""


class CountPointProperties(_Table, frozen=True):
    """Properties of a count point (a Point) in ``places.geojson``; ``typical``: persons/h in an average hour, as of a zone."""

    kind: str
    key: str
    name: Text
    width_m: float | None = None
    levels: str | None = None
    typical: float | None = None
    note: str = ""


class ViewProperties(_Table, frozen=True):
    """Properties of a view (a Polygon) in ``places.geojson``: the ground that a device which tells tracks sees whole."""

    kind: str
    key: str
    name: Text | None = None
    note: str = ""


class ObstacleProperties(_Table, frozen=True):
    """Properties of an obstacle (a Polygon) in ``places.geojson``: where nobody can be, as a stall or a basin is."""

    kind: str
    key: str
    name: Text | None = None
    note: str = ""


class SensorEntry(_Table, frozen=True):
    """One entry of the sensor register: what hangs where, measures what, whose, why, on which legal ground, until when.

    ``place`` is a gate or a count point. ``measures``: ``count`` (persons passing), or ``count_in`` and ``count_out``; of a
    gate, in is *from* its ``from`` *to* its ``to``. ``source_id`` is the sensor's name in its publisher's file.
    ``max_per_interval`` is the most persons one interval can hold: more is kept, but doubtful. ``detection`` is the share of
    those who pass that a counter counts, ``accuracy`` by which share (a standard deviation) that may be off; of a count of the
    people in a zone, by which share each figure is off.
    """

    key: str
    name: Text
    place: str
    kind: str
    measures: list[str]
    interval: str
    owner: str
    purpose: Text
    legal_ground: str
    personal_data: bool
    valid_from: date | datetime
    valid_until: date | datetime
    max_per_interval: float = math.inf
    detection: float | None = None
    accuracy: float | None = None
    source_id: str | None = None
    privacy_url: str | None = None
    impact_assessment: str | None = None


class Ground(_Table, frozen=True):
    """Where the tracks of a device lie: what it tells in metres, or in shares of its picture, on the map.

    ``view``: the view of ``places.geojson`` that it sees. ``origin``: longitude and latitude of its (0, 0); ``bearing_deg``:
    which way its y axis points, clockwise from north; its x axis is a quarter turn clockwise from there. ``homography``: three
    rows of three that map shares (x, y, 1) of a picture to these metres, up to scale; only for formats that tell pictures.
    ``rate_hz``: frames a second. ``error_m``: how far a position may be off (a standard deviation).
    """

    view: str
    origin: list[float]
    rate_hz: float
    bearing_deg: float = 0.0
    homography: list[list[float]] | None = None
    error_m: float = 0.1


SENSORTHINGS = "sensorthings"
"""The format of a device that speaks the SensorThings API itself; every other format is a vendor's payload."""


class DeviceEntry(_Table, frozen=True):
    """What may send: a device, which speaks for the ``sensors`` of the register that it names, and for no others.

    ``format``: ``SENSORTHINGS``, or a vendor's payload, which comes on the MQTT ``topic``. ``per_minute``: the most messages.
    ``signing_key``: an Ed25519 public key (base64url of its 32 bytes); with it every message must be signed. ``ground``: where
    its tracks lie, of a device that tells tracks; without it they are dropped.
    """

    key: str
    name: Text
    format: str
    sensors: list[str]
    per_minute: float = 600.0
    signing_key: str | None = None
    topic: str | None = None
    ground: Ground | None = None


class SensorsFile(_Table, frozen=True):
    """``sensors.toml``."""

    format: int
    sensor: list[SensorEntry] = []
    device: list[DeviceEntry] = []


class AlgorithmEntry(_Table, frozen=True):
    """One entry of the algorithm register. ``key`` is the name by which the software runs it."""

    key: str
    version: str
    name: Text
    goal: Text
    kind: str
    owner: str
    status: str
    human_intervention: Text
    risks: Text
    lawful_basis: str
    valid_from: date | datetime
    valid_until: date | datetime


class AlgorithmsFile(_Table, frozen=True):
    """``algorithms.toml``."""

    format: int
    algorithm: list[AlgorithmEntry] = []


class ActionEntry(_Table, frozen=True):
    """What a measure, or a scenario, does to the crowd: ``do`` says what, the other fields to what and how much.

    ``way``: ``in``, ``out`` or ``both``; of a gate, in is *from* its ``from`` *to* its ``to``, of a zone into it. ``from`` and
    ``until``: a local time, "21:30", or so long after the decision, "+10m"; left out: from when the measure works to its end.
    """

    do: str
    gate: str | None = None
    zone: str | None = None
    to_gate: str | None = None
    event: str | None = None
    way: str = "both"
    per_minute: float | None = None
    share: float | None = None
    width_m: float | None = None
    by: str | None = None
    from_: str | None = msgspec.field(name="from", default=None)
    until: str | None = None


class MeasureEntry(_Table, frozen=True):
    """A measure of the playbook. ``priorities``: for which warnings it is proposed; ``places``: where (empty: everywhere).

    ``takes``: how long it takes until it works; ``lasts``: how long it then works (left out: until further notice). ``action``:
    what it does to the crowd, as far as that can be reckoned; ``includes``: other measures that are taken with it.
    """

    key: str
    name: Text
    text: Text
    decides: Text
    priorities: list[int]
    places: list[str] = []
    takes: str = "0m"
    lasts: str | None = None
    includes: list[str] = []
    action: list[ActionEntry] = []


class PlaybookFile(_Table, frozen=True):
    """``playbook.toml``."""

    format: int
    measure: list[MeasureEntry] = []


class ScenarioFile(_Table, frozen=True):
    """A scenario in a file of its own: measures of the playbook, and actions besides."""

    format: int
    name: Text
    measures: list[str] = []
    action: list[ActionEntry] = []


class EventEntry(_Table, frozen=True):
    """A planned gathering. Events of one ``series`` resemble each other: the last ones tell what the next will be like.

    ``gates_open`` and ``sold``: its zones are closed and empty until then, and hold who has a ticket when it starts.
    """

    key: str
    name: Text
    start: datetime
    end: datetime
    series: str | None = None
    expected_visitors: int | None = None
    gates_open: datetime | None = None
    sold: int | None = None
    places: list[str] = []


class ArrivalEntry(_Table, frozen=True):
    """A train, tram or ferry beyond the usual timetable: so many ``people`` arrive at ``at`` and pass its ``places``
    ``within`` a time.
    """

    key: str
    at: datetime
    people: int
    places: list[str] = []
    within: str = "15m"


class SchoolHolidayEntry(_Table, frozen=True):
    """School holidays: the ``first`` and the ``last`` day without school, local dates."""

    key: str
    first: date
    last: date


class CalendarFile(_Table, frozen=True):
    """``calendar.toml``."""

    format: int
    event: list[EventEntry] = []
    arrival: list[ArrivalEntry] = []
    school_holiday: list[SchoolHolidayEntry] = []
