"""Telling a partner what is known here of one of its places."""

from __future__ import annotations

from typing import Any

import msgspec

from ruimte.errors import RuimteError
from ruimte.jobs.partner import Partner
from ruimte.jobs.subscriptions import Subscription
from ruimte.keys.signature import KeyPair


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
