"""What is asked under an agreement, and what is answered: the words between decision, release and the web."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import msgspec

from ruimte.share.agreement import Grant, Quantity, Status

Action = Literal[
    "read-state",
    "read-forecast",
    "read-warnings",
    "read-history",
    "contribute-zone-status",
    "contribute-closures",
    "contribute-arrivals",
]

FOLLOWED: Mapping[str, Action] = {"state": "read-state", "forecast": "read-forecast", "warnings": "read-warnings"}
"""What can be followed as it comes, by the name that a request gives it."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request: which ``party``, for which ``purpose``, what (``action``) of which places and quantities, at what time.

    ``places`` are zones, count points, or gates; of a grant with areas the areas' names. Empty: all that the grant gives.
    ``agreement``: the content's hash, where the party names one. ``at_us``: the wall's clock. ``traceparent``: the party's own
    operation that asks (W3C Trace Context), where it tells that. ``key``: the thumbprint of the key by which the party proved
    who it is, where that is known: it opens only agreements in which the party signs with that key. ``came_s``: when it came, by
    ``time.monotonic``: how agreements stood before that does not count; by default, how they stood before it is decided on.
    """

    party: str
    purpose: str
    action: Action
    lab: str
    at_us: int
    places: tuple[str, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    step: str = ""
    agreement: str = ""
    traceparent: str = ""
    key: str = ""
    came_s: float = math.inf


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """A grant of an agreement, and how it stands. ``agreement``: the hash of its content (base64url); ``index``: which of its
    grants; ``[not_before_us, not_after_us)``: when it holds, if its ``status`` is "valid". ``signed_us``: when the last party
    had signed, and it was known here (0: not known); until then nothing was given."""

    agreement: str
    index: int
    grant: Grant
    status: Status
    not_before_us: int
    not_after_us: int
    signed_us: int = 0


Reason = Literal[
    "allowed",
    "no-agreement",
    "not-yet-valid",
    "expired",
    "revoked",
    "purpose",
    "action",
    "places",
    "quantities",
    "step",
    "forbidden-by-lab",
    "engine-failed",
    "log-failed",
    "budget",
]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided on a request, and why; ``told`` says it in a line for the requester.

    ``policies`` names those that decided; ``granted`` is there where it is allowed.
    """

    allowed: bool
    reason: Reason
    told: str
    asked: Asked
    granted: Granted | None = None
    policies: tuple[str, ...] = ()
