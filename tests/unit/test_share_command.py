"""``ruimte share``: from terms to a signed agreement and its end; every mistake is one line."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agreed import CITY, KEYS, NOW_S, POLICE, agreed, grant, proposed
from ruimte.cli import main
from ruimte.jobs.agreement_files import write_agreement, write_key_file
from ruimte.jobs.agreements import Book
from ruimte.keys.signature import public_of
from ruimte.labs import lab_folder
from ruimte.notify.keys import node_keys
from ruimte.share.agreement import Form, What
from ruimte.share.contract import sign


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["share", *map(str, words)])


def told(*words: object) -> str:
    done = run(*words)
    assert done.exit_code == 0, done.output
    return done.output


def mistake(*words: object) -> str:
    done = run(*words)
    assert done.exit_code == 1, done.output
    assert isinstance(done.exception, SystemExit)
    assert done.output.startswith("ruimte: ")
    assert done.output.count("\n") == 1
    return done.output


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything happens in a folder of its own, in the middle of the made-up agreements' time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUIMTE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("ruimte.cli_share.now_us", lambda: NOW_S * 1_000_000)


def keys() -> None:
    for name, party in (("city.key", CITY), ("police.key", POLICE)):
        write_key_file(Path(name), KEYS[party])
        Path(f"{name}.pub").write_text(KEYS[party].public + "\n")


def example(old: str = "", new: str = "") -> str:
    """The example's terms, with a change that is really one."""
    text = told("propose", "--example")
    assert old in text
    Path("terms.toml").write_text(text.replace(old, new))
    return "terms.toml"


# --- the way --------------------------------------------------------------------------------------------------------


def test_from_terms_to_an_agreement_and_back() -> None:
    keys()
    assert "waits for City of Example and Police of Example" in told("propose", example(), "--out", "a.json")
    assert "waits for Police of Example" in told("sign", "a.json", "--key", "city.key")
    assert told("sign", "a.json", "--key", "police.key", "--party", POLICE) == "a.json: valid, until 2027-05-31 22:00:00 UTC\n"
    assert json.loads(told("verify", "a.json", "--lab", "boulevard", "--json"))["status"] == "valid"
    assert "revoked by City of Example" in told("revoke", "a.json", "--key", "city.key")
    assert json.loads(told("show", "a.json", "--json"))["signatures"][-1]["action"] == "revoke"


def test_who_refuses_ends_it() -> None:
    keys()
    write_agreement(Path("a.json"), proposed())
    assert "rejected by Police of Example" in told("reject", "a.json", "--key", "police.key")
    assert "the agreement was rejected by" in mistake("sign", "a.json", "--key", "city.key")


def test_a_new_key_signs_in_place_of_the_old() -> None:
    keys()
    write_agreement(Path("a.json"), agreed())
    told("keygen", "--out", "new.key")
    told("rotate", "a.json", "--key", "police.key", "--new-key", "new.key.pub")
    assert "is no party's key" in mistake("revoke", "a.json", "--key", "police.key")
    assert "revoked by Police of Example" in told("revoke", "a.json", "--key", "new.key")


def test_a_private_key_is_for_its_owner_only_and_never_written_over() -> None:
    printed = json.loads(told("keygen", "--out", "my.key", "--json"))
    assert stat.S_IMODE(Path("my.key").stat().st_mode) == 0o600
    private = json.loads(Path("my.key").read_text())["private"]
    assert private not in json.dumps(printed)
    assert printed["public"] == public_of(private) == Path("my.key.pub").read_text().strip()
    assert "is there already" in mistake("keygen", "--out", "my.key")
    assert json.loads(Path("my.key").read_text())["private"] == private
    Path("my.key").chmod(0o644)
    write_agreement(Path("a.json"), proposed())
    assert "others on this machine can read" in mistake("sign", "a.json", "--key", "my.key")


