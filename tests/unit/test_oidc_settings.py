"""The provider's settings: a mistake in them is one line that names the field and the mend."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from ruimte.errors import RuimteError
from ruimte.model.role import Actor
from ruimte.settings import NodeFile, OidcFile, read_node_file
from ruimte.web.oidc.client import client_of

DOCS = Path(__file__).parents[2] / "docs" / "security.md"
GOOD = {"issuer": "https://login.example.org/city", "client_id": "ruimte", "roles": {"ops": "operator"}}


def test_a_folder_without_a_file_has_no_settings(tmp_path: Path) -> None:
    assert read_node_file(tmp_path) == NodeFile()


def test_the_file_in_the_docs_is_read_and_describes_every_field(tmp_path: Path) -> None:
    text = DOCS.read_text()
    shown = re.search(r'```toml title="node.toml"\n(.*?)```', text, re.DOTALL)
    assert shown is not None
    (tmp_path / "node.toml").write_text(shown[1])
    file = read_node_file(tmp_path).oidc
    assert file is not None
    client = client_of(file, {"RUIMTE_OIDC_SECRET": "s"})
    assert client.actor({"sub": "1", "realm_access": {"roles": ["crowd-viewers"]}}) == Actor("1", "viewer")
    fields = {field.name for field in msgspec.structs.fields(OidcFile)} - {"roles"}
    assert [name for name in fields if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    ("written", "told"),
    [("[oidc]\nissuer = 1", "Expected `str`"), ("[oidc", "node.toml"), ('[oidc]\nissuer="x"\nclient_id="y"\nsecrt="z"', "secrt")],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, written: str, told: str) -> None:
    (tmp_path / "node.toml").write_text(written)
    with pytest.raises(RuimteError, match=told):
        read_node_file(tmp_path)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"issuer": "http://login.example.org"}, "no issuer"),
        ({"issuer": "login.example.org"}, "no issuer"),
        ({"issuer": "https://login.example.org/?x=1"}, "no issuer"),
        ({"scopes": ("profile",)}, "openid"),
        ({"roles": {}}, "gives nobody a role"),
        ({"roles": {"ops": "boss"}}, "'boss' is no role"),
        ({"secret_env": "NOT_SET"}, "set NOT_SET"),
    ],
)
def test_a_setting_that_cannot_be_is_named(changed: dict[str, object], told: str) -> None:
    with pytest.raises(RuimteError, match=told):
        client_of(OidcFile(**(GOOD | changed)), {})  # type: ignore[arg-type]


def test_the_environment_goes_before_the_file() -> None:
    client = client_of(OidcFile(**GOOD), {"RUIMTE_OIDC_ISSUER": "https://b.example", "RUIMTE_OIDC_CLIENT_ID": "c"})  # type: ignore[arg-type]
    assert (client.issuer, client.client_id, client.name) == ("https://b.example", "c", "b.example")


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://login.example.org/token", True),
        ("https://keys.example.org/k", True),
        ("http://login.example.org/token", False),
        ("https://login.example.org:8443/token", False),
        ("https://login.example.org@evil.example/token", False),
        ("https://me@login.example.org/token", False),
        ("file:///etc/passwd", False),
        ("//login.example.org/token", False),
    ],
)
def test_only_the_providers_own_hosts_are_asked(url: str, may: bool) -> None:
    assert client_of(OidcFile(**GOOD, hosts=("keys.example.org",)), {}).may_ask(url) is may  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "role"),
    [("ops", "operator"), (["x", "ops"], "operator"), ({"ops": {}}, "operator"), (7, None), ([["ops"]], None), ("", None)],
)
def test_a_role_is_read_from_whatever_a_provider_writes(told: object, role: str | None) -> None:
    actor = client_of(OidcFile(**GOOD), {}).actor({"sub": "1", "roles": told})  # type: ignore[arg-type]
    assert (actor and actor.role) == role


def test_a_name_is_what_can_be_shown() -> None:
    client = client_of(OidcFile(**GOOD), {})  # type: ignore[arg-type]
    told = {"roles": "ops", "sub": "1"}
    assert client.actor(told | {"name": " Jo\u202e\n Jansen" + "x" * 99}) == Actor("Jo Jansen" + "x" * 55, "operator")  # type: ignore[comparison-overlap]
    assert client.actor(told | {"name": ["a"], "preferred_username": "jo"}) == Actor("jo", "operator")
    assert client.actor(told | {"name": "\u202e", "sub": "\n"}) == Actor("?", "operator")
