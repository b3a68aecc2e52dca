"""The service described in OpenAPI 3.1, written from the table of entities."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ruimte import __version__
from ruimte.sta.entities import ENTITIES, Entity, Kind, Link, Property
from ruimte.web.sta.change import JSON_PATCH
from ruimte.web.sta.exchange import JSON

_Json = dict[str, Any]

_INSTANT = {"type": "string", "examples": ["2026-04-27T14:00:00Z"]}
_INTERVAL = {"type": "string", "examples": ["2026-04-27T14:00:00Z/2026-04-27T14:05:00Z"]}
_KINDS: dict[Kind, _Json] = {
    "text": {"type": "string"},
    "object": {"type": "object"},
    "json": {},
    "instant": _INSTANT,
    "interval": _INTERVAL,
    "time": {"anyOf": [_INSTANT, _INTERVAL]},
    "geometry": {},
    "list": {"type": "array"},
}
_ID = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
_REFERENCE = {"type": "object", "properties": {"@iot.id": _ID}, "required": ["@iot.id"]}
_ECHO = "The entity comes along where the header Prefer: return=representation asks for it"
_EXAMPLES = {
    "filter": "id gt 0",
    "select": "id",
    "orderby": "id desc",
    "resultFormat": "CSV",
}
_TOLD = {
    "filter": "A condition, as `name eq 'Main square'` or `phenomenonTime ge 2026-04-27T00:00:00Z`.",
    "expand": "Links to be shown with what they lead to, as `Datastreams($top=5)/Observations`.",
    "select": "The properties and links to be shown.",
    "orderby": "Keys to sort by, as `phenomenonTime desc,id`.",
    "top": "At most so many (at most 1000 come in one page).",
    "skip": "Leave out so many.",
    "count": "Tell how many there are in all.",
    "resultFormat": "`dataArray` (of Observations), `CSV` or `GeoJSON`.",
}


@lru_cache(8)
def description(base: str, *, is_lab: bool) -> _Json:
    """The description of the service at ``base``; in a lab only what devices and readers may do."""
    paths: dict[str, _Json] = {"/": {"get": _get("The sets, and what is served", [], {"type": "object"})}}
    for entity in ENTITIES.values():
        paths |= _paths(entity, is_lab)
    paths["/CreateObservations"] = {"post": _create_observations()}
    paths["/$batch"] = {"post": _batch()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SensorThings API 1.1",
            "version": __version__,
            "description": "OGC 18-088, with MultiDatastream, data arrays and batches.",
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": base}],
        "paths": paths,
        "components": {
            "schemas": {
                "Error": _error_schema(),
                **{name: _shown(entity) for name, entity in ENTITIES.items()},
                **{f"New{name}": _new(entity) for name, entity in ENTITIES.items()},
                **{f"Changed{name}": _changed(entity) for name, entity in ENTITIES.items()},
            },
            "parameters": {name: _option(name) for name in _TOLD}
            | {"id": {"name": "id", "in": "path", "required": True, "schema": _ID}},
            "responses": {
                "Error": {"description": "It cannot be done: why, and how to mend it", "content": _content(_of("Error"))}
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        **({"security": [{"token": []}]} if is_lab else {}),
    }


def _paths(entity: Entity, is_lab: bool) -> dict[str, _Json]:
    one = f"/{entity.set_name}({{id}})"
    many = {"get": _get(f"{entity.set_name}, a page at a time", _parameters(*_TOLD), _page(entity.name), is_set=True)}
    single = {
        "get": _get(f"One {entity.name}", _parameters("expand", "select"), _of(entity.name)),
    }
    if not is_lab or entity.name == "Observation":
        many["post"] = _post(entity)
    if not is_lab:
        single |= {"patch": _patch(entity), "put": _put(entity), "delete": _answer(f"Delete one {entity.name}")}
    found: dict[str, _Json] = {f"/{entity.set_name}": many, one: _with_id(**single)}
    for link in entity.links.values():
        found[f"{one}/{link.name}"] = _with_id(**_linked(entity, link, is_lab))
        found[f"{one}/{link.name}/$ref"] = _with_id(get=_get(f"Links to {link.name}", [], {"type": "object"}))
    for known in entity.properties.values():
        found[f"{one}/{known.name}"] = _with_id(get=_get(f"Its {known.name}", [], _property(known)))
        found[f"{one}/{known.name}/$value"] = _with_id(get=_get_text(f"The bare value of its {known.name}"))
    return found


def _with_id(**operations: _Json) -> _Json:
    return {"parameters": [_parameter("id")], **operations}


def _linked(entity: Entity, link: Link, is_lab: bool) -> _Json:
    target = ENTITIES[link.target]
    if not link.many:
        return {"get": _get(f"Its {link.name}", _parameters("expand", "select"), _of(link.target))}
    shown = _get(f"Its {link.name}, a page at a time", _parameters(*_TOLD), _page(link.target), is_set=True)
    made = not is_lab or (entity.name, link.target) == ("Datastream", "Observation")
    return {"get": shown, **({"post": _post(target)} if made else {})}


# --- operations ---------------------------------------------------------------------------------------------------------


def _get(summary: str, parameters: list[_Json], schema: _Json, *, is_set: bool = False) -> _Json:
    content = _content(schema)
    if is_set:
        content |= {"text/csv": {"schema": {"type": "string"}}, "application/geo+json": {"schema": {"type": "object"}}}
    answers = {"200": {"description": summary, "content": content}, "204": {"description": "It has no value"}}
    return {"summary": summary, "parameters": parameters, "responses": answers | _errors()}


def _get_text(summary: str) -> _Json:
    content = {"text/plain": {"schema": {"type": "string"}}}
    answers = {"200": {"description": summary, "content": content}, "204": {"description": "It has no value"}}
    return {"summary": summary, "responses": answers | _errors()}


def _post(entity: Entity) -> _Json:
    header = {"Location": {"description": "Where it is", "schema": {"type": "string", "format": "uri"}}}
    made = {"201": {"description": f"Made. {_ECHO}", "headers": header}}
    return {"summary": f"A new {entity.name}", "requestBody": _body(_of(f"New{entity.name}")), "responses": made | _errors()}


def _patch(entity: Entity) -> _Json:
    operations = {
        "type": "array",
        "items": {"type": "object", "properties": {"op": {"type": "string"}, "path": {"type": "string"}}},
    }
    body = {"required": True, "content": _content(_of(f"Changed{entity.name}")) | {JSON_PATCH: {"schema": operations}}}
    return _answer(f"Change the properties that are given, of one {entity.name}") | {"requestBody": body}


def _put(entity: Entity) -> _Json:
    return _answer(f"Change all properties of one {entity.name}") | {"requestBody": _body(_of(f"New{entity.name}"))}


def _answer(summary: str) -> _Json:
    return {"summary": summary, "responses": {"200": {"description": f"Done. {_ECHO}"}} | _errors()}


def _create_observations() -> _Json:
    group = {
        "type": "object",
        "properties": {
            "Datastream": _REFERENCE,
            "MultiDatastream": _REFERENCE,
            "components": {
                "type": "array",
                "items": {"enum": ["phenomenonTime", "resultTime", "result", "FeatureOfInterest/id", "parameters"]},
            },
            "dataArray": {"type": "array", "items": {"type": "array"}},
        },
        "required": ["components", "dataArray"],
    }
    told = {"type": "array", "items": {"type": "string"}}
    made = {"201": {"description": "For each row its link, or error and why", "content": _content(told)}}
    summary = "Observations of several Datastreams"
    return {"summary": summary, "requestBody": _body({"type": "array", "items": group}), "responses": made | _errors()}


def _batch() -> _Json:
    request = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "method": {"enum": ["get", "post", "patch", "put", "delete"]},
            "url": {"type": "string"},
            "body": {},
            "atomicityGroup": {"type": "string"},
            "dependsOn": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["id", "method", "url"],
    }
    sent = {"type": "object", "properties": {"requests": {"type": "array", "items": request}}, "required": ["requests"]}
    told = {"type": "object", "properties": {"responses": {"type": "array", "items": {"type": "object"}}}}
    done = {"200": {"description": "The answer to each, in order", "content": _content(told)}}
    return {"summary": "Several requests in one", "requestBody": _body(sent), "responses": done | _errors()}


def _errors() -> _Json:
    return {"default": {"$ref": "#/components/responses/Error"}}


def _body(schema: _Json) -> _Json:
    return {"required": True, "content": _content(schema)}


def _content(schema: _Json) -> _Json:
    return {JSON: {"schema": schema}}


# --- parameters ---------------------------------------------------------------------------------------------------------


def _parameters(*names: str) -> list[_Json]:
    return [_parameter(name) for name in names]


def _parameter(name: str) -> _Json:
    return {"$ref": f"#/components/parameters/{name}"}


def _option(name: str) -> _Json:
    schema: _Json = {"type": "string"}
    if name in ("top", "skip"):
        schema = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
    elif name == "count":
        schema = {"type": "boolean"}
    elif name == "resultFormat":
        schema = {"enum": ["dataArray", "CSV", "GeoJSON"]}
    example = {"example": _EXAMPLES[name]} if name in _EXAMPLES else {}
    return {"name": f"${name}", "in": "query", "description": _TOLD[name], "schema": schema, **example}


# --- schemas ------------------------------------------------------------------------------------------------------------


def _of(name: str) -> _Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _page(name: str) -> _Json:
    properties = {
        "@iot.count": {"type": "integer"},
        "@iot.nextLink": {"type": "string"},
        "value": {"type": "array", "items": {"type": "object"}},
    }
    return {"type": "object", "properties": properties, "required": ["value"], "description": f"A page of {name}"}


def _property(known: Property) -> _Json:
    return {"type": "object", "properties": {known.name: _nullable(known)}, "required": [known.name]}


def _nullable(known: Property) -> _Json:
    schema = _KINDS[known.kind]
    return schema if not schema else {"anyOf": [schema, {"type": "null"}]}


def _shown(entity: Entity) -> _Json:
    properties: _Json = {"@iot.id": {"type": "integer"}, "@iot.selfLink": {"type": "string"}}
    properties |= {f"{link.name}@iot.navigationLink": {"type": "string"} for link in entity.links.values()}
    properties |= {known.name: _nullable(known) for known in entity.properties.values()}
    return {"type": "object", "properties": properties}


def _new(entity: Entity) -> _Json:
    given = [known for known in entity.properties.values() if not known.computed]
    properties: _Json = {known.name: _KINDS[known.kind] for known in given}
    properties |= {
        link.name: {"type": "array", "items": _inline(link)} if link.many else _inline(link) for link in entity.links.values()
    }
    return {"type": "object", "properties": properties, "required": [known.name for known in given if known.required]}


def _inline(link: Link) -> _Json:
    """A link to an entity that exists, or a new one."""
    return {"anyOf": [_REFERENCE, _of(f"New{link.target}")]}


def _changed(entity: Entity) -> _Json:
    given = [known for known in entity.properties.values() if not known.computed]
    return {"type": "object", "properties": {known.name: _KINDS[known.kind] for known in given}}


def _error_schema() -> _Json:
    properties = {
        "code": {"type": "integer"},
        "type": {"const": "error"},
        "message": {"type": "string"},
        "mend": {"type": "string"},
    }
    return {"type": "object", "properties": properties, "required": ["code", "type", "message"]}
