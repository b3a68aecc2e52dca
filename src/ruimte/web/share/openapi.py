"""The API described in OpenAPI 3.1, as the NL API Design Rules ask: complete, with contact, version, servers and every answer."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ruimte.share.asking import FOLLOWED
from ruimte.share.formats import CSV, JSON, NGSI_LD, PARQUET, SENSORTHINGS
from ruimte.web.share import schemas
from ruimte.web.share.live import MEDIA_TYPE as STREAM
from ruimte.web.share.problem import MEDIA_TYPE as PROBLEM
from ruimte.web.share.released import HEADERS
from ruimte.web.share.version import VERSION

Json = dict[str, Any]

_TAGS = {
    "figures": "What the agreement gives: now, expected, past, warnings",
    "contributions": "What partners tell",
    "agreements": "What was agreed on",
    "webhooks": "What the node sends by itself",
    "log": "The transparency log: what proves what was given",
    "description": "About the API itself",
}
_PARAMETERS: dict[str, tuple[str, Json, str]] = {
    "zones": (
        "Keys of zones, count points or gates, or names of areas, with commas between them; left out: all that the grant gives",
        {"type": "string", "minLength": 1},
        "square,street",
    ),
    "quantities": (
        "people, density, inflow, outflow, flow or level, with commas between them; left out: all that the grant gives",
        {"type": "string", "pattern": schemas.QUANTITY_LIST},
        "people,level",
    ),
    "step": (
        "Length of a step, as the grant's or a multiple of it; left out: the grant's",
        {"type": "string", "pattern": "^[1-9][0-9]{0,5}[smhdw]$"},
        "15m",
    ),
    "agreement": (
        "Hash of the agreement to ask under; left out: the first that allows it",
        {"type": "string", "pattern": "^[A-Za-z0-9_-]{86}$"},
        "",
    ),
    "from": ("The first moment, ISO 8601 with its zone", {"type": "string", "format": "date-time"}, "2026-04-27T14:00:00Z"),
    "until": (
        "The moment up to which, at most 31 days after from",
        {"type": "string", "format": "date-time"},
        "2026-04-27T16:00:00Z",
    ),
    "kind": ("What to follow", {"type": "string", "enum": list(FOLLOWED), "default": "state"}, "state"),
}
_ERRORS = {
    "400": "The request is not understood: which part, and how to mend it",
    "401": "Nobody proved who asks; the header WWW-Authenticate says how to",
    "403": "Refused: `reason` says why, `decision` which entry of the log holds it",
    "404": "There is no such thing here",
    "406": "The answer is in none of the forms that are accepted",
    "408": "The body did not arrive in time",
    "413": "The body is too large",
    "415": "The body is of a kind that is not taken here",
    "429": "Too many requests; the header Retry-After says when to try again",
    "503": "Nothing can be decided or logged now, so nothing is given; try again after Retry-After",
}
_ASKED = ("400", "401", "403", "406", "429", "503")
_SENT = (*_ASKED, "408", "413", "415")


@lru_cache(8)
def description(server: str, organisation: str, contact: str) -> Json:
    """The description of the API at ``server``, kept by an organisation with an e-mail address."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ruimte: crowd figures shared under agreement",
            "version": VERSION,
            "description": (
                "How busy places are, and will be, for partners with a signed agreement. Every answer is decided on, logged and "
                "provable. Times are ISO 8601 in UTC; people are persons, flows persons/h, density persons/m²."
            ),
            "contact": {"name": organisation, "email": contact, "url": server},
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": server}],
        "tags": [{"name": name, "description": told} for name, told in _TAGS.items()],
        "security": [{"oauth2": []}],
        "paths": _paths(),
        "components": {
            "schemas": schemas.SCHEMAS,
            "parameters": {name: _parameter(name) for name in _PARAMETERS},
            "headers": {
                "ApiVersion": _header("Version of the API", {"type": "string"}, VERSION),
                "ETag": _header("Changes with the document", {"type": "string"}),
                **{name.replace("-", ""): _header(told, {"type": "string"}) for name, told in HEADERS.items()},
            },
            "responses": {
                f"Problem{status}": {
                    "description": told,
                    "headers": {"API-Version": _ref("headers/ApiVersion"), **_error_headers(status)},
                    "content": {PROBLEM: {"schema": _schema("Problem")}},
                }
                for status, told in _ERRORS.items()
            },
            "securitySchemes": {
                "oauth2": {
                    "type": "oauth2",
                    "description": (
                        "OAuth 2 client credentials with private_key_jwt; the purpose is the scope. A token holds for 5 minutes, "
                        "bound to a key (DPoP, RFC 9449) or to a client certificate (RFC 8705)."
                    ),
                    "flows": {"clientCredentials": {"tokenUrl": f"{server}/token", "scopes": {}}},
                }
            },
        },
    }


