"""Small files of their own beside the lab's database, so that a command can change them while the node runs.

Both open the file; SQLite's locks keep them apart.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from ruimte.errors import RuimteError, StorageError

_BUSY_S = 5.0


def open_beside(path: Path, schema: str, version: int, holds: str) -> sqlite3.Connection:
    """The file, made where it is missing, readable by its owner only; its write-ahead log has the same rights.

    ``holds`` says in errors what is kept in it. Raises ``RuimteError`` where it cannot be used, or is of a newer ``version``.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Only where it is missing: a process that closes any handle of a file gives up all its locks on it (POSIX), also those of
        # a connection that it has open; another process would then take the write-ahead log for left over, and delete it.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise RuimteError(str(error.strerror), str(path), "choose a folder that can be written") from None
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    except sqlite3.DatabaseError as error:
        raise unusable(path, error, holds) from None
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("BEGIN IMMEDIATE")
        found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if found > version:
            raise RuimteError(f"made by a newer Ruimte (version {found}, this one knows {version})", str(path), "upgrade Ruimte")
        if found == 0:
            for statement in f"{schema};\nPRAGMA user_version = {version}".split(";\n"):
                connection.execute(statement)
        connection.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise unusable(path, error, holds) from None
    except RuimteError:
        connection.close()
        raise
    return connection


def unusable(path: Path, error: sqlite3.DatabaseError, holds: str) -> StorageError:
    """The error of a file that is none of ours, or that cannot be written."""
    return StorageError(f"cannot be used for {holds} ({error})", str(path), "check the file and its folder")
