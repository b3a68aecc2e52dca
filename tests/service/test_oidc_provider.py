"""Signing in with a provider that others wrote and that is certified: node-oidc-provider."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from issuer import Issuer
from ruimte.model.role import Actor

from .test_oidc import Node, serving

HERE = Path(__file__).parent / "provider"
CACHE = Path(__file__).parents[2] / ".pytest_cache" / "provider"


@pytest.fixture(scope="module")
def provider_folder() -> Path:
    """The provider as its lock file pins it, without scripts of packages; kept in pytest's cache between runs."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("no Node.js on this machine to run the provider with")
    CACHE.mkdir(parents=True, exist_ok=True)
    for file in HERE.iterdir():
        shutil.copy(file, CACHE)
    if not (CACHE / "node_modules/oidc-provider/package.json").is_file():
        done = subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit"], cwd=CACHE, capture_output=True, timeout=120)
        if done.returncode != 0:
            pytest.skip(f"npm could not fetch the provider: {done.stderr.decode().strip().splitlines()[-1:]}")
    return CACHE


@pytest.fixture
def node(provider_folder: Path, tmp_path: Path) -> Iterator[Node]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving(
        Issuer(url=f"http://127.0.0.1:{port}"),
        tmp_path,
        scopes=("openid", "profile", "groups"),
        role_claim="groups",
    ) as node:
        addresses = [f"{node.url}/sign-in/provider/callback", f"{node.url}/sign-in"]
        command = ["node", "serve.mjs", str(port), *addresses]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, cwd=provider_folder, stdout=subprocess.PIPE, stderr=quiet, text=True) as running:
            assert running.stdout is not None
            assert any(line.strip() == "ready" for line in running.stdout), "the provider did not start"
            try:
                yield node
            finally:
                running.terminate()


def sign_in(node: Node, browser: httpx.Client, name: str) -> httpx.Response:
    """Go through the provider's own pages as a person does: name, password, consent."""
    answer = browser.get(f"{node.url}/sign-in/provider")
    for _ in range(20):
        if answer.is_redirect:
            answer = browser.get(urljoin(str(answer.url), answer.headers["location"]))
        elif str(answer.url).startswith(node.url):
            return answer
        else:
            action = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert action is not None, answer.text
            fields = {"prompt": prompt[1] if prompt else "", "login": name, "password": "any"}
            answer = browser.post(urljoin(str(answer.url), action[1]), data=fields)
    raise AssertionError(f"no end of pages; the last was {answer.url}")


def test_an_operator_signs_in_and_who_has_no_role_does_not(node: Node) -> None:
    browser, stranger = node.browser(), node.browser()
    assert sign_in(node, browser, "jo").status_code == 200
    assert node.who(browser) == Actor("Jo Jansen", "operator")
    assert sign_in(node, stranger, "kim").status_code == 403
    assert node.who(stranger) is None


def test_one_can_sign_out_of_it_too(node: Node) -> None:
    browser = node.browser()
    sign_in(node, browser, "jo")
    there = browser.get(f"{node.url}/sign-out/provider").headers["location"]
    page = browser.get(there)
    assert page.status_code == 200, page.text
    assert "sign-out" in page.text.lower()
