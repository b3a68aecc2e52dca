"""Files of agreements and of keys: read whole, written whole or not at all."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ruimte.errors import RuimteError
from ruimte.keys.signature import KeyPair, public_of
from ruimte.share.agreement import Agreement
from ruimte.share.document import content_hash, read_document, write_document
from ruimte.share.terms import check_key
from ruimte.store.lockfile import LockFile

SUFFIX = ".json"
_PATIENCE_S = 5.0


class _KeyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A party's key pair. ``push`` is there in the file of a node's own keys, and not used here."""

    version: int
    private: str
    public: str
    push: str = ""


def read_agreement(path: Path) -> Agreement:
    """The agreement in a file, not checked yet. Raises ``RuimteError`` where it holds none."""
    return read_document(read_bytes(path), str(path))


def write_agreement(path: Path, agreement: Agreement) -> None:
    """Write the file, in place of what it was, whole or not at all. Raises ``RuimteError`` where it cannot be written."""
    write_whole(path, write_document(agreement), 0o644)


def file_name(agreement: Agreement) -> str:
    """How the file of an agreement is named in a node's data folder: by the hash of its content."""
    return content_hash(agreement.content) + SUFFIX


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Meanwhile nobody else who asks for this writes there: neither the node nor a command may lose the other's signature."""
    lock, until_s = folder / ".lock", time.monotonic() + _PATIENCE_S
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.touch()
    except OSError as error:
        raise RuimteError(f"cannot be written ({error.strerror})", str(folder), "choose a folder that can be written") from None
    while True:
        try:
            held = LockFile(lock)
            break
        except RuimteError:
            if time.monotonic() > until_s:
                raise RuimteError("another process is writing there", str(folder), "try again") from None
            time.sleep(0.02)
    try:
        yield
    finally:
        held.release()


def read_bytes(path: Path) -> bytes:
    """A file's octets. Raises ``RuimteError`` where it cannot be read."""
    try:
        if path.exists() and not path.is_file():
            raise RuimteError("is not a file", str(path), "give a file")
        return path.read_bytes()
    except FileNotFoundError:
        raise RuimteError("there is no such file", str(path), "check the path") from None
    except (OSError, ValueError) as error:
        what = f"cannot be read ({error.strerror if isinstance(error, OSError) else error})"
        raise RuimteError(what, str(path), "give a file that you may read") from None


def write_whole(path: Path, octets: bytes, mode: int, *, new: bool = False) -> None:
    """Write a file so that it is there whole or not at all, also after a crash. ``new``: what is there already stays.

    Raises ``RuimteError`` where it cannot be written, or is there already.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(octets)
                file.flush()
                os.fsync(file.fileno())
            if new:
                os.link(part, path)  # unlike a rename this does not replace what is there
            else:
                part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError:
        raise RuimteError("is there already", str(path), "choose another name, or move it away") from None
    except (OSError, ValueError) as error:
        what = f"cannot be written ({error.strerror if isinstance(error, OSError) else error})"
        raise RuimteError(what, str(path), "choose a file in a folder that can be written") from None


def _sync_folder(folder: Path) -> None:
    """A new name is on the disk only once its folder is: a revocation must not be lost with the power."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_key_file(path: Path) -> KeyPair:
    """A party's key pair, or a node's own. Raises ``RuimteError`` where the file holds none, or others may read it."""
    octets = read_bytes(path)
    if is_public_key(octets):
        mend = (
            f"give {path.with_suffix('')}"
            if path.suffix == ".pub"
            else "give the file that `ruimte share keygen --out FILE` wrote"
        )
        raise RuimteError("this is the public key, which cannot sign", str(path), mend)
    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        raise RuimteError("others on this machine can read this private key", str(path), f"chmod 600 {path}")
    try:
        found = msgspec.json.decode(octets, type=_KeyFile)
        if found.version != 1 or public_of(found.private) != found.public:
            raise ValueError
    except (msgspec.DecodeError, RuimteError, ValueError, RecursionError):
        raise RuimteError("is not a key", str(path), "make one with `ruimte share keygen --out FILE`") from None
    return KeyPair(found.private, found.public)


def is_public_key(octets: bytes) -> bool:
    """Whether a file's octets are a public key, alone."""
    try:
        check_key(octets[:4096].decode("ascii").strip(), "key")
    except (RuimteError, UnicodeDecodeError):
        return False
    return True


def read_public_key(path: Path) -> str:
    """The public key in a file that holds it alone, or beside its private key. Raises ``RuimteError`` where there is none."""
    text = read_bytes(path)[:4096].decode(errors="replace").strip()
    if text.startswith("{"):
        return read_key_file(path).public
    check_key(text, str(path))
    return text


def write_key_file(path: Path, pair: KeyPair) -> None:
    """Write a key pair that only its owner can read. Raises ``RuimteError`` where the file is there already."""
    key = _KeyFile(version=1, private=pair.private, public=pair.public)
    told = {name: value for name, value in msgspec.to_builtins(key).items() if name != "push"}
    write_whole(path, msgspec.json.format(msgspec.json.encode(told)) + b"\n", 0o600, new=True)
