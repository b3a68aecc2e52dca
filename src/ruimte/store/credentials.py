"""Credentials of devices and readers: random tokens and client certificates, of which only hashes are kept.

They live in a small file of their own beside the lab's database, so that a command can give and take them while the node runs.
Both open the file; SQLite's locks keep them apart. A new token opens at once, and the node notices within a second what was
withdrawn.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self

import msgspec

from ruimte.errors import RuimteError
from ruimte.store.beside import open_beside, unusable

Kind = Literal["device", "reader"]
_Proof = tuple[Literal["token", "certificate"], bytes]
"""What opens, and its SHA-256: kept apart, for everybody may read a certificate, and none may send one as a token."""

_LOOK_AGAIN_S = 1.0
_VERSION = 1
_SCHEMA = """
CREATE TABLE credentials (
  name        TEXT PRIMARY KEY,
  kind        TEXT NOT NULL,
  hash        BLOB UNIQUE,  -- SHA-256 of the token
  mqtt        TEXT,         -- the token as Mosquitto's password file has it
  certificate BLOB UNIQUE,  -- SHA-256 of the client certificate (DER)
  issued_us   INTEGER NOT NULL,
  expires_us  INTEGER,
  revoked_us  INTEGER
) WITHOUT ROWID
"""
_PUT = """
INSERT INTO credentials (name, kind, hash, mqtt, certificate, issued_us, expires_us) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, mqtt = excluded.mqtt, certificate = excluded.certificate,
    issued_us = excluded.issued_us, expires_us = excluded.expires_us, revoked_us = NULL
  WHERE kind = excluded.kind
"""
_WITHDRAW = (
    "UPDATE credentials SET hash = NULL, mqtt = NULL, certificate = NULL, revoked_us = ? WHERE name = ? AND revoked_us IS NULL"
)

_ALL = "SELECT name, kind, mqtt, certificate IS NOT NULL, issued_us, expires_us, revoked_us FROM credentials ORDER BY name"


class Credential(msgspec.Struct, frozen=True):
    """What is known of one credential. ``mqtt``: the token as Mosquitto keeps it; None for a certificate or a revoked one."""

    name: str
    kind: Kind
    mqtt: str | None
    by_certificate: bool
    issued_us: int
    expires_us: int | None
    revoked_us: int | None

    def state(self, now_us: int) -> Literal["valid", "expired", "revoked"]:
        """Whether it opens anything at ``now_us``."""
        if self.revoked_us is not None:
            return "revoked"
        return "expired" if self.expires_us is not None and self.expires_us <= now_us else "valid"


class Credentials:
    """The credentials of one lab, in the file at ``path``; ``now_us`` tells the wall's time.

    A name has one credential: a new one takes the place of the old. Names of devices and readers are one set, for MQTT knows
    users only. A check is a hash and a look into a dictionary; the file is asked at most once a second whether it changed.
    """

    def __init__(self, path: Path, now_us: Callable[[], int]) -> None:
        self.path = path
        self._now_us = now_us
        self._lock = threading.Lock()
        self._connection = open_beside(path, _SCHEMA, _VERSION, "credentials")
        self._version = -1
        self._look_at = 0.0
        self._known: dict[_Proof, tuple[Kind, str, int | None]] = {}
        self._refresh()

    def device(self, token: str) -> str | None:
        """The key of the device that this token belongs to; None where it belongs to none, has expired or was revoked."""
        return self._find("device", _of_token(token))

    def reader(self, token: str) -> str | None:
        """The name of the reader that this token belongs to; None likewise."""
        return self._find("reader", _of_token(token))

    def device_by_certificate(self, fingerprint: bytes) -> str | None:
        """The key of the device that a client certificate with this SHA-256 fingerprint belongs to; None likewise."""
        return self._find("device", ("certificate", fingerprint))

    def issue(self, kind: Kind, name: str, expires_us: int | None = None) -> str:
        """A new token (256 random bits) for a device or reader, in place of what it had. It is told once: only a hash is kept."""
        token = f"{kind}-{secrets.token_urlsafe(32)}"
        self._put(kind, name, hashlib.sha256(token.encode()).digest(), mosquitto_hash(token), None, expires_us)
        return token

    def issue_certificate(self, name: str, fingerprint: bytes, expires_us: int | None) -> None:
        """Let a device in by the SHA-256 fingerprint of its client certificate, in place of what it had."""
        self._put("device", name, None, None, fingerprint, expires_us)

    def revoke(self, name: str) -> bool:
        """Withdraw a credential at once; False where there is none to withdraw."""
        with self._lock:
            withdrawn = self._write(_WITHDRAW, (self._now_us(), name)) == 1
            self._load()
        return withdrawn

    def all(self) -> list[Credential]:
        """Every credential, also those that expired or were revoked, by name."""
        with self._lock:
            rows = self._read(_ALL)
        return [Credential(name, kind, mqtt, bool(by), *times) for name, kind, mqtt, by, *times in rows]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find(self, kind: Kind, proof: _Proof) -> str | None:
        if proof not in self._known or time.monotonic() >= self._look_at:
            self._refresh()  # a token that is not known may have been given this moment
        found = self._known.get(proof)
        if found is None or found[0] != kind:
            return None
        expires_us = found[2]
        return found[1] if expires_us is None or self._now_us() < expires_us else None

    def _refresh(self) -> None:
        """Read the file again where another process changed it (``PRAGMA data_version``)."""
        with self._lock:
            version = self._read("PRAGMA data_version")[0][0]
            if version != self._version:
                self._load()
                self._version = version
            self._look_at = time.monotonic() + _LOOK_AGAIN_S

    def _load(self) -> None:
        rows = self._read("SELECT hash, certificate, kind, name, expires_us FROM credentials WHERE revoked_us IS NULL")
        self._known = {
            ("certificate", certificate) if token is None else ("token", token): (kind, name, expires_us)
            for token, certificate, kind, name, expires_us in rows
        }

    def _put(
        self, kind: Kind, name: str, digest: bytes | None, mqtt: str | None, certificate: bytes | None, expires_us: int | None
    ) -> None:
        with self._lock:
            try:
                written = self._write(_PUT, (name, kind, digest, mqtt, certificate, self._now_us(), expires_us))
            except sqlite3.IntegrityError:
                raise RuimteError(
                    "the certificate is another device's", name, "give each device a certificate of its own"
                ) from None
            if written == 0:
                other = "reader" if kind == "device" else "device"
                raise RuimteError(f"{name!r} is the name of a {other} already", str(self.path), f"give the {kind} another name")
            self._load()

    def _write(self, statement: str, values: tuple[object, ...]) -> int:
        try:
            return self._connection.execute(statement, values).rowcount
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise _unusable(self.path, error) from None

    def _read(self, query: str) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query).fetchall()
        except sqlite3.DatabaseError as error:
            raise _unusable(self.path, error) from None


def _of_token(token: str) -> _Proof:
    return "token", hashlib.sha256(token.encode(errors="replace")).digest()


def mosquitto_hash(password: str) -> str:
    """A password as Mosquitto 2 keeps it: ``$7$``, PBKDF2 with SHA-512, rounds, salt and hash in base64.

    The rounds are Mosquitto's default; what is hashed here is 256 random bits, which no number of rounds makes harder to guess.
    """
    rounds, salt = 101, secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _unusable(path: Path, error: sqlite3.DatabaseError) -> RuimteError:
    return unusable(path, error, "credentials")
