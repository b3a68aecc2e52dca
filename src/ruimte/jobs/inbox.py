"""The way in for devices: authorise, judge, store, and answer row by row; nothing is acknowledged before it is durable."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import numpy as np

from ruimte.clock import HOUR_US, Clock, SystemClock
from ruimte.errors import RuimteError
from ruimte.intake.arrivals import KEPT, Arrivals, Gate
from ruimte.intake.devices import FORMATS
from ruimte.intake.devices.channels import Channels, IntervalOf
from ruimte.intake.identifiers import Key, read_text
from ruimte.intake.message import Message
from ruimte.intake.personal import check_declared, find_identifier
from ruimte.intake.rate import Buckets
from ruimte.intake.register import Register
from ruimte.jobs.sources import Source, SourceView, view
from ruimte.keys.signature import verify
from ruimte.lab.field_reports import KIND as FIELD_REPORT
from ruimte.lab.ground import TRACKS
from ruimte.lab.lab import Lab
from ruimte.model.observation import Flag
from ruimte.sta.errors import StaError
from ruimte.sta.times import parse_instant, parse_time
from ruimte.store import observations, records, results
from ruimte.store.records import LogEntry
from ruimte.store.sequences import accept_sequence, require_new
from ruimte.store.sqlite import Store

ANONYMOUS = "anonymous"
"""Who sends without a credential, where the lab allows it."""

T = TypeVar("T")

LARGEST = 4 * 1024 * 1024
"""Bytes of one message, which is read as a whole: a larger one would hold up all others, and fill the memory."""
AS_ONE = 64 * 1024
"""Bytes that count as one message of ``per_minute``; what is larger counts as several."""

Taken = int | StaError
"""What became of a row: the id of its observation, or why it was refused."""

Row = tuple[int, int, int, float, int]
"""Datastream, start and end (µs), result, flags."""
_More = tuple[int | None, str | None]


@dataclass(frozen=True, slots=True)
class Sent:
    """One observation as a device sent it: texts are not read yet. Without ``phenomenon_time`` it is of now."""

    stream: int
    result: Any
    phenomenon_time: Any = None
    result_time: Any = None
    parameters: Any = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A message whose sender is known: its payload and, where it was signed, its sequence number and the key's thumbprint."""

    payload: bytes
    sequence: int | None = None
    key_id: str = ""


@dataclass(slots=True)
class _Message:
    """The readable rows of one message, waiting for the next batch."""

    device: str
    rows: list[Row]
    more: list[_More]
    done: asyncio.Future[list[Taken]]
    opened: Opened


@dataclass(slots=True)
class _Readings:
    rows: list[Row] = field(default_factory=list)
    more: list[_More] = field(default_factory=list)
    place: list[int] = field(default_factory=list)
    taken: list[Taken | None] = field(default_factory=list)


