"""The channels of a node, as ``node.toml`` lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from ruimte.errors import RuimteError
from ruimte.text import duration_us

STEPS = (
    "opened",
    "raised",
    "escalated",
    "lowered",
    "updated",
    "acknowledged",
    "decided",
    "declined",
    "seen",
    "shelved",
    "unshelved",
    "closed",
)
QUIET = frozenset({"updated"})
"""Steps that only go out where a channel asks for them: new figures with every tick."""

_KEY = r"^[a-z0-9][a-z0-9-]{0,39}$"
_ENVIRONMENT = r"^[A-Z][A-Z0-9_]*$"


class _Common(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What all channels have.

    ``priority``: the lowest priority that goes out (1 is the highest, so 3 is everything). ``steps``: which steps; without it all
    but ``updated``. A receiver that was told of a warning is told how it goes on. ``give_up_after``: when a message that is not
    taken is given up.
    """

    key: Annotated[str, Meta(pattern=_KEY)]
    priority: Annotated[int, Meta(ge=1, le=3)] = 3
    steps: tuple[str, ...] | None = None
    language: Literal["en", "nl"] = "en"
    give_up_after: str = "6h"

    @property
    def kind(self) -> str:
        """Its kind as in the file."""
        return str(self.__struct_config__.tag)

    @property
    def where(self) -> str:
        """Where it goes to, as may be shown."""
        raise NotImplementedError

    def wants(self, step: str, priority: int, told: bool) -> bool:
        """Whether a step goes out here. ``told``: whether an earlier step of the warning did."""
        wished = step not in QUIET if self.steps is None else step in self.steps
        if step == "closed" and not told and (self.steps is None or "opened" in self.steps):
            return False  # the end of what was never told
        return wished and (told or priority <= self.priority)


class WebhookChannel(_Common, frozen=True, kw_only=True, tag="webhook"):
    """HTTP POST to ``address``. ``body``: a CloudEvent in JSON, or CAP 1.2. ``token_env``: variable of the environment that holds
    a bearer token. ``allow_private``: whether it may be in a private network, and without TLS. ``ca_file``: PEM of an authority
    of one's own."""

    address: str
    body: Literal["cloudevents", "cap"] = "cloudevents"
    token_env: Annotated[str, Meta(pattern=_ENVIRONMENT)] | None = None
    allow_private: bool = False
    ca_file: str | None = None

    @property
    def where(self) -> str:
        return self.address.partition("?")[0]  # what follows is often a secret


class EmailChannel(_Common, frozen=True, kw_only=True, tag="email"):
    """Mail by the server at ``address`` (``smtp://HOST:587`` with STARTTLS, ``smtps://HOST:465``). ``unencrypted``: whether a
    server that has no STARTTLS is used all the same."""

    address: str
    sender: Annotated[str, Meta(pattern=r"^[^@\s<>]+@[^@\s<>]+$")]
    to: Annotated[tuple[Annotated[str, Meta(pattern=r"^[^@\s<>,]+@[^@\s<>,]+$")], ...], Meta(min_length=1, max_length=100)]
    user: str | None = None
    password_env: Annotated[str, Meta(pattern=_ENVIRONMENT)] | None = None
    unencrypted: bool = False
    ca_file: str | None = None

    @property
    def where(self) -> str:
        return self.address


class MqttChannel(_Common, frozen=True, kw_only=True, tag="mqtt"):
    """Messages on a broker (``mqtt://HOST:PORT`` or ``mqtts://…``): each step on ``TOPIC/steps``, and all warnings that stand,
    retained, on ``TOPIC/current``. Without ``topic``: ``ruimte/LAB/warnings``."""

    address: str
    topic: Annotated[str, Meta(pattern=r"^[^#+\s$][^#+]*$", max_length=200)] | None = None
    user: str | None = None
    password_env: Annotated[str, Meta(pattern=_ENVIRONMENT)] | None = None

    @property
    def where(self) -> str:
        return self.address


class PushChannel(_Common, frozen=True, kw_only=True, tag="push"):
    """Web push to the browsers that asked for it on the page. ``contact``: ``mailto:`` or ``https:`` address at which the push
    services can reach the operator of the node. ``allow_private`` as with a webhook."""

    contact: Annotated[str, Meta(pattern=r"^(mailto:[^@\s]+@[^@\s]+|https://\S+)$")]
    allow_private: bool = False

    @property
    def where(self) -> str:
        return "browsers"


Channel = WebhookChannel | EmailChannel | MqttChannel | PushChannel

_SCHEMES: dict[type, tuple[str, ...]] = {
    WebhookChannel: ("https", "http"),
    EmailChannel: ("smtp", "smtps"),
    MqttChannel: ("mqtt", "mqtts"),
}


def read_channels(tables: Sequence[Mapping[str, Any]], file: str) -> list[Channel]:
    """The channels of ``file``. Raises ``RuimteError``, which names the channel and the field, where one is wrong.

    >>> read_channels([{"key": "wall", "kind": "webhook", "address": "https://wall.example.org/in"}], "node.toml")[0].where
    'https://wall.example.org/in'
    """
    channels: list[Channel] = []
    for number, table in enumerate(tables, 1):
        where = f"{file}, channel {table.get('key', number)!r}"
        try:
            channel: Channel = msgspec.convert(table, Channel)
            _check(channel)
        except (msgspec.ValidationError, ValueError) as error:
            raise RuimteError(str(error), where, "see docs/notify.md for what a channel may hold") from None
        if any(other.key == channel.key for other in channels):
            raise RuimteError("this key is used twice", where, "give each channel a key of its own")
        if isinstance(channel, PushChannel) and any(isinstance(other, PushChannel) for other in channels):
            raise RuimteError("there is a push channel already", where, "one serves all browsers")
        channels.append(channel)
    return channels


def _check(channel: Channel) -> None:
    """What types do not tell. Raises ``ValueError``."""
    unknown = sorted(set(channel.steps or ()) - set(STEPS))
    if unknown:
        raise ValueError(f"no such step: {', '.join(unknown)} (known: {', '.join(STEPS)})")
    try:
        duration_us(channel.give_up_after)
    except ValueError as error:
        raise ValueError(f"give_up_after: {error}, write it like 6h") from None
    if isinstance(channel, PushChannel):
        return
    schemes, parts = _SCHEMES[type(channel)], urlsplit(channel.address)
    host, _ = parts.hostname, parts.port  # a port that is none raises here
    if parts.scheme not in schemes or not host or re.search(r"\s", channel.address):
        raise ValueError(f"address: {channel.address!r} is none, write it like {schemes[0]}://HOST")
    if parts.username is not None or parts.password is not None:
        raise ValueError("address: user and password do not go into the file; name a variable of the environment")
    if not isinstance(channel, WebhookChannel) and (parts.path not in ("", "/") or parts.query):
        raise ValueError("address: nothing may follow the port")
    if isinstance(channel, WebhookChannel) and parts.scheme == "http" and not channel.allow_private:
        raise ValueError("address: without TLS only in a network of one's own: write https://, or allow_private = true")
    if isinstance(channel, EmailChannel | MqttChannel) and (channel.user is None) != (channel.password_env is None):
        raise ValueError("user and password_env: give both or neither")
