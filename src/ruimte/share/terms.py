"""What must hold of the content of an agreement before anybody signs it, and whenever it is used."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from uuid import UUID

from ruimte.clock import DAY_US, MINUTE_US
from ruimte.errors import RuimteError
from ruimte.keys.signature import key_id, public_jwk
from ruimte.lab.rules import filled, key, length_of_time
from ruimte.share.agreement import ALL, Content, Form, Grant, Party, Privacy, Terms, What
from ruimte.share.document import canonical_json
from ruimte.share.odrl import policy
from ruimte.text import duration_us

LONGEST_S = 5 * 366 * 86_400
"""An agreement holds for five years at the most; then it is to be thought over."""

_LAST_S = 253_370_764_800
"""The year 9999: later is no date."""
_MOST_PARTIES, _MOST_GRANTS, _MOST_PLACES, _MOST_LETTERS = 50, 100, 2_000, 2_000
_MOST_NAME = 200
"""Letters of a party's name, which stands in lines and headings."""
_OIN = "urn:nld:oin:"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]{1,200}")
_GROUP = re.compile(r"[a-zA-Z0-9./_-]{1,100}")  # as FSC Core 1.1 has it
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FIGURES = ("state", "forecast", "history")
_OF_ONE_ZONE = ("inflow", "outflow")
_WITH_NOISE = ("people", "density", "flow", "inflow", "outflow")


def check_content(content: Content) -> None:
    """Raise ``RuimteError`` with the first thing that is wrong: it names the field and how to mend it."""
    check_terms(content)
    for index, grant in enumerate(content.grants):
        if canonical_json(grant.properties.policy) != canonical_json(policy(content, index)):
            what = "the ODRL policy says something else than the terms"
            raise _wrong(f"grants[{index}].properties.policy", what, "make the agreement anew with `ruimte share propose`")


def check_terms(content: Content) -> None:
    """The same without the policies, which can be made of terms that hold."""
    _check_head(content)
    _check_parties(content)
    ids = [party.id for party in content.parties]
    for index, grant in enumerate(content.grants):
        _check_grant(grant, ids, f"grants[{index}]")
    for party in ids:
        if not any(party in (grant.provider, grant.consumer) for grant in content.grants):
            raise _wrong("parties", f"{party} gives and gets nothing", "leave the party out, or name it in a grant")


def _check_head(content: Content) -> None:
    try:
        good = str(UUID(content.iv)) == content.iv
    except ValueError:
        good = False
    if not good:
        raise _wrong("iv", f"{content.iv[:40]!r} is not a UUID", "write one in small letters, with hyphens")
    if _GROUP.fullmatch(content.group_id) is None:
        raise _wrong("group_id", "is not the name of a group", "use up to 100 letters, digits and . / _ -")
    first, last = content.validity.not_before, content.validity.not_after
    for field, at_s in (("created_at", content.created_at), ("validity.not_before", first), ("validity.not_after", last)):
        if not 0 <= at_s <= _LAST_S:
            raise _wrong(field, f"{at_s} is not a date", "write seconds since 1970")
    if first >= last:
        raise _wrong("validity.not_after", "it ends before it begins", "set a later end")
    if last - first > LONGEST_S:
        raise _wrong("validity.not_after", "it holds for more than five years", "set an earlier end; a new agreement can follow")
    if not 1 <= len(content.grants) <= _MOST_GRANTS:
        raise _wrong("grants", f"{len(content.grants)} grants", f"write 1 to {_MOST_GRANTS}")


def _check_parties(content: Content) -> None:
    if not 2 <= len(content.parties) <= _MOST_PARTIES:
        raise _wrong("parties", f"{len(content.parties)} parties", f"an agreement is between 2 to {_MOST_PARTIES}")
    for index, party in enumerate(content.parties):
        _check_party(party, f"parties[{index}]")
    for field, values in (
        ("id", [party.id for party in content.parties]),
        ("public_key", [party.public_key for party in content.parties]),
    ):
        if (twice := _twice(values)) is not None:
            raise _wrong(f"parties.{field}", f"two parties have {twice}", "give each party its own")


def _check_party(party: Party, at: str) -> None:
    check_party_id(party.id, f"{at}.id")
    _check_text(party.name, f"{at}.name", most=_MOST_NAME)
    check_key(party.public_key, f"{at}.public_key")


