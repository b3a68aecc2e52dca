"""A file's content, unpacked and within limits: what a few kilobytes of gzip unpack to may not fit in memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ruimte.errors import RuimteError

MOST_BYTES = 1_000_000_000
"""A file may hold at most so much, unpacked."""
MOST_ROWS = 50_000_000
"""At most so many positions."""

MOST_WHOLE = 2**53
"""Numbers of persons and frames are at most so large: larger ones do not survive being written as decimals."""

_GZIP_MAGIC = b"\x1f\x8b"


def read_content(path: Path) -> bytes:
    """All bytes of a file, plain or gzipped. Raises ``RuimteError`` where it cannot be read, is empty or too large."""
    where = str(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise RuimteError("file not found", where, "check the path") from None
    except IsADirectoryError:
        raise RuimteError("this is a folder, not a file", where, "name a file in it") from None
    except (OSError, ValueError) as error:
        raise RuimteError(f"cannot be read ({error})", where, "check its path and permissions") from None
    if len(content) <= MOST_BYTES and content.startswith(_GZIP_MAGIC):
        content = _unpacked(path)
    elif path.suffix.lower() == ".gz" and content:
        raise RuimteError("is not gzip", where, "fetch it again, or leave .gz out of its name if it was never compressed")
    if len(content) > MOST_BYTES:
        raise RuimteError(f"holds more than {MOST_BYTES / 1e6:,.0f} MB", where, "split it by time")
    if not content.strip():
        raise RuimteError("the file is empty", where, "fetch it again from its publisher")
    return content


def require_rows(rows: int, where: str) -> None:
    """Raise ``RuimteError`` where there are none, or more than fit in memory."""
    if rows == 0:
        raise RuimteError("holds no positions", where, "fetch it again, or choose another file")
    if rows > MOST_ROWS:
        raise RuimteError(f"holds {rows:,} positions, more than {MOST_ROWS:,}", where, "split it by time")


@contextmanager
def damage_told(where: str) -> Iterator[None]:
    """Turn whatever a library raises of a file's insides into a ``RuimteError``: what a damaged file does is not documented."""
    try:
        yield
    except RuimteError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0][:200] or type(error).__name__
        raise RuimteError(f"the file is cut off or damaged ({reason})", where, "fetch it again, or choose another file") from None


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise RuimteError(f"the gzip file is cut off or damaged ({error})", str(path), "fetch it again") from None