def test_show_says_in_words_what_one_signs() -> None:
    what = What(kinds=("state", "forecast"), zones=("a", "b"), quantities=("people",), contributions=("closures",))
    form = Form(exactness="suppressed", minimum=10, round_to=5, areas={"north": ("a", "b")})
    write_agreement(Path("a.json"), agreed(grant(what=what, form=form)))
    lines = told("show", "a.json").splitlines()
    assert "grant 1: Police of Example gets from City of Example, of lab boulevard" in lines
    for line in (
        "  for       event-safety",
        "  gives     how it is now, what is expected",
        "  takes     closures",
        "  form      steps of 5m, in multiples of 5, left out where it rests on fewer than 10",
        "  area      north = a + b",
        "  duties    delete after 30d; name City of Example as the source; may not pass it on",
    ):
        assert line in lines
    assert json.loads(told("show", "a.json", "--odrl"))[0]["type"] == "Agreement"


# --- a node ---------------------------------------------------------------------------------------------------------


def test_a_node_signs_with_its_own_key_and_keeps_what_it_signed(tmp_path: Path) -> None:
    keys()
    Path("city.key.pub").write_text(node_keys(tmp_path / "data", "boulevard").public)
    told("propose", example(), "--out", "a.json")
    told("sign", "a.json", "--lab", "boulevard")
    told("sign", "a.json", "--key", "police.key")
    assert "waits for Police" in told("show", "--lab", "boulevard")  # what the police signed has not come back yet
    told("revoke", "a.json", "--lab", "boulevard")
    book = Book([tmp_path / "data" / "boulevard.agreements"], lambda: NOW_S * 1_000_000)
    assert [each.status for each in book.granted()] == ["revoked"]
    assert "revoked by City of Example" in told("show", "--lab", "boulevard")
    assert json.loads(told("show", "--lab", "boulevard", "--json"))["agreements"][0]["status"] == "revoked"


@pytest.mark.parametrize("act", [["sign"], ["reject"], ["revoke"], ["rotate", "--new-key", "city.key.pub"]])
def test_a_data_folder_without_a_key_is_named_and_left_as_it_is(act: list[str]) -> None:
    keys()
    write_agreement(Path("a.json"), proposed())
    found = mistake(act[0], "a.json", *act[1:], "--lab", "boulevard", "--data", "elsewhere")
    assert f"{Path('elsewhere/boulevard.keys.json')}: there is no key of the node of boulevard; is --data right?" in found
    assert not Path("elsewhere").exists()


def test_a_node_does_not_accept_to_give_what_it_does_not_have(tmp_path: Path) -> None:
    keys()
    Path("city.key.pub").write_text(node_keys(tmp_path / "data", "boulevard").public)
    told("propose", example('"pier-square"', '"moon-square"'), "--out", "a.json")
    assert "boulevard has no zone 'moon-square'" in mistake("sign", "a.json", "--lab", "boulevard")
    assert "boulevard has no zone 'moon-square'" in mistake("verify", "a.json", "--lab", "boulevard")


def test_a_node_does_not_accept_to_give_of_another_lab_only(tmp_path: Path) -> None:
    keys()
    Path("city.key.pub").write_text(node_keys(tmp_path / "data", "boulevard").public)
    told("propose", example('lab = "boulevard"', 'lab = "town"'), "--out", "a.json")
    said = f"{CITY} gives of lab town; this node's is boulevard"
    assert said in mistake("sign", "a.json", "--lab", "boulevard")
    assert said in mistake("verify", "a.json", "--lab", "boulevard")
    told("verify", "a.json", "--lab", "boulevard", "--data", "elsewhere")  # who the node is, is not known there
    assert not Path("elsewhere").exists()
    told("reject", "a.json", "--lab", "boulevard")


def test_a_party_of_two_labs_accepts_at_the_node_of_either(tmp_path: Path) -> None:
    keys()
    Path("city.key.pub").write_text(node_keys(tmp_path / "data", "boulevard").public)
    terms = Path(example())
    text = terms.read_text()
    start = text.index("\n[[grant]]")
    terms.write_text(text + "\n" + text[start:].replace('lab = "boulevard"', 'lab = "town"'))
    told("propose", terms, "--out", "a.json")
    assert "waits for Police of Example" in told("sign", "a.json", "--lab", "boulevard")


