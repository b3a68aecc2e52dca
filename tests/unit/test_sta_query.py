"""What a $filter finds, kind by kind, and that the indexes serve it."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from ruimte.sta.errors import StaError
from ruimte.sta.filter import parse_filter, parse_orderby
from ruimte.sta.options import Options, parse_options
from ruimte.sta.path import parse_path
from ruimte.store.sqlite import Store
from ruimte.store.sta.functions import prepare
from ruimte.store.sta.read import read
from sta_written import Written, at, datastream, location, multi, thing

BASE = "http://localhost/sta/v1.1"
NOW_US = 1_777_298_400_000_000

SHAPES = {
    "point": {"type": "Point", "coordinates": [4, 52]},
    "line": {"type": "LineString", "coordinates": [[3, 52], [6, 52]]},
    "square": {"type": "Polygon", "coordinates": [[[4, 51], [6, 51], [6, 53], [4, 53], [4, 51]]]},
    "feature": {"type": "Feature", "geometry": {"type": "Point", "coordinates": [100, 10]}, "properties": {}},
    "address": "Dam 1, Amsterdam",
}
RESULTS = [0, 1, 2.5, -3, 2**60 + 1, "busy", "10", True, False, {"in": 4, "a b": [1, {"x": "y"}]}, [1, 2], None]
SPANS = [(0, 10), (10, 20), (15, 15), (20, 40), (40, 40)]


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Datastream 1 holds RESULTS at one moment, 2 intervals SPANS, MultiDatastream 3 pairs; Thing 2 is where the shapes are."""
    with Store(tmp_path_factory.mktemp("sta") / "sta.db", "test", durable=False) as store:
        made = Written(store)
        made.create(
            "Things", thing(Locations=[location()], properties={"floor-1": {"größe": 5}, "since": "2026-04-01T00:00:00Z"})
        )
        for name in ("flow", "spans"):
            made.create("Things(1)/Datastreams", datastream(name=name))
        made.create("Things(1)/MultiDatastreams", multi("speed", "count"))
        for result in RESULTS:
            body = {"phenomenonTime": "2026-04-27T14:30:15.250Z", "resultTime": "2025-12-31T23:59:59Z", "result": result}
            made.create("Datastreams(1)/Observations", body)
        for start, end in SPANS:
            made.create("Datastreams(2)/Observations", {"phenomenonTime": f"{at(start)}/{at(end)}", "result": start})
        for pair in ([1, 0.5], [2, "x"]):
            made.create("MultiDatastreams(3)/Observations", {"result": pair})
        for name, shape in SHAPES.items():
            made.create(
                "Locations",
                location(name, location=shape, encodingType="application/geo+json" if name != "address" else "text/plain"),
            )
        yield made


def found(asked, path, text, name):
    path = parse_path(path)
    options = Options(filter=parse_filter(text, path.entity), count=True)
    answer = asked.store.read(lambda c: read(c, path, options, BASE, NOW_US))
    assert answer.count == len(answer.rows)
    return [row[name] for row in answer.rows]


@pytest.mark.parametrize(
    ("text", "results"),
    [
        ("result gt 0", [1, 2.5, 2**60 + 1]),
        ("result ge 0", [0, 1, 2.5, 2**60 + 1]),
        ("result lt 0", [-3]),
        ("result eq 10", []),
        ("result eq '10'", ["10"]),
        ("result eq 1", [1]),
        ("result eq true", [True]),
        ("result eq false", [False]),
        ("result", [True]),
        ("not result", [False]),
        ("result eq null", [None]),
        ("not (result ne null)", [None]),
        ("result gt 'a'", ["busy"]),
        ("result/in eq 4", [RESULTS[9]]),
        ("result/in gt 3 and result/in lt 5", [RESULTS[9]]),
        ("result[1] eq 2", [[1, 2]]),
        ("result[0] eq result[0]", RESULTS),
        ("result[0] eq result[1] sub 1 and result[0] ne null", [[1, 2]]),
        ("result eq result", [each for each in RESULTS if not isinstance(each, dict | list)]),
        ("length(result) eq 4", ["busy"]),
        ("startswith(result,'b')", ["busy"]),
        ("result add 1 eq 2", [1]),
        ("result div 0 eq null and result ge 0", [0, 1, 2.5, 2**60 + 1]),
        ("result mod 2 eq -1", [-3]),
        ("result mod 0 eq null and result lt 0", [-3]),
        ("7 div 2 eq 3.5 and result eq 0", [0]),
        ("round(result) eq 3", [2.5]),
        ("round(result) eq -3", [-3]),
        ("floor(result) eq 2 or ceiling(result) eq 1", [1, 2.5]),
        ("null eq null and result eq 0", [0]),
        ("null gt 1", []),
        ("result eq 9223372036854775807 add 1", []),
    ],
)
def test_results_are_compared_as_what_they_are(asked, text, results):
    assert found(asked, "Datastreams(1)/Observations", text, "result") == results


