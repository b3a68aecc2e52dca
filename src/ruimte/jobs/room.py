"""What a control room shows and does: the contract between the live job and the web.

The live job keeps a ``Room``; the web only reads it and passes decisions on. Everything here is what a browser gets as JSON, so
times are ISO 8601 UTC text and units are the page's: persons, and persons an hour for flows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from ruimte.jobs.compared import CompareView, Effect
from ruimte.jobs.crowd_view import CrowdView
from ruimte.lab.lab import Lab
from ruimte.model.role import Actor

Mode = Literal["live", "replay"]


class _View(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Status(_View, frozen=True, kw_only=True):
    """Where the node stands. ``phase`` is "starting" until the first state is there; ``progress`` 0–1 while it starts."""

    mode: Mode
    phase: Literal["starting", "running", "ended"]
    progress: float
    time: str
    speed: float
    sequence: int


class Ahead(_View, frozen=True, kw_only=True):
    """The highest risk within the lab's look-ahead: the level most likely to be passed and when."""

    level: str
    rank: int
    probability: float
    at: str


class SensorView(_View, frozen=True, kw_only=True):
    """One sensor: its ``condition`` ("new", "fine", "doubtful", "silent", "stuck", "drifting" or "lying"), in words with the
    evidence and what the picture does without it (``told``).

    ``used`` is whether the figure rests on it; ``imbalance`` how many times more it counts in than out for the same number of
    people, None where that is not known. ``key`` may be that of a gate that no sensor watches: then ``condition`` is "missing".
    """

    key: str
    name: str
    condition: str
    since: str | None
    heard_s: float | None
    used: bool
    imbalance: float | None
    told: str


class DistanceView(_View, frozen=True, kw_only=True):
    """How many fit at the lab's set distance, and the chance that more are there."""

    distance_m: float
    capacity: float
    exceeded: float | None


class ZoneView(_View, frozen=True, kw_only=True):
    """State of one place (zone or count point) at a time.

    ``unit`` is "persons" or "persons/h". ``level`` is a name of ``table`` ("A"–"F", or "normal", "P90", "P95", "P99");
    ``colour`` 0–5 is its place in the palette A–F; ``abnormal`` whether colour should call. ``mean`` is None where the state is
    not known; ``silent`` says that no sensor is heard, and then there is no level. ``thresholds`` in the unit, by level name.
    ``chances``: of every level with a threshold, the chance to be in it or above. ``q25`` and ``q75`` as ``q05`` and ``q95``;
    ``inflow`` and ``outflow`` in persons/h with their standard deviations. ``rests_on``: the sensors that tell of the place, and
    how. ``distance`` is None where the lab sets none. ``forecast`` is whether a forecast was made at that time, ``caveats``
    what is to be known about it; ``ahead`` is None where it says that nothing is likely. ``soon``: the highest level that is
    likely within the next hour, by the lab's own limit; None where none is.
    """

    key: str
    name: str
    kind: Literal["zone", "count_point"]
    unit: str
    time: str
    mean: float | None
    q05: float | None
    q25: float | None
    q75: float | None
    q95: float | None
    density: float | None
    inflow: float | None
    inflow_sd: float | None
    outflow: float | None
    outflow_sd: float | None
    observed: float
    age_s: float | None
    silent: bool
    table: str
    level: str | None
    colour: int
    abnormal: bool
    thresholds: dict[str, float]
    chances: dict[str, float]
    sensors: list[str]
    rests_on: list[SensorView]
    distance: DistanceView | None
    forecast: bool
    caveats: list[str]
    ahead: Ahead | None
    soon: Ahead | None = None


class SkillView(_View, frozen=True, kw_only=True):
    """How the forecast did over the last four weeks, over one range of horizons (hours, after and until).

    ``error``: mean absolute error as a share of the mean count; ``last_week`` and ``profile``: that of "the same time last
    week" and of
    the weekly profile at the same moments. ``within``: share of what came that lay in the 90 % band. ``pairs``: forecasts judged.
    """

    from_h: float
    until_h: float
    error: float
    last_week: float
    profile: float
    within: float | None
    pairs: int


