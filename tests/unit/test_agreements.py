"""A node's book of agreements: it follows its files at once, and what it is not sure of it does not grant."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import pytest

from agreed import CITY, FROM_S, KEYS, NOW_S, POLICE, UNTIL_S, agreed, grant, pair_of, proposed
from ruimte.errors import RuimteError
from ruimte.jobs.agreement_files import file_name, write_agreement
from ruimte.jobs.agreements import Book, Known
from ruimte.share.agreement import Agreement, Signatures
from ruimte.share.contract import content_hash, rotate, sign
from ruimte.share.document import read_document, write_document


class Wall:
    """A wall clock that a test sets."""

    def __init__(self, now_s: int = NOW_S) -> None:
        self.now_s = now_s

    def __call__(self) -> int:
        return self.now_s * 1_000_000


class Desk:
    """Two folders, and a book that reads them."""

    def __init__(self, folder: Path) -> None:
        self.lab, self.data, self.wall = folder / "agreements", folder / "data", Wall()
        self.lab.mkdir()
        self.data.mkdir()
        self.book = Book([self.lab, self.data], self.wall)

    def put(self, folder: Path, agreement: Agreement, name: str = "police.json") -> Path:
        write_agreement(folder / name, agreement)
        return folder / name

    def granted(self) -> list[str]:
        return [each.status for each in self.book.granted()]

    def troubles(self) -> list[str]:
        return [each.trouble for each in self.book.all() if each.trouble]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def revoked(agreement: Agreement, party: str = CITY) -> Agreement:
    return sign(agreement, party, KEYS[party].private, "revoke", NOW_S)


def test_folders_that_are_not_there_are_empty(tmp_path: Path) -> None:
    book = Book([tmp_path / "a", tmp_path / "b"], Wall())
    assert (book.granted(), book.all()) == ((), [])


def test_it_follows_its_files_on_the_next_call(desk: Desk) -> None:
    path = desk.put(desk.lab, proposed())
    assert desk.granted() == ["proposed"]
    desk.put(desk.lab, agreed())
    assert desk.granted() == ["valid"]
    desk.put(desk.lab, revoked(agreed()))
    assert desk.granted() == ["revoked"]
    path.unlink()
    assert desk.granted() == []


def test_a_look_of_after_a_request_came_is_good_for_it_and_an_older_one_is_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ruimte.jobs.agreements._MOMENT_S", 60.0)
    desk.put(desk.lab, agreed())
    came_s = time.monotonic()
    seen = desk.book.granted()
    desk.put(desk.lab, revoked(agreed()))
    assert desk.book.granted(came_s) is seen
    assert [each.status for each in desk.book.granted(time.monotonic())] == ["revoked"]


def test_no_look_is_good_for_longer_than_a_moment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ruimte.jobs.agreements._MOMENT_S", 0.0)
    came_s = time.monotonic()
    desk.put(desk.lab, agreed())
    desk.book.granted()
    desk.put(desk.lab, revoked(agreed()))
    assert [each.status for each in desk.book.granted(came_s)] == ["revoked"]


def test_what_this_node_signs_counts_without_another_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ruimte.jobs.agreements._MOMENT_S", 60.0)
    desk.put(desk.data, agreed())
    came_s = time.monotonic()
    assert desk.granted() == ["valid"]
    desk.book.sign(content_hash(agreed().content), "revoke", KEYS[CITY])
    assert [each.status for each in desk.book.granted(came_s)] == ["revoked"]


def test_a_change_in_place_within_the_clocks_grain_is_seen(desk: Desk) -> None:
    path = desk.put(desk.lab, agreed())
    assert desk.granted() == ["valid"]
    octets, seen = path.read_bytes(), path.stat()
    path.write_bytes(octets.replace(b"City of Example", b"City of Elsewhe"))  # the same size, in the same file
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert desk.granted() == []


@pytest.mark.parametrize("octets", [b"", b"{}", b"\xff", b'{"version": 2, "content": {}}'])
def test_a_file_that_turns_unreadable_is_out_at_once_and_named(desk: Desk, octets: bytes) -> None:
    path = desk.put(desk.lab, agreed())
    assert desk.granted() == ["valid"]
    path.write_bytes(octets)
    assert desk.granted() == []
    assert [str(path) in trouble for trouble in desk.troubles()] == [True]


def test_folders_and_broken_links_among_the_files_are_told(desk: Desk) -> None:
    (desk.lab / "folder.json").mkdir()
    (desk.lab / "link.json").symlink_to(desk.lab / "nowhere")
    (desk.lab / "notes.txt").write_text("not looked at")
    desk.put(desk.lab, agreed())
    assert desk.granted() == ["valid"]
    assert len(desk.troubles()) == 2


def test_signatures_of_two_copies_are_united(desk: Desk) -> None:
    one = sign(proposed(), CITY, KEYS[CITY].private, "accept", NOW_S)
    other = sign(proposed(), POLICE, KEYS[POLICE].private, "accept", NOW_S)
    desk.put(desk.lab, one)
    desk.put(desk.data, other)
    assert desk.granted() == ["valid"]
    assert len(desk.book.all()) == 1


def test_a_revocation_in_one_copy_counts_for_both(desk: Desk) -> None:
    desk.put(desk.lab, agreed())
    desk.put(desk.data, revoked(agreed()))
    assert desk.granted() == ["revoked"]


def test_a_revocation_that_was_seen_is_not_forgotten_when_its_file_goes(desk: Desk) -> None:
    desk.put(desk.lab, agreed())
    copy = desk.put(desk.data, revoked(agreed()))
    assert desk.granted() == ["revoked"]
    copy.unlink()
    assert desk.granted() == ["revoked"]
    desk.put(desk.lab, agreed())
    assert desk.granted() == ["revoked"]


def test_signing_here_reaches_every_copy(desk: Desk) -> None:
    path = desk.put(desk.lab, agreed())
    hashed = content_hash(agreed().content)
    known = desk.book.sign(hashed, "revoke", KEYS[CITY])
    assert known.status == "revoked"
    for copy in (path, desk.data / file_name(agreed())):
        assert read_document(copy.read_bytes(), "copy").signatures.revoke.keys() == {CITY}
        other = Book([copy.parent], desk.wall)
        assert [each.status for each in other.granted()] == ["revoked"]


def test_a_copy_that_is_wrong_takes_the_good_one_with_it(desk: Desk) -> None:
    desk.put(desk.lab, agreed())
    bad = desk.data / file_name(agreed())
    bad.write_bytes(b"{")
    assert desk.granted() == []
    assert any(str(bad) in trouble for trouble in desk.troubles())
    with pytest.raises(RuimteError, match="mend that first"):
        desk.book.sign(content_hash(agreed().content), "revoke", KEYS[CITY])
    assert bad.read_bytes() == b"{"
    bad.unlink()
    assert desk.granted() == ["valid"]


def test_a_copy_with_a_forged_signature_takes_the_good_one_with_it(desk: Desk) -> None:
    token = agreed().signatures.accept[CITY]
    desk.put(desk.lab, agreed())
    desk.put(desk.data, msgspec.structs.replace(agreed(), signatures=Signatures(revoke={CITY: token})))
    assert desk.granted() == []
    assert any("what was signed is accept" in trouble for trouble in desk.troubles())


def test_copies_whose_keys_do_not_fit_each_other_grant_nothing(desk: Desk) -> None:
    desk.put(desk.lab, rotate(agreed(), POLICE, KEYS[POLICE].private, pair_of("new").public, NOW_S))
    desk.put(desk.data, rotate(agreed(), POLICE, KEYS[POLICE].private, pair_of("thief").public, NOW_S))
    assert desk.granted() == []
    assert ["do not fit each other" in trouble for trouble in desk.troubles()] == [True]


def test_a_revoked_copy_cannot_be_hidden_by_putting_another_agreement_into_its_place(desk: Desk) -> None:
    desk.put(desk.lab, agreed())
    desk.put(desk.data, agreed(iv="11111111-1111-4111-8111-111111111111"), file_name(agreed()))
    assert desk.granted() == []
    assert any("holds another agreement than its name says" in trouble for trouble in desk.troubles())


def test_a_folder_that_cannot_be_listed_from_the_start_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("not a folder")
    book = Book([tmp_path / "b", tmp_path / "a"], Wall())
    assert book.granted() == ()
    assert [f"{tmp_path / 'a'}: cannot be listed" in known.trouble for known in book.all()] == [True]


def test_nothing_is_granted_while_a_folder_cannot_be_listed(desk: Desk) -> None:
    desk.put(desk.lab, agreed())
    assert desk.granted() == ["valid"]
    desk.data.rmdir()
    desk.data.write_text("not a folder")
    assert desk.granted() == []
    assert "cannot be listed" in desk.troubles()[0]
    desk.data.unlink()
    assert desk.granted() == ["valid"]


def test_time_alone_ends_an_agreement_and_a_clock_set_back_does_not_bring_it_back(desk: Desk) -> None:
    desk.put(desk.lab, agreed())
    desk.wall.now_s = UNTIL_S - 1
    assert desk.granted() == ["valid"]
    desk.wall.now_s = UNTIL_S
    assert desk.granted() == ["expired"]
    desk.wall.now_s = FROM_S + 1
    assert desk.granted() == ["expired"]


def test_an_acceptance_from_a_clock_ahead_counts_when_its_time_comes(desk: Desk) -> None:
    ahead = sign(sign(proposed(), CITY, KEYS[CITY].private, "accept", NOW_S), POLICE, KEYS[POLICE].private, "accept", NOW_S + 120)
    desk.put(desk.lab, ahead)
    assert desk.granted() == ["proposed"]
    desk.wall.now_s += 59
    assert desk.granted() == ["proposed"]
    desk.wall.now_s += 1
    assert desk.granted() == ["valid"]


def test_what_is_kept_is_checked_and_united(desk: Desk) -> None:
    one = sign(proposed(), CITY, KEYS[CITY].private, "accept", NOW_S)
    assert desk.book.keep(one).status == "proposed"
    known = desk.book.keep(sign(proposed(), POLICE, KEYS[POLICE].private, "accept", NOW_S))
    assert isinstance(known, Known)
    assert (known.status, known.path) == ("valid", desk.data / file_name(one))
    with pytest.raises(RuimteError, match="was signed under other terms"):
        desk.book.keep(msgspec.structs.replace(proposed(grant(purpose="other")), signatures=one.signatures))
    assert desk.granted() == ["valid"]


def test_only_a_partys_key_signs_what_is_there(desk: Desk) -> None:
    desk.put(desk.lab, proposed())
    hashed = content_hash(proposed().content)
    with pytest.raises(RuimteError, match="is no party's key"):
        desk.book.sign(hashed, "accept", pair_of("nobody"))
    with pytest.raises(RuimteError, match="there is no such agreement"):
        desk.book.sign("x", "accept", KEYS[CITY])
    assert desk.book.sign(hashed, "accept", KEYS[CITY]).status == "proposed"
    assert desk.book.sign(hashed, "accept", KEYS[POLICE]).status == "valid"


def test_two_books_do_not_lose_each_others_signatures(desk: Desk) -> None:
    hashed = desk.book.keep(proposed()).hash
    other = Book([desk.lab, desk.data], desk.wall)
    desk.book.sign(hashed, "accept", KEYS[CITY])
    assert other.sign(hashed, "accept", KEYS[POLICE]).status == "valid"
    assert desk.granted() == ["valid"]


def test_twenty_files_that_do_not_change_cost_next_to_nothing(desk: Desk) -> None:
    for number in range(20):
        made = agreed(iv=f"06338364-8305-7b74-8000-de49635031{number:02d}")
        path = desk.put(desk.lab, made, f"{number}.json")
        os.utime(path, ns=(1, 1))
    time.sleep(0.15)  # their change lies long enough ago to be trusted
    assert len(desk.granted()) == 20
    assert len(desk.book._files) == 20
    assert all(file.settled for file in desk.book._files.values())
    took = []
    for _ in range(50):
        begun = time.perf_counter()
        desk.book.granted()
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.001
    assert write_document(agreed())


def test_what_was_signed_long_ago_counts_from_when_it_was_in_force_here(desk: Desk) -> None:
    """The other side signed last week and hands the file over today: until today nobody here was told what it gives."""
    desk.put(desk.lab, agreed())  # both signed at FROM_S
    assert [one.signed_us for one in desk.book.granted()] == [NOW_S * 1_000_000]
    hashed = desk.book.all()[0].hash
    assert desk.book.since() == {hashed: NOW_S}
    later = Book([desk.lab, desk.data], lambda: (NOW_S + 3600) * 1_000_000)
    later.recall([], {hashed: NOW_S}, NOW_S + 60)  # the node was started again
    assert [one.signed_us for one in later.granted()] == [NOW_S * 1_000_000]


def test_a_clock_that_is_behind_the_log_does_not_bring_back_what_has_expired(desk: Desk) -> None:
    desk.put(desk.lab, agreed())
    assert desk.granted() == ["valid"]
    desk.book.recall([], {}, UNTIL_S)
    assert desk.granted() == ["expired"]


def test_what_a_grant_gave_is_remembered_when_its_file_is_gone(desk: Desk) -> None:
    path = desk.put(desk.lab, agreed())
    assert (desk.granted(), desk.book.lost()) == (["valid"], ())
    path.unlink()
    assert desk.granted() == []
    assert [one.grant.consumer for one in desk.book.lost()] == [POLICE]
    desk.put(desk.lab, agreed())
    assert (desk.granted(), desk.book.lost()) == (["valid"], ())
