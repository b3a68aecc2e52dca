"""What every part of the API works with, and who asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

from ruimte.jobs.desk import Desk
from ruimte.jobs.webhooks import Webhooks
from ruimte.lab.lab import Lab
from ruimte.share.places import PlaceInfo
from ruimte.web.limits import Limit
from ruimte.web.settings import WebSettings
from ruimte.web.share.streams import Streams
from ruimte.web.sta.body import Bodies

LARGEST_BODY = 65_536


class Who(Protocol):
    """A party that proved who it is, with the key of which thumbprint, and the purpose that its token is for."""

    @property
    def party(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def key_id(self) -> str: ...


Identify = Callable[[Request], Awaitable[Who]]
"""Who asks; raises a ``RuimteError`` with the status 401 where that is nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The parts that handlers use. ``now_us``: the wall's clock."""

    lab: Lab
    places: Mapping[str, PlaceInfo]
    desk: Desk
    identify: Identify
    webhooks: Webhooks
    settings: WebSettings
    now_us: Callable[[], int]
    streams: Streams
    bodies: Bodies
    reads: Limit
    writes: Limit


def house(request: Request) -> House:
    """The parts, for a request."""
    found: House = request.app.state.house
    return found


async def caller(request: Request) -> Who:
    """Who asks, once it is sure, and not too often. Raises a ``RuimteError`` with the status 401 or 429."""
    here = house(request)
    who = await here.identify(request)
    (here.reads if request.method in ("GET", "HEAD") else here.writes).spend(who.party)
    return who
