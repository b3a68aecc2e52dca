"""The picture at a moment: what the page, the stream and the API all tell."""

from __future__ import annotations

from typing import Any

from ruimte.clock import iso
from ruimte.jobs.room import Room


def picture(room: Room, language: str, at_us: int | None = None) -> dict[str, Any]:
    """Status, the first moment that can be looked back to, and the state of all places."""
    status = room.status()
    since = status.time if status.phase == "starting" else iso(room.span()[0])
    return {"status": status, "since": since, "zones": room.zones(language, at_us)}
