"""Where the broker is, and who we are to it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ruimte.errors import RuimteError

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_MEND = "write it as mqtt://HOST:PORT, mqtts://HOST:PORT or embedded:PORT"


@dataclass(frozen=True, slots=True)
class Address:
    """A broker's host and port, whether the link is encrypted (TLS), and with which user and password we come.

    ``mqtt5`` is False for the embedded broker, which is spoken to by MQTT 3.1.1: it breaks down when a message with properties of
    MQTT 5 has to go to a client of 3.1.1.
    """

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = None
    mqtt5: bool = True

    @property
    def url(self) -> str:
        """The address as clients write it; never with the password.

        >>> Address("broker.example.org", 8883, tls=True, user="node", password="secret").url
        'mqtts://broker.example.org:8883'
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the broker is on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def parse_address(text: str, environment: Mapping[str, str]) -> Address:
    """The broker at ``mqtt://HOST[:PORT]`` or ``mqtts://…``.

    User and password come from ``RUIMTE_BROKER_USER`` and ``RUIMTE_BROKER_PASSWORD``. Raises ``RuimteError`` for anything
    else; a password in the address is refused, for a command line is seen by others.

    >>> parse_address("mqtt://localhost", {})
    Address(host='localhost', port=1883, tls=False, user=None, password=None, mqtt5=True)
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise RuimteError("is not the address of a broker", "--broker", _MEND) from None
    if parts.username is not None or parts.password is not None:
        mend = "set RUIMTE_BROKER_USER and RUIMTE_BROKER_PASSWORD instead"
        raise RuimteError("user and password are not for the command line, which others can see", "--broker", mend)
    if parts.scheme not in _PORTS or not host or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise RuimteError("is not the address of a broker", "--broker", _MEND)
    user, password = environment.get("RUIMTE_BROKER_USER"), environment.get("RUIMTE_BROKER_PASSWORD")
    if password is not None and user is None:
        raise RuimteError("a password without a user", "RUIMTE_BROKER_PASSWORD", "set RUIMTE_BROKER_USER too")
    return Address(host, _PORTS[parts.scheme] if port is None else port, parts.scheme == "mqtts", user, password)
