"""How often a caller may try: each limit is so many within a time, for each key."""

from __future__ import annotations

import ipaddress
import logging
import time
from collections import OrderedDict, deque

from starlette.requests import Request

from ruimte.web.problems import WebError
from ruimte.web.words import marked

_log = logging.getLogger("ruimte.security")
_CALLERS = 10_000


class Limit:
    """At most ``most`` tries of each key within ``within_s`` seconds."""

    def __init__(self, what: str, most: int, within_s: float = 60.0) -> None:
        """``what`` is said to one who tried too often."""
        self._what, self._most, self._within_s = what, most, within_s
        self._when: OrderedDict[str, deque[float]] = OrderedDict()

    def spend(self, key: str) -> None:
        """Note a try. Raises a 429 where there were too many."""
        self.require(key)
        self._when.setdefault(key, deque()).append(time.monotonic())
        self._when.move_to_end(key)
        while len(self._when) > _CALLERS:
            self._when.popitem(last=False)

    def require(self, key: str) -> None:
        """Raise a 429 where there were too many tries; notes none."""
        tries = self._when.get(key, deque())
        while tries and tries[0] <= time.monotonic() - self._within_s:
            tries.popleft()
        if len(tries) >= self._most:
            _log.warning("refused: %s", self._what)  # never the key: it may be a token
            raise WebError(429, self._what, "", marked("wait a minute, then try again"))


class Limits:
    """The limits of one node. A control room that is busy stays far below them."""

    def __init__(self) -> None:
        self.sign_in = Limit(marked("too many tries to sign in"), 5)
        self.provider = Limit(marked("too many tries to sign in"), 20)
        self.act = Limit(marked("too many changes at once"), 120)
        self.costly = Limit(marked("too many questions at once"), 1200)
        self.compare = Limit(marked("too many questions at once"), 60)


def address(request: Request) -> str:
    """Where a request comes from; of IPv6 the network, for a household has billions of addresses.

    Behind a proxy on this machine it is the one that the proxy tells.
    """
    host = request.client.host if request.client else ""
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network(f"{parsed}/64", strict=False)) if parsed.version == 6 else host
