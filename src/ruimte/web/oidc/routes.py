"""The pages of a sign-in with the provider: to it, back from it, and out of it."""

from __future__ import annotations

import logging
import secrets

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ruimte.errors import RuimteError
from ruimte.web.auth import landed, sign_in_again
from ruimte.web.limits import Limits, address
from ruimte.web.oidc.flows import LASTS_S, Flows
from ruimte.web.oidc.provider import Provider
from ruimte.web.problems import not_found
from ruimte.web.session import Accounts, cookie_name
from ruimte.web.words import marked

_log = logging.getLogger("ruimte.security")
_CALLBACK = "/sign-in/provider/callback"


async def begin(request: Request) -> Response:
    """Send the browser to the provider. Only our own page may: with another's link, one could be signed in without wanting to."""
    provider = _provider(request)
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return RedirectResponse("/sign-in", 303)
    limits: Limits = request.app.state.limits
    limits.provider.spend(address(request))
    browser = secrets.token_urlsafe(32)
    state, flow = _flows(request).begin(browser)
    try:
        url = await provider.where_to(flow, state, _base(request, provider) + _CALLBACK)
    except RuimteError as error:
        return _failed(request, 502, "unheard", error)
    response = RedirectResponse(url, 303)
    # the browser comes back from another site, so this cookie cannot be strict as the session's is
    secure = request.url.scheme == "https"
    response.set_cookie(cookie_name(request, "flow"), browser, max_age=LASTS_S, httponly=True, samesite="lax", secure=secure)
    response.headers["cache-control"] = "no-store"
    return response


async def finish(request: Request) -> Response:
    """Back from the provider: a session, or a page that says why there is none."""
    provider, accounts = _provider(request), _accounts(request)
    limits: Limits = request.app.state.limits
    limits.provider.spend(address(request))
    asked = {name: request.query_params.getlist(name) for name in ("state", "code", "iss", "error")}
    if any(len(values) > 1 for values in asked.values()):
        return _failed(request, 400, "late", RuimteError("a parameter comes twice", "callback"))
    state, code, issuer, failure = (values[0] if values else "" for values in asked.values())
    flow = _flows(request).take(state, request.cookies.get(cookie_name(request, "flow"), ""))
    if flow is None:
        return _failed(request, 400, "late", RuimteError("no sign-in of this browser is on its way", "state"))
    try:
        told = (await provider.metadata()).authorization_response_iss_parameter_supported
        if (issuer or told) and issuer != provider.client.issuer:  # RFC 9207: another provider's answer
            return _failed(request, 403, "refused", RuimteError("the answer is of another issuer", "iss"))
        if failure or not code:
            return _failed(request, 403, "refused", RuimteError("the provider did not sign this person in", "provider"))
        claims = await provider.claims(flow, code, _base(request, provider) + _CALLBACK)
    except RuimteError as error:
        return _failed(request, 502, "unheard", error)
    actor = provider.client.actor(claims)
    if actor is None:
        return _failed(request, 403, "roleless", RuimteError("the provider gives this person no role here", "role claim"))
    _log.info("sign-in with the provider from %s as %s", address(request), actor.role)
    response = landed(request, accounts.begin(claims["sub"], actor))
    _drop_flow(request, response)
    return response


async def sign_out(request: Request) -> Response:
    """Send the browser to where one signs out of the provider."""
    provider = _provider(request)
    try:
        url = await provider.where_out(_base(request, provider) + "/sign-in")
    except RuimteError as error:
        return _failed(request, 502, "unheard", error)
    if url is None:
        raise _nothing(request)
    return RedirectResponse(url, 303)


def _failed(request: Request, status: int, problem: str, error: RuimteError) -> Response:
    """The page to sign in again. Why stands in the node's own messages: it helps who manages it, and nobody else."""
    _log.warning("no sign-in with the provider from %s: %s", address(request), error)
    response = sign_in_again(request, status, problem)
    _drop_flow(request, response)
    return response


def _drop_flow(request: Request, response: Response) -> None:
    secure = request.url.scheme == "https"
    response.delete_cookie(cookie_name(request, "flow"), httponly=True, samesite="lax", secure=secure)


def _base(request: Request, provider: Provider) -> str:
    """Where browsers find the node. What a request says was checked: it is a name of the node, or a bare address."""
    return provider.base_url or f"{request.url.scheme}://{request.url.netloc}"


def _provider(request: Request) -> Provider:
    provider: Provider | None = request.app.state.provider
    if provider is None:
        raise _nothing(request)
    return provider


def _nothing(request: Request) -> RuimteError:
    return not_found(marked("this page does not exist"), request.url.path, marked("check the address"))


def _flows(request: Request) -> Flows:
    flows: Flows = request.app.state.flows
    return flows


def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts
