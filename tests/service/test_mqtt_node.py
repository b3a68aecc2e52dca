"""``--broker`` of a node as a process: it says where the broker is, survives being killed, and refuses what cannot be."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import pytest
from bridging import PLACE, STREAM
from mosquitto import Mosquitto, require_mosquitto

from sandbox import Sandbox, sandbox

WITHIN_S = 30
RECEIVE = "http://www.opengis.net/spec/iot_sensing/1.1/req/receive-updates-via-mqtt/receive-updates"
DATASTREAM = STREAM | {"Thing": PLACE}


def get(node, path, **options):
    query = urllib.parse.urlencode({f"${name}": value for name, value in options.items()})
    with urllib.request.urlopen(f"{node.root}/{path}?{query}", timeout=20) as answer:
        return json.load(answer)


def results(node):
    """Every result of the first Datastream."""
    found, skip = [], 0
    while page := get(node, "Datastreams(1)/Observations", top=1000, skip=skip, orderby="id", select="result")["value"]:
        found += [each["result"] for each in page]
        skip += len(page)
    return found


def until(condition):
    end = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def test_a_node_that_is_killed_loses_no_message(tmp_path):
    with Mosquitto(tmp_path, "allow_anonymous true") as broker:
        node = Sandbox(tmp_path / "data", "--broker", broker.url)
        broker.publish("v1.1/Datastreams", json.dumps(DATASTREAM))
        until(lambda: get(node, "Datastreams", count="true")["@iot.count"] == 1)
        sent = 0
        for _ in range(3):
            broker.publish("v1.1/Datastreams(1)/Observations", *[json.dumps({"result": sent + i}) for i in range(1000)])
            sent += 1000
            node.kill()  # in the middle of taking them in
            node = Sandbox(tmp_path / "data", "--broker", broker.url)
        try:
            until(lambda: set(results(node)) == set(range(sent)))
        finally:
            node.stop()


def test_the_root_tells_where_the_embedded_broker_is_and_it_ends_with_the_node(tmp_path):
    require_mosquitto()
    with sandbox(tmp_path, "--broker", "embedded:0") as node:
        (url,) = get(node, "")["serverSettings"][RECEIVE]["endpoints"]
        port = url.rsplit(":", 1)[1]
        command = ["mosquitto_pub", "-p", port, "-q", "1", "-t", "v1.1/Datastreams", "-m", json.dumps(DATASTREAM)]
        subprocess.run(command, check=True, timeout=20)
        until(lambda: get(node, "Datastreams", count="true")["@iot.count"] == 1)
    again = subprocess.run(command, capture_output=True, timeout=20, check=False)
    assert again.returncode != 0, "nobody listens there any more"
    assert not [line for line in node.errors if "Traceback" in line]


def test_a_node_starts_and_stops_without_its_broker(tmp_path):
    with sandbox(tmp_path, "--broker", "mqtt://127.0.0.1:9") as node:
        assert get(node, "Things")["value"] == []
    assert [line for line in node.errors if "mqtt://127.0.0.1:9" in line and "trying again" in line]
    assert not [line for line in node.errors if "Traceback" in line]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("broker", "is not the address of a broker"),
        ("mqtt://user:secret@127.0.0.1", "not for the command line"),
        ("mqtt://192.0.2.1", "has to be on this machine"),
        ("embedded:70000", "there is no such port"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, address, said):
    code = "from ruimte.cli import main; main()"
    options = ["serve", "--sandbox", "--port", "0", "--no-browser", "--data", str(tmp_path), "--broker", address]
    done = subprocess.run([sys.executable, "-c", code, *options], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert said in done.stderr
    assert "secret" not in done.stderr
