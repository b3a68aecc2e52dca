"""The decision: what an agreement gives is allowed, all else is refused with the reason in a line."""

from __future__ import annotations

import time
from typing import Any

import cedarpy
import msgspec
import pytest

from ruimte.share.asking import Reason
from ruimte.share.decide import Decider, policy_mistakes
from share_world import CITY, NOON_US, PLACES, POLICE, PRESS, YEAR_S, asked, granted, privacy

NIGHT = """
@id("no-figures-at-night")
forbid (principal, action, resource) when { context.now.toTime() < duration("6h") };
"""
NOT_THE_QUAY = '@id("not-the-quay") forbid (principal, action, resource) when { context.places.contains("quay") };'


def decide(ask: dict[str, Any], *grants: Any, lab: str = "") -> Any:
    return Decider(lab, PLACES).decide(asked(**ask), list(grants))


def test_what_the_grant_gives_is_allowed_and_filled_in() -> None:
    one = granted()
    decision = decide({}, one)
    assert decision.allowed
    assert decision.reason == "allowed"
    assert decision.granted == one
    assert decision.policies == ("a/0/figures",)
    assert decision.asked.places == ("square", "street")
    assert decision.asked.quantities == ("people", "density")
    assert decision.asked.step == "5m"
    assert decision.asked.agreement == "a"


@pytest.mark.parametrize(
    ("ask", "change", "reason", "word"),
    [
        ({"party": PRESS}, {}, "no-agreement", "no signed agreement"),
        ({"lab": "other"}, {}, "no-agreement", "no signed agreement"),
        ({"agreement": "b"}, {}, "no-agreement", "with this hash"),
        ({}, {"status": "proposed"}, "no-agreement", "proposed"),
        ({}, {"status": "rejected"}, "no-agreement", "rejected"),
        ({}, {"status": "revoked"}, "revoked", "taken back"),
        ({}, {"status": "expired"}, "expired", "ended at"),
        ({"at_us": NOON_US + YEAR_S * 1_000_000}, {}, "expired", "ended at"),
        ({"at_us": NOON_US - YEAR_S * 1_000_000 - 1}, {}, "not-yet-valid", "begins at"),
        ({"purpose": "news"}, {}, "purpose", "'event-safety'"),
        ({"action": "read-history"}, {}, "action", "read-history"),
        ({"action": "contribute-closures"}, {}, "action", "contribute-closures"),
        ({"places": ("square", "quay")}, {}, "places", "'quay'"),
        ({"places": ("nowhere\n",)}, {}, "places", "'nowhere\\n'"),
        ({}, {"zones": ()}, "places", "no places"),
        ({"quantities": ("people", "flow")}, {}, "quantities", "'flow'"),
        ({}, {"quantities": ()}, "quantities", "no quantities"),
        ({"step": "1m"}, {}, "step", "'1m'"),
        ({"step": "often"}, {}, "step", "'often'"),
    ],
)
def test_what_it_does_not_give_is_refused_with_the_reason(
    ask: dict[str, Any], change: dict[str, Any], reason: Reason, word: str
) -> None:
    decision = decide(ask, granted(**change))
    assert not decision.allowed
    assert decision.granted is None
    assert decision.reason == reason
    assert word in decision.told
    assert "\n" not in decision.told


