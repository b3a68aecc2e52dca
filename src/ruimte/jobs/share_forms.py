"""Figures, forecasts and warnings of a lab in the form that an agreement gives them: what goes out, before it is logged."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import msgspec

from ruimte.clock import DAY_US
from ruimte.errors import RuimteError
from ruimte.estimate.advance import ALGORITHMS
from ruimte.jobs.agreements import Book
from ruimte.jobs.desk import NotYetError
from ruimte.jobs.room import WarningView
from ruimte.jobs.share_source import Source
from ruimte.lab.lab import Lab
from ruimte.share import formats
from ruimte.share.asking import Action, Decision, Granted
from ruimte.share.budget import BudgetError, drawn_as, parts
from ruimte.share.cells import Cells, cells
from ruimte.share.figures import Figures
from ruimte.share.metadata import describe, metadata, of_grant
from ruimte.share.noise import Noise
from ruimte.share.places import lab_places
from ruimte.share.release import base_span, cut, release
from ruimte.share.warned import release_warnings
from ruimte.text import duration_us

LONGEST_US = 31 * DAY_US
"""The longest period that one request may ask."""
MOST_CELLS = 500_000
"""Places × ticks that are read for one request."""
MOST_FIGURES = 400_000
"""Names × steps × quantities that are told in one answer: as JSON that is some 60 MB, and more while it is written."""
CATCH_UP_US = DAY_US
"""Who comes back later than that has missed something, and asks for the history where the agreement gives it."""
MOST_KEPT = 32
"""So many answers of up to a day are kept, of what was read and of what was put into form, until there is something new."""
MOST_AT_ONCE = 48
"""Steps that a stream which comes back gets in one go; then the next, until it has caught up."""
ESTIMATED = ", ".join(f"{name} {version}" for name, version in ALGORITHMS.items())
"""What the lab's states are told by."""
_NEVER_US = 2**62
_NOTHING_YET = "ask again when its first tick is over"


@dataclass(frozen=True, slots=True)
class Piece:
    """Something of a stream: its ``body`` (JSON), and the ``cursor`` of who has it: what comes next is from there on."""

    body: bytes
    cursor: str


@dataclass(slots=True)
class _Ready:
    """Figures in their form, what is to be known of their ``noise``, by which ``algorithm``.

    ``told``, ``about``: figures and places in JSON, once they are made.
    """

    figures: Figures
    noise: Mapping[str, Any] | None = None
    algorithm: str = ESTIMATED
    told: msgspec.Raw | None = None
    about: msgspec.Raw | None = None

    def step(self, start_us: int) -> _Ready:
        """One step of them."""
        return _Ready(cut(self.figures, from_us=start_us, until_us=start_us + self.figures.step_us), self.noise)


class _Common(NamedTuple):
    """The cells that the grants have in common, until the next of them begins."""

    granted: tuple[Granted, ...]
    until_us: int
    cells: Cells


