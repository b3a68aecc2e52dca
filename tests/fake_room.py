"""A room with invented figures, for tests of the pages: an evening of 31 December in a small city that does not exist.

``python tests/fake_room.py [PORT]`` serves it, one tick a second.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from shapely.geometry import Point, box

from fake_compare import fake_comparison, fake_effect
from fake_report import fake_evening
from ruimte.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US, iso, to_us
from ruimte.errors import RuimteError
from ruimte.intake.notes import check_note
from ruimte.jobs.compared import CompareView
from ruimte.jobs.crowd_view import CrowdView
from ruimte.jobs.keeping import judge_figure
from ruimte.jobs.room import (
    Ahead,
    Chance,
    Change,
    DistanceView,
    LoadView,
    LogView,
    MeasureView,
    SensorView,
    Series,
    SkillView,
    Status,
    WarningView,
    ZoneView,
)
from ruimte.jobs.words import Words as Sentences
from ruimte.lab.field_reports import report_sensors
from ruimte.lab.files import FieldReports, LabFile, MeasureEntry, Text, Ticks
from ruimte.lab.lab import CountPoint, Lab, Zone
from ruimte.model.role import ROLE_NAMES, Actor
from ruimte.report.after_action import after_action
from ruimte.report.words import Words
from ruimte.store.accounts import Account, Session
from ruimte.store.records import LogEntry
from ruimte.text import LANGUAGES, pick

START_US = to_us(datetime(2019, 12, 31, 19, 45, tzinfo=UTC))
MIDNIGHT_US = to_us(datetime(2019, 12, 31, 23, 0, tzinfo=UTC))
TICK_US = 15 * MINUTE_US
LOOK_BACK_US = 72 * HOUR_US
FORECAST_SINCE_US = 60 * HOUR_US
HORIZON_US = 4 * HOUR_US
SERVICE = {"B": 0.31, "C": 0.43, "D": 0.72, "E": 1.08, "F": 2.17}
LEVELS = ("A", "B", "C", "D", "E", "F")
PERCENTILES = ("normal", "P90", "P95", "P99")


@dataclass(frozen=True)
class Spot:
    """An invented place: its usual busiest figure, how much the night adds, and where it lies."""

    key: str
    name: Text
    usual: float
    night: float
    at: tuple[float, float]
    area_m2: float | None = None
    silent: bool = False


SPOTS = (
    Spot("boulevard-north", {"en": "Boulevard north", "nl": "Boulevard noord"}, 600, 900, (4.2790, 52.1155), 2400),
    Spot("boulevard-middle", {"en": "Boulevard middle", "nl": "Boulevard midden"}, 1100, 4200, (4.2750, 52.1130), 2400),
    Spot("boulevard-south", {"en": "Boulevard south", "nl": "Boulevard zuid"}, 500, 700, (4.2710, 52.1105), 2400),
    Spot("station-square", {"en": "Station square", "nl": "Stationsplein"}, 900, 1500, (4.2830, 52.1105), 1900),
    Spot("market", {"en": "Market", "nl": "Markt"}, 350, 150, (4.2785, 52.1085), 2000),
    Spot("harbour-street", {"en": "Harbour Street", "nl": "Havenstraat"}, 1200, 1100, (4.2732, 52.1092)),
    Spot("church-street", {"en": "Church Street", "nl": "Kerkstraat"}, 900, 300, (4.2765, 52.1102)),
    Spot(
        "long-street-east",
        {"en": "Long Street at the cinema (east)", "nl": "Langestraat bij de bioscoop (oost)"},
        1800,
        1900,
        (4.2800, 52.1120),
    ),
    Spot(
        "long-street-west",
        {"en": "Long Street at the cinema (west)", "nl": "Langestraat bij de bioscoop (west)"},
        1500,
        1700,
        (4.2800, 52.1120),
    ),
    Spot("mill-lane", {"en": "Mill Lane", "nl": "Molensteeg"}, 260, 20, (4.2812, 52.1078)),
    Spot("new-bridge", {"en": "New Bridge", "nl": "Nieuwe Brug"}, 700, 350, (4.2850, 52.1090), silent=True),
    Spot("theatre-walk", {"en": "Theatre Walk", "nl": "Theaterpad"}, 480, 60, (4.2748, 52.1075)),
    Spot("park-gate", {"en": "Park gate", "nl": "Parkingang"}, 320, 40, (4.2700, 52.1080)),
)
SENSORS = {
    "boulevard-middle": (("fine", 1.0), ("drifting", 1.4), ("silent", None), ("lying", 0.6), ("missing", None)),
    "market": (("fine", 1.4), ("fine", 1.0)),
    "new-bridge": (("silent", None),),
}
"""Of each spot the condition and the imbalance of its sensors; elsewhere one that is fine."""
TOLD = {
    "fine": (
        "Tells what its neighbours and its past make likely.",
        "Meldt wat zijn buren en zijn verleden waarschijnlijk maken.",
    ),
    "left-out": ("Not heard, or not believable then: its share was estimated.", "Niet gehoord, of toen niet geloofwaardig."),
    "drifting": ("Counts 14% fewer people than it used to.", "Telt 14% minder mensen dan vroeger."),
    "silent": ("Not heard since 31 Dec 06:00.", "Niets gehoord sinds 31 dec 06:00."),
    "lying": ("Suddenly counts 45% fewer people than it used to.", "Telt ineens 45% minder mensen dan vroeger."),
    "stuck": ("Told 12 for 9 intervals in a row.", "Meldde 9 keer op rij 12."),
    "missing": ("No sensor watches this gate.", "Geen sensor bewaakt deze doorgang."),
}
TROUBLE = ("missing", "lying", "stuck", "silent", "doubtful", "drifting", "new", "fine")
BY_KEY = {spot.key: spot for spot in SPOTS}
MEASURES = (
    MeasureEntry(
        key="stewards",
        name={"en": "Send stewards", "nl": "Stewards inzetten"},
        text={"en": "Two stewards to the narrow end, to keep people walking.", "nl": "Twee stewards naar de versmalling."},
        decides={"en": "crowd manager", "nl": "crowdmanager"},
        priorities=[1, 2, 3],
    ),
    MeasureEntry(
        key="one-way",
        name={"en": "One-way walking", "nl": "Eenrichtingsverkeer voor voetgangers"},
        text={"en": "Close the north side; signs at both ends.", "nl": "Noordzijde dicht; borden aan beide kanten."},
        decides={"en": "duty officer of the police", "nl": "officier van dienst politie"},
        priorities=[1, 2],
    ),
    MeasureEntry(
        key="screens",
        name={"en": "Text on the screens", "nl": "Tekst op de schermen"},
        text={"en": "Point visitors to the other route.", "nl": "Verwijs bezoekers naar de andere route."},
        decides={"en": "crowd manager", "nl": "crowdmanager"},
        priorities=[3],
    ),
)


def fake_lab(tiles: str = "none") -> Lab:
    """The lab of the invented city."""
    file = LabFile(
        format=1,
        key="fake",
        name={"en": "Seaside (invented)", "nl": "Badplaats (verzonnen)"},
        organisation="Example",
        contact="lab@example.org",
        time_zone="Europe/Amsterdam",
        attribution="invented figures",
        synthetic=True,
        ticks=Ticks(length="15m"),
        field_reports=FieldReports(legal_ground="invented", valid_from=date(2019, 1, 1), valid_until=date(2029, 1, 1)),
    )
    file = msgspec.structs.replace(file, map=msgspec.structs.replace(file.map, tiles=tiles))
    zones, points = {}, {}
    for spot in SPOTS:
        lon, lat = spot.at
        if spot.area_m2:
            polygon = box(lon - 0.0017, lat - 0.0008, lon + 0.0017, lat + 0.0008)
            zones[spot.key] = Zone(spot.key, spot.name, polygon, spot.area_m2, None, None, None)
        else:
            points[spot.key] = CountPoint(spot.key, spot.name, Point(lon, lat), None, None)
    measures = {measure.key: measure for measure in MEASURES}
    return Lab(
        Path("fake"), file, ZoneInfo("Europe/Amsterdam"), zones, {}, points, report_sensors(file, zones), {}, {}, measures, ()
    )


def figure(spot: Spot, at_us: int) -> float:
    """Persons (zones) or persons an hour: a usual day, and the crowd that comes for midnight."""
    hour = (at_us / HOUR_US + 1) % 24
    day = 0.08 + 0.92 * math.exp(-(((hour - 15.5) / 4.2) ** 2))
    night = math.exp(-(((at_us - MIDNIGHT_US) / HOUR_US / 1.6) ** 2))
    wobble = 1 + 0.06 * math.sin(at_us / HOUR_US * 2.7 + len(spot.key))
    return (spot.usual * day + spot.night * night) * wobble


def thresholds(spot: Spot) -> dict[str, float]:
    """By level, in the spot's own unit."""
    if spot.area_m2:
        return {level: density * spot.area_m2 for level, density in SERVICE.items()}
    return {"P90": spot.usual * 0.85, "P95": spot.usual * 1.0, "P99": spot.usual * 1.3}


