"""Who may ask the service what: anybody in a sandbox; in a lab devices write, and readers and those who are signed in read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.types import Scope

from ruimte.keys.certificate import fingerprint_in_header
from ruimte.web.problems import WebError
from ruimte.web.session import Accounts, token_of
from ruimte.web.sta.exchange import READS, Caller
from ruimte.web.sta.links import is_from_proxy

Access = Callable[[Scope, Mapping[bytes, bytes]], Caller]
"""A request's scope and headers to who asks; raises ``WebError`` 401 where that is nobody in particular."""


class Credentials(Protocol):
    """Tokens of devices and readers."""

    def device(self, token: str) -> str | None:
        """The device that holds a token."""
        ...

    def device_by_certificate(self, fingerprint: bytes) -> str | None:
        """The device that holds a client certificate with this SHA-256 fingerprint."""
        ...

    def reader(self, token: str) -> str | None:
        """The reader that holds a token."""
        ...


def anybody(scope: Scope, headers: Mapping[bytes, bytes]) -> Caller:
    """A sandbox: who reaches it may do everything."""
    return Caller(may_read=True)


def authorise(credentials: Credentials, accounts: Accounts, *, certificate_header: str = "", anonymous_writes: bool) -> Access:
    """A lab: a device writes, and a reader's token and a session read.

    A device is known by its token, or by the certificate that a proxy tells in ``certificate_header`` (RFC 9440). With
    ``anonymous_writes`` who is nobody in particular may try to write.
    """
    certificate_name = certificate_header.lower().encode()

    def access(scope: Scope, headers: Mapping[bytes, bytes]) -> Caller:
        token = _bearer(headers)
        if token is not None:
            if (device := credentials.device(token)) is not None:
                return Caller(device=device)
            if credentials.reader(token) is not None:
                return Caller(may_read=True)
            raise WebError(401, "this token is not known here, or no longer", "Authorization", "ask for a new one")
        if certificate_name and certificate_name in headers and is_from_proxy(scope):
            fingerprint = fingerprint_in_header(headers[certificate_name].decode("latin-1"))
            device = credentials.device_by_certificate(fingerprint) if fingerprint is not None else None
            if device is None:
                raise WebError(401, "this certificate is not known here, or no longer", certificate_header, "register it anew")
            return Caller(device=device)
        if b"cookie" in headers and _is_signed_in(scope, accounts):
            return Caller(may_read=True)
        if scope["method"] not in READS and anonymous_writes:
            return Caller()
        raise WebError(401, "this needs a token or a session", "Authorization", "send Authorization: Bearer …, or sign in")

    return access


def _bearer(headers: Mapping[bytes, bytes]) -> str | None:
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _is_signed_in(scope: Scope, accounts: Accounts) -> bool:
    token = token_of(Request(scope))
    return bool(token) and accounts.actor(token) is not None
