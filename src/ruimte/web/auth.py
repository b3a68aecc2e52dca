"""Signing in and out with an account of this node, and the page of one's own account."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ruimte.clock import DAY_US, SystemClock, iso
from ruimte.errors import RuimteError
from ruimte.jobs.room import Room
from ruimte.model.role import Actor
from ruimte.text import LANGUAGES, duration_us, pick
from ruimte.web.limits import Limits, address
from ruimte.web.pages import Pages
from ruimte.web.passwords import MAX_PASSWORD, MIN_PASSWORD, complaint
from ruimte.web.problems import WebError
from ruimte.web.session import Accounts, give_session, take_session
from ruimte.web.words import marked

_log = logging.getLogger("ruimte.security")
_MAX_BODY = 16_384


async def form(request: Request) -> dict[str, str]:
    """The fields of a posted form. Raises a 413 for a body that no form of ours has, a 400 for one that is no text."""
    return {name: values[-1] for name, values in (await form_lists(request)).items()}


async def form_lists(request: Request, most_bytes: int = _MAX_BODY) -> dict[str, list[str]]:
    """The same for a form in which a field may come several times."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise WebError(413, f"the form is larger than {most_bytes} bytes", "body", "send less")
    try:
        return parse_qs(body.decode(), keep_blank_values=True)
    except ValueError:
        raise WebError(400, "the form is not readable", "body", "send application/x-www-form-urlencoded, UTF-8") from None


async def sign_in_page(request: Request) -> Response:
    """The page with the ways to sign in."""
    return sign_in_again(request)


async def sign_in(request: Request) -> Response:
    """Take a name and a password."""
    accounts, limits = _accounts(request), _limits(request)
    limits.sign_in.spend(address(request))
    fields = await form(request)
    token = await asyncio.to_thread(accounts.sign_in, fields.get("name", "").strip(), fields.get("password", ""))
    if token is None:
        _log.warning("no sign-in by password from %s: name and password do not belong together", address(request))
        return sign_in_again(request, 401, problem="wrong")
    _log.info("sign-in by password from %s", address(request))
    return _home_with(request, token)


async def redeem(request: Request) -> Response:
    """Take a one-time link."""
    _limits(request).provider.spend(address(request))
    token = _accounts(request).redeem(request.path_params["token"])
    if token is None:
        _log.warning("no sign-in by link from %s: it was used, or is too old", address(request))
        return sign_in_again(request, 410, problem="used")
    _log.info("sign-in by link from %s", address(request))
    return landed(request, token)


async def sign_out(request: Request) -> Response:
    """End the session."""
    response = RedirectResponse("/sign-in?why=out", 303)
    take_session(request, response)
    response.headers["clear-site-data"] = '"cache"'
    return response


async def account_page(request: Request) -> Response:
    """One's own account: the role, the password, the sessions."""
    return _account(request)


async def account(request: Request) -> Response:
    """Set the password: asks for the old one where there is one. All sessions end, and this browser gets a new one."""
    accounts, token = _accounts(request), request.state.token
    fields = await form(request)
    password = fields.get("password", "")
    if problem := complaint(password, _known_words(request)):
        return _account(request, 400, problem=problem)
    if password != fields.get("again", ""):
        return _account(request, 400, problem="different")
    _limits(request).sign_in.spend(address(request))
    if await asyncio.to_thread(accounts.knows_password, token, fields.get("current", "")) is False:
        return _account(request, 400, problem="wrong")
    try:
        request.state.token = await asyncio.to_thread(accounts.set_password, token, password)
    except RuimteError as error:
        raise WebError(409, marked("you have no account here to give a password"), "", marked("ask your provider")) from error
    response = _account(request, done=True)
    give_session(request, response, request.state.token)
    return response


async def end_session(request: Request) -> Response:
    """End one of one's own sessions, in another browser perhaps."""
    _accounts(request).end(request.state.token, request.path_params["id"])
    return RedirectResponse("/account", 303)


async def forget(request: Request) -> Response:
    """Delete the names of staff whose time is over."""
    await _room(request).forget_names(request.state.user)
    return RedirectResponse("/account", 303)


def landed(request: Request, token: str) -> Response:
    """A page of our own that goes on to the control room, with a session.

    Who comes from another site (a provider, a mail) is not sent on by a redirect: browsers keep a strict cookie back until a page
    of our own asks.
    """
    pages: Pages = request.app.state.pages
    response = pages.render(request, "landed.html")
    response.headers.update({"referrer-policy": "no-referrer", "cache-control": "no-store"})
    give_session(request, response, token)
    return response


def sign_in_again(request: Request, status: int = 200, problem: str | None = None) -> Response:
    """The page with the ways to sign in, and what went wrong before."""
    pages: Pages = request.app.state.pages
    return pages.render(
        request,
        "sign_in.html",
        status,
        problem=problem,
        why=request.query_params.get("why"),
        has_password=_accounts(request).has_password,
        provider=request.app.state.provider,
    )


def _account(request: Request, status: int = 200, problem: str | None = None, done: bool = False) -> Response:
    accounts, token = _accounts(request), request.state.token
    pages: Pages = request.app.state.pages
    return pages.render(
        request,
        "account.html",
        status,
        problem=problem,
        done=done,
        account=accounts.account(token),
        sessions=[(each, iso(each.began_us), iso(each.seen_us)) for each in accounts.sessions(token)],
        now=iso(SystemClock().now_us()),
        staff_days=-(-duration_us(_room(request).lab.file.retention.staff) // DAY_US),
        minimum=MIN_PASSWORD,
        maximum=MAX_PASSWORD,
    )


def _known_words(request: Request) -> list[str]:
    """What anybody would try first here."""
    file, user = _room(request).lab.file, request.state.user
    assert isinstance(user, Actor)
    names = [pick(text, language) for text in (file.name, file.organisation) for language in LANGUAGES]
    return ["ruimte", file.key, user.name, user.role, *names]


def _home_with(request: Request, token: str) -> Response:
    response = RedirectResponse("/", 303)
    give_session(request, response, token)
    return response


def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


def _limits(request: Request) -> Limits:
    limits: Limits = request.app.state.limits
    return limits


def _room(request: Request) -> Room:
    room: Room = request.app.state.room
    return room
