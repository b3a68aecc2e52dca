"""The lab's privacy budget of a day: how it is divided, and what no longer fits in it.

Noise is drawn once and told to all, so a day really loses each quantity's ε once. Yet every recipient pays for what it opens out
of a part that is reserved for it: what an agreement promises holds whatever others ask, and nobody can drain another's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from ruimte.clock import iso
from ruimte.errors import RuimteError
from ruimte.lab.files import Privacy
from ruimte.lab.privacy import PASSAGES
from ruimte.share.agreement import Privacy as Reserved
from ruimte.share.agreement import Terms
from ruimte.share.asking import Granted
from ruimte.share.private import MICRO, Mechanism
from ruimte.text import duration_us

PUBLIC = "public"
"""The recipient that everybody is: its part pays for what the lab makes public."""
_DRAWN_AS = {"density": "people"}


class BudgetError(RuimteError):
    """A request that would pass a privacy budget. ``spent`` and ``left`` of it in ε; it renews at ``renews_us``."""

    def __init__(self, what: str, where: str, spent: int, left: int, renews_us: int) -> None:
        self.spent, self.left, self.renews_us = spent / MICRO, left / MICRO, renews_us
        told = f"{what}: {self.spent:g} of ε is spent and {self.left:g} is left"
        super().__init__(told, where, f"ask for a day that begins at {iso(renews_us)} or later")


@dataclass(frozen=True, slots=True)
class Parts:
    """Millionths of ε a day that are reserved for each recipient, and the grants (agreement, index) that do not fit, with why."""

    of: dict[str, int] = field(default_factory=dict)
    without: dict[tuple[str, int], RuimteError] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.of.values())

    def epsilon(self, recipient: str) -> float:
        """What is reserved for one, 0 for who has no part."""
        return self.of.get(recipient, 0) / MICRO


def parts(granted: Iterable[Granted], privacy: Privacy | None, lab: str, at_us: int) -> Parts:
    """Divide the lab's budget: the public's part first, then the agreements that stand, in the order in which they begin.

    The first that asks more than what is left by then has no part, and so opens nothing; nor has one that the lab's noise cannot
    keep (``check_terms``). An agreement of later days has its part reserved as well.
    """
    found = Parts()
    if privacy is not None and privacy.public:
        found.of[PUBLIC] = public_part(privacy)
    standing = [one for one in granted if one.grant.lab == lab and one.status == "valid" and at_us < one.not_after_us]
    for one in sorted(standing, key=lambda one: (one.not_before_us, one.agreement, one.index)):
        if one.grant.properties.form.exactness != "private":
            continue
        try:
            part = _part(one, privacy, found)
        except RuimteError as trouble:
            found.without[one.agreement, one.index] = trouble
        else:
            found.of[one.grant.consumer] = found.of.get(one.grant.consumer, 0) + part
    return found


def check_fits(candidate: Granted, standing: Iterable[Granted], privacy: Privacy | None, lab: str, at_us: int) -> None:
    """Whether the lab can sign this grant beside those that stand. Raises ``RuimteError`` where it cannot."""
    if candidate.grant.lab == lab and candidate.grant.properties.form.exactness == "private":
        others = [one for one in standing if (one.agreement, one.index) != (candidate.agreement, candidate.index)]
        _part(candidate, privacy, parts(others, privacy, lab, at_us))


def _part(one: Granted, privacy: Privacy | None, taken: Parts) -> int:
    """Millionths of ε that a grant has reserved, where that much is left and the lab's noise keeps its terms."""
    settings, terms = check_terms(one.grant.properties, privacy, one.agreement)
    asked, left = at_most(terms.epsilon_per_day), at_most(settings.epsilon_per_day) - taken.total
    if asked > left:
        what = f"reserves ε = {terms.epsilon_per_day:g} a day, and {left / MICRO:g} of the lab's is left"
        raise RuimteError(what, one.agreement, "agree on less, or raise epsilon_per_day in lab.toml")
    return asked


def check_terms(given: Terms, privacy: Privacy | None, where: str) -> tuple[Privacy, Reserved]:
    """The lab's settings and what a grant says of privacy, where the lab's noise keeps that. Raises ``RuimteError`` else."""
    if privacy is None:
        raise RuimteError("asks for noise, and the lab has no [privacy]", where, "add it to lab.toml")
    terms = given.form.privacy
    if terms is None:
        raise RuimteError("says nothing of privacy", where, "agree on form.privacy")
    if terms.intervals > privacy.intervals:
        what = f"hides who is in {terms.intervals} intervals a day, and the lab's noise hides who is in {privacy.intervals}"
        raise RuimteError(what, where, "agree on fewer intervals, or raise intervals in lab.toml")
    if duration_us(given.form.step) % duration_us(privacy.step):
        what = f"steps of {given.form.step} are not made of steps of {privacy.step}, for which noise is drawn"
        raise RuimteError(what, where, "agree on a multiple of it")
    quantities = list(dict.fromkeys(drawn_as(name) for name in given.what.quantities))
    if unknown := [name for name in quantities if name not in privacy.quantities]:
        raise RuimteError(f"{unknown[0]} is not told with noise", where, f"choose from {', '.join(privacy.quantities)}")
    if set(given.what.kinds) & {"forecast", "warnings"}:
        raise RuimteError("forecasts and warnings are not told with noise", where, "agree on state and history")
    asked = sum(cost(privacy, name) for name in quantities if name not in privacy.public)
    if asked > at_most(terms.epsilon_per_day):
        what = f"its quantities cost ε = {asked / MICRO:g} a day, and it reserves {terms.epsilon_per_day:g}"
        raise RuimteError(what, where, "agree on fewer quantities, or reserve more")
    return privacy, terms


def drawn_as(quantity: str) -> str:
    """What noise is drawn for where a quantity is asked: density follows from people."""
    return _DRAWN_AS.get(quantity, quantity)


def public_part(privacy: Privacy) -> int:
    """What is reserved for the public, millionths of ε."""
    return sum(cost(privacy, name) for name in privacy.public)


def cost(privacy: Privacy, quantity: str) -> int:
    """What opening a quantity for a day costs, millionths of ε, rounded up."""
    return int((Decimal(repr(privacy.quantities[quantity])) * MICRO).to_integral_value(ROUND_CEILING))


def at_most(epsilon: float) -> int:
    """A budget in millionths of ε, rounded down."""
    return int((Decimal(repr(epsilon)) * MICRO).to_integral_value(ROUND_FLOOR))


def mechanism(privacy: Privacy, quantity: str) -> Mechanism:
    """How the lab draws noise for a quantity, by its file as it is now."""
    passes = quantity in PASSAGES
    touches = (privacy.passages or 0) if passes else privacy.intervals
    return Mechanism(
        epsilon=cost(privacy, quantity),
        touches=touches,
        weight=privacy.passage_weight if passes else privacy.weight,
        branching=privacy.branching if passes else 0,
        step_us=duration_us(privacy.step),
    )
