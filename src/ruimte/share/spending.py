"""The privacy budget of each day: who opened what, and what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from ruimte.clock import from_us, to_us
from ruimte.errors import RuimteError
from ruimte.lab.files import Privacy
from ruimte.share.budget import PUBLIC, BudgetError, at_most, mechanism, public_part
from ruimte.share.kept import Kept, Paid
from ruimte.share.private import MICRO, Mechanism


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient's part of a day's budget, in ε, and which quantities it opened."""

    recipient: str
    reserved: float
    spent: float
    quantities: tuple[str, ...]


class Spending(msgspec.Struct, frozen=True, kw_only=True):
    """A day's budget in ε: ``lost`` is what the day lost of anybody's privacy, ``paid`` what recipients paid together."""

    day: str
    budget: float
    lost: float
    paid: float
    recipients: tuple[Part, ...]


class Days:
    """The lab's local days, as ISO 8601 dates."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def of(self, moment_us: int) -> str:
        """The day that a moment lies in."""
        return from_us(moment_us).astimezone(self._zone).date().isoformat()

    def bounds(self, day: str) -> tuple[int, int]:
        """[from, until) of a day, µs: 23, 24 or 25 hours. Raises ``RuimteError`` for what is no day."""
        try:
            first = date.fromisoformat(day)
            after = first + timedelta(days=1)
        except (ValueError, OverflowError):
            raise RuimteError(f"{day!r} is no day", "day", "write it like 2026-12-31") from None
        from_, until = (to_us(datetime(d.year, d.month, d.day, tzinfo=self._zone)) for d in (first, after))
        return from_, until

    def starts(self, day: str, step_us: int) -> list[int]:
        """Where the steps that begin on a day begin: on whole steps since 1970, as those of all figures."""
        from_us_, until_us = self.bounds(day)
        return list(range(-(-from_us_ // step_us) * step_us, until_us, step_us))


class Budget:
    """Pays out of the lab's budget. A day goes by its figures' own time and stays opened: no clock gives it a new budget."""

    def __init__(self, kept: Kept, settings: Privacy, days: Days, now_us: Callable[[], int]) -> None:
        self._kept = kept
        self._settings = settings
        self._days = days
        self._now_us = now_us

    def open(self, recipient: str, asked: Iterable[tuple[str, str]], reserved: float) -> None:
        """Let a recipient have quantities of days, (day, quantity) each; it pays for all that are new to it, or for none.

        See ``ruimte.share.noise.Noise.open``.
        """
        new = [(day, quantity) for day, quantity in dict.fromkeys(asked) if (recipient, quantity) not in self._opened(day)]
        if not new:
            return
        for day, _ in new:
            self._check(day)
        with self._kept.alone():
            for day, quantity in new:
                self._open(recipient, day, quantity, at_most(reserved))

    def _open(self, recipient: str, day: str, quantity: str, reserved: int) -> None:
        opened = self._opened(day)  # again: another process may have come between
        if (recipient, quantity) in opened:
            return
        if quantity not in self._settings.public:
            self._pay(day, recipient, quantity, reserved)
            return
        if (PUBLIC, quantity) not in opened:
            self._pay(day, PUBLIC, quantity, public_part(self._settings))
        if recipient != PUBLIC:  # what everybody may read costs nobody anything more
            self._kept.pay(day, recipient, quantity, 0, reserved)

    def _opened(self, day: str) -> set[tuple[str, str]]:
        return {(one.recipient, one.quantity) for one in self._kept.spent(day)}

    def made(self, day: str, quantity: str) -> Mechanism:
        """How a day's noise is drawn: as it was when the day was opened, else as the lab's file says."""
        made = self._kept.mechanism(day, quantity)
        if made is not None:
            return msgspec.json.decode(made, type=Mechanism)
        if quantity not in self._settings.quantities:
            known = ", ".join(self._settings.quantities)
            raise RuimteError(f"{quantity} is not told with noise", "[privacy]", f"choose from {known}")
        return mechanism(self._settings, quantity)

    def of_day(self, day: str) -> int:
        """The lab's budget of a day, millionths of ε: as it was when the day was opened."""
        found = self._kept.budget(day)
        return at_most(self._settings.epsilon_per_day) if found is None else found

    def spending(self, day: str) -> Spending:
        """What was spent of a day's budget, and by whom."""
        paid = self._kept.spent(day)
        by: dict[str, list[Paid]] = {}
        for one in paid:
            by.setdefault(one.recipient, []).append(one)
        return Spending(
            day=day,
            budget=self.of_day(day) / MICRO,
            lost=sum(self.made(day, quantity).epsilon for quantity in {one.quantity for one in paid}) / MICRO,
            paid=sum(one.epsilon for one in paid) / MICRO,
            recipients=tuple(_part(recipient, mine) for recipient, mine in by.items()),
        )

    def _check(self, day: str) -> None:
        if self._days.bounds(day)[0] > self._now_us():
            raise RuimteError(f"{day} has not begun", "day", "ask for today or earlier")
        if day < self._kept.first_day():
            raise RuimteError(f"{day} is deleted, and noise of a day is never drawn twice", "day", "ask for a later day")

    def _pay(self, day: str, recipient: str, quantity: str, reserved: int) -> None:
        paid, budget, made = self._kept.spent(day), self.of_day(day), self.made(day, quantity)
        spent = sum(one.epsilon for one in paid if one.recipient == recipient)
        renews_us = self._days.bounds(day)[1]
        if spent + made.epsilon > reserved:
            what = f"{quantity} of {day} costs ε = {made.epsilon / MICRO:g}, of {reserved / MICRO:g} that is reserved"
            raise BudgetError(what, recipient, spent, max(reserved - spent, 0), renews_us)
        taken = self._taken(paid, recipient)
        if taken + reserved > budget:
            what = f"ε = {reserved / MICRO:g} is reserved beside {taken / MICRO:g} of others, of the lab's {budget / MICRO:g}"
            raise BudgetError(what, recipient, spent, max(budget - taken - spent, 0), renews_us)
        if self._kept.budget(day) is None:
            self._kept.begin(day, budget)
        if self._kept.mechanism(day, quantity) is None:
            self._kept.fix(day, quantity, msgspec.json.encode(made).decode())
        self._kept.pay(day, recipient, quantity, made.epsilon, reserved)

    def _taken(self, paid: Sequence[Paid], recipient: str) -> int:
        """What others have reserved of a day, as far as they have asked; the public's part always."""
        others = {} if recipient == PUBLIC else {PUBLIC: public_part(self._settings)}
        for one in paid:
            if one.recipient != recipient:
                others[one.recipient] = max(others.get(one.recipient, 0), one.reserved)
        return sum(others.values())


def _part(recipient: str, paid: Sequence[Paid]) -> Part:
    return Part(
        recipient=recipient,
        reserved=max(one.reserved for one in paid) / MICRO,
        spent=sum(one.epsilon for one in paid) / MICRO,
        quantities=tuple(one.quantity for one in paid),
    )
