"""Delivery to partners' webhooks: each event of a live share as one signed POST, in order, until the grant ends.

Nothing waits here: what is kept is the last event that was taken, and the desk goes on after it. So each try is decided and
logged anew, and an agreement that was taken back stops the next try, however long a receiver was away.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from ruimte.clock import DAY_US
from ruimte.errors import RuimteError
from ruimte.jobs.desk import Desk, Event, RefusedError
from ruimte.notify.handshake import ORIGIN, agree
from ruimte.notify.post import Poster
from ruimte.notify.reach import is_public
from ruimte.notify.trouble import Undelivered
from ruimte.notify.webhook import SIGNATURE
from ruimte.share.agreement import Quantity
from ruimte.share.asking import FOLLOWED, Asked
from ruimte.share.event import MEDIA_TYPE
from ruimte.store.webhooks import Webhook, WebhookFile

MOST_OF_PARTY = 10
KEPT_US = 30 * DAY_US
"""How long one that has ended is still told of."""
GIVE_UP_US = 3 * DAY_US
"""How long a receiver may take nothing before its webhook ends."""
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 300.0
STALE_S = 30.0
"""What was decided longer ago is decided anew before it is sent."""

_FOR_NOW = ("engine-failed", "log-failed", "budget", "not-yet-valid")
"""Refusals that may be over later."""
_GONE = 410
_LONGEST_ADDRESS = 500
_Turn = Literal["over", "anew", "taken", "failed"]
"""How a turn ended: for good; to be asked anew at once; not without something having been taken; without."""
_log = logging.getLogger(__name__)


class Webhooks:
    """The webhooks of one node's partners. ``allow_private``: whether receivers may be in a private network, and without TLS."""

    def __init__(
        self,
        desk: Desk,
        file: WebhookFile,
        lab: str,
        now_us: Callable[[], int],
        *,
        allow_private: bool = False,
        ca_file: str | None = None,
    ) -> None:
        self._desk, self._file, self._lab, self._now_us = desk, file, lab, now_us
        self._allow_private = allow_private
        self._ca_file = ca_file
        self._poster = Poster(allow_private=allow_private, ca_file=ca_file)
        self._going: dict[str, asyncio.Task[None]] = {}
        self._first: dict[str, Event] = {}
        self._news = asyncio.Event()

    # --- what the web asks ------------------------------------------------------------------------------------------

    def of(self, party: str) -> list[Webhook]:
        """The webhooks of a party."""
        return self._file.all(party)

    async def add(self, asked: Asked, kind: str, address: str, origin: str) -> Webhook:
        """A new webhook of a party; its receiver is asked whether it wants events of ``origin``, this node's name.

        Raises ``RefusedError`` where the desk refuses it now, and ``RuimteError`` for an address that is none or whose receiver
        does not want them, and where the party has too many.
        """
        self._check(address)
        if sum(each.ended_us is None for each in self.of(asked.party)) >= MOST_OF_PARTY:
            raise RuimteError(f"there are {MOST_OF_PARTY} already", "webhooks", "remove one first")
        self._desk.leave(await self._desk.live(asked, None))
        await agree(address, origin, allow_private=self._allow_private, ca_file=self._ca_file)
        webhook = Webhook(
            id=secrets.token_urlsafe(16),
            party=asked.party,
            purpose=asked.purpose,
            address=address,
            origin=origin,
            kind=kind,
            places=asked.places,
            quantities=asked.quantities,
            step=asked.step,
            agreement=asked.agreement,
            made_us=self._now_us(),
            key=asked.key,
        )
        await asyncio.to_thread(self._file.put, webhook)
        self._news.set()
        return webhook

    async def remove(self, party: str, key: str) -> bool:
        """Remove a webhook of a party. Gives whether there was one."""
        removed = await asyncio.to_thread(self._file.remove, party, key)
        if removed and key in self._going:
            self._going[key].cancel()
        return removed

    def _check(self, address: str) -> None:
        mend = "give one like https://example.org/events"
        try:
            parts = urlsplit(address)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            host, parts = "", urlsplit("")
        schemes = ("https", "http") if self._allow_private else ("https",)
        plain = address.isascii() and address.isprintable() and " " not in address and len(address) <= _LONGEST_ADDRESS
        if parts.scheme not in schemes or not host or not plain or parts.fragment:
            raise RuimteError("is no https address", "address", mend)
        if parts.username or parts.password:
            raise RuimteError("holds a name or a password", "address", mend)
        if not self._allow_private and _is_private(host):
            raise RuimteError("is not on the public internet", "address", mend)

    # --- running ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                self._news.clear()
                await asyncio.to_thread(self._file.forget, self._now_us() - KEPT_US)
                for webhook in await asyncio.to_thread(self._file.all):
                    if webhook.ended_us is None and webhook.id not in self._going:
                        self._begin(webhook)
                await self._news.wait()
        finally:
            for task in self._going.values():
                task.cancel()
            await asyncio.gather(*self._going.values(), return_exceptions=True)

    def _begin(self, webhook: Webhook) -> None:
        self._going[webhook.id] = task = asyncio.create_task(self._serve(webhook.id))
        task.add_done_callback(lambda _: self._forget(webhook.id))

    def _forget(self, key: str) -> None:
        self._going.pop(key, None)
        self._first.pop(key, None)

    async def _serve(self, key: str) -> None:
        """One webhook, until it has ended or was removed."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                turn = await self._turn(key)
            except Exception:
                _log.exception("a webhook has failed")
                turn = "failed"
            if turn == "over":
                return
            if turn != "anew":
                wait_s = FIRST_WAIT_S if turn == "taken" else wait_s
                await asyncio.sleep(wait_s * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _turn(self, key: str) -> _Turn:
        """Follow for as long as all goes well, and note what does not."""
        webhook = await asyncio.to_thread(self._file.get, key)
        if webhook is None or webhook.ended_us is not None:
            return "over"
        trouble = await self._follow(webhook)
        if trouble is None:
            return "anew"
        after, now_us = await asyncio.to_thread(self._file.get, key), self._now_us()
        if after is None:
            return "over"
        if after.failing_since_us is not None and now_us - after.failing_since_us > GIVE_UP_US:
            await asyncio.to_thread(self._file.ended, key, "not-taken", now_us)
            return "over"
        await asyncio.to_thread(self._file.failed, key, trouble, now_us)
        return "failed" if after.last_id == webhook.last_id else "taken"

    async def _follow(self, webhook: Webhook) -> str | None:
        """Pass on what comes, until it has to be asked for anew (None), has ended (None), or something failed (what)."""
        asked = Asked(
            party=webhook.party,
            purpose=webhook.purpose,
            action=FOLLOWED[webhook.kind],
            lab=self._lab,
            at_us=self._now_us(),
            places=webhook.places,
            quantities=msgspec.convert(webhook.quantities, tuple[Quantity, ...]),
            step=webhook.step,
            agreement=webhook.agreement,
            key=webhook.key,
        )
        try:
            queue = await self._desk.live(asked, webhook.last_id)
        except RefusedError as error:
            return await self._refused(webhook, error)
        except RuimteError as error:
            return error.what
        try:
            if webhook.last_id is None and webhook.id in self._first:  # there is nothing yet to go on after
                return await self._send(webhook, self._first[webhook.id])
            fresh_s = time.monotonic()
            while True:
                if queue.empty():
                    item = await queue.get()
                    fresh_s = time.monotonic()
                elif time.monotonic() - fresh_s > STALE_S:
                    return None
                else:
                    item = queue.get_nowait()
                if isinstance(item, RefusedError):
                    return await self._refused(webhook, item)
                if webhook.last_id is None:
                    self._first.setdefault(webhook.id, item)
                if (trouble := await self._send(webhook, item)) is not None:
                    return trouble
                webhook = msgspec.structs.replace(webhook, last_id=item.id)
        finally:
            self._desk.leave(queue)

    async def _send(self, webhook: Webhook, event: Event) -> str | None:
        """Gives what went wrong; None where it was taken, or the webhook has ended."""
        headers = {"content-type": MEDIA_TYPE, SIGNATURE: event.signature, ORIGIN: webhook.origin, "user-agent": "ruimte"}
        try:
            await self._poster.post(webhook.address, event.body, headers)
        except Undelivered as trouble:
            status = trouble.figures.get("status")
            if status == _GONE:
                await asyncio.to_thread(self._file.ended, webhook.id, "gone", self._now_us())
                return None
            return trouble.kind if status is None else f"{trouble.kind} {status}"
        await asyncio.to_thread(self._file.taken, webhook.id, event.id, self._now_us())
        self._first.pop(webhook.id, None)
        return None

    async def _refused(self, webhook: Webhook, error: RefusedError) -> str | None:
        reason = error.decision.reason
        if reason in _FOR_NOW:
            return f"refused: {reason}"
        await asyncio.to_thread(self._file.ended, webhook.id, reason, self._now_us())
        return None


def _is_private(host: str) -> bool:
    """Whether a host is an address inside a network; a name is judged by its addresses, when it is sent to."""
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return not is_public(host)
