"""The service: which request is answered by what."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from ruimte.errors import RuimteError
from ruimte.jobs.sensorthings import SensorThings, address
from ruimte.web.problems import WebError
from ruimte.web.sta import batch
from ruimte.web.sta.change import allowed, change, create_observations
from ruimte.web.sta.exchange import READS, Ask, Reply, encode, not_allowed, refusal
from ruimte.web.sta.openapi import description
from ruimte.web.sta.read import read
from ruimte.web.sta.root import root

BULK = ("CreateObservations", "BulkObservations")
"""The data array extension, by its own name and by the one that istSOS gives it."""


class Service:
    """Answers requests over one store."""

    def __init__(self, things: SensorThings, mqtt_endpoints: Sequence[str] = ()) -> None:
        self._things = things
        self._mqtt_endpoints = mqtt_endpoints

    async def answer(self, ask: Ask) -> Reply:
        """The answer; an error that is somebody's is one too."""
        try:
            if ask.method in READS:
                return await self._read(ask)
            return await self._change(ask)
        except RuimteError as error:
            return refusal(error)

    async def _read(self, ask: Ask) -> Reply:
        if not ask.caller.may_read:
            raise WebError(403, "a device sends, it does not read", "Authorization", "read with a reader's token or a session")
        if ask.path == "":
            return Reply(200, encode(root(ask.base, self._mqtt_endpoints)))
        if ask.path == "api":
            return Reply(200, encode(description(ask.base, is_lab=self._things.is_lab)))
        if ask.path in (*BULK, "$batch"):
            return not_allowed(("POST",))
        return await asyncio.to_thread(read, self._things, ask)

    async def _change(self, ask: Ask) -> Reply:
        if ask.path in ("", "api"):
            return not_allowed(READS)
        if ask.path in (*BULK, "$batch"):
            if ask.method != "POST":
                return not_allowed(("POST",))
            if ask.path == "$batch":
                return await batch.answer(self._things, replace(ask, gzip=False), self.answer)
            return await create_observations(self._things, ask)
        methods = allowed(address(ask.path))
        if ask.method not in methods:
            return not_allowed(methods)
        return await change(self._things, ask)
