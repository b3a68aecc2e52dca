"""Another node, as a client under an agreement: gets tokens, proves its key with each request, and does as the other asks."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from ruimte.errors import RuimteError
from ruimte.jobs.event_stream import EventError, EventStream, ServerEvent
from ruimte.keys.client_assertion import KIND, make_assertion
from ruimte.keys.dpop import make_proof, normal
from ruimte.keys.signature import KeyPair, generate, private_jwk
from ruimte.notify.guarded import GuardedTransport
from ruimte.notify.post import CONNECT_S, tls_context
from ruimte.notify.trouble import Undelivered

ROOT = "/share/v1"
WHOLE_S = 30.0
"""How long a request may take."""
SILENCE_S = 45.0
"""How long a stream may be silent; the other node says that it lives every 15 seconds."""
MOST_BYTES = 64 * 1024 * 1024
_MOST_OF_TOKEN = 64 * 1024
_BEFORE_END_S = 30.0
_TIMEOUT = httpx.Timeout(WHOLE_S, connect=CONNECT_S)
_Params = Mapping[str, str]


class PartnerError(RuimteError):
    """The other node did not give what was asked for. ``again``: whether it makes sense to ask once more later, not before
    ``after_s``; ``status`` and ``problem`` (its problem document) where it answered."""

    def __init__(
        self,
        what: str,
        where: str,
        mend: str,
        *,
        again: bool,
        after_s: float = 0.0,
        status: int | None = None,
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(what, where, mend)
        self.again, self.after_s, self.status, self.problem = again, after_s, status, problem or {}


class _Token(msgspec.Struct):
    access_token: str
    token_type: str
    expires_in: float


class _Told(msgspec.Struct):
    error: str = ""
    error_description: str = ""


class Partner:
    """A client of the node at ``base_url`` (with or without ``/share/v1``), which knows us as ``party`` by ``keys``.

    ``purpose``: for which figures are asked. The key of the proofs is made anew each time, and never leaves memory.
    ``allow_private``: whether the node may be in a private network, and then without TLS; ``ca_file``: PEM of an authority
    besides those that the system knows; ``http``: a client to use in place of one that looks where it connects to; it stays open.

    Requests raise ``PartnerError``. What the other node refuses is an answer with its status, for the caller to look at.
    """

    def __init__(
        self,
        base_url: str,
        party: str,
        keys: KeyPair,
        purpose: str,
        *,
        allow_private: bool = False,
        ca_file: str | None = None,
        http: httpx.AsyncClient | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.issuer = _root(base_url, allow_private)
        self._party, self._keys, self._purpose, self._now_s = party, keys, purpose, now_s
        self._is_ours = http is None
        self._http = http or httpx.AsyncClient(
            transport=GuardedTransport(tls_context(ca_file), allow_private=allow_private),
            timeout=_TIMEOUT,
            trust_env=False,
            follow_redirects=False,
        )
        self._proof_key = private_jwk(generate().private)
        self._nonce: str | None = None
        self._token: tuple[str, float] | None = None
        self._getting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of the connections."""
        if self._is_ours:
            await self._http.aclose()

    async def get(self, path: str, params: _Params | None = None, accept: str = "application/json") -> httpx.Response:
        """What stands at a path below ``/share/v1``, read to its end (64 MB at most)."""
        return await self._whole("GET", path, params=params, headers={"accept": accept})

    async def post(self, path: str, json: Any) -> httpx.Response:
        """Send JSON to a path below ``/share/v1``."""
        headers = {"accept": "application/json", "content-type": "application/json"}
        return await self._whole("POST", path, content=msgspec.json.encode(json), headers=headers)

    async def stream(
        self, path: str, params: _Params | None = None, last_event_id: str | None = None
    ) -> AsyncIterator[ServerEvent]:
        """The events of a stream, after ``last_event_id``, until the other node ends it.

        Who stops listening before that closes it (``contextlib.aclosing``). Raises ``PartnerError`` where it refuses,
        is silent for too long, or breaks off.
        """
        headers = {"accept": "text/event-stream"} | ({"last-event-id": last_event_id} if last_event_id else {})
        timeout = httpx.Timeout(SILENCE_S, connect=CONNECT_S)
        with self._errors():
            answer = await self._ask("GET", path, params=params, headers=headers, timeout=timeout)
            async with contextlib.aclosing(answer):
                if answer.status_code != 200:
                    raise _refused(answer, await _body(answer, _MOST_OF_TOKEN), self.issuer)
                events = EventStream(last_event_id or "")
                async for octets in answer.aiter_bytes():
                    for event in events.feed(octets):
                        yield event

    async def _whole(self, method: str, path: str, **given: Any) -> httpx.Response:
        with self._errors():
            async with asyncio.timeout(WHOLE_S):
                answer = await self._ask(method, path, **given)
                async with contextlib.aclosing(answer):
                    body = await _body(answer, MOST_BYTES)
        return httpx.Response(answer.status_code, headers=answer.headers, content=body, request=answer.request)

    async def _ask(self, method: str, path: str, *, headers: Mapping[str, str], **given: Any) -> httpx.Response:
        """An open answer. Once more with a new nonce, and once more with a new token, where the other wants that."""
        url = self._url(path)
        tries = {"use_dpop_nonce", "invalid_token"}
        while True:
            token = await self._current()
            proof = make_proof(self._proof_key, method, url, at_s=int(self._now_s()), nonce=self._nonce, access_token=token)
            proven = {**headers, "authorization": f"DPoP {token}", "dpop": proof, "accept-encoding": "identity"}
            answer = await self._http.send(
                self._http.build_request(method, url, headers=proven, **given), stream=True, follow_redirects=False
            )
            self._note_nonce(answer)
            wrong = _error_in(answer.headers.get("www-authenticate", "")) if answer.status_code == 401 else ""
            if wrong not in tries:
                return answer
            tries.remove(wrong)
            await answer.aclose()
            if wrong == "invalid_token" and self._token is not None and self._token[0] == token:
                self._token = None

    async def _current(self) -> str:
        """A token that holds for a while yet."""
        async with self._getting:
            if self._token is None or time.monotonic() >= self._token[1]:
                self._token = await self._new_token()
            return self._token[0]

    async def _new_token(self) -> tuple[str, float]:
        """A token, and until when, by the monotonic clock, it is used."""
        url = f"{self.issuer}/token"
        for is_last in (False, True):
            at_s = int(self._now_s())
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": KIND,
                "client_assertion": make_assertion(self._party, self._keys, self.issuer, at_s=at_s),
                "scope": self._purpose,
            }
            asked = time.monotonic()
            proof = make_proof(self._proof_key, "POST", url, at_s=at_s, nonce=self._nonce)
            headers = {"dpop": proof, "accept": "application/json", "accept-encoding": "identity"}
            request = self._http.build_request("POST", url, data=form, headers=headers)
            answer = await self._http.send(request, stream=True, follow_redirects=False)
            async with contextlib.aclosing(answer):
                body = await _body(answer, _MOST_OF_TOKEN)
            self._note_nonce(answer)
            if answer.status_code == 200:
                return self._read_token(body, asked)
            if is_last or _told(body).error != "use_dpop_nonce":
                break
        raise _refused(answer, body, self.issuer)

    def _read_token(self, body: bytes, asked: float) -> tuple[str, float]:
        try:
            given = msgspec.json.decode(body, type=_Token)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise PartnerError("answers with no token", self.issuer, "check the address", again=False) from None
        if given.token_type.lower() != "dpop" or not given.access_token.isascii() or len(given.access_token) > _MOST_OF_TOKEN:
            raise PartnerError("gives a token of another kind", self.issuer, "it has to be bound to a key (DPoP)", again=False)
        early = min(_BEFORE_END_S, given.expires_in / 2) + secrets.randbelow(1000) / 200
        return given.access_token, asked + given.expires_in - early

    def _note_nonce(self, answer: httpx.Response) -> None:
        nonce = answer.headers.get("dpop-nonce", "")
        if nonce and len(nonce) <= 512 and nonce.isascii():
            self._nonce = nonce

    def _url(self, path: str) -> str:
        """Where a path leads: below the root, never to another host."""
        below = path.removeprefix(ROOT).strip("/")
        return f"{self.issuer}/{below}"

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except EventError as error:
            raise PartnerError(error.what, self.issuer, error.mend, again=False) from None
        except Undelivered as error:
            where = {"private": "is in a private network", "unknown-host": "has no address"}.get(error.kind, "cannot be reached")
            mend = "check the address, or allow it: --allow-private" if error.kind == "private" else "check the address"
            raise PartnerError(where, self.issuer, mend, again=error.again) from None
        except (TimeoutError, httpx.TimeoutException):
            raise PartnerError("does not answer in time", self.issuer, "see whether it runs", again=True) from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise PartnerError(
                f"cannot be reached ({type(error).__name__})", self.issuer, "see whether it runs", again=True
            ) from None


