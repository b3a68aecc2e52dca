"""The conformance table of OGC 18-088 Annex A, row by row, over HTTP and MQTT against a sandbox that runs as a process."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from mosquitto import Mosquitto

from ruimte.cli import main
from ruimte.lab.new import new_lab
from sandbox import Node, sandbox

from .conformance.client import Sta
from .conformance.mqtt import Mqtt
from .conformance.page import page
from .conformance.strict import PROBES, Caller, observation
from .conformance.table import REQUIREMENTS, TABLE, Row
from .conformance.world import World, make_world

DOC = Path(__file__).parents[2] / "docs" / "conformance.md"


@pytest.fixture(scope="module")
def sta(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sta]:
    """A sandbox without a broker; the rows share it."""
    with sandbox(tmp_path_factory.mktemp("conformance")) as running, Sta(running.root) as client:
        yield client


@pytest.fixture(scope="module")
def world(sta: Sta) -> World:
    return make_world(sta)


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    told = ("allow_anonymous true", "log_dest topic", "log_type subscribe", "log_type unsubscribe")
    broker = Mosquitto(tmp_path_factory.mktemp("broker"), *told)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def mqtt_sta(mosquitto: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sta]:
    """A sandbox that is connected to Mosquitto."""
    with sandbox(tmp_path_factory.mktemp("mqtt"), "--broker", mosquitto.url) as running, Sta(running.root) as client:
        yield client


@pytest.fixture
def mqtt(mosquitto: Mosquitto) -> Iterator[Mqtt]:
    """A client of the broker."""
    with Mqtt(mosquitto.port) as client:
        yield client


@dataclass
class Strict:
    """A node that runs the example lab, and who may ask it."""

    sta: Sta
    tokens: dict[Caller, str]
    mine: int
    anothers: int


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strict]:
    """The example lab, with a token for its device and one for a reader."""
    data = tmp_path_factory.mktemp("strict")
    lab = str(data / "town")
    new_lab(data / "town")
    tokens: dict[Caller, str] = {}
    for caller, name in (("device", "square-cameras"), ("reader", "suite")):
        given = CliRunner().invoke(main, [caller, "token", lab, name, "--data", str(data), "--json"])
        assert given.exit_code == 0, given.output
        tokens[caller] = json.loads(given.output)["token"]
    running = Node(data, lab)
    try:
        with Sta(running.root) as sta:
            sta.http.headers["authorization"] = f"Bearer {tokens['reader']}"
            ids = {each["name"]: each["@iot.id"] for each in sta.get("Datastreams")["value"]}
            yield Strict(sta, tokens, ids["square-west/count_in"], ids["station-road/count"])
    finally:
        running.stop()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.requirement.removeprefix('req/')}: {row.checks}")
def test_requirement(row: Row, request: pytest.FixtureRequest) -> None:
    names = list(inspect.signature(row.check).parameters)
    fixtures = names[: len(names) - len(row.arguments)]
    row.check(*(request.getfixturevalue(name) for name in fixtures), *row.arguments)


@pytest.mark.parametrize("requirement", PROBES, ids=lambda name: name.removeprefix("req/"))
def test_requirement_in_a_lab(requirement: str, strict: Strict) -> None:
    for probe in PROBES[requirement]:
        strict.sta.http.headers.pop("authorization", None)
        headers = {"authorization": f"Bearer {strict.tokens[probe.caller]}"} if probe.caller in strict.tokens else {}
        body = json.dumps(probe.body).replace("{mine}", str(strict.mine)).encode() if probe.body is not None else b""
        path = probe.path.format(mine=strict.mine, anothers=strict.anothers)
        answer = strict.sta.ask(probe.method, path, body, headers=headers | {"content-type": "application/json"})
        assert answer.status_code == probe.status, f"{probe}: {answer.status_code} {answer.text}"


def test_a_batch_in_a_lab_is_judged_by_its_requests(strict: Strict) -> None:
    bodies = {f"Datastreams({strict.mine})/Observations": observation(9), "Things": {"name": "n", "description": "d"}}
    requests = [{"id": path, "method": "post", "url": path, "body": body} for path, body in bodies.items()]
    strict.sta.http.headers.pop("authorization", None)
    headers = {"authorization": f"Bearer {strict.tokens['device']}"}
    answer = strict.sta.ask("POST", "$batch", {"requests": requests}, headers=headers)
    assert [each["status"] for each in answer.json()["responses"]] == [201, 403]


def test_every_requirement_is_probed_in_a_lab() -> None:
    assert set(REQUIREMENTS) - set(PROBES) == {name for name in REQUIREMENTS if "-via-mqtt" in name}


def test_every_requirement_has_a_row() -> None:
    assert set(REQUIREMENTS) == {row.requirement for row in TABLE}


def test_no_row_is_there_twice() -> None:
    twice = [name for name, times in Counter((row.requirement, row.checks) for row in TABLE).items() if times > 1]
    assert twice == []


def test_the_page_shows_this_table() -> None:
    assert DOC.read_text() == page(), "run: python docs/make_conformance.py"
