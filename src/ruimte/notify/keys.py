"""The node's own keys: one that signs webhooks (Ed25519), one that push services know it by (P-256)."""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from ruimte.errors import RuimteError
from ruimte.keys.signature import generate, key_id


class NodeKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``private`` and ``public`` as in ``ruimte.keys.signature``; ``push``: base64url of the private value of the P-256 key."""

    version: Literal[1]
    private: str
    public: str
    push: str

    @property
    def id(self) -> str:
        """Thumbprint of the signing key (RFC 7638)."""
        return key_id(self.public)

    @property
    def push_key(self) -> ec.EllipticCurvePrivateKey:
        """The key of RFC 8292."""
        return ec.derive_private_key(int.from_bytes(_bytes(self.push)), ec.SECP256R1())


def node_keys(data: Path, lab: str) -> NodeKeys:
    """The keys in the node's data folder, made where there are none. Raises ``RuimteError`` where the file cannot be used."""
    path = _path(data, lab)
    try:
        data.mkdir(parents=True, exist_ok=True)
        _make(path)
    except OSError as error:
        raise _unusable(path, error) from None
    return _read(path)


def known_node_keys(data: Path, lab: str) -> NodeKeys:
    """The keys that are in the node's data folder already: nothing is made. Raises ``RuimteError`` where there are none.

    For whoever signs in the node's name: a key that nobody knows yet can sign nothing, and a wrong folder should be told.
    """
    path = _path(data, lab)
    if not has_keys(data, lab):
        mend = "is --data right? `ruimte serve` and `ruimte notify LAB --key` make a key"
        raise RuimteError(f"there is no key of the node of {lab}", str(path), mend)
    return _read(path)


def has_keys(data: Path, lab: str) -> bool:
    """Whether the node has keys already."""
    return _path(data, lab).exists()


def _path(data: Path, lab: str) -> Path:
    return data / f"{lab}.keys.json"


def _read(path: Path) -> NodeKeys:
    try:
        if sys.platform != "win32" and path.stat().st_mode & 0o077:
            raise RuimteError("others on this machine can read the node's keys", str(path), f"chmod 600 {path}")
        return msgspec.json.decode(path.read_bytes(), type=NodeKeys)
    except OSError as error:
        raise _unusable(path, error) from None
    except msgspec.DecodeError as error:
        raise RuimteError(f"does not hold the node's keys ({error})", str(path), "put the copy back that you kept") from None


def _unusable(path: Path, error: OSError) -> RuimteError:
    return RuimteError(f"cannot be used ({error.strerror})", str(path), "let the node's user read and write there")


def _make(path: Path) -> None:
    """Make the file, whole or not at all; one that is there stays."""
    if path.exists():
        return
    pair, push = generate(), ec.generate_private_key(ec.SECP256R1())
    value = push.private_numbers().private_value.to_bytes(32)
    text = base64.urlsafe_b64encode(value).decode().rstrip("=")
    keys = NodeKeys(version=1, private=pair.private, public=pair.public, push=text)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(keys))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)  # unlike a rename this does not replace what another process has just made
    except FileExistsError:
        pass
    finally:
        part.unlink()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
