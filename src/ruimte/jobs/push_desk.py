"""Where browsers ask for warnings, and ask not to be warned any more."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from ruimte.errors import RuimteError
from ruimte.notify import web_push
from ruimte.notify.keys import NodeKeys
from ruimte.store import subscriptions
from ruimte.store.sqlite import Store
from ruimte.store.subscriptions import Subscription

_LONGEST = 1024


class PushDesk:
    """Keeps the subscriptions of one node. ``key``: the public key by which push services know it, in base64url."""

    def __init__(self, store: Store, keys: NodeKeys, now_us: Callable[[], int], *, plain: bool = False) -> None:
        """``plain``: whether a push service without TLS is taken, for one in a network of one's own."""
        self.key = web_push.encode(web_push.public_bytes(keys.push_key))
        self._store = store
        self._now_us = now_us
        self._schemes = ("https", "http") if plain else ("https",)

    def subscribe(self, browser: Subscription) -> None:
        """Keep a browser, or renew it; durable when it returns. Raises ``RuimteError`` where it is none, or one too many."""
        try:
            parts = urlsplit(browser.endpoint)
            good = parts.scheme in self._schemes and parts.hostname and len(browser.endpoint) <= _LONGEST
            web_push.check(browser.p256dh, browser.auth)
        except ValueError:
            good = None
        if not good:
            raise RuimteError("is no subscription of a browser", "subscription", "ask the browser for one again")
        if not self._store.write(lambda c: subscriptions.keep(c, browser, self._now_us())).result():
            raise RuimteError("too many browsers are warned already", "subscription", "let others leave first")

    def unsubscribe(self, endpoint: str) -> None:
        """End a browser's subscription, if there is one."""
        id_ = subscriptions.subscription_id(endpoint)
        self._store.write(lambda c: subscriptions.end(c, id_, now_us=self._now_us())).result()
