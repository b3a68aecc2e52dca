"""Terms that cannot hold are refused before anybody signs them, naming the field and the mend."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from agreed import CITY, FROM_S, POLICE, agreed, content, grant, pair_of, privately, proposed
from ruimte.errors import RuimteError
from ruimte.share.agreement import Content, Duties, Form, Party, Validity, What
from ruimte.share.contract import check
from ruimte.share.terms import LONGEST_S, check_content


def what(**changes: Any) -> What:
    return msgspec.structs.replace(What(kinds=("state",), zones=("a", "b", "c"), quantities=("people",)), **changes)


def form(**changes: Any) -> Form:
    return msgspec.structs.replace(Form(exactness="suppressed", minimum=10), **changes)


def party(**changes: Any) -> Party:
    return msgspec.structs.replace(Party(id=POLICE, name="Police", public_key=pair_of(POLICE).public), **changes)


def parties(other: Party) -> Content:
    """The city and another party, which gets what the police get."""
    return content(grant(consumer=other.id), parties=(CITY,), others=(other,))


AREAS = {"north": ("a", "b"), "south": ("c",)}


@pytest.mark.parametrize(
    "good",
    [
        content(),
        content(grant(what=what(), form=form(areas=AREAS))),
        content(grant(what=what(quantities=("people", "density", "level")), form=form(areas=AREAS))),
        content(grant(what=what(), form=form(areas={"north": ("a", "b"), "c": ("c",)}))),
        content(grant(what=what(quantities=("inflow",)), form=form(areas={"a": ("a",), "b": ("b",), "c": ("c",)}))),
        content(grant(what=what(gates=("bridge",), quantities=("flow",)))),
        content(grant(what=what(zones=("*",), gates=("*",), kinds=("warnings",), quantities=()))),
        content(grant(form=Form(exactness="exact"), legal_ground="Police Act, section 3")),
        content(grant(what=what(kinds=("state", "history")), form=privately())),
        content(grant(what=What(zones=("a",), contributions=("zone-status", "closures", "arrivals")))),
        content(grant(legal_regime="wpg", legal_ground="Police Data Act, section 8")),
        content(validity=Validity(not_before=FROM_S, not_after=FROM_S + LONGEST_S)),
        parties(party(id="https://police.example.org/")),
        parties(party(id="did:web:police.example.org")),
        parties(party(name="P" * 200)),
    ],
    ids=range(15),
)
def test_terms_that_hold(good: Content) -> None:
    check_content(good)


WRONG = [
    (content(iv="1"), "iv: '1' is not a UUID"),
    (content(iv="06338364-8305-7B74-8000-de4963503139"), "is not a UUID"),
    (content(group_id="a b"), "group_id: is not the name of a group"),
    (content(validity=Validity(not_before=FROM_S, not_after=FROM_S)), "it ends before it begins"),
    (content(validity=Validity(not_before=FROM_S, not_after=FROM_S + LONGEST_S + 1)), "for more than five years"),
    (content(parties=(CITY,)), "1 parties; an agreement is between 2 to 50"),
    (content(parties=(CITY, CITY)), "two parties have urn"),
    (parties(party(public_key=pair_of(CITY).public)), "parties.public_key: two parties have"),
    (parties(party(public_key="abc")), r"parties\[1\].public_key: is not an Ed25519 key"),
    (parties(party(id="police")), "'police' is not a URI"),
    (parties(party(id="https://police.example.org/\u0430")), "is not a URI"),
    (parties(party(id="urn:nld:oin:123")), "is not an OIN"),
    (parties(party(id="URN:NLD:OIN:00000099000000002000")), "is not an OIN"),
    (parties(party(id=f"{POLICE}\n")), "is not a URI"),
    (parties(party(name=" ")), r"parties\[1\].name: the text is empty"),
    (parties(party(name="P" * 201)), r"parties\[1\].name: is too long; write 200 characters"),
    (parties(party(name="Police\x1b[2J")), "holds a character that cannot be seen"),
    (parties(party(name="Police\u202e")), "holds a character that cannot be seen"),
    (content(grant(), grant(CITY, "urn:nld:oin:00000099000000009000")), r"grants\[1\].consumer.* is not a party"),
    (content(grant(CITY, CITY)), "consumer: is the provider itself"),
    (content(parties=(CITY, POLICE, "urn:nld:oin:00000099000000003000")), "gives and gets nothing"),
    (content(grant(lab="The Boulevard")), r"grants\[0\].lab: key 'The Boulevard' is not a key"),
    (content(grant(purpose="Event Safety")), "purpose: 'Event Safety' is not a purpose"),
    (content(grant(purpose="")), "is not a purpose"),
    (content(grant(legal_regime="gdpr")), "legal_ground: there is none, under gdpr"),
    (content(grant(legal_regime="wpg", legal_ground=" ")), "legal_ground: there is none, under wpg"),
    (content(grant(form=Form(exactness="exact"))), "legal_ground: there is none, for exact figures"),
    (content(grant(form=Form(exactness="exact", minimum=5), legal_ground="law")), "so they are not exact"),
    (content(grant(duties=Duties(delete_after="a month", name_source="x"))), "delete_after: 'a month' is not a length"),
    (content(grant(duties=Duties(delete_after="30d", name_source=""))), "name_source: the text is empty"),
    (content(grant(what=What(zones=("a",)))), "the grant gives nothing"),
    (content(grant(what=what(zones=()))), "no place is named"),
    (content(grant(what=what(zones=("*", "a")))), "stands beside others"),
    (content(grant(what=what(zones=("a", "a")))), "'a' stands there twice"),
    (content(grant(what=what(kinds=("state", "state")))), "kinds: 'state' stands there twice"),
    (content(grant(what=what(zones=("A",)))), "zones: key 'A' is not a key"),
    (content(grant(what=what(gates=("b",)))), "gates: 'b' is a zone too"),
    (content(grant(what=what(quantities=()))), "no quantity is named"),
    (content(grant(form=form(step="90s"))), "'90s' is no step"),
    (content(grant(form=form(step="7m"))), "'7m' is no step"),
    (content(grant(form=form(step="2d"))), "'2d' is no step"),
    (content(grant(form=form(step="often"))), "step: 'often' is not a length of time"),
    (content(grant(form=form(minimum=0))), "minimum: nothing would be left out"),
    (content(grant(form=form(minimum=-1))), "is no number of people"),
    (content(grant(form=form(round_to=0))), "0 is nothing to round to"),
    (content(grant(form=Form(exactness="private"))), "privacy: belongs to exactness"),
    (content(grant(form=form(privacy=privately().privacy))), "privacy: belongs to exactness"),
    (content(grant(form=form(areas={"north": ("a",)}))), "does not say which zones areas are made of"),
    (content(grant(what=what(), form=form(areas={"north": ("a", "b", "d"), "c": ("c",)}))), "'d' of 'north' is not among"),
    (
        content(grant(what=what(), form=form(areas={"north": ("a", "b"), "south": ("b", "c")}))),
        "stands in 'north' and in 'south'",
    ),
    (content(grant(what=what(), form=form(areas={"north": ("a", "b")}))), "'c' is in no area"),
    (content(grant(what=what(), form=form(areas={"a": ("b", "c"), "x": ("a",)}))), "is the name of another place"),
    (content(grant(what=what(gates=("north",)), form=form(areas=AREAS))), "is the name of another place"),
    (content(grant(what=what(), form=form(areas=AREAS | {"empty": ()}))), "'empty' is made of no zone"),
    (content(grant(what=what(), form=form(areas={"North": ("a", "b", "c")}))), "key 'North' is not a key"),
    (content(grant(what=what(quantities=("people", "outflow")), form=form(areas=AREAS))), "outflow of 'north' is not known"),
    (content(grant(what=what(kinds=("forecast",)), form=privately())), "kinds: forecast cannot be given with noise"),
    (content(grant(what=what(kinds=("state", "warnings")), form=privately())), "warnings cannot be given with noise"),
    (content(grant(what=what(quantities=("level",)), form=privately())), "quantities: level cannot be given with noise"),
]


@pytest.mark.parametrize(("bad", "told"), WRONG, ids=[told for _, told in WRONG])
def test_terms_that_cannot_hold(bad: Content, told: str) -> None:
    with pytest.raises(RuimteError, match=told) as caught:
        check_content(bad)
    assert caught.value.mend
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("epsilon_per_day", 0.0, "is no budget"),
        ("epsilon_per_day", -1.0, "is no budget"),
        ("epsilon_per_day", math.inf, "is no budget"),
        ("epsilon_per_day", math.nan, "is no budget"),
        ("intervals", 0, "is no number of steps"),
        ("assumption", "", "assumption: the text is empty"),
    ],
)
def test_a_privacy_budget_that_is_none(field: str, value: object, told: str) -> None:
    privacy = msgspec.structs.replace(privately().privacy, **{field: value})
    with pytest.raises(RuimteError, match=told):
        check_content(content(grant(what=what(), form=privately(privacy=privacy))))


def test_the_policy_cannot_say_something_else_than_the_terms() -> None:
    made = content()
    kinder = msgspec.structs.replace(made.grants[0].properties, policy=made.grants[0].properties.policy | {"prohibition": []})
    changed = msgspec.structs.replace(made, grants=(msgspec.structs.replace(made.grants[0], properties=kinder),))
    with pytest.raises(RuimteError, match=r"grants\[0\].properties.policy: the ODRL policy says something else"):
        check_content(changed)
    without = msgspec.structs.replace(made.grants[0].properties, policy={})
    with pytest.raises(RuimteError, match="policy"):
        check_content(msgspec.structs.replace(made, grants=(msgspec.structs.replace(made.grants[0], properties=without),)))


def test_true_in_the_policy_is_not_one() -> None:
    made = content(grant(form=form(round_to=1)))
    policy = made.grants[0].properties.policy
    limits = [each | {"rightOperand": True} if each["leftOperand"] == "resolution" else each for each in _limits(policy)]
    odd = policy | {"permission": [policy["permission"][0] | {"constraint": limits}]}
    assert odd == policy  # as Python sees it
    changed = msgspec.structs.replace(made.grants[0], properties=msgspec.structs.replace(made.grants[0].properties, policy=odd))
    with pytest.raises(RuimteError, match="the ODRL policy says something else"):
        check_content(msgspec.structs.replace(made, grants=(changed,)))


def _limits(policy: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = policy["permission"][0]["constraint"]
    return found


def test_wrong_terms_are_wrong_however_well_they_are_signed() -> None:
    with pytest.raises(RuimteError, match="nothing would be left out"):
        check(proposed(grant(form=form(minimum=0))))
    check(agreed())


# --- ODRL ---------------------------------------------------------------------------------------------------------------


def test_the_policy_tells_each_limit_of_the_terms() -> None:
    made = content(grant(what=what(quantities=("people", "density")), form=form(areas=AREAS, step="90m", round_to=5)))
    policy = made.grants[0].properties.policy
    assert (policy["type"], policy["assigner"], policy["assignee"]) == ("Agreement", CITY, POLICE)
    assert policy["@context"][0] == "http://www.w3.org/ns/odrl.jsonld"
    permission = policy["permission"][0]
    limits = {each["leftOperand"]: (each["operator"], each["rightOperand"]) for each in permission["constraint"]}
    assert limits["purpose"] == ("eq", "event-safety")
    assert limits["dateTime"] == ("lt", {"@value": "2027-01-15T08:00:00Z", "@type": "xsd:dateTime"})
    assert limits["spatial"] == ("isAnyOf", ["urn:ruimte:lab:boulevard:place:north", "urn:ruimte:lab:boulevard:place:south"])
    assert limits["timeInterval"] == ("eq", {"@value": "PT1H30M", "@type": "xsd:duration"})
    assert limits["resolution"] == ("eq", 5)
    assert limits["ruimte:minimum"] == ("gteq", 10)
    assert [duty["action"] for duty in permission["duty"]] == ["delete", "attribute"]
    assert permission["duty"][0]["constraint"][0]["rightOperand"]["@value"] == "P30D"
    assert policy["prohibition"] == [{"target": ["urn:ruimte:lab:boulevard:data:state"], "action": "distribute"}]


def test_onward_sharing_a_budget_and_contributions_are_told_too() -> None:
    duties = Duties(delete_after="1w", name_source="x", onward_sharing=True)
    policy = content(grant(what=what(), form=privately(), duties=duties)).grants[0].properties.policy
    assert "prohibition" not in policy
    limits = {each["leftOperand"]: each["rightOperand"] for each in policy["permission"][0]["constraint"]}
    assert (limits["ruimte:epsilonPerDay"], limits["ruimte:intervals"]) == (1.0, 8)
    given = content(grant(what=What(zones=("a",), contributions=("arrivals",)))).grants[0].properties.policy["permission"]
    assert [(each["action"], each["target"]) for each in given] == [
        ("ruimte:contribute", ["urn:ruimte:lab:boulevard:data:arrivals"])
    ]
