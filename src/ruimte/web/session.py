"""A session in the visitor's browser: the cookie, and what the node keeps of it."""

from __future__ import annotations

from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from ruimte.model.role import Actor
from ruimte.store.accounts import LASTS_US, Account, Session

_SESSION_S = max(LASTS_US.values()) // 1_000_000


class Accounts(Protocol):
    """Keeps accounts and sessions (see ``ruimte.store.accounts``). Tokens are random text; only the browser holds them."""

    auto: bool

    @property
    def has_password(self) -> bool: ...

    def welcome(self) -> str: ...

    def actor(self, token: str) -> Actor | None: ...

    def sign_in(self, name: str, password: str) -> str | None: ...

    def redeem(self, one_time_token: str) -> str | None: ...

    def begin(self, subject: str, actor: Actor) -> str: ...

    def sign_out(self, token: str) -> None: ...

    def sessions(self, token: str) -> list[Session]: ...

    def end(self, token: str, id_: str) -> None: ...

    def account(self, token: str) -> Account | None: ...

    def knows_password(self, token: str, password: str) -> bool | None: ...

    def set_password(self, token: str, password: str) -> str: ...


def cookie_name(request: Request, kind: str = "session") -> str:
    """The name of a cookie of ours.

    Browsers share cookies among the ports of a host: the port in the name keeps two nodes apart. Over HTTPS the prefix makes
    browsers refuse one that another host of the same domain, or plain HTTP, would set.
    """
    server = request.scope.get("server") or ("", 0)
    prefix = "__Host-" if request.url.scheme == "https" else ""
    return f"{prefix}ruimte_{kind}_{server[1] or 0}"


def token_of(request: Request) -> str:
    """The session's token that a request brings; empty where it brings none."""
    return request.cookies.get(cookie_name(request), "")


def give_session(request: Request, response: Response, token: str) -> None:
    """Put a session into the visitor's browser. One that it had before ends: a token from before signing in is worth nothing."""
    accounts: Accounts = request.app.state.accounts
    if (before := token_of(request)) and before != token:
        accounts.sign_out(before)
    name, secure = cookie_name(request), request.url.scheme == "https"
    response.set_cookie(name, token, max_age=_SESSION_S, httponly=True, samesite="strict", secure=secure)


def take_session(request: Request, response: Response) -> None:
    """End the session, and take it out of the browser."""
    accounts: Accounts = request.app.state.accounts
    accounts.sign_out(token_of(request))
    response.delete_cookie(cookie_name(request), httponly=True, samesite="strict", secure=request.url.scheme == "https")


def is_locked(request: Request) -> bool:
    """Whether looking needs a session too: somebody has a password, or a provider tells who people are."""
    accounts: Accounts = request.app.state.accounts
    return request.app.state.provider is not None or accounts.has_password


def may_go_on(request: Request) -> bool:
    """Whether the visitor of a request that lasts may still look."""
    if request.state.user is None:
        return not is_locked(request)
    accounts: Accounts = request.app.state.accounts
    return accounts.actor(request.state.token) is not None
