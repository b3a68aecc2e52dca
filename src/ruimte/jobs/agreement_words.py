"""An agreement in plain lines, for who has to decide whether to sign it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ruimte.clock import SECOND_US, iso
from ruimte.jobs.agreements import Known
from ruimte.share.agreement import ALL, Agreement, Form, Grant
from ruimte.share.contract import content_hash, current_key, granted, statements, status

_KINDS = {
    "state": "how it is now",
    "forecast": "what is expected",
    "warnings": "warnings",
    "history": "how it was",
    "zone-status": "the status of zones",
    "closures": "closures",
    "arrivals": "arrivals",
}
_UNITS = {
    "people": "people",
    "density": "people per m²",
    "inflow": "people in per hour",
    "outflow": "people out per hour",
    "flow": "passers-by per hour",
    "level": "level of service",
}
_REGIMES = {"none": "none: anonymous figures", "gdpr": "GDPR", "wpg": "Police Data Act (Wpg)"}
_DONE = {"accept": "accepted", "reject": "rejected", "revoke": "revoked"}


def lines(agreement: Agreement, at_s: int) -> list[str]:
    """The whole agreement and how it stands. Raises ``RuimteError`` where a signature is wrong."""
    content = agreement.content
    names = {party.id: party.name for party in content.parties}
    whole = status(agreement, at_s)
    found = [
        _row("agreement", content_hash(content)),
        _row("status", stands(agreement, at_s)),
        _row("holds", f"{_day(content.validity.not_before)} up to {_day(content.validity.not_after)}"),
        _row("made", f"{_day(content.created_at)} in group {content.group_id}"),
        _row("ends", _ending(agreement)),
    ]
    for party in content.parties:
        found += ["", _row("party", f"{party.name} ({party.id})"), _row("  key", current_key(agreement, party.id))]
        for each in statements(agreement):
            if each.party == party.id:
                found.append(_row(f"  {_DONE[each.action]}", _day(each.signed_at)))
    for number, (grant, now) in enumerate(zip(content.grants, granted(agreement, at_s), strict=True), start=1):
        found += ["", f"grant {number}: {names[grant.consumer]} gets from {names[grant.provider]}, of lab {grant.lab}"]
        if now.status != whole:
            found.append(_row("  status", now.status))
        found += [_row(f"  {field}", text) for field, text in _grant_rows(grant)]
    return found


def stands(agreement: Agreement, at_s: int) -> str:
    """The status in a few words: for whom it waits, or who ended it."""
    said = statements(agreement)
    now = status(agreement, at_s)
    if now == "proposed":
        done = {each.party for each in said if each.action == "accept"}
        waits = [party.name for party in agreement.content.parties if party.id not in done]
        return f"proposed; waits for {' and '.join(waits)}" if waits else "proposed; an acceptance is dated in the future"
    if now == "valid":
        first, last = agreement.content.validity.not_before, agreement.content.validity.not_after
        return f"valid, from {_day(first)}" if at_s < first else f"valid, until {_day(last)}"
    names = {party.id: party.name for party in agreement.content.parties}
    ended = {"rejected": "reject", "revoked": "revoke"}.get(now)
    by = next((f" by {names[each.party]} on {_day(each.signed_at)}" for each in said if each.action == ended), "")
    return now + (f" on {_day(agreement.content.validity.not_after)}" if now == "expired" else by)


def as_dict(agreement: Agreement, at_s: int) -> dict[str, Any]:
    """The agreement and how it stands, for a program."""
    return {
        "hash": content_hash(agreement.content),
        "status": status(agreement, at_s),
        "grants": [each.status for each in granted(agreement, at_s)],
        "signatures": [
            {"party": each.party, "action": each.action, "signed_at": iso(each.signed_at * SECOND_US)}
            for each in statements(agreement)
        ],
        "keys": {party.id: current_key(agreement, party.id) for party in agreement.content.parties},
        "content": msgspec.to_builtins(agreement.content),
    }


def known_line(known: Known, at_s: int) -> str:
    """An agreement of a node in one line."""
    if known.agreement is None or known.trouble:
        return f"! gives nothing: {known.trouble}"
    parties = " – ".join(party.name for party in known.agreement.content.parties)
    return f"{known.path}: {parties}: {stands(known.agreement, at_s)}"


def known_dict(known: Known) -> dict[str, Any]:
    """The same for a program."""
    return {"path": str(known.path), "hash": known.hash, "status": known.status, "trouble": known.trouble}


def _grant_rows(grant: Grant) -> Iterator[tuple[str, str]]:
    terms = grant.properties
    what = terms.what
    yield "for", terms.purpose
    yield "under", _REGIMES[terms.legal_regime]
    if terms.legal_ground:
        yield "ground", terms.legal_ground
    if what.kinds:
        yield "gives", _listed(_KINDS[kind] for kind in what.kinds)
    if what.contributions:
        yield "takes", _listed(_KINDS[kind] for kind in what.contributions)
    if what.zones:
        yield "zones", "all" if ALL in what.zones else ", ".join(what.zones)
    if what.gates:
        yield "gates", "all" if ALL in what.gates else ", ".join(what.gates)
    if what.kinds:
        if what.quantities:
            yield "figures", _listed(_UNITS[quantity] for quantity in what.quantities)
        yield "form", _form(terms.form)
        for name, zones in terms.form.areas.items():
            yield "area", f"{name} = {' + '.join(zones)}"
        if terms.form.privacy is not None:
            yield (
                "privacy",
                f"ε = {terms.form.privacy.epsilon_per_day:g} a day, for who is in {terms.form.privacy.intervals} steps",
            )
            yield "because", terms.form.privacy.assumption
    shared = "may pass it on" if terms.duties.onward_sharing else "may not pass it on"
    yield "duties", f"delete after {terms.duties.delete_after}; name {terms.duties.name_source} as the source; {shared}"


def _form(form: Form) -> str:
    exact = {
        "exact": "exact",
        "suppressed": f"left out where it rests on fewer than {form.minimum}",
        "private": "with noise" + (f", left out where it rests on fewer than {form.minimum}" if form.minimum else ""),
    }[form.exactness]
    rounded = f", in multiples of {form.round_to}" if form.round_to > 1 else ""
    return f"steps of {form.step}{rounded}, {exact}"


def _ending(agreement: Agreement) -> str:
    if agreement.content.on_withdrawal == "part" and len(agreement.content.parties) > 2:
        return "when a party takes it back: only what that party gives and gets"
    return "when a party takes it back: for all"


def _listed(parts: Iterator[str]) -> str:
    return ", ".join(parts)


def _row(name: str, text: str) -> str:
    return f"{name:<12}{text}"


def _day(at_s: int) -> str:
    return iso(at_s * SECOND_US).replace("T", " ").replace("Z", " UTC")
