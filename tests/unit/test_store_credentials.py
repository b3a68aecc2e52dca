"""Credentials: told once, kept as hashes, withdrawn within a second, also by another process."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ruimte.errors import RuimteError
from ruimte.store import credentials as module
from ruimte.store.credentials import Credentials, mosquitto_hash

HOUR_US = 3_600_000_000


@pytest.fixture
def clock() -> list[int]:
    return [1_700_000_000_000_000]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lab.credentials.db"


@pytest.fixture
def credentials(path: Path, clock: list[int]) -> Iterator[Credentials]:
    with Credentials(path, lambda: clock[0]) as opened:
        yield opened


def test_a_token_is_a_devices_or_a_readers(credentials: Credentials) -> None:
    device, reader = credentials.issue("device", "camera"), credentials.issue("reader", "dashboard")
    assert (credentials.device(device), credentials.reader(reader)) == ("camera", "dashboard")
    assert (credentials.reader(device), credentials.device(reader)) == (None, None)
    for wrong in ("", "camera", device[:-1], device + "x", device.upper(), "é\ud800\x00"):
        assert credentials.device(wrong) is None


def test_tokens_hold_256_random_bits_and_do_not_look_like_an_option(credentials: Credentials) -> None:
    tokens = [credentials.issue("device", f"camera-{number}") for number in range(50)]
    assert len({*tokens}) == 50
    assert all(token.startswith("device-") and len(token) >= 7 + 43 for token in tokens)


def test_a_new_token_takes_the_place_of_the_old(credentials: Credentials) -> None:
    old, new = credentials.issue("device", "camera"), credentials.issue("device", "camera")
    assert (credentials.device(old), credentials.device(new)) == (None, "camera")
    assert len(credentials.all()) == 1


def test_a_token_expires(credentials: Credentials, clock: list[int]) -> None:
    token = credentials.issue("device", "camera", clock[0] + HOUR_US)
    clock[0] += HOUR_US - 1
    assert credentials.device(token) == "camera"
    assert credentials.all()[0].state(clock[0]) == "valid"
    clock[0] += 1
    assert credentials.device(token) is None
    assert credentials.all()[0].state(clock[0]) == "expired"


def test_a_revoked_token_opens_nothing(credentials: Credentials, clock: list[int]) -> None:
    token = credentials.issue("device", "camera")
    assert credentials.revoke("camera")
    assert credentials.device(token) is None
    assert not credentials.revoke("camera")
    assert not credentials.revoke("nobody")
    assert credentials.all()[0].state(clock[0]) == "revoked"
    assert credentials.all()[0].mqtt is None
    assert credentials.device(credentials.issue("device", "camera")) == "camera"
    assert credentials.all()[0].state(clock[0]) == "valid"


def test_a_certificate_is_a_credential_too(credentials: Credentials, clock: list[int]) -> None:
    token = credentials.issue("device", "camera")
    credentials.issue_certificate("camera", b"f" * 32, clock[0] + HOUR_US)
    assert credentials.device_by_certificate(b"f" * 32) == "camera"
    assert credentials.device(token) is None
    assert credentials.device_by_certificate(b"g" * 32) is None
    with pytest.raises(RuimteError, match="is another device's"):
        credentials.issue_certificate("other", b"f" * 32, None)
    clock[0] += HOUR_US
    assert credentials.device_by_certificate(b"f" * 32) is None


def test_a_name_is_a_devices_or_a_readers(credentials: Credentials) -> None:
    token = credentials.issue("device", "camera")
    with pytest.raises(RuimteError, match="is the name of a device already"):
        credentials.issue("reader", "camera")
    assert credentials.device(token) == "camera"


def test_only_hashes_are_on_the_disk_and_only_the_owner_reads_them(credentials: Credentials, path: Path) -> None:
    token = credentials.issue("device", "camera")
    files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
    stored = b"".join(file.read_bytes() for file in files)
    assert b"camera" in stored
    assert token.encode() not in stored
    assert token.removeprefix("device-").encode() not in stored
    if sys.platform != "win32":
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_they_are_still_there_after_a_restart(path: Path, clock: list[int]) -> None:
    with Credentials(path, lambda: clock[0]) as first:
        token = first.issue("device", "camera")
    with Credentials(path, lambda: clock[0]) as second:
        assert second.device(token) == "camera"


def test_another_process_gives_and_takes(credentials: Credentials, path: Path) -> None:
    def other(action: str) -> str:
        code = f"from ruimte.store.credentials import Credentials; from pathlib import Path; import time; {action}"
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    opened = "import sys; c = Credentials(Path(sys.argv[1]), lambda: time.time_ns() // 1000)"
    token = other(f"{opened}; print(c.issue('device', 'camera'))")
    assert _within(3, lambda: credentials.device(token) == "camera")
    other(f"{opened}; c.revoke('camera')")
    assert _within(3, lambda: credentials.device(token) is None)


def test_a_new_token_opens_at_once_and_a_withdrawn_one_closes_within_a_second(
    credentials: Credentials, path: Path, clock: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    credentials._refresh()
    with Credentials(path, lambda: clock[0]) as other:
        token = other.issue("device", "camera")
        assert credentials.device(token) == "camera"
        other.revoke("camera")
    now[0] += 0.9
    assert credentials.device(token) == "camera", "the file is asked at most once a second"
    now[0] += 0.1
    assert credentials.device(token) is None


def test_a_locked_file_stops_nobody_from_being_checked(credentials: Credentials, path: Path) -> None:
    token = credentials.issue("device", "camera")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    credentials._refresh()
    assert credentials.device(token) == "camera"
    holder.execute("ROLLBACK")
    holder.close()


def test_a_file_that_is_none_is_one_line(tmp_path: Path, path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(RuimteError, match="cannot be used for credentials"):
        Credentials(path, lambda: 0)
    (tmp_path / "file").write_text("")
    with pytest.raises(RuimteError, match="choose a folder"):
        Credentials(tmp_path / "file" / "lab.db", lambda: 0)


def test_a_newer_file_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(RuimteError, match="made by a newer Ruimte"):
        Credentials(path, lambda: 0)


def test_mosquitto_knows_the_password(tmp_path: Path) -> None:
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if mosquitto is None:
        pytest.skip("mosquitto is not installed")
    (tmp_path / "passwords").write_text(f"camera:{mosquitto_hash('right')}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "broker.conf").write_text(f"listener {port} 127.0.0.1\npassword_file {tmp_path / 'passwords'}\nuser root\n")
    broker = subprocess.Popen([mosquitto, "-c", str(tmp_path / "broker.conf")], stderr=subprocess.DEVNULL)
    try:
        assert _within(10, lambda: _connects(port, "right") == 0)
        assert _connects(port, "wrong") == 5  # MQTT 3.1.1: not authorized
    finally:
        broker.terminate()
        broker.wait(10)


def _connects(port: int, password: str) -> int | None:
    """The return code of a CONNECT (MQTT 3.1.1, clause 3.1) with user ``camera``."""

    def text(value: str) -> bytes:
        return len(value).to_bytes(2, "big") + value.encode()

    body = text("MQTT") + b"\x04\xc2\x00\x0a" + text("test") + text("camera") + text(password)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"\x10" + len(body).to_bytes(1, "big") + body)
            return connection.recv(4)[3]
    except OSError:
        return None


def _within(seconds: float, holds) -> bool:  # type: ignore[no-untyped-def]
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return False