def check_party_id(party: str, where: str) -> None:
    """Raise ``RuimteError`` where this names no party: no URI, or an OIN of another form."""
    if _URI.fullmatch(party) is None:
        raise _wrong(where, f"{party[:80]!r} is not a URI", f"write {_OIN} and the OIN, or another URI")
    if party.lower().startswith(_OIN) and re.fullmatch(rf"{_OIN}\d{{20}}", party, re.ASCII) is None:
        raise _wrong(where, "is not an OIN", f"write {_OIN} and 20 digits")


def check_key(public: str, where: str) -> None:
    """Raise ``RuimteError`` where this is no public Ed25519 key in base64url."""
    try:
        public_jwk(public)
        key_id(public)
    except (RuimteError, ValueError):
        raise _wrong(where, "is not an Ed25519 key", "write the public key that `ruimte share keygen` prints") from None


def _check_grant(grant: Grant, parties: Sequence[str], at: str) -> None:
    for field, party in (("provider", grant.provider), ("consumer", grant.consumer)):
        if party not in parties:
            raise _wrong(f"{at}.{field}", f"{party[:80]!r} is not a party", "name one of the parties by its id")
    if grant.provider == grant.consumer:
        raise _wrong(f"{at}.consumer", "is the provider itself", "name another party")
    _check_rule(key(grant.lab), f"{at}.lab")
    terms, at = grant.properties, f"{at}.properties"
    _check_terms(terms, at)
    _check_what(terms.what, f"{at}.what")
    _check_form(terms.form, f"{at}.form")
    if terms.form.areas:
        _check_areas(terms, at)
    if terms.form.privacy is not None:
        _check_private(terms, terms.form.privacy, at)


def _check_terms(terms: Terms, at: str) -> None:
    if len(terms.purpose) > 64 or _SLUG.fullmatch(terms.purpose) is None:
        mend = "use up to 64 small letters, digits and hyphens, like event-safety"
        raise _wrong(f"{at}.purpose", f"{terms.purpose[:80]!r} is not a purpose", mend)
    _check_text(terms.legal_ground, f"{at}.legal_ground", empty=True)
    if not terms.legal_ground.strip() and (terms.legal_regime != "none" or terms.form.exactness == "exact"):
        why = f"under {terms.legal_regime}" if terms.legal_regime != "none" else "for exact figures"
        raise _wrong(f"{at}.legal_ground", f"there is none, {why}", "name the law, task or decision that it rests on")
    _check_rule(length_of_time(terms.duties.delete_after), f"{at}.duties.delete_after")
    _check_text(terms.duties.name_source, f"{at}.duties.name_source")


def _check_what(what: What, at: str) -> None:
    lists = (("kinds", what.kinds), ("zones", what.zones), ("gates", what.gates), ("quantities", what.quantities))
    for field, values in (*lists, ("contributions", what.contributions)):
        if (twice := _twice(values)) is not None:
            raise _wrong(f"{at}.{field}", f"{twice!r} stands there twice", "name it once")
        if len(values) > _MOST_PLACES:
            raise _wrong(f"{at}.{field}", f"{len(values)} are named", f'name {_MOST_PLACES} at the most, or "*"')
    if not what.kinds and not what.contributions:
        raise _wrong(f"{at}.kinds", "the grant gives nothing", "name kinds of figures, or contributions")
    if not what.zones and not what.gates:
        raise _wrong(f"{at}.zones", "no place is named", 'name zones or gates, or "*" for all')
    for field, values in (("zones", what.zones), ("gates", what.gates)):
        if ALL in values and len(values) > 1:
            raise _wrong(f"{at}.{field}", '"*" stands beside others', 'name them, or all by "*" alone')
        for place in values if ALL not in values else ():
            _check_rule(key(place), f"{at}.{field}")
    if both := set(what.zones) & set(what.gates) - {ALL}:
        raise _wrong(f"{at}.gates", f"{min(both)!r} is a zone too", "name each place once")
    if any(kind in _FIGURES for kind in what.kinds) and not what.quantities:
        raise _wrong(f"{at}.quantities", "no quantity is named", "name people, density, inflow, outflow, flow or level")


