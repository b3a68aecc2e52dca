"""What the scripts of a map need to colour a field of density: the lab's table of levels, and their words."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from ruimte.jobs.crowd_view import CrowdView
from ruimte.jobs.room import Room
from ruimte.lab.levels import LevelTable, density_table
from ruimte.web.control.crowd_figures import SILENT_S
from ruimte.web.control.crowd_words import crowd_words, table_name
from ruimte.web.words import Words


def for_map(room: Room, words: Words) -> dict[str, Any] | None:
    """Everything that does not change from second to second; None where the lab has no device that tells tracks."""
    if not room.crowds(words.language):
        return None
    levels = table_of(room)
    return {
        "names": levels.names,
        "upper": levels.upper,
        "table": table_name(levels.name, words),
        "silent_s": SILENT_S,
        "words": crowd_words(words),
    }


def views(request: Request) -> list[CrowdView]:
    """What the devices see now, in the visitor's language."""
    room: Room = request.app.state.room
    return room.crowds(request.app.state.pages.language(request))


def table_of(room: Room) -> LevelTable:
    """The table of densities by which the map is coloured: the lab's own, where it is one."""
    return density_table(room.lab.file.levels)
