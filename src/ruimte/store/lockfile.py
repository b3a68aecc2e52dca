"""One writer process a database: a lock that the system releases when the process ends, however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ruimte.errors import RuimteError


class LockFile:
    """Holds ``path`` for this process; raises ``RuimteError`` where another holds it, or where it cannot be made."""

    def __init__(self, path: Path) -> None:
        self._file: int | None = None
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise RuimteError(str(error.strerror), str(path), "choose a folder that can be written") from None
        try:
            _lock(file)
        except OSError:
            holder = os.read(file, 32).decode(errors="replace").strip() or "unknown"
            os.close(file)
            raise RuimteError(
                f"another process writes this database (process {holder})", str(path), "stop that one first"
            ) from None
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        self._file = file

    def release(self) -> None:
        """Let go; the file stays, for removing it would race with the next holder."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        os.lseek(file, 1 << 30, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
