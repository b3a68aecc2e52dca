"""What a node tells its pages at start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WebSettings:
    """``hosts``: the names, besides those of this machine itself, under which browsers may ask for the node.

    ``base_url``: where the node is found from outside, where requests do not say that. ``mqtt_endpoints``: addresses of the
    broker, as clients are told.
    """

    hosts: tuple[str, ...] = ()
    base_url: str = ""
    mqtt_endpoints: tuple[str, ...] = ()
