"""The server under the pages: uvicorn, which first ends the streams when it stops.

A stream has no end of its own; without this a stop would wait for every open browser, and then cut it off with a traceback.
"""

from __future__ import annotations

import socket

import uvicorn
from starlette.applications import Starlette


class PageServer(uvicorn.Server):
    """Serves an application made by ``create_app``."""

    def __init__(self, app: Starlette, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.hub.close()
        await super().shutdown(sockets)


def page_server(app: Starlette, port: int = 0, host: str = "127.0.0.1") -> PageServer:
    """A server that says nothing but errors and keeps no log of visitors."""
    config = uvicorn.Config(
        app, host, port, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2, ws="none"
    )
    return PageServer(app, config)
