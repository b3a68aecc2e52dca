"""Create by publish, and updates to who subscribed: through Mosquitto, and through the embedded broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
from pathlib import Path

import pytest
from bridging import PLACE, STREAM, linked
from mosquitto import Mosquitto, require_mosquitto

from ruimte.clock import SystemClock
from ruimte.errors import RuimteError
from ruimte.intake.mqtt.address import Address
from ruimte.jobs.broker import broker as named_broker
from ruimte.jobs.mqtt import Bridge
from ruimte.jobs.senders import Anybody
from ruimte.jobs.sensorthings import SensorThings
from ruimte.store.sqlite import Store

WITHIN_S = 20
BASE = "http://node.example/sta/v1.1"
LOG = ("log_dest topic", "log_type notice", "log_type subscribe", "log_type unsubscribe")
THING = PLACE | {"Datastreams": [STREAM]}


class Node:
    """A bridge over a store of its own, and the broker that it talks to."""

    def __init__(self, store, address, memory, base=BASE):
        self.service = SensorThings(store, SystemClock().now_us)
        self.bridge = Bridge(address, memory, Anybody(self.service.create), self.service, base)

    def get(self, path, query=""):
        return self.service.get(path, query, BASE).body

    def results(self, stream=1):
        return [each["result"] for each in self.get(f"Datastreams({stream})/Observations", "$orderby=id&$top=1000")["value"]]

    async def until(self, condition):
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                await asyncio.sleep(0.02)

    async def taken(self, count):
        await self.until(lambda: self.bridge.counts.taken + self.bridge.counts.refused >= count)

    @contextlib.asynccontextmanager
    async def running(self):
        async with linked(self.bridge, WITHIN_S):
            yield self


class Subscriber:
    """``mosquitto_sub`` on some topics: what it got, as pairs of topic and JSON."""

    def __init__(self, port, *topics):
        self.command = ["mosquitto_sub", "-p", str(port), "-q", "1", "-i", "subscriber", "-F", "%t %p"]
        for topic in topics:
            self.command += ["-t", topic]
        self.seen = []

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(*self.command, stdout=asyncio.subprocess.PIPE, limit=1 << 22)
        self.reading = asyncio.create_task(self._read())
        await asyncio.sleep(0.4)  # until the broker has the subscription, and its log told of it
        return self

    async def __aexit__(self, *error):
        self.process.terminate()
        await self.process.wait()
        await self.reading

    async def _read(self):
        async for line in self.process.stdout:
            topic, _, payload = line.decode().rstrip("\n").partition(" {")
            self.seen.append((topic, json.loads("{" + payload)))

    async def until(self, count):
        async with asyncio.timeout(WITHIN_S):
            while len(self.seen) < count:
                await asyncio.sleep(0.02)
        return self.seen


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "sandbox.db", "sandbox", durable=False) as opened:
        yield opened


@pytest.fixture
def mosquitto(tmp_path):
    with Mosquitto(tmp_path, "allow_anonymous true", *LOG) as broker:
        yield broker


@pytest.fixture
def node(store, mosquitto, tmp_path):
    return Node(store, Address("127.0.0.1", mosquitto.port), tmp_path / "sandbox.mqtt.json")


async def publish(broker, topic, *bodies):
    payloads = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    await asyncio.to_thread(broker.publish, topic, *payloads)


def test_what_is_published_is_created_as_by_post(node, mosquitto):
    async def run():
        async with node.running():
            await publish(mosquitto, "v1.1/Things", THING)
            await node.taken(1)
            assert node.get("Things(1)/Datastreams(1)/Sensor")["name"] == "a counter"
            await publish(mosquitto, "v1.1/Datastreams(1)/Observations", {"result": 1}, {"result": 2})
            await publish(mosquitto, "v1.1/Observations", {"result": 3, "Datastream": {"@iot.id": 1}})
            await publish(mosquitto, "v1.1/Things(1)/Datastreams", STREAM | {"name": "another"})
            await node.taken(5)
            assert node.results() == [1, 2, 3]
            assert node.get("Things(1)/Datastreams(2)")["name"] == "another"
            assert node.bridge.counts.refused == 0

    asyncio.run(run())


def test_what_is_wrong_is_refused_and_told_without_its_value(node, mosquitto, caplog):
    bad = ["{", "[]", "{}", '{"result": 1, "phenomenonTime": "secret"}', '{"result": 1, "secret": "secret"}']

    async def run():
        async with node.running():
            await publish(mosquitto, "v1.1/Things", THING)
            await publish(mosquitto, "v1.1/Datastreams(1)/Observations", *bad)
            await publish(mosquitto, "v1.1/Datastreams(7)/Observations", {"result": 1})
            await publish(mosquitto, "v1.1/Nowhere", {"result": 1})
            await publish(mosquitto, "v1.1/Things(1)", {"name": "x"})
            await publish(mosquitto, "v1.1/Things", THING | {"Datastreams": [STREAM | {"Sensor": {"name": "no more"}}]})
            await publish(mosquitto, "v1.1/Datastreams(1)/Observations", {"result": 2})
            await node.taken(len(bad) + 6)
            assert node.bridge.counts.taken == 2
            assert node.bridge.counts.refused == len(bad) + 4
            assert node.results() == [2]
            assert node.get("Things", "$count=true")["@iot.count"] == 1, "of an invalid deep insert nothing stays"

    with caplog.at_level(logging.DEBUG):
        asyncio.run(run())
    assert "was refused: 400" in caplog.text
    assert "secret" not in caplog.text


def test_updates_on_every_kind_of_topic(node, mosquitto):
    select = "v1.1/Datastreams(1)/Observations?$select=result,phenomenonTime"
    deep = "v1.1/Things(1)/Datastreams(1)/Observations"
    to_one = "v1.1/Datastreams(1)/Thing"
    topics = ["v1.1/Observations", "v1.1/Datastreams(1)/Observations", "v1.1/Datastreams(2)/Observations", select, deep, to_one]
    topics += ["v1.1/Things", "v1.1/Things(1)", "v1.1/Things(1)/name", "v1.1/Things(1)/description", "v1.1/Things(2)/name"]
    topics += ["v1.1/Things(2)/Datastreams(1)/Observations", "v1.1/Things(1)?$select=name"]

    async def run():
        async with node.running():
            await publish(mosquitto, "v1.1/Things", THING, THING)
            await node.taken(2)
            async with Subscriber(mosquitto.port, *topics) as subscriber:
                await node.service.create(
                    "Datastreams(1)/Observations", b'{"result": 5, "phenomenonTime": "2026-01-01T00:00:00Z"}'
                )
                whole = node.get("Observations(1)")
                seen = dict(await subscriber.until(4))
                assert seen == {
                    "v1.1/Observations": whole,
                    "v1.1/Datastreams(1)/Observations": whole,
                    deep: whole,
                    select: {"result": 5, "phenomenonTime": "2026-01-01T00:00:00Z"},
                }
                subscriber.seen.clear()
                await node.service.transact(lambda changes: changes.update("Things(1)", b'{"name": "new"}', replace=False))
                seen = dict(await subscriber.until(5))
                thing = node.get("Things(1)")
                assert seen == {
                    "v1.1/Things": thing,
                    "v1.1/Things(1)": thing,
                    "v1.1/Things(1)/name": {"name": "new"},
                    "v1.1/Things(1)?$select=name": {"name": "new"},
                    to_one: thing,
                }
                subscriber.seen.clear()
                await node.service.transact(lambda changes: changes.update("Observations(1)", b'{"result": 6}', replace=False))
                assert dict(await subscriber.until(4))[select]["result"] == 6
                await asyncio.sleep(0.3)
                assert len(subscriber.seen) == 4

    asyncio.run(run())


def test_an_update_never_becomes_a_new_entity(node, mosquitto):
    async def run():
        async with node.running():
            await publish(mosquitto, "v1.1/Things", THING)
            await publish(mosquitto, "v1.1/Datastreams(1)/Observations", *[{"result": number} for number in range(200)])
            await node.until(lambda: node.bridge.link.counts.published >= 600)
            await asyncio.sleep(0.5)
            assert node.results() == list(range(200))
            assert node.bridge.counts.refused == 0
            assert node.get("Things", "$count=true")["@iot.count"] == 1

    asyncio.run(run())


def test_who_unsubscribed_or_left_gets_nothing_more(node, mosquitto):
    topic = "v1.1/Datastreams(1)/Observations?$select=result"

    async def run():
        async with node.running():
            async with Subscriber(mosquitto.port, topic):
                assert [each.topic for each in node.bridge._subscribers.asked] == [topic]
            await node.until(lambda: not node.bridge._subscribers.asked)

    asyncio.run(run())


def test_what_was_asked_for_is_known_after_a_restart_of_the_node(node, store, mosquitto, tmp_path):
    topic = "v1.1/Datastreams(1)/Observations?$select=result"

    async def run():
        async with node.running():
            await publish(mosquitto, "v1.1/Things", THING)
            await node.taken(1)
            async with Subscriber(mosquitto.port, topic) as subscriber:
                memory = tmp_path / "sandbox.mqtt.json"
                await node.until(lambda: topic in memory.read_text())
                again = Node(store, Address("127.0.0.1", mosquitto.port), memory)
                assert again.bridge.link.client_id == node.bridge.link.client_id
                async with again.running():
                    await again.service.create("Datastreams(1)/Observations", b'{"result": 8}')
                    assert await subscriber.until(1) == [(topic, {"result": 8})]

    asyncio.run(run())


def test_a_memory_that_cannot_be_read_is_named(store, tmp_path):
    memory = tmp_path / "sandbox.mqtt.json"
    for text, word in (("{", "cannot be read"), ('{"version": 2, "client": "x", "asked": {}}', "newer")):
        memory.write_text(text)
        with pytest.raises(RuimteError, match=word):
            Node(store, Address("127.0.0.1", 1), memory)


def test_a_broker_that_stops_and_starts_loses_no_observation(node, mosquitto):
    async def run():
        async with node.running():
            await publish(mosquitto, "v1.1/Things", THING)
            await node.taken(1)
            for begin in range(0, 300, 100):
                await publish(mosquitto, "v1.1/Datastreams(1)/Observations", *[{"result": begin + i} for i in range(100)])
                mosquitto.stop()
                await asyncio.sleep(0.3)
                mosquitto.start()
            await node.until(lambda: set(node.results()) == set(range(300)))
            await node.until(lambda: node.bridge.link.counts.connects >= 2)

    asyncio.run(run())


def test_without_the_brokers_log_the_plain_topics_work(store, tmp_path):
    async def run(broker):
        node = Node(store, Address("127.0.0.1", broker.port), tmp_path / "memory.json")
        async with node.running(), Subscriber(broker.port, "v1.1/+/Observations") as subscriber:
            await publish(broker, "v1.1/Things", THING)
            await node.taken(1)
            await node.service.create("Datastreams(1)/Observations", b'{"result": 5}')
            whole = node.get("Observations(1)")
            assert dict(await subscriber.until(2)) == {
                "v1.1/Datastreams(1)/Observations": whole,
                "v1.1/FeaturesOfInterest(1)/Observations": whole,
            }

    with Mosquitto(tmp_path, "allow_anonymous true") as broker:
        asyncio.run(run(broker))


def test_the_embedded_broker_there_and_back(store, tmp_path):
    require_mosquitto()  # for its command line clients

    async def run(address):
        node = Node(store, address, tmp_path / "memory.json")
        here = Client(address.port)
        topic = "v1.1/Datastreams(1)/Observations"
        async with node.running(), Subscriber(address.port, topic) as subscriber:
            await publish(here, "v1.1/Things", THING)
            await publish(here, topic, *[{"result": number} for number in range(300)])
            await node.until(lambda: len(node.results()) == 300)
            seen = await subscriber.until(600)
            assert sorted(body["result"] for _, body in seen if "@iot.id" in body) == list(range(300))
            await publish(here, topic, {"result": 300, "parameters": {"long": "x" * 100_000}})
            await node.until(lambda: len(node.results()) == 301)
            await asyncio.sleep(0.3)
            assert node.results() == list(range(301)), "what the node published did not come in again"
            assert node.bridge.counts.refused == 0

    with named_broker("embedded:0", {}) as address:
        assert address.is_loopback
        asyncio.run(run(address))


class Client:
    """Publishes by the command line, to any broker."""

    publish = Mosquitto.publish

    def __init__(self, port):
        self.port = port


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's table of sockets")
def test_the_embedded_broker_listens_on_this_machine_only():
    with named_broker("embedded:0", {}) as address:
        wanted = f":{address.port:04X}"
        lines = [line.split() for file in ("tcp", "tcp6") for line in Path("/proc/net", file).read_text().splitlines()[1:]]
        listening = [line[1] for line in lines if line[1].endswith(wanted) and line[3] == "0A"]
        assert listening == [f"0100007F{wanted}"]


def test_a_port_in_use_is_told_in_one_line():
    with (
        named_broker("embedded:0", {}) as address,
        pytest.raises(RuimteError, match="does not start"),
        named_broker(f"embedded:{address.port}", {}),
    ):
        pass


def test_a_missing_package_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RuimteError, match=r"ruimte\[mqtt\]"), named_broker("mqtt://localhost", {}):
        pass


def test_the_configuration_in_the_docs_is_one_that_mosquitto_takes(tmp_path):
    require_mosquitto()
    page = (Path(__file__).parents[2] / "docs" / "mqtt.md").read_text()
    text = page.split('title="mosquitto.conf"\n')[1].split("```")[0]
    plain = [line for line in text.splitlines() if not line.startswith(("listener", "certfile", "keyfile", "persistence"))]
    for name in ("passwords", "acl"):
        (tmp_path / name).touch()
    (tmp_path / "tried").mkdir()
    lines = [line.replace("/etc/mosquitto/", f"{tmp_path}/") for line in plain]
    with Mosquitto(tmp_path / "tried", *lines) as broker:
        refused = subprocess.run(
            ["mosquitto_pub", "-p", str(broker.port), "-t", "x", "-m", "x"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert refused.returncode != 0
