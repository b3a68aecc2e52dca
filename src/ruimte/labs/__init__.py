"""The labs that come with the package, as folders of text files."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ruimte.errors import RuimteError


def names() -> list[str]:
    """Names of the labs that come with the package.

    >>> names()
    ['auckland', 'boulevard', 'hardbruecke']
    """
    return sorted(file.parent.name for file in _root().glob("*/lab.toml"))


def lab_folder(name: str) -> Path:
    """The folder of the lab with this name. Raises ``RuimteError`` where the package has none.

    >>> lab_folder("auckland").name
    'auckland'
    """
    if name not in names():
        raise RuimteError(f"no lab {name!r} comes with the package", mend=f"choose one of {', '.join(names())}")
    return _root() / name


def _root() -> Path:
    return Path(str(files(__name__)))
