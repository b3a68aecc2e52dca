"""What the commands tell of a log."""

from __future__ import annotations

from typing import Any

from ruimte.clock import SECOND_US, iso
from ruimte.jobs.log import Log


def as_dict(log: Log) -> dict[str, Any]:
    """Its name, size, verifier key, newest checkpoint, and of each witness the newest cosignature."""
    witnesses = [{"name": each.name, "size": each.size, "at": each.at} for each in log.witnesses()]
    return {"origin": log.origin, "size": log.size, "key": str(log.key), "checkpoint": log.checkpoint(), "witnesses": witnesses}


def lines(log: Log) -> list[str]:
    """The same for people."""
    seen = [f"{each.name} up to entry {each.size}, {iso(each.at * SECOND_US)}" for each in log.witnesses()]
    return [
        f"log        {log.origin}",
        f"entries    {log.size}",
        f"key        {log.key}",
        *(f"witness    {each}" for each in seen or ["nobody yet"]),
        "checkpoint",
        *(f"  {line}".rstrip() for line in log.checkpoint().splitlines()),
    ]
