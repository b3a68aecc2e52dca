"""Devices on the command line and in the broker: who may send what, and by which proof."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import shutil
import socket
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ruimte.cli import main
from ruimte.clock import iso, to_us
from ruimte.errors import RuimteError
from ruimte.intake.devices import FORMATS
from ruimte.jobs.devices import credentials_path, device_mistakes, mosquitto_files
from ruimte.jobs.register import register_lab
from ruimte.keys.certificate import fingerprint_in_header, read_certificate
from ruimte.keys.signature import sign, verify
from ruimte.lab.lab import Lab
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.store.credentials import Credentials
from ruimte.store.sqlite import Store
from track_lab import sensor, track_lab

VENDOR = f"""
[[device]]
key = "station-counter"
name = "Counter at the station"
format = "{next(iter(FORMATS))}"
sensors = ["station-road"]
"""


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    new_lab(tmp_path / "lab")
    with (tmp_path / "lab" / "sensors.toml").open("a", encoding="utf-8") as register:
        register.write(VENDOR)
    return read_lab(tmp_path / "lab")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(lab: Lab, data: Path):  # type: ignore[no-untyped-def]
    def command(*words: str) -> Result:
        group, name, *rest = words
        return CliRunner().invoke(main, [group, name, str(lab.folder), *rest, "--data", str(data)])

    return command


def held(lab: Lab, data: Path) -> Credentials:
    return Credentials(credentials_path(lab, data), lambda: time.time_ns() // 1000)


def token(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_a_token_is_shown_once_and_lets_the_device_in(run, lab: Lab, data: Path) -> None:  # type: ignore[no-untyped-def]
    shown = token(run("device", "token", "square-cameras"))
    with held(lab, data) as credentials:
        assert credentials.device(shown) == "square-cameras"
    listed = run("device", "list").output
    assert listed.splitlines() == ["square-cameras: token (valid)", "station-counter: nothing (none)"]
    assert shown not in listed


def test_a_running_node_hears_of_what_commands_do(run, lab: Lab, data: Path) -> None:  # type: ignore[no-untyped-def]
    with Store(data / "lab.db", "lab"), held(lab, data) as credentials:
        shown = token(run("device", "token", "square-cameras"))
        time.sleep(1.05)
        assert credentials.device(shown) == "square-cameras"
        assert run("device", "revoke", "square-cameras").output == "square-cameras: revoked\n"
        time.sleep(1.05)
        assert credentials.device(shown) is None
    assert "nothing (revoked)" in run("device", "list").output


def test_a_token_may_end(run, lab: Lab, data: Path) -> None:  # type: ignore[no-untyped-def]
    told = json.loads(run("device", "token", "square-cameras", "--valid-for", "52w", "--json").stdout)
    lasts = datetime.fromisoformat(told["expires"]) - datetime.now(UTC)
    assert timedelta(weeks=51) < lasts < timedelta(weeks=53)
    with held(lab, data) as credentials:
        assert credentials.device(told["token"]) == "square-cameras"
    assert json.loads(run("device", "list", "--json").stdout)[0]["expires"] == told["expires"]


def test_a_reader_has_a_token_too(run, lab: Lab, data: Path) -> None:  # type: ignore[no-untyped-def]
    shown = token(run("reader", "token", "dashboard"))
    with held(lab, data) as credentials:
        assert (credentials.reader(shown), credentials.device(shown)) == ("dashboard", None)
    assert run("reader", "list").output == "dashboard: token (valid)\n"
    assert run("device", "revoke", "dashboard").exit_code == 1
    assert run("reader", "revoke", "dashboard").exit_code == 0


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("device", "token", "camera"), "there is no device 'camera'; the register has square-cameras, station-counter"),
        (("device", "token", "square-cameras", "--valid-for", "long"), "'long' is not a length of time"),
        (("device", "revoke", "square-cameras"), "device 'square-cameras' has no credential"),
        (("device", "certificate", "square-cameras", "/nowhere"), "No such file or directory"),
        (("reader", "token", "square-cameras"), "'square-cameras' is a device"),
        (("reader", "token", "My Reader"), "is not a key"),
        (("reader", "revoke", "dashboard"), "reader 'dashboard' has no credential"),
        (("device", "mosquitto", "--out", "/nowhere"), "set RUIMTE_BROKER_USER"),
    ],
)
def test_each_mistake_is_one_line(run, words: tuple[str, ...], what: str, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.delenv("RUIMTE_BROKER_USER", raising=False)
    done = run(*words)
    assert done.exit_code == 1
    assert what in done.output
    assert done.output.count("\n") == 1


def test_keygen_makes_a_pair_that_signs() -> None:
    told = json.loads(CliRunner().invoke(main, ["device", "keygen", "--json"]).stdout)
    signed = verify(sign(b"41", told["private"], 1), told["public"])
    assert (signed.payload, signed.key_id) == (b"41", told["kid"])


# --- what the lab asks for ----------------------------------------------------------------------------------------------


def test_check_names_formats_and_keys_that_cannot_be(lab: Lab) -> None:
    register = lab.folder / "sensors.toml"
    register.write_text(register.read_text().replace(f'format = "{next(iter(FORMATS))}"', 'format = "semaphore"'))
    settings = lab.folder / "lab.toml"
    settings.write_text(settings.read_text().replace('battery = "number"', 'battery = "number"\nmac = "text"\nimei = "number"'))
    assert [(m.file, m.what) for m in device_mistakes(read_lab(lab.folder))] == [
        ("sensors.toml", "unknown format 'semaphore'"),
        ("lab.toml", "key 'mac' is one of people's identifiers"),
        ("lab.toml", "key 'imei' is one of people's identifiers"),
    ]
    done = CliRunner().invoke(main, ["check", str(lab.folder)])
    assert done.exit_code == 1
    assert "unknown format 'semaphore'; choose one of sensorthings" in done.output


@pytest.mark.parametrize(
    ("format_", "more", "told"),
    [
        ("sensorthings", "", ["'sensorthings' tells no tracks"]),
        ("axis-scene", "", ["'axis-scene' tells places in a picture, and there is no homography"]),
        ("axis-scene", "homography = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]", []),
        ("xovis", "", []),
    ],
)
def test_check_names_a_ground_from_which_nothing_would_come(tmp_path: Path, format_: str, more: str, told: list[str]) -> None:
    square = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]
    people = {"hall-people": sensor("hall-people", "hall", ["people", "people_sd"])}
    folder = track_lab(tmp_path / "lab", square, square, people, device_format=format_, more=more)
    assert [each.what for each in device_mistakes(read_lab(folder))] == told


# --- certificates -------------------------------------------------------------------------------------------------------


def certificate(until: datetime) -> x509.Certificate:
    key, name = Ed25519PrivateKey.generate(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), until - timedelta(days=9), until)
    return builder.sign(key, None)


UNTIL = datetime(2035, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_certificate_lets_the_device_in_until_it_ends(run, lab: Lab, data: Path, tmp_path: Path, encoding: Encoding) -> None:  # type: ignore[no-untyped-def]
    made = certificate(UNTIL)
    (tmp_path / "camera").write_bytes(made.public_bytes(encoding))
    done = run("device", "certificate", "square-cameras", str(tmp_path / "camera"))
    assert done.output == f"square-cameras: let in by its certificate until {iso(to_us(UNTIL))}\n"
    fingerprint = hashlib.sha256(made.public_bytes(Encoding.DER)).digest()
    with held(lab, data) as credentials:
        assert credentials.device_by_certificate(fingerprint) == "square-cameras"
    assert "square-cameras: certificate (valid, until 2035-01-01T00:00:00Z)" in run("device", "list").output


def test_a_header_tells_the_certificate() -> None:
    made = certificate(UNTIL)
    der, pem = made.public_bytes(Encoding.DER), made.public_bytes(Encoding.PEM)
    fingerprint = read_certificate(pem, "here").fingerprint
    assert fingerprint == read_certificate(der, "here").fingerprint == hashlib.sha256(der).digest()
    assert fingerprint_in_header(f":{base64.b64encode(der).decode()}:") == fingerprint
    assert fingerprint_in_header(quote(pem.decode())) == fingerprint


@pytest.mark.parametrize("value", ["", ":", "::", ":é:", ":A:", "%00", "-----BEGIN CERTIFICATE-----", "x" * 50_000, "%ff%fe"])
def test_a_header_without_a_certificate_is_nobodys(value: str) -> None:
    assert fingerprint_in_header(value) is None


@pytest.mark.parametrize("octets", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_one_line(octets: bytes) -> None:
    with pytest.raises(RuimteError, match="is not a certificate"):
        read_certificate(octets, "camera.pem")


# --- the broker ---------------------------------------------------------------------------------------------------------


def test_the_broker_lets_each_publish_its_own(run, lab: Lab, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("RUIMTE_BROKER_USER", "node")
    monkeypatch.setenv("RUIMTE_BROKER_PASSWORD", "secret of the node")
    for words in (
        ("device", "token", "square-cameras"),
        ("device", "token", "station-counter"),
        ("reader", "token", "dashboard"),
    ):
        token(run(*words))
    with Store(data / "lab.db", "lab") as store:
        register_lab(lab, store)
        ids = store.stream_ids()
        done = run("device", "mosquitto", "--out", str(data / "broker"))
        assert done.exit_code == 0, done.output
    passwords, acl = ((data / "broker" / name).read_text() for name in ("passwords", "acl"))
    assert [line.partition(":")[0] for line in passwords.splitlines()] == [
        "node",
        "dashboard",
        "square-cameras",
        "station-counter",
    ]
    assert "secret" not in passwords
    assert all(line.partition(":")[2].startswith("$7$101$") for line in passwords.splitlines())
    rights = {part.splitlines()[0].removeprefix("user "): part.splitlines()[1:] for part in acl.split("\n\n") if part.strip()}
    cameras = [f"{sensor}/{measure}" for sensor in ("square-west", "square-street") for measure in ("count_in", "count_out")]
    assert rights == {
        "node": ["topic readwrite #", "topic read $SYS/#"],
        "dashboard": ["topic read v1.1/#"],
        "square-cameras": [f"topic write v1.1/Datastreams({ids[key]})/Observations" for key in cameras],
        "station-counter": ["topic write ruimte/lab/station-counter"],
    }
    if sys.platform != "win32":
        assert stat.S_IMODE((data / "broker" / "passwords").stat().st_mode) == 0o600


def test_only_who_is_valid_and_registered_gets_into_the_broker(lab: Lab, data: Path) -> None:
    now_us = time.time_ns() // 1000

    def names(at_us: int) -> list[str]:
        files = mosquitto_files(lab, {}, credentials, ("node", "secret"), at_us)
        return [line.partition(":")[0] for line in files["passwords"].splitlines()]

    with held(lab, data) as credentials:
        credentials.issue("device", "station-counter", now_us + 1_000_000)
        credentials.issue("device", "left-the-register")
        credentials.issue("reader", "dashboard")
        credentials.revoke("dashboard")
        assert names(now_us) == ["node", "station-counter"]
        assert names(now_us + 1_000_000) == ["node"]
        credentials.issue("device", "square-cameras")
        with pytest.raises(RuimteError, match="does not know this datastream yet"):
            names(now_us)
        for user in ("", "a b", "a:b", "square-cameras"):
            with pytest.raises(RuimteError, match="no name for the node's user"):
                mosquitto_files(lab, {}, credentials, (user, "secret"), now_us)


def test_mosquitto_takes_the_files(run, lab: Lab, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    if (shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")) is None:
        pytest.skip("mosquitto is not installed")
    monkeypatch.setenv("RUIMTE_BROKER_USER", "node")
    monkeypatch.setenv("RUIMTE_BROKER_PASSWORD", "secret")
    shown = token(run("device", "token", "station-counter"))
    with Store(data / "lab.db", "lab") as store:
        register_lab(lab, store)
        assert run("device", "mosquitto", "--out", str(data / "broker")).exit_code == 0
    heard = _publish_and_listen(
        data / "broker", shown, ["ruimte/lab/station-counter", "ruimte/lab/square-cameras", "v1.1/Observations"]
    )
    assert heard == ["ruimte/lab/station-counter"]


def _publish_and_listen(folder: Path, password: str, topics: list[str]) -> list[str]:
    """Which of these topics reach the node when the counter at the station publishes on them."""
    gmqtt: Any = pytest.importorskip("gmqtt")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "broker.conf"
    config.write_text(f"listener {port} 127.0.0.1\nuser root\npassword_file {folder / 'passwords'}\nacl_file {folder / 'acl'}\n")
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    assert binary is not None
    broker = subprocess.Popen([binary, "-c", str(config)], stderr=subprocess.DEVNULL)

    async def talk() -> list[str]:
        heard: list[str] = []
        node, device = gmqtt.Client("node"), gmqtt.Client("device")
        node.set_auth_credentials("node", "secret")
        device.set_auth_credentials("station-counter", password)
        node.on_message = lambda client, topic, payload, qos, properties: heard.append(topic)
        for client in (node, device):
            for _ in range(50):
                try:
                    await client.connect("127.0.0.1", port)
                    break
                except OSError:
                    await asyncio.sleep(0.1)
        node.subscribe("#", qos=1)
        await asyncio.sleep(0.3)
        for topic in topics:
            device.publish(topic, b"1", qos=1)
        await asyncio.sleep(0.7)
        for client in (node, device):
            await client.disconnect()
        return heard

    try:
        return asyncio.run(talk())
    finally:
        broker.terminate()
        broker.wait(10)
