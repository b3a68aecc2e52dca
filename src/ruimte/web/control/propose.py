"""The form that makes an agreement for the common case: what a partner gets of this lab, from when until when, how exact."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ruimte.clock import SystemClock, from_us
from ruimte.errors import RuimteError
from ruimte.jobs.share_office import Office
from ruimte.jobs.share_proposal import Proposal
from ruimte.jobs.share_words import ShareWords
from ruimte.lab.lab import CountPoint, Lab, Zone
from ruimte.share.agreement import ALL, Contribution, Exactness, Kind, Quantity, Regime
from ruimte.text import pick
from ruimte.web.auth import form_lists
from ruimte.web.control.sharing import done, office_of
from ruimte.web.pages import Pages
from ruimte.web.problems import WebError, bad_field
from ruimte.web.words import marked

_MOST_BYTES = 256 * 1024
LONGEST_NAME = 200
"""Of a party, in characters: it stands in headings."""
_STEPS = ("5m", "15m", "30m", "1h")
_KEPT = ("1d", "7d", "30d", "90d", "365d")
_OF_ZONES: tuple[Quantity, ...] = ("people", "density", "inflow", "outflow")
REFUSALS = (
    marked("is not an Ed25519 key"),
    marked("is not an OIN"),
    marked("the text is empty"),
    marked("it ends before it begins"),
    marked("it is over already"),
    marked("it holds for more than five years"),
    marked("the grant gives nothing"),
    marked("no place is named"),
    marked("no quantity is named"),
    marked("nothing would be left out"),
    marked("there is none, for exact figures"),
    marked("there is none, under gdpr"),
    marked("there is none, under wpg"),
    marked("this node's own id is not known"),
    marked("this lab tells nothing with noise"),
    marked("people is of zones, and none is given"),
    marked("density is of zones, and none is given"),
    marked("inflow is of zones, and none is given"),
    marked("outflow is of zones, and none is given"),
    marked("flow is of gates and count points, and none is given"),
    marked("forecast cannot be given with noise"),
    marked("warnings cannot be given with noise"),
    marked("people cannot be given with noise"),
    marked("inflow cannot be given with noise"),
    marked("outflow cannot be given with noise"),
    marked("flow cannot be given with noise"),
    marked("level cannot be given with noise"),
    marked("density cannot be given with noise"),
    marked("write the public key that `ruimte share keygen` prints"),
    marked("write urn:nld:oin: and 20 digits"),
    marked("write one"),
    marked("set a later end"),
    marked("set an earlier end; a new agreement can follow"),
    marked("name kinds of figures, or contributions"),
    marked('name zones or gates, or "*" for all'),
    marked("name people, density, inflow, outflow, flow or level"),
    marked("write how many people a figure must rest on, like 10"),
    marked("name the law, task or decision that it rests on"),
    marked("write it, or set party of [sharing] in node.toml"),
    marked("choose another, or add [privacy] to lab.toml"),
    marked("leave it out"),
    marked("leave it out, or give zones"),
    marked("leave it out, or give gates or count points"),
    marked("choose from state, history, or put it into a grant of its own"),
    marked("choose from people, flow, inflow, outflow, or put it into a grant of its own"),
)
"""What may be wrong with what was filled in, and how to mend it."""
_PARTS = (
    (marked("The partner"), ("partner", "parties[1]")),
    (marked("This node"), ("party", "name", "parties[0]")),
    (marked("What it gets"), ("kinds", "what.kinds")),
    (marked("Of which places"), ("zones", "what.zones", "what.gates")),
    (marked("Which figures"), ("quantities", "step", "what.quantities", "form.step")),
    (marked("How exact"), ("exactness", "minimum", "round_to", "form")),
    (marked("What it may tell this lab"), ("contributions", "what.contributions")),
    (marked("From when until when"), ("begin", "end", "validity", "field valid")),
    (marked("Why, and under which law"), ("purpose", "regime", "legal", "duties")),
)
"""The parts of the form, and how the fields begin that belong to each."""


async def form_page(request: Request) -> Response:
    """``GET /sharing/propose``: the form, with what is usual filled in."""
    office = office_of(request)
    return await _page(request, office, _usual(office.lab))


async def propose(request: Request) -> Response:
    """``POST /sharing/propose``: make the agreement and sign it for this node."""
    office = office_of(request)
    fields = await form_lists(request, _MOST_BYTES)
    try:
        hashed = await office.propose(request.state.user, _read(fields))
    except RuimteError as error:
        return await _page(request, office, fields, error)
    return done("proposed", hashed)


def _read(fields: Mapping[str, Sequence[str]]) -> Proposal:
    """What was filled in. Raises ``WebError`` for what the form does not offer."""

    def one(name: str) -> str:
        return next(iter(fields.get(name, ())), "").strip()

    for name in ("partner", "partner_id", "partner_key"):
        if not one(name):
            raise bad_field(name, marked("the text is empty"), marked("write one"))
    for name in ("partner", "name"):
        if len(one(name)) > LONGEST_NAME:
            raise bad_field(name, marked("this name is too long"), marked("write 200 characters at the most"))
    if ALL in fields.get("zones", ()) and len(fields["zones"]) > 1:
        raise bad_field("zones", marked("all is ticked, and single places too"), marked("tick all, or the places that are meant"))
    return Proposal(
        partner=one("partner"),
        partner_id=one("partner_id"),
        partner_key=one("partner_key"),
        zones=tuple(fields.get("zones", ())),
        kinds=_many(fields, "kinds", tuple[Kind, ...]),
        quantities=_many(fields, "quantities", tuple[Quantity, ...]),
        contributions=_many(fields, "contributions", tuple[Contribution, ...]),
        exactness=_choice("exactness", one("exactness"), Exactness),
        minimum=_number("minimum", one("minimum")),
        round_to=_number("round_to", one("round_to")),
        step=one("step"),
        begin=_day("begin", one("begin")),
        end=_day("end", one("end")),
        purpose=one("purpose"),
        regime=_choice("regime", one("regime"), Regime),
        ground=one("ground"),
        delete_after=one("delete_after"),
        onward=one("onward") == "yes",
        party=one("party"),
        name=one("name"),
    )


def _many(fields: Mapping[str, Sequence[str]], name: str, kind: Any) -> Any:
    return _choice(name, list(fields.get(name, ())), kind)


def _choice(name: str, value: object, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise bad_field(name, marked("that cannot be chosen"), marked("choose what the form offers")) from None


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 8):
        raise bad_field(name, marked("this is no whole number"), marked("write digits only"))
    return int(text)


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise bad_field(name, marked("this is no day"), "2026-12-31") from None


def _usual(lab: Lab) -> dict[str, list[str]]:
    """What the form begins with: a year from today, a little coarse, nothing that rests on few people. What is given, and of
    which places, is for whoever fills it in: nothing of that is ticked."""
    today = from_us(SystemClock().now_us()).astimezone(lab.zone).date()
    return {
        "exactness": ["suppressed"],
        "minimum": ["10"],
        "round_to": ["10"],
        "step": ["15m"],
        "begin": [today.isoformat()],
        "end": [(today + timedelta(days=364)).isoformat()],
        "purpose": ["event-safety"],
        "regime": ["none"],
        "delete_after": ["30d"],
    }


def _part(where: str) -> str:
    """The part of the form that a field belongs to; the field itself where it belongs to none."""
    field = where.removeprefix("grants[0].").removeprefix("properties.")
    return next((part for part, begins in _PARTS if field.startswith(begins)), where)


async def _page(
    request: Request, office: Office, fields: Mapping[str, Sequence[str]], problem: RuimteError | None = None
) -> Response:
    pages: Pages = request.app.state.pages
    lab, language = office.lab, pages.language(request)
    words = ShareWords(lab, language)
    known: dict[str, Zone | CountPoint] = {**lab.zones, **lab.count_points}
    there = [*(_OF_ZONES if lab.zones else ()), *(("flow",) if lab.count_points else ()), "level"]
    return pages.render(
        request,
        "propose.html",
        200 if problem is None else problem.status if isinstance(problem, WebError) else 400,
        problem=problem,
        where="" if problem is None else _part(problem.where),
        own=await asyncio.to_thread(office.own),
        longest_name=LONGEST_NAME,
        one=lambda name: next(iter(fields.get(name, ())), ""),
        chosen=lambda name, value: value in fields.get(name, ()),
        places=sorted((pick(each.name, language), key) for key, each in known.items()),
        kinds=[(key, words.kind(key)) for key in get_args(Kind)],
        contributions=[(key, words.kind(key)) for key in get_args(Contribution)],
        quantities=[(key, words.quantity(key)) for key in get_args(Quantity) if key in there],
        regimes=[(key, words.regime(key)) for key in get_args(Regime)],
        steps=[(key, words.length(key)) for key in _STEPS],
        kept=[(key, words.length(key)) for key in _KEPT],
        noise=lab.file.privacy is not None,
    )
