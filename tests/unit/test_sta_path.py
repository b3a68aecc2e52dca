"""Addresses: what they lead to, and which lead nowhere."""

from __future__ import annotations

import pytest

from ruimte.sta.errors import StaError
from ruimte.sta.path import Path, parse_path


def test_steps_know_their_entity_link_and_id():
    path = parse_path("Things(1)/Datastreams(2)/Observations")
    assert [(step.entity.name, step.link and step.link.name, step.id) for step in path.steps] == [
        ("Thing", None, 1),
        ("Datastream", "Datastreams", 2),
        ("Observation", "Observations", None),
    ]
    assert path.is_set
    assert path.parent == Path(path.steps[:2])
    assert not path.parent.is_set


@pytest.mark.parametrize(
    ("text", "is_set"),
    [
        ("Things", True),
        ("/Things/", True),
        ("Things(1)", False),
        ("Things( 1 )", False),
        ("Datastreams(1)/Thing", False),
        ("Things(1)/Datastreams/$ref", True),
        ("Observations(1)/Datastream/Thing/Datastreams(5)/Sensor", False),
        ("Things(1)/name", False),
    ],
)
def test_sets_and_entities(text, is_set):
    assert parse_path(text).is_set == is_set


@pytest.mark.parametrize(
    ("text", "prop", "value"),
    [
        ("Things(1)/name", ("name",), False),
        ("Things(1)/name/$value", ("name",), True),
        ("Datastreams(1)/Thing/properties/owner/name", ("properties", "owner", "name"), False),
        ("Things(1)/properties/Gr%C3%B6%C3%9Fe%2Fm", ("properties", "Größe/m"), False),
        ("Things(1)/properties/Größe", ("properties", "Größe"), False),
        ("Observations(1)/result/0", ("result", "0"), False),
    ],
)
def test_properties_and_keys_inside_them(text, prop, value):
    path = parse_path(text)
    assert (path.prop, path.value, path.ref) == (prop, value, False)
    assert parse_path(str(path)) == path


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 404),
        ("Cameras", 404),
        ("things", 404),
        ("Things//Datastreams", 404),
        ("Things(x)", 404),
        ("Things()", 404),
        ("Things(-1)", 404),
        ("Things(1.5)", 404),
        ("Things('1')", 404),
        ("Things(99999999999999999999)", 404),
        ("Things(9223372036854775808)", 404),
        ("Things(١)", 404),
        ("Things/Datastreams", 404),
        ("Things/name", 404),
        ("Things(1)/Observations", 404),
        ("Things(1)/colour", 404),
        ("Things(1)/name/first", 404),
        ("Datastreams(1)/Thing(1)", 404),
        ("Things(1)/$count", 404),
        ("Things(1)/$ref/name", 404),
        ("Things(1", 400),
        ("Things(1)/$value", 400),
        ("Things(1)/name%FF", 400),
        ("Things(1)/name%00", 400),
        ("Things(1)/" + "x" * 5000, 400),
    ],
)
def test_what_leads_nowhere_is_404_and_what_cannot_be_read_400(text, status):
    with pytest.raises(StaError) as caught:
        parse_path(text)
    assert caught.value.status == status


def test_the_largest_id_is_that_of_the_database():
    assert parse_path("Things(9223372036854775807)").steps[0].id == 2**63 - 1
