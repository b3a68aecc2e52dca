"""Connections of an HTTP client to where a node may go: a name is resolved, judged, and only the judged address is used."""

from __future__ import annotations

import ssl

import httpx

from ruimte.notify.reach import resolve

_PORTS = {"https": 443, "http": 80}


class GuardedTransport(httpx.AsyncBaseTransport):
    """For a client that speaks to one host only: connections are kept by address. No proxies; TLS is verified for the name.

    ``send`` of the client raises ``Undelivered`` where a name has no address, or one that may not be reached.
    """

    def __init__(self, context: ssl.SSLContext, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._inner = httpx.AsyncHTTPTransport(verify=context, trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        name = url.raw_host.decode("ascii").strip("[]")
        addresses = await resolve(name, url.port or _PORTS[url.scheme], allow_private=self._allow_private)
        request.extensions = {**request.extensions, "sni_hostname": name}
        try:
            for address in addresses:
                request.url = url.copy_with(host=address)  # the header Host keeps the name
                try:
                    return await self._inner.handle_async_request(request)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    if address == addresses[-1]:
                        raise
        finally:
            request.url = url
        raise httpx.ConnectError("no address", request=request)

    async def aclose(self) -> None:
        await self._inner.aclose()
