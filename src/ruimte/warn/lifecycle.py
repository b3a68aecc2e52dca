"""A warning's life: open → acknowledged → closed, with debounce, hysteresis, a cool-down, shelving and escalation (ISA-18.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from ruimte.clock import HOUR_US
from ruimte.errors import RuimteError
from ruimte.model.warning import Warning  # noqa: A004 - the field's own word
from ruimte.warn.decide import Risk
from ruimte.warn.passage import passage

Step = Literal["opened", "raised", "lowered", "updated", "closed", "unshelved", "escalated"]


@dataclass(frozen=True, slots=True)
class Rules:
    """When a warning opens, closes and is passed on; see ``ruimte.lab.files.Warn``."""

    open_at: float
    close_below: float
    close_after_us: int
    cool_down_us: int
    open_after_us: int = 0
    escalate_after_us: int = HOUR_US
    shelve_most_us: int = 4 * HOUR_US


class _Standing(msgspec.Struct, kw_only=True):
    warning: Warning
    calm_since_us: int | None = None


class _Quiet(msgspec.Struct, kw_only=True):
    rank: int
    until_us: int


class _Rising(msgspec.Struct, kw_only=True):
    rank: int
    since_us: int


class Book(msgspec.Struct, kw_only=True):
    """All warnings that stand, which places keep quiet until when, and what is not yet long enough likely to open.

    At most one warning a place. ``alarms_us``: when something asked for an answer, within the last hour.
    """

    next_id: int = 1
    standing: dict[str, _Standing] = {}
    quiet: dict[str, _Quiet] = {}
    rising: dict[str, _Rising] = {}
    alarms_us: list[int] = []

    def open_warnings(self) -> list[Warning]:
        """Those that stand, by id."""
        return sorted((s.warning for s in self.standing.values()), key=lambda w: w.id)

    def get(self, id_: int) -> Warning:
        """A standing warning. Raises ``RuimteError`` where it does not stand (any more)."""
        for standing in self.standing.values():
            if standing.warning.id == id_:
                return standing.warning
        raise RuimteError("is closed or does not exist", f"warning {id_}", "reload the list")

    def replace(self, warning: Warning) -> None:
        """Put in a change: a person's (acknowledged, decided, shelved), or what explains it."""
        self.standing[warning.place].warning = warning


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of one place at one look: its risks (lowest level first) and how a new or changed warning would read.

    ``known``: whether anything tells how likely the levels are. ``situation``: of a warning that would open now, the id of the
    first of its neighbours' (see ``warn.situations``); None where it would be the first itself.
    """

    place: str
    table: str
    risks: list[Risk]
    priorities: list[int]
    known: bool = True
    situation: int | None = None


def step(book: Book, rules: Rules, look: Look, now_us: int) -> tuple[Step, Warning] | None:
    """Look at one place once more. Changes ``book``; gives what happened, or None where nothing stands and nothing opens.

    - opens at the highest level whose probability reaches ``open_at``, unless the place keeps quiet for that level, or has not
      been likely for ``open_after`` yet; where the level is passed already, or in a surge, it does not wait;
    - a higher level raises it: it needs a response again, and is no longer shelved;
    - it closes (or is lowered to a level that is still likely) when the probability of its level stayed below ``close_below`` for
      ``close_after``; after that the place keeps quiet for that level and lower ones for ``cool_down``;
    - while nothing is known of the place it stays as it is: silence is not calm;
    - where it was shelved, it comes back when the time is over.

    A clock that is set back cannot keep a place quiet, calm or shelved for longer than the rules say.
    """
    likely = [risk for risk in look.risks if risk.probability >= rules.open_at or risk.surge]
    standing = book.standing.get(look.place)
    if standing is None:
        return _perhaps_open(book, rules, look, likely, now_us)
    warning = standing.warning
    if likely and likely[-1].rank > warning.rank:
        standing.calm_since_us = None
        _note_alarm(book, now_us)
        return "raised", _write(
            book,
            look,
            likely[-1],
            now_us,
            phase="open",
            acknowledged_by=None,
            acknowledged_us=None,
            decision=None,
            shelved_until_us=None,
            escalated_us=None,
        )
    own = next((risk for risk in look.risks if risk.rank == warning.rank), None)
    if not look.known:
        standing.calm_since_us = None
    elif own is None or (own.probability < rules.close_below and not own.surge):
        if standing.calm_since_us is None or standing.calm_since_us > now_us:
            standing.calm_since_us = now_us
        if now_us - standing.calm_since_us >= rules.close_after_us:
            return _calm(book, rules, look, likely, now_us)
    else:
        standing.calm_since_us = None
    back = warning.shelved_until_us is not None and _over(warning.shelved_until_us, rules.shelve_most_us, now_us)
    if own is None and not back:
        return "updated", warning
    if back:
        _note_alarm(book, now_us)
    changes = {"shelved_until_us": None, "phase": "open"} if back else {}
    if own is None or not look.known:
        standing.warning = msgspec.structs.replace(warning, updated_us=now_us, **changes)
        return ("unshelved" if back else "updated"), standing.warning
    return ("unshelved" if back else "updated"), _write(book, look, own, now_us, **changes)


def escalate(book: Book, rules: Rules, now_us: int) -> list[Warning]:
    """Pass on every warning of priority 1 that nobody acknowledged within ``escalate_after``; each once until it is raised."""
    passed_on = []
    for standing in book.standing.values():
        warning = standing.warning
        waits = warning.phase == "open" and warning.priority == 1 and warning.shelved_until_us is None
        if waits and warning.escalated_us is None and now_us - _asked_us(warning) >= rules.escalate_after_us:
            standing.warning = msgspec.structs.replace(warning, escalated_us=now_us)
            passed_on.append(standing.warning)
    return sorted(passed_on, key=lambda warning: warning.id)


def _asked_us(warning: Warning) -> int:
    """Since when a warning waits for an answer."""
    return warning.opened_us if warning.asked_us is None else warning.asked_us


def _over(until_us: int, most_us: int, now_us: int) -> bool:
    """Whether a time is over; one that lies further ahead than can be is, too: the clock was set back."""
    return now_us >= until_us or until_us - now_us > most_us


def _keeps_quiet(book: Book, rules: Rules, place: str, rank: int, now_us: int) -> bool:
    quiet = book.quiet.get(place)
    return quiet is not None and rank <= quiet.rank and not _over(quiet.until_us, rules.cool_down_us, now_us)


def _perhaps_open(book: Book, rules: Rules, look: Look, likely: list[Risk], now_us: int) -> tuple[Step, Warning] | None:
    if not likely or _keeps_quiet(book, rules, look.place, likely[-1].rank, now_us):
        book.rising.pop(look.place, None)
        return None
    risk = likely[-1]
    if rules.open_after_us and not risk.surge and risk.horizon >= 0:
        since = book.rising.get(look.place)
        if since is None or since.since_us > now_us:
            since = book.rising[look.place] = _Rising(rank=risk.rank, since_us=now_us)
        if now_us - since.since_us < rules.open_after_us:
            return None
    book.rising.pop(look.place, None)
    return _open(book, look, risk, now_us)


def _open(book: Book, look: Look, risk: Risk, now_us: int) -> tuple[Step, Warning]:
    id_ = book.next_id
    warning = Warning(
        id=id_,
        place=look.place,
        table=look.table,
        level=risk.level,
        rank=risk.rank,
        priority=look.priorities[risk.rank],
        phase="open",
        opened_us=now_us,
        asked_us=now_us,
        updated_us=now_us,
        probability=risk.probability,
        expected_us=risk.at_us,
        lead_us=max(0, risk.at_us - now_us),
        threshold=risk.limit,
        situation=id_ if look.situation is None else look.situation,
        **_outlook(risk),
    )
    book.next_id += 1
    book.standing[look.place] = _Standing(warning=warning)
    _note_alarm(book, now_us)
    return "opened", warning


def _calm(book: Book, rules: Rules, look: Look, likely: list[Risk], now_us: int) -> tuple[Step, Warning]:
    """The level has passed: lower the warning to one that is still likely, else close it."""
    standing = book.standing[look.place]
    warning = standing.warning
    book.quiet[look.place] = _Quiet(rank=warning.rank, until_us=now_us + rules.cool_down_us)
    lower = [risk for risk in likely if risk.rank < warning.rank]
    if lower:
        standing.calm_since_us = None
        return "lowered", _write(book, look, lower[-1], now_us)
    del book.standing[look.place]
    return "closed", msgspec.structs.replace(warning, phase="closed", closed_us=now_us, updated_us=now_us)


def _write(book: Book, look: Look, risk: Risk, now_us: int, **changes: object) -> Warning:
    standing = book.standing[look.place]
    known = risk.limit == risk.limit
    if changes.get("phase") == "open":
        changes["asked_us"] = now_us
    standing.warning = msgspec.structs.replace(
        standing.warning,
        level=risk.level,
        rank=risk.rank,
        priority=look.priorities[risk.rank],
        updated_us=now_us,
        probability=risk.probability,
        expected_us=risk.at_us,
        lead_us=max(0, risk.at_us - now_us),
        threshold=risk.limit if known else standing.warning.threshold,
        **_outlook(risk),
        **changes,
    )
    return standing.warning


def _outlook(risk: Risk) -> dict[str, Any]:
    earliest, latest = passage(risk.outlook)
    return {"outlook": risk.outlook, "earliest_us": earliest, "latest_us": latest, "surge": risk.surge}


def _note_alarm(book: Book, now_us: int) -> None:
    book.alarms_us = [each for each in book.alarms_us if now_us - HOUR_US < each <= now_us]
    book.alarms_us.append(now_us)
