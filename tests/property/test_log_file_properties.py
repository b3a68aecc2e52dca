"""Whatever a file of a log holds, even one that a hostile log signed: checking it gives a verdict or the one error."""

from __future__ import annotations

import base64
import contextlib
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger_world import CITY, ORIGIN, Kept
from ruimte.errors import RuimteError
from ruimte.jobs.log_export import EXPORT
from ruimte.jobs.proving import trust, verify
from ruimte.ledger import tree
from ruimte.ledger.checkpoint import Checkpoint, sign_checkpoint
from ruimte.ledger.note import note_key
from ruimte.ledger.proof import Consistency, Inclusion, read_inclusion

WHOM = trust([str(note_key(ORIGIN, CITY.public))], None)
FOLDER = tempfile.TemporaryDirectory()

at = st.sampled_from([0, -1, 1_782_000_000, 10**12, 10**17, 2**63, 2**64]) | st.integers()
json_values = st.recursive(
    st.none() | st.booleans() | at | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
leaves = (
    st.fixed_dictionaries(
        {"v": st.sampled_from([1, 2]), "kind": st.sampled_from(["release", "x"]), "at": at, "commitment": st.text(max_size=9)}
    )
    | json_values
).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30).map(lambda octets: octets.replace(b"\n", b""))
extras = (
    st.fixed_dictionaries(
        {"leaf": st.text(max_size=9)},
        optional={"salt": st.text(max_size=9), "payload": json_values, "more": json_values},
    )
    | json_values
)


def signed(entries: list[bytes]) -> str:
    return str(sign_checkpoint(Checkpoint(ORIGIN, len(entries), tree.root(Kept(entries), len(entries))), CITY.private))


def told(octets: bytes, data: bytes | None = None) -> Any:
    path, body = Path(FOLDER.name) / "file", Path(FOLDER.name) / "body"
    path.write_bytes(octets)
    body.write_bytes(data or b"")
    with contextlib.suppress(RuimteError):
        verdict = verify(path, WHOM, None if data is None else body, None)
        verdict.lines()
        json.dumps(verdict.as_dict())
        return verdict
    return None


def spliced(octets: bytes, start: int, length: int, by: bytes) -> bytes:
    start %= len(octets) + 1
    return octets[:start] + by + octets[start + length :]


@given(st.lists(leaves, max_size=5))
def test_an_export_that_a_hostile_log_signed(entries: list[bytes]) -> None:
    told(f"{EXPORT}\n{signed(entries)}\n".encode() + b"".join(entry + b"\n" for entry in entries))


@given(st.lists(leaves, min_size=1, max_size=5), st.data(), extras, st.none() | st.binary(max_size=5))
def test_a_proof_that_a_hostile_log_signed(entries: list[bytes], data: st.DataObject, extra: Any, body: bytes | None) -> None:
    index = data.draw(st.integers(0, len(entries) - 1))
    if isinstance(extra, dict) and data.draw(st.booleans()):
        extra["leaf"] = entries[index].decode(errors="replace")
    proof = str(Inclusion(index, tuple(tree.inclusion(Kept(entries), index, len(entries))), signed(entries)))
    encoded = base64.b64encode(json.dumps(extra).encode()).decode()
    told(proof.replace("index", f"extra {encoded}\nindex", 1).encode(), body)


@given(st.sampled_from(["proof", "growth", "export", "checkpoint"]), st.integers(0), st.integers(0, 9), st.binary(max_size=9))
def test_a_file_with_anything_in_it(kind: str, start: int, length: int, by: bytes) -> None:
    entries = [json.dumps({"v": 1, "kind": "release", "at": n, "commitment": "0" * 64}).encode() for n in range(5)]
    kept, note = Kept(entries), signed(entries)
    whole = {
        "proof": str(Inclusion(3, tuple(tree.inclusion(kept, 3, 5)), note)),
        "growth": str(Consistency(tuple(tree.consistency(kept, 2, 5)), signed(entries[:2]), note)),
        "export": f"{EXPORT}\n{note}\n" + "".join(f"{entry.decode()}\n" for entry in entries),
        "checkpoint": note,
    }[kind].encode()
    assert (told(whole) is not None) == (kind != "proof")  # a proof without its entry tells nothing
    changed = spliced(whole, start, length, by)
    verdict = told(changed)
    assert verdict is None or verdict.checkpoint == Checkpoint(ORIGIN, 5, tree.root(kept, 5))


def test_a_right_proof_of_an_entry_is_right() -> None:
    entries = [json.dumps({"v": 1, "kind": "release", "at": 10**17, "commitment": "0" * 64}).encode()]
    extra = base64.b64encode(json.dumps({"leaf": entries[0].decode()}).encode()).decode()
    text = f"c2sp.org/tlog-proof@v1\nextra {extra}\nindex 0\n\n{signed(entries)}"
    assert read_inclusion(text).extra is not None
    verdict = told(text.encode())
    assert verdict is not None
    assert "second 100000000000000000" in verdict.lines()[0]
