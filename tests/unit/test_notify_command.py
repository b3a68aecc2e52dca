"""``ruimte notify``: the channels, how they do, a trial of one, and the key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from receivers import Receiver
from ruimte.cli import main
from ruimte.keys.signature import verify


def run(data: Path, *words: str, environment: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, ["notify", "auckland", "--data", str(data), *words], env=environment)


@pytest.fixture
def wall(tmp_path: Path) -> Receiver:
    """A receiver, listed as the channel ``wall``."""
    receiver = Receiver()
    with receiver:
        text = f'[[channel]]\nkey = "wall"\nkind = "webhook"\naddress = "{receiver.url()}?key=abc"\nallow_private = true\n'
        (tmp_path / "node.toml").write_text(text)
        yield receiver


def test_a_trial_says_what_came_back(wall: Receiver, tmp_path: Path) -> None:
    done = run(tmp_path, "--test", "wall")
    assert done.exit_code == 0, done.output
    assert done.output == f"wall: taken by {wall.url()}\n"
    public = json.loads(run(tmp_path, "--key", "--json").output)["public"]
    message = wall.received[0]
    body = json.loads(verify(message.headers["ruimte-signature"], public, message.body).payload)
    assert body["type"] == "org.ruimte.test"
    assert "Test of channel wall" in body["data"]["headline"]
    wall.answers.append((503, {}))
    failed = run(tmp_path, "--test", "wall")
    assert (failed.exit_code, failed.output) == (
        1,
        f"ruimte: wall ({wall.url()}): not taken: the receiver answered 503; mend it, then try again\n",
    )


def test_the_channels_are_listed_also_before_the_node_ever_ran(wall: Receiver, tmp_path: Path) -> None:
    row = json.loads(run(tmp_path, "--json").output)["channels"][0]
    assert (row["key"], row["kind"], row["waiting"], row["failing_since"]) == ("wall", "webhook", 0, None)
    assert "abc" not in run(tmp_path).output


def test_without_channels_it_says_where_they_go(tmp_path: Path) -> None:
    assert run(tmp_path).output == "no channels: list them in node.toml\n"


@pytest.mark.parametrize("words", [["--test", "wal"], ["--test", "wall"]])
def test_mistakes_are_one_line(words: list[str], tmp_path: Path) -> None:
    text = '[[channel]]\nkey = "wall"\nkind = "webhook"\naddress = "https://wall.example.org/"\ntoken_env = "NO_SUCH_TOKEN"\n'
    (tmp_path / "node.toml").write_text(text)
    done = run(tmp_path, *words)
    assert done.exit_code == 1
    assert len(done.output.splitlines()) == 1
    assert ("NO_SUCH_TOKEN is not set" in done.output) == (words[1] == "wall")


def test_the_key_stays_the_same_and_is_only_the_public_one(tmp_path: Path) -> None:
    first, again = run(tmp_path, "--key"), run(tmp_path, "--key")
    assert first.output == again.output
    private = json.loads((tmp_path / "auckland.keys.json").read_text())["private"]
    assert private not in first.output
