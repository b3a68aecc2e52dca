"""Sharing of one node, put together: its desk, its log, who may ask, the API that partners see, and the partners it follows."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruimte.clock import SECOND_US, SystemClock
from ruimte.errors import RuimteError
from ruimte.jobs.agreements import Book, agreement_folders
from ruimte.jobs.contributions import Contributions
from ruimte.jobs.identity import Identity
from ruimte.jobs.lab_policies import lab_policies
from ruimte.jobs.live import LiveRoom
from ruimte.jobs.log import MEGABYTE
from ruimte.jobs.node_log import open_node_log
from ruimte.jobs.partners import LivePartners
from ruimte.jobs.processing_log import ProcessingLog, processing_path
from ruimte.jobs.share_facts import ended, in_force_since, of_agreements, of_registers
from ruimte.jobs.share_forms import Forms
from ruimte.jobs.share_source import Source
from ruimte.jobs.share_views import own_party
from ruimte.jobs.sharing import Sharing
from ruimte.jobs.station import Station
from ruimte.jobs.subscribing import Subscriber, client_of
from ruimte.jobs.subscriptions import subscriptions_path
from ruimte.jobs.webhooks import Webhooks
from ruimte.keys.signature import KeyPair
from ruimte.lab.lab import Lab
from ruimte.notify.keys import NodeKeys, node_keys
from ruimte.settings import SharingFile, read_node_file
from ruimte.share.decide import Decider
from ruimte.share.noise import Noise
from ruimte.share.places import lab_places
from ruimte.share.terms import check_party_id
from ruimte.store.noise import NoiseFile
from ruimte.store.spent import Spent
from ruimte.store.webhooks import WebhookFile
from ruimte.text import duration_us
from ruimte.web.settings import WebSettings
from ruimte.web.share.app import ShareApp
from ruimte.web.share.log import log_routes
from ruimte.web.share.token import ROUTES, Door, identify

SPARE_BYTES = 256 * MEGABYTE
"""The last of the disk is not for sharing: partners who ask day and night must not keep the control room from writing."""
_KEEP_S = 3600.0
_LOOK_S = 2.0
_AGAIN_S = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shared:
    """The parts that the rest of the node uses."""

    lab: Lab
    keys: NodeKeys
    settings: SharingFile
    app: ShareApp
    desk: Sharing
    noise: Noise | None
    partners: LivePartners
    _hooks: Webhooks
    _subscriber: Subscriber

    async def run(self, room: LiveRoom) -> None:
        """Tell who follows, deliver to webhooks, follow partners, and keep what is to be kept, until cancelled."""
        parts: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = (
            lambda: self.desk.run(room),
            self._hooks.run,
            lambda: self._subscriber.run(room),
            self._note_facts,
            self._forget,
        )
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(_again(part))

    async def _note_facts(self) -> None:
        """Log what changes of agreements and registers. Where that fails it is tried again: nothing is released meanwhile."""
        registers = of_registers(self.lab)
        while True:
            try:
                now = await asyncio.to_thread(lambda: of_agreements(self.desk.book, self.desk.own()))
                await asyncio.to_thread(self.desk.log.note_facts, registers | now)
                registers = {}  # these are logged, and only change where a node is started again
            except RuimteError as error:
                _log.error("the log: %s", error)
            await asyncio.sleep(_LOOK_S)

    async def _forget(self) -> None:
        """Delete what is past its time: what the log commits to, and figures with noise."""
        retention = self.lab.file.retention
        while True:
            now_us = SystemClock().now_us()
            with contextlib.suppress(RuimteError):
                await asyncio.to_thread(self.desk.log.forget, (now_us - duration_us(retention.logbook)) // SECOND_US)
                if self.noise is not None:
                    await asyncio.to_thread(self.noise.tidy, duration_us(retention.observations))
            await asyncio.sleep(_KEEP_S)


async def _again(part: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a part of sharing; begin it again where it fails: the control room does not stop because sharing does."""
    while True:
        try:
            await part()
        except Exception:
            _log.exception("sharing: a part failed and is begun again")
        await asyncio.sleep(_AGAIN_S)


@contextlib.contextmanager
def begin(station: Station, room: LiveRoom, data: Path, settings: WebSettings, certificate_header: str = "") -> Iterator[Shared]:
    """Everything that sharing needs, while it is needed. Raises ``RuimteError`` where it cannot begin."""
    lab, now_us = station.lab, SystemClock().now_us
    own, keys = read_node_file(data).sharing, node_keys(data, lab.key)
    if own.party:  # the log bears this name for good
        check_party_id(own.party, "node.toml [sharing] party")
    pair = KeyPair(keys.private, keys.public)
    book = Book(agreement_folders(lab, data), now_us)
    places = lab_places(lab)
    with contextlib.ExitStack() as stack:
        party = own.party or _party(book, keys)
        log = stack.enter_context(open_node_log(lab.key, data, book, keys, now_us, party, SPARE_BYTES))
        logged = log.facts()
        since = in_force_since(logged)
        book.recall(ended(logged), since, log.latest_s)
        processing = stack.enter_context(ProcessingLog(processing_path(data, lab.key), now_us))
        spent = stack.enter_context(Spent(data / f"{lab.key}.spent.db"))
        file = stack.enter_context(WebhookFile(data / f"{lab.key}.webhooks.db"))
        noise = None
        if lab.file.privacy is not None:
            drawn = stack.enter_context(contextlib.closing(NoiseFile(data / f"{lab.key}.noise.db")))
            areas = {key: place.area_m2 for key, place in places.items() if place.kind != "gate"}
            noise = Noise(drawn, lab.file.privacy, lab.zone, areas, room.now_us)
        contributions = Contributions(lab, station.store, now_us, room.note)
        forms = Forms(lab, Source(station), lambda: room.warnings("en"), book, now_us, noise)
        decider = Decider(lab_policies(lab.folder), places)
        desk = Sharing(lab.key, forms, book, decider, log, pair, now_us, processing.processing, contributions, since)
        stack.callback(desk.close)
        hooks = Webhooks(desk, file, lab.key, now_us, allow_private=own.allow_private)
        door = Door(Identity(desk.public_keys, pair, spent, now_us), settings, certificate_header)

        app = ShareApp(
            lab,
            desk,
            hooks,
            settings,
            identify=identify,
            routes=[*ROUTES, *log_routes(log, desk.witnesses)],
            state={"door": door},
            marks=door.nonce,
        )
        subscriber = Subscriber(subscriptions_path(data, lab.key), station.store, book, now_us, client_of(keys), log)
        yield Shared(lab, keys, own, app, desk, noise, LivePartners(subscriber, contributions), hooks, subscriber)


def _party(book: Book, keys: NodeKeys) -> str | None:
    """The id under which the node is a party of the agreements; None where it is none."""
    known = [each.agreement for each in book.all() if each.agreement is not None and not each.trouble]
    return next((own for agreement in known if (own := own_party(agreement, keys)) is not None), None)
