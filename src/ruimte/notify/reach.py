"""Which addresses a node may send to: those of the public internet, unless its operator allows others.

A name is resolved once and the connection goes to the very address that was judged, so that a name that changes between the two
(DNS rebinding) leads nowhere.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from ruimte.notify.trouble import Undelivered

_NAT64 = IPv6Network("64:ff9b::/96")
_REFUSED = tuple(
    IPv6Network(text)
    for text in (
        "::/96",  # IPv4-compatible, long out of use
        "64:ff9b:1::/48",  # NAT64 within one network (RFC 8215)
        "2001::/32",  # Teredo: what it leads to cannot be judged
        "fec0::/10",  # site-local, long out of use
    )
)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also where it holds an IPv4 address inside.

    >>> [is_public(each) for each in ("203.0.112.7", "10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2606:4700::1111")]
    [True, False, False, False, True]
    """
    ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        if "%" in address or any(ip in network for network in _REFUSED):
            return False
        inner = ip.ipv4_mapped or ip.sixtofour or (IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in _NAT64 else None)
        ip = ip if inner is None else inner
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_loopback or ip.is_link_local or ip.is_unspecified)


async def resolve(host: str, port: int, *, allow_private: bool) -> list[str]:
    """The IP addresses of a host, in the order of the system. Raises ``Undelivered`` where there is none.

    One address that may not be reached is enough to be refused: a name with both kinds is up to no good.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Undelivered("unknown-host", again=True, host=host) from None
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not allow_private and not all(is_public(each) for each in addresses):
        raise Undelivered("private", again=False, host=host)
    return addresses
