"""What a person does with a warning: acknowledge it, take a measure, or decline."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ruimte.errors import RuimteError
from ruimte.jobs.room import Room
from ruimte.web.auth import form
from ruimte.web.control.page import warnings_fragment
from ruimte.web.problems import WebError, bad_field, not_found
from ruimte.web.words import marked

_MAX_NOTE = 500


async def acknowledge(request: Request) -> Response:
    """``POST /warnings/{id}/acknowledge``."""
    room, warning = _warning(request)
    try:
        await room.acknowledge(warning, request.state.user)
    except RuimteError as error:
        raise _conflict(error) from error
    return _done(request)


async def decide(request: Request) -> Response:
    """``POST /warnings/{id}/decide`` with ``measure=KEY`` or ``decline=yes``, and a ``note`` where there is something to say."""
    room, warning = _warning(request)
    fields = await form(request)
    measure, declines, note = fields.get("measure"), fields.get("decline") == "yes", fields.get("note", "").strip()
    if (measure is None) == (not declines):
        raise bad_field("measure", "one of measure and decline is needed", "send measure=KEY or decline=yes")
    if measure is not None and measure not in room.lab.measures:
        raise bad_field("measure", f"{measure!r} is not in the playbook", f"one of: {', '.join(room.lab.measures)}")
    if len(note) > _MAX_NOTE:
        raise bad_field("note", f"longer than {_MAX_NOTE} characters", "shorten it")
    try:
        await room.decide(warning, request.state.user, measure, note)
    except RuimteError as error:
        raise _conflict(error) from error
    return _done(request)


def _warning(request: Request) -> tuple[Room, int]:
    room: Room = request.app.state.room
    warning: int = request.path_params["id"]
    if all(known.id != warning for known in room.warnings("en")):
        raise not_found(marked("there is no such warning"), str(warning), marked("look at the list again"))
    return room, warning


def _conflict(error: RuimteError) -> WebError:
    return WebError(
        409, marked("the warning is closed, or someone was first"), error.where, marked("look at it again in the list")
    )


def _done(request: Request) -> Response:
    if "hx-request" in request.headers:
        return warnings_fragment(request)
    return RedirectResponse("/", 303)