def test_check_looks_at_the_labs_agreements(tmp_path: Path) -> None:
    lab = tmp_path / "boulevard"
    shutil.copytree(lab_folder("boulevard"), lab)
    write_agreement(lab / "agreements" / "good.json", agreed())
    assert CliRunner().invoke(main, ["check", str(lab)]).exit_code == 0
    (lab / "agreements" / "bad.json").write_text("{")
    write_agreement(lab / "agreements" / "odd.json", agreed(grant(form=Form(exactness="suppressed", minimum=5, step="1m"))))
    done = CliRunner().invoke(main, ["check", str(lab)])
    assert done.exit_code == 1
    assert "agreements/bad.json: is not JSON; take the file as it was signed" in done.output
    assert "agreements/odd.json, grants[0].properties.form.step: 1m is not a whole number of ticks" in done.output


@pytest.mark.parametrize(
    ("what", "form", "told_"),
    [
        (What(kinds=("state",), zones=("sand",), quantities=("people",)), {}, "no zone 'sand'"),
        (What(kinds=("state",), gates=("pier",), quantities=("flow",)), {}, "no gate 'pier'"),
        (What(kinds=("state",), gates=("sand",), quantities=("people",)), {}, "people is of zones, and none is given"),
        (What(kinds=("state",), zones=("pier",), quantities=("flow",)), {}, "flow is of gates and count points"),
    ],
)
def test_what_a_lab_does_not_have_cannot_be_given(what: What, form: dict[str, object], told_: str) -> None:
    write_agreement(Path("a.json"), agreed(grant(what=what)))
    assert told_ in mistake("verify", "a.json", "--lab", "boulevard")


# --- mistakes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "told_"),
    [
        ("format = 1", "format = 2", "format 2 is newer than this version knows"),
        ("format = 1", "", "does not say its format"),
        ("format = 1", "format = ", "is not TOML"),
        ('group = "example-city"', "", "terms.toml: field 'group' is missing; add it"),
        ('group = "example-city"', 'group = "example-city"\nhost = "x"', "no field 'host'; its fields are format, group, valid"),
        ('group = "example-city"', 'group = "example city"', "terms.toml, field group: is not the name of a group"),
        ('purpose = "event-safety"', 'purpos = "event-safety"', "grant 1: there is no field 'purpos'; did you mean purpose?"),
        ("minimum = 10", "minimun = 10", "grant 1, form: there is no field 'minimun'; did you mean minimum?"),
        ("valid_from = 2026-06-01", 'valid_from = "soon"', "field valid_from: is not a day"),
        ("valid_from = 2026-06-01", "valid_from = 2028-06-01", "terms.toml, field valid_until: it ends before it begins"),
        ("valid_until = 2027-05-31", "valid_until = 2026-09-01", "terms.toml, field valid_until: is over already"),
        ('name = "Police of Example"', 'name = " "', "terms.toml, party 2, name: the text is empty"),
        ('"Europe/Amsterdam"', '"Europe/Leiden"', "unknown time zone"),
        ('on_withdrawal = "ends"', 'on_withdrawal = "never"', "'never' is not known"),
        ('public_key_file = "city.key.pub"', "", "give one of public_key and public_key_file"),
        ('public_key_file = "city.key.pub"', 'public_key_file = "no.pub"', "there is no such file"),
        ('public_key_file = "city.key.pub"', 'public_key_file = "terms.toml"', "is not an Ed25519 key"),
        ('purpose = "event-safety"', 'purpose = "Event safety"', "terms.toml, grant 1, purpose"),
        (
            'kinds = ["state", "history"]',
            'kinds = ["state", "warning"]',
            "grant 1, what.kinds: 'warning' is not known; write one of state, forecast, warnings, history",
        ),
        (
            'zones = ["pier-square", "promenade-middle"]',
            'zones = "all"',
            "grant 1, what.zones: expected array, got str; write a list",
        ),
        ("minimum = 10", "minimum = 0", "nothing would be left out"),
        (
            'purpose = "event-safety"',
            '"x` - at `$.form\\n" = 1',
            "grant 1: there is no field 'x` - at `$.form?'; its fields are provider",
        ),
        ("[grant.what]\n", "[grant.form.areas]\nsquare = 1\n[grant.what]\n", "grant 1, form.areas: expected array, got int"),
        ('step = "15m"', "step = 15", "grant 1, form.step: expected str, got int; write a text in quotes"),
    ],
)
def test_terms_that_are_wrong_are_told_in_one_line(old: str, new: str, told_: str) -> None:
    keys()
    assert told_ in mistake("propose", example(old, new), "--out", "a.json")
    assert not Path("a.json").exists()