def test_results_of_a_multi_datastream_by_their_place(asked):
    assert found(asked, "MultiDatastreams(3)/Observations", "result[1] lt 0.6", "result") == [[1, 0.5]]
    assert found(asked, "MultiDatastreams(3)/Observations", "result[1] eq 'x' and result[0] eq 2", "result") == [[2, "x"]]


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        (f"phenomenonTime gt {at(15)}", [20, 40]),
        (f"phenomenonTime ge {at(15)}", [15, 20, 40]),
        (f"phenomenonTime lt {at(15)}", [0]),
        (f"phenomenonTime le {at(15)}", [0, 15]),
        (f"phenomenonTime le {at(20)}", [0, 10, 15]),
        (f"phenomenonTime eq {at(15)}", [15]),
        (f"phenomenonTime ne {at(15)}", [0, 10, 20, 40]),
        (f"phenomenonTime eq {at(10)}/{at(20)}", [10]),
        (f"phenomenonTime gt {at(10)}/{at(20)}", [40]),
        (f"phenomenonTime ge {at(10)}/{at(20)}", [20, 40]),
        (f"phenomenonTime lt {at(10)}/{at(20)}", []),
        (f"phenomenonTime le {at(10)}/{at(20)}", [0]),
        (f"{at(15)} lt phenomenonTime", [20, 40]),
        (f"{at(15)} gt phenomenonTime", [0]),
        (f"phenomenonTime add duration'PT10S' gt {at(29)}", [20, 40]),
        (f"phenomenonTime sub duration'PT10S' lt {at(6)}", [0, 15]),
        (f"phenomenonTime sub {at(10)} ge duration'PT10S'", [20, 40]),
        (f"phenomenonTime sub {at(0)} eq 2 mul duration'PT10S'", [20]),
        ("phenomenonTime lt 1970-01-02 and phenomenonTime ge 1970-01-01", [0, 10, 15, 20, 40]),
        ("Datastream/phenomenonTime eq 1970-01-01T00:00:00Z/1970-01-01T00:00:40Z and result eq 40", [40]),
        ("validTime eq null and result lt 15", [0, 10]),
        ("validTime gt now()", []),
        ("resultTime eq null and resultTime ne now() and result eq 0", [0]),
        ("not (resultTime gt now()) and result eq 0", [0]),
    ],
)
def test_intervals_are_compared_by_their_ends(asked, text, starts):
    assert found(asked, "Datastreams(2)/Observations", text, "result") == starts


