"""Browsers that asked for warnings, in SQLite. Nothing says whose they are."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import NamedTuple

from ruimte.clock import DAY_US

LASTS_US = 30 * DAY_US
"""How long a subscription lasts after its page was last opened by somebody who was signed in."""
MOST = 500
"""Subscriptions that a node keeps; more than that are no crowd managers."""


class Subscription(NamedTuple):
    """Where a browser's push service is, the browser's keys (base64url), and the language of its page."""

    endpoint: str
    p256dh: str
    auth: str
    language: str


def subscription_id(endpoint: str) -> str:
    """What the outbox knows a browser by."""
    return hashlib.sha256(endpoint.encode()).hexdigest()[:32]


def keep(connection: sqlite3.Connection, browser: Subscription, now_us: int) -> bool:
    """Keep a subscription, or renew it. Gives False where there are too many."""
    end(connection, now_us=now_us)
    id_ = subscription_id(browser.endpoint)
    others = connection.execute("SELECT count(*) FROM push_subscriptions WHERE id <> ?", (id_,)).fetchone()[0]
    if others >= MOST:
        return False
    connection.execute("INSERT OR REPLACE INTO push_subscriptions VALUES (?, ?, ?, ?, ?, ?)", (id_, *browser, now_us + LASTS_US))
    return True


def end(connection: sqlite3.Connection, id_: str | None = None, *, now_us: int) -> None:
    """End a subscription, and those whose time is over."""
    connection.execute("DELETE FROM push_subscriptions WHERE id = ? OR expires_us <= ?", (id_, now_us))


def ids(connection: sqlite3.Connection, now_us: int) -> list[str]:
    """All that stand."""
    return [row[0] for row in connection.execute("SELECT id FROM push_subscriptions WHERE expires_us > ? ORDER BY id", (now_us,))]


def find(connection: sqlite3.Connection, id_: str, now_us: int) -> Subscription | None:
    """The subscription with this id; None where it has ended."""
    row = connection.execute(
        "SELECT endpoint, p256dh, auth, language FROM push_subscriptions WHERE id = ? AND expires_us > ?", (id_, now_us)
    ).fetchone()
    return None if row is None else Subscription(*row)
