"""What others have subscribed to, as far as the broker tells.

MQTT does not say who listens. Mosquitto does, when its log goes to topics (``log_dest topic``): every SUBSCRIBE is a line there,
and so is a client that comes or goes.
"""

from __future__ import annotations

import re

from ruimte.intake.mqtt.topics import Asked, asked

LOG_FILTERS = ("$SYS/broker/log/N", "$SYS/broker/log/M/subscribe", "$SYS/broker/log/M/unsubscribe")
"""The topics of Mosquitto's log that are of use: notices, subscriptions and their ends."""

MOST = 1000
"""Filters that are remembered, and clients of each; more are not looked at, so that no client can fill the node with them."""

MOST_CLEAN = 100_000
"""Connected clients with a clean session that are remembered."""

_SUBSCRIBED = re.compile(r"\d+: (.*) [012] (.+)")
_UNSUBSCRIBED = re.compile(r"\d+: (.+)")
_CAME = re.compile(r"\d+: New client connected from \S+ as (.*) \(p\d+, c([01]), k\d+.*\)\.")
_WENT = re.compile(r"\d+: Client (.*?) (?:disconnected|closed its connection|has exceeded timeout)")


class Subscribers:
    """The filters beyond the plain topics that somebody asked for, and who.

    A client that came with a clean session takes its filters with it when it goes. One with a lasting session keeps them until it
    unsubscribes, for the broker goes on to collect messages for it.
    """

    def __init__(self, remembered: dict[str, list[str]] | None = None) -> None:
        self._clients: dict[str, set[str]] = {}
        self._asked: dict[str, Asked] = {}
        self._clean: set[str] = set()
        self.changed = False
        for topic, clients in (remembered or {}).items():
            for client in clients:
                self._add(client, topic)

    @property
    def asked(self) -> list[Asked]:
        """What is asked for now."""
        return list(self._asked.values())

    def remembered(self) -> dict[str, list[str]]:
        """The filters and their clients, to be given to the next start."""
        return {topic: sorted(clients) for topic, clients in self._clients.items()}

    def hear(self, topic: str, line: str) -> None:
        """Take in a line of the log; lines that say nothing of use are passed over."""
        if topic == "$SYS/broker/log/M/subscribe":
            if found := _SUBSCRIBED.fullmatch(line):
                self._add(*found.groups())
        elif topic == "$SYS/broker/log/M/unsubscribe":
            if found := _UNSUBSCRIBED.fullmatch(line):
                self._unsubscribe(found[1])
        elif found := _CAME.fullmatch(line):
            client, clean = found.groups()
            if clean == "1":
                self._forget(client)
                if len(self._clean) < MOST_CLEAN:
                    self._clean.add(client)
            else:
                self._clean.discard(client)
        elif (found := _WENT.match(line)) and found[1] in self._clean:
            self._forget(found[1])

    def _add(self, client: str, topic: str) -> None:
        if topic in self._clients:
            if len(self._clients[topic]) < MOST:
                self._clients[topic].add(client)
        elif len(self._clients) < MOST and (wanted := asked(topic)) is not None:
            self._clients[topic], self._asked[topic] = {client}, wanted
            self.changed = True

    def _unsubscribe(self, client_and_topic: str) -> None:
        """Both may hold spaces: only pairs that are known count."""
        for topic, clients in list(self._clients.items()):
            if client_and_topic.endswith(f" {topic}"):
                self._drop(topic, clients, client_and_topic.removesuffix(f" {topic}"))

    def _forget(self, client: str) -> None:
        self._clean.discard(client)
        for topic, clients in list(self._clients.items()):
            self._drop(topic, clients, client)

    def _drop(self, topic: str, clients: set[str], client: str) -> None:
        clients.discard(client)
        if not clients:
            del self._clients[topic], self._asked[topic]
            self.changed = True
