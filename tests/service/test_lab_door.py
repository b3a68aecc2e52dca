"""The door of a lab, tried from outside: who may not, does not; what is personal is told nowhere; what is acknowledged stays."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import logging
import sqlite3
import warnings
from datetime import UTC, datetime

import msgspec
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for another HTTP library than the one we test with
    from starlette.testclient import TestClient

from fake_room import FakeAccounts, FakeRoom
from ruimte.clock import MINUTE_US, SECOND_US, ManualClock, iso, to_us
from ruimte.intake.mqtt import subscribers
from ruimte.intake.mqtt.address import Address
from ruimte.jobs import inbox as inboxes
from ruimte.jobs import sending
from ruimte.jobs.inbox import Inbox, Sent
from ruimte.jobs.live import StoreFeed, settle
from ruimte.jobs.mqtt import Bridge
from ruimte.jobs.register import register_lab
from ruimte.jobs.senders import Devices
from ruimte.jobs.sensorthings import SensorThings
from ruimte.jobs.station import Station
from ruimte.keys.signature import generate, sign
from ruimte.lab.files import DeviceEntry
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.store import observations, records
from ruimte.store.credentials import Credentials
from ruimte.store.sqlite import Store
from ruimte.web.app import create_app
from ruimte.web.payloads import ROOT as PAYLOADS
from ruimte.web.payloads import Payloads
from ruimte.web.settings import WebSettings
from ruimte.web.sta.access import authorise
from ruimte.web.sta.app import StaApp
from ruimte.web.sta.exchange import ROOT
from ruimte.web.sta.service import Service

NOW = to_us(datetime(2026, 6, 1, 12, tzinfo=UTC))
STEP = 5 * MINUTE_US
MAC = "00:1a:2b:3c:4d:5e"
CAMERA = {"authorization": "Bearer camera"}
COUNTER = {"authorization": "Bearer counter"}


class Tokens:
    """A device's token is its key."""

    def device(self, token):
        return token

    def device_by_certificate(self, fingerprint):
        return None

    def reader(self, token):
        return None


class Door:
    """A lab with a camera that speaks SensorThings and a counter that tells its totals, and a client outside."""

    def __init__(self, lab, store, anonymous=False):
        sensor = list(lab.sensors.values())[-1]
        lab.sensors[sensor.key] = msgspec.structs.replace(sensor, measures=["count_in", "count_out"], source_id="hall")
        lab.devices.clear()
        lab.devices["camera"] = DeviceEntry("camera", "Camera", "sensorthings", [next(iter(lab.sensors))])
        lab.devices["counter"] = DeviceEntry("counter", "Counter", "axis-people-counter", [sensor.key])
        intake = msgspec.structs.replace(lab.file.intake, anonymous_writes=anonymous)
        lab = dataclasses.replace(lab, file=msgspec.structs.replace(lab.file, intake=intake))
        register_lab(lab, store)
        self.lab, self.store, self.clock, self.anonymous = lab, store, ManualClock(NOW), anonymous
        self.open()

    def open(self):
        """Begin anew with what the lab's register says now."""
        self.inbox = Inbox(self.lab, self.store, self.clock)
        self.things = SensorThings(self.store, self.clock.now_us, self.inbox)
        settings, accounts = WebSettings(), FakeAccounts(auto=False)
        access = authorise(Tokens(), accounts, anonymous_writes=self.anonymous)
        services = [
            StaApp(Service(self.things), access, settings, {}),
            StaApp(Payloads(self.inbox), access, settings, {}, root=PAYLOADS),
        ]
        self.client = TestClient(create_app(FakeRoom(), accounts, settings, services, self.inbox), "http://localhost:8000")

    def post(self, path, body, headers=CAMERA):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(ROOT + path, content=content, headers=headers)

    @property
    def stream(self):
        sensor = next(iter(self.lab.sensors.values()))
        return self.store.stream_ids()[f"{sensor.key}/{sensor.measures[0]}"]

    @property
    def path(self):
        return f"/Datastreams({self.stream})/Observations"

    def total(self, minute, value, sign_with=None, sequence=0):
        """A running total of the counter, so many minutes from now."""
        moment = datetime.fromtimestamp((NOW + minute * MINUTE_US) / SECOND_US, self.lab.zone)
        body = {"serial": "ACCC8E000001", "name": "hall", "timestamp": f"{moment:%Y%m%d%H%M%S}", "in": value, "out": 0}
        octets = json.dumps(body).encode()
        content = octets if sign_with is None else sign(octets, sign_with, sequence).encode()
        return self.client.post(f"{PAYLOADS}/counter", content=content, headers=COUNTER)

    def view(self, device="camera"):
        return next(view for view in self.inbox.views() if view.device == device)

    def stored(self):
        return self.store.read(observations.count)

    def results(self):
        rows = self.store.read(lambda c: observations.received(c, 0, 2**62)).to_pylist()
        return [(round((row["start_us"] - NOW) / MINUTE_US), row["result"]) for row in rows]


