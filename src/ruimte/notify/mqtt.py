"""Warnings on an MQTT broker (extra ``mqtt``): each step, and a retained message with all that stand.

Each delivery has a connection of its own, which ends when the broker has acknowledged (QoS 1): warnings are few, and nothing has
to be kept up in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from gmqtt import Client, Message  # type: ignore[import-untyped]
from gmqtt.mqtt.constants import MQTTv50  # type: ignore[import-untyped]
from gmqtt.mqtt.handler import MQTTConnectError, MQTTError  # type: ignore[import-untyped]
from gmqtt.storage import PersistentStorage  # type: ignore[import-untyped]

from ruimte.clock import iso
from ruimte.intake.mqtt.link import MARK
from ruimte.notify import cloud_event
from ruimte.notify.channels import MqttChannel
from ruimte.notify.notice import Notice
from ruimte.notify.secrets import secret
from ruimte.notify.trouble import Undelivered

_ANSWER_S = 10.0
_NOT_AUTHORISED = (4, 5, 134, 135)  # by MQTT 3.1.1 and by MQTT 5
_wire = logging.getLogger("ruimte.wire")
_wire.disabled = True


class _Unacknowledged(PersistentStorage):  # type: ignore[misc]
    """What the broker has not acknowledged; tells when there is nothing left."""

    def __init__(self) -> None:
        super().__init__()
        self.empty = asyncio.Event()

    @property
    def left(self) -> int:
        return len(self._messages)

    def remove_message_by_mid(self, mid: int) -> None:
        super().remove_message_by_mid(mid)
        if not self._messages:
            self.empty.set()


class Mqtt:
    """Publishes for one channel."""

    def __init__(self, channel: MqttChannel, lab: str, environment: Mapping[str, str]) -> None:
        self._channel = channel
        self._topic = channel.topic or f"ruimte/{lab}/warnings"
        parts = urlsplit(channel.address)
        self._host, self._encrypted = parts.hostname or "", parts.scheme == "mqtts"
        self._port = parts.port or (8883 if self._encrypted else 1883)
        self._password = secret(environment, channel.password_env, channel.key)

    async def send(self, notice: Notice, target: str) -> None:
        """Publish it. ``target`` is of no meaning here. Raises ``Undelivered``."""
        waiting = _Unacknowledged()
        client = Client(f"ruimte-{uuid.uuid4().hex}", clean_session=True, persistent_storage=waiting, logger=_wire)
        client.set_config({"reconnect_retries": 0})
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._connect(client)
                for message in self._messages(notice):
                    client.publish(message)
                client.on_disconnect = lambda *_: waiting.empty.set()
                await waiting.empty.wait()
                if waiting.left:
                    raise Undelivered("broken-off", again=True)
        except TimeoutError:
            raise Undelivered("no-answer", again=True, seconds=round(_ANSWER_S)) from None
        except MQTTConnectError as error:
            kind = "credentials" if error._code in _NOT_AUTHORISED else "broken-off"
            raise Undelivered(kind, again=True) from None
        except MQTTError:
            raise Undelivered("broken-off", again=True) from None
        except ssl.SSLError as error:
            raise Undelivered("tls", again=True, reason=error.reason or "TLS") from None
        except OSError:
            raise Undelivered("unreachable", again=True) from None
        finally:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_ANSWER_S):
                    await client.disconnect()

    async def _connect(self, client: Any) -> None:
        if self._channel.user is not None:
            client.set_auth_credentials(self._channel.user, self._password)
        encryption = ssl.create_default_context() if self._encrypted else False
        await client.connect(self._host, self._port, ssl=encryption, keepalive=30, version=MQTTv50)

    def _messages(self, notice: Notice) -> list[Any]:
        language = self._channel.language
        step = cloud_event.structured(notice, language)
        messages = [Message(f"{self._topic}/steps", step, qos=1, user_property=MARK)]
        if notice.standing is not None:
            current = msgspec.json.encode({"time": iso(notice.at_us), "warnings": notice.standing[language]})
            messages.append(Message(f"{self._topic}/current", current, qos=1, retain=True, user_property=MARK))
        return messages
