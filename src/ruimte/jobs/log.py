"""The transparency log of a node: what is shared, decided and agreed goes in, and can never be rewritten unseen.

No log, no data: who releases something waits until its entry is on the disk. Entries that wait together are written together,
under one checkpoint.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import shutil
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec
import rfc8785

from ruimte.clock import SECOND_US
from ruimte.errors import RuimteError, StorageError
from ruimte.ledger import tree
from ruimte.ledger.checkpoint import Checkpoint, cosigned, parse, sign_checkpoint
from ruimte.ledger.entry import SALT_BYTES, Entry, EntryKind
from ruimte.ledger.note import COSIGNATURE, Line, NoteKey, note_key, private_key, read_lines, read_note
from ruimte.ledger.proof import Consistency, Extra, Inclusion
from ruimte.ledger.witness import Seen, Unwitnessed, Witnessed, witness
from ruimte.store import ledger
from ruimte.store.beside import unusable
from ruimte.store.writer import Writer

Keys = tuple[str, str]
"""(private, public), base64url of Ed25519."""
_HANDED_OUT = 64
"""Of so many checkpoints it is remembered that they were handed out, for witnesses that send back no more than their line."""
_AHEAD_S = 300
"""A witness's clock may be so far ahead of ours."""
MEGABYTE = 1024 * 1024
MOST_ENTRIES = 10_000
"""In one answer."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was written: entry ``index``, ``at`` in seconds since 1970, the ``salt`` (base64url) and the ``commitment`` (hex)."""

    index: int
    at: int
    salt: str
    commitment: str


class _Waiting(NamedTuple):
    """Entries that want to be written together; the future tells all their receipts."""

    kinds: list[EntryKind]
    salts: list[bytes]
    payloads: list[bytes]
    future: Future[list[Receipt]]


def log_origin(party: str, lab_key: str) -> str:
    """What the log of a party's lab is called: its id, a slash, and the lab's key. Who trusts the party finds its log by that."""
    return f"{party}/{lab_key}"


def log_path(data: Path, lab_key: str) -> Path:
    """Where the log of a lab's node lies."""
    return data / f"{lab_key}.log.db"


