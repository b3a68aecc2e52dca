"""Who asks under an agreement: tokens for partners, and the check of each request that comes with one.

OAuth 2 client credentials (RFC 6749, section 4.4), the client known by an assertion that it signs with the key of its agreement.
A token holds for five minutes, and only with the key (DPoP) or the certificate (mutual TLS) that was shown when it was given. The
keys of parties are asked for at each check: an agreement that was revoked, or a key that was replaced, ends tokens at once.

What was used or has expired stays so when somebody sets the wall's clock back: tokens also carry their age by a clock that nobody
can set, proofs a nonce that follows it, and of assertions a party's newest is remembered (``ruimte.store.spent``).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from ruimte.clock import SECOND_US
from ruimte.errors import RuimteError
from ruimte.jobs.nonces import Nonces
from ruimte.keys.access_token import LIFE_S, AccessToken, Confirmation, make_token, read_token, require_valid
from ruimte.keys.client_assertion import KIND, Asserted, check_assertion, claimed_party
from ruimte.keys.dpop import NonceError, Proof, check_proof
from ruimte.keys.jwt import ALGORITHMS, MOST_LETTERS
from ruimte.keys.signature import KeyPair, key_id
from ruimte.store.spent import Spent

Code = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_scope",
    "unsupported_grant_type",
    "invalid_dpop_proof",
    "use_dpop_nonce",
    "invalid_token",
    "temporarily_unavailable",
]
_STATUS: dict[Code, int] = {"invalid_client": 401, "invalid_token": 401, "temporarily_unavailable": 503}
_log = logging.getLogger(__name__)
_FIELDS = ("grant_type", "client_id", "client_assertion", "client_assertion_type", "scope")
_PURPOSE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_PURPOSE = 64
_CREDENTIALS = re.compile(r"(?P<scheme>[A-Za-z]+) +(?P<token>[\w.~+/-]+=*)", re.ASCII)
_MOST_KNOWN = 4096


class Caller(NamedTuple):
    """Who asks, and for which purpose. ``key_id``: the thumbprint of the key with which it asked for its token."""

    party: str
    purpose: str
    key_id: str


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A token, as it goes out (RFC 6749, section 5.1; RFC 9449, section 5)."""

    access_token: str
    token_type: Literal["DPoP", "Bearer"]
    expires_in: int
    scope: str


class IdentityError(RuimteError):
    """A request that proves nobody. ``code``: as OAuth has it; ``status``: of the answer.

    ``is_guess``: whether it may come from anybody; not so where a party was known, and only the time or the agreement is over.
    """

    def __init__(self, code: Code, error: RuimteError, *, is_guess: bool = True) -> None:
        super().__init__(error.what, error.where, error.mend)
        self.code: Code = code
        self.is_guess = is_guess

    @property
    def status(self) -> int:
        return _STATUS.get(self.code, 400)

    def at_resource(self) -> int:
        """The status where a token was to open something: 401 for all that is wrong with what proves who asks."""
        return 503 if self.code == "temporarily_unavailable" else 400 if self.code == "invalid_request" else 401


