"""The web application: which address is answered by what."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ruimte import __version__
from ruimte.errors import RuimteError
from ruimte.jobs.inbox import Inbox
from ruimte.jobs.partners import Partners
from ruimte.jobs.push_desk import PushDesk
from ruimte.jobs.room import Room
from ruimte.jobs.share_office import Office
from ruimte.store.outbox import ChannelState
from ruimte.web import api, auth, cap, health, layers, ngsi_ld, push, sensors, sources, stream
from ruimte.web.control import act, compare, crowds, logbook, page, partners, propose, sharing, wall
from ruimte.web.guard import Guard, security_headers
from ruimte.web.limits import Limits
from ruimte.web.oidc import routes as oidc
from ruimte.web.oidc.flows import Flows
from ruimte.web.oidc.provider import Provider
from ruimte.web.pages import Pages
from ruimte.web.problems import WebError, answer, own_mistake
from ruimte.web.session import Accounts
from ruimte.web.settings import WebSettings
from ruimte.web.sta.app import Front, Served
from ruimte.web.statics import Statics
from ruimte.web.words import marked


def create_app(
    room: Room,
    accounts: Accounts,
    settings: WebSettings,
    services: Sequence[Served] = (),
    inbox: Inbox | None = None,
    push_desk: PushDesk | None = None,
    channels: Callable[[], list[ChannelState]] | None = None,
    provider: Provider | None = None,
    followed: Partners | None = None,
    sharing: Office | None = None,
) -> Starlette:
    """The application for one room, with the ``services`` for programs that stand before its pages, what its ``inbox`` tells of
    its sources, a ``push_desk`` where browsers may ask to be warned, how its ``channels`` do, the ``provider`` that signs people
    in, the partners that are ``followed``, and the office that does the ``sharing``.

    Raises ``RuimteError`` where the browser libraries are missing.
    """
    statics = Statics(Path(__file__).parent / "static")
    hub = stream.Hub(room)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        passing_on = asyncio.create_task(hub.run())
        yield
        passing_on.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await passing_on

    headers = security_headers(tiles=room.lab.file.map.tiles == "pdok-grey")

    async def own_error(request: Request, error: Exception) -> Response:
        response = answer(request, own_mistake(request.url.path))
        response.headers.update(headers)  # this answer does not pass the guard
        return response

    app = Starlette(
        routes=_routes(statics),
        middleware=[
            Middleware(Front, services=services),
            Middleware(GZipMiddleware, compresslevel=9),
            Middleware(Guard, accounts=accounts, settings=settings, headers=headers),
        ],
        exception_handlers={RuimteError: _ruimte_error, HTTPException: _http_error, Exception: own_error},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.room = room
    app.state.hub = hub
    app.state.services = services
    app.state.inbox = inbox
    app.state.push = push_desk
    app.state.channels = channels
    app.state.accounts = accounts
    app.state.limits = Limits()
    app.state.provider = provider
    app.state.partners = followed
    app.state.sharing = sharing
    app.state.flows = Flows()
    app.state.reporting = asyncio.Lock()
    app.state.pages = Pages(room.lab.zone, static=statics.url, scripts=statics.names(".js"), lab=room.lab, version=__version__)
    return app


def _routes(statics: Statics) -> list[Route]:
    return [
        Route("/", page.control_room),
        Route("/wall", wall.wall),
        Route("/fragments/wall", wall.fragment),
        Route("/fragments/legend", page.legend_fragment),
        Route("/fragments/warnings", page.warnings),
        Route("/fragments/logbook", page.logbook),
        Route("/fragments/table", page.table),
        Route("/fragments/partners", partners.fragment),
        Route("/crowds", crowds.crowds_page),
        Route("/fragments/crowds", crowds.fragment),
        Route("/warnings/{id:int}/compare", compare.fragment),
        Route("/warnings/{id:int}/acknowledge", act.acknowledge, methods=["POST"]),
        Route("/warnings/{id:int}/decide", act.decide, methods=["POST"]),
        Route("/warnings/{id:int}/shelve", act.shelve, methods=["POST"]),
        Route("/warnings/{id:int}/unshelve", act.unshelve, methods=["POST"]),
        Route("/logbook", logbook.logbook_page, methods=["GET"]),
        Route("/logbook", logbook.note, methods=["POST"]),
        Route("/logbook/field-report", logbook.report_count, methods=["POST"]),
        Route("/logbook.csv", logbook.logbook_csv),
        Route("/logbook.pdf", logbook.logbook_pdf),
        Route("/report", logbook.report),
        Route("/sources", sources.sources_page),
        Route("/sensors", sensors.sensors_page),
        Route("/sharing", sharing.sharing_page, methods=["GET"]),
        Route("/sharing", sharing.take_in, methods=["POST"]),
        Route("/sharing/propose", propose.form_page, methods=["GET"]),
        Route("/sharing/propose", propose.propose, methods=["POST"]),
        Route("/sharing/{hash}/agreement.json", sharing.download, methods=["GET"]),
        Route("/sharing/{hash}/sign", sharing.sign, methods=["POST"]),
        Route("/sharing/{hash}/reject", sharing.reject, methods=["POST"]),
        Route("/sharing/{hash}/revoke", sharing.revoke, methods=["POST"]),
        Route("/sign-in", auth.sign_in_page, methods=["GET"]),
        Route("/sign-in", auth.sign_in, methods=["POST"]),
        Route("/sign-in/provider", oidc.begin, methods=["GET"]),
        Route("/sign-in/provider/callback", oidc.finish, methods=["GET"]),
        Route("/sign-out/provider", oidc.sign_out, methods=["GET"]),
        Route("/sign-in/{token}", auth.redeem, methods=["GET"]),
        Route("/sign-out", auth.sign_out, methods=["POST"]),
        Route("/account", auth.account_page, methods=["GET"]),
        Route("/account", auth.account, methods=["POST"]),
        Route("/account/sessions/{id}/end", auth.end_session, methods=["POST"]),
        Route("/staff-names/forget", auth.forget, methods=["POST"]),
        Route("/api/v1/zones", api.zones),
        Route("/api/v1/zones/{key}/series", api.series),
        Route("/api/v1/ngsi-ld/crowd-flow-observed", ngsi_ld.crowd_flow_observed),
        Route("/api/v1/ngsi-ld/item-flow-observed", ngsi_ld.item_flow_observed),
        Route("/api/v1/places.geojson", api.places),
        Route("/api/v1/status", api.status),
        Route("/api/v1/warnings", api.warnings),
        Route("/api/v1/warnings/{id}/compare", compare.of_warning),
        Route("/api/v1/zones/{key}/compare", compare.of_zone),
        Route("/api/v1/logbook", api.logbook),
        Route("/api/v1/warnings.geojson", layers.warnings),
        Route("/api/v1/zones.geojson", layers.zones),
        Route("/api/v1/cap.xml", cap.feed),
        Route("/api/v1/cap/{id}.xml", cap.alert),
        Route("/push-worker.js", push.worker),
        Route("/push/subscribe", push.subscribe, methods=["POST"]),
        Route("/push/unsubscribe", push.unsubscribe, methods=["POST"]),
        Route("/api/v1/foreign", partners.foreign),
        Route("/api/v1/foreign.geojson", partners.places),
        Route("/api/v1/sources", sources.sources),
        Route("/api/v1/sensors", sensors.sensors),
        Route("/api/v1/crowds", crowds.crowds),
        Route("/api/v1/stream", stream.stream),
        Route("/healthz", health.alive),
        Route("/readyz", health.ready),
        Route("/metrics", health.metrics),
        Route("/static/{version}/{name:path}", statics.serve),
    ]


async def _ruimte_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RuimteError)
    return answer(request, error)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {
        404: (marked("this page does not exist"), marked("check the address")),
        405: (marked("this cannot be done here"), marked("see the documentation")),
    }
    what, mend = known.get(error.status_code, (error.detail, ""))
    return answer(request, WebError(error.status_code, what, request.url.path, mend))
