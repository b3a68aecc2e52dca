"""The bridge between a broker and the store: what is published there is stored here, and what changes here is published there."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from ruimte.errors import RuimteError
from ruimte.intake.mqtt.address import Address
from ruimte.intake.mqtt.link import LARGEST_PAYLOAD, Link, lets_anybody_in
from ruimte.intake.mqtt.subscribers import LOG_FILTERS, Subscribers
from ruimte.jobs.inbox import Inbox
from ruimte.jobs.senders import Anybody, Devices
from ruimte.jobs.sensorthings import SensorThings
from ruimte.jobs.updates import Change, Get, updates
from ruimte.sta.errors import StaError
from ruimte.store.sta.write import Touched

_AT_ONCE = 200
_MOST_WAITING = 20_000
_SAVE_EVERY_S = 2.0
_SAY_EVERY_S = 1.0

_log = logging.getLogger(__name__)


class Way(Protocol):
    """Where messages go: what the node reads from the broker, and what is done with it.

    ``is_open``: updates may go to a broker that lets anybody in.
    """

    is_open: bool

    @property
    def filters(self) -> Sequence[tuple[str, int]]:
        """The topic filters that are read, each with its QoS."""
        ...

    def knows(self, topic: str) -> bool:
        """Whether a topic may stand in the node's messages."""
        ...

    async def take(self, topic: str, payload: bytes, trusted: bool) -> None:
        """Store what a message says; durable when it returns. ``trusted``: the broker knows who publishes.

        Raises ``StaError`` for a message that is refused, another ``RuimteError`` where nothing can be stored now.
        """
        ...


class _Memory(msgspec.Struct, forbid_unknown_fields=True):
    """What the node keeps for the broker between its starts: the name of its session, and what others have asked for."""

    version: int
    client: str
    asked: dict[str, list[str]] = {}


@dataclass(slots=True)
class BridgeCounts:
    """``taken`` and ``refused`` messages; ``unsent`` changes: no link, a broker that lets anybody in, or too fast."""

    taken: int = 0
    refused: int = 0
    unsent: int = 0


class Bridge:
    """Runs between one broker and one service. ``base`` begins the links in what is published; without it nothing is published.

    ``memory`` is the file of what is kept between starts. Lives in one event loop.
    """

    def __init__(self, address: Address, memory: Path, way: Way, service: SensorThings, base: str | None) -> None:
        self.counts = BridgeCounts()
        self._address = address
        self._file = memory
        self._memory = _read_memory(memory)
        self._way = way
        self._get = None if base is None else _reading(service, base)
        self._trusted = False
        self._subscribers = Subscribers(self._memory.asked)
        self._changes: deque[Change] = deque()
        self._changed = asyncio.Event()
        self._said_s, self._unsaid = 0.0, 0
        log = [(topic, 0) for topic in LOG_FILTERS] if address.mqtt5 and base is not None else []
        self.link = Link(address, self._memory.client, [*log, *way.filters], self._receive, self._look_at_broker)
        if self._get is not None:
            service.listen(self._tell_of)

    async def run(self) -> None:
        """Until cancelled. Raises ``RuimteError`` where its file cannot be written."""
        try:
            _write_memory(self._file, self._memory)
        except OSError as error:
            raise RuimteError(f"cannot be written ({error.strerror})", str(self._file), "choose another --data") from None
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.link.run())
            tasks.create_task(self._publish())
            tasks.create_task(self._remember())

    # --- in ---------------------------------------------------------------------------------------------------------

    async def _look_at_broker(self) -> None:
        """Where the broker lets anybody in, a topic says nothing of who publishes on it."""
        self._trusted = not await lets_anybody_in(self._address)

    async def _receive(self, topic: str, payload: bytes) -> None:
        if topic.startswith("$SYS/"):
            self._subscribers.hear(topic, payload.decode("utf-8", "replace"))
            return
        try:
            if len(payload) > LARGEST_PAYLOAD:
                raise StaError(f"is larger than {LARGEST_PAYLOAD} bytes", "message", "send less in one message", 413)
            await self._way.take(topic, payload, self._trusted)
        except StaError as error:
            self._refused(topic, error)
        else:
            self.counts.taken += 1

    def _refused(self, topic: str, error: StaError) -> None:
        """Count it and say so, but not more often than a line a second, and without anything that was sent."""
        self.counts.refused += 1
        self._unsaid += 1
        now_s = time.monotonic()
        if now_s - self._said_s >= _SAY_EVERY_S:
            more = f" (and {self._unsaid - 1} more)" if self._unsaid > 1 else ""
            known = self._way.knows(topic)
            name, where = (repr(topic[:100]), error.where) if known else ("a topic that is not in the register", "topic")
            _log.warning("a message on %s was refused: %d at %s%s", name, error.status, where or "topic", more)
            self._said_s, self._unsaid = now_s, 0

    # --- out --------------------------------------------------------------------------------------------------------

    def _tell_of(self, touched: list[Touched]) -> None:
        """Publish what has become durable; what cannot be published soon is left out."""
        changes = [change for each in touched for change in _changes(each)]
        may = self.link.connected.is_set() and self._may_tell
        room = _MOST_WAITING - len(self._changes) if may else 0
        self._changes.extend(changes[:room])
        self.counts.unsent += len(changes) - min(room, len(changes))
        self._changed.set()

    @property
    def _may_tell(self) -> bool:
        """Whether counts may go to the broker; it is asked anew for every message, for a broker may come back open."""
        return self._trusted or self._way.is_open

    async def _publish(self) -> None:
        while True:
            await self._changed.wait()
            batch = [self._changes.popleft() for _ in range(min(_AT_ONCE, len(self._changes)))]
            if not self._changes:
                self._changed.clear()
            if self._get is None or not batch:
                continue
            try:
                messages = await asyncio.to_thread(list, updates(batch, self._subscribers.asked, self._get))
            except (RuimteError, sqlite3.Error) as error:
                _log.error("%d changes could not be read to be published (%s)", len(batch), error)
                self.counts.unsent += len(batch)
                continue
            for topic, payload in messages:
                if not self._may_tell or not await self.link.publish(topic, payload):
                    self.counts.unsent += 1

    async def _remember(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_EVERY_S)
            if self._subscribers.changed:
                self._subscribers.changed = False
                self._memory.asked = self._subscribers.remembered()
                try:
                    await asyncio.to_thread(_write_memory, self._file, self._memory)
                except OSError as error:
                    _log.warning("%s: not written (%s)", self._file, error.strerror)


