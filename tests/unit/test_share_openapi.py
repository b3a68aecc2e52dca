"""The description of the API, held against the linter rules of the NL API Design Rules (2.2) and against the running API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema_rs
import pytest
from share_partner import Partner, partner

from fake_desk import HASH, FakeDesk
from ruimte.web.share.app import _routes
from share_description import TOLD, at, conforms, resolved

METHODS = ("get", "post", "put", "delete", "patch")
PROBLEM = "application/problem+json"


def operations(told: dict[str, Any] = TOLD) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from walk(each)
    elif isinstance(value, list):
        for each in value:
            yield from walk(each)


# --- the linter's rules, each as it is published: its name, and what breaks it -------------------------------------------


def openapi3(told: dict[str, Any]) -> Iterator[str]:
    if not re.fullmatch(r"3(\.\d+){1,2}", told.get("openapi", "")):
        yield "openapi"


def missing_version_header(told: dict[str, Any]) -> Iterator[str]:
    for path, method, operation in operations(told):
        for status, answer in operation["responses"].items():
            if re.match(r"[23]\d\d", status) and "API-Version" not in resolved(answer).get("headers", {}):
                yield f"{method} {path} {status}"


def include_major_version_in_uri(told: dict[str, Any]) -> Iterator[str]:
    for server in told["servers"]:
        if not re.search(r"/v\d+$", server["url"]) or server["url"].startswith("http://"):
            yield server["url"]


def paths_no_trailing_slash(told: dict[str, Any]) -> Iterator[str]:
    yield from (path for path in told["paths"] if re.search(r".+/$", path))


def paths_kebab_case(told: dict[str, Any]) -> Iterator[str]:
    pattern = r"(/|(/_[a-z0-9]+|/(([a-z0-9\-]+|{[^}]+})(/([a-z0-9\-.]+|{[^}]+}))*)(/_[a-z]+)?)/?)"
    yield from (path for path in told["paths"] if path != "/openapi.json" and not re.fullmatch(pattern, path))


def query_keys_camel_case(told: dict[str, Any]) -> Iterator[str]:
    for _, _, operation in operations(told):
        for parameter in map(resolved, operation.get("parameters", [])):
            if parameter["in"] == "query" and not re.fullmatch(r"\$?[a-z][a-z\d]*([A-Z][a-z\d]*)*", parameter["name"]):
                yield parameter["name"]


def info_contact_fields_exist(told: dict[str, Any]) -> Iterator[str]:
    yield from ({"email", "name", "url"} - set(told["info"].get("contact", {})))


def http_methods(told: dict[str, Any]) -> Iterator[str]:
    yield from (f"{method} {path}" for path, method, _ in operations(told) if method not in METHODS)


def schema_camel_case(told: dict[str, Any]) -> Iterator[str]:
    yield from (name for name in told["components"]["schemas"] if not re.fullmatch(r"([A-Z][a-z0-9]*)+", name))


def use_problem_schema(told: dict[str, Any]) -> Iterator[str]:
    for path, method, operation in operations(told):
        for status, answer in operation["responses"].items():
            if re.match(r"[45]\d\d", status) and PROBLEM not in resolved(answer).get("content", {PROBLEM: {}}):
                yield f"{method} {path} {status}"


def problem_schema_members(told: dict[str, Any]) -> Iterator[str]:
    for path, method, operation in operations(told):
        for status, answer in operation["responses"].items():
            schema = resolved(resolved(answer).get("content", {}).get(PROBLEM, {}).get("schema", {}))
            if schema and not {"status", "title", "detail"} <= set(schema["properties"]):
                yield f"{method} {path} {status}"


def problem_invalid_input(told: dict[str, Any]) -> Iterator[str]:
    for path, method, operation in operations(told):
        must = method in ("put", "post", "patch") or operation.get("parameters")
        if must and "400" not in operation["responses"]:
            yield f"{method} {path}"


def dates_and_times(told: dict[str, Any]) -> Iterator[str]:
    for each in walk(told):
        properties = each.get("properties", {})
        for name, schema in properties.items() if isinstance(properties, dict) else ():
            kind = schema.get("format", "") if isinstance(schema, dict) else ""
            if kind in ("date-time-local", "time"):
                yield name
            if name in ("date", "datum") or re.search(r"(\w+D|_[dD])(ate|atum)", name):
                yield from () if kind == "date" else (name,)


def semver(told: dict[str, Any]) -> Iterator[str]:
    if not re.fullmatch(
        r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-.]+)?(\+[0-9A-Za-z-.]+)?", told["info"]["version"]
    ):
        yield told["info"]["version"]


def open_api_json(told: dict[str, Any]) -> Iterator[str]:
    there = told["paths"].get("/openapi.json", {})
    if set(there) != {"get"}:
        yield "not (only) GET"
    elif any("access-control-allow-origin" not in resolved(there["get"]["responses"][status])["headers"] for status in ("200",)):
        yield "no CORS"


RULES: list[Callable[[dict[str, Any]], Iterator[str]]] = [
    openapi3,
    missing_version_header,
    include_major_version_in_uri,
    paths_no_trailing_slash,
    paths_kebab_case,
    query_keys_camel_case,
    info_contact_fields_exist,
    http_methods,
    schema_camel_case,
    use_problem_schema,
    problem_schema_members,
    problem_invalid_input,
    dates_and_times,
    semver,
    open_api_json,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_description_keeps_the_design_rules(rule: Callable[[dict[str, Any]], Iterator[str]]) -> None:
    assert list(rule(TOLD)) == []


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        (openapi3, lambda told: told.update(openapi="2.0")),
        (missing_version_header, lambda told: told["paths"]["/state"]["get"]["responses"]["200"].pop("headers")),
        (include_major_version_in_uri, lambda told: told["servers"].append({"url": "https://x.org/share"})),
        (include_major_version_in_uri, lambda told: told["servers"].append({"url": "http://x.org/v1"})),
        (paths_no_trailing_slash, lambda told: told["paths"].update({"/x/": {}})),
        (paths_kebab_case, lambda told: told["paths"].update({"/zoneStatus": {}})),
        (query_keys_camel_case, lambda told: told["paths"]["/state"]["get"]["parameters"].append({"in": "query", "name": "a-b"})),
        (info_contact_fields_exist, lambda told: told["info"]["contact"].pop("url")),
        (http_methods, lambda told: told["paths"]["/state"].update({"trace": {}})),
        (schema_camel_case, lambda told: told["components"]["schemas"].update({"new_thing": {}})),
        (
            use_problem_schema,
            lambda told: told["paths"]["/state"]["get"]["responses"].update({"418": {"content": {"text/plain": {}}}}),
        ),
        (problem_invalid_input, lambda told: told["paths"]["/webhooks"]["post"]["responses"].pop("400")),
        (
            dates_and_times,
            lambda told: told["components"]["schemas"].update({"X": {"properties": {"endDate": {"type": "string"}}}}),
        ),
        (semver, lambda told: told["info"].update(version="1.0")),
        (open_api_json, lambda told: told["paths"]["/openapi.json"].update({"post": {"responses": {}}})),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_rules_can_be_broken(rule: Callable[[dict[str, Any]], Iterator[str]], spoil: Callable[[dict[str, Any]], Any]) -> None:
    spoiled = json.loads(json.dumps(TOLD))
    spoil(spoiled)
    assert list(rule(spoiled))


# --- whole, and true ------------------------------------------------------------------------------------------------------


def test_every_reference_leads_to_something_and_nothing_is_left_over() -> None:
    used = {each["$ref"] for each in walk(TOLD) if isinstance(each.get("$ref"), str)}
    assert all(at(reference) for reference in used)
    parts = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "parameters", "headers", "responses")
        for name in TOLD["components"][kind]
    }
    assert parts == used


def test_every_operation_is_named_and_told_of() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in TOLD["tags"]}
    for path, method, operation in operations():
        assert operation["summary"], (path, method)
        assert operation["description"], (path, method)
        assert set(operation["tags"]) <= tags
    for _, _, operation in operations():
        for parameter in map(resolved, operation.get("parameters", [])):
            assert parameter["description"], parameter["name"]


def test_what_is_told_of_is_served_and_what_is_served_is_told_of() -> None:
    served = {route.path.removeprefix("/share/v1") or "/": set(route.app.allowed.lower().split(", ")) for route in _routes()}  # type: ignore[attr-defined]
    told = {path: set(methods) for path, methods in TOLD["paths"].items() if not path.startswith("/log/")}
    assert {path: methods - {"head", "options"} for path, methods in served.items()} == told


def test_every_schema_is_a_schema() -> None:
    for name in TOLD["components"]["schemas"]:
        jsonschema_rs.validator_for({"$ref": f"#/components/schemas/{name}", "components": TOLD["components"]})


@pytest.fixture
def police(tmp_path: Path) -> Iterator[Partner]:
    meta = {"agreement": HASH, "grant": 0, "provider": "a", "consumer": "b", "lab": "town", "purpose": "event-safety"}
    meta |= {"legal_regime": "none", "source": "City", "delete_after": "30d", "onward_sharing": False}
    row = {"place": "square", "quantity": "people", "start": "2026-04-27T14:00:00Z", "end": "2026-04-27T14:05:00Z"}
    row |= {"value": None, "low": None, "high": None, "suppressed": True}
    with partner(
        tmp_path, FakeDesk(body=json.dumps({"meta": meta, "figures": [row], "warnings": [], "value": []}).encode())
    ) as made:
        yield made


READS = [path for path, methods in TOLD["paths"].items() if "get" in methods and path != "/live" and not path.startswith("/log")]


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("query", ["", "?nonsense=1"])
@pytest.mark.parametrize("accept", ["*/*", "text/csv", "image/png"])
@pytest.mark.parametrize("who", [None, ""])
def test_answers_are_as_described(police: Partner, path: str, query: str, accept: str, who: str | None) -> None:
    needed = {"from": "2026-04-27T14:00:00Z", "until": "2026-04-27T15:00:00Z"} if path == "/history" and not query else {}
    address = path.replace("{hash}", HASH).replace("{id}", "x") + query + ("?" + urlencode(needed) if needed else "")
    headers = {"accept": accept} | ({"authorization": who} if who is not None else {})
    conforms(police.get(address, headers), path, "get")


@pytest.mark.parametrize("reason", ["revoked", "log-failed"])
def test_refusals_are_as_described(police: Partner, reason: str) -> None:
    police.desk.refuse = reason  # type: ignore[assignment]
    for path in ("/state", "/forecast", "/warnings"):
        conforms(police.get(path), path, "get")
    body = {"place": "square", "from": "2026-04-27T14:00:00Z", "until": "2026-04-27T15:00:00Z"}
    conforms(police.ask("POST", "/contributions/closures", json=body), "/contributions/closures", "post")
    conforms(police.ask("POST", "/webhooks", json={"address": "https://x.org"}), "/webhooks", "post")


def test_webhooks_are_as_described(police: Partner) -> None:
    made = police.ask("POST", "/webhooks", json={"address": "https://x.org"})
    conforms(made, "/webhooks", "post")
    conforms(police.get("/webhooks"), "/webhooks", "get")
    one = f"/webhooks/{made.json()['id']}"
    conforms(police.get(one), "/webhooks/{id}", "get")
    conforms(police.ask("DELETE", one), "/webhooks/{id}", "delete")
    conforms(police.ask("DELETE", one), "/webhooks/{id}", "delete")
    conforms(police.ask("POST", "/webhooks", content=b"x"), "/webhooks", "post")
