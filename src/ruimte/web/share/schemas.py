"""The shapes of what goes in and out, as JSON Schema for the description."""

from __future__ import annotations

from typing import Any, get_args

from ruimte.share.agreement import Quantity, Status
from ruimte.share.asking import FOLLOWED, Reason

Json = dict[str, Any]

_NAMES = "|".join(get_args(Quantity))
QUANTITY_LIST = f"^({_NAMES})(,({_NAMES}))*$"

_TEXT: Json = {"type": "string"}
_TIME: Json = {"type": "string", "format": "date-time"}
_MAYBE_TIME: Json = {"type": ["string", "null"], "format": "date-time"}
_MAYBE: Json = {"type": ["string", "null"]}
_MAYBE_NUMBER: Json = {"type": ["number", "null"]}
_TEXTS: Json = {"type": "array", "items": _TEXT}
_KEY: Json = {"type": "string", "minLength": 1, "maxLength": 100}
_NOTE: Json = {"type": "string", "maxLength": 200}
_HASH: Json = {"type": "string", "pattern": "^[A-Za-z0-9_-]{86}$"}


def _object(properties: Json, *, needs: tuple[str, ...] | None = None, closed: bool = False, told: str = "") -> Json:
    required = list(properties) if needs is None else list(needs)
    return {
        "type": "object",
        **({"description": told} if told else {}),
        "properties": properties,
        **({"required": required} if required else {}),
        **({"additionalProperties": False} if closed else {}),
    }


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str) -> Json:
    return {"type": "array", "items": _ref(name)}


