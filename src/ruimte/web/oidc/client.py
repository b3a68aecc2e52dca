"""What a node is to its OpenID provider: settings that were checked, and which role a person gets."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ruimte.errors import RuimteError
from ruimte.model.role import ROLES, Actor, Role
from ruimte.settings import NODE_FILE, OidcFile

_MOST_NAME = 64


@dataclass(frozen=True)
class Client:
    """A client of one provider. ``roles``: values of the role claim, in the order in which they count, to roles here."""

    issuer: str
    client_id: str
    secret: str | None
    name: str
    scopes: tuple[str, ...]
    name_claim: str
    role_claim: str
    roles: Mapping[str, Role]
    hosts: frozenset[str]

    def may_ask(self, url: str) -> bool:
        """Whether an address is the provider's: on a host of its own, over TLS (or as the issuer, in a trial on this machine)."""
        parts, own = urlsplit(url), urlsplit(self.issuer)
        return parts.scheme == own.scheme and parts.netloc in self.hosts and parts.username is None and not parts.fragment

    def actor(self, claims: Mapping[str, Any]) -> Actor | None:
        """Who the claims of an ID token tell of; None where they give no role."""
        told = _claim(claims, self.role_claim)
        values = [told] if isinstance(told, str) else list(told) if isinstance(told, list | dict) else []
        role = next((role for value, role in self.roles.items() if value in values), None)
        return None if role is None else Actor(self._name(claims), role)

    def _name(self, claims: Mapping[str, Any]) -> str:
        found = (_claim(claims, name) for name in (self.name_claim, "preferred_username", "sub"))
        names = ("".join(filter(str.isprintable, each)).strip()[:_MOST_NAME] for each in found if isinstance(each, str))
        return next(filter(None, names), "?")


def client_of(file: OidcFile, environment: Mapping[str, str]) -> Client:
    """The client that ``[oidc]`` in the node's file describes, after the environment (``RUIMTE_OIDC_ISSUER``, ``…_CLIENT_ID``).

    Raises ``RuimteError`` where something in it cannot be.
    """
    issuer = environment.get("RUIMTE_OIDC_ISSUER", file.issuer)
    parts = urlsplit(issuer)
    if not parts.hostname or parts.query or parts.fragment or not (parts.scheme == "https" or _is_on_this_machine(issuer)):
        raise _wrong(f"{issuer!r} is no issuer", "issuer", "write the provider's address, as in https://login.example.org")
    if "openid" not in file.scopes:
        raise _wrong("does not ask for an ID token", "scopes", 'put "openid" into it')
    if not file.roles:
        raise _wrong("gives nobody a role", "roles", 'write [oidc.roles] with lines as "crowd-operators" = "operator"')
    roles: dict[str, Role] = {}
    for value, name in file.roles.items():
        role = next((each for each in ROLES if each == name), None)
        if role is None:
            raise _wrong(f"{name!r} is no role", f"roles {value!r}", f"one of: {', '.join(ROLES)}")
        roles[value] = role
    secret = None if file.secret_env is None else environment.get(file.secret_env)
    if file.secret_env is not None and not secret:
        raise _wrong("the client's secret is not known", "secret_env", f"set {file.secret_env}, or leave secret_env out")
    return Client(
        issuer=issuer,
        client_id=environment.get("RUIMTE_OIDC_CLIENT_ID", file.client_id),
        secret=secret,
        name=file.name or parts.hostname,
        scopes=file.scopes,
        name_claim=file.name_claim,
        role_claim=file.role_claim,
        roles=roles,
        hosts=frozenset({parts.netloc, *file.hosts}),
    )


def _is_on_this_machine(issuer: str) -> bool:
    parts = urlsplit(issuer)
    try:
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its whole name, which may hold dots, or by a path through objects.

    >>> _claim({"realm_access": {"roles": ["a"]}}, "realm_access.roles"), _claim({"https://x.org/r": "b"}, "https://x.org/r")
    (['a'], 'b')
    """
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _wrong(what: str, where: str, mend: str) -> RuimteError:
    return RuimteError(what, f"{NODE_FILE} [oidc] {where}", mend)
