"""The channels of node.toml: what may stand there, and which steps they want."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ruimte.errors import RuimteError
from ruimte.notify.channels import read_channels
from ruimte.notify.keys import known_node_keys, node_keys
from ruimte.notify.secrets import secret
from ruimte.settings import read_node_file

HOOK: dict[str, Any] = {"key": "wall", "kind": "webhook", "address": "https://wall.example.org/in?token=abc"}
MAIL: dict[str, Any] = {
    "key": "duty",
    "kind": "email",
    "address": "smtp://mail.example.org",
    "sender": "a@b.nl",
    "to": ["c@d.nl"],
}


def channel(**changes: Any) -> Any:
    return read_channels([HOOK | changes], "node.toml")[0]


@pytest.mark.parametrize(
    ("table", "what"),
    [
        (HOOK | {"addres": "x"}, "unknown field `addres`"),
        (HOOK | {"kind": "pigeon"}, "pigeon"),
        (HOOK | {"key": "The Wall"}, "$.key"),
        (HOOK | {"priority": 4}, "$.priority"),
        (HOOK | {"steps": ["opend"]}, "no such step: opend"),
        (HOOK | {"give_up_after": "soon"}, "give_up_after"),
        (HOOK | {"address": "http://wall.example.org/in"}, "without TLS only in a network of one's own"),
        (HOOK | {"address": "https://me:secret@wall.example.org/"}, "do not go into the file"),
        (HOOK | {"address": "ftp://wall.example.org/"}, "is none, write it like https://HOST"),
        (HOOK | {"address": "https://wall.example.org:99999/"}, "Port out of range"),
        (MAIL | {"to": []}, "$.to"),
        (MAIL | {"to": ["c@d.nl\r\nBcc: e@f.nl"]}, "$.to[0]"),
        (MAIL | {"user": "duty"}, "user and password_env"),
        (MAIL | {"password_env": "my password"}, "$.password_env"),
        ({"key": "q", "kind": "mqtt", "address": "mqtt://broker.example.org/path"}, "nothing may follow the port"),
        ({"key": "q", "kind": "mqtt", "address": "mqtt://broker.example.org", "topic": "a/#"}, "$.topic"),
        ({"key": "p", "kind": "push", "contact": "me"}, "$.contact"),
    ],
)
def test_a_channel_that_is_wrong_is_told_in_one_line(table: dict[str, Any], what: str) -> None:
    with pytest.raises(RuimteError) as caught:
        read_channels([table], "node.toml")
    assert what in str(caught.value)
    assert str(caught.value).startswith("node.toml, channel ")
    assert "\n" not in str(caught.value)


def test_keys_are_unique() -> None:
    with pytest.raises(RuimteError, match="used twice"):
        read_channels([HOOK, HOOK], "node.toml")


def test_a_query_which_may_be_a_secret_is_not_shown() -> None:
    assert channel().where == "https://wall.example.org/in"


def test_a_channel_wants_what_is_urgent_enough_and_how_it_goes_on() -> None:
    urgent = channel(priority=1)
    assert urgent.wants("opened", 1, told=False)
    assert not urgent.wants("opened", 2, told=False)
    assert urgent.wants("lowered", 3, told=True)
    assert not urgent.wants("updated", 1, told=True)
    assert channel(steps=["updated"]).wants("updated", 3, told=False)
    assert not channel(steps=["opened"]).wants("closed", 1, told=True)
    assert not channel().wants("closed", 1, told=False), "the end of what was never told"
    assert channel(steps=["closed"]).wants("closed", 1, told=False)
    assert channel().wants("handed-over", 3, told=False), "a step of a later version goes out too"


def test_the_node_file_forbids_what_it_does_not_know(tmp_path: Path) -> None:
    assert read_node_file(tmp_path).channel == ()
    (tmp_path / "node.toml").write_text("chanel = 1\n")
    with pytest.raises(RuimteError, match="chanel"):
        read_node_file(tmp_path)
    (tmp_path / "node.toml").write_text("[[channel]\n")
    with pytest.raises(RuimteError, match=r"node\.toml"):
        read_node_file(tmp_path)
    (tmp_path / "node.toml").write_text('[[channel]]\nkey = "wall"\n')
    assert read_node_file(tmp_path).channel == ({"key": "wall"},)


def test_secrets_come_from_the_environment() -> None:
    assert secret({}, None, "duty") is None
    assert secret({"PASS": "x y"}, "PASS", "duty") == "x y"
    with pytest.raises(RuimteError, match="PASS is not set"):
        secret({}, "PASS", "duty")
    with pytest.raises(RuimteError, match="more than one line"):
        secret({"PASS": "x\r\nEvil: yes"}, "PASS", "duty")


def test_the_nodes_keys_are_made_once_and_only_for_the_node(tmp_path: Path) -> None:
    first = node_keys(tmp_path, "town")
    path = tmp_path / "town.keys.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert node_keys(tmp_path, "town") == first
    assert first.private not in str(first.id)
    assert [each.name for each in tmp_path.iterdir()] == ["town.keys.json"]
    path.chmod(0o644)
    with pytest.raises(RuimteError, match="chmod 600"):
        node_keys(tmp_path, "town")
    path.chmod(0o600)
    path.write_text("{}")
    with pytest.raises(RuimteError, match="does not hold the node's keys"):
        node_keys(tmp_path, "town")


def test_keys_that_are_only_looked_for_are_not_made(tmp_path: Path) -> None:
    with pytest.raises(RuimteError, match="there is no key of the node of town; is --data right"):
        known_node_keys(tmp_path / "data", "town")
    assert not (tmp_path / "data").exists()
    made = node_keys(tmp_path, "town")
    assert known_node_keys(tmp_path, "town") == made
