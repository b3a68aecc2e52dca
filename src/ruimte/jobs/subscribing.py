"""All partners that a node follows: those of its subscriptions' file, which is read again when it changes.

They are followed in a thread with an event loop of its own: a partner's slow name server can hold up neither tick nor page.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruimte.clock import DAY_US
from ruimte.errors import RuimteError
from ruimte.jobs.agreements import Book
from ruimte.jobs.apart import apart, noting
from ruimte.jobs.following import Follower, Provider
from ruimte.jobs.foreign_views import PartnerView, lost_view, partner_view
from ruimte.jobs.link import EndedError, Link, Standing
from ruimte.jobs.live import LiveRoom
from ruimte.jobs.partner import Partner
from ruimte.jobs.partner_words import ENDED
from ruimte.jobs.subscriptions import Subscription, read_subscriptions
from ruimte.jobs.witnessing import Witnessing
from ruimte.keys.signature import KeyPair
from ruimte.notify.keys import NodeKeys
from ruimte.share.agreement import Agreement, Grant, Party
from ruimte.share.contract import check, content_hash, current_key, unite
from ruimte.share.document import read_document
from ruimte.store import foreign, records
from ruimte.store.records import LogEntry
from ruimte.store.sqlite import Store
from ruimte.text import pick

_LOOK_S = 1.0
_FORGET_S = 600.0
_STOP_S = 5.0
_THREADS = 16
_AHEAD_US = DAY_US


_log = logging.getLogger(__name__)

Meet = Callable[[Subscription], Provider]


class Subscriber:
    """Follows the partners of one node. ``meet`` makes the client for a subscription; ``witnessing`` is the node's own log."""

    def __init__(
        self,
        path: Path,
        store: Store,
        book: Book,
        now_us: Callable[[], int],
        meet: Meet,
        witnessing: Witnessing,
    ) -> None:
        self._path = path
        self._store = store
        self._book = book
        self._now_us = now_us
        self._meet = meet
        self._witnessing = witnessing
        self._stamp: tuple[int, int, int] | object | None = object()
        self._followers: dict[str, Follower] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopped = threading.Event()
        self._tell: Callable[[], object] = lambda: None

    # --- running ----------------------------------------------------------------------------------------------------

    async def run(self, room: LiveRoom) -> None:
        """Follow until cancelled; ``room`` is told of what is new."""
        self._tell = noting(room)
        thread = apart("ruimte-partners", _THREADS, self.follow_all)
        try:
            await asyncio.Event().wait()
        finally:
            self._stopped.set()
            await asyncio.to_thread(thread.join, 2 * _STOP_S)

    async def follow_all(self) -> None:
        """Follow whom the file names, and look at it every second, until stopped."""
        forgetting = asyncio.create_task(self._keep_forgetting())
        try:
            while not self._stopped.is_set():
                await self._look()
                await asyncio.sleep(_LOOK_S)
        finally:
            tasks = [*self._tasks.values(), forgetting]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_STOP_S)

    async def _look(self) -> None:
        """Take up what is new in the file, and let go of what is not in it any more."""
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        try:
            wanted = {each.key: each for each in read_subscriptions(self._path)}
        except RuimteError as error:
            _log.error("subscriptions: %s", error)
            return  # those that are followed go on
        self._stamp = stamp
        for key in [*self._followers]:
            if key not in wanted:
                self._tasks.pop(key).cancel()
                self._followers.pop(key)
        with contextlib.suppress(RuimteError):
            await self._write(lambda c: foreign.remove(c, [*wanted]))
        for key, subscription in wanted.items():
            if key in self._followers:
                self._followers[key].link.subscription = subscription
            else:
                self._begin(subscription)
        self._tell()

    def _begin(self, subscription: Subscription) -> None:
        def standing() -> Standing:
            return standing_of(self._book, subscription, self._now_us())

        def take_copy(octets: bytes) -> None:
            keep_copy(self._book, subscription, octets)

        def name() -> str:
            known = agreement_of(self._book, subscription.agreement)
            return subscription.provider if known is None else party_of(known, subscription.provider).name

        link = Link(subscription, self._store, standing, self._now_us, lambda: self._tell(), take_copy, name)
        follower = Follower(link, self._meet(subscription), self._witnessing)
        self._followers[subscription.key] = follower
        self._tasks[subscription.key] = asyncio.create_task(self._guarded(follower))

    async def _guarded(self, follower: Follower) -> None:
        """A follower that fails in a way that nobody foresaw is begun again: the others go on in any case."""
        while True:
            try:
                await follower.run()
            except Exception:
                _log.exception("partner %s", follower.link.subscription.provider)
            await asyncio.sleep(_STOP_S)

    async def _keep_forgetting(self) -> None:
        """Delete what agreements do not let be kept any longer."""
        while True:
            now_us = self._now_us()

            def work(connection: sqlite3.Connection, now_us: int = now_us) -> int:
                gone = foreign.forget(connection, now_us)
                if gone:
                    line = LogEntry(lab_us=now_us, wall_us=now_us, kind="partner-purged", who="system", body={"lines": gone})
                    records.append_log(connection, line)
                return gone

            with contextlib.suppress(RuimteError):
                await self._write(work)
            await asyncio.sleep(_FORGET_S)

    async def _write(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        return await asyncio.wrap_future(self._store.write(work))

    # --- looking ----------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many subscriptions there are."""
        return len(self._followers)

    def views(self, language: str) -> list[PartnerView]:
        """Every link as a person reads it. From any thread."""
        return [self._view(each, language) for each in [*self._followers.values()]]

    def places(self) -> dict[str, Any]:
        """The places of partners that gave a geometry, as a GeoJSON FeatureCollection (properties: link, key, kind)."""
        features = []
        for key in [*self._followers]:
            state = self._store.read(lambda c, key=key: foreign.link(c, key))  # type: ignore[misc]
            for feature in (state.places or {}).get("features", []):
                about = feature.get("properties") or {}
                if feature.get("geometry"):
                    place = {"link": key, "key": about.get("key", feature.get("id")), "kind": about.get("kind")}
                    features.append({"type": "Feature", "properties": place, "geometry": feature["geometry"]})
        return {"type": "FeatureCollection", "features": features}

    def _view(self, follower: Follower, language: str) -> PartnerView:
        link, now_us = follower.link, self._now_us()
        subscription = link.subscription
        known = agreement_of(self._book, subscription.agreement)
        grant = None if known is None else grant_of(known, subscription)
        if known is None or grant is None:
            return lost_view(
                key=subscription.key,
                party=subscription.provider,
                lab=subscription.lab,
                purpose=subscription.purpose,
                agreement=subscription.agreement,
                told=pick(ENDED["no-agreement"], language),
            )
        read, key = self._store.read, subscription.key
        state = read(lambda c: foreign.link(c, key))
        return partner_view(
            key=key,
            partner=party_of(known, subscription.provider).name,
            grant=grant,
            agreement=subscription.agreement,
            until_s=known.content.validity.not_after,
            state=state,
            ended=link.ended,
            distrusted=link.is_distrusted(state),
            heard_us=link.heard_us,
            newest=read(lambda c: foreign.newest(c, key)),
            ahead=read(lambda c: foreign.figures(c, key, "forecast", now_us, now_us + _AHEAD_US)),
            warnings=read(lambda c: foreign.warnings(c, key)),
            language=language,
            now_us=now_us,
        )


def client_of(keys: NodeKeys) -> Meet:
    """Makes the client that asks as this node."""

    def meet(subscription: Subscription) -> Provider:
        return Partner(
            subscription.url,
            subscription.party,
            KeyPair(keys.private, keys.public),
            subscription.purpose,
            allow_private=subscription.allow_private,
            ca_file=subscription.ca_file,
        )

    return meet


def standing_of(book: Book, subscription: Subscription, now_us: int) -> Standing:
    """What the agreement gives a subscription now. Raises ``EndedError`` where that is nothing."""
    known = agreement_of(book, subscription.agreement)
    if known is None:
        raise EndedError("no-agreement")
    ours = [each for each in book.granted() if each.agreement == subscription.agreement and _is_of(each.grant, subscription)]
    grants = tuple(each.grant for each in ours if each.status == "valid" and each.not_before_us <= now_us < each.not_after_us)
    if not ours:
        raise EndedError("purpose")
    if not grants:
        raise EndedError("not-yet-valid" if ours[0].status == "valid" else ours[0].status)
    key = current_key(known, subscription.provider)
    return Standing(grants=grants, provider=party_of(known, subscription.provider), keys=(key,))


def keep_copy(book: Book, subscription: Subscription, octets: bytes) -> None:
    """Keep what a provider's copy of the agreement's file adds to the own one: signatures, of parties, over the same terms.

    Raises ``RuimteError`` where the copy is of another agreement, or anything in it is wrong: then nothing is kept.
    """
    copy = read_document(octets, subscription.provider)
    known = agreement_of(book, subscription.agreement)
    if known is None or content_hash(copy.content) != subscription.agreement:
        raise RuimteError("is another agreement than is followed", subscription.provider, "ask its operator for the right one")
    check(copy)
    if unite(known, copy) != known:
        book.keep(copy)


def agreement_of(book: Book, hashed: str) -> Agreement | None:
    """The agreement with this hash; None where the node has none."""
    known = book.find(hashed)
    return None if known is None else known.agreement


def grant_of(agreement: Agreement, subscription: Subscription) -> Grant | None:
    """The grant that a subscription rests on, first one that gives figures; None where there is none."""
    ours = [grant for grant in agreement.content.grants if _is_of(grant, subscription)]
    return next(iter(sorted(ours, key=lambda grant: not grant.properties.what.kinds)), None)


def party_of(agreement: Agreement, id_: str) -> Party:
    """The party with this id."""
    return next(party for party in agreement.content.parties if party.id == id_)


def _is_of(grant: Grant, subscription: Subscription) -> bool:
    wanted = (subscription.provider, subscription.party, subscription.lab, subscription.purpose)
    return (grant.provider, grant.consumer, grant.lab, grant.properties.purpose) == wanted


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
