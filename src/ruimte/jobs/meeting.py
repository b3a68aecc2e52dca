"""Meeting a partner for the first time: does the agreement hold, does its node know us, and what will it give?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ruimte.clock import SECOND_US, from_us
from ruimte.errors import RuimteError
from ruimte.jobs.agreement_files import read_agreement
from ruimte.jobs.foreign_views import exactness
from ruimte.jobs.partner import Partner, PartnerError
from ruimte.jobs.subscriptions import Subscription, base_url
from ruimte.keys.signature import KeyPair
from ruimte.share.agreement import Agreement, Grant
from ruimte.share.contract import check, content_hash, party_of, status

NewPartner = Callable[[str, str], Partner]
"""Makes the client for a party's id and a purpose."""

_NOT_VALID = {
    "proposed": "is not signed by all parties yet",
    "rejected": "was rejected",
    "revoked": "was revoked",
    "expired": "has expired",
}


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscription will get: of whom, and in words; ``places`` is how many it tells of now, ``newest`` up to when."""

    subscription: Subscription
    partner: str
    gives: list[str]
    places: int
    newest: str | None

    def lines(self) -> list[str]:
        """As a person reads it."""
        now = f"now: {_places(self.places)}, up to {self.newest}" if self.newest else "now: nothing yet"
        of = f"{self.partner}, lab {self.subscription.lab}, for {self.subscription.purpose}"
        return [f"{self.subscription.key}  {of}", *(f"  {line}" for line in self.gives), f"  {now}"]


def read_valid(path: Path, at_s: int, zone: ZoneInfo) -> Agreement:
    """The agreement in a file. Raises ``RuimteError`` where it is wrong, or not in force; times are told in ``zone``."""
    agreement = read_agreement(path)
    check(agreement)
    stands = status(agreement, at_s)
    if stands != "valid":
        raise RuimteError(_NOT_VALID[stands], str(path), "see `ruimte share show` for who has signed what")
    if agreement.content.validity.not_before > at_s:
        begin = from_us(agreement.content.validity.not_before * SECOND_US).astimezone(zone)
        raise RuimteError(f"does not hold before {begin:%Y-%m-%d %H:%M} ({zone.key})", str(path), "subscribe then")
    return agreement


async def meet(
    url: str,
    agreement: Agreement,
    keys: KeyPair,
    at_s: int,
    *,
    party: str | None = None,
    allow_private: bool = False,
    ca_file: Path | None = None,
    partner: NewPartner | None = None,
) -> list[Met]:
    """Ask the node at ``url`` once for what the agreement gives this node, with its ``keys``.

    One subscription for each purpose. Raises ``RuimteError`` where the node's key is of no party, the agreement gives it nothing
    of that node, or the other node does not give it.
    """
    ours = party_of(agreement, keys.public, at_s).id
    if party is not None and party != ours:
        raise RuimteError(f"the node's key is that of {ours}", party, "leave --party out, or use that party's node")
    ca = None if ca_file is None else str(ca_file)

    def client(ours: str, purpose: str) -> Partner:
        return Partner(url, ours, keys, purpose, allow_private=allow_private, ca_file=ca)

    grants = [grant for grant in agreement.content.grants if grant.consumer == ours]
    if not grants:
        raise RuimteError(f"gives nothing to {ours}", "agreement", "take one in which this node's party is a consumer")
    met: list[Met] = []
    labs: set[str] = set()
    for purpose in dict.fromkeys(grant.properties.purpose for grant in grants):
        async with (partner or client)(ours, purpose) as node:
            lab = await _lab(node, url)
            labs.add(lab)
            for provider in dict.fromkeys(grant.provider for grant in grants):
                wanted = [g for g in grants if (g.provider, g.properties.purpose, g.lab) == (provider, purpose, lab)]
                if wanted:
                    subscription = Subscription(
                        url=base_url(url),
                        agreement=content_hash(agreement.content),
                        party=ours,
                        provider=provider,
                        lab=lab,
                        purpose=purpose,
                        since_s=at_s,
                        allow_private=allow_private,
                        ca_file=ca,
                    )
                    met.append(await _try(node, subscription, agreement, wanted))
    if not met:
        given = ", ".join(sorted({grant.lab for grant in grants}))
        what = f"is the node of lab {', '.join(sorted(labs))}, and the agreement gives figures of {given}"
        raise RuimteError(what, url, "give the address of that lab's node")
    return met


async def _lab(node: Partner, url: str) -> str:
    """Which lab a node shares."""
    answer = await node.get("")
    try:
        told = msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.DecodeError:
        told = {}
    if not answer.is_success or not isinstance(told.get("lab"), str):
        raise RuimteError("shares nothing: no node of Ruimte answers there", url, "check the address")
    return str(told["lab"])


async def _try(node: Partner, subscription: Subscription, agreement: Agreement, grants: list[Grant]) -> Met:
    """Ask for one state, where the agreement gives that."""
    name = next(party.name for party in agreement.content.parties if party.id == subscription.provider)
    places, newest = 0, None
    if any("state" in grant.properties.what.kinds for grant in grants):
        answer = await node.get("/state", {"agreement": subscription.agreement})
        told = msgspec.json.decode(answer.content, type=dict[str, Any]) if answer.content[:1] == b"{" else {}
        if answer.status_code in (401, 403):
            raise PartnerError(
                f"refuses: {told.get('detail', answer.status_code)}", subscription.url, "see the agreement", again=False
            )
        rows = told.get("figures", [])
        places, newest = len({row["place"] for row in rows}), max((row["end"] for row in rows), default=None)
    return Met(subscription=subscription, partner=name, gives=[gives(grant) for grant in grants], places=places, newest=newest)


def _places(count: int) -> str:
    return "1 place" if count == 1 else f"{count} places"


def gives(grant: Grant) -> str:
    """What a grant gives, in a line."""
    terms = grant.properties
    what, form = terms.what, terms.form
    told = []
    if what.kinds:
        named = [*(form.areas or what.zones), *what.gates]
        of = "all places" if "*" in named else _places(len(named))
        told.append(f"{', '.join(what.kinds)} of {', '.join(what.quantities) or 'warnings'} in {of}: {exactness(form, 'en')}")
    if what.contributions:
        told.append(f"takes {', '.join(what.contributions)}")
    return f"{'; '.join(told)}; kept at most {terms.duties.delete_after}"
