"""The link to a broker: nothing is acknowledged before it was dealt with, and nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from mosquitto import Mosquitto

from ruimte.errors import RuimteError
from ruimte.intake.mqtt.address import Address
from ruimte.intake.mqtt.link import AT_ONCE, MARK, Link, lets_anybody_in
from ruimte.jobs.broker import broker

WITHIN_S = 20
OPEN = "allow_anonymous true"
TOPIC = "v1.1/Observations"


@pytest.fixture
def mosquitto(tmp_path):
    with Mosquitto(tmp_path, OPEN) as broker:
        yield broker


class Listener:
    """What a link was given, and what its ``receive`` does with it."""

    def __init__(self, broker, name="node", filters=(("v1.1/#", 1),)):
        self.seen: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.link = Link(Address("127.0.0.1", broker.port), name, filters, self.receive)

    async def receive(self, topic, payload):
        await self.gate.wait()
        self.seen.append(payload.decode())

    async def until(self, count):
        async with asyncio.timeout(WITHIN_S):
            while len(self.seen) < count:
                await asyncio.sleep(0.01)

    @contextlib.asynccontextmanager
    async def running(self):
        task = asyncio.create_task(self.link.run())
        try:
            async with asyncio.timeout(WITHIN_S):
                await self.link.connected.wait()
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def published(broker, *payloads, topic=TOPIC, **options):
    await asyncio.to_thread(broker.publish, topic, *payloads, **options)


def test_messages_come_in_the_order_in_which_they_were_sent(mosquitto):
    async def run():
        async with Listener(mosquitto).running() as listener:
            await published(mosquitto, *map(str, range(3000)))
            await listener.until(3000)
            assert listener.seen == [str(number) for number in range(3000)]

    asyncio.run(run())


def test_what_comes_while_the_node_is_away_is_delivered_when_it_is_back(mosquitto):
    async def run():
        async with Listener(mosquitto).running():
            pass
        await published(mosquitto, *map(str, range(500)))
        async with Listener(mosquitto).running() as listener:
            await listener.until(500)
            assert listener.seen == [str(number) for number in range(500)]

    asyncio.run(run())


def test_what_was_not_dealt_with_is_not_acknowledged(mosquitto):
    async def run():
        first = Listener(mosquitto)
        first.gate.clear()
        async with first.running():
            await published(mosquitto, "a", "b")
            async with asyncio.timeout(WITHIN_S):
                while first.link.counts.received < 2:
                    await asyncio.sleep(0.01)
            mosquitto.stop()  # the link is lost while both are in hand
            async with asyncio.timeout(WITHIN_S):
                while first.link.connected.is_set():
                    await asyncio.sleep(0.01)
        mosquitto.start()
        async with Listener(mosquitto).running() as second:
            await second.until(2)
            assert second.seen == ["a", "b"]

    asyncio.run(run())


def test_a_broker_that_stops_and_starts_loses_nothing(mosquitto):
    async def run():
        async with Listener(mosquitto).running() as listener:
            await published(mosquitto, *map(str, range(100)))
            await listener.until(100)
            mosquitto.stop()
            await asyncio.sleep(0.5)
            mosquitto.start()
            await published(mosquitto, *map(str, range(100, 200)))  # maybe before the node is back
            await listener.until(200)
            async with asyncio.timeout(WITHIN_S):
                await listener.link.connected.wait()
            await published(mosquitto, *map(str, range(200, 300)))
            await listener.until(300)
            assert set(listener.seen) == {str(number) for number in range(300)}
            assert listener.link.counts.connects == 2

    asyncio.run(run())


def test_it_waits_for_a_broker_that_is_not_there_yet(tmp_path, caplog):
    async def run():
        broker = Mosquitto(tmp_path, OPEN)
        listener = Listener(broker)
        task = asyncio.create_task(listener.link.run())
        await asyncio.sleep(1)
        assert not listener.link.connected.is_set()
        with broker:
            async with asyncio.timeout(WITHIN_S):
                await listener.link.connected.wait()
            await published(broker, "a")
            await listener.until(1)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert len([record for record in caplog.records if record.name.startswith("ruimte")]) == 1, "the same trouble is said once"


def test_what_cannot_be_dealt_with_now_is_tried_again_and_in_order(mosquitto):
    async def run():
        listener = Listener(mosquitto)
        trouble = [RuimteError("the disk is full")] * 2

        async def receive(topic, payload):
            if payload == b"a" and trouble:
                raise trouble.pop()
            await Listener.receive(listener, topic, payload)

        listener.link = Link(Address("127.0.0.1", mosquitto.port), "node", (("v1.1/#", 1),), receive)
        async with listener.running():
            await published(mosquitto, "a", "b")
            await listener.until(2)
            assert sorted(listener.seen) == ["a", "b"]

    asyncio.run(run())


def test_a_message_that_breaks_the_receiver_does_not_break_the_link(mosquitto, caplog):
    async def run():
        listener = Listener(mosquitto)

        async def receive(topic, payload):
            if payload == b"secret":
                raise ValueError("secret")
            await Listener.receive(listener, topic, payload)

        listener.link = Link(Address("127.0.0.1", mosquitto.port), "node", (("v1.1/#", 1),), receive)
        async with listener.running():
            await published(mosquitto, "secret", "b")
            await listener.until(1)
            assert listener.seen == ["b"]

    with caplog.at_level(logging.DEBUG):
        asyncio.run(run())
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


def test_own_updates_do_not_come_back_nor_do_those_of_another_node(mosquitto):
    async def run():
        async with Listener(mosquitto, "one").running() as one, Listener(mosquitto, "two").running() as two:
            assert await one.link.publish(TOPIC, b"an update of one")
            await published(mosquitto, "from a device")
            await one.until(1)
            await two.until(1)
            assert one.seen == two.seen == ["from a device"]
            assert MARK[0] == "ruimte"

    asyncio.run(run())


def test_more_updates_than_the_broker_takes_at_once(mosquitto):
    async def run():
        async with (
            Listener(mosquitto, "one").running() as one,
            Listener(mosquitto, "reader", (("other/#", 1),)).running() as reader,
        ):
            for number in range(2000):
                assert await one.link.publish("other/topic", str(number).encode())
            await asyncio.sleep(0.2)
            assert reader.seen == []  # marked as an update, whatever the topic
            assert one.link.counts.published == 2000

    asyncio.run(run())


@pytest.mark.parametrize("embedded", [False, True])
def test_what_the_broker_retains_is_not_taken_in_with_every_connection(mosquitto, embedded):
    async def run(address):
        for _ in range(3):
            listener = Listener(mosquitto)
            listener.link = Link(address, "node", (("v1.1/#", 1),), listener.receive)
            async with listener.running():
                await published(mosquitto, "new", retain=True)
                await listener.until(1)
                await asyncio.sleep(0.3)
                assert listener.seen == ["new"]

    with contextlib.ExitStack() as opened:
        address = Address("127.0.0.1", mosquitto.port)
        if embedded:
            mosquitto.stop()
            address = opened.enter_context(broker("embedded:0", {}))
            mosquitto.port = address.port
        asyncio.run(run(address))


def test_without_a_link_nothing_is_published(tmp_path):
    async def run():
        broker = Mosquitto(tmp_path, OPEN)
        assert not await Listener(broker).link.publish(TOPIC, b"x")

    asyncio.run(run())


def test_a_flood_of_qos_0_does_not_fill_the_memory(mosquitto):
    async def run():
        listener = Listener(mosquitto)
        listener.gate.clear()
        async with listener.running():
            await published(mosquitto, *map(str, range(AT_ONCE + 500)), qos=0)
            async with asyncio.timeout(WITHIN_S):
                while listener.link.counts.overflowed < 500:
                    await asyncio.sleep(0.01)
            listener.gate.set()
            await listener.until(AT_ONCE)

    asyncio.run(run())


def _certificate(folder):
    """A certificate for this machine, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "broker")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "broker.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "broker.key").write_bytes(key.private_bytes(*form))


