"""A warning's life: open → acknowledged → closed, with hysteresis, debounce and a cool-down (ISA-18.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from ruimte.errors import RuimteError
from ruimte.model.warning import Warning  # noqa: A004 - the field's own word
from ruimte.warn.decide import Risk

Step = Literal["opened", "raised", "lowered", "updated", "closed"]


@dataclass(frozen=True, slots=True)
class Rules:
    """When a warning opens and closes; see ``ruimte.lab.files.Warn``."""

    open_at: float
    close_below: float
    close_after_us: int
    cool_down_us: int


class _Standing(msgspec.Struct, kw_only=True):
    warning: Warning
    calm_since_us: int | None = None


class _Quiet(msgspec.Struct, kw_only=True):
    rank: int
    until_us: int


class Book(msgspec.Struct, kw_only=True):
    """All warnings that stand, and which places keep quiet until when. At most one warning a place."""

    next_id: int = 1
    standing: dict[str, _Standing] = {}
    quiet: dict[str, _Quiet] = {}

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
        """Put in a person's change (acknowledged, decided)."""
        self.standing[warning.place].warning = warning


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of one place at one look: its risks (lowest level first) and how a new or changed warning would read."""

    place: str
    table: str
    risks: list[Risk]
    priorities: list[int]


def step(book: Book, rules: Rules, look: Look, now_us: int) -> tuple[Step, Warning] | None:
    """Look at one place once more. Changes ``book``; gives what happened, or None where nothing stands and nothing opens.

    - opens at the highest level whose probability reaches ``open_at``, unless the place keeps quiet for that level;
    - a higher level raises it, and it needs a response again;
    - it closes (or is lowered to a level that is still likely) when the probability of its level stayed below ``close_below`` for
      ``close_after_us``; after that the place keeps quiet for that level and lower ones for ``cool_down_us``.
    """
    likely = [risk for risk in look.risks if risk.probability >= rules.open_at]
    standing = book.standing.get(look.place)
    if standing is None:
        if not likely or _keeps_quiet(book, look.place, likely[-1].rank, now_us):
            return None
        return _open(book, look, likely[-1], now_us)
    warning = standing.warning
    if likely and likely[-1].rank > warning.rank:
        standing.calm_since_us = None
        return "raised", _write(book, look, likely[-1], now_us, phase="open", acknowledged_by=None, decision=None)
    own = next((risk for risk in look.risks if risk.rank == warning.rank), None)
    if own is None or own.probability < rules.close_below:
        standing.calm_since_us = now_us if standing.calm_since_us is None else standing.calm_since_us
        if now_us - standing.calm_since_us >= rules.close_after_us:
            return _calm(book, rules, look, likely, now_us)
    else:
        standing.calm_since_us = None
    return "updated", _write(book, look, own, now_us) if own else warning


def _keeps_quiet(book: Book, place: str, rank: int, now_us: int) -> bool:
    quiet = book.quiet.get(place)
    return quiet is not None and rank <= quiet.rank and now_us < quiet.until_us


def _open(book: Book, look: Look, risk: Risk, now_us: int) -> tuple[Step, Warning]:
    warning = Warning(
        id=book.next_id,
        place=look.place,
        table=look.table,
        level=risk.level,
        rank=risk.rank,
        priority=look.priorities[risk.rank],
        phase="open",
        opened_us=now_us,
        updated_us=now_us,
        probability=risk.probability,
        expected_us=risk.at_us,
        lead_us=max(0, risk.at_us - now_us),
        threshold=risk.limit,
    )
    book.next_id += 1
    book.standing[look.place] = _Standing(warning=warning)
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
        **changes,
    )
    return standing.warning