def test_it_holds_from_its_first_moment_to_just_before_its_last() -> None:
    begin_us, end_us = NOON_US - YEAR_S * 1_000_000, NOON_US + YEAR_S * 1_000_000
    assert [decide({"at_us": at_us}, granted()).allowed for at_us in (begin_us - 1, begin_us, end_us - 1, end_us)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_step_is_compared_by_its_length() -> None:
    assert decide({"step": "300s"}, granted()).allowed


def test_of_several_grants_the_one_that_began_first_is_used() -> None:
    old, new = granted("z", begins_us=NOON_US - 2_000_000), granted("a", begins_us=NOON_US - 1_000_000)
    for order in ((old, new), (new, old)):
        assert decide({}, *order).granted == old
    assert decide({"agreement": "a"}, old, new).granted == new


def test_a_grant_beside_another_gives_what_that_does_not() -> None:
    quay = granted(index=1, zones=("quay",))
    assert decide({"places": ("quay",)}, granted(), quay).granted == quay
    assert decide({"places": ("quay", "square")}, granted(), quay).reason == "places"


def test_all_of_the_lab_is_what_the_lab_has() -> None:
    everything = granted(zones=("*",), gates=("*",))
    assert decide({}, everything).asked.places == ("square", "street", "quay", "bridge", "arch", "alley")
    assert decide({"places": ("nowhere",)}, everything).reason == "places"
    assert not Decider("").decide(asked(), [everything]).allowed


def test_of_areas_only_the_areas_are_given() -> None:
    centre = granted(areas={"centre": ("square", "street")})
    assert decide({}, centre).asked.places == ("centre",)
    assert decide({"places": ("square",)}, centre).reason == "places"


def test_contributions_are_of_single_places_and_need_no_quantities() -> None:
    giving = granted(
        kinds=(), quantities=(), contributions=("closures",), gates=("arch",), areas={"centre": ("square", "street")}
    )
    assert decide({"action": "contribute-closures", "places": ("arch", "square")}, giving).policies == ("a/0/contributions",)
    assert decide({"action": "contribute-closures", "places": ("quay",)}, giving).reason == "places"
    assert decide({"action": "contribute-arrivals"}, giving).reason == "action"


def test_a_private_grant_gives_no_warnings_and_no_forecast() -> None:
    open_data = granted(kinds=("state", "forecast", "warnings", "history"), exactness="private", privacy=privacy())
    allowed = [decide({"action": f"read-{kind}"}, open_data).allowed for kind in ("state", "history", "forecast", "warnings")]
    assert allowed == [True, True, False, False]


def test_the_lab_can_only_narrow() -> None:
    assert decide({"at_us": NOON_US}, granted(), lab=NIGHT).allowed
    refused = decide({"at_us": NOON_US - 8 * 3_600_000_000}, granted(), lab=NIGHT)
    assert (refused.reason, refused.policies) == ("forbidden-by-lab", ("no-figures-at-night",))
    assert decide({}, granted(zones=("square", "quay")), lab=NOT_THE_QUAY).reason == "forbidden-by-lab"
    assert decide({"places": ("square",)}, granted(zones=("square", "quay")), lab=NOT_THE_QUAY).allowed
    assert decide({"purpose": "news"}, granted(zones=("quay",)), lab=NOT_THE_QUAY).reason == "purpose"


def test_rules_of_the_lab_see_all_places_also_where_the_request_left_them_open() -> None:
    """Without such rules the engine is not given what was left open; the decision is the same."""
    both = '@id("both") forbid (principal, action, resource) when { context.places == ["square", "street"] };'
    assert decide({}, granted(), lab=both).policies == ("both",)
    told, plain = decide({}, granted(), lab=NIGHT), decide({}, granted())
    assert told.allowed
    assert told == plain


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("permit (principal, action, resource);", "can only forbid"),
        ('@id("mine") permit (principal, action, resource);', "mine permits"),
        ("forbid (principal, action", "unexpected end"),
        ("forbid (principal, action, resource) when { context.secret };", "secret"),
        ('forbid (principal, action == Action::"read-all", resource);', "read-all"),
        ("forbid (principal == ?principal, action, resource);", "template"),
    ],
)
def test_policies_of_the_lab_that_are_not_in_order_let_nothing_out(text: str, word: str) -> None:
    mistakes = policy_mistakes(text)
    assert any(word in mistake for mistake in mistakes)
    assert all("\n" not in mistake for mistake in mistakes)
    assert decide({}, granted(), lab=text).reason == "engine-failed"
    assert not policy_mistakes(NIGHT + NOT_THE_QUAY)


