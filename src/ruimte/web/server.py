"""The server under the pages: uvicorn, which first ends the streams when it stops.

A stream has no end of its own; without this a stop would wait for every open browser, and then cut it off with a traceback.
"""

from __future__ import annotations

import socket

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from ruimte.web.protocol import PatientProtocol


class PageServer(uvicorn.Server):
    """Serves an application made by ``create_app``."""

    def __init__(self, app: Starlette, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.hub.close()
        for service in self._app.state.services:
            service.close()
        await super().shutdown(sockets)


def page_server(app: Starlette, port: int = 0, host: str = "127.0.0.1") -> PageServer:
    """A server that says nothing but errors and keeps no log of visitors."""
    return PageServer(app, _config(app, port, host))


def plain_server(app: ASGIApp, port: int = 0, host: str = "127.0.0.1") -> uvicorn.Server:
    """The like for an application without streams."""
    return uvicorn.Server(_config(app, port, host))


def _config(app: ASGIApp, port: int, host: str) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host,
        port,
        http=PatientProtocol,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        ws="none",
    )
