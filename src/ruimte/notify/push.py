"""Web push as a channel: each browser that asked for it is a receiver of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from ruimte.clock import SystemClock
from ruimte.notify import web_push
from ruimte.notify.channels import PushChannel
from ruimte.notify.keys import NodeKeys
from ruimte.notify.notice import Notice
from ruimte.notify.post import Poster
from ruimte.notify.trouble import Undelivered
from ruimte.store.subscriptions import Subscription

_TTL_S = 3600
"""How long a push service keeps a message for a browser that is off: an older warning is no help."""
_LONGEST_TEXT = 900
_GONE = (404, 410)


class Push:
    """Sends to one browser at a time. ``find`` gives the subscription with an id; None where it has been ended."""

    def __init__(self, channel: PushChannel, keys: NodeKeys, find: Callable[[str], Subscription | None]) -> None:
        self._channel = channel
        self._key = keys.push_key
        self._find = find
        self._poster = Poster(allow_private=channel.allow_private)

    async def send(self, notice: Notice, target: str) -> None:
        """Send to the browser whose subscription has the id ``target``. Raises ``Undelivered``; "gone" where it has ended."""
        browser = self._find(target)
        if browser is None:
            raise Undelivered("gone", again=False)
        now_s = SystemClock().now_us() // 1_000_000
        headers = {
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(_TTL_S),
            "urgency": "high",
            "topic": topic(notice.lab, notice.warning),
            "authorization": web_push.introduction(browser.endpoint, self._channel.contact, self._key, now_s),
        }
        body = web_push.encrypt(_text(notice, browser.language), browser.p256dh, browser.auth)
        try:
            await self._poster.post(browser.endpoint, body, headers)
        except Undelivered as error:
            if error.figures.get("status") in _GONE:
                raise Undelivered("gone", again=False) from None
            raise


def topic(lab: str, warning: int) -> str:
    """By which a newer step replaces an older one that the push service still holds (RFC 8030, 5.4)."""
    return web_push.encode(hashlib.sha256(f"{lab}.{warning}".encode()).digest()[:16])


def _text(notice: Notice, language: str) -> bytes:
    text = notice.texts[language if language in notice.texts else "en"]
    body = " ".join(part for part in (text.description, text.instruction) if part)
    told = {
        "id": notice.id,
        "tag": f"{notice.lab}.{notice.warning}",
        "title": text.headline[:200],
        "body": body[:_LONGEST_TEXT],
        "closed": notice.step == "closed",
    }
    return msgspec.json.encode(told)
