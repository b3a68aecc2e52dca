"""Errors as partners' programs read them: a problem document (RFC 9457), with where the mistake is and how to mend it.

A refusal also tells its ``reason``, and the ``decision``: which entry of the log holds it.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

from ruimte.errors import RuimteError, StorageError
from ruimte.jobs.desk import NotYetError, RefusedError
from ruimte.web.problems import WebError

MEDIA_TYPE = "application/problem+json"
BUSY_S, LIMIT_S = 30, 60
"""Seconds after which it is worth trying again: what the node cannot do now, and what was asked too often."""

_log = logging.getLogger(__name__)
_CANNOT = ("engine-failed", "log-failed")
"""Reasons that are no word about the request: nothing could be decided, or nothing could be logged."""


def problem(error: RuimteError) -> dict[str, Any]:
    """The problem document of an error."""
    status = status_of(error)
    told: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.what,
        "where": error.where,
        "mend": error.mend,
    }
    if isinstance(error, RefusedError):
        told["reason"] = error.decision.reason
        if error.index is not None:
            told["decision"] = error.index
    return told


def answer(error: RuimteError) -> Response:
    """The error as an answer. A ``RuimteError`` without a status is a mistake in the request (400)."""
    if isinstance(error, StorageError):
        _log.error("%s", error)  # where the node keeps what is nothing to its partners
        error = WebError(503, "the node cannot read or write what it keeps", "", "try again a little later")
    response = Response(msgspec.json.encode(problem(error)), status_of(error), media_type=MEDIA_TYPE)
    response.headers.update(getattr(error, "headers", {}))  # how to prove who asks
    if response.status_code in (429, 503):
        response.headers["retry-after"] = str(LIMIT_S if response.status_code == 429 else BUSY_S)
    return response


def status_of(error: RuimteError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, RefusedError):
        return 503 if error.decision.reason in _CANNOT else 403
    if isinstance(error, NotYetError):
        return 503
    return error.status if isinstance(error, WebError) else 400
