"""req/request-data/filter: operators and functions, each with the rows that it must let through (OGC 18-088, clause 9.3.3.5)."""

from __future__ import annotations

from typing import Any

from .client import Sta
from .table import rows
from .world import RESULTS, SHAPES, TAG, World

FILTER = "req/request-data/filter"
OPERATIONS = "req/request-data/built-in-filter-operations"
FUNCTIONS = "req/request-data/built-in-query-functions"
MINE = f"startswith(name,'{TAG}') and "


@rows(
    FILTER,
    {
        "a property of the entity": ("Things", "name eq '{tag} thing 1'", ["thing 1"]),
        "a property inside properties": ("Things", "properties/owner/name eq 'port'", ["thing 2"]),
        "a number inside properties": ("Things", "properties/rank ge 1", ["thing 1", "thing 2"]),
        "a truth inside properties": ("Things", "properties/open eq true", ["thing 1"]),
        "a property that is missing is null": ("Things", "properties/colour eq null", ["thing 0", "thing 1", "thing 2"]),
        "over a link to one": ("Datastreams", "Thing/name eq '{tag} thing 1'", ["stream 2", "stream 3"]),
        "over a link to many: any of them": ("Things", "Datastreams/name eq '{tag} stream 3'", ["thing 1"]),
        "over several links": ("Things", "Datastreams/ObservedProperty/name eq '{tag} property 2'", ["thing 2"]),
        "over links there and back": (
            "Sensors",
            "Datastreams/Thing/Datastreams/Sensor/name eq '{tag} sensor 1'",
            ["sensor 0", "sensor 1"],
        ),
        "by observations": ("Datastreams", "Observations/result eq 2.5", ["stream 0"]),
        "an object's property": (
            "Datastreams",
            "unitOfMeasurement/name eq 'persons' and Thing/properties/rank eq 0",
            ["stream 0", "stream 1"],
        ),
        "by id": ("Things", "id eq {thing}", ["thing 0"]),
        "by id over a link": ("Datastreams", "Thing/id eq {thing}", ["stream 0", "stream 1"]),
        "two properties with each other": ("Things", "name ne description", ["thing 0", "thing 1", "thing 2"]),
        "a quote within a text": ("Things", "name eq 'it''s'", []),
        "a text that looks like SQL": ("Things", "name eq 'x'';drop table things;--'", []),
        "a percent sign and an underscore are only themselves": ("Things", "substringof('%',name) or startswith(name,'_')", []),
    },
)
def filters(sta: Sta, world: World, set_name: str, text: str, names: list[str]) -> None:
    wanted = MINE + "(" + text.format(tag=TAG, thing=world.things[0]) + ")"
    assert sta.values(set_name, "name", filter=wanted, orderby="name") == [f"{TAG} {name}" for name in names]


@rows(
    FILTER,
    {
        "numbers as numbers, not as texts": ("result lt 10", [0, 1, 2.5, 3]),
        "inside parameters": ("parameters/weather eq 'rain'", [1, 3]),
        "a number inside parameters": ("parameters/level gt 2", [3, 10]),
        "an instant": ("phenomenonTime eq 2026-06-01T12:00:00Z", [2.5]),
        "an instant with an offset": ("phenomenonTime eq 2026-06-01T14:00:00+02:00", [2.5]),
        "before and after instants": (
            "phenomenonTime gt 2026-01-01T00:00:00Z and phenomenonTime lt 2026-06-02T00:00:00Z",
            [1, 2.5],
        ),
        "not before an instant": ("phenomenonTime ge 2026-06-02T12:00:00Z", [3, 10]),
        "resultTime": ("resultTime le 2026-03-29T01:30:15.250Z", [0, 1]),
        "over a link of the observation": ("FeatureOfInterest/name eq 'reading feature' and result lt 1", [0]),
    },
)
def observation_filters(sta: Sta, world: World, text: str, results: list[float]) -> None:
    assert sta.values(f"Datastreams({world.streams[0]})/Observations", "result", filter=text, orderby="result") == results


@rows(
    FILTER,
    {
        "an interval after an instant": ("phenomenonTime gt 2026-05-01T08:30:00Z", [9, 10, 11]),
        "an interval before an instant": ("phenomenonTime lt 2026-05-01T08:30:00Z", [6, 7]),
        "validTime": ("validTime gt 2026-05-01T09:30:00Z", [10, 11]),
    },
)
def interval_filters(sta: Sta, world: World, text: str, hours: list[int]) -> None:
    assert sta.values(f"Datastreams({world.streams[1]})/Observations", "result", filter=text, orderby="result") == hours


@rows(
    FILTER,
    {
        "a text as result": ("result eq 'busy'", ["busy"]),
        "a truth as result": ("result eq true", [True]),
        "inside a result": ("result/in eq 4", [{"in": 4, "out": 2}]),
        "resultQuality": ("resultQuality eq 'poor'", ["quiet"]),
    },
)
def other_results(sta: Sta, world: World, text: str, results: list[Any]) -> None:
    assert sta.values(f"Datastreams({world.streams[2]})/Observations", "result", filter=text) == results


