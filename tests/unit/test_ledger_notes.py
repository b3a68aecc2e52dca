"""Signed notes, checkpoints, proof files and witnesses, after the specifications of C2SP."""

from __future__ import annotations

import base64

import pytest

from ledger_world import CITY, ORIGIN, POLICE, POLICE_ID, Kept
from ruimte.errors import RuimteError
from ruimte.ledger import tree
from ruimte.ledger.checkpoint import Checkpoint, cosign, cosigned, open_checkpoint, parse, sign_checkpoint
from ruimte.ledger.note import COSIGNATURE, NoteKey, is_signed, note_key, read_key, read_note, sign_note
from ruimte.ledger.proof import Consistency, Extra, Inclusion, read_consistency, read_inclusion
from ruimte.ledger.witness import Seen, Unwitnessed, Witnessed, witness

# the example in the documentation of Go's golang.org/x/mod/sumdb/note
PUBLISHED_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLISHED_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
KEY = note_key(ORIGIN, CITY.public)
LOG = Kept([b"entry %d" % number for number in range(40)])


def checkpoint(size: int, log: Kept = LOG) -> str:
    return str(sign_checkpoint(Checkpoint(ORIGIN, size, tree.root(log, size)), CITY.private))


def test_a_note_that_another_program_signed_is_right() -> None:
    key = read_key(PUBLISHED_KEY)
    assert str(key) == PUBLISHED_KEY
    assert is_signed(read_note(PUBLISHED_NOTE), key)
    assert str(read_note(PUBLISHED_NOTE)) == PUBLISHED_NOTE


def test_a_changed_note_is_not_signed_nor_is_one_of_an_unknown_key() -> None:
    key = read_key(PUBLISHED_KEY)
    assert not is_signed(read_note(PUBLISHED_NOTE.replace("answer", "remedy")), key)
    assert not is_signed(read_note(PUBLISHED_NOTE), NoteKey("PeterNeumann", bytes(32)))
    assert not is_signed(read_note(PUBLISHED_NOTE), key._replace(name="PeterNewman"))


def test_a_second_line_by_the_same_key_that_is_wrong_spoils_the_note() -> None:
    wrong = str(sign_note("another text\n", ORIGIN, CITY.private).lines[0])
    assert is_signed(read_note(checkpoint(3)), KEY)
    assert not is_signed(read_note(checkpoint(3) + wrong), KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n— name\n",
        "text\n\n— name !!!!\n",
        "text\n\nname AAAAAAAA\n",
        "te\txt\n\n— a AAAAAAAA\n",
    ],
)
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(RuimteError):
        read_note(text)


@pytest.mark.parametrize("text", ["", "a+b", PUBLISHED_KEY.replace("c74f", "c74e"), "a b+00000000+AAAA", PUBLISHED_KEY[:-4]])
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(RuimteError):
        read_key(text)


def test_a_checkpoint_says_which_log_how_large_and_which_root() -> None:
    said, note = open_checkpoint(checkpoint(7), KEY)
    assert said == Checkpoint(ORIGIN, 7, tree.root(LOG, 7))
    assert note.text.split("\n")[:2] == [ORIGIN, "7"]


@pytest.mark.parametrize("body", [f"{ORIGIN}\n07\n", f"{ORIGIN}\n-1\n", f"{ORIGIN}\nx\n", f"{ORIGIN}\n1\nAAAA\n", f"{ORIGIN}\n"])
def test_what_is_signed_but_no_checkpoint_is_refused(body: str) -> None:
    root = base64.b64encode(bytes(32)).decode() + "\n"
    text = body if body.count("\n") != 2 else body + root
    with pytest.raises(RuimteError, match="not a checkpoint"):
        open_checkpoint(str(sign_note(text, ORIGIN, CITY.private)), KEY)


def test_a_checkpoint_of_another_log_or_another_signer_is_refused() -> None:
    with pytest.raises(RuimteError, match="is of"):
        open_checkpoint(checkpoint(7), note_key("other", CITY.public))
    with pytest.raises(RuimteError, match="not signed"):
        open_checkpoint(checkpoint(7), note_key(ORIGIN, POLICE.public))


