"""Checks what a log gave, without the log: an export, a proof, a checkpoint. All it needs is whose log it should be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ruimte.clock import SECOND_US, iso
from ruimte.errors import RuimteError
from ruimte.jobs.log_export import EXPORT, read_export
from ruimte.jobs.node_log import node_name
from ruimte.ledger.checkpoint import Checkpoint, Cosigned, cosigned, open_checkpoint, parse
from ruimte.ledger.entry import BODY_HASH, Entry, body_hash
from ruimte.ledger.note import COSIGNATURE, NoteKey, note_key, read_key, read_note
from ruimte.ledger.proof import CONSISTENCY, INCLUSION, Inclusion, keeps_to, read_consistency, read_inclusion
from ruimte.ledger.tree import is_consistent, is_included, leaf_hash
from ruimte.share.agreement import Agreement
from ruimte.share.contract import keys_of
from ruimte.share.releases import found_payload

_MOST_BYTES = 16 * 1024 * 1024
"""Of any file but an export, which is read line by line."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe: keys of logs, keys of witnesses, and parties (id, public key), each of which may be either.

    ``agreement``: the one that names the parties, where one does.
    """

    logs: tuple[NoteKey, ...] = ()
    witnesses: tuple[NoteKey, ...] = ()
    parties: tuple[tuple[str, str], ...] = ()
    agreement: Agreement | None = None

    def of_log(self, origin: str) -> list[NoteKey]:
        """The keys that a log may be signed with: its name begins with its party's id, or is made of its key."""
        own = [public for party, public in self.parties if _is_of(origin, party) or _is_of(origin, node_name(public))]
        return [*(key for key in self.logs if key.name == origin), *(note_key(origin, public) for public in own)]

    def of_witnesses(self) -> list[NoteKey]:
        return [*self.witnesses, *(note_key(party, public, COSIGNATURE) for party, public in self.parties)]


