"""Topics as SensorThings 1.1 uses them (OGC 18-088, clause 14): version, then the address of a set, an entity or a property."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

PREFIX = "v1.1/"
"""What every topic of the service begins with."""

LONGEST_FILTER = 1000
"""Characters of the longest topic filter that is looked at."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a subscriber asks for: the filter as the broker knows it, the address in it, and its ``$select``."""

    topic: str
    path: str
    query: str


def asked(topic_filter: str) -> Asked | None:
    """What an exact topic filter of the service asks for; None for wildcards, other topics and query options besides ``$select``.

    >>> asked("v1.1/Datastreams(1)/Observations?$select=result")
    Asked(topic='v1.1/Datastreams(1)/Observations?$select=result', path='Datastreams(1)/Observations', query='$select=result')
    >>> asked("v1.1/+/Observations")
    """
    if not topic_filter.startswith(PREFIX) or len(topic_filter) > LONGEST_FILTER or "+" in topic_filter or "#" in topic_filter:
        return None
    path, _, query = topic_filter.removeprefix(PREFIX).partition("?")
    name, _, properties = unquote(query).partition("=")
    if query and (name.strip() != "$select" or not properties or "&" in query):
        return None
    return Asked(topic_filter, path, query) if path else None


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic filter, with ``+`` for one level and ``#`` for all below, matches a topic (MQTT 5.0, 4.7).

    >>> matches("v1.1/+/Observations", "v1.1/Datastreams(1)/Observations"), matches("v1.1/+", "v1.1/a/b")
    (True, False)
    """
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for index, level in enumerate(wanted):
        if level in ("#", "+") and index == 0 and topic.startswith("$"):
            return False
        if level == "#":
            return True
        if index >= len(levels) or level not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)