def test_a_cosignature_tells_who_and_when_and_holds_for_its_checkpoint_only() -> None:
    key = note_key(POLICE_ID, POLICE.public, COSIGNATURE)
    text = read_note(checkpoint(7)).text
    line = cosign(text, POLICE_ID, POLICE.private, 1_782_000_000)
    assert cosigned(text, line, key) == (POLICE_ID, 1_782_000_000)
    assert cosigned(read_note(checkpoint(8)).text, line, key) is None
    assert cosigned(text, line._replace(signature=bytes(7) + b"\x01" + line.signature[8:]), key) is None
    assert cosigned(text, line, note_key(POLICE_ID, CITY.public)) is None
    # a cosignature is no signature of the log's, though the key may be the same
    assert not is_signed(read_note(f"{text}\n{line}"), note_key(POLICE_ID, POLICE.public))


def test_a_proof_is_written_and_read() -> None:
    proof = Inclusion(5, tuple(tree.inclusion(LOG, 5, 40)), checkpoint(40), Extra(leaf="entry 5", salt="AA", payload={"n": 1}))
    text = str(proof)
    assert text.split("\n")[0] == "c2sp.org/tlog-proof@v1"
    assert text.split("\n")[2] == "index 5"
    assert read_inclusion(text) == proof


def test_a_proof_of_others_without_our_extra_data_is_read() -> None:
    text = f"c2sp.org/tlog-proof@v1\nextra {base64.b64encode(b'theirs').decode()}\nindex 0\n\n{checkpoint(1)}"
    assert read_inclusion(text) == Inclusion(0, (), checkpoint(1))


def test_a_consistency_proof_is_written_and_read() -> None:
    proof = Consistency(tuple(tree.consistency(LOG, 11, 40)), checkpoint(11), checkpoint(40))
    assert read_consistency(str(proof)) == proof


@pytest.mark.parametrize(
    "broken",
    ["x", "c2sp.org/tlog-proof@v1\n\n", "c2sp.org/tlog-proof@v1\nindex 05\n\n", "c2sp.org/tlog-proof@v1\nindex 5\nAA\n\n"],
)
def test_what_is_no_proof_is_refused(broken: str) -> None:
    with pytest.raises(RuimteError):
        read_inclusion(broken)


# --- witness ---


def ask(seen: Seen | None, shown: str, proof: list[bytes]) -> Witnessed | Unwitnessed:
    return witness(seen, shown, KEY, proof, POLICE_ID, POLICE.private, 1_782_000_000)


def seen_at(size: int) -> Seen:
    return Seen(size, tree.root(LOG, size))


def test_a_witness_cosigns_a_log_that_it_sees_for_the_first_time_again_and_grown() -> None:
    key = note_key(POLICE_ID, POLICE.public, COSIGNATURE)
    for seen, size, proof in ((None, 7, []), (seen_at(7), 7, []), (seen_at(7), 31, tree.consistency(LOG, 7, 31))):
        found = ask(seen, checkpoint(size), proof)
        assert isinstance(found, Witnessed)
        assert found.checkpoint.size == size
        assert cosigned(read_note(checkpoint(size)).text, found.line, key) is not None


def test_a_witness_refuses_what_does_not_follow_and_says_why() -> None:
    other = Kept([b"entry 0", b"rewritten", *(b"entry %d" % number for number in range(2, 40))])
    refusals = {
        "fork": ask(seen_at(7), checkpoint(7, other), []),
        "rewritten": ask(seen_at(7), checkpoint(31, other), tree.consistency(other, 7, 31)),
        "truncated": ask(seen_at(31), checkpoint(7), []),
        "older": ask(seen_at(31), checkpoint(7), tree.consistency(LOG, 7, 31)),
        "bad-signature": ask(None, checkpoint(7).replace("\n7\n", "\n8\n"), []),
    }
    assert {why: found.why for why, found in refusals.items() if isinstance(found, Unwitnessed)} == {why: why for why in refusals}
    assert isinstance(ask(seen_at(7), checkpoint(31), []), Unwitnessed)


def test_a_parsed_checkpoint_may_have_more_lines_and_they_are_signed_too() -> None:
    text = f"{checkpoint(7).split(chr(10) * 2)[0]}\nmore\n"
    note = sign_note(text, ORIGIN, CITY.private)
    assert parse(note).size == 7
    assert is_signed(note, KEY)
    assert not is_signed(read_note(str(note).replace("more", "less")), KEY)
