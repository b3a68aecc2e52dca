"""Requests to a SensorThings service: from right to slightly wrong to noise. Hypothesis strategies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from .vocabulary import BODIES, EDGES, FUNCTIONS, LINKS, LITERALS, MULTIPART, OPERATORS, PLAIN, PROPERTIES, SETS, SINGLES

noise = st.text(max_size=30) | st.sampled_from(
    ["%00", "%", "%zz", "%ff%fe", "\x00", "(" * 200, "not " * 200, "-" * 300, "'" * 99, "/" * 50]
)
numbers = st.integers() | st.floats() | st.sampled_from([2**31, 2**53, 2**63, 2**64, -(2**63), 1e308])
scalars = (
    st.none()
    | st.booleans()
    | numbers
    | st.text(max_size=20)
    | st.sampled_from(["\x00", "\ud800", "2026-01-01T00:00:00Z", "x" * 5000])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=8
)

operands = st.recursive(
    st.sampled_from(PROPERTIES) | st.sampled_from(LITERALS),
    lambda inner: st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds("({})".format, inner),
        st.builds("not {}".format, inner),
        st.builds("-{}".format, inner),
        st.builds(lambda name, parts: f"{name}({','.join(parts)})", st.sampled_from(FUNCTIONS), st.lists(inner, max_size=3)),
    ),
    max_leaves=6,
)
whole_numbers = st.integers(-2, 2000).map(str) | st.integers().map(str) | noise
option_values: dict[str, st.SearchStrategy[str]] = {
    "filter": operands | noise,
    "orderby": st.lists(
        st.builds("{} {}".format, st.sampled_from(PROPERTIES), st.sampled_from(["", "asc", "desc", "up"])), max_size=3
    ).map(",".join)
    | noise,
    "select": st.lists(st.sampled_from([*PROPERTIES, *SETS, *SINGLES]), max_size=4).map(",".join) | noise,
    "top": whole_numbers,
    "skip": whole_numbers,
    "count": st.sampled_from(["true", "false", "TRUE", "1"]) | noise,
    "resultFormat": st.sampled_from(["dataArray", "CSV", "GeoJSON", "csv", "xml"]) | noise,
    "skiptoken": noise,
    "search": noise,
}


def _expand(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    option = st.builds("${}={}".format, st.sampled_from(["filter", "top", "select", "count", "orderby"]), operands) | st.builds(
        "$expand={}".format, inner
    )
    link = st.lists(st.sampled_from([*SETS, *SINGLES]), min_size=1, max_size=5).map("/".join)
    one = link | st.builds(lambda name, options: f"{name}({';'.join(options)})", link, st.lists(option, max_size=3))
    return st.lists(one, min_size=1, max_size=3).map(",".join)


comparisons = st.recursive(
    st.builds("{} {} {}".format, st.sampled_from(PROPERTIES[:-1]), st.sampled_from(OPERATORS[:6]), st.sampled_from(LITERALS)),
    lambda inner: (
        st.builds("{} {} {}".format, inner, st.sampled_from(["and", "or"]), inner) | st.builds("not ({})".format, inner)
    ),
    max_leaves=4,
)
option_values["expand"] = st.recursive(st.sampled_from(SETS + SINGLES), _expand, max_leaves=4) | noise
option = st.one_of(
    [st.tuples(st.just(f"${name}"), strategy) for name, strategy in option_values.items()] + [st.tuples(noise, noise)]
)
options = st.lists(option, max_size=4)
likely_option = st.one_of(
    st.tuples(st.just("$filter"), comparisons),
    st.tuples(st.just("$filter"), operands),
    st.tuples(st.just("$orderby"), st.sampled_from([f"{name} desc" for name in PROPERTIES])),
    st.tuples(st.just("$select"), st.sampled_from(["id", "name", "result", "name,Datastreams", "properties/a"])),
    st.tuples(st.just("$top"), st.integers(0, 30).map(str)),
    st.tuples(st.just("$skip"), st.integers(0, 30).map(str)),
    st.tuples(st.just("$count"), st.sampled_from(["true", "false"])),
    st.tuples(st.just("$resultFormat"), st.sampled_from(["dataArray", "CSV", "GeoJSON"])),
)

step = st.one_of(
    st.sampled_from(SETS),
    st.builds(
        "{}({})".format,
        st.sampled_from(SETS),
        st.sampled_from(["{id}", "{id}", "{id}", "0", "-1", "99999999999999999999", "'a'", ""]),
    ),
    st.sampled_from(SINGLES),
    st.sampled_from(["name", "properties", "result", "$value", "$ref", "$count", "$batch", "CreateObservations", "api"]),
    noise,
)
paths = st.lists(step, min_size=1, max_size=5).map("/".join)


@dataclass(frozen=True, slots=True)
class Case:
    """A request: ``{id}`` in it stands for an id that exists, when it is sent."""

    method: str
    path: str
    options: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    kind: str | None = "application/json"

    def query(self) -> bytes:
        return "&".join(f"{_quoted(name, '$')}={_quoted(value, '')}" for name, value in self.options).encode()


def _quoted(text: str, safe: str) -> str:
    """Percent-encoded, but for noise that is already meant to be raw."""
    return text if text.startswith("%") and text.isascii() and text.isprintable() else quote(text, safe=safe, errors="replace")


def quoted_path(path: str) -> bytes:
    """The path as bytes of a request line; noise that is an escape stays as it is."""
    return quote(path, safe="/()$%,='@;:[]", errors="replace").encode()


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a JSON value something can be changed."""
    inner: list[tuple[Any, ...]] = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        inner += _places(part, (*path, key))
    return inner


