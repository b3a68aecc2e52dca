"""Devices of a lab over MQTT: known by the topics that the broker gives them, and by nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging

import pytest
from bridging import linked
from mosquitto import Mosquitto

from ruimte.clock import MINUTE_US, SystemClock, iso
from ruimte.intake.mqtt.address import Address
from ruimte.jobs.broker import broker as named_broker
from ruimte.jobs.devices import mosquitto_files, write_private
from ruimte.jobs.inbox import Inbox
from ruimte.jobs.mqtt import lab_bridge
from ruimte.jobs.register import register_lab
from ruimte.jobs.sensorthings import SensorThings
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.store.credentials import Credentials
from ruimte.store.sqlite import Store

WITHIN_S = 20
BASE = "http://node.example/sta/v1.1"
VENDOR = "ruimte/example/station"
DEVICES = """
[[device]]
key = "station"
name = "Counter at the station"
format = "ngsi-ld"
sensors = ["station-road"]

[[device]]
key = "east"
name = "Camera at the east end"
format = "sensorthings"
sensors = ["street-east"]
"""
NODE = ("node", "the node's password")


def now_us():
    return SystemClock().now_us() // (5 * MINUTE_US) * 5 * MINUTE_US


def observation(result):
    return {"phenomenonTime": f"{iso(now_us() - 10 * MINUTE_US)}/{iso(now_us() - 5 * MINUTE_US)}", "result": result}


def crowd(count, **more):
    times = {"dateObservedFrom": iso(now_us() - 10 * MINUTE_US), "dateObservedTo": iso(now_us() - 5 * MINUTE_US)}
    what = {"id": "STATION-01", "type": "CrowdFlowObserved", "dateObserved": iso(now_us() - 5 * MINUTE_US), "peopleCount": count}
    return what | times | more


@pytest.fixture
def make_lab(tmp_path):
    """The example lab with two more devices, and whether anybody may send."""

    def make(anonymous=False):
        folder = tmp_path / "example"
        new_lab(folder)
        sensors = folder / "sensors.toml"
        sensors.write_text(sensors.read_text() + DEVICES)
        if anonymous:
            text = (folder / "lab.toml").read_text()
            assert "anonymous_writes = false" in text
            (folder / "lab.toml").write_text(text.replace("anonymous_writes = false", "anonymous_writes = true"))
        return read_lab(folder)

    return make


class Node:
    """A lab's store, inbox and bridge."""

    def __init__(self, lab, store, address, data, base=None):
        register_lab(lab, store)
        self.store = store
        self.inbox = Inbox(lab, store)
        self.ids = store.stream_ids()
        self.service = SensorThings(store, SystemClock().now_us, self.inbox)
        self.bridge = lab_bridge(address, data, self.inbox, self.ids, self.service, base)

    def topic(self, key):
        return f"v1.1/Datastreams({self.ids[key]})/Observations"

    def results(self, key):
        return [each["result"] for each in self.service.get(self.topic(key).removeprefix("v1.1/"), "", BASE).body["value"]]

    async def until(self, condition):
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                await asyncio.sleep(0.02)

    async def settled(self, count):
        await self.until(lambda: self.bridge.counts.taken + self.bridge.counts.refused == count)

    @contextlib.asynccontextmanager
    async def running(self):
        async with linked(self.bridge, WITHIN_S):
            yield self


@pytest.fixture
def guarded(make_lab, tmp_path):
    """A node and its broker, which has the passwords and the access list that are written from the register."""
    lab = make_lab()
    with (
        Store(tmp_path / "example.db", lab.key, durable=False) as store,
        Credentials(tmp_path / "credentials.db", SystemClock().now_us) as credentials,
    ):
        register_lab(lab, store)
        tokens = {key: credentials.issue("device", key) for key in ("station", "east", "square-cameras")}
        tokens["police"] = credentials.issue("reader", "police")
        files = mosquitto_files(lab, store.stream_ids(), credentials, NODE, SystemClock().now_us())
        write_private(tmp_path / "broker", files)
        lines = ["allow_anonymous false", f"password_file {tmp_path}/broker/passwords", f"acl_file {tmp_path}/broker/acl"]
        with Mosquitto(tmp_path, *lines) as broker:
            address = Address("127.0.0.1", broker.port, user=NODE[0], password=NODE[1])
            yield Node(lab, store, address, tmp_path, BASE), broker, tokens


async def publish(broker, topic, body, user=None):
    text = body if isinstance(body, str) else json.dumps(body)
    await asyncio.to_thread(broker.publish, topic, text, user=user)