@pytest.mark.parametrize(
    "text",
    [
        "year(phenomenonTime) eq 2026",
        "month(phenomenonTime) eq 4",
        "day(phenomenonTime) eq 27",
        "hour(phenomenonTime) eq 14",
        "minute(phenomenonTime) eq 30",
        "second(phenomenonTime) eq 15",
        "fractionalseconds(phenomenonTime) eq 0.25",
        "date(phenomenonTime) eq 2026-04-27",
        "date(phenomenonTime) lt 2026-04-28",
        "date(2026-04-27T23:30:00-02:00) eq 2026-04-28",
        "time(phenomenonTime) eq 14:30:15.25",
        "time(phenomenonTime) gt 14:30",
        "hour(time(phenomenonTime)) eq 14",
        "year(date(phenomenonTime)) eq 2026",
        "year(resultTime) eq 2025",
        "totaloffsetminutes(phenomenonTime) eq 0",
        "phenomenonTime lt maxdatetime()",
        "phenomenonTime gt mindatetime()",
        "now() eq 2026-04-27T14:00:00Z",
        "now() sub phenomenonTime eq -duration'PT30M15.25S'",
        "phenomenonTime sub resultTime gt duration'P100D'",
        "-(phenomenonTime sub now()) lt duration'PT0S'",
        "Datastream/Thing/properties/since lt phenomenonTime",
        "year(Datastream/Thing/properties/since) eq 2026",
        "phenomenonTime sub duration'P27D' gt Datastream/Thing/properties/since eq false",
    ],
)
def test_times(asked, text):
    every = found(asked, "Datastreams(1)/Observations", text, "@iot.id")
    assert len(every) == len(RESULTS), text
    assert found(asked, "Datastreams(1)/Observations", f"not ({text})", "@iot.id") == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("geo.distance(location,geography'POINT (4 55)') eq 3", ["square", "point", "line"]),
        ("geo.distance(location,geography'POINT (4 55)') eq 2", ["square"]),
        ("geo.length(location) eq 3", ["line"]),
        ("geo.intersects(location,geography'LINESTRING (99 9, 101 11)')", ["feature"]),
        ("st_equals(location,geography'POINT (4 52)')", ["square", "point"]),
        ("st_disjoint(location,geography'POLYGON ((3 51, 7 51, 7 53, 3 53, 3 51))')", ["feature"]),
        ("st_touches(location,geography'POLYGON ((6 51, 8 51, 8 53, 6 53, 6 51))')", ["line", "square"]),
        ("st_within(location,geography'POLYGON ((3.5 51.5, 4.5 51.5, 4.5 52.5, 3.5 52.5, 3.5 51.5))')", ["square", "point"]),
        ("st_overlaps(location,geography'POLYGON ((5 52, 7 52, 7 54, 5 54, 5 52))')", ["square"]),
        ("st_crosses(location,geography'POLYGON ((3.5 51.5, 4.5 51.5, 4.5 52.5, 3.5 52.5, 3.5 51.5))')", ["line"]),
        ("st_intersects(location,geography'LINESTRING (3.9 51, 3.9 53)')", ["line"]),
        ("st_contains(location,geography'POINT (5 52)')", ["line", "square"]),
        ("st_relate(location,geography'POINT (4 52)','T*F**FFF*')", ["square", "point"]),
        ("st_relate(location,geography'POINT (4 52)',name)", []),
        ("location eq null", []),
        ("geo.length(location) eq null", ["address"]),
        ("location/type eq 'LineString'", ["line"]),
        ("location/coordinates[0] gt 50 or location/geometry/coordinates[0] gt 50", ["feature"]),
        ("st_within(location/geometry,geography'POLYGON ((99 9, 101 9, 101 11, 99 11, 99 9))')", ["feature"]),
    ],
)
def test_shapes(asked, text, names):
    # the Location of the Thing is a point that is named square, too
    assert found(asked, "Locations", text, "name") == names


