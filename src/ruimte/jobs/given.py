"""What of a node's agreements the node itself gives, to whom, and with which keys those prove who they are.

A file in the folders says nothing by being there. A node's folders also hold agreements that it only gets something of, that it
has not signed, or that name a lab of another city with the same key: none of these gives anything here, or makes anybody a party.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ruimte.jobs.agreements import Book, Known
from ruimte.keys.signature import key_id
from ruimte.keys.statement import signer
from ruimte.share.agreement import Agreement, Status
from ruimte.share.asking import Granted
from ruimte.share.contract import TYPE, current_key

_OVER: tuple[Status, ...] = ("revoked", "expired")
"""Whose agreements have all ended may still prove who it is: it is told why it gets nothing."""


@dataclass(frozen=True, slots=True)
class Given:
    """``granted``: what the node gives; ``keys``: of the parties of each of its agreements (by hash) the key of now, base64url.

    ``standing``: the hashes of those that are in force.
    """

    granted: tuple[Granted, ...]
    keys: Mapping[str, Mapping[str, str]]
    standing: frozenset[str]

    def public_keys(self, party: str) -> list[str]:
        """The keys that a party may sign with now: of agreements in force, or where it has none such, of those that ended."""
        of = {hashed: keys[party] for hashed, keys in self.keys.items() if party in keys}
        chosen = of.keys() & self.standing or of.keys()
        return list(dict.fromkeys(key for hashed, key in of.items() if hashed in chosen))

    def to(self, party: str, key: str) -> tuple[Granted, ...]:
        """What is given, without agreements in which the party signs with another key than that of this thumbprint ("": any).

        Whoever has a key of one agreement, or came to be named in one, gets nothing of the others. The same object where nothing
        is left out.
        """
        if not key or all(key_id(keys[party]) == key for keys in self.keys.values() if party in keys):
            return self.granted
        own = {hashed for hashed, keys in self.keys.items() if party in keys and key_id(keys[party]) == key}
        return tuple(one for one in self.granted if one.agreement in own)


def given(book: Book, granted: tuple[Granted, ...], public: str, now_s: int, before: Collection[str] = ()) -> Given:
    """What the node with the key ``public`` gives, of what the book grants now.

    ``before``: hashes of agreements that the node's log knows as its own: these it may have signed with a key that it had then.
    """
    signed = [each for each in book.all() if each.agreement is not None and _is_own(each, each.agreement, public, now_s, before)]
    keys = {
        each.hash: {party.id: current_key(each.agreement, party.id, now_s) for party in each.agreement.content.parties}
        for each in signed
        if each.agreement is not None
    }
    own = [one for one in granted if keys.get(one.agreement, {}).get(one.grant.provider) == public]
    return Given(
        granted=granted if len(own) == len(granted) else tuple(own),
        keys=keys,
        standing=frozenset(each.hash for each in signed if each.status == "valid"),
    )


def _is_own(known: Known, agreement: Agreement, public: str, now_s: int, before: Collection[str]) -> bool:
    """Whether all have signed it, and this node is one of them: also of what ended, for anybody can revoke what nobody signed.

    That its key stands there is not enough: whoever gives a key over names the new one without asking who has it.
    """
    if known.trouble or not (known.status == "valid" or known.status in _OVER):
        return False
    parties, accepted = [party.id for party in agreement.content.parties], agreement.signatures.accept
    own = next((party for party in parties if current_key(agreement, party, now_s) == public), None)
    if own is None or not accepted.keys() >= set(parties):
        return False
    return known.hash in before or signer(accepted[own], TYPE) == key_id(public)
