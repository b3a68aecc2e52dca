"""What holds of SensorThings entities in a store, whatever is written: no reference dangles, and any body is taken or refused."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ruimte.sta.entities import ENTITIES
from ruimte.sta.errors import StaError
from ruimte.sta.geojson import box_of, geometry_of, join
from ruimte.sta.path import parse_path
from ruimte.store.sqlite import Store
from ruimte.store.sta import write
from sta_written import Written, at, datastream, feature, location, multi, observed, sensor, thing

ID = st.integers(1, 3)
SECONDS = st.integers(0, 59).map(at)
RESULT = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.none(), st.text(max_size=3), st.booleans())


@contextmanager
def sandbox():
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "sta.db", "test", durable=False) as store:
        yield Written(store)


def link(id_):
    return {"@iot.id": id_}


OBSERVATION = st.fixed_dictionaries(
    {"result": RESULT, "phenomenonTime": SECONDS},
    optional={"FeatureOfInterest": ID.map(link) | st.builds(feature, east=st.integers(0, 9)), "resultTime": SECONDS},
)
CREATED = st.one_of(
    st.tuples(
        st.just("Things"),
        st.fixed_dictionaries(
            {},
            optional={
                "Locations": st.lists(ID.map(link) | st.builds(location, east=st.integers(0, 9)), max_size=2),
                "Datastreams": st.lists(ID.map(link) | st.just(datastream()), max_size=2),
                "MultiDatastreams": st.just([multi("a", "b")]),
            },
        ).map(lambda more: thing(**more)),
    ),
    st.tuples(st.just("Locations"), ID.map(lambda id_: location(Things=[link(id_)]))),
    st.tuples(
        st.builds("{}({})/Datastreams".format, st.sampled_from(["Things", "Sensors", "ObservedProperties"]), ID),
        ID.map(lambda id_: datastream(Thing=link(id_), Sensor=link(id_))) | st.just(datastream()),
    ),
    st.tuples(st.builds("Datastreams({})/Observations".format, ID), OBSERVATION),
    st.tuples(st.builds("Datastreams({})/Observations".format, ID), OBSERVATION),
    st.tuples(
        st.builds("MultiDatastreams({})/Observations".format, st.integers(4, 5)),
        st.tuples(OBSERVATION, RESULT).map(lambda both: both[0] | {"result": [both[1], 1]}),
    ),
    st.tuples(
        st.builds("Things({})/HistoricalLocations".format, ID),
        st.tuples(SECONDS, ID).map(lambda pair: {"time": pair[0], "Locations": [link(pair[1])]}),
    ),
    st.tuples(st.sampled_from(["Sensors"]), st.just(sensor())),
    st.tuples(st.sampled_from(["ObservedProperties"]), st.just(observed())),
)
PATCHED = st.one_of(
    st.tuples(
        st.builds("Observations({})".format, st.integers(1, 6)),
        st.fixed_dictionaries(
            {},
            optional={
                "result": RESULT,
                "phenomenonTime": SECONDS,
                "resultTime": SECONDS | st.none(),
                "Datastream": ID.map(link),
                "FeatureOfInterest": ID.map(link),
            },
        ),
    ),
    st.tuples(st.builds("Datastreams({})".format, ID), ID.map(lambda id_: {"Thing": link(id_), "Sensor": link(4 - id_)})),
    st.tuples(st.builds("Things({})".format, ID), ID.map(lambda id_: {"Locations": [link(id_)], "Datastreams": [link(id_)]})),
    st.tuples(
        st.builds("FeaturesOfInterest({})".format, ID),
        st.integers(0, 9).map(lambda east: {"feature": {"type": "Point", "coordinates": [east, 1]}})
        | ID.map(lambda i: {"Observations": [link(i)]}),
    ),
    st.tuples(st.builds("Locations({})".format, ID), ID.map(lambda i: {"location": {"type": "Point", "coordinates": [i, i]}})),
    st.tuples(st.builds("HistoricalLocations({})".format, ID), SECONDS.map(lambda time: {"time": time})),
)
SETS = ["Things", "Locations", "HistoricalLocations", "Datastreams", "MultiDatastreams", "Sensors", "ObservedProperties"]
DELETED = st.one_of(
    st.builds("Observations({})".format, st.integers(1, 6)),
    st.builds("{}({})".format, st.sampled_from([*SETS, "FeaturesOfInterest"]), ID),
)
STEP = st.one_of(
    CREATED.map(lambda pair: ("create", *pair)),
    CREATED.map(lambda pair: ("create", *pair)),
    PATCHED.map(lambda pair: ("patch", *pair)),
    DELETED.map(lambda path: ("delete", path)),
    st.tuples(st.just("link"), st.builds("Things({})/Locations/$ref".format, ID), ID.map(link)),
    st.tuples(st.just("unlink"), st.builds("Things({})/Locations({})/$ref".format, ID, ID)),
)
STREAMS = [multi("a", "b"), multi("c", "d")]
START = thing(Locations=[location()], Datastreams=[datastream()] * 3, MultiDatastreams=STREAMS)


def begin(written):
    """Three of everything, so that most steps find something."""
    written.create("Things", START)
    for east in (6, 7):
        written.create("Things", thing(Locations=[location(east=east)]))
    for path, east in (("Datastreams(1)", 4), ("Datastreams(1)", 5), ("Datastreams(2)", 6)):
        written.create(
            f"{path}/Observations", {"phenomenonTime": at(east), "result": east, "FeatureOfInterest": feature(east=east)}
        )


def dangling(written):
    """What leads nowhere, by what it is."""
    everything = {
        "keys": "PRAGMA foreign_key_check",
        "stream": "SELECT id FROM observations WHERE datastream_id NOT IN (SELECT id FROM datastreams)",
        "feature": "SELECT id FROM observations WHERE feature_id NOT IN (SELECT id FROM features)",
        "no feature": "SELECT o.id FROM current_observations o JOIN datastreams d ON d.id = o.datastream_id"
        " WHERE coalesce(o.feature_id, d.feature_id) IS NULL",
        "revises": "SELECT o.id FROM observations o WHERE revises IS NOT NULL AND NOT EXISTS (SELECT 1 FROM observations b"
        " WHERE b.id = o.revises AND b.datastream_id = o.datastream_id AND coalesce(b.first, b.id) = o.first)",
        "properties": "SELECT id FROM datastreams d"
        " WHERE (SELECT count(*) FROM datastreams_properties WHERE datastream_id = d.id)"
        " != iif(multi, json_array_length(result_type, '$.field'), 1)",
        "history": "SELECT id FROM historical_locations WHERE id NOT IN"
        " (SELECT historical_location_id FROM historical_locations_locations)",
    }
    return {name: found for name, query in everything.items() if (found := written.all(query))}


def extents_as_counted(written, stream):
    rows = written.all(
        "SELECT o.start_us, o.end_us, o.result_us, f.feature FROM current_observations o"
        " JOIN datastreams d ON d.id = o.datastream_id JOIN features f ON f.id = coalesce(o.feature_id, d.feature_id)"
        " WHERE o.datastream_id = ?",
        stream,
    )
    results = [row[2] for row in rows if row[2] is not None]
    box = None
    for row in rows:
        box = join(box, box_of(msgspec.json.decode(row[3])))
    times = [min(row[0] for row in rows), max(row[1] for row in rows)] if rows else [None, None]
    times += [min(results), max(results)] if results else [None, None]
    return [None if each is None else each // 1_000_000 for each in times], None if box is None else geometry_of(box)


@given(steps=st.lists(STEP, min_size=10, max_size=40))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_references_stay_whole_and_extents_right(steps):
    with sandbox() as written:
        begin(written)
        alive = {1, 2, 3}
        for name, path, *rest in steps:
            before = written.counts()["current_observations"]
            with suppress(StaError):
                touched = getattr(written, name)(path, *rest)
                new = {id_ for entity, id_ in touched.created if entity == "Observation"}
                assert not new & alive, "an id was given twice"
                alive |= new
                if name == "delete" and path.startswith("Observations"):
                    alive.remove(touched.id)
                if name != "delete":
                    assert written.counts()["current_observations"] == before + len(new)
            assert dangling(written) == {}
            # what a deletion took along is gone for good; nothing else is
            now = {row[0] for row in written.all("SELECT coalesce(first, id) FROM current_observations")}
            assert now <= alive
            assert now == alive or name == "delete"
            alive = now
        for (stream,) in written.all("SELECT id FROM datastreams"):
            assert (written.spans(stream), written.area(stream)) == extents_as_counted(written, stream)


def told(outcome):
    return outcome.what if isinstance(outcome, StaError) else outcome


def alone(written, body):
    try:
        return written.create("Datastreams(1)/Observations", body).id
    except StaError as error:
        return error


@given(
    rows=st.lists(st.tuples(SECONDS, RESULT, st.sampled_from([None, 1, 2, "1", 9, "x"]), st.none() | SECONDS), max_size=20),
    cuts=st.sets(st.integers(1, 19), max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_a_data_array_gives_what_single_observations_would(rows, cuts):
    components = ["phenomenonTime", "result", "FeatureOfInterest/id", "resultTime"]
    edges = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    with sandbox() as one, sandbox() as other:
        for written in (one, other):
            written.create("Things", START)
            for east in (5, 9):
                written.create("FeaturesOfInterest", feature(east=east))
        outcomes = []
        for begin, end in pairwise(edges):
            group = {"Datastream": link("1"), "components": components, "dataArray": [list(row) for row in rows[begin:end]]}
            now_us = one.now_us
            outcomes += one.store.write(lambda c, g=group, n=now_us: write.create_observations(c, [g], n)).result()
        for (time, result, place, result_time), outcome in zip(rows, outcomes, strict=True):
            body = {"phenomenonTime": time, "result": result, "resultTime": result_time}
            body |= {} if place is None else {"FeatureOfInterest": link(place)}
            assert told(outcome) == told(alone(other, body))
        columns = "id, datastream_id, start_us, end_us, result, result_json, feature_id, result_us, extra"
        for query in (f"SELECT {columns} FROM observations", "SELECT * FROM datastreams", "SELECT * FROM features"):
            assert one.all(query) == other.all(query)


KNOWN = sorted({name for entity in ENTITIES.values() for name in (*entity.properties, *entity.links)})
OTHERS = ["@iot.id", "id", "type", "coordinates", "geometry", "op", "path", "from", "value", "components", "dataArray"]
NAME = st.sampled_from([*KNOWN, *OTHERS])
TIMES = [at(5), f"{at(5)}/{at(6)}", "9999-12-31T23:59:59-14:00"]
WORDS = [
    "",
    "\ud800",
    "\0",
    "result",
    "Point",
    "Polygon",
    "Feature",
    "application/geo+json",
    "add",
    "copy",
    "/name",
    "/properties/a",
]
WORD = st.sampled_from([*TIMES, *WORDS])
SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 5),
    st.integers(),
    st.floats(),
    st.just(2**63),
    st.just(10**400),
    WORD,
    st.text(max_size=5),
)
JSON = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAME | st.text(max_size=4), inner, max_size=5),
    max_leaves=12,
)
WHOLE = [START, location(), feature(), sensor(), observed(), datastream(Thing=link(1)), multi("a", Thing=link(1))]
WHOLE += [{"result": 1, "Datastream": link(1)}, {"time": at(5), "Thing": link(1), "Locations": [link(1)]}]
WHOLE += [{"Datastream": link(1), "components": ["phenomenonTime", "result"], "dataArray": [[at(5), 1]]}]
MUTATED = st.tuples(st.sampled_from(WHOLE), st.dictionaries(NAME, JSON, max_size=2)).map(lambda pair: pair[0] | pair[1])
ANY_PATH = st.one_of(
    st.sampled_from([*SETS, "FeaturesOfInterest", "Observations"]),
    st.builds("{}({})".format, st.sampled_from([*SETS, "FeaturesOfInterest", "Observations"]), st.integers(0, 2)),
    st.builds("{}(1)/{}".format, st.sampled_from(["Things", "Locations", "HistoricalLocations"]), st.sampled_from(SETS)),
    st.sampled_from(
        ["Datastreams(1)/Observations", "MultiDatastreams(2)/Observations", "Datastreams(1)/Thing", "Things(1)/name"]
    ),
    st.sampled_from(["Things(1)/Locations/$ref", "Datastreams(1)/Thing/$ref", "Observations(1)/FeatureOfInterest/$ref"]),
)


@given(
    calls=st.lists(
        st.tuples(st.sampled_from(["create", "patch", "put", "json_patch", "link", "unlink", "bulk"]), ANY_PATH, JSON | MUTATED)
    )
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_body_is_taken_or_refused(calls):
    with sandbox() as written:
        begin(written)
        for name, path, body in calls:
            with suppress(StaError):
                if name == "bulk":
                    outcomes = written.store.write(lambda c, b=body: write.create_observations(c, b, written.now_us)).result()
                    assert all(isinstance(each, int | StaError) for each in outcomes)
                else:
                    parse_path(path)
                    getattr(written, name)(path, body)
            assert dangling(written) == {}