def _root(base_url: str, allow_private: bool) -> str:
    """The issuer: the address that all of the other node's are below."""
    above = base_url.rstrip("/").removesuffix(ROOT)
    schemes = ("https://", "http://") if allow_private else ("https://",)
    if normal(above) is None or not above.startswith(schemes) or "?" in above or "#" in above:
        raise RuimteError("is no address of a node", base_url[:200], _mend(above, allow_private))
    return above + ROOT


def _mend(above: str, allow_private: bool) -> str:
    """How to write an address: what lacks no more than TLS, or the scheme, is one in a network of one's own."""
    bare = above.removeprefix("http://")
    if normal(f"http://{bare}") is None or "?" in bare or "#" in bare:
        return "write it like https://crowd.example.org"
    return f"write https://{bare}, or in a network of your own http://{bare}{'' if allow_private else ' with --allow-private'}"


async def _body(answer: httpx.Response, most: int) -> bytes:
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise PartnerError("answers in a coding that was not asked for", str(answer.url), "see what stands between", again=False)
    body = bytearray()
    async for octets in answer.aiter_bytes():
        body += octets
        if len(body) > most:
            raise PartnerError(f"its answer is larger than {most} bytes", str(answer.url), "ask for less", again=False)
    return bytes(body)


def _refused(answer: httpx.Response, body: bytes, where: str) -> PartnerError:
    told, problem = _told(body), _problem(body)
    text = told.error_description or str(problem.get("detail", "")) or answer.reason_phrase
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)[:300]
    again = answer.status_code in (408, 425, 429) or answer.status_code >= 500
    wish = answer.headers.get("retry-after", "")
    after_s = min(float(wish), 3600.0) if wish.isascii() and wish.isdecimal() else 0.0
    mend = "ask again later" if again else "see the agreement, and the clocks"
    return PartnerError(
        f"refuses ({answer.status_code}): {plain}",
        where,
        mend,
        again=again,
        after_s=after_s,
        status=answer.status_code,
        problem=problem,
    )


def _told(body: bytes) -> _Told:
    try:
        return msgspec.json.decode(body, type=_Told)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Told()


def _problem(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _error_in(challenge: str) -> str:
    """The error that a header WWW-Authenticate names."""
    return next((code for code in ("use_dpop_nonce", "invalid_token") if f'error="{code}"' in challenge), "")
