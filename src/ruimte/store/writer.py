"""The one writer: a thread that commits everything that is waiting in one transaction.

At one row a commit, a durable store is bound by the disk's fsync; by committing together all that wait, the same disk takes
tens of thousands of durable rows a second (group commit).
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from ruimte.errors import RuimteError, StorageError

T = TypeVar("T")
_Work = tuple[Callable[[sqlite3.Connection], Any], "Future[Any]"]

MOST_AT_ONCE = 1024
"""Most pieces of work in one transaction: bounds how long the first one waits."""


class Writer:
    """Runs pieces of work, in order, in shared transactions on one connection.

    A piece that fails is rolled back by itself (a savepoint) and does not harm its neighbours; when the commit fails,
    every piece in it gets the error. A future is only done when its transaction is on the disk; one that is cancelled before its
    piece is begun leaves it out.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="ruimte-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Hand in a piece of work; its future is done once it is durable."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuimteError("the store is closed", mend="open it again")
            self._queue.put((work, future))
        return future

    def close(self) -> None:
        """Finish what was handed in, then stop."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            group, stop = [first], False
            while len(group) < MOST_AT_ONCE:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    stop = True
                    break
                group.append(more)
            self._commit(group)
            if stop:
                return

    def _commit(self, group: list[_Work]) -> None:
        connection = self._connection
        group = [(work, future) for work, future in group if future.set_running_or_notify_cancel()]
        done: list[tuple[Future[Any], Any]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for work, future in group:
                connection.execute("SAVEPOINT piece")
                try:
                    result = work(connection)
                except sqlite3.OperationalError:
                    # the disk or the file itself: nothing in this group can be trusted to commit
                    raise
                except Exception as error:
                    connection.execute("ROLLBACK TO piece")
                    connection.execute("RELEASE piece")
                    future.set_exception(error)
                else:
                    connection.execute("RELEASE piece")
                    done.append((future, result))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            mended = StorageError(
                f"nothing was written ({error})", "database", "check that the disk has room and the file can be written"
            )
            for _, future in group:
                if not future.done():
                    future.set_exception(mended)
        else:
            for future, result in done:
                future.set_result(result)
