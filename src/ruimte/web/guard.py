"""The gate before every page: who may ask, from where, and what a browser may do with the answer."""

from __future__ import annotations

import ipaddress
import logging
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ruimte.model.role import Actor
from ruimte.web.limits import address
from ruimte.web.problems import WebError, answer
from ruimte.web.roles import COSTLY, needed, route_of
from ruimte.web.session import Accounts, give_session, is_locked, token_of
from ruimte.web.settings import WebSettings
from ruimte.web.words import marked

PDOK = "https://service.pdok.nl"
_FOR_FILES = ("x-content-type-options", "cross-origin-resource-policy")
_FILES_POLICY = "sandbox;default-src 'none'"
"""A file that is opened by itself may load and run nothing. In a page the page's policy holds; these bytes count forty times."""
_log = logging.getLogger("ruimte.security")
_CHANGES = ("POST", "PUT", "PATCH", "DELETE")


class Guard:
    """Middleware: checks the host, the origin and the session of each request; adds the security headers to each answer."""

    def __init__(self, app: ASGIApp, accounts: Accounts, settings: WebSettings, headers: dict[str, str]) -> None:
        self._app = app
        self._accounts = accounts
        self._hosts = known_hosts(settings)
        self._headers = headers
        self._for_files = {"content-security-policy": _FILES_POLICY, **{name: headers[name] for name in _FOR_FILES}}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (self._for_files if is_file else self._headers).items():
                    headers.setdefault(name, value)
                if welcome is not None:
                    carrier = Response()
                    give_session(request, carrier, welcome)
                    headers.append("set-cookie", carrier.headers["set-cookie"])
            await send(message)

        request = Request(scope, receive)
        is_file = request.url.path.startswith("/static/")
        welcome: str | None = None
        try:
            self._check_host(request)
            self._check_origin(request)
            request.state.token = token_of(request)
            request.state.user = self._actor(request)
            if request.state.user is None and self._is_welcome(request):
                request.state.token = welcome = self._accounts.welcome()
                request.state.user = self._actor(request)
            refusal = self._check_need(request)
        except WebError as error:
            request.state.user = None
            refusal = answer(request, error)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _check_host(self, request: Request) -> None:
        """Only names we know, and bare addresses: a page of another site whose name was pointed at us gets nothing."""
        require_known_host(request.headers.get("host", ""), self._hosts)

    def _check_origin(self, request: Request) -> None:
        """A change has to come from a page of our own."""
        if request.method not in _CHANGES:
            return
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        same_site = site in (None, "same-origin", "none")
        same_origin = origin is not None and urlsplit(origin).netloc == request.headers.get("host")
        if not same_site or not (same_origin or (origin is None and site is not None)):
            raise WebError(
                403, marked("that does not come from a page of this node"), "Origin", marked("act from the control room")
            )

    def _actor(self, request: Request) -> Actor | None:
        return self._accounts.actor(request.state.token) if request.state.token else None

    def _is_welcome(self, request: Request) -> bool:
        accounts = self._accounts
        is_page = request.url.path == "/" or "text/html" in request.headers.get("accept", "")
        first_page = is_page and request.method == "GET"
        return first_page and accounts.auto and not is_locked(request) and _is_from_here(request)

    def _check_need(self, request: Request) -> Response | None:
        """Nothing, or the answer to a visitor who has to sign in first. Raises a 403 for one whose role may not do this."""
        route = route_of(request)
        need, user = needed(route), request.state.user
        if need == "nothing":
            return None
        if user is not None:
            if need == "a session" or (need is not None and user.may(need)):
                self._check_rate(request, route)
                return None
            _log.warning("refused: %s is not for the role %s", route, user.role)
            raise WebError(403, marked("your role may not do this"), request.url.path, marked("ask who manages the accounts"))
        locked = is_locked(request)
        if not locked and not _is_from_here(request):
            raise WebError(403, marked("this node has no password yet"), "", marked("sign in on the machine itself and set one"))
        to_act = need != "look"
        if not to_act and not locked:
            self._check_rate(request, route)
            return None
        where = "/sign-in?why=act" if to_act else "/sign-in"
        if "hx-request" in request.headers:
            return Response(status_code=401, headers={"hx-redirect": where})
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(where, 303)
        raise WebError(401, "this needs a session", "", "sign in at /sign-in")

    def _check_rate(self, request: Request, route: str | None) -> None:
        """Raise a 429 where one visitor changes or asks more than a control room ever would."""
        limits, key = request.app.state.limits, request.state.token or address(request)
        if request.method in _CHANGES:
            limits.act.spend(key)
        elif route in COSTLY or "at" in request.query_params:
            limits.costly.spend(key)


def security_headers(tiles: bool) -> dict[str, str]:
    """What every answer carries: a browser may load nothing that is not ours (but for the tiles that the lab asked for)."""
    images = f"'self' data: {PDOK}" if tiles else "'self' data:"
    policy = {
        "default-src": "'none'",
        "object-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": images,
        "connect-src": "'self'",
        "font-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "x-frame-options": "DENY",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "cache-control": "no-store",
    }


def known_hosts(settings: WebSettings) -> frozenset[str]:
    """The names under which the node may be asked."""
    return frozenset({"localhost", *(host.lower() for host in settings.hosts)})


def require_known_host(header: str, hosts: frozenset[str]) -> None:
    """Raise a 421 where a ``Host`` header holds neither one of these names nor a bare address."""
    host = _host_name(header)
    if host not in hosts and not _is_address(host):
        mend = marked("add the name to the node's hosts")
        raise WebError(421, marked("this node does not go by that name"), f"Host: {host}", mend)


def is_loopback(host: str) -> bool:
    """Whether this is an address of the machine itself."""
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _host_name(header: str) -> str:
    """The name in a ``Host`` header, without its port."""
    if header.startswith("["):
        name, closed, _ = header[1:].partition("]")
        return name if closed else ""
    return header.partition(":")[0].lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_from_here(request: Request) -> bool:
    return is_loopback(request.client.host if request.client else "")