def sandbox_bridge(address: Address, data: Path, service: SensorThings, base: str) -> Bridge:
    """The bridge of a sandbox: all is taken, all is told. Raises ``RuimteError`` for a broker on another machine."""
    if not address.is_loopback:
        mend = "use one here, or a lab instead of a sandbox"
        raise RuimteError("a sandbox takes everything, so its broker has to be on this machine", f"--broker {address.url}", mend)
    return Bridge(address, data / "sandbox.mqtt.json", Anybody(service.create), service, base)


def lab_bridge(
    address: Address, data: Path, inbox: Inbox, stream_ids: Mapping[str, int], service: SensorThings, base: str | None
) -> Bridge:
    """The bridge of a lab: its devices are heard; changes are told only with a ``base``."""
    devices = Devices(inbox, stream_ids, service.create)
    return Bridge(address, data / f"{inbox.lab.key}.mqtt.json", devices, service, base)


def _changes(touched: Touched) -> Iterator[Change]:
    for entity, id_ in touched.created:
        yield Change(entity, id_)
    if touched.changed:
        yield Change(touched.entity, touched.id, tuple(touched.changed))


def _reading(service: SensorThings, base: str) -> Get:
    def get(path: str, query: str) -> Any:
        try:
            return service.get(path, query, base).body
        except StaError:
            return None  # gone by now, or an address that leads nowhere

    return get


def _read_memory(path: Path) -> _Memory:
    """What was kept, or a new session where nothing was. Raises ``RuimteError`` where the file cannot be read."""
    if not path.exists():
        return _Memory(version=1, client=f"ruimte-{uuid.uuid4().hex}")
    try:
        memory = msgspec.json.decode(path.read_bytes(), type=_Memory)
    except (OSError, msgspec.DecodeError) as error:
        raise RuimteError(f"cannot be read ({error})", str(path), "delete it: the node then begins a new session") from None
    if memory.version > 1:
        raise RuimteError(f"is of version {memory.version}, newer than this software", str(path), "update Ruimte, or delete it")
    return memory


def _write_memory(path: Path, memory: _Memory) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(msgspec.json.encode(memory))
    part.replace(path)