class Inbox:
    """Takes observations for one lab. All methods run in the event loop; messages that wait together are stored together."""

    def __init__(self, lab: Lab, store: Store, clock: Clock | None = None) -> None:
        self.lab = lab
        self.sources: dict[str, Source] = {}
        self._store = store
        self._clock = clock or SystemClock()
        self._rules = lab.file.intake
        ids = store.stream_ids()
        self._register = Register.of(lab, ids)
        self._gate = Gate(self._register, self._rules)
        self._rates = Buckets({key: device.per_minute for key, device in lab.devices.items()})
        self._channels = Channels()
        self._signed = {sensor for device in lab.devices.values() if device.signing_key for sensor in device.sensors}
        self._waiting: list[_Message] = []
        self._listeners: list[Callable[[list[int]], None]] = []
        self._known_us = 0
        self._of_tracks = {key for key, sensor in lab.sensors.items() if sensor.kind == TRACKS}
        self.on_tracks: Callable[[str, Message], None] = lambda device, message: None
        """Takes the frames of tracks of a device's message; none of them is kept here."""

    def listen(self, callback: Callable[[list[int]], None]) -> None:
        """Call back in the event loop with the ids of observations that have become durable."""
        self._listeners.append(callback)

    # --- what arrives -----------------------------------------------------------------------------------------------

    async def take(self, device: str | None, body: bytes, read: Callable[[bytes], Sequence[Sent | StaError]]) -> list[Taken]:
        """Store the observations that ``read`` finds in the payload of a message; for each row its id, or why it is refused.

        ``device`` None is a sender without credential. Raises what ``read`` raises, and ``StaError``: 400 for what holds an
        identifier, 401 or 403 for a sender that may not, 409 for a signed message that was sent before, 413 for too much at once,
        429 for a sender that sends too much.
        """
        source = self._admit(device, body)
        opened = self._open(source, device, body)
        try:
            sent = read(opened.payload)
        except RuimteError:
            source.refused += 1
            source.refusal = "cannot be read as an Observation"  # the error itself may show what was sent
            raise
        readings = _Readings(taken=[None] * len(sent))
        now_us = self._clock.now_us()
        for index, one in enumerate(sent):
            try:
                if isinstance(one, StaError):
                    raise one
                self._may_speak_for(device, one.stream)
                row, more = self._read(one, now_us)
            except StaError as error:
                readings.taken[index] = self._refused(source, error)
            else:
                readings.rows.append(row)
                readings.more.append(more)
                readings.place.append(index)
        return await self._enter(source, readings, opened)

    async def deliver(self, device: str, body: bytes) -> list[Taken]:
        """Store what a device of a vendor's format sent: see ``take``. Raises ``StaError`` (400) for an unreadable payload."""
        source = self._admit(device, body)
        entry = self.lab.devices[device]
        if entry.format not in FORMATS:
            raise StaError(f"sends by {entry.format}, not by a payload of its own", f"device {device}", "use /sta/v1.1", 400)
        opened = self._open(source, device, body)
        now_us = self._clock.now_us()
        try:
            message = FORMATS[entry.format].read(opened.payload, self.lab.zone, now_us)
        except RuimteError as error:
            raise self._refused(source, error) from None
        if message.frames or message.image_frames:
            self.on_tracks(device, message)
        readings = _Readings()
        mine = set(entry.sensors) - self._of_tracks
        settled = self._channels.settle(device, message, self._interval_of(mine), now_us + self._gate.skew_most_us)
        for reading in settled:
            stream = self._register.find(reading.source, reading.measure, reading.start_us, reading.end_us, mine)
            if stream is None:
                if self._register.leaves_out(reading.source, reading.measure, mine):
                    source.unasked += 1  # devices tell more than a lab asks for
                else:
                    readings.taken.append(self._refused(source, _unknown(reading.source, reading.measure, device)))
                continue
            readings.place.append(len(readings.taken))
            readings.taken.append(None)
            readings.rows.append((stream, reading.start_us, reading.end_us, reading.value, int(reading.flags)))
            readings.more.append((None, None))
        try:
            return await self._enter(source, readings, opened)
        except StaError:
            raise
        except RuimteError:
            self._channels.give_back(device, settled)
            raise

    async def tell(self, device: str, rows: Sequence[Row]) -> None:
        """Store what the node itself makes of what a device sent, as observations of the device's sensors."""
        source = self.sources.setdefault(device, Source(device))
        readings = _Readings(list(rows), [(None, None)] * len(rows), list(range(len(rows))), [None] * len(rows))
        await self._enter(source, readings, Opened(b""))

    def views(self) -> list[SourceView]:
        """Every registered device, and whoever else sent: those that send what they must not first, then those refused most."""
        names = {key: device.name for key, device in self.lab.devices.items()}
        found = [self.sources.get(key) or Source(key) for key in names]
        found += [source for key, source in self.sources.items() if key not in names]
        found.sort(key=lambda source: (source.personal is None, -source.refused, source.device))
        return [view(source, names.get(source.device, source.device)) for source in found]

    def require_sender(self, device: str | None) -> None:
        """Raise ``StaError`` (401) where nobody without a credential may send."""
        if device is None and not self._rules.anonymous_writes:
            raise StaError("a device needs its credential", "Authorization", "send its token: Authorization: Bearer …", 401)

    # --- one message ------------------------------------------------------------------------------------------------

    def _admit(self, device: str | None, body: bytes) -> Source:
        self.require_sender(device)
        key = device or ANONYMOUS
        if device is not None and device not in self.lab.devices:
            raise StaError("is not in the register", f"device {device}", "add it to sensors.toml", 403)
        source = self.sources.setdefault(key, Source(key))
        now_us = self._clock.now_us()
        if not self._rates.spend(key, now_us, max(1.0, len(body) / AS_ONE)):
            raise self._refused(
                source, StaError("sends too much", f"device {key}", "send less often, or more in one message", 429)
            )
        if len(body) > LARGEST:
            raise self._refused(source, StaError(f"is larger than {LARGEST} bytes", "message", "send it in parts", 413))
        source.messages += 1
        source.last_us = now_us
        return source

    def _open(self, source: Source, device: str | None, body: bytes) -> Opened:
        """The payload of a message that holds nothing personal, and is signed where the register asks this device for that.

        Raises ``StaError``: 403 where it is not signed, or not by this device, 409 where it was sent before, 400 for what holds
        an identifier.
        """
        entry = self.lab.devices.get(device) if device is not None else None
        opened = Opened(body)
        if entry is not None and entry.signing_key is not None:
            try:
                opened = Opened(*verify(body.strip(), entry.signing_key))
            except RuimteError as error:
                raise self._refused(source, StaError(error.what, error.where, error.mend, 403)) from None
            try:  # before anything is learned from it; the writer looks again
                self._store.read(lambda connection: _once(require_new, connection, opened))
            except StaError as error:
                raise self._refused(source, error) from None
        self._hold_personal(source, opened.payload)
        return opened

    def _may_speak_for(self, device: str | None, stream: int) -> None:
        place = self._register.streams.get(stream)
        if place is None:
            raise StaError("the register knows no such datastream", f"Datastream {stream}", "see /sta/v1.1/Datastreams", 400)
        sensor = self._register.keys[place[0]]
        if self.lab.sensors[sensor].kind == FIELD_REPORT:
            raise StaError(
                "is told by people, in the control room", f"Datastream {stream}", "send what the device's own sensors tell", 403
            )
        if sensor in self._of_tracks:
            raise StaError("is made of tracks, by the node itself", f"Datastream {stream}", "send the tracks", 403)
        if device is None:
            if sensor in self._signed:
                raise StaError("is told of by signed messages only", f"Datastream {stream}", "send it by its device", 403)
        elif sensor not in self.lab.devices[device].sensors:
            raise StaError("is not a datastream of this device", f"Datastream {stream}", "add its sensor to the device", 403)

    def _interval_of(self, sensors: set[str]) -> IntervalOf:
        """The registered interval of what these sensors count."""

        def interval_us(source: str, measure: str, time_us: int) -> int | None:
            stream = self._register.find(source, measure, time_us, time_us, sensors)
            return None if stream is None else int(self._register.interval_us[self._register.streams[stream][0]])

        return interval_us

    def _read(self, sent: Sent, now_us: int) -> tuple[Row, _More]:
        result = sent.result
        if isinstance(result, bool) or not isinstance(result, int | float):
            raise StaError("result is not a number", "result", "send a number")
        flags = Flag.NONE
        if sent.phenomenon_time is None:
            start_us = end_us = now_us
        else:
            start_us, end_us = _time(parse_time, sent.phenomenon_time, "phenomenonTime")
        if start_us == end_us:
            start_us = self._gate.implied_start_us(sent.stream, end_us)
            flags = Flag.REPAIRED if start_us != end_us else flags
        result_us = None if sent.result_time is None else _time(parse_instant, sent.result_time, "resultTime")
        extra = None
        if sent.parameters:
            check_declared(sent.parameters, self._rules.keys)
            extra = msgspec.json.encode({"parameters": sent.parameters}).decode()
        try:
            return (sent.stream, start_us, end_us, float(result), int(flags)), (result_us, extra)
        except OverflowError:
            raise StaError("result is too large", "result", "send a number") from None

    def _hold_personal(self, source: Source, payload: bytes) -> None:
        """Refuse what looks like a visitor's identifier; what it is is told and kept, its value is not."""
        found = find_identifier(payload)
        if found is None:
            return
        kind, path = found
        now_us = self._clock.now_us()
        if now_us - source.told_us.get(kind, now_us - 2 * HOUR_US) > HOUR_US:
            source.told_us[kind] = now_us
            entry = LogEntry(
                lab_us=now_us,
                wall_us=now_us,
                kind="sends-personal",
                who="system",
                body={"device": source.device, "identifier": kind},
            )
            self._store.write(lambda connection: records.append_log(connection, entry))
        source.personal = kind
        source.refused += 1
        source.refusal = f"holds what looks like {kind}"
        raise StaError(source.refusal, path, "let the device send counts only; nothing of it was kept")

    def _refused(self, source: Source, error: RuimteError) -> StaError:
        source.refused += 1
        source.refusal = error.what
        return error if isinstance(error, StaError) else StaError(error.what, error.where, error.mend)

    # --- many together ----------------------------------------------------------------------------------------------

    async def _enter(self, source: Source, readings: _Readings, opened: Opened) -> list[Taken]:
        if readings.rows or opened.sequence is not None:  # a signed message is taken once, also one that holds nothing
            loop = asyncio.get_running_loop()
            message = _Message(source.device, readings.rows, readings.more, loop.create_future(), opened)
            if not self._waiting:
                loop.call_soon(self._store_waiting)
            self._waiting.append(message)
            for index, taken in zip(readings.place, await message.done, strict=True):
                readings.taken[index] = taken
        return [taken for taken in readings.taken if taken is not None]

    def _store_waiting(self) -> None:
        """Judge all that waits at once, and hand it to the writer; a message with a sequence number is a piece of its own."""
        waiting, self._waiting = self._waiting, []
        alone = [message for message in waiting if message.opened.sequence is not None]
        together = [message for message in waiting if message.opened.sequence is None]
        for group in ([together] if together else []) + [[message] for message in alone]:
            try:
                self._store_group(group)
            except Exception as error:  # whatever it is, nobody may wait for ever
                for message in group:
                    if not message.done.done():
                        message.done.set_exception(error)

    def _store_group(self, group: list[_Message]) -> None:
        rows = [row for message in group for row in message.rows]
        more = [each for message in group for each in message.more]
        verdict = self._gate.judge(Arrivals.of(rows), self._clock.now_us())
        kept, flags = np.flatnonzero(verdict.refusal == KEPT).tolist(), verdict.flags.tolist()
        opened = group[0].opened

        def work(connection: sqlite3.Connection) -> list[int]:
            if opened.sequence is not None:
                _once(accept_sequence, connection, opened)
            # stamped here, and after all that the estimate has looked at, also when the clock was set back: none is missed
            self._known_us = max(self._known_us, results.known_until(connection))
            received_us = max(self._known_us + 1, self._clock.now_us())
            ready = [(*rows[i][:3], received_us, rows[i][3], flags[i], *more[i]) for i in kept]
            return observations.append_rows(connection, ready)[1]

        taken: list[Taken] = [
            0 if number == KEPT else StaError(*_told(verdict.reasons[number])) for number in verdict.refusal.tolist()
        ]
        loop = asyncio.get_running_loop()
        written = asyncio.wrap_future(self._store.write(work), loop=loop)
        written.add_done_callback(lambda done: self._answer(group, taken, kept, flags, done))

    def _answer(
        self, group: list[_Message], taken: list[Taken], kept: list[int], flags: list[int], done: asyncio.Future[list[int]]
    ) -> None:
        error = done.exception()
        if error is not None:
            for message in group:
                if not message.done.done():
                    message.done.set_exception(error)
            return
        for index, id_ in zip(kept, done.result(), strict=True):
            taken[index] = id_
        begin = 0
        for message in group:
            part = taken[begin : begin + len(message.rows)]
            source = self.sources[message.device]
            refusals = [each for each in part if isinstance(each, StaError)]
            source.kept += len(part) - len(refusals)
            end = begin + len(part)
            source.doubtful += sum(flags[i] & Flag.DOUBTFUL != 0 for i in range(begin, end) if not isinstance(taken[i], StaError))
            for refusal in refusals:
                self._refused(source, refusal)
            if not message.done.done():
                message.done.set_result(part)
            begin = end
        for callback in self._listeners:
            callback(done.result())


def _time(parse: Callable[[Any, str], T], value: Any, where: str) -> T:
    """A time that a device sent; what it sent is not told again, for the reason of a refusal is shown to others."""
    try:
        return parse(value, where)
    except StaError as error:
        raise StaError("is no time, or ends before it starts", error.where, error.mend) from None


def _unknown(name: str, measure: str, device: str) -> StaError:
    shown = repr(name[:60]) if read_text(name, Key()) is None else "what it calls by an address"
    mend = "add the sensor with this source_id, and name it in the device's sensors"
    return StaError(f"no registered sensor of this device measures {measure} at {shown} then", f"device {device}", mend, 403)


def _once(check: Callable[[sqlite3.Connection, str, int], None], connection: sqlite3.Connection, opened: Opened) -> None:
    try:
        check(connection, opened.key_id, opened.sequence or 0)
    except RuimteError as error:
        raise StaError(error.what, error.where, error.mend, 409) from None


def _told(reason: tuple[str, str]) -> tuple[str, str, str]:
    what, mend = reason
    return what, "Observation", mend or "correct what the device sends"
