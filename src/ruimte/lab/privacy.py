"""What ``[privacy]`` in ``lab.toml`` must be, so that the budget it names can be kept."""

from __future__ import annotations

from ruimte.clock import HOUR_US
from ruimte.lab.files import Privacy
from ruimte.lab.mistakes import Spot
from ruimte.text import duration_us

PRESENCE = ("people",)
"""Quantities of who is somewhere."""
PASSAGES = ("inflow", "outflow", "flow")
"""Quantities of who passes."""
QUANTITIES = (*PRESENCE, *PASSAGES)
"""What noise is drawn for; density follows from people."""
_MILLIONTH = 1e-9


def check_privacy(privacy: Privacy, tick_us: int, spot: Spot) -> None:
    """Tell the mistakes of the table that no single field shows."""
    total = sum(privacy.quantities.values())
    if total > privacy.epsilon_per_day + _MILLIONTH:
        what = f"the quantities ask ε = {total:g} a day, and the lab has {privacy.epsilon_per_day:g}"
        spot.mistake(what, "lower them, or leave one out", at="privacy.quantities")
    step_us = duration_us(privacy.step)
    if HOUR_US % step_us or step_us % tick_us:
        mend = "choose a whole number of ticks of which a whole number makes an hour, like 15m"
        spot.mistake(f"steps of {privacy.step} do not fit hours and ticks", mend, at="privacy.step")
    if privacy.passages is None and set(PASSAGES) & set(privacy.quantities):
        mend = "say how often a person passes at the most, like passages = 6"
        spot.mistake("counts of passages without passages", mend, at="privacy.passages")
    if unknown := [name for name in privacy.public if name not in privacy.quantities]:
        spot.mistake(f"{unknown[0]!r} is public, and has no part of ε", "give it one in quantities", at="privacy.public")
