"""Three nodes as processes: two cities share with the police; whatever is killed, nothing is missed and nothing doubled."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from ruimte.cli import main
from ruimte.clock import MINUTE_US, SystemClock
from ruimte.estimate.advance import advance
from ruimte.jobs.agreement_files import read_agreement
from ruimte.jobs.partner import Partner, PartnerError
from ruimte.jobs.proving import trust, verify
from ruimte.jobs.register import register_lab
from ruimte.jobs.subscriptions import Subscription, read_subscriptions, subscriptions_path
from ruimte.keys.signature import KeyPair
from ruimte.keys.signature import verify as verify_signature
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.model.observation import OBSERVATIONS, no_observations
from ruimte.notify.keys import node_keys
from ruimte.share.event import read_event
from ruimte.store import foreign, results
from ruimte.store.sqlite import Reader, Store

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform == "win32", reason="processes are signalled otherwise there"),
]

PARTIES = {name: f"urn:nld:oin:0000009900000000{number}000" for number, name in enumerate(("alpha", "beta", "police"), start=1)}
PAST = 150
"""Minutes of counts that the cities know."""
AWAY = 90
"""Minutes that the police's node was switched off."""
POLICE = """
format = 1
key = "police"
name = "Police room"
organisation = "Police of Example"
contact = "room@police.example"
time_zone = "Europe/Amsterdam"
"""
TERMS = """
format = 1
group = "example"
time_zone = "Europe/Amsterdam"
valid_from = {first}
valid_until = {last}
on_withdrawal = "ends"

[[party]]
id = "{city}"
name = "City {name}"
public_key = "{city_key}"

[[party]]
id = "{police}"
name = "Police of Example"
public_key = "{police_key}"

[[grant]]
provider = "{city}"
consumer = "{police}"
lab = "{name}"
purpose = "event-safety"
legal_regime = "none"
legal_ground = "Permit of the festival, condition 12"

[grant.what]
kinds = ["state", "history", "warnings"]
zones = ["square", "street"]
gates = []
quantities = ["people", "level"]
contributions = ["closures"]

[grant.form]
exactness = "exact"
step = "1m"

[grant.duties]
delete_after = "30d"
name_source = "City {name}"
onward_sharing = false
"""


