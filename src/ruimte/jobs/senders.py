"""Who may send what on which topic, and where it goes: everything in a sandbox; in a lab its registered devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ruimte.intake.mqtt.topics import PREFIX
from ruimte.jobs.inbox import Inbox
from ruimte.lab.files import SENSORTHINGS
from ruimte.sta.errors import StaError

_MEND = "let the broker ask for a password (see `ruimte device mosquitto`), or set anonymous_writes in lab.toml"


class Create(Protocol):
    """Creates what a body says, as a POST to ``path`` does, for a device (None: a sender without credential)."""

    async def __call__(self, path: str, body: bytes, device: str | None) -> Any: ...


class Anybody:
    """The sandbox: what is published on a topic of the service is created, as by POST."""

    is_open = True
    filters: Sequence[tuple[str, int]] = ((f"{PREFIX}#", 1),)

    def __init__(self, create: Create) -> None:
        self._create = create

    def knows(self, topic: str) -> bool:
        """Every topic is the client's own affair."""
        return True

    async def take(self, topic: str, payload: bytes, trusted: bool) -> None:
        """Create it. Raises ``StaError`` where it is refused."""
        await self._create(topic.removeprefix(PREFIX), payload, None)


class Devices:
    """A lab: each device on its own topics. Which device speaks is known by the topic, where the broker keeps others off it.

    A vendor's payload comes on the device's topic; SensorThings Observations come on those of its own Datastreams.
    """

    is_open = False

    def __init__(self, inbox: Inbox, stream_ids: Mapping[str, int], create: Create) -> None:
        lab = inbox.lab
        self._inbox = inbox
        self._create = create
        self._anonymous = lab.file.intake.anonymous_writes
        vendors = [device for device in lab.devices.values() if device.format != SENSORTHINGS]
        speaks = {sensor: device.key for device in lab.devices.values() if device not in vendors for sensor in device.sensors}
        self._vendors = {lab.topic(device): device.key for device in vendors}
        self._own = {
            f"{PREFIX}Datastreams({id_})/Observations": speaks.get(key.rpartition("/")[0]) for key, id_ in stream_ids.items()
        }

    @property
    def filters(self) -> Sequence[tuple[str, int]]:
        """The topics of the register, and Observations of Datastreams."""
        return [(f"{PREFIX}+/Observations", 1), *((topic, 1) for topic in self._vendors)]

    def knows(self, topic: str) -> bool:
        """Whether the register has this topic: what else is published may hold anything in its name."""
        return topic in self._vendors or topic in self._own

    async def take(self, topic: str, payload: bytes, trusted: bool) -> None:
        """Store what a device sends. Raises ``StaError`` where it is refused, as a whole or in every row."""
        if not trusted and not self._anonymous:
            raise StaError("the broker lets anybody in, so it is not known who sends", "sender", _MEND, 401)
        if vendor := self._vendors.get(topic):
            taken = await self._inbox.deliver(vendor, payload)
            if taken and isinstance(taken[0], StaError) and all(isinstance(each, StaError) for each in taken):
                raise taken[0]
            return
        await self._create(topic.removeprefix(PREFIX), payload, self._speaker(topic) if trusted else None)

    def _speaker(self, topic: str) -> str:
        """The device that speaks for a Datastream: a sensor belongs to one device."""
        speaker = self._own.get(topic)
        if speaker is None:
            mend = "publish on v1.1/Datastreams(ID)/Observations of a sensor that a device of the register names"
            raise StaError("no device speaks on this topic", "sender", mend, 403)
        return speaker
