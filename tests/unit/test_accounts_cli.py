"""Accounts from the command line, while a node has them open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ruimte.cli import main
from ruimte.clock import SystemClock
from ruimte.jobs.accounts import first_link
from ruimte.lab.new import new_lab
from ruimte.model.role import Actor
from ruimte.store.accounts import StoredAccounts


@pytest.fixture
def ruimte(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    new_lab(tmp_path / "town")

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["account", words[0], "town", *words[1:], "--data", str(tmp_path)])

    return run


@pytest.fixture
def node(tmp_path, ruimte):
    with StoredAccounts(tmp_path / "town.accounts.db", SystemClock().now_us) as held:
        yield held


def test_an_account_is_made_changed_and_removed_while_the_node_runs(ruimte, node: StoredAccounts, tmp_path: Path) -> None:
    made = ruimte("add", "j.jansen", "--role", "operator", "--url", "https://crowd.example.org")
    assert made.output.startswith("https://crowd.example.org/sign-in/")
    session = node.redeem(made.output.strip().rpartition("/")[2])
    assert node.actor(session) == Actor("j.jansen", "operator")
    assert ruimte("list").output == "j.jansen: operator (no password)\n"
    assert ruimte("role", "j.jansen", "--role", "privacy-officer").output == "j.jansen: privacy-officer\n"
    assert node.actor(session) is None
    link = json.loads(ruimte("link", "j.jansen", "--json").output)["link"]
    assert node.actor(node.redeem(link.rpartition("/")[2])) == Actor("j.jansen", "privacy-officer")
    assert [row["name"] for row in json.loads(ruimte("list", "--json").output)] == ["j.jansen"]
    assert ruimte("remove", "j.jansen").output == "j.jansen: removed\n"
    assert node.all() == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "jo", "--role", "boss"), "one of: viewer, operator"),
        (("add", "<b>", "--role", "viewer"), "is no name for an account"),
        (("role", "kim", "--role", "viewer"), "no account 'kim'"),
        (("remove", "kim"), "no account 'kim'"),
        (("link", "kim"), "no account 'kim'"),
    ],
)
def test_what_cannot_be_is_one_line(ruimte, words: tuple[str, ...], told: str) -> None:
    done = ruimte(*words)
    assert done.exit_code == 1
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_first_link_makes_an_administrator_once(node: StoredAccounts) -> None:
    for _ in range(2):
        assert node.actor(node.redeem(first_link(node))) == Actor("admin", "admin")
    assert [account.name for account in node.all()] == ["admin"]
