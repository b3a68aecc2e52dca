"""The settings of a node: flag > environment (``RUIMTE_…``) > ``node.toml`` in the folder of its data > default."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from ruimte.errors import RuimteError

NODE_FILE = "node.toml"


class OidcFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[oidc]``: the OpenID provider that tells who people are.

    ``secret_env`` names the variable that holds the client's secret; without one the client is public. ``name`` is what the
    button says. ``role_claim`` is the claim that tells roles, or a path to it with dots; ``roles`` says which of its values is
    which role here, the first that fits. ``hosts``: others than the issuer's own on which the provider has its addresses.
    """

    issuer: str
    client_id: str
    secret_env: str | None = None
    name: str = ""
    scopes: tuple[str, ...] = ("openid", "profile")
    name_claim: str = "name"
    role_claim: str = "roles"
    roles: dict[str, str] = {}
    hosts: tuple[str, ...] = ()


class SharingFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[sharing]``: who this node is in agreements, ``party`` by its id (``urn:nld:oin:…``) and ``name``.

    ``allow_private``: whether partners' webhooks may be in a private network, and without TLS: for trying out.
    """

    party: str = ""
    name: str = ""
    allow_private: bool = False


class NodeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``node.toml``. ``channel``: ways on which warnings go out, as written (``ruimte.notify.channels`` reads them).

    ``oidc``: sign-in with an OpenID provider (``ruimte.web.oidc`` checks it). ``sharing``: who the node is to its partners.
    """

    channel: tuple[dict[str, Any], ...] = ()
    oidc: OidcFile | None = None
    sharing: SharingFile = SharingFile()


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