def test_each_device_sends_its_own_and_nothing_else(guarded):
    node, broker, tokens = guarded
    east, station = ("east", tokens["east"]), ("station", tokens["station"])

    async def run():
        async with node.running():
            await publish(broker, VENDOR, crowd(7), station)
            await publish(broker, node.topic("street-east/count_in"), observation(3), east)
            await node.settled(2)
            assert node.results("station-road/count") == [7]
            assert node.results("street-east/count_in") == [3]
            # the broker itself keeps these off
            await publish(broker, node.topic("street-east/count_in"), observation(99), station)
            await publish(broker, VENDOR, crowd(99), east)
            await publish(broker, node.topic("square-west/count_in"), observation(99), east)
            # and these come through, and are refused
            await publish(broker, VENDOR, crowd(1, licensePlate="x"), station)
            await publish(broker, node.topic("street-east/count_out"), {"result": -1}, east)
            await node.settled(4)
            assert node.bridge.counts.refused == 2
            assert {key: source.refused for key, source in node.inbox.sources.items()} == {"station": 1, "east": 1}
            assert node.store.read(lambda c: c.execute("SELECT count(*) FROM observations").fetchone()) == (2,)

    asyncio.run(run())


def test_a_lab_creates_nothing_but_observations(guarded):
    node, broker, _ = guarded

    async def run():
        async with node.running():
            await publish(broker, "v1.1/Things", {"name": "x", "description": "x"}, NODE)
            await publish(broker, "v1.1/Observations", {"result": 1, "Datastream": {"@iot.id": 1}}, NODE)
            await publish(broker, f"v1.1/Datastreams({node.ids['station-road/count']})/Observations", observation(1), NODE)
            await publish(broker, "v1.1/Datastreams(1)/Observations/x", observation(1), NODE)
            await node.settled(1)
            assert node.bridge.counts.refused == 1, "only what the node reads reaches it: of a vendor's device, by another way"
            assert node.store.read(lambda c: c.execute("SELECT count(*) FROM observations").fetchone()) == (0,)

    asyncio.run(run())


def test_updates_go_to_readers_where_the_lab_wants_that(guarded):
    node, broker, tokens = guarded
    topic = node.topic("street-east/count_in")

    async def run():
        async with node.running():
            command = [
                "mosquitto_sub",
                "-p",
                str(broker.port),
                "-u",
                "police",
                "-P",
                tokens["police"],
                "-t",
                topic,
                "-C",
                "2",
                "-W",
                "20",
            ]
            reader = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            await asyncio.sleep(0.4)
            await publish(broker, topic, observation(3), ("east", tokens["east"]))
            seen, _ = await reader.communicate()
            sent, told = (json.loads(line) for line in seen.splitlines())
            assert "@iot.id" not in sent
            assert told == node.service.get(f"Observations({told['@iot.id']})", "", BASE).body

    asyncio.run(run())


def test_without_being_asked_a_lab_publishes_nothing(make_lab, tmp_path):
    lab = make_lab(anonymous=True)

    async def run(address, store):
        for base in (None, BASE):  # not asked to; and asked to, but by a broker that lets anybody in
            node = Node(lab, store, address, tmp_path, base)
            async with node.running():
                await node.service.create(
                    node.topic("street-east/count_in").removeprefix("v1.1/"), json.dumps(observation(3)).encode()
                )
                await asyncio.sleep(0.3)
                assert node.bridge.link.counts.published == 0

    with Mosquitto(tmp_path, "allow_anonymous true") as broker, Store(tmp_path / "example.db", lab.key, durable=False) as store:
        asyncio.run(run(Address("127.0.0.1", broker.port), store))


@pytest.mark.parametrize("anonymous", [False, True])
@pytest.mark.parametrize("embedded", [False, True])
def test_of_a_broker_that_lets_anybody_in_nothing_is_taken_unless_the_lab_says_so(
    make_lab, tmp_path, embedded, anonymous, caplog
):
    lab = make_lab(anonymous)

    async def run(address, broker):
        with Store(tmp_path / "example.db", lab.key, durable=False) as store:
            node = Node(lab, store, address, tmp_path)
            async with node.running():
                await publish(broker, VENDOR, crowd(7))
                await publish(broker, node.topic("street-east/count_in"), observation(3))
                await node.settled(2)
                expected = ([7], [3]) if anonymous else ([], [])
                assert (node.results("station-road/count"), node.results("street-east/count_in")) == expected
                assert node.bridge.counts.refused == (0 if anonymous else 2)

    with Mosquitto(tmp_path, "allow_anonymous true") as broker, caplog.at_level(logging.WARNING):
        if embedded:
            with named_broker("embedded:0", {}) as address:
                broker.stop()
                broker.port = address.port
                asyncio.run(run(address, broker))
        else:
            asyncio.run(run(Address("127.0.0.1", broker.port), broker))
    assert ("401 at sender" in caplog.text) is not anonymous
