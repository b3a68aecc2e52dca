"""Under which address a partner asked, as the node itself knows it: what tokens and proofs are for.

A proof for one node must not open another, so the address never comes from a request alone: it is the configured one, or the
very address and port that the node listens on.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from ruimte.web.guard import known_hosts
from ruimte.web.problems import WebError
from ruimte.web.settings import WebSettings

ROOT = "/share/v1"
_PORTS = {"http": 80, "https": 443}


def own_base(request: Request, settings: WebSettings) -> str:
    """Scheme, host, port and, of a configured one, the path before ``ROOT``; without a slash at its end.

    Raises a 421 where a request names another address than that, as behind a proxy of which the node was not told.
    """
    if settings.base_url:
        return settings.base_url.rstrip("/")
    scheme = request.scope["scheme"]
    here, port = request.scope.get("server") or ("", None)
    try:
        asked = urlsplit(f"//{request.headers.get('host', '')}")
        fits = (asked.port or _PORTS[scheme]) == (port or _PORTS[scheme]) and "@" not in asked.netloc
        name = asked.hostname or ""
    except (ValueError, KeyError):
        name, fits = "", False
    if not fits or name not in known_hosts(settings) | {here}:
        raise WebError(421, "this node does not go by that address", "Host", "start it with --base-url")
    return f"{scheme}://{asked.netloc.lower()}"


def own_url(request: Request, base: str) -> str:
    """The address of a request, without its query, percent-encoded as it came."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return base + raw.partition(b"?")[0].decode("latin-1")
