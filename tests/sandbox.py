"""A node as a process of its own, for tests that come to it from outside."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path


class Node:
    """A running ``ruimte serve`` with these options; ``root`` is where its SensorThings service lives."""

    def __init__(self, data: Path, *options: str) -> None:
        code = "from ruimte.cli import main; main()"
        command = [sys.executable, "-c", code, "serve", "--port", "0", "--no-browser", "--data", str(data), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.url = self._first_url()
        self.root = self.url + "sta/v1.1"
        self.errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._drain, args=(pipe,), daemon=True) for pipe in (self.process.stdout, self.process.stderr)
        ]
        for reader in self._readers:
            reader.start()
        self._wait_until_ready()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self._finish()

    def stop(self) -> None:
        """End it as an operator would; it has to obey."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self._finish()

    def _finish(self) -> None:
        self.process.wait(20)
        for reader in self._readers:
            reader.join(20)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def _first_url(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                return found[0]
        _, errors = self.process.communicate()
        raise AssertionError(f"the node did not start:\n{errors}")

    def _drain(self, pipe: Iterator[str]) -> None:
        """Keep what it says, so that it never waits for us to read."""
        self.errors.extend(pipe)

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with contextlib.suppress(urllib.error.URLError), urllib.request.urlopen(self.url + "readyz", timeout=10):
                return
            time.sleep(0.05)
        raise AssertionError("the node did not get ready")


class Sandbox(Node):
    """A running ``ruimte serve --sandbox``."""

    def __init__(self, data: Path, *options: str) -> None:
        super().__init__(data, "--sandbox", *options)


@contextlib.contextmanager
def sandbox(data: Path, *options: str) -> Iterator[Sandbox]:
    """A sandbox for as long as the block lasts."""
    running = Sandbox(data, *options)
    try:
        yield running
    finally:
        running.stop()
