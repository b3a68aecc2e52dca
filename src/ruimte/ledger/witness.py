"""A witness: looks whether another's log still begins with all that it showed before, and says so with a cosignature.

So nobody can show one log to one partner and another to the next, nor rewrite what was: who did, cannot get a cosignature any
more, and the two checkpoints that do not fit, both signed, are the evidence. After C2SP tlog-witness.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from ruimte.errors import RuimteError
from ruimte.ledger.checkpoint import Checkpoint, cosign, open_checkpoint
from ruimte.ledger.note import Line, NoteKey
from ruimte.ledger.tree import is_consistent

Why = Literal["bad-signature", "older", "truncated", "fork", "rewritten"]
"""Why there is no cosignature. ``older``: a checkpoint from before, nothing wrong; ``truncated``: smaller than before, and not
shown to be its beginning; ``fork``: another root for the same size; ``rewritten``: larger, but it does not begin as it did."""


class Seen(NamedTuple):
    """The largest tree of a log that a witness cosigned: its size, and its root (32 bytes)."""

    size: int
    root: bytes


class Witnessed(NamedTuple):
    """The cosignature, and what the log now says."""

    line: Line
    checkpoint: Checkpoint


class Unwitnessed(NamedTuple):
    """No cosignature: why, and the same in a sentence."""

    why: Why
    told: str


def witness(
    seen: Seen | None, shown: str, key: NoteKey, proof: Sequence[bytes], name: str, private: str, at: int
) -> Witnessed | Unwitnessed:
    """Whether the checkpoint that is ``shown`` (a signed note) may be cosigned after what was ``seen`` of this log.

    ``key`` is the log's; ``proof`` the consistency proof from what was seen to what is shown (for a smaller one, the other way
    round). ``name`` and ``private`` (base64url) are the witness's own; ``at`` is in seconds since 1970.
    """
    try:
        said, note = open_checkpoint(shown, key)
    except RuimteError as error:
        return Unwitnessed("bad-signature", str(error))
    if seen is not None and (refused := _compare(seen, said, proof)) is not None:
        return refused
    return Witnessed(cosign(note.text, name, private, at), said)


def _compare(seen: Seen, said: Checkpoint, proof: Sequence[bytes]) -> Unwitnessed | None:
    if said.size < seen.size:
        if is_consistent(said.size, said.root, seen.size, seen.root, proof):
            return Unwitnessed("older", f"{said.origin} showed {said.size} entries; {seen.size} are known, and begin with these")
        return Unwitnessed("truncated", f"{said.origin} showed {seen.size} entries before, and {said.size} now")
    if said.size == seen.size:
        if said.root == seen.root:
            return None
        return Unwitnessed("fork", f"{said.origin} shows two different logs of {said.size} entries")
    if is_consistent(seen.size, seen.root, said.size, said.root, proof):
        return None
    return Unwitnessed(
        "rewritten", f"the {said.size} entries of {said.origin} do not begin with the {seen.size} that it showed before"
    )
