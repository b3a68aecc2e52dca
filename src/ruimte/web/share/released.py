"""An answer under an agreement: the bytes that were logged, and what proves that they were sent."""

from __future__ import annotations

import base64
import hashlib

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ruimte.jobs.desk import Released
from ruimte.share.formats import JSON
from ruimte.web.share.address import ROOT

PROOF_REL = "urn:ruimte:rel:proof"
HEADERS = {
    "Ruimte-Agreement": "Hash of the agreement under which it is given",
    "Ruimte-Log-Index": "Entry of the transparency log that commits to this answer",
    "Ruimte-Log-Salt": "Salt of that commitment, base64url",
    "Content-Digest": "SHA-256 of the body (RFC 9530)",
    "Link": f"The entry's proof ({PROOF_REL}) and the agreement (license)",
}


def answer(released: Released, status: int = 200) -> Response:
    """The answer as it goes out. No proxy may change it on its way: it was logged byte by byte."""
    digest = base64.b64encode(hashlib.sha256(released.body).digest()).decode()
    links = (
        f'<{ROOT}/log/proofs/{released.index}>; rel="{PROOF_REL}"',
        f'<{ROOT}/agreements/{released.agreement}>; rel="license"',
    )
    headers = {
        "content-type": released.media_type,
        "cache-control": "no-store, no-transform",
        "vary": "accept",
        "ruimte-agreement": released.agreement,
        "ruimte-log-index": str(released.index),
        "ruimte-log-salt": released.salt,
        "content-digest": f"sha-256=:{digest}:",
        "link": ", ".join(links),
    }
    return Response(released.body, status, headers)


def document(request: Request, value: object, media_type: str = JSON, headers: dict[str, str] | None = None) -> Response:
    """A document that changes seldom, with an ETag: who has it already gets a 304."""
    body = msgspec.json.encode(value)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    wanted = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    given = {"etag": tag, "vary": "accept", **(headers or {})}
    if wanted & {tag, "*"}:
        return Response(status_code=304, headers=given)
    return Response(body, 200, given, media_type)
