"""Level-of-service tables, and thresholds in a place's own quantity."""

from __future__ import annotations

import pytest
from shapely.geometry import Point, Polygon

from ruimte.errors import RuimteError
from ruimte.lab.lab import CountPoint, Zone
from ruimte.lab.levels import TABLES, UNUSUAL_LEVELS, colour, table, table_name, thresholds_for
from ruimte.model.place import Place

SQUARE = Zone("square", "Square", Polygon([(0, 0), (1, 0), (1, 1)]), 200.0, None, None, None)
STREET = CountPoint("street", "Street", Point(0, 0), 3.0, None)


@pytest.mark.parametrize("levels", TABLES.values(), ids=lambda t: t.name)
def test_a_tables_limits_rise_and_each_level_has_a_colour(levels) -> None:  # type: ignore[no-untyped-def]
    assert list(levels.upper) == sorted(set(levels.upper))
    assert [colour(name) for name in levels.names] == list(range(len(levels.names)))
    assert len(levels.upper) == (len(levels.names) - 1 if levels.measure == "density" else len(levels.names))


def test_the_unusual_levels_have_colours_that_call() -> None:
    assert [colour(name) for name in UNUSUAL_LEVELS] == [0, 3, 4, 5]


def test_a_zones_thresholds_are_persons() -> None:
    place = Place(key="square", name="Square", quantity="people", site="square", area_m2=200.0)
    thresholds = thresholds_for(place, table("fruin-walkway"))
    assert [t.level for t in thresholds] == ["A", "B", "C", "D", "E", "F"]
    assert [t.rank for t in thresholds] == [0, 1, 2, 3, 4, 5]
    assert [t.lower for t in thresholds] == pytest.approx([0, 61.6, 86.2, 143.6, 215.2, 430.6])


def test_a_count_points_thresholds_are_persons_a_second_and_never_show_f() -> None:
    place = Place(key="street", name="Street", quantity="flow", site="street", width_m=3.0)
    thresholds = thresholds_for(place, table("fruin-walkway-flow"))
    assert [t.level for t in thresholds] == ["A", "B", "C", "D", "E"]
    assert thresholds[-1].lower == pytest.approx(66 * 3 / 60)


def test_thresholds_need_the_measure_of_their_table() -> None:
    place = Place(key="street", name="Street", quantity="flow", site="street")
    with pytest.raises(RuimteError, match="street: table 'fruin-walkway-flow' needs width_m"):
        thresholds_for(place, table("fruin-walkway-flow"))


def test_an_unknown_table_is_named_with_the_known_ones() -> None:
    with pytest.raises(RuimteError, match="no level-of-service table 'fruin'; choose one of fruin-walkway"):
        table("fruin")


@pytest.mark.parametrize(
    ("lab_levels", "place", "name"),
    [
        ("fruin-queueing", SQUARE, "fruin-queueing"),
        ("fruin-queueing", STREET, "fruin-walkway-flow"),
        ("hcm-queueing", STREET, "hcm-walkway-flow"),
        ("hcm-walkway-flow", STREET, "hcm-walkway-flow"),
        ("hcm-walkway-flow", SQUARE, "unusual"),
        ("unusual", SQUARE, "unusual"),
        ("unusual", STREET, "unusual"),
        ("fruin-walkway", CountPoint("lane", "Lane", Point(0, 0), None, None), "unusual"),
        ("unusual", CountPoint("lane", "Lane", Point(0, 0), 2.0, "hcm-walkway-flow"), "hcm-walkway-flow"),
        ("unusual", Zone("hall", "Hall", SQUARE.polygon, 50.0, None, None, "hcm-queueing"), "hcm-queueing"),
        ("hcm-queueing", Zone("hall", "Hall", SQUARE.polygon, 50.0, None, None, "unusual"), "unusual"),
    ],
)
def test_a_place_uses_a_table_that_its_measure_can_show(lab_levels: str, place: Zone | CountPoint, name: str) -> None:
    assert table_name(lab_levels, place) == name
