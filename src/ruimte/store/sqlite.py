"""The embedded store: SQLite in WAL mode, ``synchronous=FULL``, one writer, readers that never wait for it."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

import pyarrow as pa

from ruimte.errors import RuimteError
from ruimte.store import catalogue, observations
from ruimte.store.lockfile import LockFile
from ruimte.store.observations import Appended
from ruimte.store.writer import Writer

T = TypeVar("T")
Stamp = Literal["lab", "replay", "sandbox"]


class Reader:
    """A database file that is only read, while another process may write it. Use as a context manager, or call ``close``.

    Raises ``RuimteError`` where the file is missing, is no database of Ruimte, one of a newer version, or one of a sandbox or of
    another lab than the one that is asked for.
    """

    def __init__(self, path: Path, lab: str | None = None) -> None:
        if not path.exists():
            raise RuimteError("no such database", str(path), "import a file first, or choose another --data")
        self.path = path
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        try:
            version = self.read(lambda connection: _version(connection, path))
            if version == 0:
                raise RuimteError("holds nothing of Ruimte", str(path), "import a file first, or choose another --data")
            if lab is not None:
                self.read(lambda connection: _require_lab(connection, path, lab))
        except sqlite3.DatabaseError as error:
            Reader.close(self)
            raise _no_database(path, error) from None
        except RuimteError:
            Reader.close(self)
            raise

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``query`` on a read-only connection of this thread."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
            self._local.connection = connection
            with self._readers_lock:
                self._readers.append(connection)
        return query(connection)

    def stream_ids(self) -> dict[str, int]:
        """Ids of the registered datastreams, by key."""
        return self.read(catalogue.stream_ids)

    def place_ids(self) -> dict[str, int]:
        """Ids of the places, by key."""
        return self.read(catalogue.place_ids)

    def copy_to(self, path: Path) -> None:
        """Copy the database as it is now to a new file, which is there whole or not at all."""
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.unlink(missing_ok=True)
        target = sqlite3.connect(part)
        try:
            self.read(lambda connection: connection.backup(target))
        finally:
            target.close()
        part.replace(path)

    def close(self) -> None:
        """Let go of the file."""
        with self._readers_lock:
            for connection in self._readers:
                connection.close()
            self._readers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Store(Reader):
    """A database file and its only writer.

    ``write`` hands a piece of work to the group-commit writer and returns a future that is done once the work is on the
    disk. ``stamp`` says what the database is for: one made for another lab or purpose is refused. Only a throw-away database
    is not ``durable``: it survives the end of the process, not of the machine.
    """

    def __init__(self, path: Path, lab: str, stamp: Stamp = "lab", *, durable: bool = True) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RuimteError(str(error.strerror), str(path.parent), "choose a folder that can be written") from None
        self._lock = LockFile(path.with_name(path.name + ".lock"))
        try:
            self._writer = Writer(_open(path, lab, stamp, durable))
        except sqlite3.DatabaseError as error:
            self._lock.release()
            raise _no_database(path, error) from None
        except RuimteError:
            self._lock.release()
            raise
        super().__init__(path)

    def write(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Run ``work`` in the writer's next transaction."""
        return self._writer.submit(work)

    def append(self, table: pa.Table) -> Appended:
        """Append observations and wait until they are durable."""
        return self.write(lambda connection: observations.append(connection, table)).result()

    def close(self) -> None:
        """Finish what was handed in, and let go of the file."""
        super().close()  # first, for only a writer that is the last to go leaves one whole file without a log beside it
        self._writer.close()
        self._lock.release()


def _open(path: Path, lab: str, stamp: Stamp, durable: bool) -> sqlite3.Connection:
    """The writer's connection, with the newest schema and the right stamp."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        version = _version(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA wal_autocheckpoint = 16000")
        for number, script in sorted(_migrations().items()):
            if number > version:
                connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")
        _stamp(connection, path, lab, stamp)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrations() -> dict[int, str]:
    """The scripts that bring the schema forward, by number."""
    return {
        int(match[1]): item.read_text("utf-8")
        for item in resources.files("ruimte.store").joinpath("migrations").iterdir()
        if (match := re.fullmatch(r"(\d{4})\.sql", item.name))
    }


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """How many migrations were applied (``PRAGMA user_version``). Raises ``RuimteError`` where they are more than are known."""
    version, newest = int(connection.execute("PRAGMA user_version").fetchone()[0]), max(_migrations())
    if version > newest:
        raise RuimteError(f"made by a newer Ruimte (schema {version}, this one knows {newest})", str(path), "upgrade Ruimte")
    return version


def _no_database(path: Path, error: sqlite3.DatabaseError) -> RuimteError:
    return RuimteError(f"cannot be used as a database ({error})", str(path), "move it aside, or choose another --data")


def _stamp(connection: sqlite3.Connection, path: Path, lab: str, stamp: Stamp) -> None:
    for key, value in (("lab", lab), ("stamp", stamp)):
        connection.execute("INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)", (key, value))
        _require_stamp(connection, path, key, value)


def _require_lab(connection: sqlite3.Connection, path: Path, lab: str) -> None:
    _require_stamp(connection, path, "lab", lab)
    if connection.execute("SELECT value = 'sandbox' FROM meta WHERE key = 'stamp'").fetchone()[0]:
        raise RuimteError("is a sandbox's: nothing of it can be estimated or shared", str(path), "choose another --data")


def _require_stamp(connection: sqlite3.Connection, path: Path, key: str, value: str) -> None:
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0]
    if found != value:
        raise RuimteError(f"is a database of {key} {found!r}, not {value!r}", str(path), "choose another --data")
