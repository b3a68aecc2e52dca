"""From grants to Cedar: one policy for each thing that a grant allows. Cedar denies all else.

The lab may add policies of its own that forbid; a policy of a grant can do no more than the grant says, and none of the lab's can
give anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ruimte.clock import from_us
from ruimte.share.agreement import Grant
from ruimte.share.asking import Action, Asked, Granted
from ruimte.share.places import PlaceInfo, given, listed
from ruimte.text import duration_us

SCHEMA = """
entity Party;
entity Lab;
type Asked = {
    purpose: String,
    now: datetime,
    places: Set<String>,
    quantities: Set<String>,
    step: Long,
    agreement: String,
    grant: Long,
};
action
    "read-state", "read-forecast", "read-history", "read-warnings",
    "contribute-zone-status", "contribute-closures", "contribute-arrivals"
    appliesTo { principal: [Party], resource: [Lab], context: Asked };
"""
"""What policies may speak of. ``now`` is the wall's clock; ``step`` in seconds, -1 where what was asked is no length of time."""

_FIGURES: Mapping[str, Action] = {"state": "read-state", "forecast": "read-forecast", "history": "read-history"}
FIGURES: tuple[Action, ...] = tuple(_FIGURES.values())
"""Actions that read figures: only these have quantities and a step."""
NO_STEP = -1


def actions(grant: Grant) -> tuple[Action, ...]:
    """Every action that a grant allows. Noise is for what was measured: a private grant gives no forecasts and no warnings."""
    what, private = grant.properties.what, grant.properties.form.exactness == "private"
    kinds = [kind for kind in what.kinds if not private or kind in ("state", "history")]
    reading = [_FIGURES[kind] for kind in kinds if kind in _FIGURES]
    warnings: list[Action] = ["read-warnings"] if "warnings" in kinds else []
    return (*reading, *warnings, *(_contributing(name) for name in what.contributions))


def _contributing(contribution: str) -> Action:
    names: dict[str, Action] = {
        "zone-status": "contribute-zone-status",
        "closures": "contribute-closures",
        "arrivals": "contribute-arrivals",
    }
    return names[contribution]


def places_for(action: Action, grant: Grant, places: Mapping[str, PlaceInfo]) -> tuple[str, ...]:
    """Names of places that a grant allows an action for: what it gives; single zones and gates where the consumer tells."""
    return listed(grant, places) if action.startswith("contribute-") else tuple(given(grant, places))


def fill(asked: Asked, granted: Granted, places: Mapping[str, PlaceInfo]) -> Asked:
    """The request with what it left open filled in: all places and quantities that the grant gives, its step, its agreement."""
    grant = granted.grant
    figures = asked.action in FIGURES
    return Asked(
        party=asked.party,
        purpose=asked.purpose,
        action=asked.action,
        lab=asked.lab,
        at_us=asked.at_us,
        places=asked.places or places_for(asked.action, grant, places),
        quantities=(asked.quantities or grant.properties.what.quantities) if figures else asked.quantities,
        step=(asked.step or grant.properties.form.step) if figures else asked.step,
        agreement=granted.agreement,
        traceparent=asked.traceparent,
        key=asked.key,
    )


def step_s(step: str) -> int:
    """Seconds of a step; ``NO_STEP`` where the text is no length of time."""
    try:
        return duration_us(step) // 1_000_000
    except ValueError:
        return NO_STEP


def policy_id(granted: Granted, part: str) -> str:
    """The name of a policy: agreement, number of the grant, and which part of it."""
    return f"{granted.agreement}/{granted.index}/{part}"


def policies(granted: Sequence[Granted], places: Mapping[str, PlaceInfo]) -> str:
    """Cedar text of the policies of all grants whose agreement holds; a grant of nothing has none."""
    return "\n".join(text for one in granted if one.status == "valid" for text in _of_grant(one, places))


def _of_grant(granted: Granted, places: Mapping[str, PlaceInfo]) -> list[str]:
    terms = granted.grant.properties
    allowed = actions(granted.grant)
    figures = [action for action in allowed if action in FIGURES]
    telling = [action for action in allowed if action.startswith("contribute-")]
    of_figures = [
        f"{_set(terms.what.quantities)}.containsAll(context.quantities)",
        f"context.step == {step_s(terms.form.step)}",
    ]
    parts: list[tuple[str, list[Action], list[str]]] = [
        ("figures", figures if terms.what.quantities else [], of_figures),
        ("warnings", [action for action in allowed if action == "read-warnings"], []),
        ("contributions", telling, []),
    ]
    return [
        _policy(granted, part, of, names, conditions)
        for part, of, conditions in parts
        if of and (names := places_for(of[0], granted.grant, places))
    ]


def _policy(granted: Granted, part: str, allowed: Sequence[Action], names: Sequence[str], conditions: Sequence[str]) -> str:
    grant = granted.grant
    conditions = (
        f"context.agreement == {_text(granted.agreement)}",
        f"context.grant == {granted.index}",
        f"context.purpose == {_text(grant.properties.purpose)}",
        f"context.now >= datetime({_text(moment(granted.not_before_us))})",
        f"context.now < datetime({_text(moment(granted.not_after_us))})",
        f"{_set(names)}.containsAll(context.places)",
        *conditions,
    )
    actions_ = ", ".join(f'Action::"{action}"' for action in allowed)
    return (
        f"@id({_text(policy_id(granted, part))})\n"
        f"permit (principal == Party::{_text(grant.consumer)}, action in [{actions_}], resource == Lab::{_text(grant.lab)})\n"
        f"when {{ {' && '.join(conditions)} }};"
    )


def moment(us: int) -> str:
    """A moment as Cedar reads it, to the millisecond (rounded down)."""
    return from_us(us).strftime("%Y-%m-%dT%H:%M:%S.") + f"{us // 1000 % 1000:03d}Z"


def _set(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, texts))}]"


def _text(text: str) -> str:
    """A Cedar string: what is not plain ASCII is written as its code point, so that no text can end the string."""
    plain = (c if " " <= c <= "~" and c not in '"\\' else f"\\u{{{ord(c):x}}}" for c in text)
    return f'"{"".join(plain)}"'
