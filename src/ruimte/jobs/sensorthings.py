"""The SensorThings service behind HTTP and MQTT: every read and every change, and word of what changed once it is durable."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from ruimte.jobs.inbox import Inbox, Taken
from ruimte.jobs.sending import sent_observation, sent_rows
from ruimte.sta.errors import StaError
from ruimte.sta.options import Options, parse_options
from ruimte.sta.path import Path, parse_path
from ruimte.store.sqlite import Store
from ruimte.store.sta import write as writing
from ruimte.store.sta.read import Answer
from ruimte.store.sta.read import read as read_store
from ruimte.store.sta.write import Touched

T = TypeVar("T")

LONGEST_READ_S = 20.0
"""How long a read may take: one query holds a thread, and there are few."""
_STEPS = 200_000
"""SQLite's steps, a few milliseconds of work, after which the time is looked at."""

address: Callable[[str], Path] = lru_cache(2000)(parse_path)
"""``parse_path``, which remembers: devices send to the same address again and again."""


class Changes:
    """Changes within one transaction, in order; ``touched`` tells what they did. Each raises ``StaError`` where it cannot be."""

    def __init__(self, connection: sqlite3.Connection, now_us: int) -> None:
        self.touched: list[Touched] = []
        self._connection = connection
        self._now_us = now_us

    def create(self, path: str, body: bytes) -> Touched:
        """A new entity in a set, or behind a link of another."""
        return self._did(writing.create(self._connection, address(path), decode(body), self._now_us))

    def update(self, path: str, body: bytes, *, replace: bool) -> Touched:
        """Change the properties that are given; ``replace``: all of them."""
        return self._did(writing.update(self._connection, address(path), decode(body), self._now_us, replace=replace))

    def json_patch(self, path: str, body: bytes) -> Touched:
        """Change an entity by RFC 6902."""
        return self._did(writing.json_patch(self._connection, address(path), decode(body), self._now_us))

    def delete(self, path: str) -> Touched:
        """Delete an entity and what cannot be without it."""
        return self._did(writing.delete(self._connection, address(path), self._now_us))

    def link(self, path: str, body: bytes) -> Touched:
        """Link an entity to one that exists, at ``…/$ref``."""
        return self._did(writing.link(self._connection, address(path), decode(body), self._now_us))

    def unlink(self, path: str, body: bytes) -> Touched:
        """Undo a link, at ``…/$ref``."""
        return self._did(writing.unlink(self._connection, address(path), self._now_us, decode(body) if body else None))

    def create_observations(self, body: bytes) -> list[int | StaError]:
        """Observations of several datastreams; for each row its id, or why it is none."""
        touched = self._did(Touched("Observation", 0))
        return writing.create_observations(self._connection, _groups(body), self._now_us, touched)

    def _did(self, touched: Touched) -> Touched:
        self.touched.append(touched)
        return touched


class SensorThings:
    """Reads and writes one store. With an ``inbox`` (a lab) only Observations can be made, and go through it; without one (a
    sandbox) everything can be done.

    Addresses are what comes after the service's root, percent-encoded or plain; bodies are JSON. All methods but ``look`` and
    ``get`` run in one event loop.
    """

    def __init__(self, store: Store, now_us: Callable[[], int], inbox: Inbox | None = None) -> None:
        self._store = store
        self._now_us = now_us
        self._inbox = inbox
        self._listeners: list[Callable[[list[Touched]], None]] = []
        if inbox is not None:
            inbox.listen(lambda ids: self._tell([Touched("Observation", 0, created=[("Observation", id_) for id_ in ids])]))

    @property
    def is_lab(self) -> bool:
        """Whether the register rules here: devices send Observations, and nothing else can be changed."""
        return self._inbox is not None

    def listen(self, callback: Callable[[list[Touched]], None]) -> None:
        """Call back in the event loop with what has become durable."""
        self._listeners.append(callback)

    def look(self, path: Path, options: Options, base: str) -> Answer:
        """What is at an address; ``base`` begins all links. For any thread, for it waits for the disk.

        Raises ``StaError``: 404 for what does not exist, 400 for what cannot be asked of it, or takes too long to find.
        """

        def query(connection: sqlite3.Connection) -> Answer:
            last_s = time.monotonic() + LONGEST_READ_S
            connection.set_progress_handler(lambda: time.monotonic() > last_s, _STEPS)
            try:
                return read_store(connection, path, options, base)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                    raise
                mend = "ask for less: filter by phenomenonTime, or leave out $count and $expand"
                raise StaError(f"takes more than {LONGEST_READ_S:g} s", "query", mend) from None
            finally:
                connection.set_progress_handler(None, 0)

        return self._store.read(query)

    def get(self, path: str, query: str, base: str) -> Answer:
        """As ``look``, from texts. Raises ``StaError`` also for what cannot be read (400) or is not served (501)."""
        found = address(path)
        return self.look(found, parse_options(query, found.entity), base)

    async def transact(self, work: Callable[[Changes], T]) -> T:
        """Make changes, all or none; durable when it returns. Raises what ``work`` raises; 403 in a lab."""
        if self._inbox is not None:
            raise StaError("the lab's folder says what exists here", "request", "change sensors.toml or places.geojson", 403)

        def piece(connection: sqlite3.Connection) -> tuple[T, list[Touched]]:
            changes = Changes(connection, self._now_us())
            return work(changes), changes.touched

        written: Future[tuple[T, list[Touched]]] = self._store.write(piece)
        durable = asyncio.wrap_future(written)
        if self._listeners:
            durable.add_done_callback(self._tell_of)
        return (await asyncio.shield(durable))[0]

    async def create(self, path: str, body: bytes, device: str | None = None) -> Touched:
        """A new entity. In a lab: an Observation that ``device`` sends, judged by the inbox.

        Raises ``StaError``: 400 for a wrong body, 401 and 403 for a sender that may not, 404 for no such address, 429.
        """
        if self._inbox is None:
            return await self.transact(lambda changes: changes.create(path, body))
        (taken,) = await self._inbox.take(device, body, lambda payload: [sent_observation(address(path), decode(payload))])
        return Touched("Observation", _id(taken))

    async def create_observations(self, body: bytes, device: str | None = None) -> list[int | StaError]:
        """Observations of several datastreams (the data array extension); for each row its id, or why it is none.

        Raises ``StaError`` (400) where the body is no list of data arrays, and in a lab as ``create``.
        """
        if self._inbox is None:
            return await self.transact(lambda changes: changes.create_observations(body))
        return await self._inbox.take(device, body, lambda payload: sent_rows(_groups(payload)))

    def _tell_of(self, durable: asyncio.Future[Any]) -> None:
        if not durable.cancelled() and durable.exception() is None:
            self._tell(durable.result()[1])

    def _tell(self, touched: list[Touched]) -> None:
        for callback in self._listeners:
            callback(touched)


def decode(body: bytes) -> Any:
    """The JSON of a body. Raises ``StaError`` (400) where it is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        told = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise StaError(f"the body is no JSON ({told})", "body", "send JSON, in UTF-8") from None


def _groups(body: bytes) -> list[Any]:
    groups = decode(body)
    if not isinstance(groups, list):
        raise StaError("the body is no list", "body", 'send [{"Datastream": …, "components": […], "dataArray": […]}]')
    return groups


def _id(taken: Taken) -> int:
    if isinstance(taken, StaError):
        raise taken
    return taken
