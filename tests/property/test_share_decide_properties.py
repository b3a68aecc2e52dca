"""Cedar against a plain reading of the rules: over random grants and requests they always agree."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from ruimte.share.agreement import Grant
from ruimte.share.asking import Asked, Granted
from ruimte.share.decide import Decider
from ruimte.text import duration_us
from share_world import CITY, LAB, NOON_US, PLACES, POLICE, PRESS, asked, granted, privacy

SECOND_US = 1_000_000
FORBID = 'forbid (principal, action, resource) when { context.purpose == "news" && context.places.contains("quay") };'


def reference(ask: Asked, grants: list[Granted], lab_forbids: bool) -> Granted | None:
    """The rules in plain Python: the first grant in order that gives what is asked."""
    for one in sorted(grants, key=lambda one: (one.not_before_us, one.agreement, one.index)):
        terms = one.grant.properties
        if one.grant.consumer != ask.party or one.grant.lab != ask.lab or one.status != "valid":
            continue
        if ask.agreement and ask.agreement != one.agreement:
            continue
        if ask.at_us < one.not_before_us or one.not_after_us <= ask.at_us or ask.purpose != terms.purpose:
            continue
        verb, _, thing = ask.action.partition("-")
        gives = terms.what.kinds if verb == "read" else terms.what.contributions
        if thing not in gives or (verb == "read" and terms.form.exactness == "private" and thing in ("forecast", "warnings")):
            continue
        names = names_of(one.grant, telling=verb == "contribute")
        if not names or not set(ask.places) <= names:
            continue
        if verb == "read" and thing != "warnings":
            if not terms.what.quantities or not set(ask.quantities) <= set(terms.what.quantities):
                continue
            if ask.step and (not ask.step[:-1].isdigit() or duration_us(ask.step) != duration_us(terms.form.step)):
                continue
        if lab_forbids and ask.purpose == "news" and "quay" in (ask.places or names):
            continue
        return one
    return None


def names_of(grant: Grant, telling: bool) -> set[str]:
    what, areas = grant.properties.what, grant.properties.form.areas
    own = {key for key, place in PLACES.items() if place.kind != "gate"} if "*" in what.zones else set(what.zones)
    gates = {"arch", "alley"} if "*" in what.gates else set(what.gates)
    return (own if telling or not areas else set(areas)) | gates


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """Four times out of five the first."""
    return st.integers(0, 4).flatmap(lambda number: st.sampled_from([usual, *others]) if number == 4 else st.just(usual))


zones = st.lists(st.sampled_from(["square", "street", "quay", "bridge", "*", "elsewhere"]), max_size=3, unique=True)
quantities = st.lists(mostly("people", "density", "flow"), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def grants(draw: st.DrawFn) -> list[Granted]:
    found = []
    for number in range(draw(mostly(2, 0, 1, 3))):
        exactness = draw(st.sampled_from(["exact", "suppressed", "private"]))
        one = granted(
            name=f"agreement-{number // 2}",
            index=number,
            status=draw(mostly("valid", "proposed", "revoked", "expired", "rejected")),
            begins_us=NOON_US + draw(st.integers(-3, 0)) * SECOND_US,
            consumer=draw(mostly(POLICE, PRESS)),
            lab=draw(mostly(LAB, "other")),
            purpose=draw(mostly("event-safety", "news")),
            kinds=tuple(
                draw(st.lists(st.sampled_from(["state", "forecast", "warnings", "history"]), min_size=1, max_size=4, unique=True))
            ),
            contributions=tuple(draw(st.lists(st.sampled_from(["closures", "arrivals"]), max_size=2, unique=True))),
            zones=tuple(draw(zones)),
            gates=draw(st.sampled_from([(), ("arch",), ("*",)])),
            quantities=draw(quantities),
            areas=draw(st.sampled_from([{}, {}, {"centre": ("square", "street")}])),
            step=draw(st.sampled_from(["5m", "60m", "1h"])),
            exactness=exactness,
            privacy=privacy() if exactness == "private" else None,
        )
        length_us = draw(mostly(6, 0, 1, 3)) * SECOND_US
        found.append(
            Granted(**{f: getattr(one, f) for f in one.__struct_fields__} | {"not_after_us": one.not_before_us + length_us})
        )
    return found


@st.composite
def requests(draw: st.DrawFn, known: list[Granted]) -> Asked:
    """A request that often lies near to one of the grants."""
    near = draw(st.sampled_from(known)) if known else granted()
    what, form = near.grant.properties.what, near.grant.properties.form
    names = sorted(names_of(near.grant, telling=False) - {"elsewhere"})
    doing = [f"read-{kind}" for kind in what.kinds] + [f"contribute-{name}" for name in what.contributions]
    return asked(
        party=draw(mostly(POLICE, PRESS, CITY)),
        purpose=draw(mostly(near.grant.properties.purpose, "event-safety", "news")),
        action=draw(mostly(*doing, "read-state", "read-warnings", "read-history", "contribute-arrivals")),
        lab=draw(mostly(LAB, "other")),
        at_us=near.not_before_us + draw(st.sampled_from([0, 1, 500_000, SECOND_US, 3 * SECOND_US, -1, -500_000, 7 * SECOND_US])),
        places=tuple(draw(st.lists(mostly(*names, "square", "quay", "centre", "nowhere"), max_size=2))),
        quantities=tuple(draw(st.lists(mostly(*what.quantities, "flow"), max_size=2))),
        step=draw(mostly("", form.step, "300s", "1h", "x")),
        agreement=draw(mostly("", near.agreement, "agreement-0", "agreement-1")),
    )


@settings(max_examples=400, deadline=None)
@given(st.data(), grants(), st.booleans())
def test_cedar_and_the_plain_reading_agree(data: st.DataObject, known: list[Granted], forbids: bool) -> None:
    ask = data.draw(requests(known))
    decision = Decider(FORBID if forbids else "", PLACES).decide(ask, known)
    expected = reference(ask, known, forbids)
    event(decision.reason)
    assert decision.granted == expected
    assert decision.allowed is (expected is not None)
    assert decision.reason != "engine-failed"
    assert (decision.told == "") is decision.allowed
    if expected is not None:
        assert decision.asked.places
        assert set(decision.asked.places) <= names_of(expected.grant, ask.action.startswith("contribute"))
        assert reference(decision.asked, known, forbids) == expected, "what was filled in is what is given"