class _Seen(NamedTuple):
    """Who cosigned a checkpoint, and how many lines of others there are that no key which was given proves."""

    witnesses: tuple[Cosigned, ...]
    unproven: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file proves. ``told`` says it in a line; ``entry``, ``payload`` and ``data`` only where a proof holds them."""

    kind: str
    told: str
    checkpoint: Checkpoint
    seen: _Seen
    index: int | None = None
    entry: Entry | None = None
    payload: dict[str, Any] | None = None
    data: bool | None = field(default=None)

    def as_dict(self) -> dict[str, Any]:
        said = self.checkpoint
        told: dict[str, Any] = {"ok": True, "kind": self.kind, "told": self.told, "origin": said.origin, "size": said.size}
        told |= {"root": said.root.hex(), "witnesses": [{"name": each.name, "at": each.at} for each in self.seen.witnesses]}
        told["unproven_witnesses"] = self.seen.unproven
        if self.entry is not None:
            told |= {"index": self.index, "entry": msgspec.to_builtins(self.entry), "payload": self.payload, "data": self.data}
        return told

    def lines(self) -> list[str]:
        seen = [f"witnessed by {each.name} at {_when(each.at)}" for each in self.seen.witnesses]
        if unproven := self.seen.unproven:
            lines = "one witness's line" if unproven == 1 else f"{unproven} witnesses' lines"
            seen.append(f"{lines} that no given key proves: give the witness's with --key, or --agreement")
        return [self.told, *(seen or ["witnessed by nobody"])]


def trust(keys: Sequence[str], agreement: Path | None) -> Trust:
    """Whom verifier keys and an agreement name. Raises ``RuimteError`` where that is nobody, or something cannot be read."""
    if not keys and agreement is None:
        mend = "give --key (as `ruimte log show` prints it, but from its owner) or --agreement"
        raise RuimteError("without a key nothing shows whose log this is", "--key", mend)
    named = [read_key(key) for key in keys]
    logs = tuple(key for key in named if key.kind != COSIGNATURE)
    read = None if agreement is None else _agreement(agreement)
    parties = () if read is None else [(party.id, key) for party in read.content.parties for key in keys_of(read, party.id)]
    return Trust(logs, tuple(key for key in named if key.kind == COSIGNATURE), tuple(parties), read)


def verify(
    path: Path,
    whom: Trust,
    data: Path | None,
    older: Path | None,
    progress: Callable[[float], None] = lambda _: None,
    salt: str | None = None,
) -> Verdict:
    """What a file proves: an export, a proof of an entry, a consistency proof, or a checkpoint.

    ``data``: bytes that the entry of a proof should be about; ``salt`` (base64url) came with them, where the proof does not hold
    what the entry commits to. ``older``: a checkpoint that the log should begin with. Raises ``RuimteError``, which says what is
    wrong, where it does not prove that.
    """
    where = str(path)
    since = None if older is None else _open(_text(older), whom, str(older))[0]
    try:
        with path.open("rb") as file:
            first = file.readline(100).decode(errors="replace").strip()
    except OSError as error:
        raise RuimteError(f"cannot be read ({error.strerror})", where, "check the path") from None
    if data is not None and first != INCLUSION:
        raise RuimteError("tells of no single entry", where, "hold data against a proof, as `ruimte log prove` writes it")
    if first == EXPORT:
        return _export(path, whom, since, progress)
    text = _text(path)
    if first == INCLUSION:
        return _inclusion(read_inclusion(text, where), whom, data, salt, since, where)
    if first == CONSISTENCY:
        return _consistency(text, whom, since, where)
    said, seen = _open(text, whom, where)
    _same(said, since, where)
    return Verdict("checkpoint", f"in order: {said.origin} had {_entries(said.size)}", said, seen)


def _export(path: Path, whom: Trust, since: Checkpoint | None, progress: Callable[[float], None]) -> Verdict:
    where = str(path)
    read = read_export(path, since, progress)
    said, seen = _open(read.note, whom, where)
    _same_log(said, since, where)
    be = "is as it was" if said.size == 1 else "are as they were"
    told = f"in order: {'the' if said.size == 1 else 'all'} {_entries(said.size)} of {said.origin} {be} signed"
    if read.first_at is not None and read.last_at is not None:
        told += f", from {_when(read.first_at)} to {_when(read.last_at)}"
    if since is not None:
        told += f", and begin with the {since.size} of before"
    return Verdict("export", told, said, seen)


def _inclusion(
    proof: Inclusion, whom: Trust, data: Path | None, salt: str | None, since: Checkpoint | None, where: str
) -> Verdict:
    said, seen = _open(proof.checkpoint, whom, where)
    _same(said, since, where)
    if proof.extra is None:
        raise RuimteError("does not hold the entry that it proves", where, "ask for it as `ruimte log prove` writes it")
    leaf = proof.extra.leaf.encode()
    if not is_included(proof.index, said.size, leaf_hash(leaf), proof.hashes, said.root):
        raise RuimteError(
            f"entry {proof.index} of {said.origin} is not what this says", where, "do not trust it; ask for it anew"
        )
    try:
        entry = msgspec.json.decode(leaf, type=Entry)
    except msgspec.DecodeError as error:
        raise RuimteError(f"the entry cannot be read ({error})", where, "upgrade Ruimte") from None
    payload = proof.extra.payload
    if payload is not None and not keeps_to(proof.extra, entry.commitment):
        raise RuimteError("the payload is not what the entry commits to", where, "do not trust it; ask for the proof anew")
    told = f"in order: entry {proof.index} of {said.origin} is a {entry.kind} of {_when(entry.at)}"
    if data is not None:
        if payload is None and salt is not None:
            payload = _rebuilt(whom, data, salt, entry.commitment)
        _is_about(payload, data, where)
        told += f", and {data} is what it is about"
    return Verdict("proof", told, said, seen, proof.index, entry, payload, None if data is None else True)


def _rebuilt(whom: Trust, data: Path, salt: str, commitment: str) -> dict[str, Any]:
    """What the entry commits to, made again from what the receiver has: the bytes, their salt, and the agreement."""
    if whom.agreement is None:
        raise RuimteError("alone is not enough", "--salt", "give the agreement, too: --agreement FILE")
    found = found_payload(whom.agreement, _bytes(data), salt, commitment)
    if found is None:
        raise RuimteError(
            "is not what the entry is about", str(data), "hold the bytes, the salt and the agreement of one answer together"
        )
    return found


def _is_about(payload: dict[str, Any] | None, data: Path, where: str) -> None:
    if payload is None:
        raise RuimteError("does not hold the payload, so nothing can be held against it", where, "ask for a proof that has it")
    if payload.get(BODY_HASH) != body_hash(_bytes(data)):
        raise RuimteError("is not what the entry is about", str(data), "hold exactly the bytes that came against it")


def _consistency(text: str, whom: Trust, since: Checkpoint | None, where: str) -> Verdict:
    proof = read_consistency(text, where)
    old, _ = _open(proof.old, whom, where)
    new, seen = _open(proof.new, whom, where)
    _same_log(new, old, where)
    if since is not None and since not in (old, new):
        raise RuimteError("is about another checkpoint than the one given", where, "ask for a proof from that one on")
    if not is_consistent(old.size, old.root, new.size, new.root, proof.hashes):
        told = f"the {new.size} entries of {new.origin} do not begin with the {old.size} of before: the log was rewritten"
        raise RuimteError(told, where, "keep this file: it is evidence")
    told = f"in order: the {new.size} entries of {new.origin} begin with the {old.size} of before"
    return Verdict("consistency", told, new, seen)


def _open(text: str, whom: Trust, where: str) -> tuple[Checkpoint, _Seen]:
    """What a checkpoint says, once it is sure that it is of a log to be believed, and who witnessed it."""
    note = read_note(text, where)
    keys = whom.of_log(parse(note, where).origin)
    if not keys:
        raise RuimteError(f"is of {parse(note).origin}, whose key was not given", where, "give its key, or an agreement with it")
    *others, last = keys
    for key in others:
        try:
            said, note = open_checkpoint(text, key, where)
            break
        except RuimteError:
            continue
    else:
        said, note = open_checkpoint(text, last, where)
    found = [cosigned(note.text, line, key) for key in whom.of_witnesses() for line in note.lines]
    witnesses = tuple(each for each in found if each is not None and not _is_of(said.origin, each.name))
    proven = {said.origin, *(each.name for each in witnesses)}
    unproven = sum(line.name not in proven and not _is_of(said.origin, line.name) for line in note.lines)
    return said, _Seen(witnesses, unproven)


def _is_of(origin: str, party: str) -> bool:
    """Whether a log is, by its name, that of a party; a party is no witness of its own log."""
    return origin == party or origin.startswith(f"{party}/")


def _same(said: Checkpoint, since: Checkpoint | None, where: str) -> None:
    """Two checkpoints that nothing connects can be compared where they are of one size."""
    _same_log(said, since, where)
    if since is None or since == said:
        return
    if since.size != said.size:
        mend = "ask for an export, or a consistency proof"
        raise RuimteError(f"does not show whether the log begins with the {since.size} entries of before", where, mend)
    raise RuimteError(
        f"there are two different logs of {said.size} entries: it was rewritten", where, "keep both: they are evidence"
    )


def _same_log(said: Checkpoint, other: Checkpoint | None, where: str) -> None:
    if other is not None and other.origin != said.origin:
        raise RuimteError(f"is of {said.origin}, and the older checkpoint of {other.origin}", where, "compare those of one log")


def _agreement(path: Path) -> Agreement:
    try:
        return msgspec.json.decode(_bytes(path), type=Agreement)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RuimteError(f"is not an agreement ({error})", str(path), "give the signed JSON file") from None


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _when(at: int) -> str:
    """A time for people, in seconds since 1970, also one that is in no calendar: a log may say anything."""
    try:
        return iso(at * SECOND_US)
    except OverflowError:
        return f"second {at}"


def _text(path: Path) -> str:
    return _bytes(path).decode(errors="replace")


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            octets = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise RuimteError(f"cannot be read ({error.strerror})", str(path), "check the path") from None
    if len(octets) > _MOST_BYTES:
        raise RuimteError("is too large", str(path), "give the file that was written")
    return octets
