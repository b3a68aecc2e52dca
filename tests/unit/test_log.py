"""The transparency log: what is appended is on the disk, in order, provable, and cannot be changed unseen."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from ledger_world import CITY, NOW_US, ORIGIN, POLICE, POLICE_ID, open_log
from ruimte.errors import RuimteError
from ruimte.jobs.log import Log
from ruimte.keys.signature import generate
from ruimte.ledger.checkpoint import cosign, open_checkpoint
from ruimte.ledger.entry import Entry, commitment
from ruimte.ledger.note import note_key, read_note
from ruimte.ledger.proof import keeps_to, read_inclusion
from ruimte.ledger.tree import is_consistent, is_included, leaf_hash
from ruimte.ledger.witness import Unwitnessed, Witnessed

WITNESSES = [(POLICE_ID, POLICE.public)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "town.log.db"


def fill(log: Log, count: int) -> None:
    log.append_many([("release", {"n": number}) for number in range(count)]).result()


def cosigned(log: Log, at_s: int = NOW_US // 1_000_000) -> str:
    shown = log.checkpoint()
    return shown + str(cosign(read_note(shown).text, POLICE_ID, POLICE.private, at_s))


def damage(path: Path, *statements: str) -> None:
    """What somebody with the file in their hands could do."""
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_an_entry_commits_to_its_payload_by_the_salt_that_its_receipt_tells(path: Path) -> None:
    with open_log(path) as log:
        receipt = log.append("release", {"b": 2, "a": "é"}).result()
        assert (receipt.index, receipt.at) == (0, NOW_US // 1_000_000)
        assert log.payload(0) == (receipt.salt, {"a": "é", "b": 2})
        entry = msgspec.json.decode(log.entries(0, 1)[0], type=Entry)
        assert entry == Entry(kind="release", at=receipt.at, commitment=receipt.commitment)
        proof = read_inclusion(log.proof(0, disclose=True))
        assert proof.extra is not None
        assert keeps_to(proof.extra, receipt.commitment)
        assert not keeps_to(proof.extra, commitment(bytes(32), {"b": 2, "a": "é"}))


def test_equal_payloads_have_different_commitments(path: Path) -> None:
    with open_log(path) as log:
        first, second = log.append_many([("release", {}), ("release", {})]).result()
        assert first.commitment != second.commitment


def test_a_proof_for_everybody_does_not_tell_what_the_entry_commits_to(path: Path) -> None:
    with open_log(path) as log:
        fill(log, 3)
        extra = read_inclusion(log.proof(1)).extra
        assert extra is not None
        assert extra.payload is None
        assert extra.salt is None


def test_many_threads_at_once_each_get_their_own_place(path: Path) -> None:
    with open_log(path) as log:
        with ThreadPoolExecutor(16) as pool:
            receipts = list(pool.map(lambda number: log.append("decision", {"n": number}).result(), range(400)))
        assert sorted(receipt.index for receipt in receipts) == list(range(400))
        for number in (0, 17, 399):
            assert log.payload(receipts[number].index) == (receipts[number].salt, {"n": number})
        assert log.size == 400


def test_every_entry_is_proved_and_every_growth_too(path: Path) -> None:
    with open_log(path) as log:
        notes = []
        for size in range(1, 12):
            fill(log, 1)
            notes.append(open_checkpoint(log.checkpoint(), log.key)[0])
            for index in range(size):
                proof = read_inclusion(log.proof(index))
                assert proof.extra is not None
                assert is_included(index, size, leaf_hash(proof.extra.leaf.encode()), proof.hashes, notes[-1].root)
        for old in notes:
            for new in notes[old.size - 1 :]:
                assert is_consistent(old.size, old.root, new.size, new.root, log.consistency(old.size, new.size))


def test_what_was_written_is_there_when_it_is_opened_again_and_goes_on(path: Path) -> None:
    with open_log(path) as log:
        fill(log, 5)
        before = log.checkpoint()
    with open_log(path) as log:
        assert log.checkpoint() == before
        assert log.append("release", {}).result().index == 5


def test_a_clock_that_is_set_back_does_not_set_the_log_back(path: Path) -> None:
    now = [NOW_US]
    with open_log(path, lambda: now[0]) as log:
        first = log.append("release", {}).result()
        now[0] -= 3_600_000_000
        assert log.append("release", {}).result().at == first.at
        now[0] += 7_200_000_000
        assert log.append("release", {}).result().at == first.at + 3600


def test_what_is_no_json_is_refused_and_writes_nothing(path: Path) -> None:
    with open_log(path) as log:
        with pytest.raises(RuimteError, match="not JSON"):
            log.append_many([("release", {}), ("release", {"when": object()})]).result()
        assert log.size == 0


def test_a_closed_log_takes_nothing_more(path: Path) -> None:
    log = open_log(path)
    log.close()
    with pytest.raises(RuimteError, match="closed"):
        log.append("release", {}).result()


def test_entries_and_hashes_cannot_be_changed_in_the_file(path: Path) -> None:
    with open_log(path) as log:
        fill(log, 4)
    connection = sqlite3.connect(path)
    for table in ("entries", "nodes"):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET position = position + 100"):
            with pytest.raises(sqlite3.IntegrityError, match=r"never"):
                connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entries WHERE position = 9",
        "DELETE FROM entries WHERE position = 3",
        "UPDATE entries SET leaf = replace(leaf, 'release', 'decision') WHERE position = 3",
        "INSERT INTO entries SELECT 10, leaf FROM entries WHERE position = 0",
        "UPDATE nodes SET hash = zeroblob(32) WHERE level = 3",
        "DELETE FROM nodes WHERE level = 3",
        "DELETE FROM checkpoints",
        "UPDATE checkpoints SET note = replace(note, char(10) || '10' || char(10), char(10) || '9' || char(10))",
    ],
)
def test_a_log_that_was_tampered_with_is_not_opened(path: Path, statement: str) -> None:
    with open_log(path) as log:
        fill(log, 10)
    damage(path, statement)
    with pytest.raises(RuimteError, match=r"town\.log\.db: "):
        open_log(path)


def test_a_log_of_another_node_is_not_opened_but_one_signed_with_an_earlier_key_is(path: Path) -> None:
    with open_log(path) as log:
        fill(log, 3)
    new = generate()
    with pytest.raises(RuimteError, match="not signed"):
        open_log(path, keys=new)
    with Log(path, ORIGIN, (new.private, new.public), lambda: NOW_US, earlier=[CITY.public]) as log:
        fill(log, 1)
        open_checkpoint(log.checkpoint(), note_key(ORIGIN, new.public))


def test_what_an_entry_commits_to_can_be_forgotten_and_the_log_stays_whole(path: Path) -> None:
    now = [NOW_US]
    with open_log(path, lambda: now[0]) as log:
        log.append("release", {"told": "a secret of long ago"}).result()
        now[0] += 10_000_000
        log.append("release", {}).result()
        assert log.forget(NOW_US // 1_000_000 + 5) == 1
        assert log.payload(0) is None
        assert log.payload(1) is not None
        assert log.size == 2
    assert b"a secret of long ago" not in b"".join(each.read_bytes() for each in path.parent.iterdir())
    with open_log(path) as log:
        assert log.proof(0, disclose=True)


def test_a_cosignature_of_a_known_witness_is_kept_and_shown(path: Path) -> None:
    with open_log(path) as log:
        fill(log, 5)
        shown = cosigned(log)
        assert log.cosign(shown, WITNESSES) == [POLICE_ID]
        assert log.checkpoint() == shown
        assert [(each.name, each.size) for each in log.witnesses()] == [(POLICE_ID, 5)]
        fill(log, 5)
        assert POLICE_ID not in log.checkpoint()
        assert read_inclusion(log.proof(2)).checkpoint == shown  # the one that somebody else has seen
        assert "\n10\n" in read_inclusion(log.proof(7)).checkpoint


def test_a_line_alone_is_taken_where_its_checkpoint_was_handed_out_lately(path: Path) -> None:
    with open_log(path) as log:
        fill(log, 5)
        line = cosigned(log).splitlines(keepends=True)[-1]
        fill(log, 1)
        assert log.cosign(line, WITNESSES) == [POLICE_ID]
        assert [each.size for each in log.witnesses()] == [5]


def test_a_cosignature_that_is_not_right_is_refused(path: Path) -> None:
    with open_log(path) as log:
        fill(log, 5)
        shown = cosigned(log)
        with pytest.raises(RuimteError, match="known witness"):
            log.cosign(shown, [])
        with pytest.raises(RuimteError, match="known witness"):
            log.cosign(shown, [(POLICE_ID, CITY.public)])
        with pytest.raises(RuimteError, match="known witness"):
            log.cosign(cosigned(log, NOW_US // 1_000_000 + 3600), WITNESSES)  # of an hour ahead
        with pytest.raises(RuimteError, match="not a checkpoint of this log"):
            log.cosign(shown.replace("\n5\n", "\n4\n"), WITNESSES)
        assert log.witnesses() == []


def test_a_node_witnesses_another_log_once_and_remembers_up_to_where(path: Path, tmp_path: Path) -> None:
    with open_log(path) as log, Log(tmp_path / "own.db", POLICE_ID, (POLICE.private, POLICE.public), lambda: NOW_US) as own:
        fill(log, 5)
        assert isinstance(own.witness(log.checkpoint(), log.key, [], POLICE_ID), Witnessed)
        assert own.seen(ORIGIN) == 5
        fill(log, 4)
        assert isinstance(own.witness(log.checkpoint(), log.key, [], POLICE_ID), Unwitnessed)
        assert own.seen(ORIGIN) == 5
        found = own.witness(log.checkpoint(), log.key, log.consistency(5, 9), POLICE_ID)
        assert isinstance(found, Witnessed)
        assert log.cosign(f"{found.checkpoint.text}\n{found.line}", WITNESSES) == [POLICE_ID]


def test_of_each_witness_and_day_the_last_cosignature_stays(path: Path) -> None:
    now = [NOW_US]
    with open_log(path, lambda: now[0]) as log:
        for _ in range(4):
            fill(log, 1)
            log.cosign(cosigned(log, now[0] // 1_000_000), WITNESSES)
            now[0] += 12 * 3_600_000_000
        assert [(each.size, each.name) for each in log.witnesses()] == [(4, POLICE_ID)]
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT size FROM cosignatures ORDER BY size").fetchall() == [(2,), (4,)]
    assert connection.execute("SELECT size FROM checkpoints ORDER BY size").fetchall() == [(2,), (4,)]
    connection.close()


def test_a_file_that_is_moved_away_under_the_node_takes_no_more_entries(path: Path) -> None:
    with open_log(path) as log:
        fill(log, 3)
        path.rename(path.with_name("away"))
        with pytest.raises(RuimteError, match="moved away"):
            log.append("release", {}).result()
        path.with_name("away").rename(path)
        assert log.append("release", {}).result().index == 3


def test_a_log_that_is_tampered_with_while_it_is_open_signs_nothing_more(path: Path) -> None:
    with open_log(path) as log:
        fill(log, 8)
        damage(path, "UPDATE nodes SET hash = zeroblob(32) WHERE level = 3")
        with pytest.raises(RuimteError, match="does not fit"):
            log.append("release", {}).result()


def test_keys_that_are_no_pair_are_refused_before_anything_is_signed(path: Path) -> None:
    with pytest.raises(RuimteError, match="no pair"):
        Log(path, ORIGIN, (CITY.private, POLICE.public), lambda: NOW_US)


def test_only_the_last_checkpoint_and_those_that_were_cosigned_are_kept(path: Path) -> None:
    with open_log(path) as log:
        for size in range(1, 8):
            fill(log, 1)
            if size == 3:
                log.cosign(cosigned(log), WITNESSES)
    connection = sqlite3.connect(path)
    assert [size for (size,) in connection.execute("SELECT size FROM checkpoints ORDER BY size")] == [3, 7]
    connection.close()
