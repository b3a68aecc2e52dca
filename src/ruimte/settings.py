"""The settings of a node: flag > environment (``RUIMTE_…``) > ``node.toml`` in the folder of its data > default."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from ruimte.errors import RuimteError

NODE_FILE = "node.toml"


class NodeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``node.toml``. ``channel``: ways on which warnings go out, as written (``ruimte.notify.channels`` reads them)."""

    channel: tuple[dict[str, Any], ...] = ()


def read_node_file(data: Path) -> NodeFile:
    """The node's file in its data folder; one without settings where there is none. Raises ``RuimteError`` where it is wrong."""
    path = data / NODE_FILE
    try:
        return msgspec.toml.decode(path.read_bytes(), type=NodeFile)
    except FileNotFoundError:
        return NodeFile()
    except OSError as error:
        raise RuimteError(f"cannot be read ({error.strerror})", str(path), "let the node's user read it") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RuimteError(str(error), str(path), "mend the file, or move it away") from None


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
