"""The warnings in CAP 1.2, one by one, and a feed (Atom, RFC 4287) that leads to them."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement

from starlette.requests import Request
from starlette.responses import Response

from ruimte.clock import to_us
from ruimte.jobs.notices import notice
from ruimte.jobs.room import Room, WarningView
from ruimte.notify import cap
from ruimte.notify.notice import Notice
from ruimte.text import LANGUAGES, pick
from ruimte.web.pages import Pages
from ruimte.web.problems import not_found
from ruimte.web.words import marked

_ATOM = "http://www.w3.org/2005/Atom"


async def alert(request: Request) -> Response:
    """``/api/v1/cap/{id}.xml``: a warning as it is now; also one that was closed in the last 12 hours."""
    room: Room = request.app.state.room
    wanted = request.path_params["id"]
    views = {language: _by_id(room, language).get(wanted) for language in LANGUAGES}
    known = {language: view for language, view in views.items() if view is not None}
    if len(known) < len(LANGUAGES):
        raise not_found(marked("there is no such warning"), wanted, marked("look at the list again"))
    return Response(cap.alert(_notice(room, known)), media_type=cap.MEDIA_TYPE)


async def feed(request: Request) -> Response:
    """``/api/v1/cap.xml``: all that stand, and those that were closed in the last 12 hours."""
    room: Room = request.app.state.room
    pages: Pages = request.app.state.pages
    language, here = pages.language(request), str(request.base_url).rstrip("/")
    all_views = {each: _by_id(room, each) for each in LANGUAGES}
    root = Element("feed", {"xmlns": _ATOM, "xml:lang": language})
    _add(root, "id", f"urn:ruimte:{room.lab.key}:warnings")
    _add(root, "title", pick(room.lab.file.name, language))
    _add(root, "updated", room.status().time)
    _add(SubElement(root, "author"), "name", room.lab.file.organisation)
    SubElement(root, "link", {"rel": "self", "href": f"{here}/api/v1/cap.xml"})
    for id_, view in all_views[language].items():
        told = _notice(room, {each: all_views[each][id_] for each in LANGUAGES if id_ in all_views[each]})
        entry = SubElement(root, "entry")
        _add(entry, "id", f"urn:ruimte:{cap.identifier(room.lab.key, view.id, told.at_us)}")
        _add(entry, "title", told.texts[language].headline)
        _add(entry, "updated", view.updated)
        _add(entry, "published", view.opened)
        _add(entry, "summary", told.texts[language].description)
        SubElement(entry, "link", {"type": cap.MEDIA_TYPE, "href": f"{here}/api/v1/cap/{view.id}.xml"})
    text = ElementTree.tostring(root, encoding="unicode")
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', media_type="application/atom+xml")


def _by_id(room: Room, language: str) -> dict[str, WarningView]:
    return {str(view.id): view for view in room.warnings(language)}


def _notice(room: Room, views: dict[str, WarningView]) -> Notice:
    """The warning as its newest message; the first one, of its opening, is what it refers to."""
    view = views[LANGUAGES[0]]
    opened_us, updated_us = (to_us(datetime.fromisoformat(time)) for time in (view.opened, view.updated))
    first = updated_us <= opened_us
    step = "closed" if view.phase == "closed" else "opened"
    return notice(
        room.lab, views, step, updated_us, source=f"urn:ruimte:{room.lab.key}", earlier_us=() if first else (opened_us,)
    )


def _add(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text
