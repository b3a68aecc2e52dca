"""The processing log: of each release one line, in the fields of the Dutch standard *Logboek Dataverwerkingen* (Logius).

It tells which processing took place when, under which activity of a register, and who asked. It has no field for a data
subject: what is released singles out nobody. Lines are OpenTelemetry spans: they go to a file beside the database and, where
``OTEL_EXPORTER_OTLP_ENDPOINT`` names one, to a collector too. Whoever cannot write the line does not release: no log, no data.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import quote

from ruimte.clock import DAY_US, from_us
from ruimte.errors import RuimteError

if TYPE_CHECKING:
    from opentelemetry.trace import Span

ACTIVITY = "dpl.core.processing_activity_id"
"""The attribute that names the processing activity, by a URI."""
KEPT_US = 3 * 365 * DAY_US
"""How long lines are kept, unless told otherwise."""

_NOBODY = "data_subject"
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?", re.ASCII)


class Foreign(NamedTuple):
    """The operation of another organisation that this one answers (W3C Trace Context), in hex; ``entity``: its URI."""

    trace_id: str
    span_id: str
    entity: str


class Processing:
    """One processing that is under way."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.failed = False

    def note(self, name: str, value: str | int) -> None:
        """Add an attribute in the namespace ``dpl.``. Raises ``ValueError`` for another, and for any about a data subject."""
        if not name.startswith("dpl.") or _NOBODY in name:
            raise ValueError(f"{name} has no place in the processing log")
        self._span.set_attribute(name, value)

    def fail(self) -> None:
        """Say that the node could not do it; a request that is refused has not failed."""
        self.failed = True

    @property
    def traceparent(self) -> str:
        """What a request that this one makes has to carry (W3C Trace Context)."""
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"


class ProcessingLog:
    """The log of a lab's node in ``LAB.processing.jsonl``; a day that is over gets its date in the name. Thread-safe.

    Raises ``RuimteError`` where the extra ``otel`` is missing.
    """

    def __init__(self, path: Path, now_us: Callable[[], int], kept_us: int = KEPT_US) -> None:
        try:
            from ruimte.jobs.processing_spans import Spans
        except ImportError:
            raise RuimteError("the processing log needs the extra otel", "share", "pip install 'ruimte[otel]'") from None
        self._now_us = now_us
        self._file = DayFile(path, now_us, kept_us)
        self._spans = Spans(self._file.write)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Send what waits for a collector, and let go of the file."""
        self._spans.close()
        self._file.close()

    @contextmanager
    def processing(self, name: str, activity_id: str, traceparent: str | None = None, entity: str = "") -> Iterator[Processing]:
        """Log what happens inside: ``name`` says what, ``activity_id`` (a URI) under which activity.

        ``traceparent`` is the header of the request that asked, ``entity`` (a URI) who asked. The line is written when it ends;
        raises ``RuimteError`` where it cannot be, so let nothing leave before. An error that a ``RuimteError`` tells is the
        asker's; any other, and what ``fail`` says, is noted as the node's.
        """
        span = self._spans.start(name, {ACTIVITY: activity_id}, foreign(traceparent, entity), self._now_us() * 1000)
        under_way = Processing(span)
        try:
            yield under_way
        except BaseException as error:
            with suppress(RuimteError):  # nothing leaves anyway, and this error tells more
                self._spans.end(span, under_way.failed or not isinstance(error, RuimteError), self._now_us() * 1000)
            raise
        self._spans.end(span, under_way.failed, self._now_us() * 1000)


def processing_path(data: Path, lab_key: str) -> Path:
    """Where the processing log of a lab's node lies."""
    return data / f"{lab_key}.processing.jsonl"


def activity_uri(agreement: str, purpose: str, base_url: str = "") -> str:
    """The processing activity of an agreement (its hash): its address at this node where it has one, else a name.

    >>> activity_uri("Zm9v", "event-safety")
    'urn:ruimte:agreement:Zm9v:event-safety'
    """
    if base_url:
        return f"{base_url.rstrip('/')}/share/v1/agreements/{quote(agreement)}#{quote(purpose)}"
    return f"urn:ruimte:agreement:{quote(agreement)}:{quote(purpose)}"


def foreign(traceparent: str | None, entity: str = "") -> Foreign | None:
    """The operation that a ``traceparent`` header names; None where it names none that the standard allows.

    >>> foreign("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "urn:x").span_id
    '00f067aa0ba902b7'
    """
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None or (found[1] == "00" and found[4]) or not int(found[2], 16) or not int(found[3], 16):
        return None
    return Foreign(found[2], found[3], entity)


class DayFile:
    """A file to which lines are added; when a day (UTC) is over it gets that day's name, and what is too old goes."""

    def __init__(self, path: Path, now_us: Callable[[], int], kept_us: int) -> None:
        self._path, self._now_us, self._kept_us = path, now_us, kept_us
        self._lock = threading.Lock()
        self._day: date | None = None
        self._file: int | None = None

    def write(self, line: bytes) -> None:
        """Add a line, whole or not at all; it is in the system's hands then. Raises ``RuimteError`` where it cannot be."""
        with self._lock:
            try:
                self._turn()
                self._add(line + b"\n")
            except OSError as error:
                mend = "make room, or let the node's user write there"
                raise RuimteError(f"the processing log cannot be written ({error.strerror})", str(self._path), mend) from None

    def _add(self, line: bytes) -> None:
        file = self._opened()
        before = os.fstat(file).st_size
        if (written := os.write(file, line)) < len(line):
            os.ftruncate(file, before)
            raise OSError(28, f"only {written} of {len(line)} bytes fit")

    def _opened(self) -> int:
        """The file, which stays open as long as it is the one at its path."""
        if self._file is not None:
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(self._file), self._path.stat()):
                    return self._file
            self.close()
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return self._file

    def close(self) -> None:
        """Let go of the file; a line that comes later opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _turn(self) -> None:
        """Put away what is of a day before, once a day."""
        today = from_us(self._now_us()).date()
        if today == self._day:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            last = from_us(int(self._path.stat().st_mtime * 1_000_000)).date() if self._day is None else self._day
            if last < today:
                self._put_away(last)
        self._day = today
        oldest = from_us(self._now_us() - self._kept_us).date()
        for path, day in self._days():
            if day < oldest:
                path.unlink(missing_ok=True)

    def _put_away(self, day: date) -> None:
        target = self._path.with_suffix(f".{day}.jsonl")
        if not target.exists():
            self._path.rename(target)
            return
        with target.open("ab") as file:  # the clock was set back and came there again
            file.write(self._path.read_bytes())
        self._path.unlink()

    def _days(self) -> Iterator[tuple[Path, date]]:
        stem = self._path.with_suffix("").name
        for path in self._path.parent.glob(f"{stem}.*.jsonl"):
            with suppress(ValueError):
                yield path, date.fromisoformat(path.name.removeprefix(f"{stem}.").removesuffix(".jsonl"))
