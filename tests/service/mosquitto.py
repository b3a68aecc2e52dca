"""A Mosquitto of the test's own, on the loopback, which may be stopped and started again with what it kept."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def require_mosquitto() -> None:
    """Skips where Mosquitto is missing; fails where it has to be there."""
    if MOSQUITTO is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("mosquitto is not installed")


class Mosquitto:
    """A broker on a free port; ``options`` are lines of its configuration."""

    def __init__(self, folder: Path, *options: str) -> None:
        require_mosquitto()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        lines = [
            f"user {getpass.getuser()}",  # else it gives up root's rights, and cannot write into the folder
            f"listener {self.port} 127.0.0.1",
            "persistence true",
            f"persistence_location {folder}/",
            "max_queued_messages 0",
            *options,
        ]
        self._config.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [str(MOSQUITTO), "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("mosquitto did not start")

    def stop(self) -> None:
        """Ends it as an operator would: it writes down what it has in hand."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def publish(
        self, topic: str, *payloads: str, qos: int = 1, user: tuple[str, str] | None = None, retain: bool = False
    ) -> None:
        """Publish, line by line, and wait until the broker has all."""
        who = [] if user is None else ["-u", user[0], "-P", user[1]]
        command = ["mosquitto_pub", "-p", str(self.port), "-q", str(qos), "-t", topic, "-l", *who, *(["-r"] if retain else [])]
        lines = "".join(f"{payload}\n" for payload in payloads)
        subprocess.run(command, input=lines, text=True, check=True, timeout=30, capture_output=True)

    def __enter__(self) -> Mosquitto:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
