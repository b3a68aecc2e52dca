"""The grammar of $filter and $orderby."""

from __future__ import annotations

import pytest

from ruimte.sta.entities import ENTITIES
from ruimte.sta.errors import StaError
from ruimte.sta.filter import DEEPEST, parse_filter, parse_orderby
from ruimte.sta.tree import Binary, Call, Field, Minus, Not, Value, show

OBSERVATION = ENTITIES["Observation"]


def parsed(text, entity="Observation"):
    return parse_filter(text, ENTITIES[entity])


@pytest.mark.parametrize(
    ("text", "explicit"),
    [
        ("result eq 1 or result eq 2 and result eq 3", "(result eq 1) or ((result eq 2) and (result eq 3))"),
        ("result gt 1 eq true", "(result gt 1) eq true"),
        ("1 add 2 mul 3 eq 7", "(1 add (2 mul 3)) eq 7"),
        ("5 sub 2 sub 1 eq 2", "((5 sub 2) sub 1) eq 2"),
        ("8 div 2 mul 2 mod 3 eq 1", "(((8 div 2) mul 2) mod 3) eq 1"),
        ("-result mul 2 lt 1", "((-result) mul 2) lt 1"),
        ("1 sub -1 eq 2", "(1 sub (-1)) eq 2"),
        ("not startswith(result,'a') and true", "(not startswith(result,'a')) and true"),
        ("not not true", "not (not true)"),
        ("result ne 1 eq false", "(result ne 1) eq false"),
    ],
)
def test_precedence_is_that_of_odata(text, explicit):
    assert parsed(text) == parsed(explicit)
    assert parsed(show(parsed(text))) == parsed(text)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("'it''s'", "text", "it's"),
        ("''", "text", ""),
        ("'ünï 🚶'", "text", "ünï 🚶"),
        ("5", "number", 5),
        ("2.50", "number", 2.5),
        ("1e-3", "number", 0.001),
        ("9223372036854775807", "number", 2**63 - 1),
        ("true", "boolean", True),
        ("null", "null", None),
        ("1970-01-01T00:00:01Z", "instant", 1_000_000),
        ("1970-01-01T01:00:01+01:00", "instant", 1_000_000),
        ("1970-01-01T01:00:01 01:00", "instant", 1_000_000),
        ("1970-01-01T00:00:00.000001Z", "instant", 1),
        ("1970-01-01T00:00:00Z/1970-01-01T01:00:01+01:00", "interval", (0, 1_000_000)),
        ("1970-01-02", "date", 1),
        ("1969-12-31", "date", -1),
        ("00:01:00.5", "time", 60_500_000),
        ("duration'PT1M'", "duration", 60_000_000),
        ("duration'-P1DT1S'", "duration", -86_401_000_000),
        ("geography'POINT (4 52)'", "geometry", "POINT (4 52)"),
        ("geometry'SRID=4326;POINT (4 52)'", "geometry", "POINT (4 52)"),
    ],
)
def test_literals(text, kind, value):
    assert parsed(f"result eq {text}") == Binary("eq", Field((), "result"), Value(kind, value))


