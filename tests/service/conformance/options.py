"""req/request-data: the query options but $filter, and paging (OGC 18-088, clause 9.3)."""

from __future__ import annotations

from typing import Any

from . import bodies
from .client import Sta
from .datamodel import ENTITIES, named
from .table import row, rows
from .world import RESULTS, TAG, World

DATA = "req/request-data/"
MINE = f"startswith(name,'{TAG}')"


@row(DATA + "status-code", "200 for what exists, 404 for what does not")
def status_codes(sta: Sta, world: World) -> None:
    assert sta.ask("GET", f"Things({world.things[0]})").status_code == 200
    assert sta.ask("HEAD", "Things").status_code == 200
    sta.refused(404, "GET", "Things(999999999)")


@rows(
    DATA + "query-status-code",
    {
        "400 for a $filter that cannot be read": (400, {"filter": "name eq"}),
        "400 for an unknown property in $filter": (400, {"filter": "colour eq 'red'"}),
        "400 for an unknown function": (400, {"filter": "sounds_like(name,'x')"}),
        "400 for a number of arguments that a function does not take": (400, {"filter": "startswith(name)"}),
        "400 for an unknown property in $orderby": (400, {"orderby": "colour"}),
        "400 for an unknown property in $select": (400, {"select": "colour"}),
        "400 for an unknown link in $expand": (400, {"expand": "Colours"}),
        "400 for a $top that is no number": (400, {"top": "many"}),
        "400 for a negative $top": (400, {"top": -1}),
        "400 for a negative $skip": (400, {"skip": -1}),
        "400 for a $count that is neither true nor false": (400, {"count": "perhaps"}),
        "501 for an option that is not supported": (501, {"search": "x"}),
        "501 for an unknown option": (501, {"colour": "red"}),
    },
)
def query_status_codes(sta: Sta, world: World, status: int, options: dict[str, Any]) -> None:
    sta.refused(status, "GET", "Things", **options)


@row(DATA + "order", "$filter, then $count, $orderby, $skip, $top; then $expand and $select")
def order(sta: Sta, world: World) -> None:
    answer = sta.get(
        f"Datastreams({world.streams[0]})/Observations",
        select="result",
        expand="FeatureOfInterest",
        top=2,
        skip=1,
        orderby="result desc",
        count="true",
        filter="result gt 0",
    )
    assert answer["@iot.count"] == 4
    assert [each["result"] for each in answer["value"]] == [3, 2.5]
    assert all(each["FeatureOfInterest"]["name"] == f"{TAG} feature" for each in answer["value"])
    assert all("phenomenonTime" not in each for each in answer["value"])


@rows(DATA + "expand", {f"every link of {named(kind)}": (kind,) for kind in ENTITIES})
def expand_all(sta: Sta, world: World, kind: str) -> None:
    set_name, _, relations = ENTITIES[kind]
    for entity in sta.get(set_name, expand=",".join(relations), top=2)["value"]:
        for name, many in relations.items():
            assert isinstance(entity[name], list if many else dict)


@row(DATA + "expand", "nested by a path and by options, each with options of its own")
def expand_nested(sta: Sta, world: World) -> None:
    by_path = sta.get(f"Things({world.things[0]})", expand="Datastreams/Observations,Datastreams/Sensor")
    assert sorted(len(stream["Observations"]) for stream in by_path["Datastreams"]) == [5, 6]
    assert {stream["Sensor"]["name"] for stream in by_path["Datastreams"]} == {f"{TAG} sensor 0", f"{TAG} sensor 1"}
    inner = "Observations($filter=result ge 1;$orderby=result desc;$top=2;$select=result;$expand=FeatureOfInterest)"
    by_option = sta.get(f"Things({world.things[0]})", expand=f"Datastreams($filter=name eq '{TAG} stream 0';$expand={inner})")
    (stream,) = by_option["Datastreams"]
    assert [each["result"] for each in stream["Observations"]] == [10, 3]
    assert all(each["FeatureOfInterest"]["@iot.id"] == world.feature for each in stream["Observations"])


