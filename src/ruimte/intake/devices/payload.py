"""A payload as a typed struct; what does not fit is told by the name of its field, never by its value."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from ruimte.errors import RuimteError
from ruimte.intake.identifiers import read_key

Ignored = msgspec.Raw
"""A field that devices send and nobody here reads: it is left as bytes and goes with the payload."""
IGNORED = Ignored()

T = TypeVar("T")


class Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of what devices send: a field that is not declared refuses the payload."""


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """A decoder, made once for each format."""
    return msgspec.json.Decoder(kind)


def decode(payload: bytes, reader: msgspec.json.Decoder[T]) -> T:
    """The payload as its struct. Raises ``RuimteError``: what is wrong, where in the payload, and how to mend it."""
    try:
        return reader.decode(payload)
    except msgspec.ValidationError as error:
        raise _told(str(error)) from None
    except RecursionError:
        raise RuimteError("is nested too deep", "payload", "send the device's own message, nothing around it") from None
    except (msgspec.DecodeError, UnicodeError):
        raise RuimteError("is not JSON", "payload", "let the device send JSON") from None


_FIELD = re.compile(r"Object (contains unknown|missing required) field `(.*?)`(?: - at `(.*)`)?\Z", re.DOTALL)
_TYPE = re.compile(r"Expected `([\w| ]+)`, got `([\w| ]+)`(?: - at `(.*)`)?\Z")
_PLACE = re.compile(r" - at `(?:key in )?(\$[\w@.\[\]$]*)`\Z")


def _told(error: str) -> RuimteError:
    """msgspec's words in ours. Names of unknown fields are the sender's: they are shown only where they are fit to be shown."""
    field = _FIELD.match(error)
    if field is not None:
        fault, name, place = field.groups()
        where = _where(place, read_key(name).shown)
        if fault == "missing required":
            return RuimteError("is missing", where, "set the device to send it, or choose its right format")
        return RuimteError("is not a field of this format", where, "leave it out, or choose the device's right format")
    kind = _TYPE.match(error)
    if kind is not None:
        expected, got, place = kind.groups()
        return RuimteError(f"is {got}, not {expected}", _where(place), "send what the vendor's format says")
    found = _PLACE.search(error)
    return RuimteError("is not what this format allows", _where(found[1] if found else None), "choose the device's right format")


def _where(place: str | None, name: str = "") -> str:
    return f"{(place or '$').lstrip('$')}.{name}".strip(".") or "payload"
