"""Clients that others wrote do a whole life with a sandbox: frost-sta-client and istsos4-client."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what they import warns of its own future
    import frost_sta_client as frost
    import istsos4_client as istsos

from sandbox import sandbox

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:pytest.PytestUnraisableExceptionWarning"),
]

COUNT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CountObservation"
BEGIN = datetime(2026, 5, 1, 12, tzinfo=UTC)
SQUARE = {"type": "Point", "coordinates": [4.9, 52.37]}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sandbox(tmp_path_factory.mktemp("clients")) as running:
        yield running.root


@pytest.fixture
def service(root: str) -> frost.SensorThingsService:
    return frost.SensorThingsService(root)


@pytest.fixture
def client(root: str) -> Iterator[istsos.Client]:
    with istsos.Client(root, max_retries=0) as made:
        yield made


def frost_tree(name: str) -> frost.Thing:
    """A Thing with all that hangs on it, for a deep insert."""
    place = frost.Location(name=f"{name}, place", description="-", encoding_type="application/vnd.geo+json", location=SQUARE)
    stream = frost.Datastream(
        name=f"{name}, people",
        description="-",
        observation_type=COUNT,
        unit_of_measurement=frost.UnitOfMeasurement("persons", "1", "http://qudt.org/vocab/unit/NUM"),
        sensor=frost.Sensor(name="counter", description="-", encoding_type="text/plain", metadata="none"),
        observed_property=frost.ObservedProperty(name="people", definition="https://example.org/people", description="-"),
    )
    return frost.Thing(name=name, description="-", properties={"lanes": 2}, locations=[place], datastreams=[stream])


def frost_observation(minute: int, stream: frost.Datastream | None = None) -> frost.Observation:
    when = (BEGIN + timedelta(minutes=minute)).isoformat()
    return frost.Observation(phenomenon_time=when, result=minute, datastream=stream)


def test_frost_client_creates_and_reads(service: frost.SensorThingsService) -> None:
    thing = frost_tree("created")
    service.create(thing)
    found = service.things().find(thing.id)
    assert (found.name, found.properties) == ("created", {"lanes": 2})
    (place,) = found.get_locations().query().list().entities
    assert place.location == SQUARE
    (stream,) = found.get_datastreams().query().expand("Sensor,ObservedProperty").list().entities
    assert (stream.sensor.name, stream.observed_property.name) == ("counter", "people")
    assert stream.unit_of_measurement.name == "persons"


def test_frost_client_makes_one_by_one_with_links(service: frost.SensorThingsService) -> None:
    thing = frost.Thing(name="one by one", description="-")
    sensor = frost.Sensor(name="counter", description="-", encoding_type="text/plain", metadata="none")
    observed = frost.ObservedProperty(name="people", definition="https://example.org/people", description="-")
    place = frost.Location(name="p", description="-", encoding_type="application/geo+json", location=SQUARE, things=[thing])
    for entity in (thing, sensor, observed, place):
        service.create(entity)
    stream = frost.Datastream(
        name="linked",
        description="-",
        observation_type=COUNT,
        unit_of_measurement=frost.UnitOfMeasurement("persons", "1", "none"),
        thing=thing,
        sensor=sensor,
        observed_property=observed,
    )
    service.create(stream)
    assert [each.id for each in service.things().find(thing.id).get_datastreams().query().list()] == [stream.id]
    service.create(frost_observation(5, stream))
    (seen,) = service.datastreams().find(stream.id).get_observations().query().list().entities
    assert seen.result == 5
    assert datetime.fromisoformat(seen.phenomenon_time) == BEGIN + timedelta(minutes=5)


def test_frost_client_queries_and_walks_pages(service: frost.SensorThingsService) -> None:
    thing = frost_tree("queried")
    service.create(thing)
    (stream,) = service.things().find(thing.id).get_datastreams().query().list().entities
    values = frost.DataArrayValue()
    values.components = {values.Property.PHENOMENON_TIME, values.Property.RESULT}
    values.datastream = stream
    for minute in range(250):
        values.add_observation(frost_observation(minute))
    document = frost.DataArrayDocument()
    document.add_data_array_value(values)
    assert len(service.observations().create(document)) == 250

    every = service.datastreams().find(stream.id).get_observations
    walked = every().query().orderby("phenomenonTime", "asc").top(40).list()
    assert [each.result for each in walked] == list(range(250))
    counted = every().query().filter("result ge 100 and result lt 120").count().top(5).orderby("result").list()
    assert counted.count == 20
    assert [each.result for each in counted] == list(range(119, 99, -1))
    late = every().query().filter(f"phenomenonTime gt {(BEGIN + timedelta(minutes=247)).isoformat()}").list()
    assert sorted(each.result for each in late) == [248, 249]
    things = service.things().query().filter("name eq 'queried'").expand("Datastreams($expand=Observations($top=1))").list()
    assert len(things.entities[0].datastreams.entities[0].observations.entities) == 1


def test_frost_client_updates_and_deletes(service: frost.SensorThingsService) -> None:
    thing = frost_tree("to change")
    service.create(thing)
    found = service.things().find(thing.id)
    found.name = "changed"
    service.update(found)
    service.patch(found, [{"op": "replace", "path": "/properties/lanes", "value": 3}])
    again = service.things().find(thing.id)
    assert (again.name, again.properties) == ("changed", {"lanes": 3})
    (stream,) = again.get_datastreams().query().list().entities
    service.delete(again)
    for gone in (lambda: service.things().find(thing.id), lambda: service.datastreams().find(stream.id)):
        with pytest.raises(requests.HTTPError) as refused:
            gone()
        assert refused.value.response.status_code == 404


def test_frost_client_is_told_what_is_wrong(service: frost.SensorThingsService) -> None:
    with pytest.raises(requests.HTTPError) as refused:
        service.create(frost.Thing(name="without a description"))
    assert refused.value.response.status_code == 400
    assert "description" in refused.value.response.json()["message"]


def istsos_stream(client: istsos.Client, name: str) -> istsos.Datastream:
    """A Datastream under a Thing with a Location, all made by one deep insert."""
    place = istsos.Location(name=f"{name}, place", description="-", location=SQUARE, encoding_type="application/geo+json")
    return client.post(
        istsos.Datastream(
            name=name,
            description="-",
            unit_of_measurement=istsos.UnitOfMeasurement(name="persons", symbol="1", definition="none"),
            observation_type=COUNT,
            thing=istsos.Thing(name=name, description="-", locations=[place]),
            sensor=istsos.Sensor(name="counter", description="-", encoding_type="text/plain", metadata="none"),
            observed_property=istsos.ObservedProperty(name="people", description="-", definition="https://example.org/people"),
        )
    )


def istsos_observations(stream: istsos.Datastream, minutes: range) -> list[istsos.Observation]:
    return [
        istsos.Observation(phenomenon_time=BEGIN + timedelta(minutes=minute), result=minute, datastream=stream)
        for minute in minutes
    ]


def test_istsos_client_lives_a_whole_life(client: istsos.Client) -> None:
    stream = istsos_stream(client, "a life")
    shown = client.get(istsos.Datastream, stream.iot_id, expand="Thing,Sensor,ObservedProperty")
    assert (shown.thing.name, shown.sensor.name, shown.observed_property.name) == ("a life", "counter", "people")
    made = client.post(istsos_observations(stream, range(1))[0])
    client.patch(istsos.Observation(iot_id=made.iot_id, result=1.5))
    seen = client.get(istsos.Observation, made.iot_id, expand="Datastream,FeatureOfInterest")
    assert (seen.result, seen.datastream.iot_id, seen.phenomenon_time) == (1.5, stream.iot_id, BEGIN)
    assert seen.feature_of_interest.feature == SQUARE
    client.delete(istsos.Observation, made.iot_id)
    client.delete(istsos.Thing, shown.thing.iot_id)
    for kind, gone in ((istsos.Observation, made.iot_id), (istsos.Datastream, stream.iot_id)):
        with pytest.raises(requests.HTTPError) as refused:
            client.get(kind, gone)
        assert refused.value.response.status_code == 404


def test_istsos_client_writes_in_bulk_and_walks_pages(client: istsos.Client) -> None:
    stream = istsos_stream(client, "in bulk")
    assert client.bulk_observations(istsos_observations(stream, range(3000))) == 3000
    mine = f"Datastream/id eq {stream.iot_id}"
    walked = client.list(istsos.Observation, filter=mine, orderby="phenomenonTime asc", top=700)
    assert [each.result for each in walked] == list(range(3000))
    assert all(each.result_time == each.phenomenon_time for each in walked)
    newest = client.iter_list(istsos.Observation, filter=f"{mine} and result gt 2990", orderby="result desc", expand="Datastream")
    assert [each.result for each in newest] == list(range(2999, 2990, -1))
