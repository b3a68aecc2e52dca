"""The page "Connect a sensor" works as it is pasted, and what it sends reaches the estimate."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from ruimte.cli import main
from ruimte.lab.new import new_lab
from ruimte.store import observations
from ruimte.store.sqlite import Reader
from sandbox import Node

PAGE = Path(__file__).parents[2] / "docs" / "connect.md"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine (Debian: apt-get install curl)")


@pytest.fixture
def town(tmp_path):
    new_lab(tmp_path / "town")
    running = Node(tmp_path / "data", str(tmp_path / "town"))
    yield running
    running.stop()


def pasted(tmp_path, url):
    """What each shell block of the page prints, pasted one after another."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    script = "\necho '=== next'\n".join(blocks).replace("http://127.0.0.1:8000/", url)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"RUIMTE_DATA": str(tmp_path / "data"), "PATH": path}
    done = subprocess.run(
        ["bash", "-ec", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.split("=== next\n")


def test_the_page_works_as_pasted(town, tmp_path):
    created, listed, several = pasted(tmp_path, town.url)
    assert created.startswith("HTTP/1.1 201 Created")
    assert re.search(r"(?i)location: \S+/Observations\(1\)", created)
    assert (1, "square-west/count_in") in [(each["@iot.id"], each["name"]) for each in json.loads(listed)["value"]]
    good, bad = json.loads(several)
    assert re.search(r"/Observations\(\d+\)$", good)
    assert "less than can be" in bad
    with Reader(tmp_path / "data" / "town.db") as reader:
        assert reader.read(observations.count) >= 1
    sources = httpx.get(f"{town.url}api/v1/sources").json()["sources"]
    assert [(each["device"], each["kept"], each["refused"]) for each in sources] == [("square-cameras", 2, 1)]
    assert 'ruimte_source_results{device="square-cameras",became="refused"} 1' in httpx.get(f"{town.url}metrics").text
    assert "Cameras at the square" in httpx.get(f"{town.url}sources").text


def test_raw_counts_do_not_leave_by_a_side_door(town, tmp_path):
    for path in ("Observations", "Datastreams(1)/Observations", "Datastreams", "Things?$expand=Datastreams/Observations"):
        assert httpx.get(f"{town.root}/{path}").status_code == 401
    assert httpx.post(f"{town.root}/Datastreams(1)/Observations", json={"result": 5}).status_code == 401
    assert httpx.post(f"{town.url}intake/v1/square-cameras", json={}).status_code == 401


def test_a_vendors_payload_is_posted_with_the_devices_own_token(town, tmp_path):
    words = ["device", "token", str(tmp_path / "town"), "square-cameras", "--data", str(tmp_path / "data")]
    headers = {"authorization": f"Bearer {CliRunner().invoke(main, words).output.strip()}"}
    assert httpx.post(f"{town.url}intake/v1/other", content=b"{}", headers=headers).status_code == 403
    answer = httpx.post(f"{town.url}intake/v1/square-cameras", content=b"{}", headers=headers)
    assert (answer.status_code, "not by a payload of its own" in answer.text) == (400, True)
    assert httpx.get(f"{town.url}intake/v1/square-cameras", headers=headers).status_code == 405