def observation(**more):
    return {"phenomenonTime": f"{iso(NOW - STEP)}/{iso(NOW)}", "result": 7, **more}


@pytest.fixture
def make(tmp_path):
    new_lab(tmp_path / "town")
    with Store(tmp_path / "town.db", "town", durable=False) as store:
        yield lambda anonymous=False: Door(read_lab(tmp_path / "town"), store, anonymous)


@pytest.fixture
def door(make):
    return make()


# --- who may send, and how much -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"{", b"[]", {"result": 1, "unknown": 2}, {"phenomenonTime": "soon", "result": 1}])
def test_messages_that_cannot_be_read_count_and_are_limited_like_others(door, body):
    door.lab.devices["camera"] = msgspec.structs.replace(door.lab.devices["camera"], per_minute=2.0)
    door.open()
    assert [door.post(door.path, body).status_code for _ in range(3)] == [400, 400, 429]
    assert (door.view().messages, door.view().refused) == (2, 3)


def test_a_message_without_its_signature_is_seen_and_limited(door):
    pair = generate()
    door.lab.devices["camera"] = msgspec.structs.replace(door.lab.devices["camera"], per_minute=2.0, signing_key=pair.public)
    door.open()
    assert [door.post(door.path, observation()).status_code for _ in range(3)] == [403, 403, 429]
    assert door.view().refused == 3


def test_a_large_message_counts_as_several(door):
    rows = [[7, f"{iso(NOW - STEP)}/{iso(NOW)}"]] * 5_000
    group = [{"Datastream": {"@iot.id": door.stream}, "components": ["result", "phenomenonTime"], "dataArray": rows}]
    door.lab.devices["camera"] = msgspec.structs.replace(door.lab.devices["camera"], per_minute=6.0)
    door.open()
    assert 3 < len(json.dumps(group)) / inboxes.AS_ONE < 6
    assert [door.post("/CreateObservations", group).status_code for _ in range(2)] == [201, 429]


def test_a_message_larger_than_the_bucket_takes_a_full_one(door):
    door.lab.devices["camera"] = msgspec.structs.replace(door.lab.devices["camera"], per_minute=1.0)
    door.open()
    body = json.dumps(observation()).encode() + b" " * (3 * inboxes.AS_ONE)
    assert [door.post(door.path, body).status_code for _ in range(2)] == [201, 429]


def test_a_message_that_would_hold_up_all_others_is_refused(door, monkeypatch):
    assert door.post("/CreateObservations", b"[" + b"[]," * 1_500_000 + b"[]]").status_code == 413
    monkeypatch.setattr(sending, "MOST_ROWS", 2)
    group = {"Datastream": {"@iot.id": door.stream}, "components": ["result"], "dataArray": [[1], [2], [3]]}
    assert door.post("/CreateObservations", [group]).status_code == 413
    assert door.stored() == 0


def test_nobody_in_particular_does_not_speak_for_a_device_that_signs(make):
    door = make(anonymous=True)
    assert door.post(door.path, observation(), {}).status_code == 201
    door.lab.devices["camera"] = msgspec.structs.replace(door.lab.devices["camera"], signing_key=generate().public)
    door.open()
    assert door.post(door.path, observation(result=8), {}).status_code == 403
    assert door.stored() == 1


def test_a_device_that_is_called_anonymous_speaks_for_its_own_sensors_only(door):
    door.lab.devices["anonymous"] = DeviceEntry("anonymous", "Lamp", "sensorthings", [])
    door.open()
    assert door.post(door.path, observation(), {"authorization": "Bearer anonymous"}).status_code == 403


def test_a_body_that_names_another_datastream_than_its_address_is_refused(door):
    assert door.post(door.path, observation(Datastream={"@iot.id": door.stream})).status_code == 201
    assert door.post(door.path, observation(result=8, Datastream={"@iot.id": door.stream + 1})).status_code == 400
    assert door.stored() == 1


# --- what is signed -----------------------------------------------------------------------------------------------------


def test_a_signed_message_sent_again_teaches_nothing(door):
    """A total that is told again would else look like a counter that begins anew."""
    pair = generate()
    door.lab.devices["counter"] = msgspec.structs.replace(door.lab.devices["counter"], signing_key=pair.public)
    door.open()
    first = sign(b'{"name": "hall", "timestamp": "20260601135500", "in": 50, "out": 0}', pair.private, 1).encode()
    assert door.client.post(f"{PAYLOADS}/counter", content=first, headers=COUNTER).status_code == 201
    assert door.client.post(f"{PAYLOADS}/counter", content=first, headers=COUNTER).status_code == 409, (
        "though it holds no row yet"
    )
    assert door.total(0, 60, pair.private, 2).status_code == 201
    assert door.results() == [(-5, 10.0), (-5, 0.0)]


