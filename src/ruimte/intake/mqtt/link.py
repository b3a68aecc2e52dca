"""One lasting link to a broker: MQTT 5, QoS 1, and nothing acknowledged before it was dealt with.

The broker keeps our session while we are away and sends again what was not acknowledged, so a message is lost neither when the
node stops nor when the broker does. Every connection has a client of its own: an acknowledgement that comes late can then never
be taken for one of a message of the next connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import ssl
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gmqtt import Client, Message, Subscription  # type: ignore[import-untyped]
from gmqtt.mqtt.constants import MQTTv50, MQTTv311  # type: ignore[import-untyped]
from gmqtt.mqtt.handler import MQTTConnectError, MQTTError  # type: ignore[import-untyped]
from gmqtt.storage import PersistentStorage  # type: ignore[import-untyped]

from ruimte.errors import RuimteError
from ruimte.intake.mqtt.address import Address
from ruimte.intake.mqtt.topics import matches

Receive = Callable[[str, bytes], Awaitable[None]]
"""Deals with a message, by topic and payload. A ``RuimteError`` says that it cannot be done now: it is tried again later."""

MARK = ("ruimte", "update")
"""The user property of every message that a node publishes. A message that carries it is never taken in, by no node: no loops.

MQTT 3.1.1 has no properties: there what we publish on a topic that we read comes back once, and is known again by what it says.
"""

LARGEST_PAYLOAD = 1 << 20
"""Bytes."""

LARGEST_PACKET = LARGEST_PAYLOAD + 70_000
"""Bytes; the broker does not even send us larger ones."""

AT_ONCE = 1024
"""Messages that may wait for their acknowledgement (the receive maximum of MQTT 5); the broker holds back the rest."""

SESSION_S = 7 * 24 * 3600
"""How long the broker is asked to keep our session, and what comes in for it, while we are away."""

_UPDATES_AT_ONCE = 500
_ANSWER_S = 10.0
_KEEPALIVE_S = 30
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 30.0
_STOP_S = 5.0
_NOT_AUTHORISED = (4, 5, 134, 135)  # by MQTT 3.1.1 and by MQTT 5
_NEVER = -2  # reconnect_retries: the client's own reconnecting would go on with a client that we have left

_log = logging.getLogger(__name__)
_wire = logging.getLogger("ruimte.wire")
_wire.disabled = True
for _name in ("", ".client", *(f".mqtt.{part}" for part in ("connection", "handler", "package", "protocol", "utils"))):
    logging.getLogger(f"gmqtt{_name}").disabled = True  # its lines hold payloads; what matters is said here


@dataclass(slots=True)
class LinkCounts:
    """What passed: ``received`` messages, ``overflowed`` ones (QoS 0, too fast), ``connects``, ``published`` updates."""

    received: int = 0
    overflowed: int = 0
    connects: int = 0
    published: int = 0


class _Unacknowledged(PersistentStorage):  # type: ignore[misc]
    """The updates that the broker has not acknowledged; tells when there is room for more."""

    def __init__(self) -> None:
        super().__init__()
        self.room = asyncio.Event()
        self.room.set()

    def push_message(self, mid: int, raw_package: bytes) -> None:
        super().push_message(mid, raw_package)
        if len(self._messages) >= _UPDATES_AT_ONCE:
            self.room.clear()

    def remove_message_by_mid(self, mid: int) -> None:
        super().remove_message_by_mid(mid)
        self.room.set()


@dataclass(slots=True)
class _Connection:
    """One connection from its begin to its end."""

    client: Any
    waiting: _Unacknowledged
    lost: asyncio.Event
    echoes: Counter[tuple[str, bytes]]
    last: asyncio.Future[None] | None = None
    in_hand: int = 0
    stopping: bool = False


class Link:
    """Keeps a session with a broker, hands what comes in on ``filters`` to ``receive``, and publishes. All in one event loop.

    Messages are dealt with together, and acknowledged in the order in which they came. ``before`` runs ahead of every connection.
    """

    def __init__(
        self,
        address: Address,
        client_id: str,
        filters: Sequence[tuple[str, int]],
        receive: Receive,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.address = address
        self.client_id = client_id
        self.counts = LinkCounts()
        self.connected = asyncio.Event()
        self._filters = tuple(filters)
        self._receive = receive
        self._before = before
        self._connection: _Connection | None = None

    async def run(self) -> None:
        """Connect, and connect again whenever the link breaks, until cancelled."""
        wait_s, said = _FIRST_WAIT_S, ""
        while True:
            begun = time.monotonic()
            try:
                await self._connect_and_stay()
                trouble = "the broker closed the link"
            except (OSError, MQTTError, TimeoutError, RuimteError) as error:
                trouble = _reason(error)
            if time.monotonic() - begun > _LONGEST_WAIT_S:
                wait_s, said = _FIRST_WAIT_S, ""
            if trouble != said:
                _log.warning("%s: %s; trying again", self.address.url, trouble)
                said = trouble
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - only so that nodes do not all come at once
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    async def publish(self, topic: str, payload: bytes) -> bool:
        """Publish an update (QoS 1), waiting while the broker has too many in hand. False where there is no link now."""
        if (connection := self._connection) is None:
            return False
        while True:
            await connection.waiting.room.wait()
            if connection.lost.is_set():
                return False
            try:
                self._publish(connection, topic, payload)
            except OverflowError:  # the broker allows fewer at once than we do
                connection.waiting.room.clear()
                continue
            self.counts.published += 1
            return True

    def _publish(self, connection: _Connection, topic: str, payload: bytes) -> None:
        if self.address.mqtt5:
            connection.client.publish(Message(topic, payload, qos=1, user_property=MARK))
            return
        connection.client.publish(Message(topic, payload, qos=1))
        if any(matches(text, topic) for text, _ in self._filters):
            connection.echoes[topic, payload] += 1

    def _is_ours(self, connection: _Connection, topic: str, payload: bytes, properties: dict[str, Any]) -> bool:
        """Whether a message is an update that a node published."""
        if self.address.mqtt5:
            return MARK in properties.get("user_property", ())
        left = connection.echoes.pop((topic, payload), 0) - 1
        if left > 0:
            connection.echoes[topic, payload] = left
        return left >= 0

    async def _connect_and_stay(self) -> None:
        """From connecting until the link is lost."""
        if self._before is not None:
            await self._before()
        connection = self._begin()
        try:
            await _connect(connection.client, self.address)
            await self._subscribe(connection.client)
            self._connection = connection
            self.counts.connects += 1
            self.connected.set()
            _log.info("%s: linked", self.address.url)
            await connection.lost.wait()
        finally:
            self.connected.clear()
            self._connection = None
            connection.stopping = True
            if connection.last is not None and not connection.lost.is_set():
                await asyncio.wait({connection.last}, timeout=_STOP_S)
            connection.lost.set()
            connection.waiting.room.set()
            await _disconnect(connection.client)

    def _begin(self) -> _Connection:
        waiting, lost = _Unacknowledged(), asyncio.Event()
        client = Client(
            self.client_id,
            clean_session=False,
            optimistic_acknowledgement=False,
            persistent_storage=waiting,
            logger=_wire,
            session_expiry_interval=SESSION_S,
            receive_maximum=AT_ONCE,
            maximum_packet_size=LARGEST_PACKET,
        )
        connection = _Connection(client, waiting, lost, Counter())

        async def on_message(_: Any, topic: str, payload: bytes, qos: int, properties: dict[str, Any]) -> int:
            # what the broker retained is old, and would be taken in again with every connection
            passed = properties.get("retain") or self._is_ours(connection, topic, bytes(payload), properties)
            await self._in_turn(connection, topic, None if passed else bytes(payload), qos)
            return 0

        def on_disconnect(*_: Any) -> None:
            lost.set()
            waiting.room.set()

        client.on_message, client.on_disconnect = on_message, on_disconnect
        return connection

    async def _subscribe(self, client: Any) -> None:
        """Subscribe, also where the session still knows it; not to own and to retained messages.

        Raises ``RuimteError`` where it is refused.
        """
        granted: asyncio.Future[Sequence[int]] = asyncio.get_running_loop().create_future()

        def on_subscribe(_: Any, mid: int, codes: Sequence[int], properties: Any) -> None:
            if not granted.done():
                granted.set_result(codes)

        client.on_subscribe = on_subscribe
        options = {"no_local": True, "retain_handling_options": 2} if self.address.mqtt5 else {}
        client.subscribe([Subscription(text, qos=qos, **options) for text, qos in self._filters])
        async with asyncio.timeout(_ANSWER_S):
            codes = await granted
        refused = [text for (text, qos), code in zip(self._filters, codes, strict=True) if qos and code >= 128]
        if refused:
            raise RuimteError("does not let us read", ", ".join(refused), "give the node's user that right (its access list)")

    async def _in_turn(self, connection: _Connection, topic: str, payload: bytes | None, qos: int) -> None:
        """Deal with a message (None: one to be acknowledged only).

        Comes back in the order of arrival, for acknowledgements have to be in order (MQTT-4.6.0-2).
        """
        if connection.stopping:
            await connection.lost.wait()
            return
        if qos == 0 and connection.in_hand >= AT_ONCE:  # nothing but this holds back a flood of QoS 0
            self.counts.overflowed += 1
            return
        before = connection.last
        connection.last = mine = asyncio.get_running_loop().create_future()
        connection.in_hand += 1
        try:
            if payload is not None:
                self.counts.received += 1
                await self._deal_with(connection, topic, payload)
            if before is not None and not before.done():
                await asyncio.wait({before})
        finally:
            connection.in_hand -= 1
            mine.set_result(None)

    async def _deal_with(self, connection: _Connection, topic: str, payload: bytes) -> None:
        """Until it is dealt with, or the link is lost: then the broker sends it again."""
        wait_s = _FIRST_WAIT_S
        while not connection.lost.is_set():
            try:
                return await self._receive(topic, payload)
            except RuimteError as error:
                _log.warning("a message cannot be taken now (%s); trying again", error)
            except Exception as error:
                _log.error("a message was not understood (%s)", type(error).__name__)
                return None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await connection.lost.wait()
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        return None


async def lets_anybody_in(address: Address) -> bool:
    """Whether the broker takes a client without user and password.

    Raises ``OSError``, ``TimeoutError`` or ``MQTTError`` where it does not tell.
    """
    client = Client(f"ruimte-check-{uuid.uuid4().hex}", clean_session=True, logger=_wire)
    try:
        await _connect(client, Address(address.host, address.port, address.tls, mqtt5=address.mqtt5))
    except MQTTConnectError as error:
        if error._code not in _NOT_AUTHORISED:
            raise
        return False
    finally:
        await _disconnect(client)
    return True


async def _connect(client: Any, address: Address) -> None:
    client.set_config({"reconnect_retries": _NEVER})
    if address.user is not None:
        client.set_auth_credentials(address.user, address.password)
    encryption = ssl.create_default_context() if address.tls else False
    version = MQTTv50 if address.mqtt5 else MQTTv311
    async with asyncio.timeout(_ANSWER_S):
        await client.connect(address.host, address.port, ssl=encryption, keepalive=_KEEPALIVE_S, version=version)


async def _disconnect(client: Any) -> None:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_STOP_S):
            await client.disconnect()


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer in {_ANSWER_S:.0f} s (it must speak MQTT 5)"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)