def _check_form(form: Form, at: str) -> None:
    _check_rule(length_of_time(form.step), f"{at}.step")
    step_us = duration_us(form.step)
    if step_us % MINUTE_US or DAY_US % step_us:
        raise _wrong(f"{at}.step", f"{form.step!r} is no step", "use whole minutes that divide a day, like 5m, 15m or 1h")
    if not 0 <= form.minimum <= 1_000_000:
        raise _wrong(f"{at}.minimum", f"{form.minimum} is no number of people", "write 0 or more")
    if form.exactness == "suppressed" and form.minimum < 1:
        raise _wrong(f"{at}.minimum", "nothing would be left out", "write how many people a figure must rest on, like 10")
    if form.exactness == "exact" and form.minimum:
        raise _wrong(f"{at}.minimum", "figures are left out, so they are not exact", 'write 0, or exactness "suppressed"')
    if not 1 <= form.round_to <= 1_000_000:
        raise _wrong(f"{at}.round_to", f"{form.round_to} is nothing to round to", "write 1 or more")
    if (form.exactness == "private") != (form.privacy is not None):
        raise _wrong(f"{at}.privacy", 'belongs to exactness "private", and only to that', "give both, or neither")


def _check_areas(terms: Terms, at: str) -> None:
    what, areas = terms.what, terms.form.areas
    at, listed = f"{at}.form.areas", set(what.zones)
    if ALL in what.zones:
        raise _wrong(at, '"*" does not say which zones areas are made of', "name the zones")
    taken: dict[str, str] = {}
    for name, zones in areas.items():
        _check_rule(key(name), at)
        if not zones:
            raise _wrong(at, f"{name!r} is made of no zone", "name its zones")
        if name in what.gates or (name in listed and zones != (name,)):
            raise _wrong(at, f"{name!r} is the name of another place", "choose another name")
        for zone in zones:
            if zone not in listed:
                raise _wrong(at, f"{zone!r} of {name!r} is not among the zones", "list it in what.zones, or leave it out")
            if zone in taken:
                raise _wrong(at, f"{zone!r} stands in {taken[zone]!r} and in {name!r}", "put it into one of them, once")
            taken[zone] = name
        of_one = [quantity for quantity in what.quantities if quantity in _OF_ONE_ZONE]
        if len(zones) > 1 and of_one:
            told = f"{of_one[0]} of {name!r} is not known: who goes from one of its zones to another passes both"
            raise _wrong(f"{at}", told, "give people, density or level of areas")
    if left := sorted(listed - set(taken)):
        raise _wrong(at, f"{left[0]!r} is in no area", f'put it into one, or make it one by itself: {left[0]} = ["{left[0]}"]')


def _check_private(terms: Terms, privacy: Privacy, at: str) -> None:
    within = f"{at}.form.privacy"
    if not 0 < privacy.epsilon_per_day < math.inf:
        raise _wrong(f"{within}.epsilon_per_day", f"{privacy.epsilon_per_day} is no budget", "write a number above 0, like 1.0")
    if not 1 <= privacy.intervals <= 1440:
        raise _wrong(f"{within}.intervals", f"{privacy.intervals} is no number of steps", "write 1 or more")
    _check_text(privacy.assumption, f"{within}.assumption")
    for field, values, may in (
        ("kinds", terms.what.kinds, ("state", "history")),
        ("quantities", terms.what.quantities, _WITH_NOISE),
    ):
        if wrong := [value for value in values if value not in may]:
            told = f"{wrong[0]} cannot be given with noise"
            raise _wrong(f"{at}.what.{field}", told, f"choose from {', '.join(may)}, or put it into a grant of its own")


def _check_text(value: str, where: str, *, empty: bool = False, most: int = _MOST_LETTERS) -> None:
    """Text that people read: not endless, and without control characters, which can make a screen show something else."""
    if not empty:
        _check_rule(filled(value), where)
    if len(value) > most:
        raise _wrong(where, "is too long", f"write {most} characters at the most")
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in value):
        raise _wrong(where, "holds a character that cannot be seen", "write plain text in one line")


def _check_rule(complaint: tuple[str, str] | None, where: str) -> None:
    if complaint is not None:
        raise _wrong(where, *complaint)


def _twice(values: Sequence[str]) -> str | None:
    return next((value for value in values if values.count(value) > 1), None)


def _wrong(where: str, what: str, mend: str) -> RuimteError:
    return RuimteError(what, where, mend)
