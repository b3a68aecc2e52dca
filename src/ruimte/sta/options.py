"""Query options (OGC 18-088, clause 9.3): ``$expand $select $orderby $top $skip $count $filter $resultFormat``, and back as text.

Options of an expanded link stand in parentheses, separated by ``;``. ``$skiptoken`` is our own: where the next page begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote

from ruimte.sta.entities import ENTITIES, Entity, Link
from ruimte.sta.errors import StaError
from ruimte.sta.filter import parse_filter, parse_orderby
from ruimte.sta.path import LARGEST_ID
from ruimte.sta.tree import Node, show

LONGEST = 32_768
DEEPEST = 8
MOST_EXPANDS = 40

_NAMES = ("expand", "select", "orderby", "top", "skip", "count", "filter", "resultFormat", "skiptoken")
_NESTED = ("expand", "select", "orderby", "top", "skip", "count", "filter")
_WHOLE = re.compile(r"[0-9]{1,19}", re.ASCII)
_TOKEN = re.compile(r"[0-9,-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Expand:
    """A link that is to be shown with what it leads to, by options of its own."""

    link: Link
    options: Options

    @property
    def entity(self) -> Entity:
        """What the link leads to."""
        return ENTITIES[self.link.target]


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of a set or an entity. ``select`` is None where everything is shown; a key of ``orderby`` is a value and
    whether it falls; ``skip_token`` are the keys of the last row of the page before."""

    expand: tuple[Expand, ...] = ()
    select: tuple[str, ...] | None = None
    orderby: tuple[tuple[Node, bool], ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    filter: Node | None = None
    result_format: str | None = None
    skip_token: tuple[int, ...] | None = None

    def query(self) -> str:
        """The options as a query string that reads back as the same options.

        >>> parse_options("$filter=id%20gt%205&$top=2", ENTITIES["Thing"]).query()
        '$filter=id%20gt%205&$top=2'
        """
        return "&".join(f"${name}={quote(text, safe=_SAFE)}" for name, text in _texts(self))


NO_OPTIONS = Options()
_SAFE = "/(),:;$'*@"
"""Signs that a query string may hold as they are."""


def parse_options(query: str, entity: Entity) -> Options:
    """Read the query string of an address that leads to ``entity`` (one or many), percent-encoded as it came.

    Raises ``StaError``: 400 for what cannot be read, 501 for an option that is not served.

    >>> options = parse_options("$expand=Datastreams($top=1;$select=name)&$orderby=name%20desc", ENTITIES["Thing"])
    >>> options.expand[0].options.top, options.expand[0].options.select, options.orderby[0][1]
    (1, ('name',), True)
    """
    if len(query) > LONGEST:
        raise StaError("the query is too long", mend=f"use at most {LONGEST} characters")
    found: dict[str, str] = {}
    for part in query.split("&"):
        if part:
            name, _, text = part.partition("=")
            _enter(found, _decoded(name), _decoded(text), _NAMES)
    return _options(found, entity, _Budget())


@dataclass(slots=True)
class _Budget:
    """How many links may still be expanded."""

    left: int = field(default=MOST_EXPANDS)


def _decoded(text: str) -> str:
    try:
        decoded = unquote(text.replace("+", " "), errors="strict")
    except UnicodeDecodeError:
        raise StaError("the query is not UTF-8", mend="percent-encode its UTF-8 bytes") from None
    if "\0" in decoded:
        raise StaError("the query holds a null character", mend="leave it out")
    return decoded


def _enter(found: dict[str, str], name: str, text: str, served: tuple[str, ...]) -> None:
    """Take one option up. Raises ``StaError`` for an unknown one, and one that is given twice."""
    if not name.startswith("$"):
        raise StaError(f"{_short(name)} is no query option", mend="options begin with $, as $filter does")
    if name[1:] not in served:
        where = "in $expand" if name[1:] in _NAMES else ""
        raise StaError(f"{_short(name)} is not served", where, f"served are ${', $'.join(served[:8])}", status=501)
    if name[1:] in found:
        raise StaError(f"{name} is given twice", mend="give each option once")
    found[name[1:]] = text


def _options(found: dict[str, str], entity: Entity, budget: _Budget, depth: int = 0) -> Options:
    count = found.get("count", "false").strip()
    if count not in ("true", "false"):
        raise StaError(f"{_short(count)} is neither true nor false", "$count", "write $count=true")
    token = found.get("skiptoken")
    return Options(
        expand=_expand(found["expand"], entity, budget, depth) if "expand" in found else (),
        select=_select(found["select"], entity) if "select" in found else None,
        orderby=parse_orderby(found["orderby"], entity) if "orderby" in found else (),
        top=_whole("$top", found["top"]) if "top" in found else None,
        skip=_whole("$skip", found.get("skip", "0")),
        count=count == "true",
        filter=parse_filter(found["filter"], entity) if "filter" in found else None,
        result_format=found["resultFormat"].strip() if "resultFormat" in found else None,
        skip_token=None if token is None else _token(token),
    )


def _whole(name: str, text: str) -> int:
    number = text.strip()
    if not _WHOLE.fullmatch(number) or int(number) > LARGEST_ID:
        raise StaError(f"{_short(text)} is no whole number of 0 or more", name, f"as in {name}=10")
    return int(number)


def _token(text: str) -> tuple[int, ...]:
    numbers = text.split(",")
    if not _TOKEN.fullmatch(text) or not all(re.fullmatch(r"-?[0-9]{1,19}", each, re.ASCII) for each in numbers):
        raise StaError("not a place in this set", "$skiptoken", "use a nextLink as it came")
    keys = tuple(int(each) for each in numbers)
    if any(abs(key) > LARGEST_ID for key in keys):
        raise StaError("not a place in this set", "$skiptoken", "use a nextLink as it came")
    return keys


def _select(text: str, entity: Entity) -> tuple[str, ...] | None:
    """Names of properties and links, ``id`` for ``@iot.id``; None for all of them."""
    names: list[str] = []
    for part in text.split(","):
        name = part.strip()
        if name == "*":
            return None
        name = "id" if name == "@iot.id" else name
        if name != "id" and name not in entity.properties and name not in entity.links:
            known = ", ".join(["id", *entity.properties, *entity.links])
            raise StaError(f"{entity.name} has no {_short(name)}", "$select", f"it has {known}")
        if name not in names:
            names.append(name)
    return tuple(names)


def _expand(text: str, entity: Entity, budget: _Budget, depth: int) -> tuple[Expand, ...]:
    """Links separated by commas; those that begin alike (``Datastreams/Sensor,Datastreams/Observations``) become one."""
    found: dict[str, Expand] = {}
    for item in _split(text, ","):
        one = _one(item.strip(), entity, budget, depth)
        before = found.get(one.link.name)
        found[one.link.name] = one if before is None else _joined(before, one)
    return tuple(found.values())


def _one(item: str, entity: Entity, budget: _Budget, depth: int) -> Expand:
    """A path of links, perhaps with the last one's options in parentheses."""
    budget.left -= 1
    if budget.left < 0:
        raise StaError("too many links", "$expand", f"expand at most {MOST_EXPANDS}")
    if depth >= DEEPEST:
        raise StaError("too many links within each other", "$expand", f"nest at most {DEEPEST} deep")
    path, parenthesis, inner = item.partition("(")
    name, slash, rest = path.partition("/")
    link = entity.links.get(name.strip())
    if link is None:
        raise StaError(f"{entity.name} has no link {_short(name)}", "$expand", f"it leads to {', '.join(entity.links)}")
    target = ENTITIES[link.target]
    if slash:
        return Expand(link, Options(expand=(_one(rest + parenthesis + inner, target, budget, depth + 1),)))
    if not parenthesis:
        return Expand(link, NO_OPTIONS)
    if not inner.endswith(")"):
        raise StaError(f"the options of {name} do not end with ')'", "$expand", "as in Datastreams($top=1;$select=name)")
    found: dict[str, str] = {}
    for part in _split(inner[:-1], ";"):
        if part.strip():
            option, _, text = part.strip().partition("=")
            _enter(found, option.strip(), text, _NESTED)
    return Expand(link, _options(found, target, budget, depth + 1))


def _joined(one: Expand, other: Expand) -> Expand:
    """Two expansions of one link as one: what both expand, and the other options of the one that has them."""
    expands = {each.link.name: each for each in one.options.expand}
    for each in other.options.expand:
        expands[each.link.name] = _joined(expands[each.link.name], each) if each.link.name in expands else each
    bare = [replace(each.options, expand=()) for each in (one, other)]
    if NO_OPTIONS not in bare and bare[0] != bare[1]:
        raise StaError(f"{one.link.name} is expanded twice with different options", "$expand", "name it once")
    options = bare[0] if bare[1] == NO_OPTIONS else bare[1]
    return Expand(one.link, replace(options, expand=tuple(expands.values())))


def _split(text: str, sign: str) -> Iterator[str]:
    """The parts between signs that stand outside quotes and parentheses.

    >>> list(_split("a($x=1,2),b", ","))
    ['a($x=1,2)', 'b']
    """
    begin, open_, quoted = 0, 0, False
    for at, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted and letter in "()":
            open_ += 1 if letter == "(" else -1
        elif letter == sign and not quoted and open_ == 0:
            yield text[begin:at]
            begin = at + 1
    if quoted or open_:
        raise StaError("a quote or parenthesis is not closed", "$expand", "as in Datastreams($top=1;$select=name)")
    yield text[begin:]


def _texts(options: Options) -> Iterator[tuple[str, str]]:
    """Every option that differs from its default, as name and text."""
    if options.result_format is not None:
        yield "resultFormat", options.result_format
    if options.expand:
        yield "expand", ",".join(map(_show_expand, options.expand))
    if options.select is not None:
        yield "select", ",".join(options.select)
    if options.filter is not None:
        yield "filter", show(options.filter)
    if options.orderby:
        yield "orderby", ",".join(show(node) + (" desc" if falls else "") for node, falls in options.orderby)
    if options.count:
        yield "count", "true"
    if options.top is not None:
        yield "top", str(options.top)
    if options.skip:
        yield "skip", str(options.skip)
    if options.skip_token is not None:
        yield "skiptoken", ",".join(map(str, options.skip_token))


def _show_expand(expand: Expand) -> str:
    inner = ";".join(f"${name}={text}" for name, text in _texts(expand.options))
    return f"{expand.link.name}({inner})" if inner else expand.link.name


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
