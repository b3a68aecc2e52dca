"""Whom a node follows: a file in its data folder, which a command writes and the running node reads again when it changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from ruimte.errors import RuimteError


class Subscription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider that is followed, for one purpose under one agreement: the node at ``url`` (without ``/share/v1``).

    ``party`` is this node's id in the agreement, ``provider`` the partner's, ``lab`` whose figures. ``trusted_s``: when an
    operator last said that the provider's log may be trusted, seconds since 1970. ``allow_private``: whether the provider may be
    in a network of one's own; ``ca_file``: PEM of an authority besides those that the system knows.
    """

    url: str
    agreement: str
    party: str
    provider: str
    lab: str
    purpose: str
    since_s: int
    trusted_s: int = 0
    allow_private: bool = False
    ca_file: str | None = None

    @property
    def key(self) -> str:
        """What the store knows it by: the same address, agreement, lab and purpose are the same subscription."""
        told = "\n".join((self.url, self.agreement, self.lab, self.purpose))
        return hashlib.sha256(told.encode()).hexdigest()[:12]


class _File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    version: Annotated[int, msgspec.Meta(ge=1)]
    subscriptions: list[Subscription] = []


VERSION: Literal[1] = 1


def subscriptions_path(data: Path, lab: str) -> Path:
    """Where a lab's node keeps whom it follows."""
    return data / f"{lab}.subscriptions.json"


def read_subscriptions(path: Path) -> list[Subscription]:
    """Those in the file; none where there is no file. Raises ``RuimteError`` where it is not as it was written."""
    mend = "put the copy back that you kept, or subscribe again"
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RuimteError(f"cannot be read ({error.strerror})", str(path), "let the node's user read it") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise RuimteError(f"does not hold subscriptions ({error})", str(path), mend) from None
    if file.version > VERSION:
        raise RuimteError(f"version {file.version} is newer than this one knows ({VERSION})", str(path), "upgrade Ruimte")
    return file.subscriptions


def write_subscriptions(path: Path, subscriptions: Sequence[Subscription]) -> None:
    """Write the file, whole or not at all. Raises ``RuimteError`` where it cannot be written."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(_File(version=VERSION, subscriptions=list(subscriptions)))))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RuimteError(f"cannot be written ({error.strerror})", str(path), "let the node's user write there") from None


def with_subscription(known: Sequence[Subscription], new: Subscription) -> list[Subscription]:
    """Those that are known with a new one, in place of what it is the same as."""
    return [*(each for each in known if each.key != new.key), new]


def find(known: Sequence[Subscription], named: str) -> Subscription:
    """The one with this key or address. Raises ``RuimteError`` where there is none, or more than one."""
    found = [each for each in known if named == each.key] or [each for each in known if base_url(named) == each.url]
    if len(found) == 1:
        return found[0]
    keys = ", ".join(each.key for each in found or known)
    if found:
        raise RuimteError("is the address of more than one subscription", named, f"give the key of one: {keys}")
    raise RuimteError("is no subscription", named, f"give one of: {keys}" if keys else "there is none yet")


def base_url(url: str) -> str:
    """A node's address as it is kept: without ``/share/v1`` and without a slash at its end.

    >>> base_url("https://crowd.example.org/share/v1/")
    'https://crowd.example.org'
    """
    return url.strip().rstrip("/").removesuffix("/share/v1").rstrip("/")