# --- what is personal ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more", [{MAC: 1}, {"mac": MAC}, {"phenomenonTime": MAC}, {"Datastream": {"@iot.id": MAC}}, {"parameters": {"mac": [MAC]}}]
)
def test_an_identifier_is_seen_wherever_it_stands_and_told_nowhere(door, more, caplog):
    answer = door.post("/Observations", observation(Datastream={"@iot.id": door.stream}) | more)
    assert answer.status_code == 400
    assert "looks like a device's address" in answer.text
    assert door.view().personal == "a device's address"
    settle(door.store)
    lines = [entry for entry in door.store.read(lambda c: records.log(c, None, 10)) if entry.kind == "sends-personal"]
    assert len(lines) == 1
    for told in (answer.text, repr(door.inbox.views()), repr(lines), caplog.text):
        assert "1a:2b" not in told.lower()


def test_an_identifier_in_an_address_or_the_frame_of_a_batch_is_not_told_again(door):
    batches = (
        {"requests": [{"id": "1", "method": "get", "url": "Things", MAC: 1}]},
        {"requests": [{"id": "1", "method": "post", "url": MAC, "body": {}}]},
        {"requests": [{"id": "1", "method": "post", "url": "$" + MAC, "body": {}}]},
    )
    for answer in (door.post(f"/{MAC}", observation()), *(door.post("/$batch", batch) for batch in batches)):
        assert "looks like a device's address" in answer.text
        assert "1a:2b" not in answer.text


def test_kinds_in_turn_do_not_fill_the_logbook(door):
    for _ in range(5):
        for value in (MAC, "someone@example.org"):
            assert door.post(door.path, observation(parameters={"note": value})).status_code == 400
    settle(door.store)
    assert len(door.store.read(lambda c: records.log(c, None, 100))) == 2


def test_a_refusal_shown_to_others_holds_nothing_that_was_sent(door):
    for body in (
        observation(phenomenonTime="Jan Jansen"),
        observation(resultTime="Jan Jansen"),
        observation(**{"Jan Jansen": 1}),
    ):
        assert door.post(door.path, body).status_code == 400
        assert door.view().refusal
        assert "Jansen" not in repr(door.inbox.views())


def test_a_topic_of_nobody_is_not_logged(door, tmp_path, caplog):
    devices = Devices(door.inbox, door.store.stream_ids(), door.things.create)
    bridge = Bridge(Address("127.0.0.1", 1), tmp_path / "memory.json", devices, door.things, None)
    with caplog.at_level(logging.WARNING):
        for topic in (
            f"v1.1/Datastreams({MAC})/Observations",
            f"v1.1/{MAC}/Observations",
            "v1.1/Datastreams(\u0661)/Observations",
        ):
            bridge._said_s = 0.0
            bridge._trusted = True
            asyncio.run(bridge._receive(topic, b"{}"))
    assert bridge.counts.refused == 3
    assert caplog.text.count("a topic that is not in the register was refused: 403") == 3
    assert "1a:2b" not in caplog.text


# --- what is acknowledged -----------------------------------------------------------------------------------------------


def test_a_clock_that_jumped_ahead_does_not_silence_a_counter(door):
    door.total(-10, 100)
    ahead = door.total(60 * 24 * 365, 100)
    assert ahead.status_code == 400
    assert "ahead" in ahead.text or "period" in ahead.text or "then" in ahead.text
    door.total(-5, 104)
    door.total(0, 109)
    assert [pair for pair in door.results() if pair[1]] == [(-10, 4.0), (-5, 5.0)]


def test_intervals_that_found_the_disk_full_come_with_the_next_message(door, monkeypatch):
    door.total(-10, 100)

    def full(connection, rows):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(observations, "append_rows", full)
        assert door.total(-5, 104).status_code == 503
    assert door.stored() == 0
    assert door.total(-5, 104).status_code == 201, "sent again, as by a broker"
    assert [pair for pair in door.results() if pair[1]] == [(-10, 4.0)]
    door.total(0, 109)
    assert [pair for pair in door.results() if pair[1]] == [(-10, 4.0), (-5, 5.0)], "none comes twice"


def test_deep_json_in_a_batch_is_a_bad_request(door):
    body = '{"a": "$", "b": ' + "[" * 800 + "]" * 800 + "}"
    batch = '{"requests": [{"id": "1", "method": "post", "url": "Datastreams(1)/Observations", "body": ' + body + "}]}"
    (reply,) = door.post("/$batch", batch.encode()).json()["responses"]
    assert reply["status"] == 400


