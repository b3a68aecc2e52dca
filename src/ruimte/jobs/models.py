"""The models of a lab: which one forecasts, which were before it, and how well each did when it was made.

They lie in ``DATA/models/LAB/``: a file a model, never overwritten, and ``register.json``, newest last. Where a lab has none of
its own, the model that comes with Ruimte forecasts.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import msgspec

from ruimte.errors import RuimteError
from ruimte.forecast.model_file import About, Bundle, decode, encode
from ruimte.forecast.score import Skill

FORMAT = 1
_DAY_H = 24
_MEND = "train again (ruimte train LAB), or go back to the model before it (ruimte train LAB --roll-back)"
_REGISTER = "register.json"
_SUFFIX = ".ruimte-model"


class SkillEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Skill over one range of horizons (hours), as measured when the model was made; baselines by name."""

    from_h: float
    until_h: float
    nmae: float
    baselines: dict[str, float]
    coverage: float | None
    pairs: int


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One model of a lab. ``origin``: learned from the lab's own past, or taken as it came."""

    id: str
    made: str
    origin: Literal["trained", "pretrained"]
    sources: list[str]
    until: list[str]
    sha256: str
    measured_from: str | None
    measured_until: str | None
    skill: list[SkillEntry]


class Register(msgspec.Struct, kw_only=True):
    """The lab's models, oldest first; ``active`` names the one that forecasts, None for the one that comes with Ruimte."""

    format: int = FORMAT
    active: str | None = None
    models: list[ModelEntry] = []


class Models:
    """The models of one lab. Every change is written whole or not at all."""

    def __init__(self, data: Path, lab: str) -> None:
        self.folder = data / "models" / lab

    def register(self) -> Register:
        """What there is. Raises ``RuimteError`` where the register cannot be read."""
        path = self.folder / _REGISTER
        if not path.exists():
            return Register()
        mend = "mend the file, or move it away: the model that comes with Ruimte then forecasts"
        try:
            found = msgspec.json.decode(path.read_bytes(), type=Register)
        except (OSError, msgspec.MsgspecError) as error:
            raise RuimteError(f"cannot be read ({error})", str(path), mend) from None
        if found.format > FORMAT:
            raise RuimteError(f"is of format {found.format}, newer than {FORMAT}", str(path), "update Ruimte")
        return found

    def add(self, bundle: Bundle, origin: Literal["trained", "pretrained"], measured: Measured | None) -> ModelEntry:
        """Keep a model and let it forecast from the next start of the node on; the one before it stays."""
        data = encode(bundle)
        digest = hashlib.sha256(data).hexdigest()
        id_ = f"{bundle.about.made.replace(':', '').replace('-', '')}-{digest[:8]}"
        entry = ModelEntry(
            id=id_,
            made=bundle.about.made,
            origin=origin,
            sources=bundle.about.sources,
            until=bundle.about.until,
            sha256=digest,
            measured_from=None if measured is None else measured.from_,
            measured_until=None if measured is None else measured.until,
            skill=[] if measured is None else skill_entries(measured.skill),
        )
        register = self.register()
        path = self.folder / f"{id_}{_SUFFIX}"
        known = path.exists()
        _write(path, data)
        register.models = [each for each in register.models if each.id != id_] + [entry]
        register.active = id_
        try:
            self._save(register)
        except RuimteError:
            if not known:  # a model that no register names would lie there for ever
                path.unlink(missing_ok=True)
            raise
        return entry

    def roll_back(self) -> ModelEntry | None:
        """Let the model before the active one forecast; None: the one that comes with Ruimte. Raises where there is none."""
        register = self.register()
        if register.active is None:
            raise RuimteError("has no model of its own to go back from", str(self.folder), "train one: ruimte train LAB")
        order = [each.id for each in register.models]
        at = order.index(register.active) if register.active in order else 0
        register.active = order[at - 1] if at > 0 else None
        self._save(register)
        return next((each for each in register.models if each.id == register.active), None)

    def load(self) -> Bundle:
        """The active model, or the one that comes with Ruimte. Raises ``RuimteError`` where the active one cannot be read."""
        active = self.register().active
        return shipped() if active is None else read_bundle(self.folder / f"{active}{_SUFFIX}", _MEND)

    def load_or_shipped(self) -> tuple[Bundle, str | None]:
        """The active model; where it cannot be read, the one that comes with Ruimte and what is wrong, in one line."""
        try:
            return self.load(), None
        except RuimteError as error:
            return shipped(), str(error)

    def _save(self, register: Register) -> None:
        _write(self.folder / _REGISTER, msgspec.json.format(msgspec.json.encode(register), indent=1) + b"\n")


def summary(entry: ModelEntry) -> str:
    """One model in one line: what it is, and how far off it was a day ahead when it was made, beside last week."""
    day = next((each for each in entry.skill if each.until_h == _DAY_H), None)
    told = f"{entry.id} ({entry.origin})"
    if day is None:
        return f"{told}: not measured here"
    span, week = f"{day.from_h:g}–{day.until_h:g} h ahead", day.baselines.get("last-week", float("nan"))
    return f"{told}: off by {day.nmae:.1%} of the mean count {span}, last week by {week:.1%}"


def judged_by(about: About, first: str) -> list[str]:
    """Which model is judged from local day ``first`` on, and whether it may have seen what it is judged on."""
    last = max(about.until, default="")
    told = f"model {about.name}, made {about.made or 'now'}, learned from counts until {last or 'an unknown day'}"
    if last <= first:
        return [told]
    return [
        told,
        f"it may have seen days that it is judged on, from {first}: where it learned from this city, it is no judge of itself",
    ]


class Measured(msgspec.Struct, frozen=True):
    """Skill, and the local days on which it was measured."""

    from_: str
    until: str
    skill: list[Skill]


def skill_entries(skill: list[Skill]) -> list[SkillEntry]:
    """Skill as it is written down."""
    return [
        SkillEntry(
            from_h=each.from_h,
            until_h=each.until_h,
            nmae=round(each.nmae, 4),
            baselines={name: round(value, 4) for name, value in each.baselines.items()},
            coverage=None if each.coverage != each.coverage else round(each.coverage, 3),
            pairs=each.pairs,
        )
        for each in skill
    ]


def read_bundle(path: Path, mend: str = "name a file that ruimte train or ruimte pretrain wrote") -> Bundle:
    """A model from a file. Raises ``RuimteError``, with the ``mend``, where there is none, or it is no model."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RuimteError(f"cannot be read ({error.strerror or error})", str(path), mend) from None
    return decode(data, str(path), mend)


def write_bundle(path: Path, bundle: Bundle) -> None:
    """Write a model to a file, whole or not at all. Raises ``RuimteError`` where it cannot be written."""
    _write(path, encode(bundle))


def shipped() -> Bundle:
    """The model that comes with Ruimte: see ``forecast/pretrained/README.md`` in the package for what it was learned from."""
    resource = files("ruimte.forecast").joinpath("pretrained", f"pretrained{_SUFFIX}")
    return decode(resource.read_bytes(), "the model that comes with Ruimte")


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):  # where a file stands in place of the folder there is nothing to take away
            part.unlink(missing_ok=True)
        mend = "make room, or name another folder with --data"
        raise RuimteError(f"cannot be written ({error.strerror or error})", str(path), mend) from None


def as_dict(register: Register) -> dict[str, Any]:
    """The register as JSON."""
    return msgspec.to_builtins(register)  # type: ignore[no-any-return]
