"""What the log commits to of a release: that these very bytes went out, to whom, under what.

It holds nothing that the receiver does not know. So who has the bytes, the agreement and the salt can show by itself what was
sent, also when the provider has long forgotten it.
"""

from __future__ import annotations

from typing import Any, get_args

from ruimte.ledger.entry import BODY_HASH, body_hash
from ruimte.ledger.proof import Extra, keeps_to
from ruimte.share.agreement import Agreement
from ruimte.share.asking import Action
from ruimte.share.document import content_hash
from ruimte.share.formats import MEDIA_TYPES


def release_payload(
    digest: str, media_type: str, *, agreement: str, grant: int, party: str, purpose: str, action: str
) -> dict[str, Any]:
    """The payload. ``digest``: ``body_hash`` of what went out; ``agreement``: the content's hash; ``grant``: which of its grants;
    ``party``: who got it.
    """
    asked = {"party": party, "purpose": purpose, "action": action, "media_type": media_type}
    return {"agreement": agreement, "grant": grant, **asked, BODY_HASH: digest}


def found_payload(agreement: Agreement, body: bytes, salt: str, commitment: str) -> dict[str, Any] | None:
    """As what these bytes went out under an agreement, so that an entry commits to it with this ``salt`` (base64url).

    All that the agreement allows is tried, some thousands at most. None where the entry is about something else.
    """
    hashed, digest = content_hash(agreement.content), body_hash(body)
    for index, grant in enumerate(agreement.content.grants):
        for action in get_args(Action):
            for media_type in MEDIA_TYPES:
                payload = release_payload(
                    digest,
                    media_type,
                    agreement=hashed,
                    grant=index,
                    party=grant.consumer,
                    purpose=grant.properties.purpose,
                    action=action,
                )
                if keeps_to(Extra(leaf="", salt=salt, payload=payload), commitment):
                    return payload
    return None
