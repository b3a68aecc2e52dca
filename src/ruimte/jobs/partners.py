"""What the page shows of partners: the contract between those who follow them and the web."""

from __future__ import annotations

from typing import Any, Protocol

from ruimte.jobs.contributions import Contributions
from ruimte.jobs.foreign_views import PartnerView
from ruimte.jobs.room import ContributionView
from ruimte.jobs.subscribing import Subscriber


class Partners(Protocol):
    """What partners share, and what they tell about this lab. Cheap to read, from any thread."""

    def links(self, language: str) -> list[PartnerView]:
        """Every partner that is followed, and what it shares."""
        ...

    def told(self, language: str) -> list[ContributionView]:
        """What partners tell about this lab, now or for later."""
        ...

    def places(self) -> dict[str, Any]:
        """The places of partners that gave a geometry, as GeoJSON."""
        ...


class LivePartners:
    """The partners of a running node."""

    def __init__(self, subscriber: Subscriber, contributions: Contributions) -> None:
        self._subscriber = subscriber
        self._contributions = contributions

    def links(self, language: str) -> list[PartnerView]:
        return self._subscriber.views(language)

    def told(self, language: str) -> list[ContributionView]:
        return self._contributions.views(language)

    def places(self) -> dict[str, Any]:
        return self._subscriber.places()
