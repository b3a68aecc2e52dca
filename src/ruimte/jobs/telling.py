"""Telling a partner what is known here of one of its places."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ruimte.clock import from_us
from ruimte.errors import RuimteError
from ruimte.jobs.partner import Partner
from ruimte.jobs.subscriptions import Subscription
from ruimte.keys.signature import KeyPair
from ruimte.share.agreement import Agreement


def check_taken(agreement: Agreement, subscription: Subscription, kind: str) -> None:
    """Raise ``RuimteError`` where an agreement does not let this node tell the partner of this ``kind``."""
    way = (subscription.provider, subscription.party, subscription.lab, subscription.purpose)
    grants = [
        each for each in agreement.content.grants if (each.provider, each.consumer, each.lab, each.properties.purpose) == way
    ]
    takes = dict.fromkeys(told for grant in grants for told in grant.properties.what.contributions)
    if kind not in takes:
        mend = f"it takes {', '.join(takes)}" if takes else "it takes nothing of what is known here"
        raise RuimteError(f"the agreement takes no {kind}", subscription.provider, mend)


def body_of(
    kind: str,
    place: str,
    *,
    from_: str | None,
    until: str,
    zone: ZoneInfo,
    now_us: int,
    status: str | None = None,
    expected: int | None = None,
    note: str = "",
) -> dict[str, Any]:
    """What is sent, of what a person wrote: times are local, in ``zone``, where they have no offset; ``from_`` left out is now.

    Raises ``RuimteError`` where a time is none, or there is nothing between the two.
    """
    now = from_us(now_us)
    begin = now if from_ is None or kind == "zone-status" else _moment(from_, zone, "--from")
    end = _moment(until, zone, "--until")
    if end <= begin:
        over = begin is now
        raise RuimteError(
            f"{until} is over already" if over else f"{until} is not after {from_}",
            "--until",
            f"write a later time, in {zone.key}" if over else "write a later one, or an earlier --from",
        )
    told: dict[str, Any] = {"until": end.isoformat(timespec="seconds")}
    if kind == "zone-status":
        return told | {"zone": place, "status": status, "note": note}
    told |= {"place": place, "from": begin.astimezone(zone).isoformat(timespec="seconds")}
    return told | ({"reason": note} if kind == "closures" else {"expected": expected, "note": note})


def _moment(text: str, zone: ZoneInfo, option: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise RuimteError(f"{text!r} is not a time", option, "write it like 2026-07-04T23:00") from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


async def send(subscription: Subscription, keys: KeyPair, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send a contribution of this ``kind``. Gives the receipt, with the entry and salt of the partner's log.

    Raises ``RuimteError`` where the partner does not take it.
    """
    async with Partner(
        subscription.url,
        subscription.party,
        keys,
        subscription.purpose,
        allow_private=subscription.allow_private,
        ca_file=subscription.ca_file,
    ) as partner:
        answer = await partner.post(f"/contributions/{kind}", body)
    told = msgspec.json.decode(answer.content, type=dict[str, Any]) if answer.content[:1] == b"{" else {}
    if not answer.is_success:
        what = "".join(letter if letter.isprintable() else "?" for letter in str(told.get("detail", answer.status_code)))
        raise RuimteError(f"does not take it: {what[:300]}", subscription.url, str(told.get("mend", "see the agreement"))[:200])
    index, salt = answer.headers.get("ruimte-log-index", ""), answer.headers.get("ruimte-log-salt", "")
    return {**told, "log_index": int(index) if index.isdecimal() else None, "log_salt": salt}