def test_a_clock_that_is_set_back_hides_nothing_from_the_estimate(door):
    """Whatever the clock does, each observation comes to the feed once."""
    fed = []

    def begin(minute):
        door.clock = ManualClock(NOW + minute * MINUTE_US)
        door.open()
        station, feed = Station(door.lab, register_lab(door.lab, door.store), door.store), StoreFeed(door.store)
        station.warm_up(door.clock.now_us())

        def tick(minute):
            door.clock.set(NOW + minute * MINUTE_US)
            rows = feed(door.clock.now_us())
            fed.extend(rows["result"].to_pylist())
            station.tick(rows, door.clock.now_us()).durable.result()

        return tick

    def send(minute, result):
        door.clock.set(NOW + minute * MINUTE_US)
        times = f"{iso(NOW - result * STEP)}/{iso(NOW - (result - 1) * STEP)}"
        assert door.post(door.path, {"phenomenonTime": times, "result": result}).status_code == 201

    tick = begin(0)
    send(1, 20)
    tick(2)
    send(-10, 21)  # while it runs
    send(1.9, 22)
    tick(7)
    tick = begin(-60)  # and between two runs
    send(-59, 23)
    tick(-58)
    send(-57, 24)
    tick(-53)
    tick(8)
    send(9, 25)
    tick(12)
    assert fed == [20, 21, 22, 23, 24, 25]


def test_a_clock_that_was_ahead_for_a_moment_does_not_hide_what_comes_after(door):
    door.post(door.path, observation())
    door.clock.set(NOW + 24 * 60 * MINUTE_US)
    door.post(door.path, observation(result=8))
    door.clock.set(NOW + MINUTE_US)
    door.post(door.path, observation(result=9))
    rows = door.store.read(lambda c: observations.received(c, 0, NOW + STEP))
    assert rows["result"].to_pylist() == [7, 9]


def test_a_mistake_of_the_node_leaves_nobody_waiting(door, monkeypatch):
    def broken(arrivals, now_us):
        raise ArithmeticError("broken")

    monkeypatch.setattr(door.inbox._gate, "judge", broken)

    async def send():
        async with asyncio.timeout(5):
            await door.inbox.take("camera", b"{}", lambda payload: [Sent(door.stream, 7)])

    with pytest.raises(ArithmeticError):
        asyncio.run(send())


# --- what is told, and remembered ---------------------------------------------------------------------------------------


def test_counts_that_wait_do_not_go_to_a_broker_that_comes_back_open(door, tmp_path, monkeypatch):
    devices = Devices(door.inbox, door.store.stream_ids(), door.things.create)
    bridge = Bridge(Address("127.0.0.1", 1), tmp_path / "memory.json", devices, door.things, "http://node.example/sta/v1.1")
    published = []

    async def publish(topic, payload):
        published.append(topic)
        bridge._trusted = False  # from the second message on
        return True

    async def run():
        monkeypatch.setattr(bridge.link, "publish", publish)
        bridge.link.connected.set()
        bridge._trusted = True
        for steps in range(2):
            times = f"{iso(NOW - (steps + 1) * STEP)}/{iso(NOW - steps * STEP)}"
            body = json.dumps({"phenomenonTime": times, "result": 7}).encode()
            await door.things.create(door.path.strip("/"), body, "camera")
        publishing = asyncio.create_task(bridge._publish())
        async with asyncio.timeout(5):
            while not bridge.counts.unsent:
                await asyncio.sleep(0.01)
        publishing.cancel()

    asyncio.run(run())
    assert len(published) == 1


def test_names_of_clients_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(subscribers, "MOST", 3)
    monkeypatch.setattr(subscribers, "MOST_CLEAN", 3)
    heard = subscribers.Subscribers()
    for number in range(10):
        heard.hear("$SYS/broker/log/N", f"1: New client connected from 10.0.0.1:1 as c{number} (p5, c1, k60).")
        heard.hear("$SYS/broker/log/M/subscribe", f"1: c{number} 0 v1.1/Datastreams(1)/Observations")
    assert len(heard.remembered()["v1.1/Datastreams(1)/Observations"]) == 3
    assert len(heard._clean) == 3


def test_a_certificate_is_no_token(tmp_path):
    with Credentials(tmp_path / "credentials.db", lambda: NOW) as credentials:
        credentials.issue_certificate("camera", hashlib.sha256(b"a certificate").digest(), None)
        assert credentials.device_by_certificate(hashlib.sha256(b"a certificate").digest()) == "camera"
        assert credentials.device("a certificate") is None
        token = credentials.issue("device", "lamp")
        assert credentials.device(token) == "lamp"
        assert credentials.device_by_certificate(hashlib.sha256(token.encode()).digest()) is None