def _paths() -> dict[str, Json]:
    asked = ("zones", "quantities", "step", "agreement")
    return {
        "/": {"get": _open("links", "What there is", _document("Links"))},
        "/openapi.json": {"get": _open("openapi", "This description", _described())},
        "/state": {"get": _read("state", "How busy it is", asked, _figures())},
        "/forecast": {"get": _read("forecast", "How busy it is expected to be", asked, _figures())},
        "/history": {"get": _read("history", "How busy it was", ("from", "until", *asked), _figures())},
        "/warnings": {"get": _read("warnings", "The warnings that stand", ("zones", "agreement"), {JSON: _schema("Warnings")})},
        "/live": {"get": _live(asked)},
        "/agreements": {"get": _look("agreements", "agreements", "The agreements with the caller", "Agreements")},
        "/agreements/{hash}": {
            "get": _look("agreement", "agreements", "One agreement with the caller", "Agreement", _in_path("hash", "Its hash"))
        },
        "/places": {"get": _places()},
        "/contributions/zone-status": {"post": _tell("zoneStatus", "How a zone is", "ZoneStatus")},
        "/contributions/closures": {"post": _tell("closures", "What is closed", "Closure")},
        "/contributions/arrivals": {"post": _tell("arrivals", "Who is expected", "Arrivals")},
        "/webhooks": {
            "get": _look("webhooks", "webhooks", "The webhooks of the caller", "Webhooks"),
            "post": _create_webhook(),
        },
        "/webhooks/{id}": {
            "get": _look("webhook", "webhooks", "One webhook of the caller", "Webhook", _in_path("id", "Its id")),
            "delete": _remove_webhook(),
        },
        **_log_paths(),
    }


def _log_paths() -> dict[str, Json]:
    index = _number("index", "Which entry, from 0 on", "path")
    old, new = _number("old", "The size that is known"), _number("new", "The size to come from it; left out: that of now")
    page = [_number("start", "The first entry"), _number("limit", "How many at the most", most=1000)]
    return {
        "/log/checkpoint": {"get": _proof("checkpoint", "The signed checkpoint, with its cosignatures (C2SP)")},
        "/log/proofs/{index}": {"get": _proof("proof", "That an entry is in the log (C2SP tlog-proof)", [index])},
        "/log/consistency": {"get": _proof("consistency", "That the log only grew", [{**old, "required": True}, new])},
        "/log/entries": {"get": _proof("entries", "Entries of the log, a line each", page, "application/jsonl")},
        "/log/cosignatures": {"post": _cosign()},
    }


# --- operations ---------------------------------------------------------------------------------------------------------


def _operation(name: str, tag: str, summary: str, responses: Json, errors: tuple[str, ...], **more: Any) -> Json:
    answers = responses | {status: _ref(f"responses/Problem{status}") for status in sorted(errors)}
    return {"operationId": name, "tags": [tag], "summary": summary, "description": f"{summary}.", "responses": answers, **more}


def _read(name: str, summary: str, parameters: tuple[str, ...], content: Json) -> Json:
    answer = {"description": summary, "headers": _released_headers(), "content": _content(content)}
    return _operation(name, "figures", summary, {"200": answer}, _ASKED, parameters=_refs(*parameters))