@rows(
    OPERATIONS,
    {
        text: (text, results)
        for text, results in {
            "result eq 2.5": [2.5],
            "result ne 2.5": [0, 1, 3, 10],
            "result gt 2.5": [3, 10],
            "result ge 2.5": [2.5, 3, 10],
            "result lt 2.5": [0, 1],
            "result le 2.5": [0, 1, 2.5],
            "result gt 0 and result lt 3": [1, 2.5],
            "result lt 1 or result gt 3": [0, 10],
            "not (result lt 3)": [3, 10],
            "result add 1 eq 4": [3],
            "result sub 1 lt 0": [0],
            "result mul 2 eq 5": [2.5],
            "result div 4 eq 2.5": [10],
            "10 div result eq 4": [2.5],
            "result mod 2 eq 1": [1, 3],
            "result eq 0 or result eq 1 and result eq 2": [0],
            "(result eq 0 or result eq 1) and result eq 1": [1],
            "1 add 2 mul result eq 7": [3],
            "(1 add 2) mul result eq 3": [1],
            "result sub 1 sub 1 eq 1": [3],
            "-1 lt result and result lt -1 mul -1": [0],
            "result eq 1e1": [10],
            "2.5 eq result": [2.5],
            "result gt 0 eq true": [1, 2.5, 3, 10],
            "result eq null": [],
            "result ne null": [0, 1, 2.5, 3, 10],
        }.items()
    },
)
def operations(sta: Sta, world: World, text: str, results: list[float]) -> None:
    assert sta.values(f"Datastreams({world.streams[0]})/Observations", "result", filter=text, orderby="result") == results


@rows(
    FUNCTIONS,
    {
        text: (text, names)
        for text, names in {
            "substringof('thing 1',name)": [1],
            "endswith(name,'thing 2')": [2],
            "startswith(name,'reading thing 0')": [0],
            "length(name) eq 15": [0, 1, 2],
            "indexof(name,'thing') eq 8": [0, 1, 2],
            "substring(name,8) eq 'thing 1'": [1],
            "substring(name,8,5) eq 'thing'": [0, 1, 2],
            "tolower('READING THING 1') eq name": [1],
            "toupper(name) eq 'READING THING 2'": [2],
            "trim('  reading thing 0 ') eq name": [0],
            "concat(concat(name,', '),properties/owner/name) eq 'reading thing 2, port'": [2],
        }.items()
    },
)
def text_functions(sta: Sta, world: World, text: str, ranks: list[int]) -> None:
    assert sta.values("Things", "name", filter=MINE + text, orderby="name") == [f"{TAG} thing {rank}" for rank in ranks]


@rows(
    FUNCTIONS,
    {
        text: (text, results)
        for text, results in {
            "year(phenomenonTime) eq 2025": [0],
            "month(phenomenonTime) eq 6": [2.5, 3, 10],
            "day(phenomenonTime) eq 2": [3, 10],
            "hour(phenomenonTime) eq 12": [2.5, 3],
            "minute(phenomenonTime) eq 30": [1],
            "second(phenomenonTime) eq 59": [0],
            "fractionalseconds(phenomenonTime) eq 0.25": [1],
            "date(phenomenonTime) eq date(2026-06-02T00:00:00Z)": [3, 10],
            "time(phenomenonTime) eq time(2026-06-01T12:00:00Z)": [2.5, 3],
            "totaloffsetminutes(phenomenonTime) eq 0": RESULTS,
            "phenomenonTime lt now() or phenomenonTime ge now()": RESULTS,
            "resultTime gt mindatetime()": RESULTS,
            "resultTime lt maxdatetime()": RESULTS,
            "round(result) eq 3": [2.5, 3],
            "floor(result) eq 2": [2.5],
            "ceiling(result) eq 3": [2.5, 3],
        }.items()
    },
)
def time_and_math_functions(sta: Sta, world: World, text: str, results: list[float]) -> None:
    assert sta.values(f"Datastreams({world.streams[0]})/Observations", "result", filter=text, orderby="result") == results


_NEAR = "geography'POLYGON ((3.5 51.5, 4.5 51.5, 4.5 52.5, 3.5 52.5, 3.5 51.5))'"
_BESIDE = "geography'POLYGON ((6 51, 8 51, 8 53, 6 53, 6 51))'"


@rows(
    FUNCTIONS,
    {
        text: (text, names)
        for text, names in {
            "geo.distance(location,geography'POINT (4 52)') lt 0.5": ["line", "point", "square"],
            "geo.length(location) gt 2 and endswith(name,'line')": ["line"],
            f"geo.intersects(location,{_NEAR})": ["line", "point", "square"],
            "st_equals(location,geography'POINT (4 52)')": ["point"],
            "st_disjoint(location,geography'POLYGON ((3 51, 7 51, 7 53, 3 53, 3 51))')": ["far"],
            f"st_touches(location,{_BESIDE})": ["line", "square"],
            f"st_within(location,{_NEAR})": ["point"],
            "st_overlaps(location,geography'POLYGON ((5 52, 7 52, 7 54, 5 54, 5 52))')": ["square"],
            f"st_crosses(location,{_NEAR})": ["line"],
            "st_intersects(location,geography'LINESTRING (3.9 51, 3.9 53)')": ["line"],
            "st_contains(location,geography'POINT (5 52)')": ["line", "square"],
            "st_relate(location,geography'POINT (4 52)','T*F**FFF*')": ["point"],
        }.items()
    },
)
def geo_functions(sta: Sta, world: World, text: str, names: list[str]) -> None:
    shapes = " or ".join(f"name eq '{TAG} {shape}'" for shape in SHAPES)
    found = sta.values("Locations", "name", filter=f"({shapes}) and {text}", orderby="name")
    assert found == [f"{TAG} {name}" for name in names]