def test_an_agreement_is_not_written_over_and_few_is_ten_where_nobody_says() -> None:
    keys()
    told("propose", example("minimum = 10", "# minimum"), "--out", "a.json")
    assert json.loads(Path("a.json").read_text())["content"]["grants"][0]["properties"]["form"]["minimum"] == 10
    assert "is there already" in mistake("propose", "terms.toml", "--out", "a.json")


def test_files_that_are_wrong_are_told_in_one_line(tmp_path: Path) -> None:
    keys()
    write_agreement(Path("a.json"), proposed())
    Path("empty.json").write_text("")
    assert "there is no such file" in mistake("verify", "none.json")
    assert "is not a file" in mistake("verify", tmp_path)
    assert "empty.json: is empty" in mistake("verify", "empty.json")
    assert "is not JSON" in mistake("sign", "city.key.pub", "--key", "city.key")
    assert "is not an agreement" in mistake("sign", "city.key", "--key", "city.key")
    Path("b.json").write_bytes(Path("a.json").read_bytes())
    Path("a.json").chmod(0o600)
    assert "is not a key" in mistake("sign", "b.json", "--key", "a.json")
    assert "there is no such file" in mistake("sign", "b.json", "--key", "none.key")
    assert "city.key.pub: this is the public key, which cannot sign; give city.key\n" in mistake(
        "sign", "b.json", "--key", "city.key.pub"
    )
    assert "there is no such folder" in mistake("sign", "b.json", "--lab", "nowhere")
    assert "is not a party" in mistake("sign", "b.json", "--key", "city.key", "--party", "urn:x:nobody")
    assert "this key is not the party's" in mistake("sign", "b.json", "--key", "city.key", "--party", POLICE)
    changed = Path("b.json").read_text().replace('"minimum": 10', '"minimum": 1')
    Path("c.json").write_text(changed)
    assert "policy" in mistake("verify", "c.json")
    signed = sign(proposed(), CITY, KEYS[CITY].private, "accept", NOW_S)
    write_agreement(Path("d.json"), signed)
    Path("d.json").write_text(Path("d.json").read_text().replace('"example"', '"elsewhere"'))
    assert "signatures.accept, urn:nld:oin:00000099000000001000: was signed under other terms" in mistake("verify", "d.json")


@pytest.mark.parametrize(
    "words",
    [
        ["sign", "a.json"],
        ["sign", "a.json", "--key", "k", "--lab", "boulevard"],
        ["sign", "a.json", "--key", "k", "--data", "d"],
        ["verify", "a.json", "--data", "d"],
        ["propose", "--out", "a.json"],
        ["propose", "t.toml"],
        ["propose", "t.toml", "--example"],
        ["show"],
        ["show", "a.json", "--lab", "boulevard"],
    ],
)
def test_wrong_usage_is_told(words: list[str]) -> None:
    assert run(*words).exit_code == 2


def test_a_file_that_cannot_be_written_leaves_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    keys()
    write_agreement(Path("a.json"), proposed())
    before = Path("a.json").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ruimte.jobs.agreement_files.os.fsync", full)
    assert "cannot be written (No space left on device)" in mistake("sign", "a.json", "--key", "city.key")
    assert Path("a.json").read_bytes() == before
    assert list(Path().glob("*.part")) == []