@pytest.mark.parametrize(
    ("path", "text", "count"),
    [
        ("Datastreams", "unitOfMeasurement/name eq 'person'", 2),
        ("Datastreams", "unitOfMeasurement/symbol eq '1' and endswith(unitOfMeasurement/definition,'person')", 2),
        ("Datastreams", "endswith(observationType,'OM_CountObservation')", 2),
        ("MultiDatastreams", "unitOfMeasurements[1]/name eq 'count'", 1),
        ("MultiDatastreams", "endswith(multiObservationDataTypes[0],'OM_Measurement')", 1),
        ("MultiDatastreams", "endswith(observationType,'OM_ComplexObservation')", 1),
        ("MultiDatastreams", "unitOfMeasurements ne null", 1),
        ("MultiDatastreams", "ObservedProperties/name eq 'speed' and ObservedProperties/name eq 'count'", 1),
        ("MultiDatastreams", "ObservedProperties/name eq 'speed' and not (ObservedProperties/name eq 'flow')", 1),
        ("Things", "properties/floor-1/größe eq 5", 1),
        ("Things", "properties/floor-1/x eq null", 1),
        ("Things", "properties/floor-1/größe eq '5'", 0),
        ("Things", "Datastreams/Observations/result eq 2.5", 1),
        ("Things", "Datastreams/Observations/result gt 1e30", 0),
        ("Things", "MultiDatastreams/Observations/MultiDatastream/Thing/id eq 1", 1),
        ("Things", "Datastreams/name eq 'flow' and Datastreams/name eq 'spans'", 1),
        ("Things", "Datastreams/name ne Datastreams/name", 0),
        ("Things", "(Datastreams/name eq 'none') eq false", 1),
        ("Things", "HistoricalLocations/time gt 2026-04-01 and Locations/name eq 'square'", 1),
        ("Locations", "Things/Datastreams/ObservedProperty/name eq 'count'", 1),
        ("Sensors", "Datastreams/id eq 1 or MultiDatastreams/id eq 3", 2),
        ("Sensors", "substringof('example',metadata)", 3),
        ("FeaturesOfInterest", "Observations/Datastream/id eq 1", 1),
        ("Observations", "MultiDatastream/id eq 3", 2),
        ("Observations", "Datastream/id eq 3", 0),
        ("Observations", "Datastream/id eq null", 2),
        ("Observations", "id ge 18 and id lt 20", 2),
        ("Observations", "5 eq id", 1),
    ],
)
def test_properties_over_links_and_inside_objects(asked, path, text, count):
    assert len(found(asked, path, text, "@iot.id")) == count


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Things", "name"),
        ("Things", "name and true"),
        ("Things", "not name eq 'x'"),
        ("Things", "name eq 5"),
        ("Things", "name gt true"),
        ("Things", "length(5) eq 1"),
        ("Things", "name add 1 eq 2"),
        ("Things", "id eq 'x'"),
        ("Things", "true gt false"),
        ("Things", "now() add now() gt now()"),
        ("Things", "now() mul 2 gt now()"),
        ("Things", "id gt now()"),
        ("Things", "Datastreams/Observations/Datastream/Thing/Datastreams eq 1"),
        ("Locations", "location eq geography'POINT (4 52)'"),
        ("Locations", "geo.length('POINT (4 52)') eq 0"),
        ("Locations", "st_relate(location,geography'POINT (4 52)','T*')"),
        ("Observations", " or ".join(["id eq 5"] * 1200)),
        ("Things", " and ".join(f"{'Datastreams/Thing/' * 3}Datastreams/Sensor/name eq '{k}'" for k in range(20))),
    ],
)
def test_what_makes_no_sense_is_400(asked, path, text):
    with pytest.raises(StaError) as caught:
        found(asked, path, text, "@iot.id")
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("begin", "middle", "end", "ids"),
    [
        ("(", "id eq 1", ")", [1]),
        ("not (", "id eq 1", ")", [1]),
        ("tolower(", "name", ") eq 'pole'", [1]),
        ("(1 add ", "id", ") eq 25", [1]),
        ("(true and ", "id eq 1", ")", [1]),
    ],
)
def test_deep_filters_are_answered_and_what_is_too_deep_is_refused(asked, begin, middle, end, ids):
    close, _, rest = end.partition(" ")

    def nested(depth):
        return begin * depth + middle + close * depth + f" {rest}"

    assert found(asked, "Things", nested(24), "@iot.id") == ids
    for depth in range(25, 60, 5):
        with contextlib.suppress(StaError):
            found(asked, "Things", nested(depth), "@iot.id")


def test_a_list_of_hundreds_of_ids(asked):
    assert found(asked, "Observations", " or ".join(f"id eq {k}" for k in range(900)), "@iot.id") == list(range(1, 20))


def test_an_order_over_a_link_to_many_is_400(asked):
    path = parse_path("Things")
    options = Options(orderby=parse_orderby("Datastreams/name", path.entity))
    with pytest.raises(StaError, match="no one value"):
        asked.store.read(lambda c: read(c, path, options, BASE))