@pytest.mark.parametrize(
    ("text", "links", "name", "keys"),
    [
        ("id", (), "id", ()),
        ("@iot.id", (), "id", ()),
        ("Datastream/Thing/name", ("Datastream", "Thing"), "name", ()),
        ("Datastream/Thing/@iot.id", ("Datastream", "Thing"), "id", ()),
        ("parameters/not/and-or", (), "parameters", ("not", "and-or")),
        ("parameters/größe", (), "parameters", ("größe",)),
        ("result[0]", (), "result", (0,)),
        ("result/in[1]/x", (), "result", ("in", 1, "x")),
        ("Datastream/unitOfMeasurement/name", ("Datastream",), "unitOfMeasurement", ("name",)),
    ],
)
def test_addresses_of_properties(text, links, name, keys):
    field = parsed(f"{text} eq 1").left
    assert (tuple(link.name for link in field.links), field.name, field.keys) == (links, name, keys)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "value is missing"),
        ("result eq", "value is missing before the end"),
        ("result eq 5 5", "too many"),
        ("(result eq 5", "')' is missing"),
        ("result eq 5)", "too many"),
        ("result == 5", "has no meaning"),
        ("result eq 'open", "not closed"),
        ("colour eq 5", "no 'colour'"),
        ("Colours/name eq 5", "no 'Colours'"),
        ("Datastream eq 5", "is a link"),
        ("Datastream/Thing/", "name is missing"),
        ("phenomenonTime/start gt 5", "holds nothing inside"),
        ("result[x] eq 5", "place in a list"),
        ("result[1.5] eq 5", "place in a list"),
        ("sounds_like(result,'x')", "no function"),
        ("length() eq 1", "takes 1 argument"),
        ("substring('a') eq 'a'", "takes 2 or 3 arguments, not 1"),
        ("now(1) gt resultTime", "takes 0 arguments"),
        ("result eq 9223372036854775808", "too large"),
        ("result eq " + "9" * 5000, "too large"),
        ("result eq 1e400", "too large"),
        ("resultTime gt 2026-13-01T00:00:00Z", "not an instant"),
        ("resultTime gt 2026-01-01T00:00:00", "not an instant"),
        ("resultTime gt 2026-02-30", "no date"),
        ("time(resultTime) eq 25:00", "no time"),
        ("resultTime gt duration'1 hour'", "no duration"),
        ("resultTime gt duration'P'", "no duration"),
        ("phenomenonTime eq 2026-01-02T00:00:00Z/2026-01-01T00:00:00Z", "ends before it starts"),
        ("st_equals(FeatureOfInterest/feature,geography'POINT (4)')", "Well-Known Text"),
        ("(" * 200 + "true" + ")" * 200, "nest at most"),
        ("not " * 200 + "true", "nest at most"),
        ("-" * 200 + "1 eq 1", "nest at most"),
        ("1 add " * 200 + "1 eq 1", "in a row"),
        ("Datastream/Observations/" * 10 + "id eq 1", "too many links"),
        ("parameters" + "/a" * 200 + " eq 1", "too many keys"),
        (" or ".join(["1"] * 2100), "too many words"),
        ("'" + "x" * 20_000 + "' eq 'x'", "too long"),
        ("$it/name eq 'x'", "no '$it'"),
    ],
)
def test_what_is_no_filter_is_an_error_that_says_why(text, words):
    with pytest.raises(StaError) as caught:
        parsed(text)
    assert caught.value.status == 400
    assert words in str(caught.value)


def test_errors_tell_the_place_and_what_was_meant():
    with pytest.raises(StaError) as caught:
        parsed("result gt 5 and phenomenontime gt now()")
    assert str(caught.value) == "$filter, character 17: Observation has no 'phenomenontime'; did you mean phenomenonTime?"


def test_what_is_just_deep_enough_is_read():
    text = "(" * (DEEPEST - 1) + "id eq 1" + ")" * (DEEPEST - 1)
    assert parsed(text) == parsed("id eq 1")


def test_a_call_keeps_its_arguments_in_order():
    assert parsed("substring(concat('a','b'),1,-result) eq 'b'").left == Call(
        "substring", (Call("concat", (Value("text", "a"), Value("text", "b"))), Value("number", 1), Minus(Field((), "result")))
    )
    assert parsed("not true") == Not(Value("boolean", True))


def test_orderby_has_keys_of_any_value():
    keys = parse_orderby("Datastream/name desc, result asc,length(result) , result mod 2 desc", OBSERVATION)
    assert [(show(node), falls) for node, falls in keys] == [
        ("Datastream/name", True),
        ("result", False),
        ("length(result)", False),
        ("result mod 2", True),
    ]


@pytest.mark.parametrize("text", ["", "colour", "result up", "result,", "result desc desc", "result gt 5"])
def test_what_is_no_order_is_an_error(text):
    with pytest.raises(StaError) as caught:
        parse_orderby(text, OBSERVATION)
    assert caught.value.status == 400
