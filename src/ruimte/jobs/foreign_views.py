"""What partners share, as a person reads it: whose it is, how exact, how old; and how each link stands.

Silence is never shown as calm: figures that are old say so, and a link that is broken says since when.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from ruimte.clock import MINUTE_US, SECOND_US, iso
from ruimte.jobs.partner_reasons import reason_in
from ruimte.jobs.partner_words import EXACTNESS, LINKS
from ruimte.share.agreement import Form, Grant
from ruimte.store.foreign import Figure, ForeignWarning, LinkState
from ruimte.text import duration_us, pick

LinkStatus = Literal["new", "following", "broken", "ended", "distrusted"]
"""``new``: nothing was heard yet. ``ended``: the agreement gives nothing any more. ``distrusted``: its log contradicts itself."""

_LATE_US = 2 * MINUTE_US
_UNITS = {"people": "persons", "density": "persons/m²", "inflow": "persons/h", "outflow": "persons/h", "flow": "persons/h"}


class _View(msgspec.Struct, frozen=True, kw_only=True):
    pass


class ForeignPlace(_View, frozen=True, kw_only=True):
    """A place of a partner: its newest figure (people of a zone, flow of a count point) with 5 and 95 %, until when it holds.

    ``value`` is None where it is not known, or, where ``suppressed`` says so, not told. ``old``: a newer one should have come.
    ``likely``: the highest that is expected, and when. ``figures``: all quantities by name.
    """

    key: str
    name: str
    unit: str
    time: str
    age_s: float
    old: bool
    value: float | None
    low: float | None
    high: float | None
    suppressed: bool
    level: str | None
    expected: float | None
    expected_at: str | None
    figures: dict[str, float | str | None]


class ForeignWarningView(_View, frozen=True, kw_only=True):
    """A warning of a partner; what it does not tell is None."""

    id: str
    place: str
    place_name: str
    level: str | None
    priority: int | None
    opened: str | None
    expected_at: str | None
    probability: float | None
    exercise: bool


class PartnerView(_View, frozen=True, kw_only=True):
    """One link: the partner, its lab, how the link stands and since when, what it gives, and how exact.

    ``told`` says in a sentence what is wrong, empty where nothing is. ``refused`` messages could not be verified. ``proved``:
    receipts that were found in the partner's log, which was last seen to be in order at ``witnessed``. ``missing``: states of
    this time never came.
    """

    key: str
    partner: str
    party: str
    lab: str
    purpose: str
    agreement: str
    until: str | None
    status: LinkStatus
    since: str | None
    told: str
    exactness: str
    source: str
    last: str | None
    old: bool
    refused: int
    refusal: str
    witnessed: str | None
    log_size: int
    proved: int
    missing: tuple[str, str] | None
    places: list[ForeignPlace]
    warnings: list[ForeignWarningView]


def partner_view(
    *,
    key: str,
    partner: str,
    grant: Grant,
    agreement: str,
    until_s: int,
    state: LinkState,
    ended: str | None,
    distrusted: bool,
    heard_us: int | None,
    newest: Sequence[Figure],
    ahead: Sequence[Figure],
    warnings: Iterable[ForeignWarning],
    language: str,
    now_us: int,
) -> PartnerView:
    """The view of one link at ``now_us``."""
    names = place_names(state.places, language)
    places = _places(newest, ahead, names, duration_us(grant.properties.form.step), now_us)
    status = _status(state, ended, distrusted, heard_us)
    last_us = max((figure.end_us for figure in newest), default=None)
    missing = None
    if state.gap_from_us is not None and state.gap_until_us is not None:
        missing = (iso(state.gap_from_us), iso(state.gap_until_us))
    return PartnerView(
        key=key,
        partner=partner,
        party=grant.provider,
        lab=grant.lab,
        purpose=grant.properties.purpose,
        agreement=agreement,
        until=iso(until_s * SECOND_US),
        status=status,
        since=_since(status, state),
        told=_told(status, state, language),
        exactness=exactness(grant.properties.form, language),
        source=grant.properties.duties.name_source,
        last=None if last_us is None else iso(last_us),
        old=any(place.old for place in places),
        refused=state.refused,
        refusal="" if state.refusal is None else said(state.refusal, language),
        witnessed=None if state.witnessed_us is None else iso(state.witnessed_us),
        log_size=state.log_size,
        proved=state.proved,
        missing=missing,
        places=places,
        warnings=[_warning(warning, names) for warning in warnings],
    )


def lost_view(*, key: str, party: str, lab: str, purpose: str, agreement: str, told: str) -> PartnerView:
    """The view of a subscription whose agreement is not there, or cannot be read: nothing is shown of it but that."""
    return PartnerView(
        key=key,
        partner=party,
        party=party,
        lab=lab,
        purpose=purpose,
        agreement=agreement,
        until=None,
        status="ended",
        since=None,
        told=told,
        exactness="",
        source="",
        last=None,
        old=True,
        refused=0,
        refusal="",
        witnessed=None,
        log_size=0,
        proved=0,
        missing=None,
        places=[],
        warnings=[],
    )


def place_names(places: dict[str, Any] | None, language: str) -> dict[str, str]:
    """Names of a partner's places, from the GeoJSON that it gave."""
    names = {}
    for feature in (places or {}).get("features", []):
        about = feature.get("properties") or {}
        if isinstance(key := about.get("key", feature.get("id")), str):
            name = about.get("name", key)
            names[key] = pick(name, language) if isinstance(name, str | dict) else key
    return names


