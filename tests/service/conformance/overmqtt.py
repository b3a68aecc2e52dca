"""req/create-observations-via-mqtt and req/receive-updates-via-mqtt (OGC 18-088, clause 14), through Mosquitto."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from . import bodies
from .client import Sta
from .mqtt import WITHIN_S, Mqtt
from .table import SPEC, row

CREATE = "req/create-observations-via-mqtt/observations-creation"
RECEIVE = "req/receive-updates-via-mqtt/receive-updates"


def soon(read: Callable[[], list[Any]], wanted: list[Any]) -> None:
    """Waits until the service shows what is wanted."""
    end = time.monotonic() + WITHIN_S
    while (seen := read()) != wanted:
        assert time.monotonic() < end, f"{seen} instead of {wanted}"
        time.sleep(0.05)


@row(CREATE, "the root names the broker's address")
def advertised(mqtt_sta: Sta, mosquitto: Any) -> None:
    settings = mqtt_sta.get("")["serverSettings"]
    for requirement in (CREATE, RECEIVE):
        assert SPEC + requirement in settings["conformance"]
        assert f"{mosquitto.url}" in settings[SPEC + requirement]["endpoints"]


@row(CREATE, "an Observation published to its Datastream's set is stored")
def to_the_stream(mqtt_sta: Sta, mqtt: Mqtt) -> None:
    stream = mqtt_sta.stream("published")
    mqtt.publish(f"v1.1/Datastreams({stream})/Observations", {"phenomenonTime": "2026-01-01T00:00:00Z", "result": 21})
    soon(lambda: mqtt_sta.values(f"Datastreams({stream})/Observations", "result"), [21])


@row(CREATE, "an Observation published to v1.1/Observations, with a link and a FeatureOfInterest within")
def to_the_set(mqtt_sta: Sta, mqtt: Mqtt) -> None:
    stream = mqtt_sta.stream("published with a link")
    body = {"result": 22, "Datastream": bodies.link(stream), "FeatureOfInterest": bodies.feature("published")}
    mqtt.publish("v1.1/Observations", body)
    read = f"Datastreams({stream})/Observations"
    soon(
        lambda: [each["FeatureOfInterest"]["name"] for each in mqtt_sta.get(read, expand="FeatureOfInterest")["value"]],
        ["published"],
    )


@row(CREATE, "what is malformed is not stored, and stops nothing")
def malformed(mqtt_sta: Sta, mqtt: Mqtt) -> None:
    stream = mqtt_sta.stream("malformed")
    topic = f"v1.1/Datastreams({stream})/Observations"
    for body in (b"\xff\xfe", b"{", [], {"phenomenonTime": "never", "result": 1}, {"result": 1, "colour": "red"}, {}):
        mqtt.publish(topic, body)
    mqtt.publish("v1.1/Datastreams(999999999)/Observations", {"result": 1})
    mqtt.publish(topic, {"result": 23})
    soon(lambda: mqtt_sta.values(f"Datastreams({stream})/Observations", "result"), [23])


@row(RECEIVE, "who subscribes to a Datastream's Observations gets each new one as a GET shows it, once")
def new_observations(mqtt_sta: Sta, mqtt: Mqtt) -> None:
    stream, other = mqtt_sta.stream("heard"), mqtt_sta.stream("not heard")
    topic = f"v1.1/Datastreams({stream})/Observations"
    mqtt.listen(topic)
    mqtt_sta.make(f"Datastreams({other})/Observations", {"result": 1})
    made = mqtt_sta.make(f"Datastreams({stream})/Observations", {"result": 2})
    assert mqtt.next() == (topic, mqtt_sta.get(f"Observations({made})"))
    assert mqtt.silent()


@row(RECEIVE, "a set, on insert and on update")
def sets(mqtt_sta: Sta, mqtt: Mqtt) -> None:
    mqtt.listen("v1.1/Things")
    made = mqtt_sta.make("Things", bodies.thing("announced"))
    topic, body = mqtt.next()
    assert (topic, body["name"], body["@iot.id"]) == ("v1.1/Things", "announced", made)
    mqtt_sta.change("PATCH", f"Things({made})", {"name": "changed"})
    assert mqtt.next() == ("v1.1/Things", mqtt_sta.get(f"Things({made})"))


@row(RECEIVE, "an entity, on update")
def entities(mqtt_sta: Sta, mqtt: Mqtt) -> None:
    made = mqtt_sta.make("Things", bodies.thing("watched"))
    mqtt.listen(f"v1.1/Things({made})")
    mqtt_sta.change("PATCH", f"Things({made})", {"description": "new"})
    topic, body = mqtt.next()
    assert (topic, body["description"], body["name"]) == (f"v1.1/Things({made})", "new", "watched")


@row(RECEIVE, "a property of an entity, when it changes")
def properties(mqtt_sta: Sta, mqtt: Mqtt) -> None:
    made = mqtt_sta.make("Things", bodies.thing("a name"))
    mqtt.listen(f"v1.1/Things({made})/name")
    mqtt_sta.change("PATCH", f"Things({made})", {"description": "not the name"})
    mqtt_sta.change("PATCH", f"Things({made})", {"name": "another name"})
    assert mqtt.next() == (f"v1.1/Things({made})/name", {"name": "another name"})


@row(RECEIVE, "with $select only what was asked for")
def selected(mqtt_sta: Sta, mqtt: Mqtt) -> None:
    stream = mqtt_sta.stream("selected")
    topic = f"v1.1/Datastreams({stream})/Observations?$select=result,phenomenonTime"
    mqtt.listen(topic)
    mqtt_sta.make(f"Datastreams({stream})/Observations", {"result": 3, "phenomenonTime": "2026-01-01T00:00:00Z"})
    assert mqtt.next() == (topic, {"result": 3, "phenomenonTime": "2026-01-01T00:00:00Z"})


@row(RECEIVE, "what comes in by MQTT, by deep insert and by dataArray is announced too")
def other_ways(mqtt_sta: Sta, mqtt: Mqtt) -> None:
    stream = mqtt_sta.stream("every way")
    topic = f"v1.1/Datastreams({stream})/Observations"
    mqtt.listen("v1.1/Observations")
    mqtt.publish(topic, {"result": 31})
    assert mqtt.next()[1]["result"] == 31
    group = {"Datastream": bodies.link(stream), "components": ["result"], "dataArray": [[32], [33]]}
    assert mqtt_sta.ask("POST", "CreateObservations", [group]).status_code == 201
    assert sorted(mqtt.next()[1]["result"] for _ in range(2)) == [32, 33]
    body = bodies.tree("every way, deep")
    body["Datastreams"][0]["Observations"] = [{"result": 34}]
    mqtt_sta.make("Things", body)
    assert mqtt.next()[1]["result"] == 34
    assert mqtt.silent()
