"""Where a node keeps its data: flag > environment (``RUIMTE_…``) > default."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def data_dir(flag: Path | None) -> Path:
    """The folder of the databases: the flag, else ``RUIMTE_DATA``, else the place where this system keeps such things."""
    if flag is not None:
        return flag
    if named := os.environ.get("RUIMTE_DATA"):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "ruimte"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "ruimte"
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "ruimte"
