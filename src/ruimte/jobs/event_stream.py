"""Server-sent events as a program reads them (WHATWG HTML, section 9.2), within bounds."""

from __future__ import annotations

from typing import NamedTuple

from ruimte.errors import RuimteError

MOST_BYTES = 4 * 1024 * 1024
"""Of one event, with its line breaks."""


class EventError(RuimteError):
    """What came is no stream of events, or none that is bounded."""


class ServerEvent(NamedTuple):
    """``id``: that of the event, or the last one before it; ``event``: its kind, "message" where it names none."""

    id: str
    event: str
    data: str


class EventStream:
    """Takes bytes as they come, gives events as they are whole."""

    def __init__(self, last_event_id: str = "") -> None:
        self._rest = bytearray()
        self._after_cr = False
        self._is_first = True
        self._id, self._event = last_event_id, ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, octets: bytes) -> list[ServerEvent]:
        """The events that these bytes made whole. Raises ``EventError`` for one that is too large, or is no UTF-8."""
        events = []
        for line in self._lines(octets):
            if (event := self._take(line)) is not None:
                events.append(event)
        return events

    def _lines(self, octets: bytes) -> list[str]:
        if self._after_cr and octets[:1] == b"\n":
            octets = octets[1:]
        if octets:
            self._after_cr = octets[-1:] == b"\r"
        self._rest += octets
        if b"\n" not in octets and b"\r" not in octets:
            self._require_small()
            return []
        whole = bytes(self._rest).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = whole.split(b"\n")
        self._rest = bytearray(rest)
        self._require_small()
        try:
            return [line.decode() for line in lines]
        except UnicodeDecodeError:
            raise EventError("is no UTF-8", "stream", "see what the other node sends") from None

    def _require_small(self) -> None:
        if len(self._rest) + self._size > MOST_BYTES:
            raise EventError(f"an event is larger than {MOST_BYTES} bytes", "stream", "see what the other node sends")

    def _take(self, line: str) -> ServerEvent | None:
        if self._is_first:
            self._is_first, line = False, line.removeprefix("\ufeff")
        if not line:
            event, data = self._event or "message", "\n".join(self._data)
            is_one, self._event, self._data, self._size = bool(self._data), "", [], 0
            return ServerEvent(self._id, event, data) if is_one else None
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
            self._size += len(value) + 1
            self._require_small()
        elif field == "event":
            self._event = value
        elif field == "id" and "\x00" not in value:
            self._id = value
        return None