class Series(_View, frozen=True, kw_only=True):
    """One place over time, for its chart. All lists of ``past`` share one length, all of ``ahead`` another.

    Times are ends of ticks, seconds since 1970. ``ahead_q`` are the 5, 25, 50, 75 and 95 % quantiles. ``limits`` tells where each
    level starts at every one of ``past_t`` and then ``ahead_t``: a percentile of the weekday and hour changes from hour to hour.
    ``skill``: how the forecast of this place did of late, as known now; empty where that is not known yet. ``effects``: what was
    predicted for this place when measures were taken in the time shown.
    """

    key: str
    name: str
    unit: str
    table: str
    limits: dict[str, list[float | None]]
    issued: int | None
    past_t: list[int]
    past: list[float | None]
    past_q05: list[float | None]
    past_q95: list[float | None]
    ahead_t: list[int]
    ahead_q05: list[float | None]
    ahead_q25: list[float | None]
    ahead_q50: list[float | None]
    ahead_q75: list[float | None]
    ahead_q95: list[float | None]
    skill: list[SkillView]
    effects: list[Effect] = []


class MeasureView(_View, frozen=True, kw_only=True):
    """A measure that is proposed."""

    key: str
    name: str
    text: str
    decides: str


class Chance(_View, frozen=True, kw_only=True):
    """The chance of being above a level at a moment."""

    at: str
    probability: float


class WarningView(_View, frozen=True, kw_only=True):
    """A warning as a person reads it, in one language. ``reasons`` are whole sentences.

    ``probability`` is that of being above the level at ``expected_at``; ``expected`` the median forecast for that moment, None
    where that is now. ``outlook``: the same chance at every moment that is looked at; ``earliest`` and ``latest``: by when the
    level is passed with a chance of 10 and 90 %, None where that is not reached. ``situation``: the number of the warning that
    came first among neighbouring places, ``first`` whether it is this one, and ``began`` the name of its place. ``decision`` is
    in words, ``answer`` its key: who answers says which answer was there before.
    """

    id: int
    place: str
    place_name: str
    table: str
    level: str
    colour: int
    priority: int
    phase: Literal["open", "acknowledged", "closed"]
    opened: str
    updated: str
    closed: str | None
    probability: float
    expected_at: str
    lead_s: float
    unit: str
    threshold: float
    expected: float | None
    now: float | None
    reasons: list[str]
    measures: list[MeasureView]
    acknowledged_by: str | None
    decision: str | None
    answer: str | None
    outlook: list[Chance]
    earliest: str | None
    latest: str | None
    situation: int
    first: bool
    began: str
    surge: bool
    shelved_until: str | None
    escalated: str | None


class LoadView(_View, frozen=True, kw_only=True):
    """What was asked of the people on duty in the last hour: alarms in all, and for each of the ``operators``.

    ``heavy`` where that is more than a person answers well, ``too_heavy`` where it is more than can be managed.
    """

    alarms: int
    operators: int
    each: float
    heavy: bool
    too_heavy: bool


class LogView(_View, frozen=True, kw_only=True):
    """A line of the logbook, in one language. ``time`` is the lab's, ``wall_time`` the world's. ``who`` is the role; ``name`` the
    person's, None where there was none or its time is over (``retention.staff``), or where the reader may not see it."""

    id: int
    time: str
    wall_time: str
    kind: str
    place: str | None
    warning: int | None
    text: str
    who: str
    name: str | None = None


class ContributionView(_View, frozen=True, kw_only=True):
    """What a partner told about a place: ``text`` as a person reads it ("closed until 23:00"), ``party`` the organisation.

    ``now`` is whether it holds already; ``expected`` are persons, for arrivals; ``status`` is a zone's.
    """

    kind: str
    place: str
    place_name: str
    party: str
    begin: str
    end: str
    received: str
    now: bool
    text: str
    expected: int | None = None
    status: str | None = None


class Change(_View, frozen=True, kw_only=True):
    """What a listener gets: ``state`` (zones moved on), ``changed`` (warnings or logbook), ``beat`` (only that we live)."""

    kind: Literal["state", "changed", "beat"]
    sequence: int


