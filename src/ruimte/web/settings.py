"""What a node tells its pages at start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WebSettings:
    """``hosts``: the names, besides those of this machine itself, under which browsers may ask for the node."""

    hosts: tuple[str, ...] = ()
