"""Tokens for partners: the endpoint, what programs read about it (RFC 8414), and who sends a request that comes with one.

An application that takes these routes has a ``Door`` as ``app.state.door``.
"""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ruimte.errors import RuimteError
from ruimte.jobs.identity import Caller, Identity, IdentityError, challenge, description, read_form
from ruimte.keys.certificate import fingerprint_in_header
from ruimte.keys.jwt import ALGORITHMS
from ruimte.keys.signature import key_id
from ruimte.web.limits import Limit, address
from ruimte.web.problems import WebError
from ruimte.web.settings import WebSettings
from ruimte.web.share.address import ROOT, own_base, own_url
from ruimte.web.sta.links import is_from_proxy
from ruimte.web.words import marked

_log = logging.getLogger("ruimte.security")
_MOST_BYTES = 16_384
_BODY_S = 10.0
_FORM = "application/x-www-form-urlencoded"


class UnprovenError(WebError):
    """A request that proves nobody; ``headers`` of the answer tell how to prove it."""

    def __init__(self, error: IdentityError, headers: dict[str, str]) -> None:
        super().__init__(error.at_resource(), error.what, error.where, error.mend)
        self.code = error.code
        self.headers = headers


class Door:
    """What the routes need. ``certificate_header``: in which a proxy tells the certificate (RFC 9440), where one does."""

    def __init__(self, identity: Identity, settings: WebSettings, certificate_header: str = "") -> None:
        self.identity, self.settings = identity, settings
        self.certificate_header = certificate_header
        self.failures = Limit(marked("too many tries to sign in"), 30)
        self.tokens = Limit(marked("too many tries to sign in"), 120)

    def nonce(self) -> dict[str, str]:
        """A header of every answer to a partner: the nonce for its next proof (RFC 9449, section 8.2)."""
        return {"DPoP-Nonce": self.identity.nonce()}

    def certificate(self, request: Request) -> bytes | None:
        """The fingerprint of the client's certificate, where a proxy on this machine tells it."""
        if not self.certificate_header or not is_from_proxy(request.scope):
            return None
        told = request.headers.getlist(self.certificate_header)
        return fingerprint_in_header(told[0]) if len(told) == 1 else None

    def failed(self, request: Request, error: IdentityError) -> None:
        """Note that somebody did not prove who asks; who does too often is not listened to for a while."""
        if error.code != "use_dpop_nonce" and (error.code != "invalid_token" or "authorization" in request.headers):
            _log.warning("refused: a partner's request from %s: %s", address(request), description(error))
        if error.is_guess:
            self.failures.spend(address(request))


def caller(request: Request) -> Caller:
    """Who sends this request. Raises ``UnprovenError``, and ``WebError`` 429 for who tried too often."""
    door: Door = request.app.state.door
    door.failures.require(address(request))
    base = own_base(request, door.settings)
    try:
        return door.identity.check(
            _one(request, "authorization"),
            _one(request, "dpop"),
            request.method,
            own_url(request, base),
            door.certificate(request),
            issuer=base + ROOT,
        )
    except IdentityError as error:
        door.failed(request, error)
        told = error if "authorization" in request.headers else None
        asked = challenge(told, certificates=bool(door.certificate_header))
        raise UnprovenError(error, {"WWW-Authenticate": asked, **door.nonce()}) from None


async def identify(request: Request) -> Caller:
    """``caller``, for who waits."""
    return caller(request)


async def token(request: Request) -> Response:
    """``POST /share/v1/token``: a token, or an error as OAuth has it (RFC 6749, section 5)."""
    door: Door = request.app.state.door
    try:
        door.failures.require(address(request))
        door.tokens.spend(address(request))
        base = own_base(request, door.settings)
        form = await _form(request)
        given = await asyncio.to_thread(
            door.identity.token,
            form,
            proof=_one(request, "dpop"),
            url=own_url(request, base),
            issuer=base + ROOT,
            certificate=door.certificate(request),
        )
    except IdentityError as error:
        return _refused(request, door, error)
    except WebError as error:
        code = "temporarily_unavailable" if error.status in (429, 503) else "invalid_request"
        return _answer({"error": code, "error_description": description(error)}, error.status, door)
    _log.info("a token for a partner, to %s", address(request))
    return _answer(given, 200, door)


async def metadata(request: Request) -> Response:
    """``GET /share/v1/.well-known/oauth-authorization-server``: what programs have to know to ask for tokens (RFC 8414)."""
    door: Door = request.app.state.door
    issuer = own_base(request, door.settings) + ROOT
    told = {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks.json",
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["Ed25519", "EdDSA"],
        "dpop_signing_alg_values_supported": ALGORITHMS,
        "tls_client_certificate_bound_access_tokens": bool(door.certificate_header),
    }
    return Response(msgspec.json.encode(told), media_type="application/json")


async def jwks(request: Request) -> Response:
    """``GET /share/v1/jwks.json``: the key with which the node signs."""
    door: Door = request.app.state.door
    public = door.identity.public_key
    key = {"kty": "OKP", "crv": "Ed25519", "x": public, "kid": key_id(public), "use": "sig", "alg": "Ed25519"}
    return Response(msgspec.json.encode({"keys": [key]}), media_type="application/jwk-set+json")


ROUTES = (
    Route(f"{ROOT}/token", token, methods=["POST"]),
    Route(f"{ROOT}/.well-known/oauth-authorization-server", metadata, methods=["GET"]),
    Route(f"{ROOT}/jwks.json", jwks, methods=["GET"]),
)


async def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise WebError(400, "is no form", "Content-Type", f"send {_FORM}")
    if "authorization" in request.headers:
        raise WebError(400, "proves who asks in a second way", "Authorization", "send client_assertion only")
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise WebError(413, f"the form is larger than {_MOST_BYTES} bytes", "body", "send less")
        return read_form(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=32, errors="strict"))
    except TimeoutError:
        raise WebError(408, "the form did not arrive in time", "body", "send it without long breaks") from None
    except ClientDisconnect:
        raise WebError(400, "the form is not whole", "body", "send it again") from None
    except ValueError:
        raise WebError(400, "the form is not readable", "body", "send it in UTF-8, with few fields") from None


def _one(request: Request, name: str) -> str | None:
    """The value of a header; None where it is not there. Raises ``IdentityError`` where it comes twice."""
    values = request.headers.getlist(name)
    if len(values) > 1:
        twice = RuimteError("comes twice", name, "send it once")
        raise IdentityError("invalid_dpop_proof" if name == "dpop" else "invalid_request", twice)
    return values[0] if values else None


def _refused(request: Request, door: Door, error: IdentityError) -> Response:
    try:
        door.failed(request, error)
    except WebError as late:
        return _answer({"error": "temporarily_unavailable", "error_description": description(late)}, late.status, door)
    return _answer({"error": error.code, "error_description": description(error)}, error.status, door)


def _answer(body: object, status: int, door: Door) -> Response:
    headers = {"Cache-Control": "no-store", **door.nonce()}
    if status in (429, 503):
        headers["Retry-After"] = "60" if status == 429 else "10"
    return Response(msgspec.json.encode(body), status, headers, "application/json")
