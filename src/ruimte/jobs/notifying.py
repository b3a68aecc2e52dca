"""What the operator of a node sees of its channels, and a trial of one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ruimte.clock import SystemClock, iso
from ruimte.errors import RuimteError
from ruimte.jobs.notices import trial
from ruimte.jobs.words import Words
from ruimte.lab.lab import Lab
from ruimte.notify.channels import Channel, PushChannel, read_channels
from ruimte.notify.keys import NodeKeys
from ruimte.notify.senders import sender
from ruimte.notify.trouble import Undelivered
from ruimte.settings import NODE_FILE, read_node_file
from ruimte.store import outbox
from ruimte.store.outbox import ChannelState
from ruimte.store.sqlite import Reader


def channels_of(data: Path) -> list[Channel]:
    """The channels that ``node.toml`` in the data folder lists. Raises ``RuimteError`` where it is wrong."""
    return read_channels(read_node_file(data).channel, str(data / NODE_FILE))


def source_of(lab: Lab, base_url: str) -> str:
    """What a node calls itself to the outside: its address, else a URN."""
    return base_url or f"urn:ruimte:{lab.key}"


def channel_states(channels: Sequence[Channel], database: Path, lab: str) -> list[ChannelState]:
    """How the channels do, in the order of the file; nothing is known yet where the node has not run."""
    known: dict[str, ChannelState] = {}
    if database.exists():
        with Reader(database, lab) as store:
            known = store.read(outbox.states)
    return [known.get(channel.key, ChannelState(key=channel.key)) for channel in channels]


def as_rows(channels: Sequence[Channel], states: Sequence[ChannelState]) -> list[dict[str, Any]]:
    """The channels with their state, as plain types; times in ISO 8601."""
    rows = []
    for channel, state in zip(channels, states, strict=True):
        row = {"key": channel.key, "kind": channel.kind, "where": channel.where, "priority": channel.priority}
        told = msgspec.to_builtins(state)
        for name in ("failing_since", "last_sent"):
            us = told.pop(f"{name}_us")
            told[name] = None if us is None else iso(us)
        rows.append(row | told)
    return rows


def lines(lab: Lab, channels: Sequence[Channel], states: Sequence[ChannelState]) -> list[str]:
    """A line for each channel."""
    if not channels:
        return [f"no channels: list them in {NODE_FILE}"]
    words = Words(lab, "en")
    told = []
    for channel, state in zip(channels, states, strict=True):
        counts = f"{state.waiting} waiting, {state.sent} sent, {state.given_up} given up"
        line = f"{channel.key}: {channel.kind} to {channel.where}, priority 1–{channel.priority}; {counts}"
        if state.failing_since_us is not None and state.trouble is not None:
            line += f"; fails since {iso(state.failing_since_us)}: {_why(words, state.trouble)}"
        told.append(line)
    return told


def try_channel(
    lab: Lab, channels: Sequence[Channel], key: str, keys: NodeKeys, environment: Mapping[str, str], base_url: str
) -> str:
    """Send a message of trial over one channel. Gives what came back in words.

    Raises ``RuimteError`` where there is no such channel, or the message was not taken.
    """
    channel = next((each for each in channels if each.key == key), None)
    if channel is None:
        known = ", ".join(each.key for each in channels) or "none"
        raise RuimteError("there is no such channel", f"--test {key}", f"known: {known}")
    if isinstance(channel, PushChannel):
        raise RuimteError("browsers cannot be tried from here", f"--test {key}", "press the button on the page")
    message = trial(lab, key, SystemClock().now_us(), source=source_of(lab, base_url))
    try:
        asyncio.run(sender(channel, lab.key, keys, environment, lambda _: None).send(message, ""))
    except Undelivered as trouble:
        why = _why(Words(lab, "en"), {"why": f"trouble.{trouble.kind}", **trouble.figures})
        raise RuimteError(f"not taken: {why.rstrip('.')}", f"{key} ({channel.where})", "mend it, then try again") from None
    return f"{key}: taken by {channel.where}"


def _why(words: Words, trouble: Mapping[str, Any]) -> str:
    return words.sentence_or(str(trouble.get("why")), "trouble.broken-off", dict(trouble))