class Identity:
    """Gives tokens, and checks them.

    ``public_keys``: the keys of a party's agreements in force (base64url of Ed25519); ``keys``: the node's own; ``now_us``: the
    wall's clock; ``uptime_s``: one that only goes forward. ``check`` is for one thread, ``token`` for any.
    """

    def __init__(
        self,
        public_keys: Callable[[str], Sequence[str]],
        keys: KeyPair,
        spent: Spent,
        now_us: Callable[[], int],
        *,
        uptime_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._public_keys, self._keys, self._spent = public_keys, keys, spent
        self._now_us, self._uptime_s = now_us, uptime_s
        self._began_s = uptime_s()
        self._run = secrets.token_urlsafe(12)
        self._nonces = Nonces(uptime_s)
        self._known: dict[bytes, AccessToken] = {}

    @property
    def public_key(self) -> str:
        """The key that tokens are signed with (base64url of Ed25519)."""
        return self._keys.public

    def nonce(self) -> str:
        """The nonce that partners put into their next proofs."""
        return self._nonces.taken()[0]

    def token(
        self, form: Mapping[str, str], *, proof: str | None, url: str, issuer: str, certificate: bytes | None = None
    ) -> TokenAnswer:
        """A token for a party that asks at ``url`` with a form, and proves by ``proof`` (of the header DPoP) or by its client
        ``certificate`` (SHA-256 of the DER) to whom the token is to be bound. Waits for the disk.

        Raises ``IdentityError``.
        """
        now_s = self._now_us() / SECOND_US
        if form.get("grant_type") != "client_credentials":
            raise _bad("unsupported_grant_type", "grant_type", "only client_credentials is known here", "ask for that")
        if form.get("client_assertion_type") != KIND:
            raise _bad("invalid_client", "client_assertion_type", "parties sign who they are", f"send {KIND}")
        purpose = form.get("scope", "")
        if len(purpose) > _LONGEST_PURPOSE or _PURPOSE.fullmatch(purpose) is None:
            raise _bad("invalid_scope", "scope", "names no purpose", "name one purpose of the agreement, such as event-safety")
        proven = None if proof is None else self._proof(proof, "POST", url, now_s)
        cnf = _confirmation(proven, certificate)
        asserted = self._asserted(form, (issuer, url), now_s)
        if proven is not None:
            self._spend(proven)  # only now: nobody but parties takes room where used proofs are kept
        self._spend_assertion(asserted)
        token = make_token(
            self._keys,
            issuer=issuer,
            party=asserted.party,
            purpose=purpose,
            cnf=cnf,
            client_key=asserted.key_id,
            at_s=int(now_s),
            run=self._run,
            run_ms=self._run_ms(),
        )
        return TokenAnswer(
            access_token=token,
            token_type="DPoP" if cnf.jkt else "Bearer",
            expires_in=LIFE_S,
            scope=purpose,
        )

    def check(
        self,
        authorization: str | None,
        dpop: str | None,
        method: str,
        url: str,
        certificate: bytes | None = None,
        *,
        issuer: str,
    ) -> Caller:
        """Who sends a request with these headers to ``url``, as the node knows it. Raises ``IdentityError``."""
        now_s = self._now_us() / SECOND_US
        scheme, token = _credentials(authorization)
        access = self._read(token)
        try:
            require_valid(access, issuer=issuer, now_s=now_s, run=self._run, now_ms=self._run_ms())
        except RuimteError as error:
            raise IdentityError("invalid_token", error, is_guess=False) from None
        if access.client_key not in [key_id(key) for key in self._public_keys(access.sub)]:
            gone = RuimteError("the key it was given for is in no agreement in force", "Authorization", "see the agreement")
            raise IdentityError("invalid_token", gone, is_guess=False)
        if access.cnf.jkt:
            self._require_proof(access, scheme, token, dpop, method, url, now_s)
        elif scheme != "bearer" or certificate is None or not _is_same(_base64url(certificate), access.cnf.certificate):
            raise _bad("invalid_token", "Authorization", "the token is another certificate's", "show the one it was given to")
        return Caller(access.sub, access.scope, access.client_key)

    def _require_proof(
        self, access: AccessToken, scheme: str, token: str, dpop: str | None, method: str, url: str, now_s: float
    ) -> None:
        if scheme != "dpop" or dpop is None:
            raise _bad("invalid_token", "Authorization", "the token needs proof of its key", "send Authorization: DPoP and DPoP")
        proven = self._proof(dpop, method, url, now_s, token)
        if proven.key_id != access.cnf.jkt:
            raise _bad("invalid_token", "DPoP", "the token is another key's", "prove the key it was given to")
        self._spend(proven)

    def _proof(self, proof: str, method: str, url: str, now_s: float, token: str | None = None) -> Proof:
        try:
            return check_proof(proof, method=method, url=url, now_s=now_s, nonces=self._nonces.taken(), access_token=token)
        except NonceError as error:
            raise IdentityError("use_dpop_nonce", error, is_guess=False) from None
        except RuimteError as error:
            raise IdentityError("invalid_dpop_proof", error) from None

    def _spend(self, proof: Proof) -> None:
        try:
            is_new = self._nonces.spend(proof.nonce, proof.key_id, proof.id)
        except RuimteError as error:
            raise IdentityError("temporarily_unavailable", error, is_guess=False) from None
        if not is_new:
            raise _bad("invalid_dpop_proof", "DPoP", "was sent before", "make a proof for each request")

    def _asserted(self, form: Mapping[str, str], audiences: Sequence[str], now_s: float) -> Asserted:
        try:
            assertion = form.get("client_assertion", "")
            party = claimed_party(assertion)
            if form.get("client_id", party) != party:
                raise RuimteError("is not the party that signed", "client_id", "leave it out, or send the party's id")
            return check_assertion(assertion, self._public_keys(party), audiences=audiences, now_s=now_s)
        except RuimteError as error:
            raise IdentityError("invalid_client", error) from None

    def _spend_assertion(self, asserted: Asserted) -> None:
        try:
            is_new = self._spent.spend(asserted.party, asserted.id, asserted.issued_s, asserted.expires_s)
        except RuimteError as error:
            _log.error("no partner can be given a token: %s", error)
            broken = RuimteError("no token can be given now", "token", "ask again a little later")
            raise IdentityError("temporarily_unavailable", broken, is_guess=False) from None
        if not is_new:
            raise _bad("invalid_client", "client_assertion", "was sent before, or is too old", "make one for each token")

    def _read(self, token: str) -> AccessToken:
        """What a token says; its signature is checked once. Whether it still holds is for ``check``."""
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is None:
            try:
                known = read_token(token, self._keys.public)
            except RuimteError:
                raise _bad("invalid_token", "Authorization", "the token is none of this node", "ask for a new one") from None
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[digest] = known
        return known

    def _run_ms(self) -> int:
        return int((self._uptime_s() - self._began_s) * 1000)


def _confirmation(proven: Proof | None, certificate: bytes | None) -> Confirmation:
    if proven is not None:
        return Confirmation(jkt=proven.key_id)
    if certificate is not None:
        return Confirmation(certificate=_base64url(certificate))
    raise _bad("invalid_dpop_proof", "DPoP", "a token is bound to a key", "send a proof in the header DPoP (RFC 9449)")


def read_form(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The fields of a token request. Raises ``IdentityError`` where one comes twice (RFC 6749, section 3.2)."""
    found: dict[str, str] = {}
    for name, value in fields:
        if name not in _FIELDS:
            continue
        if name in found:
            raise _bad("invalid_request", name, "comes twice", "send it once")
        found[name] = value
    return found


def _credentials(authorization: str | None) -> tuple[str, str]:
    if authorization is None:
        raise _bad(
            "invalid_token", "Authorization", "this needs an access token", "ask for one at the token endpoint", guess=False
        )
    found = _CREDENTIALS.fullmatch(authorization) if len(authorization) <= MOST_LETTERS else None
    if found is None or found["scheme"].lower() not in ("dpop", "bearer"):
        raise _bad("invalid_request", "Authorization", "is no access token", "send Authorization: DPoP and the token")
    return found["scheme"].lower(), found["token"]


def challenge(error: IdentityError | None, *, certificates: bool) -> str:
    """The header WWW-Authenticate (RFC 9449, section 7.1) of an answer to one who did not prove who asks."""
    told = f'error="{error.code}", error_description="{description(error)}", ' if error is not None else ""
    bearer = f"Bearer {told}".rstrip(", ") if certificates else ""
    return ", ".join(filter(None, (f'DPoP {told}algs="{" ".join(ALGORITHMS)}"', bearer)))


def description(error: RuimteError) -> str:
    """An error in one line of the letters that OAuth takes (RFC 6749, section 5.2)."""
    text = str(error).replace('"', "'").replace("\\", "/")
    return re.sub(r"[^\x20-\x7e]", "?", text)[:300]


def _bad(code: Code, where: str, what: str, mend: str, *, guess: bool = True) -> IdentityError:
    return IdentityError(code, RuimteError(what, where, mend), is_guess=guess)


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
