"""A sender for each channel."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping

from ruimte.errors import RuimteError
from ruimte.notify.channels import Channel, EmailChannel, MqttChannel, PushChannel, WebhookChannel
from ruimte.notify.keys import NodeKeys
from ruimte.notify.mail import Mail
from ruimte.notify.notice import Sender
from ruimte.notify.push import Push
from ruimte.notify.webhook import Webhook
from ruimte.store.subscriptions import Subscription


def sender(
    channel: Channel,
    lab: str,
    keys: NodeKeys,
    environment: Mapping[str, str],
    find: Callable[[str], Subscription | None],
) -> Sender:
    """What sends over a channel. ``find`` gives the browser with an id.

    Raises ``RuimteError`` where a secret, a file or a package is missing.
    """
    match channel:
        case WebhookChannel():
            return Webhook(channel, keys, environment)
        case EmailChannel():
            return Mail(channel, environment)
        case PushChannel():
            return Push(channel, keys, find)
        case MqttChannel():
            if importlib.util.find_spec("gmqtt") is None:
                raise RuimteError("needs the package gmqtt", f"channel {channel.key!r}", "install it: pip install 'ruimte[mqtt]'")
            from ruimte.notify.mqtt import Mqtt  # an extra

            return Mqtt(channel, lab, environment)
