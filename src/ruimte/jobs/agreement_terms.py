"""An agreement to propose, from a file of terms that people write: TOML, with the commented example that comes along."""

from __future__ import annotations

import tomllib
import uuid
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ruimte.clock import SECOND_US, to_us
from ruimte.errors import RuimteError
from ruimte.jobs.agreement_files import read_bytes, read_public_key
from ruimte.jobs.agreement_mistakes import in_terms, of_type
from ruimte.lab.rules import time_zone
from ruimte.share.agreement import Agreement, Content, Duties, Form, Grant, Party, Regime, Terms, Validity, What
from ruimte.share.contract import check
from ruimte.share.odrl import with_policies
from ruimte.share.terms import check_terms

FORMAT = 1
USUAL_MINIMUM = 10
"""How many people a figure rests on at least where it is to be suppressed and nothing else is said."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class PartyTable(_Table, frozen=True):
    """``[[party]]``: its key as letters, or the file that holds them (beside the terms)."""

    id: str
    name: str
    public_key: str = ""
    public_key_file: str = ""


class GrantTable(_Table, frozen=True):
    """``[[grant]]``, with the tables ``what``, ``form`` and ``duties``."""

    provider: str
    consumer: str
    lab: str
    purpose: str
    what: What
    form: Form
    duties: Duties
    legal_regime: Regime = "none"
    legal_ground: str = ""


class TermsFile(_Table, frozen=True):
    """The file. Days are whole and in ``time_zone``; a moment is told with its offset."""

    format: int
    group: str
    valid_from: Any
    valid_until: Any
    party: tuple[PartyTable, ...]
    grant: tuple[GrantTable, ...]
    time_zone: str = "UTC"
    on_withdrawal: str = "ends"


def propose(path: Path, now_s: int) -> Agreement:
    """The agreement that a file of terms describes, signed by nobody. ``now_s``: seconds since 1970.

    Raises ``RuimteError`` with the first thing that is wrong with it, or where it would be over already.
    """
    agreement = agreement_of(_read(path), now_s, f"{path}, ", path.parent)
    if agreement.content.validity.not_after <= now_s:
        raise RuimteError("is over already", f"{path}, field valid_until", "write a later day")
    return agreement


def agreement_of(file: TermsFile, now_s: int, at: str = "", folder: Path | None = None) -> Agreement:
    """The agreement that terms describe. Keys' files are beside them in ``folder``.

    ``at`` stands before the field in errors, which then is named as it is in the file of terms.

    Raises ``RuimteError`` with the first thing that is wrong.
    """
    complaint = time_zone(file.time_zone)
    if complaint is not None:
        raise RuimteError(complaint[0], f"{at}field time_zone", complaint[1])
    zone = ZoneInfo(file.time_zone)
    if file.on_withdrawal not in ("ends", "part"):
        raise RuimteError(f"{file.on_withdrawal!r} is not known", f"{at}field on_withdrawal", 'write "ends" or "part"')
    validity = Validity(
        not_before=_moment_s(file.valid_from, zone, f"{at}field valid_from"),
        not_after=_moment_s(file.valid_until, zone, f"{at}field valid_until", whole_day=True),
    )
    content = Content(
        iv=str(uuid.uuid4()),
        group_id=file.group,
        created_at=now_s,
        validity=validity,
        parties=tuple(Party(id=each.id, name=each.name, public_key=_key(each, at, folder)) for each in file.party),
        grants=tuple(_grant(each) for each in file.grant),
        on_withdrawal="part" if file.on_withdrawal == "part" else "ends",
    )
    try:
        check_terms(content)
        agreement = Agreement(version=1, content=with_policies(content))
        check(agreement)
    except RuimteError as error:
        raise RuimteError(error.what, f"{at}{in_terms(error.where)}" if at else error.where, error.mend) from None
    return agreement


def example() -> str:
    """A file of terms that can be changed into one's own."""
    return Path(__file__).with_name("agreement_example.toml").read_text(encoding="utf-8")


def _read(path: Path) -> TermsFile:
    try:
        raw = tomllib.loads(read_bytes(path).decode())
    except UnicodeDecodeError:
        raise RuimteError("is not UTF-8 text", str(path), "save it as UTF-8") from None
    except (ValueError, RecursionError) as error:
        told = str(error).splitlines()[0] if str(error) else "too deep"
        raise RuimteError(f"is not TOML: {told}", str(path), "see `ruimte share propose --example`") from None
    version = raw.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise RuimteError(f"format {version} is newer than this version knows ({FORMAT})", str(path), "update ruimte")
    if version != FORMAT:
        raise RuimteError("does not say its format", str(path), f"write format = {FORMAT}; see `ruimte share propose --example`")
    _usual_minimum(raw)
    try:
        return msgspec.convert(raw, TermsFile)
    except msgspec.ValidationError as error:
        what, place, mend = of_type(error, TermsFile)
        raise RuimteError(what, f"{path}, {place}" if place else str(path), mend) from None


def _usual_minimum(raw: dict[str, Any]) -> None:
    """Where figures on few people are left out, and nobody said what few is."""
    grants = raw.get("grant")
    for grant in grants if isinstance(grants, list) else ():
        form = grant.get("form") if isinstance(grant, dict) else None
        if isinstance(form, dict) and form.get("exactness") == "suppressed":
            form.setdefault("minimum", USUAL_MINIMUM)


def _key(party: PartyTable, at: str, folder: Path | None) -> str:
    if party.public_key and not party.public_key_file:
        return party.public_key
    if folder is None or bool(party.public_key) == bool(party.public_key_file):
        mend = "write the public key that `ruimte share keygen` prints, or name its file"
        raise RuimteError("give one of public_key and public_key_file", f"{at}party {party.id[:80]}", mend)
    return read_public_key(folder / party.public_key_file)


def _grant(table: GrantTable) -> Grant:
    terms = Terms(
        purpose=table.purpose,
        legal_regime=table.legal_regime,
        legal_ground=table.legal_ground,
        what=table.what,
        form=table.form,
        duties=table.duties,
    )
    return Grant(provider=table.provider, consumer=table.consumer, lab=table.lab, properties=terms)


def _moment_s(value: object, zone: ZoneInfo, where: str, *, whole_day: bool = False) -> int:
    """Seconds since 1970 of a moment or of the start of a day; ``whole_day``: of the end of that day."""
    try:
        if isinstance(value, datetime):
            return to_us((value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)) // SECOND_US
        if isinstance(value, date):
            day = value + timedelta(days=1) if whole_day else value
            return to_us(datetime.combine(day, time(), zone).astimezone(UTC)) // SECOND_US
    except (OverflowError, ValueError):
        pass
    raise RuimteError("is not a day", where, "write a day like 2026-12-31, without quotes")