def exactness(form: Form, language: str) -> str:
    """How exact the figures are, in words.

    >>> exactness(Form(exactness="suppressed", step="15m", minimum=10, round_to=5), "en")
    'every 15m, rounded to 5, at least 10 people'
    """
    parts = [pick(EXACTNESS["step"], language).format(step=form.step)]
    if form.privacy is not None:
        parts.append(pick(EXACTNESS["private"], language).format(epsilon=f"{form.privacy.epsilon_per_day:g}"))
    if form.round_to > 1:
        parts.append(pick(EXACTNESS["rounded"], language).format(round_to=form.round_to))
    if form.minimum > 0:
        parts.append(pick(EXACTNESS["minimum"], language).format(minimum=form.minimum))
    if len(parts) == 1:
        parts.append(pick(EXACTNESS["exact"], language))
    return ", ".join(parts)


def _status(state: LinkState, ended: str | None, distrusted: bool, heard_us: int | None) -> LinkStatus:
    if distrusted:
        return "distrusted"
    if ended is not None:
        return "ended"
    if state.failing_since_us is not None:
        return "broken"
    return "new" if heard_us is None else "following"


def _since(status: LinkStatus, state: LinkState) -> str | None:
    since_us = state.distrusted_us if status == "distrusted" else state.failing_since_us
    return None if since_us is None or status in ("new", "following") else iso(since_us)


def _told(status: LinkStatus, state: LinkState, language: str) -> str:
    if status == "distrusted" and state.distrust is not None:
        return said(state.distrust, language)
    return said(state.trouble, language) if status in ("broken", "ended") and state.trouble is not None else ""


def said(trouble: dict[str, Any], language: str) -> str:
    """What is wrong with a link, or with a message, in a sentence."""
    words = LINKS.get(str(trouble.get("why")), LINKS["link.refused"])
    figures = {"reason": "", "status": "", "host": "", "seconds": ""} | trouble
    return pick(words, language).format(**figures | {"reason": reason_in(str(figures["reason"]), language)})


def _places(
    newest: Sequence[Figure], ahead: Sequence[Figure], names: dict[str, str], step_us: int, now_us: int
) -> list[ForeignPlace]:
    by_place: dict[str, dict[str, Figure]] = {}
    for figure in newest:
        by_place.setdefault(figure.place, {})[figure.quantity] = figure
    highest: dict[str, Figure] = {}
    for figure in ahead:
        known = highest.get(figure.place)
        if figure.quantity in ("people", "flow") and (_number(figure.value) or 0) > ((known and _number(known.value)) or 0):
            highest[figure.place] = figure
    found = [_place(key, names.get(key, key), told, highest.get(key), step_us, now_us) for key, told in by_place.items()]
    return sorted(found, key=lambda place: (-(place.value or 0), place.name))


def _place(key: str, name: str, told: dict[str, Figure], ahead: Figure | None, step_us: int, now_us: int) -> ForeignPlace:
    main = next((told[each] for each in ("people", "flow", "inflow", "outflow", "density") if each in told), None)
    main = main if main is not None else next(iter(told.values()))
    age_us, level = max(0, now_us - main.end_us), told.get("level")
    return ForeignPlace(
        key=key,
        name=name,
        unit=_UNITS.get(main.quantity, ""),
        time=iso(main.end_us),
        age_s=age_us / SECOND_US,
        old=age_us > 2 * step_us + _LATE_US,
        value=_number(main.value),
        low=main.low,
        high=main.high,
        suppressed=main.suppressed,
        level=None if level is None or not isinstance(level.value, str) else level.value,
        expected=None if ahead is None else _number(ahead.value),
        expected_at=None if ahead is None else iso(ahead.end_us),
        figures={quantity: figure.value for quantity, figure in sorted(told.items())},
    )


def _number(value: float | str | None) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _warning(warning: ForeignWarning, names: dict[str, str]) -> ForeignWarningView:
    told = warning.body
    return ForeignWarningView(
        id=warning.id,
        place=str(told.get("place", "")),
        place_name=names.get(str(told.get("place", "")), str(told.get("place", ""))),
        level=told.get("level"),
        priority=told.get("priority"),
        opened=told.get("opened"),
        expected_at=told.get("expected_at"),
        probability=told.get("probability"),
        exercise=bool(told.get("exercise")),
    )
