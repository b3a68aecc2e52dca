"""Reads of the store by address and query options."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest

from ruimte.sta.errors import StaError
from ruimte.sta.options import parse_options
from ruimte.sta.path import parse_path
from ruimte.store.sqlite import Store
from ruimte.store.sta import pages
from ruimte.store.sta.read import read
from ruimte.store.sta.write import create_observations
from sta_written import Written, at, datastream, feature, location, multi, named, thing

BASE = "https://city.example.org/sta/v1.1"
NOW_US = 1_777_298_400_000_000


class Asked(Written):
    """A store that is asked by address."""

    def get(self, path, query=""):
        path = parse_path(path)
        options = parse_options(quote(query, safe="$&=;(),/'"), path.entity)
        return self.store.read(lambda c: read(c, path, options, BASE, NOW_US))

    def values(self, path, query="", name="@iot.id"):
        return [row.get(name) for row in self.get(path, query).rows]

    def walk(self, path, query=""):
        """Ids page by page, by the nextLinks as they come."""
        while True:
            answer = self.get(path, query)
            yield [row["@iot.id"] for row in answer.rows]
            if answer.next_link is None:
                return
            address, _, query = answer.next_link.partition("?")
            assert address == f"{BASE}/{path}"
            query = unquote(query)


@pytest.fixture
def asked(tmp_path):
    with Store(tmp_path / "sta.db", "test", durable=False) as store:
        yield Asked(store)


@pytest.fixture
def street(asked):
    """Thing 1 at Location 1 with Datastream 1 (5 observations, at 0 … 40 s) and MultiDatastream 2 (1 observation: id 6)."""
    asked.create("Things", thing(Locations=[location()], properties={"a": {"b": [1, {"c": None}]}}))
    asked.create("Things(1)/Datastreams", datastream(properties={"step": 5}))
    asked.create("Things(1)/MultiDatastreams", multi("speed", "count"))
    for k, result in enumerate((0, 1, 2.5, 3, 10)):
        body = {"phenomenonTime": at(k * 10), "result": result, "parameters": {"level": k}}
        asked.create("Datastreams(1)/Observations", body)
    span = f"{at(0)}/{at(60)}"
    asked.create("MultiDatastreams(2)/Observations", {"phenomenonTime": span, "result": [1.5, 7], "validTime": span})
    return asked


def refused(status, function, *arguments):
    with pytest.raises(StaError) as caught:
        function(*arguments)
    assert caught.value.status == status, str(caught.value)


# ---- what an entity is shown as ----


def test_a_thing_is_shown_whole(street):
    link = f"{BASE}/Things(1)"
    assert street.get("Things(1)").body == {
        "@iot.selfLink": link,
        "@iot.id": 1,
        "name": "pole",
        "description": "the pole",
        "properties": {"a": {"b": [1, {"c": None}]}},
        **{
            f"{name}@iot.navigationLink": f"{link}/{name}"
            for name in ("Datastreams", "MultiDatastreams", "Locations", "HistoricalLocations")
        },
    }


def test_an_observation_is_shown_with_the_links_that_lead_somewhere(street):
    link = f"{BASE}/Observations(3)"
    assert street.get("Observations(3)").body == {
        "@iot.selfLink": link,
        "@iot.id": 3,
        "phenomenonTime": at(20),
        "resultTime": None,
        "result": 2.5,
        "parameters": {"level": 2},
        "Datastream@iot.navigationLink": f"{link}/Datastream",
        "FeatureOfInterest@iot.navigationLink": f"{link}/FeatureOfInterest",
    }
    of_multi = street.get("Observations(6)").body
    assert of_multi["phenomenonTime"] == of_multi["validTime"] == f"{at(0)}/{at(60)}"
    assert of_multi["result"] == [1.5, 7]
    assert "MultiDatastream@iot.navigationLink" in of_multi
    assert "Datastream@iot.navigationLink" not in of_multi


def test_a_datastream_tells_the_extent_of_its_observations(street):
    shown = street.get("Datastreams(1)").body
    assert shown["phenomenonTime"] == f"{at(0)}/{at(40)}"
    assert shown["unitOfMeasurement"]["symbol"] == "1"
    assert shown["observedArea"] == {"type": "Point", "coordinates": [4.0, 52.0]}
    assert "resultTime" not in shown
    asked = street.create("Datastreams", datastream(Thing={"@iot.id": 1})).id
    assert "phenomenonTime" not in street.get(f"Datastreams({asked})").body


def test_a_multi_datastream_keeps_the_order_of_what_it_observes(street):
    street.create("ObservedProperties", named("first", definition="d"))
    names = street.values("MultiDatastreams(2)/ObservedProperties", name="name")
    assert names == ["speed", "count"]
    street.patch("MultiDatastreams(2)", {"ObservedProperties": [{"@iot.id": 3}, {"@iot.id": 2}]})
    assert street.values("MultiDatastreams(2)/ObservedProperties", name="name") == ["count", "speed"]
    shown = street.get("MultiDatastreams(2)", "$expand=ObservedProperties($select=name)").body
    assert shown["ObservedProperties"] == [{"name": "count"}, {"name": "speed"}]
    assert list(street.walk("MultiDatastreams(2)/ObservedProperties", "$top=1")) == [[3], [2]]


# ---- addresses ----


def test_properties_values_and_references(street):
    assert street.get("Things(1)/name").body == {"name": "pole"}
    assert street.get("Things(1)/properties/a/b/1/c").body is None
    assert street.get("Things(1)/properties/a/b").body == {"b": [1, {"c": None}]}
    answer = street.get("Observations(3)/result/$value")
    assert (answer.kind, answer.body) == ("value", 2.5)
    assert street.get("Observations(3)/resultTime").body is None
    assert street.get("Datastreams(1)/Thing/$ref").body == {"@iot.selfLink": f"{BASE}/Things(1)"}
    refs = street.get("Things(1)/Datastreams/$ref", "$count=true").body
    assert refs == {"@iot.count": 1, "value": [{"@iot.selfLink": f"{BASE}/Datastreams(1)"}]}
    assert street.get("Datastreams(1)/Observations/$ref", "$top=2").next_link.startswith(
        f"{BASE}/Datastreams(1)/Observations/$ref?"
    )


@pytest.mark.parametrize(
    "path",
    [
        "Things(2)",
        "Things(2)/Datastreams",
        "Things(9223372036854775807)/name",
        "Datastreams(2)",
        "MultiDatastreams(1)",
        "Things(1)/Datastreams(2)",
        "Things(1)/MultiDatastreams(1)",
        "Observations(1)/MultiDatastream",
        "Observations(6)/Datastream",
        "Observations(7)",
        "Datastreams(1)/Observations(6)",
        "MultiDatastreams(2)/Observations(1)",
        "Sensors(2)/Datastreams(1)",
        "Things(1)/properties/x",
        "Things(1)/properties/a/b/2",
        "Observations(1)/result/0",
    ],
)
def test_what_does_not_exist_is_404(street, path):
    refused(404, street.get, path)


def test_every_link_leads_there_and_back(street):
    for path, link, back in (
        ("Things(1)", "Datastreams(1)", "Thing"),
        ("Things(1)", "MultiDatastreams(2)", "Thing"),
        ("Things(1)", "Locations(1)", "Things(1)"),
        ("Things(1)", "HistoricalLocations(1)", "Thing"),
        ("Locations(1)", "HistoricalLocations(1)", "Locations(1)"),
        ("Sensors(1)", "Datastreams(1)", "Sensor"),
        ("Sensors(2)", "MultiDatastreams(2)", "Sensor"),
        ("ObservedProperties(1)", "Datastreams(1)", "ObservedProperty"),
        ("ObservedProperties(3)", "MultiDatastreams(2)", "ObservedProperties(3)"),
        ("Datastreams(1)", "Observations(5)", "Datastream"),
        ("MultiDatastreams(2)", "Observations(6)", "MultiDatastream"),
        ("FeaturesOfInterest(1)", "Observations(6)", "FeatureOfInterest"),
    ):
        assert street.get(f"{path}/{link}/{back}").body["@iot.selfLink"] == f"{BASE}/{path}"
        name = link.partition("(")[0]
        assert street.get(f"{path}/{name}").rows


# ---- observations: revisions, tombstones, features ----


def test_a_revised_observation_keeps_its_id_and_shows_its_newest_result(street):
    street.patch("Observations(2)", {"result": 7})
    street.patch("Observations(2)", {"result": 8})
    assert street.get("Observations(2)").body["result"] == 8
    assert street.get("Datastreams(1)/Observations(2)/Datastream").body["@iot.id"] == 1
    assert street.values("Observations", "$orderby=id") == street.values("Observations") == [1, 2, 3, 4, 5, 6]
    assert street.values("Observations", "$orderby=id desc") == [6, 5, 4, 3, 2, 1]
    assert street.values("Datastreams(1)/Observations", name="result") == [0, 8, 2.5, 3, 10]
    assert street.values("Observations", "$filter=id eq 2", "result") == [8]
    assert street.values("Datastreams(1)/Observations", "$filter=id gt 1 and id lt 4") == [2, 3]
    assert street.values("Datastreams", "$filter=Observations/id eq 2") == [1]
    assert street.values("Datastreams", "$filter=Observations/result eq 1") == []
    for inner in (7, 8):
        refused(404, street.get, f"Observations({inner})")


def test_a_withdrawn_observation_is_gone(street):
    street.delete("Observations(2)")
    refused(404, street.get, "Observations(2)")
    assert street.get("Datastreams(1)/Observations", "$count=true&$top=0").body == {"@iot.count": 4, "value": []}
    assert street.values("Observations") == [1, 3, 4, 5, 6]


def test_an_observation_is_of_its_own_feature_or_that_of_its_datastream(street):
    street.create("Datastreams(1)/Observations", {"result": 5, "FeatureOfInterest": feature("park")})
    assert street.get("Observations(1)/FeatureOfInterest").body["name"] == "square"
    assert street.get("Observations(7)/FeatureOfInterest").body["name"] == "park"
    assert street.values("FeaturesOfInterest(1)/Observations") == [1, 2, 3, 4, 5, 6]
    assert street.values("FeaturesOfInterest(2)/Observations") == [7]
    assert street.values("Observations", "$filter=FeatureOfInterest/name eq 'park'") == [7]
    expanded = street.get("FeaturesOfInterest", "$expand=Observations($select=id;$count=true;$top=2)").rows
    assert [row["Observations"] for row in expanded] == [
        [{"@iot.selfLink": f"{BASE}/Observations({k})", "@iot.id": k} for k in ids] for ids in ((1, 2), (7,))
    ]
    assert [row["Observations@iot.count"] for row in expanded] == [6, 1]


def test_an_observation_without_any_feature_has_no_link_to_one(street):
    street.store.write(lambda c: c.execute("UPDATE datastreams SET feature_id = NULL")).result()
    assert "FeatureOfInterest@iot.navigationLink" not in street.get("Observations(1)").body
    assert street.get("Observations(1)", "$expand=FeatureOfInterest").body["FeatureOfInterest"] is None
    refused(404, street.get, "Observations(1)/FeatureOfInterest")


# ---- options ----


def test_select_shows_what_is_named_and_nothing_else(street):
    assert street.get("Things(1)", "$select=name,Locations").body == {
        "name": "pole",
        "Locations@iot.navigationLink": f"{BASE}/Things(1)/Locations",
    }
    assert set(street.get("Things(1)", "$select=id").body) == {"@iot.id", "@iot.selfLink"}
    (row,) = street.get("Things", "$select=name&$expand=Datastreams($select=id)").rows
    assert set(row) == {"name", "Datastreams"}
    both = street.get("Things(1)", "$select=Datastreams&$expand=Datastreams").body
    assert set(both) == {"Datastreams", "Datastreams@iot.navigationLink"}


def test_expand_gives_each_parent_its_own(street):
    street.create("Things", thing(Locations=[{"@iot.id": 1}], Datastreams=[datastream(), datastream()]))
    street.create("Datastreams(4)/Observations", {"phenomenonTime": at(99), "result": 4})
    rows = street.get(
        "Things", "$expand=Datastreams($select=id;$expand=Observations($select=result;$orderby=result desc;$top=2)),Locations"
    ).rows
    found = [[(s["@iot.id"], [o["result"] for o in s["Observations"]]) for s in row["Datastreams"]] for row in rows]
    assert found == [[(1, [10, 3])], [(3, []), (4, [4])]]
    assert [[place["@iot.id"] for place in row["Locations"]] for row in rows] == [[1], [1]]
    assert "Datastreams@iot.navigationLink" not in rows[0]
    streams = rows[0]["Datastreams"][0]
    rest = streams["Observations@iot.nextLink"]
    assert rest.startswith(f"{BASE}/Datastreams(1)/Observations?")
    path, _, query = rest.removeprefix(BASE + "/").partition("?")
    assert street.values(path, unquote(query), "result") == [2.5, 1]


def test_the_next_link_of_an_expanded_set_is_walked_to_its_end(street):
    (row,) = street.get("Datastreams", "$expand=Observations($top=2;$orderby=phenomenonTime desc)").rows
    path, _, query = row["Observations@iot.nextLink"].removeprefix(BASE + "/").partition("?")
    assert list(street.walk(path, unquote(query))) == [[3, 2], [1]]


def test_expand_of_a_link_to_one_that_leads_nowhere_is_null(street):
    rows = street.get("Observations", "$expand=Datastream($select=id),MultiDatastream($expand=Thing)&$top=6").rows
    assert [row["Datastream"] and row["Datastream"]["@iot.id"] for row in rows] == [1, 1, 1, 1, 1, None]
    assert rows[0]["MultiDatastream"] is None
    assert rows[5]["MultiDatastream"]["Thing"]["name"] == "pole"


def test_an_answer_that_would_be_too_large_is_refused(street, monkeypatch):
    monkeypatch.setattr("ruimte.store.sta.load.MOST_ENTITIES", 10)
    street.get("Things", "$expand=Datastreams/Observations")
    refused(400, street.get, "Things", "$expand=Datastreams/Observations,Datastreams/Thing/Datastreams/Observations")


def test_what_is_shown_again_and_again_counts_again_and_again(street, monkeypatch):
    """Five observations and their datastream, each within the other: 17 rows, but 310 entities in the answer."""
    path, query = "Datastreams(1)/Observations", "$expand=Datastream/Observations/Datastream/Observations/Datastream"
    monkeypatch.setattr("ruimte.store.sta.load.MOST_ENTITIES", 310)
    assert len(street.get(path, query).rows) == 5
    monkeypatch.setattr("ruimte.store.sta.load.MOST_ENTITIES", 309)
    refused(400, street.get, path, query)


def test_count_ignores_the_page_and_knows_the_filter(street):
    answer = street.get("Datastreams(1)/Observations", "$filter=result gt 0&$count=true&$top=1&$skip=1")
    assert (answer.count, [row["result"] for row in answer.rows]) == (4, [2.5])
    assert street.get("Things", "$count=false").count is None


def test_streams_tell_the_datastream_of_each_observation(street):
    assert street.get("Observations", "$select=result").streams == (("Datastream", 1),) * 5 + (("MultiDatastream", 2),)
    assert street.get("Observations(6)").streams == (("MultiDatastream", 2),)
    assert street.get("Things").streams == ()


# ---- pages ----

ORDERS = [
    "",
    "$orderby=id desc",
    "$orderby=phenomenonTime desc",
    "$orderby=phenomenonTime,id desc",
    "$orderby=result",
    "$orderby=result mod 2 desc,phenomenonTime",
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("path", ["Observations", "Datastreams(1)/Observations", "FeaturesOfInterest(1)/Observations"])
def test_a_walk_has_no_gap_and_no_overlap(street, path, order):
    for k in range(20):
        street.create("Datastreams(1)/Observations", {"phenomenonTime": at(k % 3), "result": k % 4})
    street.patch("Observations(9)", {"result": 1})
    whole = street.values(path, order)
    assert len(whole) == len(set(whole)) == (25 if path.startswith("Data") else 26)
    for top in (1, 3, 7):
        walked = list(street.walk(path, f"{order}&$top={top}"))
        assert [id_ for page in walked for id_ in page] == whole
        assert all(len(page) == top for page in walked[:-1])
    skipped = [id_ for page in street.walk(path, f"{order}&$top=4&$skip=5") for id_ in page]
    assert skipped == whole[5:]


@pytest.mark.parametrize("order", ORDERS[:4])
def test_a_walk_is_not_disturbed_by_what_is_written_meanwhile(street, order):
    whole, walked = street.values("Observations", order), []
    for page in street.walk("Observations", f"{order}&$top=2"):
        walked += page
        street.create("Datastreams(1)/Observations", {"phenomenonTime": at(len(walked)), "result": 1})
        if page[0] != 6:
            street.patch(f"Observations({page[0]})", {"result": 99})
        if len(walked) > 40:
            raise AssertionError("the walk does not end")
    assert [id_ for id_ in walked if id_ in whole] == whole
    assert len(set(walked)) == len(walked)


def test_pages_have_100_rows_unless_said_otherwise_and_never_more_than_1000(street):
    rows = [[at(k % 3600), k] for k in range(2100)]
    group = {"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"], "dataArray": rows}
    street.store.write(lambda c: create_observations(c, [group], NOW_US)).result()
    assert len(street.values("Observations")) == 100
    walked = list(street.walk("Observations", "$top=10000&$filter=result ge 0"))
    assert [len(page) for page in walked] == [1000, 1000, 105]
    assert street.get("Observations", "$top=0").next_link is None


def test_a_place_of_another_order_is_refused(street):
    refused(400, street.get, "Observations", "$skiptoken=5,5")
    refused(400, street.get, "Observations", "$skiptoken=5&$orderby=result")
    assert street.values("Observations", "$skiptoken=4") == [5, 6]


def test_a_query_that_takes_too_long_is_broken_off(street, monkeypatch):
    monkeypatch.setattr(pages, "LONGEST_S", 0)
    monkeypatch.setattr(pages, "_BETWEEN_LOOKS", 1)
    refused(400, street.get, "Things")
    monkeypatch.undo()
    assert street.values("Things") == [1]
