"""Which log is a node's own: how it is called, and with which keys it was signed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from ruimte.errors import RuimteError
from ruimte.jobs.agreements import Book
from ruimte.jobs.log import Log, log_origin, log_path
from ruimte.keys.signature import key_id
from ruimte.notify.keys import NodeKeys
from ruimte.share.contract import keys_of
from ruimte.store import ledger


def open_node_log(
    lab_key: str,
    data: Path,
    book: Book,
    keys: NodeKeys,
    now_us: Callable[[], int],
    party: str | None = None,
    spare_bytes: int = 0,
) -> Log:
    """The log of a lab's node, made where there is none. It keeps the name that it began with: that of the node's ``party`` (its
    id), else one after the node's key. Raises ``RuimteError`` as ``Log`` does.
    """
    path = log_path(data, lab_key)
    origin = ledger.origin(path) or log_origin(party or node_name(keys.public), lab_key)
    return Log(path, origin, (keys.private, keys.public), now_us, earlier_keys(book, keys.public), spare_bytes)


def node_name(public: str) -> str:
    """What a node that is no party of any agreement yet is called: after its key (base64url)."""
    return f"urn:ruimte:node:{key_id(public)}"


def earlier_keys(book: Book, public: str) -> list[str]:
    """The keys that the holder of a key (base64url) had before, by its agreements: its log goes on under the new one."""
    found: dict[str, None] = {}
    known = [each.agreement for each in book.all() if each.agreement is not None]
    for agreement, party in [(each, party) for each in known for party in each.content.parties]:
        with contextlib.suppress(RuimteError):  # a wrong rotation gives no key
            *before, now = keys_of(agreement, party.id)
            if now == public:
                found |= dict.fromkeys(before)
    return list(found)
