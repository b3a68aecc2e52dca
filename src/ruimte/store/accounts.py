"""The local account, its password and its sessions. Of passwords and tokens only hashes are kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Callable

from ruimte.model.role import Actor
from ruimte.store.sqlite import Store

_SCRYPT = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024}
_SESSION_US = 30 * 24 * 3600 * 1_000_000
_ONCE_US = 24 * 3600 * 1_000_000


class StoredAccounts:
    """One account. ``now_us`` tells the wall's time; ``auto``: every visitor from this machine gets a session at once (demo)."""

    def __init__(self, store: Store, now_us: Callable[[], int], *, name: str = "operator", auto: bool = False) -> None:
        self._store = store
        self._name = name
        self._now_us = now_us
        self.auto = auto

        def prepare(connection: sqlite3.Connection) -> bool:
            made = connection.execute("INSERT OR IGNORE INTO accounts (name) VALUES (?)", (name,)).rowcount == 1
            connection.execute("DELETE FROM tokens WHERE expires_us < ?", (now_us(),))
            return made

        self.is_new = store.write(prepare).result()

    @property
    def has_password(self) -> bool:
        """Whether a password is set."""
        return self._password() is not None

    def one_time_token(self) -> str:
        """A token that signs in once, within a day."""
        return self._issue("once", _ONCE_US)

    def welcome(self) -> str:
        """A new session without being asked for anything (``auto``)."""
        return self._issue("session", _SESSION_US)

    def actor(self, token: str) -> Actor | None:
        """Who holds a session; None where there is none."""
        row = self._store.read(
            lambda c: c.execute(
                "SELECT account FROM tokens WHERE hash = ? AND kind = 'session' AND expires_us > ?",
                (_hash(token), self._now_us()),
            ).fetchone()
        )
        return None if row is None else Actor(str(row[0]), "operator" if self.auto else "admin")

    def sign_in(self, password: str) -> str | None:
        """A new session, or None where the password is wrong or none is set."""
        stored = self._password()
        if stored is None:
            return None
        salt, digest = (bytes.fromhex(part) for part in stored.split(":"))
        if not hmac.compare_digest(hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT), digest):
            return None
        return self._issue("session", _SESSION_US)

    def redeem(self, one_time_token: str) -> str | None:
        """A new session for a one-time token, which works once."""
        spent = self._store.write(
            lambda c: (
                c.execute(
                    "DELETE FROM tokens WHERE hash = ? AND kind = 'once' AND expires_us > ?",
                    (_hash(one_time_token), self._now_us()),
                ).rowcount
            )
        ).result()
        return self._issue("session", _SESSION_US) if spent == 1 else None

    def sign_out(self, token: str) -> None:
        """End a session."""
        self._store.write(lambda c: c.execute("DELETE FROM tokens WHERE hash = ?", (_hash(token),))).result()

    def set_password(self, user: str, password: str) -> None:
        """Set or change the password."""
        salt = secrets.token_bytes(16)
        stored = f"{salt.hex()}:{hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT).hex()}"
        self._store.write(lambda c: c.execute("UPDATE accounts SET password = ? WHERE name = ?", (stored, user))).result()

    def _password(self) -> str | None:
        row = self._store.read(lambda c: c.execute("SELECT password FROM accounts WHERE name = ?", (self._name,)).fetchone())
        return None if row is None else row[0]

    def _issue(self, kind: str, lasts_us: int) -> str:
        token = secrets.token_urlsafe(32)
        row = (_hash(token), kind, self._name, self._now_us() + lasts_us)
        self._store.write(lambda c: c.execute("INSERT INTO tokens VALUES (?, ?, ?, ?)", row)).result()
        return token


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