@pytest.mark.parametrize("trusted", [True, False])
def test_an_encrypted_link_is_to_who_the_certificate_says(tmp_path, monkeypatch, caplog, trusted):
    _certificate(tmp_path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "broker.crt"))

    async def run():
        with Mosquitto(tmp_path, OPEN, f"certfile {tmp_path}/broker.crt", f"keyfile {tmp_path}/broker.key") as broker:
            listener = Listener(broker)
            listener.link = Link(Address("127.0.0.1", broker.port, tls=True), "node", (("v1.1/#", 1),), listener.receive)
            task = asyncio.create_task(listener.link.run())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WITHIN_S if trusted else 1):
                    await listener.link.connected.wait()
            assert listener.link.connected.is_set() is trusted
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert ("certificate" in caplog.text.lower()) is not trusted


def test_it_tells_an_open_broker_from_a_closed_one(mosquitto, tmp_path):
    (tmp_path / "closed").mkdir()

    async def run():
        assert await lets_anybody_in(Address("127.0.0.1", mosquitto.port))
        with Mosquitto(tmp_path / "closed", "allow_anonymous false") as closed:
            assert not await lets_anybody_in(Address("127.0.0.1", closed.port))

    asyncio.run(run())


def test_a_node_that_the_broker_does_not_let_in_says_so_and_goes_on_trying(tmp_path, caplog):
    async def run():
        with Mosquitto(tmp_path, "allow_anonymous false") as closed:
            task = asyncio.create_task(Listener(closed).link.run())
            await asyncio.sleep(1)
            assert not task.done()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert "ot authori" in caplog.text
