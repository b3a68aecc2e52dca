"""Who acts: one local account, sessions by a random token in a cookie, and the pages to sign in."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from typing import Protocol
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ruimte.model.role import Actor
from ruimte.web.pages import Pages
from ruimte.web.problems import WebError
from ruimte.web.words import marked

MIN_PASSWORD = 12
_TRIES, _TRIES_WITHIN_S, _CALLERS = 5, 60.0, 1000
_MAX_BODY = 16_384
_SESSION_S = 30 * 24 * 3600


class Accounts(Protocol):
    """Keeps the account and its sessions. Tokens are random text; only the browser holds them."""

    @property
    def has_password(self) -> bool:
        """Whether a password is set: from then on, looking needs a session too."""
        ...

    @property
    def auto(self) -> bool:
        """Whether a visitor from this machine itself gets a session at the first page (demo)."""
        ...

    def welcome(self) -> str:
        """A new session for a visitor who gets one without asking (``auto``)."""
        ...

    def actor(self, token: str) -> Actor | None:
        """Who holds a session; None where there is none."""
        ...

    def sign_in(self, password: str) -> str | None:
        """A new session, or None where the password is wrong."""
        ...

    def redeem(self, one_time_token: str) -> str | None:
        """A new session for a one-time link, which works once."""
        ...

    def sign_out(self, token: str) -> None:
        """End a session."""
        ...

    def set_password(self, user: str, password: str) -> None:
        """Set or change the password."""
        ...


class Tries:
    """At most five tries a minute for each caller."""

    def __init__(self) -> None:
        self._when: OrderedDict[str, deque[float]] = OrderedDict()

    def spend(self, caller: str) -> None:
        """Note a try. Raises a 429 where there were too many."""
        now = time.monotonic()
        tries = self._when.setdefault(caller, deque())
        self._when.move_to_end(caller)
        while tries and tries[0] <= now - _TRIES_WITHIN_S:
            tries.popleft()
        if len(tries) >= _TRIES:
            raise WebError(429, marked("too many tries to sign in"), "password", marked("wait a minute, then try again"))
        tries.append(now)
        while len(self._when) > _CALLERS:
            self._when.popitem(last=False)


def cookie_name(request: Request) -> str:
    """Browsers share cookies among the ports of a host: the port in the name keeps two nodes apart."""
    server = request.scope.get("server") or ("", 0)
    return f"ruimte_session_{server[1] or 0}"


def give_session(request: Request, response: Response, token: str) -> None:
    """Put a session into the visitor's browser."""
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=_SESSION_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


async def form(request: Request) -> dict[str, str]:
    """The fields of a posted form. Raises a 413 for a body that no form of ours has, a 400 for one that is no text."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY:
            raise WebError(413, f"the form is larger than {_MAX_BODY} bytes", "body", "send less")
    try:
        return {name: values[-1] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
    except ValueError:
        raise WebError(400, "the form is not readable", "body", "send application/x-www-form-urlencoded, UTF-8") from None


async def sign_in_page(request: Request) -> Response:
    """The page with the password form."""
    return _sign_in(request)


async def sign_in(request: Request) -> Response:
    """Take the password."""
    accounts: Accounts = request.app.state.accounts
    request.app.state.tries.spend(_caller(request))
    token = accounts.sign_in((await form(request)).get("password", ""))
    if token is None:
        return _sign_in(request, 401, problem="wrong")
    return _home_with(request, token)


async def redeem(request: Request) -> Response:
    """Take a one-time link."""
    accounts: Accounts = request.app.state.accounts
    token = accounts.redeem(request.path_params["token"])
    if token is None:
        return _sign_in(request, 410, problem="used")
    return _home_with(request, token)


async def sign_out(request: Request) -> Response:
    """End the session."""
    accounts: Accounts = request.app.state.accounts
    name = cookie_name(request)
    accounts.sign_out(request.cookies.get(name, ""))
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(name, httponly=True, samesite="strict")
    return response


async def account_page(request: Request) -> Response:
    """The page on which the password is set."""
    return _account(request)


async def account(request: Request) -> Response:
    """Set the password: asks for the old one where there is one."""
    accounts: Accounts = request.app.state.accounts
    fields = await form(request)
    password = fields.get("password", "")
    if len(password) < MIN_PASSWORD:
        return _account(request, 400, problem="short")
    if password != fields.get("again", ""):
        return _account(request, 400, problem="different")
    if accounts.has_password:
        request.app.state.tries.spend(_caller(request))
        check = accounts.sign_in(fields.get("current", ""))
        if check is None:
            return _account(request, 400, problem="wrong")
        accounts.sign_out(check)
    accounts.set_password(request.state.user.name, password)
    return _account(request, done=True)


def _sign_in(request: Request, status: int = 200, problem: str | None = None) -> Response:
    accounts: Accounts = request.app.state.accounts
    pages: Pages = request.app.state.pages
    to_act = request.query_params.get("why") == "act"
    has_password = accounts.has_password
    return pages.render(request, "sign_in.html", status, problem=problem, to_act=to_act, has_password=has_password)


def _account(request: Request, status: int = 200, problem: str | None = None, done: bool = False) -> Response:
    accounts: Accounts = request.app.state.accounts
    pages: Pages = request.app.state.pages
    has_password = accounts.has_password
    return pages.render(
        request, "account.html", status, problem=problem, done=done, has_password=has_password, minimum=MIN_PASSWORD
    )


def _home_with(request: Request, token: str) -> Response:
    response = RedirectResponse("/", 303)
    give_session(request, response, token)
    return response


def _caller(request: Request) -> str:
    return request.client.host if request.client else "?"
