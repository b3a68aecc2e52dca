"""Agreements between made-up organisations, for tests."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ruimte.errors import RuimteError
from ruimte.keys.signature import KeyPair, public_of
from ruimte.share.agreement import (
    Agreement,
    Content,
    Duties,
    Form,
    Grant,
    Party,
    Privacy,
    Terms,
    Validity,
    What,
)
from ruimte.share.contract import sign
from ruimte.share.odrl import with_policies
from ruimte.share.terms import check_terms

CITY = "urn:nld:oin:00000099000000001000"
POLICE = "urn:nld:oin:00000099000000002000"
METRO = "urn:nld:oin:00000099000000003000"
FROM_S, UNTIL_S = 1_780_000_000, 1_800_000_000
NOW_S = 1_790_000_000


def pair_of(name: str) -> KeyPair:
    """A key pair that is always the same for a name."""
    seed = hashlib.sha256(name.encode()).digest()
    private = base64.urlsafe_b64encode(Ed25519PrivateKey.from_private_bytes(seed).private_bytes_raw()).rstrip(b"=").decode()
    return KeyPair(private, public_of(private))


KEYS = {party: pair_of(party) for party in (CITY, POLICE, METRO)}
NAMES = {CITY: "City of Example", POLICE: "Police of Example", METRO: "Metro of Example"}


def terms(**changes: Any) -> Terms:
    """What the police get: how many people are in each zone, five minutes a step, nothing under ten."""
    usual = Terms(
        purpose="event-safety",
        legal_regime="none",
        legal_ground="",
        what=What(kinds=("state", "history"), zones=("*",), quantities=("people", "density")),
        form=Form(exactness="suppressed", minimum=10, round_to=5),
        duties=Duties(delete_after="30d", name_source="City of Example"),
    )
    return msgspec.structs.replace(usual, **changes)


def privately(**changes: Any) -> Form:
    """A form with noise."""
    privacy = Privacy(epsilon_per_day=1.0, intervals=8, assumption="nobody is on the square for longer than two hours a day")
    return msgspec.structs.replace(Form(exactness="private", step="15m", privacy=privacy), **changes)


def grant(provider: str = CITY, consumer: str = POLICE, lab: str = "boulevard", **changes: Any) -> Grant:
    return Grant(provider=provider, consumer=consumer, lab=lab, properties=terms(**changes))


def content(*grants: Grant, parties: tuple[str, ...] = (CITY, POLICE), others: tuple[Party, ...] = (), **changes: Any) -> Content:
    """What is agreed on; where its terms hold the policies are written into it."""
    usual = Content(
        iv="06338364-8305-7b74-8000-de4963503139",
        group_id="example",
        created_at=FROM_S,
        validity=Validity(not_before=FROM_S, not_after=UNTIL_S),
        parties=(*(Party(id=each, name=NAMES[each], public_key=KEYS[each].public) for each in parties), *others),
        grants=grants or (grant(),),
    )
    found = msgspec.structs.replace(usual, **changes)
    try:
        check_terms(found)
    except RuimteError:
        return found
    return with_policies(found)


def proposed(*grants: Grant, **changes: Any) -> Agreement:
    """An agreement that nobody has signed yet."""
    return Agreement(version=1, content=content(*grants, **changes))


def agreed(*grants: Grant, **changes: Any) -> Agreement:
    """An agreement that all parties have accepted."""
    found = proposed(*grants, **changes)
    for party in found.content.parties:
        found = sign(found, party.id, KEYS[party.id].private, "accept", FROM_S)
    return found