def level_of(spot: Spot, value: float) -> tuple[str, int]:
    """The level and its place in the palette."""
    names = LEVELS if spot.area_m2 else PERCENTILES
    rank = sum(value >= threshold for threshold in thresholds(spot).values())
    return names[rank], rank if spot.area_m2 else (0, 3, 4, 5)[rank]


def risk(spot: Spot, at_us: int, within_us: int = HORIZON_US) -> Ahead | None:
    """The highest level that is reached now or in the coming hours, and when first."""
    best: Ahead | None = None
    for step in range(within_us // TICK_US + 1):
        valid_us = at_us + step * TICK_US
        value = figure(spot, valid_us)
        level, colour = level_of(spot, value)
        if colour < 3 or (best and colour - 3 <= best.rank):
            continue
        over = value / thresholds(spot)[level]
        best = Ahead(
            level=level,
            rank=colour - 3,
            probability=min(0.99, 0.45 + (over - 1) * 1.6),
            at=iso(valid_us),
        )
    return best


SKILL = (
    {"from_h": 0, "until_h": 1, "error": 0.121, "last_week": 0.186, "profile": 0.149, "within": 0.903, "pairs": 112},
    {"from_h": 1, "until_h": 3, "error": 0.138, "last_week": 0.191, "profile": 0.187, "within": 0.897, "pairs": 224},
    {"from_h": 3, "until_h": 6, "error": 0.142, "last_week": 0.19, "profile": 0.241, "within": None, "pairs": 336},
)


CAVEATS = {
    "harbour-street": {
        "en": "The level here has just changed: the past tells little. The forecast follows the last days, in a wide interval.",
        "nl": "Het niveau is hier net veranderd: het verleden zegt weinig. De verwachting volgt de laatste dagen, ruim.",
    }
}
"""Of each spot what is to be known about its forecast; elsewhere nothing."""


@dataclass
class FakeRoom:
    """Keeps the contract of ``ruimte.jobs.room.Room`` with figures made on the spot."""

    lab: Lab = field(default_factory=fake_lab)
    now_us: int = START_US
    phase: str = "running"
    heard: bool = True
    sequence: int = 1
    queues: list[asyncio.Queue[Change]] = field(default_factory=list)
    seen_crowds: Callable[[str], list[CrowdView]] = lambda language: []
    decisions: dict[int, tuple[str, str | None, str]] = field(default_factory=dict)
    acknowledged: dict[int, str] = field(default_factory=dict)
    shelved: dict[int, int] = field(default_factory=dict)
    taken: dict[int, tuple[str, int]] = field(default_factory=dict)
    lines: list[tuple[int, str, str | None, dict[str, str], str, str | None]] = field(default_factory=list)
    begun: dict[int, tuple[Spot, int]] = field(default_factory=dict)
    conditions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._log("start", None, {"en": "The room was opened.", "nl": "De ruimte is geopend."}, None)
        self._open_warnings()

    def status(self) -> Status:
        progress = 1.0 if self.phase != "starting" else 0.4
        time = iso(self.now_us)
        return Status(mode="replay", phase=self.phase, progress=progress, time=time, speed=900.0, sequence=self.sequence)

    async def compare(self, subject: int | str, language: str, also: Sequence[str] = (), minutes: int = 60) -> CompareView:
        if isinstance(subject, int) and subject not in self.begun:
            raise RuimteError("is closed or does not exist", f"warning {subject}", "reload the list")
        view = self._warning(subject, language, self.now_us) if isinstance(subject, int) else None
        place, level = (view.place, view.level) if view else (str(subject), "E")
        measures = dict.fromkeys([*(each.key for each in view.measures if view), *also]) if view else self.lab.measures
        id_ = view.id if view else None
        return fake_comparison(
            self.lab, place, level, id_, list(measures), language, self.now_us, lambda key, at: figure(BY_KEY[key], at)
        )

    def span(self) -> tuple[int, int]:
        return START_US - LOOK_BACK_US, self.now_us

    def zones(self, language: str, at_us: int | None = None) -> list[ZoneView]:
        if self.phase == "starting":
            return []
        return [self._zone(spot, language, at_us or self.now_us) for spot in SPOTS]

    def sensors(self, language: str) -> list[SensorView]:
        views = [view for spot in SPOTS for view in self._sensors(spot, language, self.now_us)]
        return sorted(views, key=lambda view: (TROUBLE.index(view.condition), view.name))

    def series(self, key: str, language: str, at_us: int | None = None, hours: float = 24.0) -> Series:
        spot, now_us = BY_KEY[key], at_us or self.now_us
        past = range(now_us - int(hours * HOUR_US), now_us + 1, TICK_US)
        ahead = range(now_us + TICK_US, now_us + HORIZON_US + 1, TICK_US)
        known = [None if spot.silent and t > START_US - 3 * HOUR_US else figure(spot, t) for t in past]
        expected = [figure(spot, t) for t in ahead]
        spread = [0.06 + 0.1 * math.sqrt((t - now_us) / HOUR_US) for t in ahead]

        def band(share: float) -> list[float | None]:
            return [max(0.0, value * (1 + share * by)) for value, by in zip(expected, spread, strict=True)]

        return Series(
            key=key,
            name=pick(spot.name, language),
            unit="persons" if spot.area_m2 else "persons/h",
            table="fruin-walkway" if spot.area_m2 else "unusual",
            limits={level: [limit] * (len(past) + len(ahead)) for level, limit in thresholds(spot).items()},
            issued=now_us // SECOND_US,
            past_t=[t // SECOND_US for t in past],
            past=list(known),
            past_q05=[value and value * 0.96 for value in known],
            past_q95=[value and value * 1.04 for value in known],
            ahead_t=[t // SECOND_US for t in ahead],
            ahead_q05=band(-1.64),
            ahead_q25=band(-0.67),
            ahead_q50=list(expected),
            ahead_q75=band(0.67),
            ahead_q95=band(1.64),
            skill=[] if spot.silent else [SkillView(**each) for each in SKILL],
            effects=[
                fake_effect(self.lab, measure, decided_us, now_us, language, lambda at: figure(spot, at))
                for warning, (measure, decided_us) in self.taken.items()
                if self.begun[warning][0] is spot and decided_us <= now_us and spot.area_m2
            ],
        )

    def warnings(self, language: str, at_us: int | None = None) -> list[WarningView]:
        now_us = at_us or self.now_us
        views = [self._warning(id_, language, now_us) for id_, (_, opened) in self.begun.items() if opened <= now_us]
        order = {"open": 0, "acknowledged": 1, "closed": 2}
        return sorted(views, key=lambda view: (order[view.phase], view.priority, view.id))

    def logbook(self, language: str, before: int | None = None, limit: int = 50) -> list[LogView]:
        views = [
            LogView(
                id=n, time=iso(t), wall_time=iso(t), kind=kind, place=place, warning=None, text=text[language], who=who, name=name
            )
            for n, (t, kind, place, text, who, name) in enumerate(self.lines, 1)
        ]
        return [view for view in reversed(views) if before is None or view.id < before][:limit]

    async def write_note(self, actor: Actor, text: str, place: str | None = None) -> None:
        text = check_note(text)
        self._log("note", place, {"en": text, "nl": text}, actor)
        self.tell("changed")

    async def write_act(self, actor: Actor, kind: str, body: dict[str, Any]) -> None:
        entry = LogEntry(lab_us=self.now_us, wall_us=self.now_us, kind=kind, who=actor.role, body=body)
        self._log(kind, None, {language: Sentences(self.lab, language).log(entry) for language in LANGUAGES}, actor)
        self.tell("changed")

    async def report_count(self, actor: Actor, place: str, low: float, high: float, note: str = "") -> None:
        if place not in self.lab.zones:
            raise RuimteError("takes no field reports", place, "choose a zone")
        people = judge_figure(low, high, 0.25, self.lab.zones[place].area_m2 * 5.4).people
        name = self.lab.zones[place].name
        told = {"en": "Field report", "nl": "Veldmelding"}
        text = {language: f"{word}: {pick(name, language)}, {people:.0f}" for language, word in told.items()}
        self._log("field-report", place, text, actor)
        self.tell("changed")

    def log_file(self, kind: str, language: str, from_us: int, until_us: int, notice: str = "") -> str:
        told = reversed(self.logbook(language, limit=1000))
        lines = [f"{line.time} {line.text}" for line in told if iso(from_us) <= line.time < iso(until_us)]
        return "\n".join(lines) if kind == "csv" else f'<html lang="{language}"><p>{notice}</p>{"<br>".join(lines)}</html>'

    def after_action(self, language: str, from_us: int, until_us: int) -> str:
        return after_action(fake_evening(self, language, from_us, until_us), Words(language, self.lab.zone))

    async def acknowledge(self, warning: int, actor: Actor) -> None:
        if warning in self.acknowledged:
            raise RuimteError("the warning has been acknowledged already", str(warning), "reload the page")
        self.acknowledged[warning] = ROLE_NAMES[actor.role]["en"]
        name = self.begun[warning][0].name
        text = {"en": f"Acknowledged: {pick(name, 'en')}", "nl": f"Bevestigd: {pick(name, 'nl')}"}
        self._log("acknowledged", self.begun[warning][0].key, text, actor)
        self.tell("changed")

    async def decide(self, warning: int, actor: Actor, answer: str, note: str = "", before: str | None = None) -> None:
        if self.decisions.get(warning, ("", None, ""))[1] != before:
            raise RuimteError("was answered by someone else", str(warning), "look at that answer first")
        who = ROLE_NAMES[actor.role]["en"]
        self.acknowledged.setdefault(warning, who)
        self.decisions[warning] = (who, answer, note)
        if answer in self.lab.measures:
            self.taken[warning] = (answer, self.now_us)
        told = {"declined": ("Declined", "Afgewezen"), "seen": ("Seen, nothing done", "Gezien, niets gedaan")}
        en, nl = told.get(answer, ("Measure taken", "Maatregel genomen"))
        detail = f": {'' if answer in told else answer} {note}".rstrip(": ")
        self._log("decided", self.begun[warning][0].key, {"en": en + detail, "nl": nl + detail}, actor)
        self.tell("changed")

    def load(self) -> LoadView:
        alarms = len(self.begun)
        return LoadView(alarms=alarms, operators=1, each=float(alarms), heavy=alarms > 6, too_heavy=alarms > 12)

    async def shelve(self, warning: int, actor: Actor, minutes: int, note: str = "") -> None:
        self.acknowledged.setdefault(warning, ROLE_NAMES[actor.role]["en"])
        self.shelved[warning] = self.now_us + minutes * MINUTE_US
        en, nl = f"Put aside for {minutes} minutes {note}", f"{minutes} minuten opzijgezet {note}"
        self._log("shelved", self.begun[warning][0].key, {"en": en.rstrip(), "nl": nl.rstrip()}, actor)
        self.tell("changed")

    async def unshelve(self, warning: int, actor: Actor) -> None:
        self.shelved.pop(warning, None)
        self._log("unshelved", self.begun[warning][0].key, {"en": "Is back", "nl": "Is terug"}, actor)
        self.tell("changed")

    async def forget_names(self, actor: Actor) -> int:
        self.lines = [(*line[:5], None) for line in self.lines]
        return len(self.lines)

    def crowds(self, language: str) -> list[CrowdView]:
        return self.seen_crowds(language)

    def listen(self) -> asyncio.Queue[Change]:
        queue: asyncio.Queue[Change] = asyncio.Queue(64)
        self.queues.append(queue)
        return queue

    def unlisten(self, queue: asyncio.Queue[Change]) -> None:
        self.queues.remove(queue)

    def tell(self, kind: str) -> None:
        """Tell all who listen."""
        self.sequence += 1
        for queue in self.queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(Change(kind=kind, sequence=self.sequence))

    def step(self) -> None:
        """One tick further."""
        self.now_us += TICK_US
        self._open_warnings()
        self.tell("state")
        self.tell("changed")

    def _zone(self, spot: Spot, language: str, at_us: int) -> ZoneView:
        silent = not self.heard or (spot.silent and at_us > START_US - 3 * HOUR_US)
        mean = None if silent else figure(spot, at_us)
        level, colour = (None, 0) if mean is None else level_of(spot, mean)
        return ZoneView(
            key=spot.key,
            name=pick(spot.name, language),
            kind="zone" if spot.area_m2 else "count_point",
            unit="persons" if spot.area_m2 else "persons/h",
            time=iso(at_us),
            mean=mean,
            q05=mean and mean * 0.96,
            q25=mean and mean * 0.98,
            q75=mean and mean * 1.02,
            q95=mean and mean * 1.04,
            density=mean / spot.area_m2 if mean and spot.area_m2 else None,
            inflow=600.0 if spot.area_m2 and not silent else None,
            inflow_sd=40.0 if spot.area_m2 and not silent else None,
            outflow=540.0 if spot.area_m2 and not silent else None,
            outflow_sd=35.0 if spot.area_m2 and not silent else None,
            observed=0.0 if silent else 1.0,
            age_s=3 * 3600.0 if silent else 60.0,
            silent=silent,
            table="fruin-walkway" if spot.area_m2 else "unusual",
            level=level,
            colour=colour,
            abnormal=colour >= 3,
            thresholds=thresholds(spot),
            chances={} if silent else {name: 0.9 if mean and mean > limit else 0.1 for name, limit in thresholds(spot).items()},
            sensors=[f"{spot.key}-1"],
            rests_on=self._sensors(spot, language, at_us),
            distance=DistanceView(distance_m=1.5, capacity=spot.area_m2 / 1.95, exceeded=0.25) if spot.area_m2 else None,
            forecast=not silent and at_us >= START_US - FORECAST_SINCE_US,
            caveats=[CAVEATS[spot.key][language]] if spot.key in CAVEATS and at_us == self.now_us else [],
            ahead=None if silent else risk(spot, at_us),
            soon=None if silent else risk(spot, at_us, HOUR_US),
        )

    def _sensors(self, spot: Spot, language: str, at_us: int) -> list[SensorView]:
        """As they are; of the past only whether they were used. ``conditions`` puts others in place of the usual ones."""
        views = []
        for number, (usual, imbalance) in enumerate(SENSORS.get(spot.key, (("fine", None),)), 1):
            key = f"{spot.key}-{number}"
            condition, is_now = self.conditions.get(key, usual), at_us == self.now_us
            used = condition in ("fine", "drifting", "lying")
            if not is_now and condition != "missing":
                condition = "fine" if used else "silent"
            view = SensorView(
                key=key,
                name=f"{pick(spot.name, language)} {number}",
                condition=condition,
                since=iso(START_US - 14 * HOUR_US) if is_now and condition not in ("fine", "missing") else None,
                heard_s=None if condition == "missing" or not is_now else 14 * 3600.0 if condition == "silent" else 60.0,
                used=used,
                imbalance=imbalance if is_now else None,
                told=TOLD["left-out" if condition == "silent" and not is_now else condition][language == "nl"],
            )
            views.append(view)
        return sorted(views, key=lambda view: TROUBLE.index(view.condition))

    def _open_warnings(self) -> None:
        warned = {spot.key for spot, _ in self.begun.values()}
        for spot in SPOTS:
            ahead = None if spot.silent else risk(spot, self.now_us)
            if spot.key not in warned and ahead and ahead.probability >= 0.5:
                self.begun[len(self.begun) + 1] = (spot, self.now_us)
                text = {"en": f"Warning: {pick(spot.name, 'en')}", "nl": f"Waarschuwing: {pick(spot.name, 'nl')}"}
                self._log("opened", spot.key, text, None)

    def _warning(self, id_: int, language: str, now_us: int) -> WarningView:
        spot, opened_us = self.begun[id_]
        ahead = risk(spot, now_us)
        _, measure, _ = self.decisions.get(id_, (None, None, ""))
        level, rank, probability, at = (ahead.level, ahead.rank, ahead.probability, ahead.at) if ahead else ("", 0, 0.0, "")
        closed = ahead is None
        phase = "closed" if closed else "acknowledged" if id_ in self.acknowledged else "open"
        valid_us = to_us(datetime.fromisoformat(at)) if at else now_us
        expected = figure(spot, valid_us)
        told = {
            "en": [f"Already {figure(spot, now_us):.0f}, and the evening has just begun.", "New Year's Eve is in the calendar."],
            "nl": [f"Nu al {figure(spot, now_us):.0f}, en de avond begint net.", "Oudjaarsavond staat in de kalender."],
        }
        declined = {"en": "No measure taken", "nl": "Geen maatregel genomen"}
        seen = {"en": "Seen, nothing done", "nl": "Gezien, niets gedaan"}
        taken = next((entry.name for entry in MEASURES if entry.key == measure), seen if measure == "seen" else declined)
        until_us = self.shelved.get(id_, 0)
        return WarningView(
            id=id_,
            place=spot.key,
            place_name=pick(spot.name, language),
            table="fruin-walkway" if spot.area_m2 else "unusual",
            level=level or ("D" if spot.area_m2 else "P90"),
            colour=rank + 3,
            priority=3 - rank,
            phase=phase,
            opened=iso(opened_us),
            updated=iso(now_us),
            closed=iso(now_us) if closed else None,
            probability=probability,
            expected_at=at or iso(now_us),
            lead_s=(valid_us - now_us) / SECOND_US,
            unit="persons" if spot.area_m2 else "persons/h",
            threshold=thresholds(spot).get(level, 0.0),
            expected=expected if valid_us > now_us else None,
            now=figure(spot, now_us),
            reasons=told[language],
            measures=[_view(entry, language) for entry in MEASURES if 3 - rank in entry.priorities],
            acknowledged_by=self.acknowledged.get(id_),
            decision=pick(taken, language) if id_ in self.decisions else None,
            answer=measure,
            outlook=[Chance(at=iso(now_us + k * TICK_US), probability=probability * min(1.0, (k + 1) / 3)) for k in range(5)],
            earliest=iso(now_us + TICK_US) if probability >= 0.1 else None,
            latest=iso(now_us + 4 * TICK_US) if probability >= 0.9 else None,
            situation=1 if id_ in (1, 2) else id_,
            first=id_ != 2,
            began=pick(self.begun[1 if id_ == 2 else id_][0].name, language),
            surge=False,
            shelved_until=iso(until_us) if until_us > now_us else None,
            escalated=None,
        )

    def _log(self, kind: str, place: str | None, text: dict[str, str], actor: Actor | None) -> None:
        who, name = ("node", None) if actor is None else (ROLE_NAMES[actor.role]["en"], actor.name)
        self.lines.append((self.now_us, kind, place, text, who, name))


def _view(entry: MeasureEntry, language: str) -> MeasureView:
    name, text, decides = (pick(each, language) for each in (entry.name, entry.text, entry.decides))
    return MeasureView(key=entry.key, name=name, text=text, decides=decides)


@dataclass
class FakeAccounts:
    """Accounts in memory. ``auto``: whoever comes from this machine gets a session."""

    auto: bool = True
    password: str | None = None
    user: Actor = field(default_factory=lambda: Actor("Jo Jansen", "manager"))
    local: bool = True
    held: dict[str, Actor] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)

    @property
    def has_password(self) -> bool:
        return self.password is not None

    def welcome(self) -> str:
        token = secrets.token_urlsafe()
        self.held[token] = self.user
        return token

    def actor(self, token: str) -> Actor | None:
        return self.held.get(token)

    def sign_in(self, name: str, password: str) -> str | None:
        fits = self.password is not None and (name, password) == (self.user.name, self.password)
        return self.welcome() if fits else None

    def redeem(self, one_time_token: str) -> str | None:
        if one_time_token not in self.links:
            return None
        self.links.remove(one_time_token)
        return self.welcome()

    def begin(self, subject: str, actor: Actor) -> str:
        self.user = actor
        return self.welcome()

    def sign_out(self, token: str) -> None:
        self.held.pop(token, None)

    def sessions(self, token: str) -> list[Session]:
        mine = [each for each, holder in self.held.items() if holder == self.held.get(token)]
        return [Session(each[:6], "link", START_US, START_US, START_US + 7 * DAY_US, each == token) for each in mine]

    def end(self, token: str, id_: str) -> None:
        for each in [each for each in self.held if each[:6] == id_]:
            del self.held[each]

    def account(self, token: str) -> Account | None:
        return Account(self.user.name, self.user.role, self.password is not None, START_US) if self.local else None

    def knows_password(self, token: str, password: str) -> bool | None:
        return None if self.password is None else password == self.password

    def set_password(self, token: str, password: str) -> str:
        self.password = password
        self.held.clear()
        return self.welcome()


async def _serve(port: int, tick_s: float) -> None:
    from ruimte.web.app import create_app
    from ruimte.web.server import page_server
    from ruimte.web.settings import WebSettings

    room = FakeRoom()
    server = page_server(create_app(room, FakeAccounts(), WebSettings()), port)
    serving = asyncio.create_task(server.serve())
    while not serving.done():
        await asyncio.sleep(tick_s)
        if room.now_us < MIDNIGHT_US + 3 * HOUR_US:
            room.step()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]) if len(sys.argv) > 1 else 8000, float(sys.argv[2]) if len(sys.argv) > 2 else 1.0))
