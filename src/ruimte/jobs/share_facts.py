"""What a node puts into its log of itself: its agreements and how they stand, its registers, the algorithms that run.

So that a partner, or an auditor years later, can show which sensor was registered as what when a figure went out, and by which
algorithm it was told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from ruimte.jobs.agreements import Book
from ruimte.lab.lab import Lab
from ruimte.ledger.entry import BODY_HASH, EntryKind, body_hash

SINCE = "in_force_since"
"""The field that says from when on an agreement that the node signed was in force (seconds since 1970)."""
Facts = dict[str, tuple[EntryKind, dict[str, Any]]]


def facts(lab: Lab, book: Book, own: Collection[str]) -> Facts:
    """All that is to be logged when it changes, by key. ``own``: hashes of the agreements that the node signed."""
    return of_registers(lab) | of_agreements(book, own)


def of_registers(lab: Lab) -> Facts:
    """What the registers say: it stays the same while a node runs."""
    found: Facts = {}
    for key, sensor in lab.sensors.items():
        found[f"sensor/{key}"] = ("register", {"register": "sensors", "key": key, BODY_HASH: _digest(sensor)})
    for key, algorithm in lab.algorithms.items():
        payload = {"register": "algorithms", "key": key, "status": algorithm.status, BODY_HASH: _digest(algorithm)}
        found[f"algorithm/{key}"] = ("algorithm", payload)
    return found


def of_agreements(book: Book, own: Collection[str]) -> Facts:
    """The agreements, and how they stand now. ``own``: hashes of those that the node signed."""
    found: Facts = {}
    since = {hashed: since_s for hashed, since_s in book.since().items() if hashed in own}
    for known in book.all():
        if known.hash and known.agreement is not None:
            told = {"agreement": known.hash, "status": known.status or "in trouble", BODY_HASH: _digest(known.agreement)}
            begun = {SINCE: since[known.hash]} if known.hash in since else {}
            found[f"agreement/{known.hash}"] = ("agreement", told | begun)
    return found


def ended(logged: Mapping[str, dict[str, Any]]) -> list[str]:
    """The hashes of agreements that, by what was logged, were taken back or refused."""
    return [
        fact["agreement"] for fact in logged.values() if fact.get("status") in ("revoked", "rejected") and "agreement" in fact
    ]


def in_force_since(logged: Mapping[str, dict[str, Any]]) -> dict[str, int]:
    """From when on the node's agreements were in force, by their hashes, by what was logged (seconds since 1970)."""
    return {fact["agreement"]: fact[SINCE] for fact in logged.values() if "agreement" in fact and SINCE in fact}


def _digest(entry: object) -> str:
    return body_hash(msgspec.json.encode(entry, order="sorted"))
