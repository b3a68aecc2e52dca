"""What a person does with a warning: acknowledge it, answer it with a measure or without, or put it aside."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ruimte.clock import MINUTE_US
from ruimte.errors import RuimteError
from ruimte.intake.notes import check_note
from ruimte.jobs.room import Room
from ruimte.text import duration_us
from ruimte.web.auth import form
from ruimte.web.control.logbook import told
from ruimte.web.control.page import warnings_fragment
from ruimte.web.problems import WebError, bad_field, not_found
from ruimte.web.words import marked


async def acknowledge(request: Request) -> Response:
    """``POST /warnings/{id}/acknowledge``."""
    room, warning = _warning(request)
    try:
        await room.acknowledge(warning, request.state.user)
    except RuimteError as error:
        raise _conflict(error) from error
    return _done(request)


async def decide(request: Request) -> Response:
    """``POST /warnings/{id}/decide`` with ``measure=KEY``, ``decline=yes`` or ``seen=yes``, and perhaps a ``note``.

    ``before``: the answer that was there when this one was given, so that two people do not undo each other's.
    """
    room, warning = _warning(request)
    fields = await form(request)
    answers = [key for key in ("decline", "seen") if fields.get(key) == "yes"]
    answers += [fields["measure"]] if "measure" in fields else []
    if len(answers) != 1:
        what = "one of measure, decline and seen is needed"
        raise bad_field("measure", what, "send measure=KEY, decline=yes or seen=yes")
    measure = fields.get("measure")
    if measure is not None and measure not in room.lab.measures:
        raise bad_field("measure", f"{measure!r} is not in the playbook", f"one of: {', '.join(room.lab.measures)}")
    answer = {"decline": "declined"}.get(answers[0], answers[0])
    note = _note(request, fields)
    try:
        await room.decide(warning, request.state.user, answer, note, fields.get("before") or None)
    except RuimteError as error:
        raise _conflict(error) from error
    return _done(request)


async def shelve(request: Request) -> Response:
    """``POST /warnings/{id}/shelve`` with ``minutes``, and a ``note`` where there is something to say."""
    room, warning = _warning(request)
    fields = await form(request)
    minutes, most = fields.get("minutes", ""), duration_us(room.lab.file.warn.shelve_most) // MINUTE_US
    if not minutes.isascii() or not minutes.isdigit() or not 1 <= int(minutes[:6]) <= most:
        raise bad_field("minutes", f"{minutes[:20]!r} is no time that a warning can be put aside", f"send 1 to {most}")
    note = _note(request, fields)
    try:
        await room.shelve(warning, request.state.user, int(minutes), note)
    except RuimteError as error:
        raise _conflict(error) from error
    return _done(request)


async def unshelve(request: Request) -> Response:
    """``POST /warnings/{id}/unshelve``."""
    room, warning = _warning(request)
    try:
        await room.unshelve(warning, request.state.user)
    except RuimteError as error:
        raise _conflict(error) from error
    return _done(request)


def _note(request: Request, fields: dict[str, str]) -> str:
    note = fields.get("note", "").strip()
    try:
        return check_note(note) if note else ""
    except RuimteError as error:
        raise told(request, error) from error


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