SCHEMAS: dict[str, Json] = {
    "Problem": _object(
        {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": {**_TEXT, "description": "What is wrong"},
            "where": {**_TEXT, "description": "Which part of the request"},
            "mend": {**_TEXT, "description": "How to mend it"},
            "reason": {"enum": sorted(get_args(Reason)), "description": "Why it was refused"},
            "decision": {"type": "integer", "description": "Entry of the log that holds the decision"},
        },
        needs=("type", "title", "status", "detail"),
        told="RFC 9457",
    ),
    "Links": _object(
        {
            "title": _TEXT,
            "organisation": _TEXT,
            "lab": _TEXT,
            "version": _TEXT,
            "links": {"type": "array", "items": _object({"rel": _TEXT, "href": _TEXT})},
        }
    ),
    "Meta": _object(
        {
            "agreement": {**_HASH, "description": "Under which agreement"},
            "grant": {"type": "integer", "description": "Which of its grants"},
            "provider": _TEXT,
            "consumer": _TEXT,
            "lab": _TEXT,
            "purpose": _TEXT,
            "legal_regime": _TEXT,
            "source": {**_TEXT, "description": "How to name the source"},
            "delete_after": {**_TEXT, "description": "After which time it has to be deleted"},
            "onward_sharing": {"type": "boolean", "description": "Whether it may be passed on"},
        },
        told="What is owed, and, with figures, what they are: kind, step, exactness, minimum, round_to, units, places, privacy",
    ),
    "Figure": _object(
        {
            "place": _TEXT,
            "quantity": {"enum": sorted(get_args(Quantity))},
            "start": _TIME,
            "end": _TIME,
            "value": _MAYBE_NUMBER,
            "low": _MAYBE_NUMBER,
            "high": _MAYBE_NUMBER,
            "suppressed": {"type": "boolean", "description": "Not told, for it rests on few people"},
            "level": {**_MAYBE, "description": "Name of the level, of a level"},
        },
        needs=("place", "quantity", "start", "end", "value", "low", "high", "suppressed"),
        told="Of a place over [start, end); null is not known; low and high are the 5 and 95 % bounds",
    ),
    "Figures": _object({"meta": _ref("Meta"), "figures": _list("Figure")}),
    "DataArrays": _object(
        {"meta": _ref("Meta"), "value": {"type": "array", "items": {"type": "object"}}}, told="SensorThings, data array extension"
    ),
    "Warning": _object(
        {
            "place": _TEXT,
            "level": _TEXT,
            "priority": {"type": "integer"},
            "phase": {"enum": ["open", "acknowledged", "closed"]},
            "opened": _TIME,
            "expected_at": _TIME,
            "probability": {"type": "number"},
            "earliest": _MAYBE_TIME,
            "latest": _MAYBE_TIME,
            "exercise": {"type": "boolean", "description": "It is not real"},
        }
    ),
    "Warnings": _object({"meta": _ref("Meta"), "warnings": _list("Warning")}),
    "StreamEvent": _object(
        {
            "id": {**_TEXT, "description": "Of figures and warning: to come back with"},
            "event": {"enum": ["figures", "warning", "beat", "ended"]},
            "data": {
                **_TEXT,
                "description": "JSON in one line. figures, warning: `event`, a CloudEvent, and `signature`, a detached JWS over "
                "its bytes; beat: `time`; ended: a Problem",
            },
        },
        needs=("event", "data"),
        told="One event of the stream",
    ),
    "Grant": _object(
        {
            "index": {"type": "integer"},
            "provider": _TEXT,
            "consumer": _TEXT,
            "lab": _TEXT,
            "properties": {"type": "object"},
            "type": _TEXT,
        },
        told="What one party gives to another, as in the signed document",
    ),
    "Agreement": _object(
        {
            "hash": _HASH,
            "status": {"enum": sorted(get_args(Status))},
            "not_before": _TIME,
            "not_after": _TIME,
            "grants": _list("Grant"),
            "file": {
                "type": "object",
                "description": "As it was signed, with all signatures; where one agreement is asked for",
            },
        },
        needs=("hash", "status", "not_before", "not_after", "grants"),
    ),
    "Agreements": _object({"agreements": _list("Agreement")}),
    "Places": _object(
        {"type": {"const": "FeatureCollection"}, "features": {"type": "array", "items": {"type": "object"}}}, told="RFC 7946"
    ),
    "Receipt": _object({"taken": {"type": "object"}, "at": _TIME}, told="What was taken, and when it was logged"),
    "ZoneStatus": _object(
        {"zone": _KEY, "status": {"enum": ["open", "busy", "full", "closed"]}, "until": _TIME, "note": _NOTE},
        needs=("zone", "status", "until"),
        closed=True,
    ),
    "Closure": _object(
        {"place": _KEY, "from": _TIME, "until": _TIME, "reason": _NOTE}, needs=("place", "from", "until"), closed=True
    ),
    "Arrivals": _object(
        {
            "place": _KEY,
            "expected": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
            "from": _TIME,
            "until": _TIME,
            "note": _NOTE,
        },
        needs=("place", "expected", "from", "until"),
        closed=True,
    ),
    "NewWebhook": _object(
        {
            "address": {"type": "string", "format": "uri", "pattern": "^https://", "maxLength": 500},
            "kind": {"enum": list(FOLLOWED), "default": "state"},
            "zones": {"type": "array", "items": _KEY, "maxItems": 1000},
            "quantities": {"type": "array", "items": {"enum": sorted(get_args(Quantity))}},
            "step": {"type": "string", "pattern": "^([1-9][0-9]{0,5}[smhdw])?$"},
            "agreement": {"type": "string", "pattern": "^([A-Za-z0-9_-]{86})?$"},
        },
        needs=("address",),
        closed=True,
    ),
    "Webhook": _object(
        {
            "id": _TEXT,
            "address": _TEXT,
            "kind": _TEXT,
            "zones": _TEXTS,
            "quantities": _TEXTS,
            "step": _TEXT,
            "agreement": _TEXT,
            "purpose": _TEXT,
            "state": {"enum": ["active", "failing", "ended"]},
            "made": _TIME,
            "last_event": _MAYBE,
            "last_taken": _MAYBE_TIME,
            "failing_since": _MAYBE_TIME,
            "trouble": _MAYBE,
            "ended": _MAYBE_TIME,
            "reason": _MAYBE,
        }
    ),
    "Cosigned": _object({"cosigned": {**_TEXTS, "description": "Names of the witnesses whose signature was taken"}}),
    "Webhooks": _object({"webhooks": _list("Webhook")}),
}