class Log:
    """A log in a file, which is checked when it is opened. ``origin`` names it; ``now_us`` is the wall's clock.

    Thread-safe; a context manager. Raises ``RuimteError`` where the file cannot be used, or does not fit its last checkpoint.
    """

    def __init__(
        self,
        path: Path,
        origin: str,
        keys: Keys,
        now_us: Callable[[], int],
        earlier: Sequence[str] = (),
        spare_bytes: int = 0,
    ) -> None:
        """``earlier``: public keys (base64url) that this log was signed with before. ``spare_bytes`` of the disk are left to
        others: nothing is written into what is left of it then."""
        self.origin = origin
        self.key: NoteKey = note_key(origin, keys[1])
        self._private = keys[0]
        self._now_us = now_us
        self._path = path
        self._spare_bytes = spare_bytes
        if private_key(keys[0]).public_key().public_bytes_raw() != self.key.public:
            raise RuimteError("the private and the public key are no pair", str(path), "give the node's own keys")
        signers = [self.key, *(note_key(origin, public) for public in earlier)]
        writing = ledger.open_ledger(path)
        try:
            ledger.check(writing, signers, str(path))
            self._reading = ledger.open_ledger(path)
            self._file = _identity(path)
            if ledger.last_checkpoint(writing) is None:
                ledger.put_checkpoint(writing, 0, self._signed(Checkpoint(origin, 0, tree.EMPTY_ROOT)))
        except (RuimteError, sqlite3.DatabaseError) as error:
            writing.close()
            raise error if isinstance(error, RuimteError) else unusable(path, error, ledger.HOLDS) from None
        self._writer = Writer(writing)
        self._lock = threading.Lock()  # of the reading connection
        self._waiting: list[_Waiting] = []
        self._waiting_lock = threading.Lock()
        self._handed_out: OrderedDict[int, None] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what waits, then stop."""
        self._writer.close()
        with self._lock:
            self._reading.close()

    # --- writing ---

    def append(self, kind: EntryKind, payload: dict[str, Any]) -> Future[Receipt]:
        """Commit to a payload; the future is done when the entry is on the disk, and raises ``RuimteError`` where not."""
        future: Future[Receipt] = Future()
        future.set_running_or_notify_cancel()  # what is on its way to the disk is not called back

        def tell(done: Future[list[Receipt]]) -> None:
            error = done.exception()
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(done.result()[0])

        self.append_many([(kind, payload)]).add_done_callback(tell)
        return future

    def append_many(self, entries: Sequence[tuple[EntryKind, dict[str, Any]]]) -> Future[list[Receipt]]:
        """Commit to several payloads, in this order and all or none."""
        future: Future[list[Receipt]] = Future()
        future.set_running_or_notify_cancel()
        try:
            payloads = [rfc8785.dumps(payload) for _, payload in entries]
        except rfc8785.CanonicalizationError as error:
            future.set_exception(RuimteError(f"the payload is not JSON ({error})", "transparency log", "log only plain values"))
            return future
        salts = [secrets.token_bytes(SALT_BYTES) for _ in entries]
        waiting = _Waiting([kind for kind, _ in entries], salts, payloads, future)
        with self._waiting_lock:
            self._waiting.append(waiting)
            alone = len(self._waiting) == 1
        if alone:  # else the piece of work that takes the one before takes this one, too
            self._submit()
        return future

    def note_facts(self, facts: Mapping[str, tuple[EntryKind, dict[str, Any]]]) -> int:
        """Log those things that have changed since they were last logged, by their keys; how many. Durable when it returns.

        A node that dies in between logs some of them again, never none. Raises ``RuimteError`` where it cannot be written.
        """
        with self._lock:
            known = ledger.facts(self._reading)
        written = {key: rfc8785.dumps(payload) for key, (_, payload) in facts.items()}
        new = {key: payload for key, payload in written.items() if known.get(key) != payload}
        if new:
            self.append_many([facts[key] for key in new]).result()
            self._writer.submit(partial(ledger.put_facts, payloads=new)).result()
        return len(new)

    def facts(self) -> dict[str, dict[str, Any]]:
        """What was logged last of each thing that changes, by its key."""
        with self._lock:
            known = ledger.facts(self._reading)
        return {key: msgspec.json.decode(payload) for key, payload in known.items()}

    def cosign(self, text: str, witnesses: Sequence[tuple[str, str]]) -> list[str]:
        """Keep the cosignatures of known witnesses; returns their names.

        ``text`` is a checkpoint of this log with their lines under it, or the lines alone, under a checkpoint that was handed out
        lately. ``witnesses``: names and public keys (base64url). Raises ``RuimteError`` where none of it is a right cosignature
        of a known witness.
        """
        alone = text.startswith("— ")
        lines = read_lines(text) if alone else read_note(text).lines
        sizes = list(reversed(self._handed_out)) if alone else [self._own(parse(read_note(text)))]
        keys = [note_key(name, public, COSIGNATURE) for name, public in witnesses]
        for size in sizes:
            note = self._at(size)
            found = [right for line in lines if (right := self._cosignature(note, line, keys, size)) is not None]
            if found:
                self._writer.submit(partial(ledger.put_cosignatures, note=note, lines=found)).result()
                return sorted({each.name for each in found})
        raise RuimteError("no cosignature of a known witness", "checkpoint", "sign with the key of a party of an agreement")

    def witness(self, shown: str, key: NoteKey, proof: Sequence[bytes], name: str) -> Witnessed | Unwitnessed:
        """Look at another log's checkpoint (a signed note) and cosign it as ``name`` if it begins with what was cosigned before.

        What is cosigned is on the disk before the answer; ``seen`` tells up to where to ask for the consistency proof.
        """

        def work(connection: sqlite3.Connection) -> Witnessed | Unwitnessed:
            known = ledger.seen(connection, key.name)
            at = self._now_us() // SECOND_US
            found = witness(None if known is None else Seen(*known), shown, key, proof, name, self._private, at)
            if isinstance(found, Witnessed):
                ledger.put_seen(connection, found.checkpoint, shown, at)
            return found

        return self._writer.submit(work).result()

    def forget(self, before_s: int) -> int:
        """Delete salts and payloads of entries from before a time (seconds since 1970); how many. The entries stay."""
        gone = self._writer.submit(lambda connection: ledger.forget(connection, before_s)).result()
        if gone:
            with self._lock:  # what was deleted goes from the write-ahead log, too
                self._reading.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return gone

    # --- reading ---

    @property
    def size(self) -> int:
        """How many entries are on the disk."""
        with self._lock:
            return ledger.size(self._reading)

    @property
    def latest_s(self) -> int:
        """When the newest entry was made, seconds since 1970; 0 where there is none."""
        with self._lock:
            size = ledger.size(self._reading)
            return msgspec.json.decode(ledger.leaf(self._reading, size - 1), type=_At).at if size else 0

    def checkpoint(self) -> str:
        """The newest checkpoint: a signed note, with the cosignatures that it has so far."""
        with self._lock:
            size = ledger.size(self._reading)
            self._handed_out[size] = None
            self._handed_out.move_to_end(size)
            while len(self._handed_out) > _HANDED_OUT:
                self._handed_out.popitem(last=False)
        return self._note(size)

    def proof(self, index: int, *, disclose: bool = False) -> str:
        """That entry ``index`` is in the log, for who cannot ask it: the text of a C2SP tlog-proof, with the entry in it.

        It is held against the newest checkpoint that a witness cosigned, or the newest of all where none holds the entry yet.
        ``disclose``: salt and payload go with it while they are kept; not for everybody. Raises ``RuimteError`` where there is no
        such entry.
        """
        with self._lock:
            leaf = ledger.leaf(self._reading, index)
            kept = ledger.payload(self._reading, index) if disclose else None
            size = ledger.cosigned_after(self._reading, index) or ledger.size(self._reading)
            hashes = tree.inclusion(ledger.StoredNodes(self._reading), index, size)
        extra = Extra(leaf=leaf.decode())
        if kept is not None:
            extra = Extra(leaf=leaf.decode(), salt=_base64url(kept[0]), payload=msgspec.json.decode(kept[1]))
        return str(Inclusion(index, tuple(hashes), self._note(size), extra))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The hashes that show that the log of ``new`` entries begins with that of ``old``. Raises ``RuimteError``."""
        with self._lock:
            there = ledger.size(self._reading)
            if not 0 <= old <= new <= there:
                mend = "ask for 0 ≤ old ≤ new ≤ size"
                raise RuimteError(f"has {there} entries, not {new} after {old}", "transparency log", mend)
            return tree.consistency(ledger.StoredNodes(self._reading), old, new)

    def consistency_file(self, old: int, new: int | None = None) -> str:
        """That the log of ``new`` entries (None: of now) begins with that of ``old``: the proof, and both checkpoints."""
        new = self.size if new is None else new
        hashes = self.consistency(old, new)
        return str(Consistency(tuple(hashes), self._note(old), self._note(new)))

    def entries(self, start: int, limit: int) -> list[bytes]:
        """At most ``limit`` (and 10,000) entries from ``start`` on, as they are in the tree."""
        with self._lock:
            return list(ledger.leaves(self._reading, max(start, 0), max(start, 0) + min(limit, MOST_ENTRIES)))

    def payload(self, index: int) -> tuple[str, dict[str, Any]] | None:
        """Salt (base64url) and payload of an entry; None where they are not kept."""
        with self._lock:
            kept = ledger.payload(self._reading, index)
        return None if kept is None else (_base64url(kept[0]), msgspec.json.decode(kept[1]))

    def witnesses(self) -> list[ledger.Cosignature]:
        """Of each witness the cosignature under the largest checkpoint."""
        with self._lock:
            return ledger.last_cosignatures(self._reading)

    def forgive(self, origin: str) -> None:
        """Witness another log from its beginning on again: somebody looked into how it came to contradict itself."""
        self._writer.submit(lambda connection: ledger.forget_seen(connection, origin)).result()

    def seen(self, origin: str) -> int:
        """How many entries of another log this node has witnessed."""
        with self._lock:
            known = ledger.seen(self._reading, origin)
        return 0 if known is None else known[0]

    # --- inside ---

    def _submit(self) -> None:
        """Let the writer take what waits then; tell its futures when that is on the disk, or why it is not."""
        taken: list[_Waiting] = []

        def work(connection: sqlite3.Connection) -> list[list[Receipt]]:
            taken.extend(self._take())
            return self._write(connection, taken)

        def tell(done: Future[list[list[Receipt]]]) -> None:
            error = done.exception()
            if error is not None:
                _fail(taken or self._take(), error)  # where the transaction could not even begin, all still wait
                return
            for each, receipts in zip(taken, done.result(), strict=True):
                each.future.set_result(receipts)

        try:
            self._writer.submit(work).add_done_callback(tell)
        except RuimteError as error:  # closed
            _fail(self._take(), error)

    def _take(self) -> list[_Waiting]:
        with self._waiting_lock:
            taken, self._waiting = self._waiting, []
        return taken

    def _write(self, connection: sqlite3.Connection, waiting: list[_Waiting]) -> list[list[Receipt]]:
        before = self._checked_size(connection)
        at = self._now_us() // SECOND_US
        if before:  # a clock that was set back does not set the log back
            at = max(at, msgspec.json.decode(ledger.leaf(connection, before - 1), type=_At).at)
        made: list[ledger.NewEntry] = []
        receipts: list[list[Receipt]] = []
        for each in waiting:
            receipts.append([])
            for kind, salt, payload in zip(each.kinds, each.salts, each.payloads, strict=True):
                commitment = hashlib.sha256(salt + payload).hexdigest()
                receipts[-1].append(Receipt(before + len(made), at, _base64url(salt), commitment))
                made.append(ledger.NewEntry(Entry(kind=kind, at=at, commitment=commitment).leaf(), at, salt, payload))
        ledger.append(connection, before, made)
        size = before + len(made)
        ledger.put_checkpoint(connection, size, self._signed(Checkpoint(self.origin, size, _root(connection, size))))
        return receipts

    def _checked_size(self, connection: sqlite3.Connection) -> int:
        """How many entries there are, once it is sure that they are those of the last checkpoint, in the file of this name.

        What was signed must never be contradicted; and what goes into a file that was moved away is as good as not logged.
        """
        if _identity(self._path) != self._file:
            raise StorageError(
                "the file was moved away under the running node", str(self._path), "put it back, then restart the node"
            )
        if self._spare_bytes and shutil.disk_usage(self._path.parent).free < self._spare_bytes:
            left = f"the disk is nearly full: the last {self._spare_bytes // MEGABYTE} MB are left to the control room"
            raise StorageError(left, str(self._path), "make room")
        size, last = ledger.size(connection), ledger.last_checkpoint(connection)
        if last is None or parse(read_note(last[1])) != Checkpoint(self.origin, size, _root(connection, size)):
            raise StorageError("does not fit its last signed checkpoint any more", str(self._path), ledger.RESTORE)
        return size

    def _signed(self, checkpoint: Checkpoint) -> str:
        return str(sign_checkpoint(checkpoint, self._private))

    def _at(self, size: int) -> str:
        """The checkpoint of any size that the log has had: always the same text, and always the same signature."""
        with self._lock:
            return self._signed(Checkpoint(self.origin, size, _root(self._reading, size)))

    def _note(self, size: int) -> str:
        note = self._at(size)
        with self._lock:
            return note + "".join(each.line for each in ledger.cosignatures(self._reading, size))

    def _own(self, said: Checkpoint) -> int:
        """The size of a checkpoint that is one of this log. Raises ``RuimteError`` where it is not."""
        if said.origin == self.origin and said.size <= self.size:
            with self._lock:
                if _root(self._reading, said.size) == said.root:
                    return said.size
        raise RuimteError("is not a checkpoint of this log", "checkpoint", "cosign what GET log/checkpoint gives")

    def _cosignature(self, note: str, line: Line, keys: Sequence[NoteKey], size: int) -> ledger.Cosignature | None:
        text, latest = read_note(note).text, self._now_us() // SECOND_US + _AHEAD_S
        for key in keys:
            right = cosigned(text, line, key)
            if right is not None and right.at <= latest:
                return ledger.Cosignature(size, right.name, right.at, str(line))
        return None


class _At(msgspec.Struct):
    """Of an entry no more than its time."""

    at: int


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file it is; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _root(connection: sqlite3.Connection, size: int) -> bytes:
    return tree.root(ledger.StoredNodes(connection), size)


def _fail(waiting: Sequence[_Waiting], error: BaseException) -> None:
    for each in waiting:
        each.future.set_exception(error)


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
