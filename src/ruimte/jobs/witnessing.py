"""Being a witness of a partner's log: it may only grow, and it has to hold what this node was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import httpx
import msgspec

from ruimte.errors import RuimteError
from ruimte.ledger.checkpoint import Checkpoint, open_checkpoint, parse
from ruimte.ledger.entry import Entry
from ruimte.ledger.note import NoteKey, note_key, read_note
from ruimte.ledger.proof import Extra, Inclusion, keeps_to, read_consistency, read_inclusion
from ruimte.ledger.tree import is_included, leaf_hash
from ruimte.ledger.witness import Unwitnessed, Witnessed
from ruimte.store.foreign import Message

_CONTRADICTS = ("truncated", "fork", "rewritten")


class Asker(Protocol):
    """Asks the provider's node."""

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, accept: str = "application/json"
    ) -> httpx.Response: ...

    async def post(self, path: str, json: Any) -> httpx.Response: ...


class Witnessing(Protocol):
    """This node's own log, where it is kept up to where another's was seen (``ruimte.jobs.log.Log``)."""

    def seen(self, origin: str) -> int: ...

    def forgive(self, origin: str) -> None: ...

    def witness(self, shown: str, key: NoteKey, proof: Sequence[bytes], name: str) -> Witnessed | Unwitnessed: ...


class LogContradictsError(RuimteError):
    """The log of a partner does not fit what it showed before, or does not hold what it says it holds."""

    def __init__(self, what: str, evidence: str = "") -> None:
        super().__init__(what, "log", "ask the partner, and keep both checkpoints: they are the evidence")
        self.evidence = evidence


class Seen(NamedTuple):
    """A checkpoint that follows from all before: the signed note, and how many entries it tells of."""

    text: str
    size: int


async def witness(asker: Asker, keys: Sequence[str], known: str | None, witnessing: Witnessing, name: str) -> Seen:
    """Fetch the log's newest checkpoint, hold it against what is ``known`` of it, cosign it as ``name`` and send that back.

    ``keys``: the provider's (base64url). Raises ``LogContradictsError`` where the log was rewritten, forked or cut back, and
    ``Undelivered`` or ``RuimteError`` where it cannot be told.
    """
    shown = (await _get(asker, "/share/v1/log/checkpoint")).text
    key, said = _open(shown, keys)
    if known is not None and (before := parse(read_note(known)).origin) != said.origin:
        raise LogContradictsError(f"the log was {before}, and now calls itself {said.origin}", shown)
    seen = await asyncio.to_thread(witnessing.seen, said.origin)
    proof: tuple[bytes, ...] = ()
    if 0 < min(seen, said.size) < max(seen, said.size):
        sizes = {"old": str(min(seen, said.size)), "new": str(max(seen, said.size))}
        answer = await asker.get("/share/v1/log/consistency", sizes, "text/plain")
        proof = read_consistency(answer.text).hashes if answer.is_success else ()  # a log that was cut back has none
    found = await asyncio.to_thread(witnessing.witness, shown, key, proof, name)
    if isinstance(found, Unwitnessed):
        if found.why in _CONTRADICTS:
            raise LogContradictsError(found.told, shown)
        raise RuimteError(found.told, "log", "it is looked at again in a minute")
    await asker.post("/share/v1/log/cosignatures", f"{found.checkpoint.text}\n{found.line}")
    return Seen(shown, said.size)


async def forgive(witnessing: Witnessing, known: str | None) -> None:
    """Begin anew with a log of which the checkpoint ``known`` was seen last."""
    if known is not None:
        await asyncio.to_thread(witnessing.forgive, parse(read_note(known)).origin)


async def prove(asker: Asker, message: Message, keys: Sequence[str]) -> None:
    """Ask for the proof that a message is in the provider's log, and check it.

    Raises ``LogContradictsError`` where the log does not hold it, ``Undelivered`` where that cannot be asked now.
    """
    path = f"/share/v1/log/proofs/{message.log_index}"
    answer = await asker.get(path, None, "text/plain")
    if answer.status_code == 404:
        raise LogContradictsError(f"does not hold entry {message.log_index}, which it gave a receipt for")
    if not answer.is_success:
        raise RuimteError(f"answers {answer.status_code} where its log should be", path, "it is asked again in a minute")
    proof = read_inclusion(answer.text)
    _, said = _open(proof.checkpoint, keys)
    if not is_proved(proof, said, message):
        raise LogContradictsError(f"entry {message.log_index} is not what was sent under that number", answer.text)


def is_proved(proof: Inclusion, said: Checkpoint, message: Message) -> bool:
    """Whether an entry is in the log of a checkpoint, and commits to just this message."""
    extra = proof.extra
    if extra is None or proof.index != message.log_index:
        return False
    leaf = extra.leaf.encode()
    if not is_included(proof.index, said.size, leaf_hash(leaf), proof.hashes, said.root):
        return False
    try:
        entry = msgspec.json.decode(leaf, type=Entry)
    except msgspec.DecodeError:
        return False
    told = Extra(leaf=extra.leaf, salt=message.salt, payload=msgspec.json.decode(message.payload, type=dict[str, Any]))
    return entry.kind == "release" and keeps_to(told, entry.commitment)


async def _get(asker: Asker, path: str) -> httpx.Response:
    answer = await asker.get(path, None, "text/plain")
    if not answer.is_success:
        raise RuimteError(f"answers {answer.status_code} where its log should be", path, "it is asked again in a minute")
    return answer


def _open(shown: str, keys: Sequence[str]) -> tuple[NoteKey, Checkpoint]:
    """The key that signed a checkpoint, and what it says. Raises ``RuimteError`` where none of ``keys`` did."""
    origin = parse(read_note(shown)).origin
    for public in keys:
        key = note_key(origin, public)
        try:
            return key, open_checkpoint(shown, key)[0]
        except RuimteError:
            continue
    raise RuimteError("the checkpoint is not signed by the partner", "log", "see whether its key was changed")