@row(DATA + "expand", "expanded sets have their own count and nextLink, each parent its own rows")
def expand_pages(sta: Sta, world: World) -> None:
    things = sta.get("Things", filter=MINE, orderby="name", expand="Datastreams($count=true;$top=1;$orderby=name)")["value"]
    for k, thing in enumerate(things):
        assert thing["Datastreams@iot.count"] == 2
        assert [each["name"] for each in thing["Datastreams"]] == [f"{TAG} stream {2 * k}"]
        rest = sta.get(thing["Datastreams@iot.nextLink"])
        assert [each["name"] for each in rest["value"]] == [f"{TAG} stream {2 * k + 1}"]


@row(DATA + "expand", "to one, through a link, and there and back")
def expand_single(sta: Sta, world: World) -> None:
    observation = sta.get(f"Observations({world.observations[0][0]})", expand="Datastream/Thing/Locations,FeatureOfInterest")
    assert observation["Datastream"]["Thing"]["Locations"][0]["name"] == f"{TAG} place 0"
    assert observation["FeatureOfInterest"]["@iot.id"] == world.feature


@row(DATA + "select", "only the properties that were asked for")
def select(sta: Sta, world: World) -> None:
    for thing in sta.get("Things", select="name,properties", filter=MINE)["value"]:
        assert set(thing) - {"@iot.id", "@iot.selfLink"} == {"name", "properties"}
    assert set(sta.get(f"Observations({world.observations[0][0]})", select="result")) - {"@iot.id", "@iot.selfLink"} == {"result"}


@row(DATA + "select", "id, and links by their names")
def select_links(sta: Sta, world: World) -> None:
    assert sta.get(f"Things({world.things[0]})", select="id")["@iot.id"] == world.things[0]
    thing = sta.get(f"Things({world.things[0]})", select="name,Datastreams")
    assert thing["Datastreams@iot.navigationLink"].endswith(f"/Things({world.things[0]})/Datastreams")
    assert "Locations@iot.navigationLink" not in thing


@row(DATA + "select", "with $expand the expanded entities stay")
def select_expand(sta: Sta, world: World) -> None:
    thing = sta.get(f"Things({world.things[0]})", select="name", expand="Datastreams($select=name)")
    assert "description" not in thing
    assert sorted(each["name"] for each in thing["Datastreams"]) == [f"{TAG} stream 0", f"{TAG} stream 1"]
    assert all("unitOfMeasurement" not in each for each in thing["Datastreams"])


@rows(
    DATA + "orderby",
    {
        "ascending where nothing is said": ("name", [0, 1, 2]),
        "asc": ("name asc", [0, 1, 2]),
        "desc": ("name desc", [2, 1, 0]),
        "by several keys": ("properties/owner/name desc,name desc", [2, 1, 0]),
        "by several keys in different directions": ("properties/owner/name asc,name desc", [1, 0, 2]),
        "by a property inside properties": ("properties/rank desc", [2, 1, 0]),
        "by id": ("id desc", [2, 1, 0]),
    },
)
def orderby(sta: Sta, world: World, keys: str, ranks: list[int]) -> None:
    assert sta.values("Things", "name", filter=MINE, orderby=keys) == [f"{TAG} thing {rank}" for rank in ranks]


@row(DATA + "orderby", "by a property of a linked entity, and by numbers as numbers")
def orderby_linked(sta: Sta, world: World) -> None:
    names = sta.values("Datastreams", "name", filter=MINE, orderby="Thing/name desc,Sensor/name asc")
    assert names == [f"{TAG} stream {k}" for k in (4, 5, 2, 3, 0, 1)]
    stream = f"Datastreams({world.streams[0]})/Observations"
    assert sta.values(stream, "result", orderby="result desc") == sorted(RESULTS, reverse=True)
    assert sta.values(stream, "result", orderby="phenomenonTime desc") == RESULTS[::-1]


