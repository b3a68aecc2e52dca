"""What devices send in a format of their vendor: ``POST /intake/v1/DEVICE``, with the device's own credential."""

from __future__ import annotations

from ruimte.errors import RuimteError
from ruimte.jobs.inbox import Inbox
from ruimte.sta.errors import StaError
from ruimte.web.problems import WebError
from ruimte.web.sta.exchange import Ask, Reply, encode, not_allowed, refusal

ROOT = "/intake/v1"
"""Where payloads go."""


class Payloads:
    """Answers devices that speak a format of the table ``intake.devices.FORMATS``."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def answer(self, ask: Ask) -> Reply:
        """201 with how many results were kept and why others were not; 400 where none was, and for what cannot be read."""
        try:
            return await self._answer(ask)
        except RuimteError as error:
            return refusal(error)

    async def _answer(self, ask: Ask) -> Reply:
        if ask.method != "POST":
            return not_allowed(("POST",))
        self._inbox.require_sender(ask.caller.device)
        if ask.caller.device is None or ask.path != ask.caller.device:
            raise WebError(403, "is not the device of this token", "address", f"post to {ROOT}/DEVICE with the token of DEVICE")
        taken = await self._inbox.deliver(ask.path, ask.body)
        refused = [each for each in taken if isinstance(each, StaError)]
        if taken and len(refused) == len(taken):
            raise refused[0]
        body = {"kept": len(taken) - len(refused), "refused": [str(each) for each in refused]}
        return Reply(201, encode(body))
