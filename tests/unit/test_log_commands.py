"""The commands of the log, and what they say of files that were changed on the way."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from agreed import proposed
from ledger_world import NOW_US, ORIGIN, POLICE, POLICE_ID
from ruimte.cli import main
from ruimte.errors import RuimteError
from ruimte.jobs.agreements import Book
from ruimte.jobs.log import Log, log_origin, log_path
from ruimte.jobs.node_log import earlier_keys, node_name
from ruimte.jobs.proving import Trust, trust, verify
from ruimte.keys.signature import generate
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.ledger.checkpoint import cosign
from ruimte.ledger.entry import BODY_HASH, body_hash
from ruimte.ledger.note import COSIGNATURE, note_key, read_note
from ruimte.notify.keys import node_keys
from ruimte.share.agreement import Agreement, Party
from ruimte.share.contract import content_hash, rotate
from ruimte.share.releases import release_payload

BODY = b'{"zones": []}'
PARTY = ORIGIN.rpartition("/")[0]


class World:
    """A lab with a log of 20 releases, which the police witnessed, and then of five more."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lab, self.data = folder / "town", folder / "data"
        new_lab(self.lab)
        self.keys = node_keys(self.data, read_lab(self.lab).key)
        with self.open() as log:
            self.key = str(log.key)
            log.append_many([("release", {BODY_HASH: body_hash(BODY), "n": number}) for number in range(20)]).result()
            shown = log.checkpoint()
            shown += str(cosign(read_note(shown).text, POLICE_ID, POLICE.private, NOW_US // 1_000_000))
            log.cosign(shown, [(POLICE_ID, POLICE.public)])
            self.older = self.write("older.txt", shown)
            log.append_many([("decision", {}) for _ in range(5)]).result()
            self.newest = self.write("newest.txt", log.checkpoint())
            self.grown = self.write("grown.txt", log.consistency_file(20))

    def open(self) -> Log:
        path = log_path(self.data, read_lab(self.lab).key)
        return Log(path, ORIGIN, (self.keys.private, self.keys.public), lambda: NOW_US)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def run(self, *words: object) -> Result:
        return CliRunner().invoke(main, ["log", *map(str, words)])

    def verify(self, *words: object) -> Result:
        return self.run("verify", *words, "--key", self.key)

    def make(self, *words: object) -> Path:
        out = self.folder / "out.txt"
        done = self.run(words[0], self.lab, *words[1:], "--out", out, "--data", self.data)
        assert done.exit_code == 0, done.output
        return out


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_show_tells_size_key_checkpoint_and_witnesses(world: World) -> None:
    done = world.run("show", world.lab, "--data", world.data)
    assert done.exit_code == 0
    for said in ("25", world.key, f"{POLICE_ID} up to entry 20", *world.newest.read_text().split()):
        assert said in done.output
    told = json.loads(world.run("show", world.lab, "--data", world.data, "--json").output)
    assert told["size"] == 25
    assert told["witnesses"] == [{"name": POLICE_ID, "size": 20, "at": NOW_US // 1_000_000}]


def test_without_a_log_the_commands_say_so(world: World) -> None:
    done = world.run("show", world.lab, "--data", world.folder / "elsewhere")
    assert done.exit_code == 1
    assert "there is no log yet" in done.output
    assert not (world.folder / "elsewhere").exists()


def test_an_export_is_in_order_and_begins_with_what_was_before(world: World) -> None:
    out = world.make("export")
    done = world.verify(out, "--since", world.older)
    assert done.exit_code == 0, done.output
    assert "all 25 entries" in done.output
    assert "the 20 of before" in done.output


def test_one_entry_is_one(tmp_path: Path) -> None:
    world = World(tmp_path)
    log_path(world.data, "town").unlink()
    with world.open() as log:
        log.append("decision", {}).result()
    out = tmp_path / "one.txt"
    assert "(1 entry)" in world.run("export", world.lab, "--out", out, "--data", world.data).output
    assert f"in order: the 1 entry of {ORIGIN} is as it was signed" in world.verify(out).output


def test_an_export_of_an_empty_log_is_in_order(tmp_path: Path) -> None:
    world = World(tmp_path)
    log_path(world.data, "town").unlink()
    world.open().close()
    assert world.verify(world.make("export")).exit_code == 0


@pytest.mark.parametrize(
    "change", ["a leaf", "one less", "one more", "one twice", "cut in the middle", "another checkpoint", "none"]
)
def test_every_change_of_an_export_is_seen(world: World, change: str) -> None:
    out = world.make("export")
    octets = out.read_bytes()
    lines = octets.splitlines(keepends=True)
    changed = {
        "a leaf": octets.replace(b'"release"', b'"decision"', 1),
        "one less": b"".join(lines[:-1]),
        "one more": octets + lines[-1],
        "one twice": b"".join([*lines[:-2], lines[-2], lines[-2]]),
        "cut in the middle": octets[:-10],
        "another checkpoint": octets.replace(b"\n25\n", b"\n24\n", 1),
        "none": octets,
    }[change]
    done = world.verify(world.write("changed.txt", changed))
    assert (done.exit_code == 0) == (change == "none"), done.output
    if change != "none":
        assert len(done.output.strip().splitlines()) == 1


def test_a_proof_shows_that_these_bytes_were_released_and_that_others_were_not(world: World) -> None:
    out = world.make("prove", 7)
    body, other = world.write("body.json", BODY), world.write("other.json", BODY + b" ")
    done = world.verify(out, "--data", body, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert (told["index"], told["entry"]["kind"], told["payload"]["n"], told["data"]) == (7, "release", 7, True)
    assert world.verify(out, "--data", other).exit_code == 1
    assert json.loads(world.verify(out, "--data", other, "--json").output)["ok"] is False


def test_a_proof_stays_good_when_what_it_commits_to_is_forgotten_but_tells_less(world: World) -> None:
    with world.open() as log:
        assert log.forget(NOW_US // 1_000_000 + 1) == 25
    out = world.make("prove", 7)
    assert world.verify(out).exit_code == 0
    done = world.verify(out, "--data", world.write("body.json", BODY))
    assert done.exit_code == 1
    assert "does not hold the payload" in done.output


def test_every_changed_letter_of_a_proof_is_seen(world: World) -> None:
    octets = world.make("prove", 7).read_bytes()
    whom = trust([world.key], None)
    signed = octets.index(f"— {POLICE_ID}".encode())  # what the witness signed is ignored, for its key is not given
    for place in range(signed):
        changed = octets[:place] + (b"A" if octets[place] != 65 else b"B") + octets[place + 1 :]
        with pytest.raises(RuimteError):
            verify(world.write("changed.txt", changed), whom, None, None)


@pytest.mark.parametrize("words", [("export",), ("prove", 7)])
def test_what_was_written_before_is_never_written_over(world: World, words: tuple[object, ...]) -> None:
    out = world.make(*words)
    before = out.read_bytes()
    done = world.run(words[0], world.lab, *words[1:], "--out", out, "--data", world.data)
    assert done.exit_code == 1
    assert done.output.strip().endswith("out.txt: is there already; choose another name, or move it away")
    assert out.read_bytes() == before
    assert list(world.folder.glob("*.part")) == []


def test_a_witness_is_named_only_where_its_key_is_given(world: World) -> None:
    witness = str(note_key(POLICE_ID, POLICE.public, COSIGNATURE))
    alone = world.verify(world.older).output
    assert "one witness's line that no given key proves: give the witness's with --key" in alone
    assert "witnessed by" not in alone
    assert json.loads(world.verify(world.older, "--json").output)["unproven_witnesses"] == 1
    assert "witnessed by nobody" in world.verify(world.newest).output
    assert f"witnessed by {POLICE_ID} at 2026-06-21" in world.verify(world.older, "--key", witness).output


def test_an_agreement_names_log_and_witness(world: World) -> None:
    parties = [(PARTY, world.keys.public), (POLICE_ID, POLICE.public)]
    agreement = world.write("agreement.json", msgspec.json.encode(an_agreement(parties)))
    done = world.run("verify", world.older, "--agreement", agreement)
    assert done.exit_code == 0, done.output
    assert f"witnessed by {POLICE_ID}" in done.output
    # the police's key is good for the police's log only
    agreement = world.write("agreement.json", msgspec.json.encode(an_agreement([(POLICE_ID, world.keys.public)])))
    assert world.run("verify", world.older, "--agreement", agreement).exit_code == 1


def test_a_receiver_proves_what_it_got_when_the_provider_has_forgotten_it(world: World) -> None:
    agreement = an_agreement([(PARTY, world.keys.public), (POLICE_ID, POLICE.public)])
    file = world.write("agreement.json", msgspec.json.encode(agreement))
    asked = {"agreement": content_hash(agreement.content), "grant": 0, "party": POLICE_ID, "purpose": "event-safety"}
    payload = release_payload(body_hash(BODY), "text/csv", action="read-history", **asked)
    with world.open() as log:
        receipt = log.append("release", payload).result()
        log.forget(NOW_US // 1_000_000 + 1)
        proof = world.write("release.tlog-proof", log.proof(receipt.index))
    body, other = world.write("body.csv", BODY), world.write("other.csv", BODY + b" ")
    right = ("--agreement", file, "--salt", receipt.salt)
    done = world.run("verify", proof, "--data", body, *right, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["payload"] == payload
    assert world.run("verify", proof, "--data", other, *right).exit_code == 1
    assert world.run("verify", proof, "--data", body, "--agreement", file, "--salt", "A" * 43).exit_code == 1
    assert world.run("verify", proof, "--data", body, "--agreement", file).exit_code == 1
    assert "give the agreement" in world.verify(proof, "--data", body, "--salt", receipt.salt).output


def test_a_log_goes_on_under_the_new_key_of_its_party_and_the_agreement_tells_of_both(world: World) -> None:
    parties = [(PARTY, world.keys.public), (POLICE_ID, POLICE.public)]
    new = generate()
    rotated = rotate(an_agreement(parties), PARTY, world.keys.private, new.public, NOW_US // 1_000_000)
    (world.lab / "agreements").mkdir()
    file = world.lab / "agreements" / "police.json"
    file.write_bytes(msgspec.json.encode(rotated))
    assert earlier_keys(Book([file.parent], lambda: NOW_US), new.public) == [world.keys.public]
    kept = world.data / "town.keys.json"
    kept.write_bytes(msgspec.json.encode(msgspec.structs.replace(world.keys, private=new.private, public=new.public)))
    out = world.make("export")
    assert world.run("verify", out, "--agreement", file).exit_code == 0
    assert world.run("verify", world.older, "--agreement", file).exit_code == 0  # of before
    file.unlink()
    done = world.run("show", world.lab, "--data", world.data)
    assert done.exit_code == 1
    assert "not signed by" in done.output


def test_a_log_that_began_before_its_party_had_a_name_is_believed_by_its_key(tmp_path: Path) -> None:
    pair = generate()
    origin = log_origin(node_name(pair.public), "town")
    with Log(tmp_path / "log.db", origin, pair, lambda: NOW_US) as log:
        (tmp_path / "checkpoint.txt").write_text(log.checkpoint())
    for public, right in ((pair.public, True), (POLICE.public, False)):
        whom = Trust(parties=((PARTY, public),))
        assert bool(whom.of_log(origin)) == right


def test_a_consistency_proof_is_checked_with_both_checkpoints(world: World) -> None:
    assert world.verify(world.grown, "--since", world.older).exit_code == 0
    assert world.verify(world.grown, "--since", world.newest).exit_code == 0
    text = world.grown.read_text()
    hashes = text.split("\n")
    hashes[1] = hashes[1][::-1] if hashes[1][0] == "=" else "A" + hashes[1][1:] if hashes[1][0] != "A" else "B" + hashes[1][1:]
    done = world.verify(world.write("changed.txt", "\n".join(hashes)))
    assert done.exit_code == 1
    assert "rewritten" in done.output


def test_two_checkpoints_of_different_size_prove_nothing_alone(world: World) -> None:
    assert world.verify(world.newest).exit_code == 0
    assert world.verify(world.newest, "--since", world.newest).exit_code == 0
    done = world.verify(world.newest, "--since", world.older)
    assert done.exit_code == 1
    assert "ask for an export" in done.output


def test_without_a_key_nothing_is_proved(world: World) -> None:
    done = world.run("verify", world.newest)
    assert done.exit_code == 1
    assert "without a key" in done.output
    other = str(note_key("another/log", POLICE.public))
    assert "whose key was not given" in world.run("verify", world.newest, "--key", other).output
    wrong = str(note_key(ORIGIN, POLICE.public))
    assert "not signed by" in world.run("verify", world.newest, "--key", wrong).output


@pytest.mark.parametrize("text", ["", "x", "ruimte-log@v1\n", "c2sp.org/tlog-proof@v1\n", "ruimte-consistency@v1\n", "\x00\xff"])
def test_a_file_that_is_none_of_these_gets_one_line(world: World, text: str) -> None:
    done = world.verify(world.write("none.txt", text.encode("latin-1")))
    assert done.exit_code == 1
    assert len(done.output.strip().splitlines()) == 1
    assert isinstance(done.exception, SystemExit)


def an_agreement(parties: list[tuple[str, str]]) -> Agreement:
    named = tuple(Party(id=party, name=party, public_key=public) for party, public in parties)
    agreement = proposed()
    return msgspec.structs.replace(agreement, content=msgspec.structs.replace(agreement.content, parties=named))
