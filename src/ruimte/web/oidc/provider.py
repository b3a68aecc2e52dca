"""The provider as it is asked: its addresses (OpenID Connect Discovery 1.0), its keys, and a code for an ID token."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec

from ruimte.errors import RuimteError
from ruimte.keys.id_token import ALGORITHMS, UnknownKeyError, check_id_token
from ruimte.web.oidc.client import Client
from ruimte.web.oidc.flows import Flow

_T = TypeVar("_T")
_STEP_S, _ALL_S = 5.0, 10.0
_MOST_BYTES = 256 * 1024
_KNOWN_S = 3600.0
"""How long what the provider tells of itself is taken as known."""
_KEYS_S = 30.0
"""Its keys are asked for again where a token names a new one, but no more often than this."""
_MEND = "try again; if that does not help, check the provider and [oidc] in node.toml"


class Metadata(msgspec.Struct, frozen=True):
    """What a provider tells of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    code_challenge_methods_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Keys(msgspec.Struct, frozen=True):
    keys: tuple[dict[str, Any], ...]


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str
    access_token: str | None = None


class Provider:
    """One provider, as one client. ``base_url``: where browsers find the node, where their requests do not say that."""

    def __init__(self, client: Client, base_url: str = "") -> None:
        self.client = client
        self.name = client.name
        self.base_url = base_url.rstrip("/")
        self._metadata: tuple[Metadata, float] | None = None
        self._keys: tuple[tuple[dict[str, Any], ...], float] | None = None
        self._tls = ssl.create_default_context()

    @property
    def ends_sessions(self) -> bool:
        """Whether one can sign out of the provider too, as far as is known."""
        return self._metadata is not None and self._metadata[0].end_session_endpoint is not None

    async def metadata(self) -> Metadata:
        """What the provider tells of itself. Raises ``RuimteError`` where it does not answer, or tells what cannot be."""
        if self._metadata is not None and time.monotonic() < self._metadata[1] + _KNOWN_S:
            return self._metadata[0]
        url = f"{self.client.issuer.rstrip('/')}/.well-known/openid-configuration"
        told = _read(await self._ask("GET", url), Metadata, "what the provider tells of itself")
        if told.issuer != self.client.issuer:
            raise RuimteError("the provider goes by another name than the issuer's", told.issuer, "mend issuer in node.toml")
        for address in (told.authorization_endpoint, told.token_endpoint, told.jwks_uri, told.end_session_endpoint):
            if address is not None and not self.client.may_ask(address):
                raise RuimteError("the provider has an address on another host", address, "add it to hosts in node.toml")
        methods = told.code_challenge_methods_supported
        if methods is not None and "S256" not in methods:
            raise RuimteError("the provider does not know PKCE with S256", self.client.issuer, "switch it on there")
        self._metadata = told, time.monotonic()
        return told

    async def where_to(self, flow: Flow, state: str, redirect_uri: str) -> str:
        """The provider's address to which a browser is sent to sign in."""
        query = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.client.scopes),
            "state": state,
            "nonce": flow.nonce,
            "code_challenge": flow.challenge,
            "code_challenge_method": "S256",
        }
        return _with((await self.metadata()).authorization_endpoint, query)

    async def where_out(self, back: str) -> str | None:
        """Where a browser signs out of the provider (OpenID Connect RP-Initiated Logout 1.0); None where it cannot."""
        end = (await self.metadata()).end_session_endpoint
        query = {"client_id": self.client.client_id, "post_logout_redirect_uri": back}
        return None if end is None else _with(end, query)

    async def claims(self, flow: Flow, code: str, redirect_uri: str) -> dict[str, Any]:
        """Who signed in, for the code that the provider gave. Raises ``RuimteError`` where that is not sure."""
        metadata = await self.metadata()
        tokens = await self._redeem(metadata, code, flow, redirect_uri)
        try:
            return self._checked(tokens, await self._known_keys(metadata), flow, metadata)
        except UnknownKeyError:
            keys = await self._known_keys(metadata, anew=True)
            return self._checked(tokens, keys, flow, metadata)

    def _checked(self, tokens: _Tokens, keys: tuple[dict[str, Any], ...], flow: Flow, metadata: Metadata) -> dict[str, Any]:
        return check_id_token(
            tokens.id_token,
            keys,
            issuer=self.client.issuer,
            client_id=self.client.client_id,
            nonce=flow.nonce,
            access_token=tokens.access_token,
            now_s=time.time(),
            algorithms=[name for name in metadata.id_token_signing_alg_values_supported if name in ALGORITHMS],
        )

    async def _redeem(self, metadata: Metadata, code: str, flow: Flow, redirect_uri: str) -> _Tokens:
        client = self.client
        data = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": flow.verifier}
        basic = None
        if client.secret is None:
            data["client_id"] = client.client_id
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            basic = httpx.BasicAuth(_form(client.client_id), _form(client.secret))
        else:
            data |= {"client_id": client.client_id, "client_secret": client.secret}
        return _read(await self._ask("POST", metadata.token_endpoint, data, basic), _Tokens, "the provider's answer to a code")

    async def _known_keys(self, metadata: Metadata, *, anew: bool = False) -> tuple[dict[str, Any], ...]:
        """The provider's keys; ``anew``: those of now, for it has new ones from time to time."""
        now = time.monotonic()
        if self._keys is not None and now < self._keys[1] + (_KEYS_S if anew else _KNOWN_S):
            return self._keys[0]
        keys = _read(await self._ask("GET", metadata.jwks_uri), _Keys, "the provider's keys").keys
        self._keys = keys, now
        return keys

    async def _ask(
        self, method: str, url: str, data: dict[str, str] | None = None, basic: httpx.BasicAuth | None = None
    ) -> bytes:
        """The body of an answer. Follows nobody elsewhere, waits for none long, and reads no more than it should be."""
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        by_proxy = urlsplit(url).scheme == "https"
        try:
            async with (
                asyncio.timeout(_ALL_S),
                httpx.AsyncClient(timeout=_STEP_S, verify=self._tls, trust_env=by_proxy, follow_redirects=False) as http,
                http.stream(method, url, data=data, auth=basic or httpx.USE_CLIENT_DEFAULT, headers=headers) as answer,
            ):
                if answer.status_code != 200 or "content-encoding" in answer.headers:
                    raise RuimteError(f"the provider answers {answer.status_code}", _plain(url), _MEND)
                body = bytearray()
                async for chunk in answer.aiter_raw():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise RuimteError(f"the provider's answer is larger than {_MOST_BYTES} bytes", _plain(url), _MEND)
                return bytes(body)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise RuimteError(f"the provider does not answer ({type(error).__name__})", _plain(url), _MEND) from None


def _read(body: bytes, kind: type[_T], what: str) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RuimteError(f"{what} is not as it should be ({error})", "provider", _MEND) from None


def _with(url: str, query: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _form(text: str) -> str:
    """User and password of a client are encoded as in a form (RFC 6749, section 2.3.1)."""
    return urlencode({"": text})[1:]


def _plain(url: str) -> str:
    """An address without its query, for messages."""
    return url.partition("?")[0]
