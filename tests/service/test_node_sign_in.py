"""A node as a process, with a provider in its node.toml and accounts that a command makes while it runs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from issuer import SECRET, Issuer, issuing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are signalled otherwise there")
RUIMTE = [sys.executable, "-c", "from ruimte.cli import main; main()"]


def node_toml(issuer: str) -> str:
    return f'[oidc]\nissuer = "{issuer}"\nclient_id = "ruimte"\nsecret_env = "S"\n[oidc.roles]\ncrowd-operators = "operator"\n'


@contextmanager
def serving(folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> Iterator[str]:
    """A node on a free port; its address, with the path of its first link where it prints one."""
    monkeypatch.setenv("S", SECRET)
    command = [*RUIMTE, "serve", str(folder), "--port", "0", "--no-browser", "--data", str(data), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
        finally:
            process.kill()


def test_the_first_link_sets_a_password_and_a_colleague_gets_an_account(folder, tmp_path, monkeypatch) -> None:
    with serving(folder, tmp_path, monkeypatch) as link, httpx.Client(trust_env=False) as admin, httpx.Client() as colleague:
        url = link.partition("/sign-in/")[0]
        assert admin.get(link).status_code == 200
        password = {"password": "kraan beschuit tafel", "again": "kraan beschuit tafel"}
        assert admin.post(f"{url}/account", data=password, headers={"origin": url}).status_code == 200
        assert colleague.get(f"{url}/api/v1/status").status_code == 401
        command = [*RUIMTE, "account", "add", str(folder), "kim", "--role", "viewer", "--url", url, "--data", str(tmp_path)]
        made = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        assert colleague.get(made.stdout.strip()).status_code == 200
        assert colleague.get(f"{url}/api/v1/status").status_code == 200
        answer = colleague.post(f"{url}/warnings/1/acknowledge", headers={"origin": url})
        assert (answer.status_code, answer.json()["detail"]) == (403, "your role may not do this")
        command = [*RUIMTE, "account", "remove", str(folder), "kim", "--data", str(tmp_path)]
        subprocess.run(command, capture_output=True, timeout=30, check=True)
        assert colleague.get(f"{url}/api/v1/status").status_code == 401


def test_a_node_with_a_provider_prints_no_link_and_signs_people_in(folder, tmp_path, monkeypatch) -> None:
    with issuing(Issuer()) as issuer:
        (tmp_path / "node.toml").write_text(node_toml(issuer.url))
        with serving(folder, tmp_path, monkeypatch, "--host", "0.0.0.0") as said, httpx.Client(trust_env=False) as browser:
            assert "sign-in" not in said
            url = said.rstrip("/").replace("0.0.0.0", "127.0.0.1")
            assert browser.get(f"{url}/api/v1/status").status_code == 401
            there = browser.get(f"{url}/sign-in/provider").headers["location"]
            assert browser.get(browser.get(there).headers["location"]).status_code == 200
            assert browser.get(f"{url}/api/v1/status").status_code == 200


def test_a_provider_that_cannot_be_is_one_line_at_the_start(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("S", raising=False)
    (tmp_path / "node.toml").write_text(node_toml("https://login.example.org"))
    command = [*RUIMTE, "serve", str(folder), "--port", "0", "--no-browser", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "node.toml [oidc] secret_env" in done.stderr
    assert len(done.stderr.splitlines()) == 1
