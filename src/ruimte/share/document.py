"""An agreement as a file: JSON that can be read in one way only, and the hash of what is agreed on."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec
import rfc8785

from ruimte.errors import RuimteError
from ruimte.share.agreement import FORMAT, Agreement, Content

_MOST_BYTES = 1024 * 1024
"""As large as FSC lets the properties of a grant be."""


def content_hash(content: Content) -> str:
    """SHA3-512 over the canonical JSON (RFC 8785) of what is agreed on, in base64url without padding: 86 letters.

    Raises ``RuimteError`` where it holds what JSON cannot carry.
    """
    return base64.urlsafe_b64encode(hashlib.sha3_512(canonical(content)).digest()).rstrip(b"=").decode()


def canonical(content: Content) -> bytes:
    """What is hashed: the content in canonical JSON. Raises ``RuimteError`` where it holds what JSON cannot carry."""
    return canonical_json(msgspec.to_builtins(content))


def write_document(agreement: Agreement) -> bytes:
    """The file of an agreement: JSON, indented, every field written out."""
    return json.dumps(msgspec.to_builtins(agreement), ensure_ascii=False, indent=2).encode() + b"\n"


def read_document(octets: bytes, where: str) -> Agreement:
    """The agreement in a file; ``where`` names it in errors. Whether it holds is for ``ruimte.share.contract.check`` to say.

    Whoever hashes the ``content`` of the file itself comes to the same hash: no name stands twice, no field is left out and none
    is added. Raises ``RuimteError`` where the file is otherwise, or of a newer version.
    """
    if len(octets) > _MOST_BYTES:
        raise RuimteError("is larger than 1 MiB", where, "make agreements of fewer places")
    if not octets.strip():
        raise RuimteError("is empty", where, "take the file as it was signed")
    try:
        raw = json.loads(octets.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        told = str(error) if isinstance(error, _TwiceError) else "is not JSON"
        raise RuimteError(told, where, "take the file as it was signed") from None
    if not isinstance(raw, dict) or "content" not in raw or "version" not in raw:
        raise RuimteError("is not an agreement", where, "give a file that `ruimte share propose` made")
    version = raw["version"]
    if isinstance(version, int) and version > FORMAT:
        raise RuimteError(f"is of a newer version ({version}, this Ruimte knows {FORMAT})", where, "update ruimte")
    try:
        agreement = msgspec.convert(raw, Agreement)
    except (msgspec.ValidationError, RecursionError) as error:
        raise RuimteError(_plain(str(error)), where, "take the file as it was signed") from None
    if canonical(agreement.content) != canonical_json(raw["content"]):
        raise RuimteError("its content leaves out fields, or writes them otherwise", where, "take the file as it was signed")
    return agreement


class _TwiceError(ValueError):
    """A name that stands twice in one object: readers differ on which of the two holds."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(f"has a field twice: {next(name for name in names if names.count(name) > 1)[:40]!r}")
    return found


def _no_number(name: str) -> None:
    raise ValueError(name)


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """RFC 8785. Raises ``RuimteError`` where it holds what JSON cannot carry."""
    try:
        return rfc8785.dumps(dict(value))
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeError):
        mend = "write whole numbers up to 2^53, finite ones with a point, and text in Unicode"
        raise RuimteError("holds what JSON cannot carry", "agreement", mend) from None


def _plain(error: str) -> str:
    """An error of a decoder in one line that can be printed: it may quote what stands in the file."""
    what, _, path = error.partition(" - at `$.")
    told = f"{path.rstrip('`')}: {what}" if path else what
    return "".join(letter if letter.isprintable() else "?" for letter in told)[:300]
