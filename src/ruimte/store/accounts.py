"""Accounts of the people who use a node, and the sessions of who is signed in. Of passwords and tokens only hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self

import msgspec

from ruimte.clock import DAY_US, HOUR_US, MINUTE_US
from ruimte.errors import RuimteError
from ruimte.model.role import Actor, Role
from ruimte.store.beside import open_beside, unusable
from ruimte.store.passwords import DUMMY, hashed, is_hash_of

Way = Literal["password", "link", "provider", "demo"]

IDLE_US = 12 * HOUR_US
"""A session that nobody used for so long has ended: a shift. An open page uses it."""
LASTS_US: dict[Way, int] = {"password": 7 * DAY_US, "link": 7 * DAY_US, "provider": 12 * HOUR_US, "demo": 7 * DAY_US}
"""How long a session lasts at most. One of a provider is short: only at sign-in it tells whether the role still holds."""

_ONCE_US = DAY_US
_SEEN_US = MINUTE_US
"""No use is written down more often than this."""

_VERSION = 1
_SCHEMA = """
CREATE TABLE accounts (
  name     TEXT PRIMARY KEY COLLATE NOCASE,
  role     TEXT NOT NULL,
  password TEXT,
  made_us  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE links (
  hash    BLOB PRIMARY KEY,  -- SHA-256 of the token
  account TEXT NOT NULL,
  ends_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE sessions (
  hash     BLOB PRIMARY KEY, -- SHA-256 of the token
  id       TEXT NOT NULL UNIQUE,
  holder   TEXT NOT NULL,    -- 'account NAME', or 'provider SUBJECT'
  name     TEXT NOT NULL,
  role     TEXT NOT NULL,
  way      TEXT NOT NULL,
  began_us INTEGER NOT NULL,
  seen_us  INTEGER NOT NULL,
  ends_us  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_holder ON sessions (holder)"""


class Account(msgspec.Struct, frozen=True):
    """One account of this node."""

    name: str
    role: Role
    has_password: bool
    made_us: int


class Session(msgspec.Struct, frozen=True):
    """One session of a person; ``this``: the one that asks."""

    id: str
    way: Way
    began_us: int
    seen_us: int
    ends_us: int
    this: bool


class StoredAccounts:
    """The accounts in the file at ``path``; ``now_us`` tells the wall's time.

    ``auto``: every visitor from this machine gets a session at once (demo). Raises ``RuimteError`` where the file cannot be used.
    """

    def __init__(self, path: Path, now_us: Callable[[], int], *, auto: bool = False) -> None:
        self.path = path
        self.auto = auto
        self._now_us = now_us
        self._lock = threading.Lock()
        self._connection = open_beside(path, _SCHEMA, _VERSION, "accounts")
        self._do("DELETE FROM links WHERE ends_us <= ?", now_us())
        self._do("DELETE FROM sessions WHERE ends_us <= ? OR seen_us <= ?", now_us(), now_us() - IDLE_US)

    # --- accounts ---------------------------------------------------------------------------------------------------

    @property
    def has_password(self) -> bool:
        """Whether any account has a password: from then on, looking needs a session too."""
        return bool(self._ask("SELECT EXISTS (SELECT 1 FROM accounts WHERE password IS NOT NULL)")[0][0])

    def all(self) -> list[Account]:
        """Every account, by name."""
        rows = self._ask("SELECT name, role, password IS NOT NULL, made_us FROM accounts ORDER BY name")
        return [Account(name, role, bool(has), made) for name, role, has, made in rows]

    def add(self, name: str, role: Role) -> None:
        """Make an account, without a password yet. Raises ``RuimteError`` where the name is taken."""
        if self._do("INSERT OR IGNORE INTO accounts VALUES (?, ?, NULL, ?)", name, role, self._now_us()) == 0:
            raise RuimteError(f"there is an account {name!r} already", str(self.path), "choose another name, or change its role")

    def set_role(self, name: str, role: Role) -> None:
        """Give an account another role; its sessions end. Raises ``RuimteError`` where there is none of that name."""
        changed = self._do_all(("UPDATE accounts SET role = ? WHERE name = ?", role, name), _end_all(name))
        if changed == 0:
            raise self._no_account(name)

    def remove(self, name: str) -> None:
        """Take an account away, with its sessions and links. Raises ``RuimteError`` where there is none of that name."""
        if self._do_all(("DELETE FROM accounts WHERE name = ?", name), _end_links(name), _end_all(name)) == 0:
            raise self._no_account(name)

    def one_time_token(self, name: str) -> str:
        """A token that signs an account in once, within a day. Raises ``RuimteError`` where there is none of that name."""
        if self._account(name) is None:
            raise self._no_account(name)
        token = secrets.token_urlsafe(32)
        self._do("INSERT INTO links VALUES (?, ?, ?)", _hash(token), name, self._now_us() + _ONCE_US)
        return token

    # --- signing in -------------------------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str) -> str | None:
        """A new session, or None where name and password do not belong together. Takes as long where the name is unknown."""
        account = self._account(name)
        if not is_hash_of((account and account[2]) or DUMMY, password) or account is None:
            return None
        return self._begin(_local(account[0]), Actor(account[0], account[1]), "password")

    def redeem(self, one_time_token: str) -> str | None:
        """A new session for a one-time token, which works once."""
        spent = self._ask(
            "DELETE FROM links WHERE hash = ? AND ends_us > ? RETURNING account", _hash(one_time_token), self._now_us()
        )
        account = self._account(spent[0][0]) if spent else None
        return None if account is None else self._begin(_local(account[0]), Actor(account[0], account[1]), "link")

    def welcome(self) -> str:
        """A new session without being asked for anything (``auto``)."""
        return self._begin("demo", Actor("operator", "operator"), "demo")

    def begin(self, subject: str, actor: Actor) -> str:
        """A new session for somebody whom the OpenID provider knows as ``subject``."""
        return self._begin(f"provider {subject}", actor, "provider")

    # --- sessions ---------------------------------------------------------------------------------------------------

    def actor(self, token: str) -> Actor | None:
        """Who holds a session; None where there is none, it was not used for long, or has lasted too long."""
        now = self._now_us()
        rows = self._ask("SELECT name, role, seen_us, ends_us FROM sessions WHERE hash = ?", _hash(token))
        if not rows or now >= rows[0][3] or now >= rows[0][2] + IDLE_US:
            return None
        name, role, seen_us, _ = rows[0]
        if now >= seen_us + _SEEN_US:
            self._do("UPDATE sessions SET seen_us = ? WHERE hash = ?", now, _hash(token))
        return Actor(name, role)

    def sessions(self, token: str) -> list[Session]:
        """The sessions of whoever holds this one, the newest first."""
        now = self._now_us()
        rows = self._ask(
            "SELECT id, way, began_us, seen_us, ends_us, hash = ?1 FROM sessions WHERE ends_us > ?2 AND seen_us > ?3"
            " AND holder = (SELECT holder FROM sessions WHERE hash = ?1) ORDER BY began_us DESC, id",
            _hash(token),
            now,
            now - IDLE_US,
        )
        return [Session(id_, way, began, seen, ends, bool(this)) for id_, way, began, seen, ends, this in rows]

    def end(self, token: str, id_: str) -> None:
        """End one of the sessions of whoever holds this one; others' stay."""
        self._do("DELETE FROM sessions WHERE id = ? AND holder = (SELECT holder FROM sessions WHERE hash = ?)", id_, _hash(token))

    def sign_out(self, token: str) -> None:
        """End a session."""
        self._do("DELETE FROM sessions WHERE hash = ?", _hash(token))

    def account(self, token: str) -> Account | None:
        """The account of whoever holds a session; None where that is none of this node's."""
        rows = self._ask("SELECT holder, name FROM sessions WHERE hash = ?", _hash(token))
        mine = [each for each in self.all() if rows and rows[0][0] == _local(each.name)]
        return mine[0] if mine else None

    def knows_password(self, token: str, password: str) -> bool | None:
        """Whether this is the password of whoever holds a session; None where the account has none yet."""
        held = self.account(token)
        account = self._account(held.name) if held else None
        return None if account is None or account[2] is None else is_hash_of(account[2], password)

    def set_password(self, token: str, password: str) -> str:
        """Set the password of whoever holds a session, whose sessions and links all end. A new session, in place of this one."""
        account = self.account(token)
        if account is None:
            raise RuimteError("there is no account here to give a password", str(self.path), "sign in to one first")
        name, role = account.name, account.role
        change = ("UPDATE accounts SET password = ? WHERE name = ?", hashed(password), name)
        self._do_all(change, _end_links(name), _end_all(name))
        return self._begin(_local(name), Actor(name, role), "password")

    # --- the file ---------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, holder: str, actor: Actor, way: Way) -> str:
        token, now = secrets.token_urlsafe(32), self._now_us()
        row = (_hash(token), secrets.token_urlsafe(9), holder, actor.name, actor.role, way, now, now, now + LASTS_US[way])
        self._do("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", *row)
        return token

    def _account(self, name: str) -> tuple[str, Role, str | None] | None:
        rows = self._ask("SELECT name, role, password FROM accounts WHERE name = ?", name)
        return rows[0] if rows else None

    def _no_account(self, name: str) -> RuimteError:
        return RuimteError(f"there is no account {name!r}", str(self.path), "see `ruimte account list`")

    def _do(self, statement: str, *values: object) -> int:
        return self._do_all((statement, *values))

    def _do_all(self, *steps: tuple[object, ...]) -> int:
        """Take steps (a statement and its values) all or none. Tells how many rows the first changed."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                changed = [self._connection.execute(str(statement), values).rowcount for statement, *values in steps]
                self._connection.execute("COMMIT")
            except sqlite3.DatabaseError as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise unusable(self.path, error, "accounts") from None
        return changed[0]

    def _ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise unusable(self.path, error, "accounts") from None


def _end_all(name: str) -> tuple[str, str]:
    return "DELETE FROM sessions WHERE holder = ?", _local(name)


def _end_links(name: str) -> tuple[str, str]:
    return "DELETE FROM links WHERE account = ? COLLATE NOCASE", name


def _local(name: str) -> str:
    return f"account {name.casefold()}"


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()
