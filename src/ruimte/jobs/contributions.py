"""What partners tell about this lab: taken, kept with who told it, written in the logbook, and shown beside the place."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec
from babel.dates import format_datetime

from ruimte.clock import from_us, iso
from ruimte.intake.notes import check_note
from ruimte.jobs.partner_words import CONDITIONS, TOLD
from ruimte.jobs.room import ContributionView
from ruimte.lab.lab import Lab
from ruimte.share.agreement import Contribution, Party
from ruimte.share.asking import Asked
from ruimte.share.contribution import Arrivals, Told, ZoneStatus, place_of, read, span_us, text_of
from ruimte.store import contributions, records
from ruimte.store.contributions import Contributed
from ruimte.store.records import LogEntry
from ruimte.store.sqlite import Store
from ruimte.text import pick


class Contributions:
    """What partners told one lab. ``note`` is called, in the event loop that asked, when there is something new to read."""

    def __init__(self, lab: Lab, store: Store, now_us: Callable[[], int], note: Callable[[], None] = lambda: None) -> None:
        self._lab = lab
        self._store = store
        self._now_us = now_us
        self._note = note

    def take(self, kind: Contribution, party: Party, body: dict[str, Any], agreement: str = "") -> dict[str, Any]:
        """Keep what a party tells, and write it in the logbook, both or none. Gives what a receipt says; durable when it returns.

        Whether the party may tell it was decided before. Raises ``RuimteError`` where it makes no sense, or its text holds what
        looks like an identifier.
        """
        now_us = self._now_us()
        told = read(kind, body, [*self._lab.zones, *self._lab.count_points], [*self._lab.gates], now_us)
        if text_of(told).strip():
            check_note(text_of(told))
        from_us, until_us = span_us(told, now_us)
        kept = Contributed(
            kind, party.id, party.name, agreement, place_of(told), from_us, until_us, now_us, msgspec.to_builtins(told)
        )
        entry = LogEntry(
            lab_us=now_us, wall_us=now_us, kind="contributed", who=party.name, place=kept.place, body=_for_log(kept, told)
        )

        def work(connection: sqlite3.Connection) -> int:
            records.append_log(connection, entry)
            return contributions.append(connection, kept)

        id_ = self._store.write(work).result()
        return {"contribution": id_, "kind": kind, "party": party.id, "place": kept.place, "received": iso(now_us), "body": body}

    async def __call__(self, asked: Asked, party_name: str, body: dict[str, Any]) -> dict[str, Any]:
        """The same for a request that was decided on, from an event loop."""
        kind = cast(Contribution, asked.action.removeprefix("contribute-"))
        party = Party(id=asked.party, name=party_name, public_key="")
        receipt = await asyncio.to_thread(self.take, kind, party, body, asked.agreement)
        self._note()
        return receipt

    def views(self, language: str) -> list[ContributionView]:
        """What holds now, or is still to come, as a person reads it."""
        now_us = self._now_us()
        found = self._store.read(lambda c: contributions.standing(c, now_us))
        return [self._view(told, language, now_us) for told in found if told.body.get("status") != "open"]

    def _view(self, told: Contributed, language: str, now_us: int) -> ContributionView:
        return ContributionView(
            kind=told.kind,
            place=told.place,
            place_name=self._name(told.place, language),
            party=told.party_name,
            begin=iso(told.from_us),
            end=iso(told.until_us),
            received=iso(told.received_us),
            now=told.from_us <= now_us,
            expected=told.body.get("expected"),
            status=told.body.get("status"),
            text=self._sentence(told, language, now_us),
        )

    def _sentence(self, told: Contributed, language: str, now_us: int) -> str:
        """As in "closed until 23:00: doors broken"."""
        key = f"{told.kind}-now" if told.from_us <= now_us else told.kind
        note = told.body.get("reason") or told.body.get("note") or ""
        words = {
            "status": pick(CONDITIONS.get(str(told.body.get("status")), ""), language),
            "expected": told.body.get("expected", 0),
            "from": _clock(told.from_us, self._lab.zone, now_us, language),
            "until": _clock(told.until_us, self._lab.zone, now_us, language),
        }
        return pick(TOLD[key], language).format(**words) + (f": {note}" if note else "")

    def _name(self, key: str, language: str) -> str:
        found = self._lab.zones.get(key) or self._lab.count_points.get(key) or self._lab.gates.get(key)
        return key if found is None else pick(found.name, language)


def _for_log(kept: Contributed, told: Told) -> dict[str, Any]:
    """Figures of the logbook's sentence."""
    body: dict[str, Any] = {"told": kept.kind, "start": kept.from_us, "until": kept.until_us, "note": text_of(told)}
    if isinstance(told, ZoneStatus):
        return body | {"condition": told.status}
    return body | {"expected": told.expected} if isinstance(told, Arrivals) else body


def _clock(us: int, zone: ZoneInfo, now_us: int, language: str) -> str:
    """The lab's time of a moment, with its day where that is not today's."""
    moment: datetime = from_us(us).astimezone(zone)
    form = "HH:mm" if moment.date() == from_us(now_us).astimezone(zone).date() else "d MMM HH:mm"
    return str(format_datetime(moment, form, tzinfo=zone, locale=language))
