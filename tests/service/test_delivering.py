"""Warnings go out over real servers: in order, signed, again and again until they are taken, each channel by itself."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from mosquitto import Mosquitto

from receivers import MailBox, Receiver, certificate
from ruimte.clock import HOUR_US, SystemClock
from ruimte.jobs import delivering
from ruimte.jobs.delivering import Delivery
from ruimte.jobs.live import LiveRoom
from ruimte.jobs.push_desk import PushDesk
from ruimte.jobs.words import Words
from ruimte.keys.signature import verify
from ruimte.model.role import Actor
from ruimte.model.warning import Warning  # noqa: A004 - the field's own word
from ruimte.notify import web_push
from ruimte.notify.channels import read_channels
from ruimte.notify.keys import NodeKeys, node_keys
from ruimte.store import outbox, records, subscriptions
from ruimte.store.subscriptions import Subscription

LIMIT_S = 15.0


def warning(id_: int = 1, **changes: Any) -> Warning:
    now = SystemClock().now_us()
    plain: dict[str, Any] = {
        "place": "square",
        "table": "fruin-walkway",
        "level": "E",
        "rank": 1,
        "priority": 2,
        "phase": "open",
        "opened_us": now,
        "updated_us": now,
        "probability": 0.8,
        "expected_us": now + HOUR_US,
        "lead_us": HOUR_US,
        "threshold": 900.0,
        "expected": 1100.0,
        "now": 700.0,
    }
    return Warning(id=id_, **(plain | changes))


@dataclasses.dataclass
class Out:
    """A delivery at work over the store of a run."""

    run: Any
    delivery: Delivery
    keys: NodeKeys
    room: LiveRoom
    stop: Callable[[], None]

    def step(self, step: str, told: Warning) -> None:
        """A step is taken, as the station and the room do."""

        def work(connection: Any) -> None:
            records.append_warning(connection, told, told.updated_us)
            self.delivery.put(connection, step, told, told.updated_us)

        self.run.store.write(work).result()
        self.delivery.wake()

    def states(self) -> dict[str, outbox.ChannelState]:
        return self.run.store.read(outbox.states)

    def log(self) -> list[str]:
        """What the logbook says of channels, oldest first, in English."""
        words = Words(self.run.station.lab, "en")
        entries = self.run.store.read(lambda c: records.log(c, None, 100))
        return [words.log(entry) for entry in reversed(entries) if entry.kind.startswith("channel-")]


@pytest.fixture
def deliver(start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Out]]:
    """Starts a delivery over these channels; it is stopped when the test ends, or by ``stop``."""
    monkeypatch.setattr(delivering, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(delivering, "LONGEST_WAIT_S", 0.2)
    stops: list[Callable[[], None]] = []

    def begin(*channels: dict[str, Any], environment: dict[str, str] | None = None, run: Any = None) -> Out:
        run = run or start()
        keys = node_keys(tmp_path, "town")
        listed = read_channels(channels, "node.toml")
        delivery = Delivery(run.station, listed, keys, environment or {}, "https://crowd.example.org")
        run.station.on_step = delivery.put
        room = LiveRoom(run.station, SystemClock(), "live")
        loop = asyncio.new_event_loop()
        task = loop.create_task(delivery.run(room))

        def work() -> None:
            with contextlib.suppress(asyncio.CancelledError):
                loop.run_until_complete(task)

        thread = threading.Thread(target=work)
        thread.start()

        def stop() -> None:
            if thread.is_alive():
                loop.call_soon_threadsafe(task.cancel)
                thread.join()
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

        stops.append(stop)
        return Out(run, delivery, keys, room, lambda: stops.pop()())

    yield begin
    for stop in stops:
        stop()


def until(true: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def hook(receiver: Receiver, key: str = "wall", **more: Any) -> dict[str, Any]:
    return {"key": key, "kind": "webhook", "address": receiver.url(), "allow_private": True} | more


def events(receiver: Receiver) -> list[dict[str, Any]]:
    return [msgspec.json.decode(each.body) for each in receiver.received]


def test_a_webhook_gets_each_step_in_order_and_signed(deliver) -> None:
    with Receiver() as receiver:
        out = deliver(hook(receiver, token_env="WALL"), environment={"WALL": "open sesame"})
        first = warning()
        out.step("opened", first)
        out.step("raised", msgspec.structs.replace(first, level="F", priority=1))
        out.step("closed", msgspec.structs.replace(first, phase="closed", closed_us=first.updated_us))
        until(lambda: out.states()["wall"].sent == 3)
    types = [event["type"] for event in events(receiver)]
    assert types == ["org.ruimte.warning.opened", "org.ruimte.warning.raised", "org.ruimte.warning.closed"]
    one = receiver.received[0]
    assert one.headers["content-type"] == "application/cloudevents+json"
    assert one.headers["authorization"] == "Bearer open sesame"
    signed = verify(one.headers["ruimte-signature"], out.keys.public, one.body)
    assert signed.key_id == out.keys.id
    with pytest.raises(Exception, match="does not fit"):
        verify(one.headers["ruimte-signature"], out.keys.public, one.body.replace(b"square", b"circle"))
    data = events(receiver)[0]["data"]
    assert data["headline"].startswith("EXERCISE: Warning 1, priority 2: ")
    assert data["geometry"]["type"] == "Polygon"
    assert "acknowledged_by" not in data["warning"]
    assert out.log() == []


def test_what_a_station_warns_of_is_in_the_outbox_with_it(deliver) -> None:
    with Receiver() as receiver:
        out = deliver(hook(receiver))
        steps = []
        for _ in range(8):
            steps += [(kind, told.id) for kind, told in out.run.tick().warnings if kind != "updated"]
        assert ("opened", 1) in steps
        out.delivery.wake()
        until(lambda: len(receiver.received) == len(steps))
    got = [(event["data"]["step"], event["data"]["warning"]["id"]) for event in events(receiver)]
    assert sorted(got) == sorted(steps)


def test_what_a_person_does_goes_out_too_and_says_not_who(deliver) -> None:
    with Receiver() as receiver:
        out = deliver(hook(receiver))
        while not out.run.station.warner.book.standing:
            out.run.tick()
        id_ = out.run.station.warner.book.open_warnings()[0].id
        room = LiveRoom(out.run.station, SystemClock(), "live")
        measure = next(iter(room.lab.measures))
        asyncio.run(room.decide(id_, Actor("Jo from the night shift", "operator"), measure, "called Sam"))
        out.delivery.wake()
        until(lambda: any(event["type"] == "org.ruimte.warning.decided" for event in events(receiver)))
    assert all(b"Jo" not in each.body and b"Sam" not in each.body for each in receiver.received)


def test_priorities_and_what_follows(deliver) -> None:
    with Receiver() as receiver:
        out = deliver(hook(receiver, priority=1))
        first = warning()
        out.step("opened", first)  # priority 2: not for this channel
        out.step("raised", msgspec.structs.replace(first, priority=1))
        out.step("updated", msgspec.structs.replace(first, priority=1))  # new figures only
        out.step("lowered", msgspec.structs.replace(first, priority=3))
        out.step("opened", warning(2, place="street", priority=3))
        until(lambda: out.states()["wall"].sent == 2)
        time.sleep(0.1)
    assert [event["data"]["step"] for event in events(receiver)] == ["raised", "lowered"]


def test_a_receiver_that_was_down_gets_everything_once_it_is_up(deliver) -> None:
    with Receiver() as receiver:
        pass
    out = deliver(hook(receiver))
    first = warning()
    out.step("opened", first)
    out.step("closed", msgspec.structs.replace(first, phase="closed"))
    until(lambda: out.states()["wall"].failing_since_us is not None)
    time.sleep(0.5)  # some tries more
    with Receiver(port=receiver.port) as again:
        until(lambda: out.states()["wall"].sent == 2)
    assert [event["data"]["step"] for event in events(again)] == ["opened", "closed"]
    assert out.log() == [
        "Channel wall does not take messages: nobody answers there. They are kept and tried again.",
        "Channel wall takes messages again.",
    ]


def test_a_dead_and_a_slow_channel_hold_up_no_other_and_no_tick(deliver) -> None:
    with Receiver() as quick, Receiver(wait_s=6.0) as slow, socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        dead.listen(0)  # takes a connection, and never says a word
        silent = {"key": "dead", "kind": "email", "address": f"smtp://127.0.0.1:{dead.getsockname()[1]}", "unencrypted": True}
        out = deliver(hook(slow, "slow"), silent | {"sender": "a@example.org", "to": ["b@example.org"]}, hook(quick, "quick"))
        begun = time.monotonic()
        out.step("opened", warning())
        until(lambda: "quick" in out.states() and out.states()["quick"].sent == 1, 5.0)
        out.run.tick()
        out.step("closed", warning(phase="closed"))
        until(lambda: out.states()["quick"].sent >= 2, 5.0)
        assert time.monotonic() - begun < 6.0
        assert out.states()["slow"].sent == 0
        dead.close()
        out.stop()


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
def test_what_is_refused_for_good_is_given_up_at_once_and_said(deliver, status: int) -> None:
    with Receiver(answers=[(status, {})]) as receiver:
        out = deliver(hook(receiver))
        out.step("opened", warning())
        until(lambda: out.states().get("wall") and out.states()["wall"].given_up == 1)
        assert len(receiver.received) == 1
        out.step("closed", warning(phase="closed"))
        until(lambda: out.states()["wall"].sent == 1)
    name = Words(out.run.station.lab, "en").place("square")
    assert out.log() == [
        f"Not delivered on channel wall, given up: warning 1, {name}. the receiver answered {status}.",
        "Channel wall takes messages again.",
    ]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_is_refused_for_now_is_tried_again_with_the_same_id(deliver, status: int) -> None:
    with Receiver(answers=[(status, {}), (status, {})]) as receiver:
        out = deliver(hook(receiver))
        out.step("opened", warning())
        until(lambda: out.states()["wall"].sent == 1)
    assert len(receiver.received) == 3
    assert len({each.body for each in receiver.received}) == 1
    assert len(out.log()) == 2


def test_a_receivers_wish_to_wait_is_respected(deliver) -> None:
    moments: list[float] = []
    with Receiver(answers=[(429, {"retry-after": "1"})]) as receiver:
        receiver.on_receipt = lambda: moments.append(time.monotonic())
        out = deliver(hook(receiver))
        out.step("opened", warning())
        until(lambda: out.states()["wall"].sent == 1)
    assert moments[1] - moments[0] >= 1.0


def test_redirects_are_not_followed(deliver) -> None:
    with Receiver() as elsewhere, Receiver(answers=[(307, {"location": elsewhere.url()})]) as receiver:
        out = deliver(hook(receiver))
        out.step("opened", warning())
        until(lambda: out.states()["wall"].given_up == 1)
    assert elsewhere.received == []
    assert "points elsewhere (307)" in out.log()[0]


def test_a_private_address_is_not_reached_unless_the_operator_says_so(deliver) -> None:
    with Receiver() as receiver:
        address = receiver.url("localhost").replace("http:", "https:")
        out = deliver({"key": "wall", "kind": "webhook", "address": address})
        out.step("opened", warning())
        until(lambda: out.states()["wall"].given_up == 1)
    assert receiver.received == []
    assert "localhost is not on the public internet" in out.log()[0]


def test_a_message_that_became_too_old_is_given_up(deliver) -> None:
    with Receiver() as receiver:
        pass
    out = deliver(hook(receiver, give_up_after="1s"))
    out.step("opened", warning())
    until(lambda: out.states()["wall"].given_up == 1)
    lines = out.log()
    assert len(lines) == 2
    assert "does not take messages" in lines[0]
    assert "given up: warning 1" in lines[1]


def test_tls_is_verified_by_name_though_the_connection_goes_to_the_address(deliver, tmp_path: Path) -> None:
    authority, server = certificate(tmp_path, "localhost")
    _, other = certificate(tmp_path, "other.example.org")
    with Receiver(tls=server) as right, Receiver(tls=other) as wrong:
        trusted = {"kind": "webhook", "allow_private": True, "ca_file": str(authority)}
        out = deliver(
            trusted | {"key": "right", "address": right.url("localhost")},
            trusted | {"key": "wrong", "address": wrong.url("localhost")},
            trusted | {"key": "by-number", "address": right.url("127.0.0.1")},
        )
        out.step("opened", warning())
        until(lambda: {"right", "wrong", "by-number"} <= out.states().keys() and out.states()["right"].sent == 1)
        until(lambda: out.states()["wrong"].trouble and out.states()["by-number"].trouble)
    assert right.received[0].headers["host"] == f"localhost:{right.port}"
    assert wrong.received == []
    assert {state.trouble["why"] for state in out.states().values() if state.trouble} == {"trouble.tls"}


def test_cap_as_the_body_of_a_webhook_refers_to_what_this_receiver_was_sent(deliver) -> None:
    with Receiver() as receiver:
        out = deliver(hook(receiver, body="cap", steps=["raised", "closed"]))
        first = warning()
        out.step("opened", first)
        later = first.updated_us + 60_000_000
        raised = msgspec.structs.replace(first, updated_us=later, level="F", priority=1)
        out.step("raised", raised)
        out.step("closed", msgspec.structs.replace(raised, updated_us=later + 60_000_000, phase="closed"))
        until(lambda: out.states()["wall"].sent == 2)
    alert, cancel = (each.body.decode() for each in receiver.received)
    assert "<msgType>Alert</msgType>" in alert
    assert "<msgType>Cancel</msgType>" in cancel
    assert f",town.1.{later}," in cancel
    assert receiver.received[0].headers["ce-type"] == "org.ruimte.warning.raised"
    assert receiver.received[0].headers["content-type"] == "application/cap+xml"
    verify(receiver.received[0].headers["ruimte-signature"], out.keys.public, receiver.received[0].body)


def test_after_a_stop_the_next_start_goes_on_where_it_was(deliver, start) -> None:
    with Receiver() as receiver:
        pass
    out = deliver(hook(receiver))
    out.step("opened", warning())
    until(lambda: out.states().get("wall"))
    out.stop()
    with Receiver(port=receiver.port) as again:
        after = deliver(hook(again), run=out.run)
        until(lambda: after.states()["wall"].sent == 1)
    assert events(again)[0]["data"]["step"] == "opened"


def test_what_waits_for_a_channel_that_is_no_more_is_dropped(deliver) -> None:
    with Receiver() as receiver:
        pass
    out = deliver(hook(receiver))
    out.step("opened", warning())
    until(lambda: out.states().get("wall"))
    out.stop()
    after = deliver(run=out.run)
    until(lambda: after.states()["wall"].given_up == 1)


# --- mail -------------------------------------------------------------------------------------------------------------


def mail(port: int, scheme: str = "smtp", **more: Any) -> dict[str, Any]:
    plain = {"key": "duty", "kind": "email", "address": f"{scheme}://localhost:{port}", "language": "nl"}
    return plain | {"sender": "ruimte@example.org", "to": ["duty@example.org", "chief@example.org"]} | more


@contextlib.contextmanager
def post_office(box: MailBox, **options: Any) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    controller = Controller(box, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def test_mail_goes_over_starttls_in_the_channels_language(deliver, tmp_path: Path) -> None:
    authority, server = certificate(tmp_path, "localhost")
    box = MailBox()

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"node", b"secret"))

    options = {"tls_context": server, "require_starttls": True, "authenticator": check, "auth_required": True}
    with post_office(box, **options) as port:
        channel = mail(port, ca_file=str(authority), user="node", password_env="MAIL")
        out = deliver(channel, environment={"MAIL": "secret"})
        out.step("opened", warning())
        until(lambda: out.states()["duty"].sent == 1)
    letter = box.letters[0]
    assert letter["Subject"].strip().startswith("OEFENING: Waarschuwing 1, prioriteit 2: ")
    assert box.to[0] == ["duty@example.org", "chief@example.org"]
    assert letter["Message-ID"].startswith("<town.1.1.")


def test_mail_that_is_refused_for_now_is_sent_again_under_the_same_id(deliver) -> None:
    box = MailBox(answers=["451 later", "250 OK", "554 never"])
    with post_office(box) as port:
        out = deliver(mail(port, unencrypted=True))
        out.step("opened", warning())
        until(lambda: out.states()["duty"].sent == 1)
        out.step("closed", warning(phase="closed"))
        until(lambda: out.states()["duty"].given_up == 1)
    assert len(box.letters) == 1
    assert "the receiver answered 451" in out.log()[0]
    assert "given up" in out.log()[-1]


def test_mail_does_not_go_unencrypted_by_itself(deliver) -> None:
    box = MailBox()
    with post_office(box) as port:
        out = deliver(mail(port))
        out.step("opened", warning())
        until(lambda: out.states()["duty"].given_up == 1)
    assert box.letters == []
    assert "offers no encryption" in out.log()[0]


# --- MQTT -------------------------------------------------------------------------------------------------------------


def test_a_broker_gets_each_step_and_keeps_what_stands(deliver, tmp_path: Path) -> None:
    def retained(port: int) -> dict[str, Any]:
        command = ["mosquitto_sub", "-p", str(port), "-t", "ruimte/town/warnings/current", "-C", "1", "-W", "10"]
        return msgspec.json.decode(subprocess.run(command, check=True, capture_output=True, timeout=20).stdout)

    with Mosquitto(tmp_path, "allow_anonymous true") as broker:
        listen = ["mosquitto_sub", "-p", str(broker.port), "-t", "ruimte/town/warnings/steps", "-C", "3", "-W", "20", "-q", "1"]
        listening = subprocess.Popen([*listen, "-i", "wall", "-c"], stdout=subprocess.PIPE)
        time.sleep(0.5)
        out = deliver({"key": "broker", "kind": "mqtt", "address": broker.url})
        first = warning()
        out.step("opened", first)
        until(lambda: out.states()["broker"].sent == 1)
        assert [each["id"] for each in retained(broker.port)["warnings"]] == [1]
        broker.stop()
        out.step("raised", msgspec.structs.replace(first, level="F"))
        until(lambda: out.states()["broker"].trouble)
        broker.start()
        out.step("closed", msgspec.structs.replace(first, phase="closed"))
        until(lambda: out.states()["broker"].sent == 3)
        assert retained(broker.port)["warnings"] == []
        heard, _ = listening.communicate(timeout=20)
    steps = [msgspec.json.decode(line)["data"]["step"] for line in heard.splitlines()]
    assert steps[:1] == ["opened"]


# --- web push ---------------------------------------------------------------------------------------------------------


def browser(receiver: Receiver, path: str, language: str = "nl") -> tuple[ec.EllipticCurvePrivateKey, bytes, Subscription]:
    key, secret = ec.generate_private_key(ec.SECP256R1()), bytes(range(16))
    endpoint = f"http://127.0.0.1:{receiver.port}/{path}"
    public = web_push.encode(web_push.public_bytes(key))
    return key, secret, Subscription(endpoint, public, web_push.encode(secret), language)


def read(body: bytes, key: ec.EllipticCurvePrivateKey, secret: bytes) -> dict[str, Any]:
    """What a browser makes of a message (RFC 8291, 3.4, and RFC 8188, 2.1)."""
    salt, length = body[:16], body[20]
    theirs_bytes, sealed = body[21 : 21 + length], body[21 + length :]
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs_bytes)
    shared, own = key.exchange(ec.ECDH(), theirs), web_push.public_bytes(key)
    material = web_push._derive(shared, secret, b"WebPush: info\0" + own + theirs_bytes, 32)
    content = web_push._derive(material, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = web_push._derive(material, salt, b"Content-Encoding: nonce\0", 12)
    return msgspec.json.decode(AESGCM(content).decrypt(nonce, sealed, None).rstrip(b"\0").removesuffix(b"\x02"))


def test_every_browser_that_asked_is_warned_and_one_that_left_is_forgotten(deliver) -> None:
    with Receiver() as service:
        channel = {"key": "devices", "kind": "push", "contact": "mailto:a@example.org", "allow_private": True}
        out = deliver(channel)
        store, now_us = out.run.store, SystemClock().now_us
        desk = PushDesk(store, out.keys, now_us, plain=True)
        key, secret, kept = browser(service, "one")
        desk.subscribe(kept)
        out.step("opened", warning())
        until(lambda: out.states()["devices"].sent == 1)
        told = read(service.received[0].body, key, secret)
        assert told["title"].startswith("OEFENING: Waarschuwing 1, prioriteit 2: ")
        headers = service.received[0].headers
        assert headers["content-encoding"] == "aes128gcm"
        assert int(headers["ttl"]) > 0
        assert headers["authorization"].startswith("vapid t=")
        assert headers["authorization"].endswith(f"k={desk.key}")
        service.answers.append((410, {}))
        out.step("closed", warning(phase="closed"))
        until(lambda: store.read(lambda c: subscriptions.ids(c, now_us())) == [])
        until(lambda: out.states()["devices"].given_up == 1)
        out.step("opened", warning(2))
        time.sleep(0.2)
        assert len(service.received) == 2
    assert out.log() == []


def test_a_slow_push_service_holds_up_no_other_browser(deliver) -> None:
    with Receiver(wait_s=6.0) as slow, Receiver() as quick:
        out = deliver({"key": "devices", "kind": "push", "contact": "mailto:a@example.org", "allow_private": True})
        desk = PushDesk(out.run.store, out.keys, SystemClock().now_us, plain=True)
        for service, names in ((slow, "abc"), (quick, "defghijklmno")):
            for name in names:
                desk.subscribe(browser(service, name)[2])
        out.step("opened", warning())
        until(lambda: len(quick.received) == 12, 5.0)
        assert out.states()["devices"].sent <= 12
        until(lambda: len(slow.received) == 3)
        out.stop()
        assert len(quick.received) == 12, "what is on its way is not begun again"


def test_the_page_hears_when_a_channel_fails(deliver) -> None:
    with Receiver(answers=[(503, {})]) as receiver:
        out = deliver(hook(receiver))
        before = out.room.status().sequence
        out.step("opened", warning())
        until(lambda: out.states()["wall"].sent == 1)
        until(lambda: out.room.status().sequence >= before + 2)


def test_a_subscription_ends_by_itself_unless_it_is_renewed(start) -> None:
    run = start()
    with Receiver() as service:
        _, _, kept = browser(service, "one")
    lasts = subscriptions.LASTS_US
    run.store.write(lambda c: subscriptions.keep(c, kept, 0)).result()
    run.store.write(lambda c: subscriptions.keep(c, kept, lasts // 2)).result()
    assert len(run.store.read(lambda c: subscriptions.ids(c, lasts))) == 1
    assert run.store.read(lambda c: subscriptions.ids(c, 2 * lasts)) == []