def test_functions_give_null_for_what_they_cannot_do():
    connection = sqlite3.connect(":memory:")
    prepare(connection)
    prepare(connection)
    for call in (
        "sta_distance('POINT (0 0)', 'no shape')",
        "sta_distance('POINT EMPTY', 'POINT (0 0)')",
        'sta_length(\'{"type": "Point"}\')',
        "sta_relation('within', NULL, 'POINT (0 0)')",
        "sta_relate('POINT (0 0)', 'POINT (0 0)', 'T')",
        "sta_start('yesterday')",
        "sta_part('year', 9e18)",
        "sta_part('year', 1e300)",
        "sta_modulo(5, 0)",
        "sta_floor('x')",
    ):
        assert connection.execute(f"SELECT {call}").fetchone() == (None,), call
    connection.close()


# ---- plans ----


def plans(asked, address, query):
    """How SQLite goes about each query of a read, a line a step: ``(the query, the step)``."""
    path = parse_path(address)
    options = parse_options(query, path.entity)
    steps = []

    def run(connection):
        statements = []
        connection.set_trace_callback(statements.append)
        try:
            read(connection, path, options, BASE, NOW_US)
        finally:
            connection.set_trace_callback(None)
        for statement in statements:
            if statement.startswith("SELECT"):
                steps.extend((statement, row[3]) for row in connection.execute("EXPLAIN QUERY PLAN " + statement))

    asked.store.read(run)
    return steps


@pytest.mark.parametrize(
    ("address", "query", "index"),
    [
        (
            "Datastreams(1)/Observations",
            "$filter=phenomenonTime ge 2026-01-01T00:00:00Z&$orderby=phenomenonTime desc&$top=5",
            "observations_by_stream (datastream_id=? AND start_us>?)",
        ),
        (
            "Datastreams(1)/Observations",
            "$filter=phenomenonTime lt 2026-01-01T00:00:00Z&$top=5",
            "observations_by_stream (datastream_id=? AND start_us<?)",
        ),
        (
            "Datastreams(1)/Observations",
            "$filter=phenomenonTime ge 2026-01-01T00:00:00Z and phenomenonTime lt 2026-01-02T00:00:00Z&$count=true",
            "observations_by_stream (datastream_id=? AND start_us>? AND start_us<?)",
        ),
        ("Datastreams(1)/Observations", "$skiptoken=5,1", "observations_by_stream (datastream_id=? AND start_us>?)"),
        ("Observations", "$orderby=phenomenonTime desc&$top=1", "observations_by_stream (datastream_id=?)"),
        ("Observations", "$filter=id eq 5", "observations_by_first (first=?)"),
        ("Observations", "$filter=id gt 5", "INTEGER PRIMARY KEY (rowid>?)"),
        ("Observations", "$filter=Datastream/id eq 1", "observations_by_stream (datastream_id=?)"),
        ("Observations(5)", "", "observations_by_first (first=?)"),
        ("FeaturesOfInterest(1)/Observations", "", "observations_by_feature (feature_id=?)"),
        (
            "Things",
            "$expand=Datastreams/Observations($orderby=phenomenonTime desc;$top=1)",
            "observations_by_stream (datastream_id=?)",
        ),
        (
            "Things",
            "$filter=Datastreams/Observations/phenomenonTime gt 2026-01-01T00:00:00Z",
            "observations_by_stream (datastream_id=? AND start_us>?)",
        ),
    ],
)
def test_no_query_reads_all_observations(asked, address, query, index):
    steps = plans(asked, address, query)
    assert any(index in step for _, step in steps), steps
    for statement, step in steps:
        action, name = [*step.split(), ""][:2]
        reads_all = action == "SCAN" and (name == "observations" or f"observations {name} " in statement + " ")
        assert not reads_all, step


@pytest.mark.parametrize("query", ["", "$orderby=id desc", "$orderby=id,phenomenonTime"])
def test_all_observations_by_id_are_merged_from_two_indexes_without_a_sort(asked, query):
    steps = plans(asked, "Observations", query)
    assert any(step == "MERGE (UNION ALL)" for _, step in steps)
    assert not any("TEMP B-TREE" in step for _, step in steps)


def test_the_latest_of_a_datastream_needs_no_sort_of_all(asked):
    steps = plans(asked, "Datastreams(1)/Observations", "$orderby=phenomenonTime desc&$top=1")
    assert not any("TEMP B-TREE FOR ORDER BY" in step for _, step in steps)
