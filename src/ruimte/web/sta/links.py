"""What the service's links begin with: the address under which the caller knows it, also through a proxy."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.types import Scope

from ruimte.web.guard import is_loopback
from ruimte.web.problems import WebError
from ruimte.web.settings import WebSettings
from ruimte.web.sta.exchange import ROOT

_HOST = re.compile(r"[A-Za-z0-9._~-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
_FORWARDED = (b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-prefix")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def base(scope: Scope, headers: Mapping[bytes, bytes], settings: WebSettings, root: str = ROOT) -> str:
    """The address of the service at ``root``: as configured, else as a trusted proxy forwards it, else as the request has it.

    ``X-Forwarded-Proto``, ``-Host`` and ``-Prefix`` count only from a proxy on this machine; one that cannot be part of an
    address is passed over. Raises ``WebError`` (400) where the ``Host`` itself cannot.
    """
    if settings.base_url:
        return settings.base_url.rstrip("/") + root
    scheme, host, prefix = scope["scheme"], headers.get(b"host", b"").decode("latin-1"), ""
    if any(name in headers for name in _FORWARDED) and is_from_proxy(scope):
        proto, forwarded, given = (_first(headers, name) for name in _FORWARDED)
        scheme = proto if proto in ("http", "https") else scheme
        host = forwarded if _HOST.fullmatch(forwarded) else host
        prefix = given.rstrip("/") if _PREFIX.fullmatch(given.rstrip("/")) else ""
    if not _HOST.fullmatch(host):
        raise WebError(400, "is no name of a machine", "Host", "send the node's own name")
    return f"{scheme}://{host}{prefix}{root}"


def is_from_proxy(scope: Scope) -> bool:
    """Whether a proxy on this machine may have passed the request on.

    Where it told of whom, the server has put that address, without a port, in place of the proxy's.
    """
    host, port = scope.get("client") or ("", None)
    return port == 0 or is_loopback(host)


def _first(headers: Mapping[bytes, bytes], name: bytes) -> str:
    """The value that the outermost proxy gave."""
    return headers.get(name, b"").decode("latin-1").partition(",")[0].strip()