class Room(Protocol):
    """One running lab. Methods that read are cheap; ``language`` is "en" or "nl". Unknown keys and ids raise ``RuimteError``."""

    lab: Lab

    def status(self) -> Status: ...

    def zones(self, language: str, at_us: int | None = None) -> list[ZoneView]:
        """State of all places: now, or as it was known for ``at_us`` (looking back)."""
        ...

    def sensors(self, language: str) -> list[SensorView]:
        """Every sensor on which the estimate rests, and the gates that none watches; those in trouble first."""
        ...

    def series(self, key: str, language: str, at_us: int | None = None, hours: float = 24.0) -> Series: ...

    def warnings(self, language: str, at_us: int | None = None) -> list[WarningView]:
        """Open, then acknowledged, then those closed in the last 12 hours; worst first. With ``at_us``: as they stood then."""
        ...

    def logbook(self, language: str, before: int | None = None, limit: int = 50) -> list[LogView]:
        """Newest first, from below id ``before``."""
        ...

    def crowds(self, language: str) -> list[CrowdView]:
        """What each device that tells tracks sees now; none where the lab has no such device."""
        ...

    def span(self) -> tuple[int, int]:
        """First and last moment that can be looked back to, µs."""
        ...

    def load(self) -> LoadView:
        """How much was asked of the people on duty."""
        ...

    async def compare(self, subject: int | str, language: str, also: Sequence[str] = (), minutes: int = 60) -> CompareView:
        """What measures would change in the next ``minutes``, side by side, from the newest picture.

        Of a warning (its id): those that it proposes, else the whole playbook; of a zone (its key) the whole playbook. ``also``:
        keys of others. Where nothing can be compared the view says why.
        """
        ...

    async def acknowledge(self, warning: int, actor: Actor) -> None:
        """Say that it was seen; a second time changes nothing. Durable when it returns, as all that follows."""
        ...

    async def decide(self, warning: int, actor: Actor, answer: str, note: str = "", before: str | None = None) -> None:
        """Answer a warning: the key of a measure of the playbook, ``declined``, or ``seen`` (nothing done).

        ``before``: the answer that the person saw when giving this one. Raises ``RuimteError`` where there is another by now.
        """
        ...

    async def shelve(self, warning: int, actor: Actor, minutes: int, note: str = "") -> None:
        """Put a warning aside: it comes back when the time is over, or a higher level is likely."""
        ...

    async def unshelve(self, warning: int, actor: Actor) -> None:
        """Bring back a warning that was put aside."""
        ...

    async def forget_names(self, actor: Actor) -> int:
        """Delete the names of staff whose time is over (``retention.staff``); tells how many. Durable when it returns."""
        ...

    async def write_note(self, actor: Actor, text: str, place: str | None = None) -> None:
        """Write a note into the logbook. Raises ``RuimteError`` where it is not fit for it. Durable when it returns."""
        ...

    async def write_act(self, actor: Actor, kind: str, body: dict[str, Any]) -> None:
        """Write into the logbook what somebody did elsewhere on the node: ``body`` fills the sentence of the kind. Durable."""
        ...

    async def report_count(self, actor: Actor, place: str, low: float, high: float, note: str = "") -> None:
        """Keep how many people somebody sees in a zone, from ``low`` to ``high`` (equal: about so many), for the next tick.

        Raises ``RuimteError`` where the lab takes no reports of that place, or the number cannot be. Durable when it returns.
        """
        ...

    def log_file(self, kind: Literal["csv", "html"], language: str, from_us: int, until_us: int, notice: str = "") -> str:
        """The logbook of a period to take along: CSV, or a page to print, which shows ``notice`` on a screen."""
        ...

    def after_action(self, language: str, from_us: int, until_us: int) -> str:
        """The after-action report of a period as a page. Takes seconds: call it in a thread."""
        ...

    def listen(self) -> asyncio.Queue[Change]:
        """A bounded queue of changes; a listener that lags loses the oldest, never blocks the room."""
        ...

    def unlisten(self, queue: asyncio.Queue[Change]) -> None: ...