def _live(parameters: tuple[str, ...]) -> Json:
    last = {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The last event that came: the stream goes on after it",
        "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    }
    told = "Server-sent events: figures, warning, beat (every 15 s) and ended; see the documentation for what is in them"
    answer = {"description": told, "headers": _plain_headers(), "content": _content({STREAM: _schema("StreamEvent")})}
    options = [*_refs("kind", *parameters), last]
    return _operation("live", "figures", "What is new, as it comes", {"200": answer}, _ASKED, parameters=options)


def _places() -> Json:
    content = {"application/geo+json": _schema("Places"), JSON: _schema("Places")}
    answers = _conditional({"description": "GeoJSON", "headers": _document_headers(), "content": _content(content)})
    summary = "The shapes of the places that are given"
    errors = ("400", "401", "406", "429", "503")
    return _operation("places", "agreements", summary, answers, errors, parameters=_refs("agreement"))


def _look(name: str, tag: str, summary: str, schema: str, in_path: Json | None = None) -> Json:
    errors = ("400", "401", "406", "429", "503", *(("404",) if in_path else ()))
    more = {"parameters": [in_path]} if in_path else {}
    return _operation(name, tag, summary, _document(schema), errors, **more)


def _tell(name: str, summary: str, schema: str) -> Json:
    receipt = {"description": "Taken: a receipt", "headers": _released_headers(), "content": _content({JSON: _schema("Receipt")})}
    body = {"required": True, "content": _content({JSON: _schema(schema)})}
    return _operation(name, "contributions", summary, {"201": receipt}, _SENT, parameters=_refs("agreement"), requestBody=body)


def _create_webhook() -> Json:
    headers = _plain_headers() | {"Location": _header("Where it is", {"type": "string"})}
    made = {"description": "Made", "headers": headers, "content": _content({JSON: _schema("Webhook")})}
    body = {"required": True, "content": _content({JSON: _schema("NewWebhook")})}
    return _operation("createWebhook", "webhooks", "A new webhook", {"201": made}, _SENT, requestBody=body)


def _remove_webhook() -> Json:
    done = {"204": {"description": "Removed", "headers": _plain_headers()}}
    errors = ("400", "401", "404", "429", "503")
    return _operation("removeWebhook", "webhooks", "No more of this webhook", done, errors, parameters=[_in_path("id", "Its id")])


def _open(name: str, summary: str, responses: Json) -> Json:
    """An operation that needs no token."""
    return _operation(name, "description", summary, responses, ("400", "406"), security=[])


def _proof(name: str, summary: str, parameters: list[Json] | None = None, kind: str = "text/plain") -> Json:
    answer = {"description": summary, "headers": _plain_headers(), "content": _content({kind: {"type": "string"}})}
    more = {"parameters": parameters} if parameters else {}
    return _operation(name, "log", summary, {"200": answer}, ("400", "404", "429", "503"), security=[], **more)


def _cosign() -> Json:
    taken = {"description": "Taken", "headers": _plain_headers(), "content": _content({JSON: _schema("Cosigned")})}
    body = {"required": True, "content": _content({"text/plain": {"type": "string"}, JSON: {"type": "string"}})}
    summary = "A witness's signature over the checkpoint"
    errors = ("400", "408", "413", "429", "503")
    return _operation("cosign", "log", summary, {"200": taken}, errors, security=[], requestBody=body)


# --- answers ------------------------------------------------------------------------------------------------------------


def _figures() -> Json:
    text: Json = {"type": "string"}
    return {JSON: _schema("Figures"), CSV: text, PARQUET: text, NGSI_LD: {"type": "array"}, SENSORTHINGS: _schema("DataArrays")}


def _document(schema: str) -> Json:
    answer = {"description": "The document", "headers": _document_headers(), "content": _content({JSON: _schema(schema)})}
    return _conditional(answer)


def _described() -> Json:
    open_to_all = {"Access-Control-Allow-Origin": _header("Any page may read it", {"type": "string"}, "*")}
    headers = {**_document_headers(), **open_to_all, "access-control-allow-origin": open_to_all["Access-Control-Allow-Origin"]}
    content = {JSON: {"type": "object"}, "application/vnd.oai.openapi+json": {"type": "object"}}
    return _conditional({"description": "OpenAPI 3.1", "headers": headers, "content": _content(content)})


def _conditional(answer: Json) -> Json:
    return {"200": answer, "304": {"description": "As it was (If-None-Match)", "headers": _document_headers()}}


def _plain_headers() -> Json:
    return {"API-Version": _ref("headers/ApiVersion")}


def _document_headers() -> Json:
    return _plain_headers() | {"ETag": _ref("headers/ETag")}


def _released_headers() -> Json:
    return _plain_headers() | {name: _ref(f"headers/{name.replace('-', '')}") for name in HEADERS}


def _error_headers(status: str) -> Json:
    later = ("Retry-After", "After how many seconds it is worth trying again")
    told = {"401": ("WWW-Authenticate", "How to prove who asks"), "429": later, "503": later}
    if status not in told:
        return {}
    name, what = told[status]
    return {name: _header(what, {"type": "string"})}


# --- pieces -------------------------------------------------------------------------------------------------------------


def _parameter(name: str) -> Json:
    told, schema, example = _PARAMETERS[name]
    required = {"required": True} if name in ("from", "until") else {}
    shown = {"example": example} if example else {}
    return {"name": name, "in": "query", "description": told, "schema": schema, **required, **shown}


def _in_path(name: str, told: str) -> Json:
    return {"name": name, "in": "path", "required": True, "description": told, "schema": {"type": "string", "minLength": 1}}


def _number(name: str, told: str, place: str = "query", most: int = 2**53) -> Json:
    schema = {"type": "integer", "minimum": 0, "maximum": most}
    return {"name": name, "in": place, "description": told, "schema": schema, **({"required": True} if place == "path" else {})}


def _refs(*names: str) -> list[Json]:
    return [_ref(f"parameters/{name}") for name in names]


def _content(schemas_of: Json) -> Json:
    return {kind: {"schema": schema} for kind, schema in schemas_of.items()}


def _schema(name: str) -> Json:
    return _ref(f"schemas/{name}")


def _header(told: str, schema: Json, example: str = "") -> Json:
    return {"description": told, "schema": schema, **({"example": example} if example else {})}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/{name}"}
