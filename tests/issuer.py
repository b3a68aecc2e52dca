"""An OpenID provider for tests: real HTTP on loopback, real keys, and as false as a test wants it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

SECRET = "a secret & of the client"
_ALL = jws.JWSRegistry(algorithms=["RS256", "ES256"], strict_check_header=False)

Changes = Callable[[dict[str, Any]], Any]


def _unchanged(_: dict[str, Any]) -> None:
    return None


@dataclass
class Issuer:
    """Signs in whoever comes as ``claims`` tell. ``change_…``: what a test makes different before it is sent."""

    url: str = ""
    secret: str | None = SECRET
    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "u-1", "name": "Jo Jansen", "roles": ["crowd-operators"]})
    algorithm: str = "RS256"
    key: Any = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first", "use": "sig"}))
    published: Any = None
    sign: Callable[[dict[str, Any], bytes], str] | None = None
    change_metadata: Changes = _unchanged
    change_claims: Changes = _unchanged
    change_answer: Changes = _unchanged
    answer_iss: bool = True
    large: bool = False
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    access_token: str = "an access token"

    def new_key(self, kid: str) -> None:
        """Sign with another key from now on."""
        named: Any = {"kid": kid}
        curve = self.algorithm == "ES256"
        self.key = ECKey.generate_key("P-256", named) if curve else RSAKey.generate_key(2048, named)

    def token(self, nonce: str, client_id: str) -> str:
        """An ID token of now."""
        now = int(time.time())
        digest = hashlib.sha256(self.access_token.encode()).digest()
        claims = {"iss": self.url, "aud": client_id, "iat": now, "exp": now + 300, "nonce": nonce, **self.claims}
        claims["at_hash"] = base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
        self.change_claims(claims)
        payload, header = json.dumps(claims).encode(), {"alg": self.algorithm, "kid": self.key.kid}
        if self.sign is not None:
            return self.sign(header, payload)
        return jws.serialize_compact(header, payload, self.key, registry=_ALL)

    # --- what it answers --------------------------------------------------------------------------------------------

    async def metadata(self, request: Request) -> Response:
        self.asked.append("metadata")
        told = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/end",
            "id_token_signing_alg_values_supported": [self.algorithm, "HS256", "none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": self.answer_iss,
        }
        self.change_metadata(told)
        return JSONResponse(told)

    async def keys(self, request: Request) -> Response:
        self.asked.append("keys")
        if self.large:
            return Response(b" " * 300_000, media_type="application/json")
        key = self.published or self.key
        return JSONResponse({"keys": [{**key.as_dict(private=False), "kid": key.kid}]})

    async def authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            return Response("no such flow", 400)
        code = secrets.token_urlsafe()
        self.codes[code] = query
        answer = {"code": code, "state": query["state"]}
        if self.answer_iss:
            answer["iss"] = self.url
        self.change_answer(answer)
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(answer)}", 303)

    async def token_endpoint(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        user = urlencode({"": asked["client_id"]})[1:] + ":" + urlencode({"": self.secret or ""})[1:]
        basic = "Basic " + base64.b64encode(user.encode()).decode()
        known = self.secret is None or request.headers.get("authorization") == basic
        if challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"] or not known:
            return JSONResponse({"error": "invalid_grant"}, 400)
        id_token = self.token(asked["nonce"], asked["client_id"])
        return JSONResponse({"access_token": self.access_token, "token_type": "Bearer", "id_token": id_token})

    async def end(self, request: Request) -> Response:
        back = request.query_params["post_logout_redirect_uri"]
        return HTMLResponse(f'<title>Out</title><a href="{back}">back</a>')

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.metadata),
                Route("/keys", self.keys),
                Route("/authorize", self.authorize),
                Route("/token", self.token_endpoint, methods=["POST"]),
                Route("/end", self.end),
            ]
        )


def without_signature(header: dict[str, Any], payload: bytes) -> str:
    """A token that nobody signed (``alg`` none)."""
    return f"{_parts(header | {'alg': 'none'}, payload)}."


def with_public_key_as_secret(key: RSAKey) -> Callable[[dict[str, Any], bytes], str]:
    """Signs as if the public key, which everybody knows, were a shared secret (``HS256``)."""

    def sign(header: dict[str, Any], payload: bytes) -> str:
        signed = _parts(header | {"alg": "HS256"}, payload)
        return f"{signed}.{_base64url(hmac.digest(key.as_pem(private=False), signed.encode(), 'sha256'))}"

    return sign


def with_header(key: RSAKey, **more: Any) -> Callable[[dict[str, Any], bytes], str]:
    """Signs rightly (``RS256``) with a key, and with more in the header."""

    def sign(header: dict[str, Any], payload: bytes) -> str:
        signed = _parts(header | {"alg": "RS256"} | more, payload)
        private = key.private_key
        assert private is not None
        return f"{signed}.{_base64url(private.sign(signed.encode(), PKCS1v15(), SHA256()))}"

    return sign


def _parts(header: dict[str, Any], payload: bytes) -> str:
    return f"{_base64url(json.dumps(header).encode())}.{_base64url(payload)}"


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@contextmanager
def issuing(issuer: Issuer) -> Iterator[Issuer]:
    """Serve a provider on a free port of this machine, in a thread."""
    server = uvicorn.Server(uvicorn.Config(issuer.app(), "127.0.0.1", 0, log_level="error", ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < until, "the provider did not start"
        time.sleep(0.01)
    issuer.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield issuer
    finally:
        server.should_exit = True
        thread.join(10)