def test_a_policy_that_fails_while_it_is_judged_lets_nothing_out() -> None:
    overflow = "forbid (principal, action, resource) when { context.step * 9223372036854775807 == 0 };"
    assert not policy_mistakes(overflow)
    assert decide({}, granted(), lab=overflow).reason == "engine-failed"


class Panic(BaseException):
    """What an engine written in another language may raise: no ``Exception``."""


@pytest.mark.parametrize("failure", [ValueError("broken"), MemoryError(), Panic()])
def test_an_engine_that_breaks_lets_nothing_out(failure: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    decider = Decider("", PLACES)
    assert decider.decide(asked(), [granted()]).allowed

    def broken(*_: object) -> None:
        raise failure

    monkeypatch.setattr(cedarpy, "is_authorized_batch", broken)
    assert decider.decide(asked(), [granted()]).reason == "engine-failed"


def test_an_engine_that_gives_no_decision_lets_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = cedarpy.AuthzResult({"decision": "NoDecision", "diagnostics": {"errors": []}})
    monkeypatch.setattr(cedarpy, "is_authorized_batch", lambda *_: [nothing])
    assert Decider("", PLACES).decide(asked(), [granted()]).reason == "engine-failed"


def test_a_denial_that_the_comparison_cannot_explain_stays_a_denial(monkeypatch: pytest.MonkeyPatch) -> None:
    denied = cedarpy.AuthzResult({"decision": "Deny", "diagnostics": {"errors": []}})
    monkeypatch.setattr(cedarpy, "is_authorized_batch", lambda *_: [denied])
    decision = Decider("", PLACES).decide(asked(), [granted()])
    assert (decision.allowed, decision.reason) == (False, "engine-failed")


def test_a_change_of_the_grants_counts_at_once() -> None:
    decider = Decider("", PLACES)
    one = granted()
    assert decider.decide(asked(), [one]).allowed
    assert decider.decide(asked(), [msgspec.structs.replace(one, status="revoked")]).reason == "revoked"
    assert decider.decide(asked(), []).reason == "no-agreement"
    assert decider.decide(asked(), [one]).allowed


@pytest.mark.parametrize("name", ['" || true || "', "\\", "é", "\u2028", "a\nb", '"]; permit(principal,action,resource); //'])
def test_no_text_of_an_agreement_can_become_a_policy(name: str) -> None:
    one = granted(name=name, purpose=name, zones=(name,), consumer=name)
    assert decide({"party": name, "purpose": name}, one).allowed
    assert not decide({"party": name, "purpose": name, "places": ("square",)}, one).allowed
    assert not decide({"party": name}, one).allowed
    assert not decide({"party": POLICE, "purpose": name}, one).allowed


def test_nothing_is_told_of_agreements_with_others() -> None:
    others = granted("secret-deal", consumer=PRESS, purpose="secret-purpose", zones=("quay",))
    for ask in ({}, {"agreement": "secret-deal"}, {"places": ("quay",)}, {"purpose": "secret-purpose"}):
        for grants in ([others], [others, granted()]):
            told = decide(ask, *grants).told
            assert "secret" not in told.replace(repr(ask.get("purpose", "")), "")
            assert PRESS not in told


def test_a_decision_on_many_zones_is_fast() -> None:
    zones = tuple(f"zone-{number:03d}" for number in range(200))
    grants = [granted(f"h{number}", consumer=CITY if number else POLICE, zones=zones) for number in range(20)]
    decider, ask = Decider("", PLACES), asked(places=zones)
    assert decider.decide(ask, grants).allowed
    took = []
    for _ in range(50):
        begin = time.perf_counter()
        decider.decide(ask, grants)
        took.append(time.perf_counter() - begin)
    print(f"a decision on 200 zones: {sorted(took)[25] * 1e3:.2f} ms")
    assert min(took) < 0.005, "ten times what it takes on a quiet machine"
