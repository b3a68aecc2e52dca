"""Write a new lab: a small, commented, valid example to start from."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from ruimte.errors import RuimteError

_EXAMPLE = Path(str(files("ruimte.lab"))) / "example"
_KEY_LINE = 'key = "example"'


def new_lab(folder: Path) -> None:
    """Write an example lab into a new or empty folder, with a key made from the folder's name.

    Raises ``RuimteError`` where something is there already, or where nothing can be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RuimteError("there is something here already", str(folder), "give a new or an empty folder")
        folder.mkdir(parents=True, exist_ok=True)
        for example in sorted(_EXAMPLE.iterdir()):
            text = example.read_text(encoding="utf-8")
            (folder / example.name).write_text(text.replace(_KEY_LINE, f'key = "{_key(folder)}"', 1), encoding="utf-8")
    except OSError as error:
        raise RuimteError(f"a lab cannot be written ({error.strerror})", str(folder), "give a folder you may write") from error


def _key(folder: Path) -> str:
    """A key out of a folder's name: what cannot be in a key becomes a hyphen."""
    return re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:64] or "example"