def run(*arguments: object) -> Any:
    """A command that has to do; its JSON."""
    done = CliRunner().invoke(main, [*map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def until(holds: Callable[[], Any], what: str, limit_s: float = 60) -> Any:
    """What ``holds`` gives, once that is something."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not in {limit_s} s: {what}")


class Node:
    """A lab, its data, and its process."""

    def __init__(self, name: str, folder: Path, data: Path) -> None:
        self.name, self.folder, self.data = name, folder, data
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        code = "from ruimte.cli import main; main()"
        command = [
            sys.executable,
            "-c",
            code,
            "serve",
            self.folder,
            "--port",
            str(self.port),
            "--no-browser",
            "--data",
            self.data,
        ]
        output = (self.data / "output.txt").open("ab")
        with output:
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            self.process = subprocess.Popen([*map(str, command)], stdout=output, stderr=output, env=environment)

    def kill(self) -> None:
        """As when the power goes."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)

    def ready(self) -> None:
        def answers() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, (self.data / "output.txt").read_text()
            try:
                return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
            except httpx.HTTPError:
                return False

        until(answers, f"{self.name} is ready", 180)  # the first of all compiles the estimate

    def read(self, query: Callable[[sqlite3.Connection], Any]) -> Any:
        with Reader(self.data / f"{self.name}.db") as reader:
            return reader.read(query)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self.read(lambda c: c.execute(sql, values).fetchall())

    def key(self) -> str:
        return str(run("notify", self.folder, "--key", "--data", self.data)["public"])


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Two cities with a past, and the police, who have neither place nor sensor."""
    made = {name: Node(name, tmp_path / "labs" / name, tmp_path / name) for name in PARTIES}
    for node in made.values():
        node.data.mkdir(parents=True)
        make_police(node) if node.name == "police" else make_city(node)
    yield made
    for node in made.values():
        if node.process is not None:
            node.process.kill()
            node.process.wait(20)


def make_police(node: Node) -> None:
    node.folder.mkdir(parents=True)
    (node.folder / "lab.toml").write_text(POLICE)
    (node.folder / "places.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    for name in ("sensors", "algorithms", "playbook", "calendar"):
        (node.folder / f"{name}.toml").write_text("format = 1\n")


def make_city(node: Node) -> None:
    """The example lab by the minute, with counts of the last hours."""
    new_lab(node.folder)
    changes = {
        "lab.toml": {'length = "5m"': 'length = "1m"', 'lateness = "30s"': 'lateness = "1s"'},
        "sensors.toml": {'interval = "5m"': 'interval = "1m"', "valid_from = 2026-01-01": "valid_from = 2020-01-01"},
        "algorithms.toml": {"valid_from = 2026-01-01": "valid_from = 2020-01-01"},
    }
    for name, replacements in changes.items():
        text = (node.folder / name).read_text()
        for before, after in replacements.items():
            assert before in text
            text = text.replace(before, after)
        (node.folder / name).write_text(text)
    lab = read_lab(node.folder)
    with Store(node.data / f"{lab.key}.db", lab.key, durable=False) as store:
        model, ids = register_lab(lab, store), store.stream_ids()
        end_us = SystemClock().now_us() // MINUTE_US * MINUTE_US
        starts = end_us - PAST * MINUTE_US + np.arange(PAST) * MINUTE_US
        start = np.tile(starts, len(ids))
        result = np.repeat([8.0 if key.endswith("in") else 6.0 for key in ids], PAST)
        columns = [np.repeat([*ids.values()], PAST), start, start + MINUTE_US, start + MINUTE_US, result, np.zeros(len(start))]
        arrays = [pa.array(c).cast(f.type) for c, f in zip(columns, OBSERVATIONS, strict=True)]
        store.append(pa.table(arrays, schema=OBSERVATIONS))
        # the node begins here, and not a year ago
        first_us = int(starts[0])
        state, _ = advance(model, None, no_observations(), first_us)
        store.write(lambda c: results.save_snapshot(c, "estimate", first_us, state)).result()


def agree(city: Node, police: Node, folder: Path) -> Path:
    """An agreement that both signed, made as people make it."""
    terms, path = folder / f"{city.name}.toml", folder / f"{city.name}.json"
    now = datetime.now(UTC)
    terms.write_text(
        TERMS.format(
            first=(now - timedelta(days=1)).date(),
            last=(now + timedelta(days=30)).date(),
            name=city.name,
            city=PARTIES[city.name],
            city_key=city.key(),
            police=PARTIES["police"],
            police_key=police.key(),
        )
    )
    run("share", "propose", terms, "--out", path)
    for node in (police, city):  # who gives signs last: so its node has it with both signatures
        run("share", "sign", path, "--lab", node.folder, "--data", node.data)
    assert run("share", "verify", path, "--lab", city.folder)["status"] == "valid"
    return path


def steps(police: Node, key: str) -> list[int]:
    """The minutes of which the square's people are known, of one link."""
    sql = "SELECT start_us FROM foreign_figures WHERE link = ? AND kind = 'state' AND place = 'square' AND quantity = 'people'"
    return sorted(int(row[0]) for row in police.rows(sql, key))


def switch_off_for(police: Node, minutes: int) -> dict[str, int]:
    """Make a node that is down one that was down for so long: it knows of each link what it knew then. Gives up to when."""
    known = {}
    with sqlite3.connect(police.data / "police.db") as database:
        for (link,) in database.execute("SELECT key FROM foreign_links").fetchall():
            end_us = database.execute("SELECT covered_us FROM foreign_links WHERE key = ?", (link,)).fetchone()[0]
            known[link] = end_us - minutes * MINUTE_US
            database.execute("DELETE FROM foreign_figures WHERE link = ?", (link,))
            database.execute("DELETE FROM foreign_messages WHERE link = ?", (link,))
            database.execute("UPDATE foreign_links SET covered_us = ? WHERE key = ?", (known[link], link))
            cursor = (str(known[link]), known[link], link)
            database.execute("UPDATE foreign_cursors SET event = ?, made_us = ? WHERE link = ? AND stream = 'state'", cursor)
    database.close()
    return known


async def ask(subscription: Subscription, keys: KeyPair) -> str:
    """What a node answers to who asks for a state; why not, where it refuses."""
    url, party, purpose = subscription.url, subscription.party, subscription.purpose
    async with Partner(url, party, keys, purpose, allow_private=True) as partner:
        try:
            return (await partner.get("/state")).text
        except PartnerError as error:
            return error.what


def test_two_cities_and_the_police(nodes: dict[str, Node], tmp_path: Path) -> None:
    alpha, beta, police = nodes.values()
    agreements = {city.name: agree(city, police, tmp_path) for city in (alpha, beta)}
    for node in nodes.values():
        node.start()
    for node in nodes.values():
        node.ready()

    # --- the police subscribe; their running node takes it up
    keys = {}
    for city in (alpha, beta):
        options = ("--agreement", agreements[city.name], "--lab", police.folder, "--data", police.data, "--allow-private")
        told = run("subscribe", city.url, *options)["subscriptions"]
        assert [each["partner"] for each in told] == [f"City {city.name}"]
        assert told[0]["places"] == 2
        keys[city.name] = told[0]["key"]
    for key in keys.values():
        until(lambda key=key: steps(police, key), "a first state of each city")

    # --- switched off for an hour and a half, killed while it catches up; and a city is killed as well
    police.kill()
    known = switch_off_for(police, AWAY)
    police.start()
    police.ready()
    until(lambda: all(len(steps(police, key)) > 10 for key in keys.values()), "the police catch up")
    police.kill()
    alpha.kill()
    police.start()
    police.ready()
    lost = "SELECT count(*) FROM logbook WHERE kind = 'partner-lost'"
    until(lambda: police.rows(lost)[0][0], "the police say that a city is not heard")
    alpha.start()
    alpha.ready()
    now_us = SystemClock().now_us()
    for key in keys.values():
        until(lambda key=key: steps(police, key)[-1:] >= [now_us - 2 * MINUTE_US], "the police have caught up", 90)

    # --- every minute once, whatever broke
    for key in keys.values():
        found = steps(police, key)
        assert found == [*range(known[key], found[-1] + 1, MINUTE_US)]
        state = police.read(lambda c, key=key: foreign.link(c, key))
        assert (state.refused, state.distrusted_us, state.gap_from_us, state.failing_since_us) == (0, None, None, None)

    # --- of each message it is known whose it is, and that can be shown without any node
    for city in (alpha, beta):
        agreement = run("share", "show", agreements[city.name])
        ids = police.read(lambda c, key=keys[city.name]: foreign.message_ids(c, key))
        for id_ in ids:
            message = police.read(lambda c, id_=id_: foreign.message(c, id_))
            assert message.agreement == agreement["hash"]
            if message.kind != "history":
                verify_signature(message.signature, city.key(), message.body) if id_ == ids[-1] else None
                assert read_event(message.body).source == PARTIES[city.name]
        assert message.kind in ("state", "warning")
        proof, body = tmp_path / "proof.txt", tmp_path / "body.json"
        proof.write_text(httpx.get(f"{city.url}/share/v1/log/proofs/{message.log_index}", timeout=10).raise_for_status().text)
        body.write_bytes(bytes(read_event(message.body).data))
        verdict = verify(proof, trust((), agreements[city.name]), None, None)
        assert verdict.entry is not None
        assert verdict.entry.kind == "release"

    # --- the police are a witness of both logs
    for city in (alpha, beta):
        until(lambda key=keys[city.name]: police.read(lambda c: foreign.link(c, key)).proved, "a receipt is found in the log")
        shown = httpx.get(f"{city.url}/share/v1/log/proofs/0", timeout=10).text
        assert re.search(rf"^— {PARTIES['police']} ", shown, re.M), "the log is cosigned"

    # --- they give as well as take
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    tell = ("contribute", keys["alpha"], "closures", "square", "--lab", police.folder, "--data", police.data)
    receipt = run(*tell, "--until", later, "--note", "broken pavement")
    assert receipt["taken"]["place"] == "square"
    assert alpha.rows("SELECT party, place FROM contributions") == [(PARTIES["police"], "square")]
    assert alpha.rows("SELECT who FROM logbook WHERE kind = 'contributed'") == [("Police of Example",)]

    # --- taking an agreement back stops the next message
    run("share", "revoke", agreements["beta"], "--lab", beta.folder, "--data", beta.data)
    ended = "SELECT body FROM logbook WHERE kind = 'partner-ended'"
    until(lambda: police.rows(ended), "the police say that beta shares no more")
    copies = [police.data / "police.agreements", police.folder / "agreements"]
    signed = lambda: [read_agreement(path).signatures for folder in copies for path in folder.glob("*.json")]  # noqa: E731
    until(lambda: any(PARTIES["beta"] in each.revoke for each in signed()), "the police's own copy tells so too")
    (subscription,) = [each for each in read_subscriptions(subscriptions_path(police.data, "police")) if each.lab == "beta"]
    pair = node_keys(police.data, "police")
    told = asyncio.run(ask(subscription, KeyPair(pair.private, pair.public)))
    assert "the agreement was taken back" in told
    assert [each.lab for each in read_subscriptions(subscriptions_path(police.data, "police"))] == ["alpha", "beta"]
