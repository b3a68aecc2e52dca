"""Addresses of the SensorThings API (OGC 18-088, clause 9.2): what comes after ``/v1.1/``, as steps to what is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from ruimte.sta.entities import ENTITIES, SETS, Entity, Link
from ruimte.sta.errors import StaError

LONGEST = 4000
"""Characters of an address; the standard asks for four levels, which take a hundredth of it."""
LARGEST_ID = 2**63 - 1

_STEP = re.compile(r"([A-Za-z]+)(?:\((.*)\))?", re.DOTALL)
_ID = re.compile(r"[0-9]{1,19}", re.ASCII)
_NESTED = ("object", "json", "list", "geometry")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: to an entity, by a link (none for the first step), and the id where one was given."""

    entity: Entity
    link: Link | None
    id: int | None

    @property
    def is_set(self) -> bool:
        """Whether the step leads to many entities."""
        return self.id is None and (self.link is None or self.link.many)


@dataclass(frozen=True, slots=True)
class Path:
    """An address: its steps, then perhaps a property (and keys inside it), ``$value`` or ``$ref``."""

    steps: tuple[Step, ...]
    prop: tuple[str, ...] = ()
    value: bool = False
    ref: bool = False

    @property
    def entity(self) -> Entity:
        """The kind of entity that the last step leads to."""
        return self.steps[-1].entity

    @property
    def is_set(self) -> bool:
        """Whether the address is that of a set (perhaps of its references)."""
        return not self.prop and self.steps[-1].is_set

    @property
    def parent(self) -> Path | None:
        """The address of the entity before the last step; None for a set or an entity at the root."""
        return Path(self.steps[:-1]) if len(self.steps) > 1 else None

    def __str__(self) -> str:
        """The address as it is written in a link.

        >>> str(parse_path("Things(1)/properties/Gr%C3%B6%C3%9Fe"))
        'Things(1)/properties/Gr%C3%B6%C3%9Fe'
        """
        names = [step.link.name if step.link else step.entity.set_name for step in self.steps]
        parts = [name if step.id is None else f"{name}({step.id})" for name, step in zip(names, self.steps, strict=True)]
        parts += [quote(key, safe="") for key in self.prop]
        return "/".join([*parts, *(["$value"] if self.value else []), *(["$ref"] if self.ref else [])])


def parse_path(text: str) -> Path:
    """Read an address, percent-encoded as it came in a URL or plain as in an MQTT topic.

    Raises ``StaError``: 404 for an address that leads nowhere, 400 for one that cannot be read.

    >>> path = parse_path("Things(1)/Datastreams(2)/Observations")
    >>> path.entity.name, path.is_set, path.steps[1].id
    ('Observation', True, 2)
    >>> parse_path("Datastreams(1)/unitOfMeasurement/name/$value").prop
    ('unitOfMeasurement', 'name')
    """
    segments = _segments(text)
    steps: list[Step] = []
    for position, segment in enumerate(segments):
        if steps and (segment.startswith("$") or _is_property(steps[-1], segment)):
            return _ending(tuple(steps), segments[position:], text)
        steps.append(_step(steps[-1] if steps else None, segment))
    return Path(tuple(steps))


def _segments(text: str) -> list[str]:
    if len(text) > LONGEST:
        raise StaError("the address is too long", text[:60] + "...", f"use at most {LONGEST} characters")
    try:
        segments = [unquote(part, errors="strict") for part in text.strip("/").split("/")]
    except UnicodeDecodeError:
        raise StaError("the address is not UTF-8", text[:60], "percent-encode its UTF-8 bytes") from None
    if any("\0" in segment for segment in segments):
        raise StaError("the address holds a null character", text[:60], "leave it out")
    if "" in segments:
        raise _nowhere("an empty step leads nowhere", text, "see the root for the sets")
    return segments


def _is_property(step: Step, segment: str) -> bool:
    return not step.is_set and segment in step.entity.properties


def _step(before: Step | None, segment: str) -> Step:
    match = _STEP.fullmatch(segment)
    if match is None and ("(" in segment) != (")" in segment):
        raise StaError(f"{_short(segment)} is not closed", mend="write an id as in Things(1)")
    name, id_text = match.groups() if match else (segment, None)
    if before is None:
        if name not in SETS:
            raise _nowhere(f"there is no set {_short(name)}", mend="see the root for the sets")
        return Step(SETS[name], None, _id(id_text, segment))
    if before.is_set:
        raise _nowhere(f"{_short(segment)} after a whole set leads nowhere", mend=f"choose one: {before.entity.set_name}(id)")
    link = before.entity.links.get(name)
    if link is None:
        raise _nowhere(f"{before.entity.name} has no {_short(name)}", mend=f"it leads to {', '.join(before.entity.links)}")
    if id_text is not None and not link.many:
        raise _nowhere(f"{name} leads to one {link.target}", segment, "leave out the id")
    return Step(ENTITIES[link.target], link, _id(id_text, segment))


def _id(text: str | None, segment: str) -> int | None:
    if text is None:
        return None
    number = text.strip()
    if not _ID.fullmatch(number) or int(number) > LARGEST_ID:
        raise _nowhere(f"there is no {_short(segment)}", mend="ids are whole numbers")
    return int(number)


def _ending(steps: tuple[Step, ...], rest: list[str], text: str) -> Path:
    """What comes after the last entity: ``$ref``, or a property with keys inside it and perhaps ``$value``."""
    if rest == ["$ref"]:
        return Path(steps, ref=True)
    value = rest[-1] == "$value"
    keys = tuple(rest[:-1] if value else rest)
    if not keys:
        raise StaError("$value needs a property before it", text, "as in Things(1)/name/$value")
    if keys[0].startswith("$"):
        raise _nowhere(f"{_short(keys[0])} leads nowhere", text, "only $ref and $value end an address")
    if len(keys) > 1 and steps[-1].entity.properties[keys[0]].kind not in _NESTED:
        raise _nowhere(f"{keys[0]} holds nothing inside", text, "end the address there")
    return Path(steps, keys, value)


def _nowhere(what: str, where: str = "", mend: str = "") -> StaError:
    return StaError(what, where[:120], mend, status=404)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
