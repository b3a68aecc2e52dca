"""What holds of every address, filter and query: trees read back, the database agrees with plain Python, and nothing else than a
``StaError`` comes of any text."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ruimte.sta.entities import ENTITIES, SETS
from ruimte.sta.errors import StaError
from ruimte.sta.filter import FUNCTIONS, parse_filter
from ruimte.sta.options import NO_OPTIONS, Options, parse_options
from ruimte.sta.path import parse_path
from ruimte.sta.tree import Binary, Call, Field, Logic, Minus, Not, Value, show
from ruimte.store.sqlite import Store
from ruimte.store.sta.read import read
from ruimte.store.sta.write import create

BASE = "http://localhost/sta/v1.1"
NOW_US = 1_777_298_400_000_000
DAY_US = 86_400_000_000

# ---- trees ----

LETTERS = st.characters(codec="utf-8", exclude_characters="\0")
INSTANTS = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
VALUES = st.one_of(
    st.text(LETTERS, max_size=8).map(lambda text: Value("text", text)),
    st.integers(0, 2**63 - 1).map(lambda number: Value("number", number)),
    st.floats(0, allow_nan=False, allow_infinity=False).map(lambda number: Value("number", number)),
    st.booleans().map(lambda truth: Value("boolean", truth)),
    st.just(Value("null", None)),
    INSTANTS.map(lambda us: Value("instant", us)),
    st.tuples(INSTANTS, INSTANTS).map(lambda pair: Value("interval", tuple(sorted(pair)))),
    st.integers(-719_162, 2_932_896).map(lambda days: Value("date", days)),
    st.integers(0, DAY_US - 1).map(lambda us: Value("time", us)),
    st.integers(-(10**15), 10**15).map(lambda us: Value("duration", us)),
    st.sampled_from(["POINT (4 52)", "LINESTRING (0 0, 1.5 -1)"]).map(lambda text: Value("geometry", text)),
)
FIELDS = st.sampled_from(
    [
        "result",
        "id",
        "result[0]/in",
        "parameters/floor-1/größe",
        "phenomenonTime",
        "Datastream/Thing/properties/a[2]",
        "FeatureOfInterest/feature",
        "MultiDatastream/ObservedProperties/name",
    ]
).map(lambda text: parse_filter(text, ENTITIES["Observation"]))


def calls(arguments):
    def call(name):
        least, most = FUNCTIONS[name]
        return st.lists(arguments, min_size=least, max_size=most).map(lambda given: Call(name, tuple(given)))

    return st.sampled_from(sorted(FUNCTIONS)).flatmap(call)


OPERATORS = ["eq", "ne", "gt", "ge", "lt", "le", "add", "sub", "mul", "div", "mod"]
TREES = st.recursive(
    VALUES | FIELDS,
    lambda inner: st.one_of(
        calls(inner),
        inner.map(Not),
        inner.map(Minus),
        st.builds(Binary, st.sampled_from(OPERATORS), inner, inner),
        st.builds(Logic, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=4).map(tuple)),
    ),
    max_leaves=12,
)


@given(TREES)
@settings(max_examples=300, deadline=None)
def test_a_tree_as_text_reads_back_as_the_same_tree(tree):
    assert parse_filter(show(tree), ENTITIES["Observation"]) == tree


@given(TREES, st.lists(st.tuples(FIELDS, st.booleans()), max_size=3), st.none() | st.integers(0, 2**63 - 1), st.booleans())
@settings(max_examples=200, deadline=None)
def test_options_as_a_query_read_back_as_the_same_options(tree, orderby, top, count):
    entity = ENTITIES["Observation"]
    options = Options(filter=tree, orderby=tuple(orderby), top=top, count=count, select=("id", "result"))
    assert parse_options(options.query(), entity) == options
    nested = parse_options(f"$expand=Observations({options.query().replace('&', ';')})", ENTITIES["Datastream"])
    assert nested.expand[0].options == options
    assert parse_options(nested.query(), ENTITIES["Datastream"]) == nested


# ---- the database and plain Python ----

NUMBERS = [None, 0, 1, 2, 2.5, -3, 10]
TEXTS = [None, "", "a", "Ab ", "busy", "it's", "100%", "ß"]
THINGS = [
    {
        "name": f"{TEXTS[1 + k % 7]}{k % 5}",
        "description": TEXTS[1 + k % 5],
        "n": NUMBERS[k % 7],
        "t": TEXTS[k % 8],
        "b": [None, True, False][k % 3],
    }
    for k in range(56)
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """56 Things with properties of every kind, each with as many Datastreams as its number modulo 3."""
    with Store(Path(tmp_path_factory.mktemp("sta")) / "sta.db", "test", durable=False) as opened:
        opened.write(_fill).result()
        yield opened


def _fill(connection):
    for number, each in enumerate(THINGS):
        place = {
            "name": "p",
            "description": "",
            "encodingType": "application/geo+json",
            "location": {"type": "Point", "coordinates": [number, 52]},
        }
        streams = [
            {
                "name": f"stream {k}",
                "description": "",
                "observationType": "count",
                "unitOfMeasurement": {"name": "persons"},
                "Sensor": {"name": "s", "description": "", "encodingType": "text", "metadata": "m"},
                "ObservedProperty": {"name": "o", "definition": "d", "description": ""},
                "Observations": [{"result": result} for result in (k, 2.5, "busy", True, {"in": [k]}, None)],
            }
            for k in range(number % 3)
        ]
        properties = {key: each[key] for key in "ntb" if key != "n" or number % 2}
        body = {
            "name": each["name"],
            "description": each["description"],
            "properties": properties,
            "Locations": [place],
            "Datastreams": streams,
        }
        create(connection, parse_path("Things"), body, NOW_US)


NAME, DESCRIPTION, ID = Field((), "name"), Field((), "description"), Field((), "id")
N, T, B = (Field((), "properties", (key,)) for key in "ntb")
number_leaves = st.sampled_from([N, ID, *(Value("number", number) for number in (0, 1, 2, 2.5, 3, 10))])
text_leaves = st.sampled_from([NAME, DESCRIPTION, T, *(Value("text", text) for text in TEXTS[1:])])
texts = st.recursive(
    text_leaves,
    lambda inner: st.one_of(
        st.builds(lambda name, text: Call(name, (text,)), st.sampled_from(["tolower", "toupper", "trim"]), inner),
        st.builds(lambda one, other: Call("concat", (one, other)), inner, inner),
        st.builds(lambda text, begin: Call("substring", (text, begin)), inner, number_leaves),
        st.builds(lambda text, begin, size: Call("substring", (text, begin, size)), inner, number_leaves, number_leaves),
    ),
    max_leaves=4,
)
numbers = st.recursive(
    number_leaves
    | st.builds(lambda text: Call("length", (text,)), texts)
    | st.builds(lambda a, b: Call("indexof", (a, b)), texts, texts),
    lambda inner: st.one_of(
        inner.map(Minus),
        st.builds(Binary, st.sampled_from(["add", "sub", "mul", "div", "mod"]), inner, inner),
        st.builds(lambda name, number: Call(name, (number,)), st.sampled_from(["floor", "ceiling", "round"]), inner),
    ),
    max_leaves=5,
)
COMPARISONS = ["eq", "ne", "gt", "ge", "lt", "le"]
conditions = st.recursive(
    st.one_of(
        st.builds(Binary, st.sampled_from(COMPARISONS), numbers, numbers),
        st.builds(Binary, st.sampled_from(COMPARISONS), texts, texts),
        st.builds(
            Binary, st.sampled_from(["eq", "ne"]), st.just(B), st.sampled_from([Value("boolean", True), Value("boolean", False)])
        ),
        st.builds(Binary, st.sampled_from(COMPARISONS), texts | numbers | st.just(B), st.just(Value("null", None))),
        st.builds(
            lambda name, a, b: Call(name, (a, b)), st.sampled_from(["substringof", "startswith", "endswith"]), texts, texts
        ),
        st.just(B),
        st.sampled_from(["stream 0", "stream 1", "none"]).map(
            lambda name: Binary("eq", Field((ENTITIES["Thing"].links["Datastreams"],), "name"), Value("text", name))
        ),
    ),
    lambda inner: st.one_of(
        inner.map(Not),
        st.builds(Logic, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(
            Binary, st.sampled_from(["eq", "ne"]), inner, st.sampled_from([Value("boolean", True), Value("boolean", False)])
        ),
    ),
    max_leaves=6,
)


def evaluate(node, row):
    """The value of a tree for a Thing, by the rules of OData and nothing of the database."""
    if isinstance(node, Value):
        return node.value
    if isinstance(node, Field):
        return _field(node, row)
    if isinstance(node, Call):
        return _call(node.function, [evaluate(each, row) for each in node.arguments])
    if isinstance(node, Not):
        truth = evaluate(node.operand, row)
        return None if truth is None else not truth
    if isinstance(node, Minus):
        number = evaluate(node.operand, row)
        return None if number is None else -number
    if isinstance(node, Logic):
        truths = [evaluate(each, row) for each in node.operands]
        decided = node.operator == "or"
        return decided if decided in truths else None if None in truths else not decided
    return _binary(node, row)


def _field(node, row):
    if node.links:
        raise AssertionError("links are evaluated where they are compared")
    return row[node.keys[0]] if node.keys else row[node.name]


def _call(name, given):
    if None in given:
        return None
    first, rest = given[0], given[1:]
    if name == "substring":
        begin = max(int(rest[0]), 0)
        return first[begin:] if len(rest) == 1 else first[begin : begin + max(int(rest[1]), 0)]
    functions = {
        "tolower": lambda text: text.lower(),
        "toupper": lambda text: text.upper(),
        "trim": lambda text: text.strip(),
        "concat": lambda one, other: one + other,
        "length": len,
        "indexof": lambda text, part: text.find(part),
        "substringof": lambda part, text: part in text,
        "startswith": lambda text, part: text.startswith(part),
        "endswith": lambda text, part: text.endswith(part),
        "floor": math.floor,
        "ceiling": math.ceil,
        "round": lambda number: math.copysign(math.floor(abs(number) + 0.5), number),
    }
    return functions[name](*given)


def _binary(node, row):
    if isinstance(node.left, Field) and node.left.links:
        return node.right.value in row["streams"]
    left, right = evaluate(node.left, row), evaluate(node.right, row)
    if node.operator in ("eq", "ne"):
        return (left == right) == (node.operator == "eq")
    if left is None or right is None:
        return None if node.operator not in COMPARISONS else False
    if node.operator in ("div", "mod"):
        if right == 0:
            return None
        return left / right if node.operator == "div" else math.fmod(left, right)
    calculate = {
        "add": lambda: left + right,
        "sub": lambda: left - right,
        "mul": lambda: left * right,
        "gt": lambda: left > right,
        "ge": lambda: left >= right,
        "lt": lambda: left < right,
        "le": lambda: left <= right,
    }
    return calculate[node.operator]()


def rows():
    for number, each in enumerate(THINGS):
        streams = [f"stream {k}" for k in range(number % 3)]
        yield each | {"id": number + 1, "n": each["n"] if number % 2 else None, "streams": streams}


@given(conditions)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_database_finds_what_plain_python_finds(store, tree):
    wanted = [row["id"] for row in rows() if evaluate(tree, row) is True]
    path, options = parse_path("Things"), parse_options(Options(filter=tree, count=True).query(), ENTITIES["Thing"])
    answer = store.read(lambda c: read(c, path, options, BASE, NOW_US))
    assert [row["@iot.id"] for row in answer.rows] == wanted
    assert answer.count == len(wanted)


@given(numbers | texts, st.booleans(), st.integers(1, 60))
@settings(max_examples=100, deadline=None)
def test_pages_of_any_order_are_the_whole_set_in_that_order(store, key, falls, top):
    path, options = parse_path("Things"), Options(orderby=((key, falls),), top=top, select=("id",))
    found = []
    while True:
        answer = store.read(lambda c, o=options: read(c, path, o, BASE, NOW_US))
        found += [row["@iot.id"] for row in answer.rows]
        if answer.next_link is None:
            break
        options = parse_options(answer.next_link.partition("?")[2], ENTITIES["Thing"])
    values = {row["id"]: evaluate(key, row) for row in rows()}
    assert sorted(found) == list(values)
    keys = [(values[id_] is not None, 0 if values[id_] is None else values[id_]) for id_ in found if values[id_] is not None]
    assert keys == sorted(keys, reverse=falls)
    nulls = [values[id_] is None for id_ in found]
    assert nulls == sorted(nulls, reverse=not falls)


# ---- any text ----

WORDS = [
    *FUNCTIONS,
    *OPERATORS,
    *[
        "and",
        "or",
        "not",
        "true",
        "false",
        "null",
        "asc",
        "desc",
        "(",
        ")",
        ",",
        "/",
        "[",
        "]",
        "-",
        "'",
        ";",
        "=",
        "$",
        " ",
        "  ",
    ],
    *["'a'", "'it''s'", "5", "2.5", "1e400", "99999999999999999999", "0", "[0]", "@iot.id", "id", "name", "result", "time"],
    *["2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z", "2026-13-01", "2026-02-28", "25:00", "12:30:00"],
    *[
        "duration'P1D'",
        "duration'x'",
        "geography'POINT (4 52)'",
        "geography'POINT'",
        "properties/a",
        "parameters/b[1]",
        "\x00",
        "é",
        "🚶",
    ],
    *[name for entity in ENTITIES.values() for name in (*entity.properties, *entity.links)],
]
soup = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join) | st.lists(st.sampled_from(WORDS), max_size=14).map("".join)
any_text = soup | st.text(max_size=40)
queries = st.lists(
    st.tuples(
        st.sampled_from(["$filter", "$orderby", "$expand", "$select", "$top", "$skip", "$count", "$skiptoken", "$x", "top"]),
        any_text,
    ),
    max_size=4,
).map(lambda pairs: "&".join(f"{name}={text}" for name, text in pairs))
steps = st.lists(
    st.sampled_from(
        [
            *SETS,
            *ENTITIES["Observation"].links,
            "(1)",
            "(",
            ")",
            "(9999999999999999999)",
            "/",
            "$ref",
            "$value",
            "name",
            "%41",
            "%ff",
        ]
    )
)


@given(st.sampled_from(sorted(SETS)), any_text)
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_filter_or_a_sta_error(store, set_name, text):
    with contextlib.suppress(StaError):
        options = Options(filter=parse_filter(text, SETS[set_name]), count=True)
        store.read(lambda c: read(c, parse_path(set_name), options, BASE))


@given(st.sampled_from(sorted(SETS)), TREES)
@settings(max_examples=400, deadline=None)
def test_any_tree_is_a_query_or_a_sta_error(store, set_name, tree):
    with contextlib.suppress(StaError):
        options = Options(filter=tree, orderby=((tree, False),), count=True, top=3)
        path = parse_path("Observations")
        answer = store.read(lambda c: read(c, path, options, BASE))
        msgspec.json.encode(answer.body)
        assert parse_options(options.query(), path.entity) == options


@given(st.sampled_from([*sorted(SETS), "Things(1)/Datastreams", "Datastreams(1)", "Observations(2)/Datastream"]), queries)
@settings(max_examples=400, deadline=None)
def test_any_query_gives_an_answer_or_a_sta_error(store, address, query):
    path = parse_path(address)
    with contextlib.suppress(StaError):
        options = parse_options(query, path.entity)
        answer = store.read(lambda c: read(c, path, options, BASE))
        msgspec.json.encode(answer.body)


@given(steps.map("".join) | st.text(max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_address_gives_an_answer_or_a_sta_error(store, text):
    with contextlib.suppress(StaError):
        path = parse_path(text)
        assert parse_path(str(path)) == path
        msgspec.json.encode(store.read(lambda c: read(c, path, NO_OPTIONS, BASE)).body)
