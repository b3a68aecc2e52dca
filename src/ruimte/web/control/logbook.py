"""The logbook: what a person writes into it, and what can be taken out: as CSV, as PDF, and as a report of what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ruimte.clock import from_us, to_us
from ruimte.errors import RuimteError
from ruimte.intake.notes import LONGEST, HoldsPersonalError
from ruimte.jobs.room import Room
from ruimte.jobs.words import identifier
from ruimte.lab.field_reports import report_key
from ruimte.lab.lab import CountPoint, Zone
from ruimte.report.pdf import find_chromium, to_pdf
from ruimte.text import pick
from ruimte.web.auth import form
from ruimte.web.control.page import logbook_fragment, may_act
from ruimte.web.pages import Pages
from ruimte.web.problems import WebError, bad_field
from ruimte.web.roles import without_names
from ruimte.web.words import marked

_NOTICE = "Print this page: on this node no browser was found to make a PDF of it."
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
"""A report brings its own looks and figures along, and nothing in it may run or fetch."""
REFUSALS = (
    marked("is not a number"),
    marked("is below 0"),
    marked("ends below where it begins"),
    marked("is more than fit in there"),
    marked("takes no field reports"),
    marked("takes no field reports now"),
    marked("is empty"),
    marked("is longer than 500 characters"),
    marked("write how many, like 400 or 300-500"),
    marked("write 0 or more"),
    marked("write the lower number first, like 300-500"),
    marked("count again, or choose another place"),
    marked("choose a zone, or add [field_reports] to lab.toml"),
    marked("review valid_until of [field_reports] in lab.toml"),
    marked("write what happened"),
    marked("shorten it"),
)
"""What the room may say of what was written, and how to mend it."""


async def logbook_page(request: Request) -> Response:
    """``GET /logbook``: the forms, what can be taken out, and the newest lines."""
    room, pages = _parts(request)
    language = pages.language(request)
    from_us_, until_us = _evening(room)
    zones = [(pick(zone.name, language), key) for key, zone in room.lab.zones.items() if report_key(key) in room.lab.sensors]
    places: dict[str, Zone | CountPoint] = {**room.lab.zones, **room.lab.count_points}
    return pages.render(
        request,
        "logbook.html",
        lines=without_names(room.logbook(language, limit=100), request),
        can_write=may_act(request),
        can_export=may_act(request, "export"),
        now=room.status().time,
        zones=sorted(zones),
        places=sorted((pick(place.name, language), key) for key, place in places.items()),
        longest=LONGEST,
        from_=_field(from_us_, room),
        to=_field(until_us, room),
        done=request.query_params.get("done"),
    )


async def note(request: Request) -> Response:
    """``POST /logbook`` with ``text`` and, where it is about one, a ``place``."""
    room, _ = _parts(request)
    fields = await form(request)
    try:
        await room.write_note(request.state.user, fields.get("text", ""), fields.get("place") or None)
    except RuimteError as error:
        raise told(request, error) from error
    if "hx-request" in request.headers:
        return logbook_fragment(request)
    return RedirectResponse("/logbook?done=note", 303)


async def report_count(request: Request) -> Response:
    """``POST /logbook/field-report`` with a ``place``, a ``number`` ("400" or "300-500") and perhaps a ``note``."""
    room, _ = _parts(request)
    fields = await form(request)
    low, high = read_range(fields.get("number", ""))
    try:
        await room.report_count(request.state.user, fields.get("place", ""), low, high, fields.get("note", ""))
    except RuimteError as error:
        raise told(request, error) from error
    return RedirectResponse("/logbook?done=report", 303)


def read_range(text: str) -> tuple[float, float]:
    """The two ends of a number as people write it; of one figure they are equal.

    >>> read_range("400"), read_range("1.200 – 1 500"), read_range("300 tot 500")
    ((400.0, 400.0), (1200.0, 1500.0), (300.0, 500.0))

    Raises ``WebError`` where it is none.
    """
    written = text.lower().replace("–", "-").replace("—", "-").replace(" tot ", "-").replace(" to ", "-")
    negative = written.strip().startswith("-")
    parts = ["".join(part.split()) for part in written.strip().lstrip("-").split("-")]
    # a point or comma before three digits groups thousands; people are counted whole
    whole = [part.replace(".", "").replace(",", "") for part in parts]
    grouped = all(len(rest) == 3 for part in parts for rest in part.replace(",", ".").split(".")[1:])
    if (
        negative
        or not grouped
        or len(whole) > 2
        or not all(part.isascii() and part.isdecimal() and len(part) < 9 for part in whole)
    ):
        raise bad_field("number", marked("this is no number of people"), marked("write how many, like 400 or 300-500"))
    return float(whole[0]), float(whole[-1])


async def logbook_csv(request: Request) -> Response:
    """``GET /logbook.csv?from=&to=``: the logbook of a period for a spreadsheet."""
    room, pages = _parts(request)
    span = _period(request, room)
    text = await asyncio.to_thread(room.log_file, "csv", pages.language(request), *span)
    # the mark at its begin tells spreadsheets that it is UTF-8
    return Response(
        ("\ufeff" + text).encode(), media_type="text/csv; charset=utf-8", headers=_saved("logbook", "csv", room, span)
    )


async def logbook_pdf(request: Request) -> Response:
    """``GET /logbook.pdf?from=&to=``: the logbook of a period as PDF; where no browser is found, as a page to print."""
    room, pages = _parts(request)
    language, span = pages.language(request), _period(request, room)
    notice = "" if find_chromium() else _NOTICE
    return await _paper(request, "logbook", lambda: room.log_file("html", language, *span, notice), span, pdf=not notice)


async def report(request: Request) -> Response:
    """``GET /report?from=&to=``: the after-action report of a period, from the last noon until now where none is asked for.

    With ``format=pdf`` as PDF, where a browser is found.
    """
    room, pages = _parts(request)
    language, span = pages.language(request), _period(request, room)
    pdf = request.query_params.get("format") == "pdf" and find_chromium() is not None
    return await _paper(request, "report", lambda: room.after_action(language, *span), span, pdf=pdf)


async def _paper(request: Request, name: str, make: Callable[[], str], span: tuple[int, int], *, pdf: bool) -> Response:
    """Make a page, or a PDF of it, in a thread; one at a time, for each takes a core for seconds."""
    room, _ = _parts(request)
    lock: asyncio.Lock = request.app.state.reporting
    if lock.locked():
        raise WebError(429, marked("a report is being made already"), "", marked("try again in a moment"))
    async with lock:
        text = await asyncio.to_thread(make)
        if not pdf:
            return HTMLResponse(text, headers=_HEADERS)
        body = await asyncio.to_thread(to_pdf, text)
    return Response(body, media_type="application/pdf", headers=_saved(name, "pdf", room, span))


def _period(request: Request, room: Room) -> tuple[int, int]:
    """``from`` and ``to``: local times of the lab, or with an offset. What is left out: from the last noon, until now."""
    first, last = _evening(room)
    from_us_, until_us = _moment(request, "from", first, room), _moment(request, "to", last, room)
    if until_us <= from_us_:
        raise bad_field("to", marked("the period ends before it begins"), marked("set a later end"))
    return from_us_, until_us


def _moment(request: Request, name: str, default: int, room: Room) -> int:
    text = request.query_params.get(name)
    if not text:
        return default
    try:
        moment = datetime.fromisoformat(text)
        return to_us(moment if moment.tzinfo is not None else moment.replace(tzinfo=room.lab.zone))
    except (ValueError, OverflowError):
        raise bad_field(name, marked("this is no time"), "2024-12-31T18:00") from None


def _evening(room: Room) -> tuple[int, int]:
    """From the last noon until now, by the lab's clock."""
    now = datetime.fromisoformat(room.status().time).astimezone(room.lab.zone)
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    if noon >= now:
        noon = (noon - timedelta(days=1)).replace(hour=12)
    return to_us(noon), to_us(now)


def _field(us: int, room: Room) -> str:
    return f"{from_us(us).astimezone(room.lab.zone):%Y-%m-%dT%H:%M}"


def _saved(name: str, ending: str, room: Room, span: tuple[int, int]) -> dict[str, str]:
    stamp = _field(span[0], room).replace(":", "").replace("-", "")
    return {"content-disposition": f'attachment; filename="{name}-{room.lab.key}-{stamp}.{ending}"'}


def told(request: Request, error: RuimteError) -> WebError:
    """What the room objects to, in the reader's language; what looked like an identifier is not shown again."""
    _, pages = _parts(request)
    words = pages.speaks(request)
    if isinstance(error, HoldsPersonalError):
        what = words("the note holds what looks like %(kind)s", kind=identifier(error.kind, words.language))
        return WebError(400, what, error.where, marked("leave it out: the logbook holds nothing about visitors"), said=True)
    return WebError(400, error.what, error.where, error.mend)


def _parts(request: Request) -> tuple[Room, Pages]:
    return request.app.state.room, request.app.state.pages