class Forms:
    """What a lab gives under a decision that allows it.

    ``warnings``: those that stand; ``now_us``: the wall's clock; ``noise``: None where the lab has no privacy budget.
    """

    def __init__(
        self,
        lab: Lab,
        source: Source,
        warnings: Callable[[], Sequence[WarningView]],
        book: Book,
        now_us: Callable[[], int],
        noise: Noise | None,
    ) -> None:
        self._lab, self._source, self._warnings, self._book = lab, source, warnings, book
        self._now_us, self._noise = now_us, noise
        self._places = lab_places(lab)
        self._new_s = time.monotonic()
        self._common: _Common | None = None
        self._keeping = threading.Lock()
        self._described: dict[tuple[str, int], dict[str, Any]] = {}
        self._read: dict[tuple[int, int], Figures] = {}
        self._ready: dict[tuple[bytes, int, int], _Ready] = {}

    def refresh(self) -> None:
        """There may be something new: read it."""
        self._new_s = time.monotonic()
        self._source.refresh()
        self._read.clear()
        self._ready.clear()

    def body(self, decision: Decision, media_type: str, from_us: int | None = None, until_us: int | None = None) -> bytes:
        """The newest figures, forecast or warnings, or a history. One of a long time takes seconds.

        Raises ``BudgetError`` where that would pass a privacy budget, and ``RuimteError`` for what makes no sense.
        """
        if decision.asked.action == "read-warnings":
            return self._warning_body(decision, media_type)
        if decision.asked.action == "read-history":
            return self._history_body(decision, media_type, from_us, until_us)
        return self._figures_body(decision, media_type)

    def next(self, decision: Decision, cursor: str) -> list[Piece]:
        """What a follower does not have yet. Cursors of figures are the end of the last step (µs), of others a digest."""
        action = decision.asked.action
        if action == "read-warnings":
            body = self._warning_body(decision, formats.JSON)
            digest = hashlib.sha256(body).hexdigest()[:16]
            return [] if digest == cursor else [Piece(body, digest)]
        if action == "read-forecast":
            ahead = self._source.forecast()
            if ahead is None or str(ahead.issued_us) == cursor:
                return []
            return [Piece(self._figures_body(decision, formats.JSON), str(ahead.issued_us))]
        span = self._newest_step(decision)
        if span is None:
            return []
        last = int(cursor) if cursor.isdecimal() else span[0]
        step_us = span[1] - span[0]
        begin_us = max(last, span[1] - CATCH_UP_US)
        until_us = min(span[1], begin_us + MOST_AT_ONCE * step_us)
        if begin_us >= until_us:
            return []
        ready = self._formed(decision, begin_us, until_us)
        starts_us = ready.figures.starts_us.tolist()
        each = [ready] if len(starts_us) == 1 else [ready.step(start_us) for start_us in starts_us]
        bodies = [self._written(decision, one, formats.JSON) for one in each]
        return [Piece(body, str(start_us + step_us)) for body, start_us in zip(bodies, starts_us, strict=True)]

    def _figures_body(self, decision: Decision, media_type: str) -> bytes:
        """The newest step, or the newest forecast."""
        if decision.asked.action == "read-forecast":
            ahead = self._source.forecast()
            if ahead is None:
                raise NotYetError("has no forecast", self._lab.key, _NOTHING_YET)
            figures = release(ahead, _granted(decision), self._places, self._cells())
            return self._written(decision, _Ready(self._cut(decision, figures), algorithm=self._source.forecaster), media_type)
        span = self._newest_step(decision)
        if span is None:
            raise NotYetError("has no figures", self._lab.key, _NOTHING_YET)
        return self._written(decision, self._formed(decision, *span), media_type)

    def _history_body(self, decision: Decision, media_type: str, from_us: int | None, until_us: int | None) -> bytes:
        span = self._newest_step(decision)
        if span is None:
            raise NotYetError("has no figures", self._lab.key, _NOTHING_YET)
        until_us = span[1] if until_us is None else min(until_us, span[1])
        from_us = until_us - DAY_US if from_us is None else from_us
        if until_us - from_us > LONGEST_US:
            raise RuimteError("is longer than 31 days", "from, until", "ask for less at once")
        asked, step_us = decision.asked, duration_us(_granted(decision).grant.properties.form.step)
        figures = (until_us - from_us) // step_us * len(asked.places) * len(asked.quantities)
        ticks = (until_us - from_us) // self._source.tick_us * len(self._source.places)
        if ticks > MOST_CELLS or figures > MOST_FIGURES:
            raise RuimteError("is more than this lab gives at once", "from, until", "ask for less at once")
        return self._written(decision, self._formed(decision, from_us, max(from_us, until_us)), media_type)

    def _newest_step(self, decision: Decision) -> tuple[int, int] | None:
        """[start, end) of the newest step that is over, µs."""
        newest = self._source.newest()
        if newest is None:
            return None
        start_us = int(newest.starts_us[0])
        step_us, phase_us = duration_us(_granted(decision).grant.properties.form.step), start_us % newest.step_us
        end_us = start_us + newest.step_us
        end_us -= (end_us - phase_us) % step_us
        return end_us - step_us, end_us

    def _formed(self, decision: Decision, from_us: int, until_us: int) -> _Ready:
        """The agreed form of all steps in a time that is over. Partners whose terms are alike get the same."""
        granted, asked, common = _granted(decision), decision.asked, self._cells()
        terms = granted.grant.properties
        if terms.form.exactness == "private":
            return self._privately(decision, from_us, until_us)
        what = msgspec.json.encode((terms.form, terms.what, asked.places, asked.quantities, asked.action))
        key = what, from_us, until_us
        ready = self._ready.get(key)
        if ready is None:
            known = self._known(*base_span(granted, common, from_us, until_us))
            ready = _Ready(self._cut(decision, release(known, granted, self._places, common), from_us, until_us))
            with self._keeping:
                now = self._common is not None and self._common.cells is common  # else a new grant came meanwhile
                if now and until_us - from_us <= DAY_US and len(self._ready) < MOST_KEPT:
                    self._ready[key] = ready
        return ready

    def _privately(self, decision: Decision, from_us: int, until_us: int) -> _Ready:
        """The same with noise."""
        granted = _granted(decision)
        if self._noise is None:
            raise BudgetError("the lab has no privacy budget", self._lab.key, 0, 0, self._now_us())
        drawn = {drawn_as(quantity) for quantity in decision.asked.quantities}
        known = self._known(from_us, until_us)
        known = cut(known, quantities=[quantity for quantity in known.quantities if quantity in drawn])
        own = [one for one in self._book.granted() if one.grant.provider == granted.grant.provider]  # others' budgets are theirs
        reserved = parts(own, self._lab.file.privacy, self._lab.key, self._now_us())
        noised = self._noise.tell(granted.grant.consumer, known, reserved.epsilon(granted.grant.consumer))
        days = self._noise.days(noised)
        about = self._noise.metadata(days[-1], noised.quantities) if days else {}
        figures = release(noised, granted, self._places, self._cells())
        return _Ready(self._cut(decision, figures, from_us, until_us), about)

    def _cut(self, decision: Decision, figures: Figures, from_us: int | None = None, until_us: int | None = None) -> Figures:
        """No more than was asked."""
        asked = decision.asked
        kinds: dict[Action, Literal["state", "forecast", "history"]] = {"read-state": "state", "read-history": "history"}
        figures = cut(figures, asked.places or None, asked.quantities or None, from_us, until_us)
        return replace(figures, kind=kinds.get(asked.action, figures.kind))

    def _known(self, begin_us: int, end_us: int) -> Figures:
        """All the lab's figures of a time that is over. Those of the newest steps are read once for all who ask."""
        newest = self._source.newest()
        if newest is not None and (begin_us, end_us) == (newest.starts_us[0], newest.starts_us[0] + newest.step_us):
            return newest
        found = self._read.get((begin_us, end_us))
        if found is None:
            found = self._source.history(begin_us, end_us)
            if end_us - begin_us <= DAY_US and len(self._read) < MOST_KEPT:
                self._read[begin_us, end_us] = found
        return found

    def _written(self, decision: Decision, ready: _Ready, media_type: str) -> bytes:
        granted, figures = _granted(decision), ready.figures
        key = granted.agreement, granted.index
        described = self._described.get(key)
        if described is None:
            described = self._described[key] = describe(granted.grant, self._places)
        meta = metadata(figures, granted, self._places, ready.algorithm, ready.noise, described)
        if media_type != formats.JSON:
            return formats.write(figures, meta, media_type, self._places)
        ready.told = ready.told or msgspec.Raw(msgspec.json.encode(formats.rows(figures, meta)))
        ready.about = ready.about or msgspec.Raw(msgspec.json.encode(meta["places"]))
        return formats.write(figures, meta | {"places": ready.about}, media_type, told=ready.told)

    def _warning_body(self, decision: Decision, media_type: str) -> bytes:
        granted = _granted(decision)
        if media_type != formats.JSON:
            raise RuimteError("warnings are told as JSON only", "Accept", f"ask for {formats.JSON}")
        wanted = set(decision.asked.places)
        told = [one for one in release_warnings(self._warnings(), granted, self._places) if not wanted or one.place in wanted]
        return msgspec.json.encode({"meta": of_grant(granted), "warnings": told})

    def _cells(self) -> Cells:
        """The common cells of all grants that have begun. One that has not gives nothing yet, and takes nothing from others.

        The look at the agreements is younger than the figures: no figure is told by cells of before it was there.
        """
        granted = self._book.granted(self._new_s)
        now_us = self._book.now_us()
        with self._keeping:
            common = self._common
            if common is None or common.granted is not granted or now_us >= common.until_us:
                own = [one for one in (*granted, *self._book.lost()) if one.grant.lab == self._lab.key]
                begun = [one for one in own if one.not_before_us <= now_us]
                until_us = min((one.not_before_us for one in own if one.not_before_us > now_us), default=_NEVER_US)
                common = self._common = _Common(granted, until_us, cells(begun, self._places, self._source.tick_us))
                self._ready.clear()
            return common.cells


def _granted(decision: Decision) -> Granted:
    assert decision.granted is not None  # it was allowed
    return decision.granted
