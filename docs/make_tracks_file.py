"""The picture of a recording in docs/tracks.md: ``python docs/make_tracks_file.py``.

Needs matplotlib (``pip install -e '.[report]'``). The recording is made up, by the tests: 80 people leave a room by
its door.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from click.testing import CliRunner

from ruimte.cli import main as ruimte

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from walkers import walk_lab, write_walk  # noqa: E402


def main() -> None:
    """Measure the recording as anybody would, and keep the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, lab = write_walk(folder / "door.txt"), walk_lab(folder / "lab")
        done = CliRunner().invoke(ruimte, ["tracks", str(file), "--lab", str(lab), "--out", str(folder / "out")])
        if done.exit_code:
            sys.exit(done.output)
        shutil.copyfile(folder / "out" / "tracks.png", ROOT / "docs" / "images" / "tracks-file.png")


if __name__ == "__main__":
    main()