@st.composite
def mutated(draw: st.DrawFn, body: Any) -> Any:
    """The body with a few places taken away, replaced or added to; sometimes as it is."""
    body = json.loads(json.dumps(body))
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2, 3]))):
        places = _places(body)
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        holder = body
        for key in way:
            holder = holder[key]
        change = draw(st.sampled_from(["replace", "remove", "add", "link", "time"]))
        if change == "remove":
            del holder[last]
        elif change == "add" and isinstance(holder, dict):
            holder[draw(st.text(max_size=8) | st.sampled_from(PROPERTIES + SETS + SINGLES))] = draw(values)
        elif change == "link":
            holder[last] = {"@iot.id": draw(st.sampled_from(["{id}", 1, 0, -1, 2**70, "x", None, 1.5]))}
        else:
            holder[last] = draw(st.sampled_from(EDGES) if change == "time" else values)
    return body


@st.composite
def reads(draw: st.DrawFn) -> Case:
    """Any reading request."""
    return Case(
        draw(st.sampled_from(["GET", "GET", "GET", "GET", "HEAD", "OPTIONS"])), draw(paths), tuple(draw(options)), kind=None
    )


@st.composite
def likely_reads(draw: st.DrawFn) -> Case:
    """A reading request as a client would send it: addresses that exist, options that mean something."""
    name = draw(st.sampled_from(SETS))
    link = draw(st.sampled_from(LINKS[name]))
    path = draw(st.sampled_from([name, f"{name}({{id}})", f"{name}({{id}})/{link}", f"{name}({{id}})/{link}/$ref"]))
    chosen = dict(draw(st.lists(likely_option, max_size=4)))
    if draw(st.booleans()):
        last = link if path.endswith(link) and link in LINKS else name
        chosen["$expand"] = draw(st.sampled_from(LINKS[last])) + draw(
            st.sampled_from(["", "($top=2)", "($count=true;$orderby=id desc)"])
        )
    return Case("GET", path, tuple(chosen.items()), kind=None)


@st.composite
def writes(draw: st.DrawFn) -> Case:
    """A valid body at its place, or changed, or elsewhere."""
    name = draw(st.sampled_from(list(BODIES)))
    method = draw(st.sampled_from(["POST", "POST", "POST", "PATCH", "PUT", "DELETE"]))
    path = name if draw(st.booleans()) or method == "POST" else draw(paths)
    if method != "POST" and "(" not in path and path in SETS:
        path += "({id})"
    body = json.dumps(draw(mutated(BODIES[name]))).encode("utf-8", "replace")
    kind = draw(st.sampled_from(["application/json", "application/json", "application/json-patch+json", "text/plain", None]))
    return Case(method, path, (), body, kind)


@st.composite
def changes(draw: st.DrawFn) -> Case:
    """PATCH with some of an entity's properties, PUT with all of them; sometimes changed."""
    name = draw(st.sampled_from(list(PLAIN)))
    method = draw(st.sampled_from(["PATCH", "PUT"]))
    kept = draw(st.sets(st.sampled_from(list(PLAIN[name])), min_size=1)) if method == "PATCH" else set(PLAIN[name])
    body = draw(mutated({key: value for key, value in PLAIN[name].items() if key in kept}))
    return Case(method, f"{name}({{id}})", (), json.dumps(body).encode("utf-8", "replace"))


@st.composite
def patches(draw: st.DrawFn) -> Case:
    """JSON Patch documents."""
    pointer = st.sampled_from(
        ["/name", "/properties", "/properties/a", "/properties/a/b", "/-", "", "/result", "/@iot.id", "/~2"]
    ) | st.text(max_size=8)
    operation = st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "x"]), "path": pointer},
        optional={"value": values, "from": pointer},
    )
    body = json.dumps(draw(st.lists(operation, max_size=4) | values)).encode("utf-8", "replace")
    return Case("PATCH", draw(st.sampled_from(SETS)) + "({id})", (), body, "application/json-patch+json")


@st.composite
def garbage(draw: st.DrawFn) -> Case:
    """Bytes where a body should be, and multipart bodies with holes."""
    method = draw(st.sampled_from(["POST", "PATCH", "PUT", "DELETE", "TRACE", "PROPFIND"]))
    path = draw(st.sampled_from(list(BODIES)) | paths)
    if draw(st.booleans()):
        cut = sorted(draw(st.lists(st.integers(0, len(MULTIPART)), min_size=2, max_size=2)))
        body = MULTIPART[: cut[0]] + draw(st.binary(max_size=20)) + MULTIPART[cut[1] :]
        return Case(
            "POST",
            "$batch",
            (),
            body,
            draw(st.sampled_from(["multipart/mixed;boundary=b", "multipart/mixed", "multipart/mixed;boundary="])),
        )
    deep = st.sampled_from(
        [b"[" * 5000, b'{"a":' * 5000, b"\xff\xfe", b'{"name":1e999}', b'{"name":"\\ud800"}', b'{"a":1,"a":2}']
    )
    return Case(method, path, tuple(draw(options)), draw(st.binary(max_size=200) | deep), "application/json")


requests = st.one_of(reads(), likely_reads(), likely_reads(), writes(), writes(), changes(), patches(), garbage())
