"""Why something was refused, in a line: found after the decision by comparing with the asker's own grants. It decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ruimte.clock import iso
from ruimte.share.asking import Asked, Granted, Reason
from ruimte.share.places import PlaceInfo
from ruimte.share.policies import FIGURES, actions, fill, places_for, step_s

_ORDER: tuple[Reason, ...] = (
    "no-agreement",
    "revoked",
    "expired",
    "not-yet-valid",
    "purpose",
    "action",
    "places",
    "quantities",
    "step",
)
FAILED: tuple[Reason, str] = ("engine-failed", "this could not be decided, so nothing is given")
FORBIDDEN: tuple[Reason, str] = ("forbidden-by-lab", "the agreement would give it, but a rule of the lab forbids it")


def why_refused(asked: Asked, own: Sequence[Granted], places: Mapping[str, PlaceInfo]) -> tuple[Reason, str] | None:
    """The first thing that is wrong, of the grant that comes nearest to what was asked; None where nothing is.

    ``own``: grants to the asker, of no one else, so that nothing is told of others' agreements. Those for the purpose that is
    asked come before all others: that an agreement was taken back is not hidden by another that holds.
    """
    near = [one for one in own if one.grant.properties.purpose == asked.purpose]
    if not near and not any(_holds(asked, one) for one in own):
        named = "agreement with this hash" if asked.agreement else "agreement"
        purpose = f" for {asked.purpose[:40]!a}" if own else ""
        return "no-agreement", f"there is no signed {named}{purpose} that gives anything here to this party"
    found = [_wrong(asked, one, places) for one in near or own]
    if None in found:
        return None
    return max((one for one in found if one is not None), key=lambda one: _ORDER.index(one[0]))


def _holds(asked: Asked, one: Granted) -> bool:
    return one.status == "valid" and one.not_before_us <= asked.at_us < one.not_after_us


def _wrong(asked: Asked, one: Granted, places: Mapping[str, PlaceInfo]) -> tuple[Reason, str] | None:
    terms, filled = one.grant.properties, fill(asked, one, places)
    if one.status in ("proposed", "rejected"):
        return "no-agreement", f"the agreement is {one.status}, not signed by all"
    if one.status == "revoked":
        return "revoked", "the agreement was taken back"
    if one.status == "expired" or asked.at_us >= one.not_after_us:
        return "expired", f"the agreement ended at {iso(one.not_after_us)}"
    if asked.at_us < one.not_before_us:
        return "not-yet-valid", f"the agreement begins at {iso(one.not_before_us)}"
    if asked.purpose != terms.purpose:
        return "purpose", f"the agreement is for {terms.purpose!a}, not for {asked.purpose[:40]!a}"
    allowed = actions(one.grant)
    if asked.action not in allowed:
        return "action", f"the agreement does not give {asked.action}; it gives {', '.join(allowed) or 'nothing'}"
    names = places_for(asked.action, one.grant, places)
    if more := _beyond(filled.places, names):
        return "places", f"the agreement does not give {more}"
    if not names:
        return "places", "the agreement gives no places"
    if asked.action not in FIGURES:
        return None
    if more := _beyond(filled.quantities, terms.what.quantities):
        return "quantities", f"the agreement does not give {more}"
    if not terms.what.quantities:
        return "quantities", "the agreement gives no quantities"
    if step_s(filled.step) != step_s(terms.form.step):
        return "step", f"the agreement gives steps of {terms.form.step}, not {filled.step[:20]!a}"
    return None


def _beyond(asked: Sequence[str], names: Sequence[str]) -> str:
    """What was asked beyond what is given, shortened; empty where there is none."""
    known = set(names)
    more = [name for name in dict.fromkeys(asked) if name not in known]
    rest = f" and {len(more) - 3} more" if len(more) > 3 else ""
    return ", ".join(f"{name[:40]!a}" for name in more[:3]) + rest
