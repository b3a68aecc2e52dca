"""Secrets of channels: in the environment, never in a file of settings."""

from __future__ import annotations

from collections.abc import Mapping

from ruimte.errors import RuimteError


def secret(environment: Mapping[str, str], name: str | None, channel: str) -> str | None:
    """The secret that a variable of the environment holds; None where none is named. Raises ``RuimteError`` where it is empty."""
    if name is None:
        return None
    value = environment.get(name)
    if not value:
        raise RuimteError(f"the variable {name} is not set", f"channel {channel!r}", "set it in the environment of the node")
    if any(character in value for character in "\r\n\0"):
        raise RuimteError(f"the variable {name} holds more than one line", f"channel {channel!r}", "set it to the secret alone")
    return value