@row(DATA + "top", "at most so many, with a nextLink where there is more")
def top(sta: Sta, world: World) -> None:
    page = sta.get("Things", filter=MINE, orderby="name", top=2)
    assert [each["name"] for each in page["value"]] == [f"{TAG} thing 0", f"{TAG} thing 1"]
    assert "@iot.nextLink" in page
    assert "@iot.nextLink" not in sta.get("Things", filter=MINE, top=3)
    assert sta.get("Things", top=0)["value"] == []


@row(DATA + "top", "more than the service gives at once is still walked whole")
def top_too_large(sta: Sta, world: World) -> None:
    walked = [each for page in sta.pages("Things", filter=MINE, top=1_000_000) for each in page]
    assert len(walked) == 3


@row(DATA + "skip", "leaves out so many of the ordered rows")
def skip(sta: Sta, world: World) -> None:
    assert sta.values("Things", "name", filter=MINE, orderby="name", skip=2) == [f"{TAG} thing 2"]
    assert sta.values("Things", "name", filter=MINE, orderby="name desc", skip=1, top=1) == [f"{TAG} thing 1"]
    assert sta.get("Things", filter=MINE, skip=3)["value"] == []


@row(DATA + "count", "counts what the filter lets through, whatever the page")
def count(sta: Sta, world: World) -> None:
    assert sta.get("Datastreams", filter=MINE, count="true", top=1, skip=2)["@iot.count"] == 6
    assert sta.get("Datastreams", filter=f"{MINE} and Sensor/name eq '{TAG} sensor 0'", count="true")["@iot.count"] == 3
    assert sta.get(f"Datastreams({world.streams[0]})/Observations", count="true", top=0)["@iot.count"] == 5
    assert "@iot.count" not in sta.get("Things", count="false")


@rows(
    DATA + "pagination",
    {
        "pages without gap or overlap, unordered": ({},),
        "pages without gap or overlap, ordered by equal keys": ({"orderby": "description"},),
        "pages without gap or overlap, ordered downward": ({"orderby": "name desc"},),
        "pages keep $select and $expand": ({"select": "name", "expand": "Datastreams"},),
    },
)
def walk(sta: Sta, world: World, options: dict[str, str]) -> None:
    tag = f"page {sorted(options)}{options.get('orderby', '')}".replace("'", "")
    for number in range(7):
        sta.make("Sensors", bodies.sensor(f"{tag} {number}"))
    pages = list(sta.pages("Sensors", filter=f"startswith(name,'{tag.replace(chr(39), chr(39) * 2)}')", top=3, **options))
    assert [len(page) for page in pages] == [3, 3, 1]
    names = [each["name"] for page in pages for each in page]
    assert sorted(names) == [f"{tag} {number}" for number in range(7)]
    if "select" in options:
        assert all("description" not in each and each["Datastreams"] == [] for page in pages for each in page)


@row(DATA + "pagination", "a walk is not disturbed by rows that come in meanwhile")
def walk_while_writing(sta: Sta) -> None:
    stream = sta.stream("walk while writing")
    path = f"Datastreams({stream})/Observations"
    first = [sta.make(path, {"result": k}) for k in range(6)]
    seen = []
    for page in sta.pages(path, top=2):
        seen += [each["@iot.id"] for each in page]
        if len(seen) <= 6:
            sta.make(path, {"result": -1})
    assert [each for each in seen if each in first] == first
    assert len(seen) == len(set(seen))


@row(DATA + "pagination", "a set too long for one page has a nextLink without being asked")
def server_driven(sta: Sta) -> None:
    stream = sta.stream("long")
    rows = [[f"2026-01-01T00:{k // 60:02}:{k % 60:02}Z", k] for k in range(1500)]
    group = {"Datastream": bodies.link(stream), "components": ["phenomenonTime", "result"], "dataArray": rows}
    assert sta.ask("POST", "CreateObservations", [group]).status_code == 201
    pages = list(sta.pages(f"Datastreams({stream})/Observations", count="true"))
    assert len(pages) > 1
    assert sorted(each["result"] for page in pages for each in page) == list(range(1500))
    widest = list(sta.pages(f"Datastreams({stream})/Observations", top=10_000, orderby="result desc"))
    assert [each["result"] for page in widest for each in page] == list(range(1499, -1, -1))
