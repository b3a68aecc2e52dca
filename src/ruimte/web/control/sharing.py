"""The page of sharing: every agreement in words, what went out under it, and what a manager does with it."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ruimte.errors import RuimteError
from ruimte.jobs.share_office import Office
from ruimte.jobs.share_views import SHORT
from ruimte.share.contract import Action
from ruimte.web.control.page import may_act
from ruimte.web.pages import Pages
from ruimte.web.problems import WebError, not_found
from ruimte.web.uploads import uploaded
from ruimte.web.words import marked

MOST_BYTES = 1024 * 1024
REFUSALS = (
    marked("is empty"),
    marked("is not JSON"),
    marked("is not an agreement"),
    marked("is larger than 1 MiB"),
    marked("names this node's key nowhere"),
    marked("there is no such agreement"),
    marked("has signed accept already"),
    marked("has signed reject already"),
    marked("has signed revoke already"),
    marked("has accepted"),
    marked("has not accepted"),
    marked("the agreement has expired"),
    marked("take the file as it was signed"),
    marked("give a file that `ruimte share propose` made"),
    marked("tell the partner this node's key, and let it propose anew"),
    marked("look at the list again"),
    marked("nothing needs to be done"),
    marked("propose a new one"),
)
"""What may often be wrong with a file or an act, and how to mend it."""


async def sharing_page(request: Request) -> Response:
    """``GET /sharing``."""
    return await _page(request)


async def take_in(request: Request) -> Response:
    """``POST /sharing`` with an agreement's file in ``file``: from a partner, or a copy with its signature."""
    office = office_of(request)
    try:
        name, octets = await uploaded(request, "file", MOST_BYTES)
        taken = await office.take_in(request.state.user, octets, name)
    except RuimteError as error:
        return await _page(request, error)
    return done(f"received-{taken.stand}", taken.hash)


async def sign(request: Request) -> Response:
    """``POST /sharing/{hash}/sign``: accept the terms, with the node's key."""
    return await _act(request, "accept", "signed")


async def reject(request: Request) -> Response:
    """``POST /sharing/{hash}/reject``: refuse the terms, for good."""
    return await _act(request, "reject", "rejected")


async def revoke(request: Request) -> Response:
    """``POST /sharing/{hash}/revoke``: take back what was accepted; the next request gets nothing."""
    return await _act(request, "revoke", "revoked")


async def download(request: Request) -> Response:
    """``GET /sharing/{hash}/agreement.json``: the file with all signatures so far, to send to the other party."""
    office = office_of(request)
    try:
        name, octets = await asyncio.to_thread(office.file, request.path_params["hash"])
    except RuimteError as error:
        raise not_found(error.what, error.where, error.mend) from error
    headers = {"content-disposition": f'attachment; filename="agreement-{name[:SHORT]}.json"'}
    return Response(octets, media_type="application/json", headers=headers)


def office_of(request: Request) -> Office:
    """Raises a 404 where this node does not share."""
    office: Office | None = request.app.state.sharing
    if office is None:
        raise not_found(marked("this node does not share"), request.url.path, marked("see /sharing how that is begun"))
    return office


def done(what: str, hashed: str) -> Response:
    """Back to the page, at the agreement, with a line that says what was done."""
    return RedirectResponse(f"/sharing?done={what}#a-{hashed[:SHORT]}", 303)


async def _act(request: Request, action: Action, what: str) -> Response:
    hashed = request.path_params["hash"]
    try:
        await office_of(request).act(request.state.user, hashed, action)
    except WebError:
        raise
    except RuimteError as error:
        return await _page(request, error)
    return done(what, hashed)


async def _page(request: Request, problem: RuimteError | None = None) -> Response:
    """The page, with what went wrong where something did."""
    office: Office | None = request.app.state.sharing
    pages: Pages = request.app.state.pages
    language = pages.language(request)
    return pages.render(
        request,
        "sharing.html",
        200 if problem is None else problem.status if isinstance(problem, WebError) else 400,
        here="/sharing",
        sharing=None if office is None else await asyncio.to_thread(office.view, language),
        mode=request.app.state.room.status().mode,
        can_manage=may_act(request, "manage"),
        can_export=may_act(request, "export"),
        problem=problem,
        done=request.query_params.get("done"),
    )
