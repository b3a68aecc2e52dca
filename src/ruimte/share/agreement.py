"""An agreement: who gets what of whom, for which purpose, in which form, until when.

The envelope is that of a contract of FSC Core 1.1 (Federated Service Connectivity, the Dutch government's standard for
connections between organisations): what is agreed on, and beside it what each party signed about it. A **grant** is one
direction of it: its consumer gets from its provider what its terms say. An agreement may hold several, so that partners give as
well as take.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

FORMAT = 1
"""Version of the file; a newer one is refused."""
HASH_ALGORITHM = "HASH_ALGORITHM_SHA3_512"
GRANT_TYPE = "GRANT_TYPE_RUIMTE_SHARE"
ALL = "*"
"""In a list of zones or gates: all of the lab."""

Kind = Literal["state", "forecast", "warnings", "history"]
"""What a grant may give: the picture of now, what is expected, warnings, what was."""
Contribution = Literal["zone-status", "closures", "arrivals"]
"""What a grant may let its consumer tell the provider: how a zone is, what is closed, who is expected."""
Quantity = Literal["people", "density", "inflow", "outflow", "flow", "level"]
"""``people`` (persons), ``density`` (persons/m²) and ``level`` of a zone; ``inflow`` and ``outflow`` (persons/h) of a zone;
``flow`` (persons/h) and ``level`` of a count point."""
Regime = Literal["none", "gdpr", "wpg"]
"""Which act the flow falls under: ``none`` (anonymous figures), the GDPR, or the Police Data Act (*Wet politiegegevens*)."""
Status = Literal["proposed", "valid", "rejected", "revoked", "expired"]
"""How an agreement stands: not all have signed; in force (or to be, from its first moment on); refused; taken back; over."""
Exactness = Literal["exact", "suppressed", "private"]
"""``exact``: inside the safety chain. ``suppressed``: figures that rest on few people are left out. ``private``: with noise
that differential privacy asks for."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Party(_Part, frozen=True):
    """An organisation. ``id``: ``urn:nld:oin:`` and its OIN, or another URI; ``public_key``: base64url of an Ed25519 key."""

    id: str
    name: str
    public_key: str


class Validity(_Part, frozen=True):
    """From when until when, seconds since 1970: [``not_before``, ``not_after``)."""

    not_before: int
    not_after: int


class What(_Part, frozen=True):
    """What is given: which ``kinds`` of figures, of which places, which quantities.

    ``contributions``: what the consumer may tell.
    ``zones`` holds keys of zones and count points, ``gates`` those of gates; ``("*",)`` is all of the lab.
    """

    kinds: tuple[Kind, ...] = ()
    zones: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    contributions: tuple[Contribution, ...] = ()


class Privacy(_Part, frozen=True):
    """Differential privacy: ``epsilon_per_day`` is this recipient's reserved part of the lab's.

    What it protects is a person who touches at most ``intervals`` steps a day; ``assumption`` says in words why that holds.
    """

    epsilon_per_day: float
    intervals: int
    assumption: str


class Form(_Part, frozen=True):
    """In which form: time ``step``, places put together into ``areas`` (name → zones; empty: as they are), and how exact.

    ``minimum`` is k: a figure that rests on fewer people is left out. ``round_to``: figures are told in multiples of it (persons;
    persons/h), after noise. ``privacy`` is there where ``exactness`` is "private", and only there.
    """

    exactness: Exactness
    step: str = "5m"
    areas: dict[str, tuple[str, ...]] = {}
    minimum: int = 0
    round_to: int = 1
    privacy: Privacy | None = None


class Duties(_Part, frozen=True):
    """What the consumer owes: delete after a time, whether it may pass figures on, how to name the source."""

    delete_after: str
    name_source: str
    onward_sharing: bool = False


class Terms(_Part, frozen=True):
    """What a grant says. ``policy``: the same as an ODRL 2.2 policy (JSON-LD), for programs that know no Ruimte."""

    purpose: str
    legal_regime: Regime
    legal_ground: str
    what: What
    form: Form
    duties: Duties
    policy: dict[str, Any] = {}


class Grant(_Part, frozen=True):
    """One direction: ``consumer`` (a party's id) gets from ``provider`` figures of ``lab``, under the terms in ``properties``."""

    provider: str
    consumer: str
    lab: str
    properties: Terms
    type: Literal["GRANT_TYPE_RUIMTE_SHARE"] = "GRANT_TYPE_RUIMTE_SHARE"


class Content(_Part, frozen=True):
    """What the parties sign. ``iv``: a UUID, so that no two agreements are alike; ``created_at``: seconds since 1970.

    ``on_withdrawal``: what happens where one of more than two parties withdraws: the whole agreement ends ("ends"), or only the
    grants that it gives or takes ("part").
    """

    iv: str
    group_id: str
    created_at: int
    validity: Validity
    parties: tuple[Party, ...]
    grants: tuple[Grant, ...]
    on_withdrawal: Literal["ends", "part"] = "ends"
    hash_algorithm: Literal["HASH_ALGORITHM_SHA3_512"] = "HASH_ALGORITHM_SHA3_512"


class Signatures(_Part, frozen=True):
    """What was signed, by the party's id: a JWS each, over the content's hash."""

    accept: dict[str, str] = {}
    reject: dict[str, str] = {}
    revoke: dict[str, str] = {}


class Agreement(_Part, frozen=True):
    """The file. ``rotations``: new keys of parties, each signed with the one before."""

    version: Literal[1]
    content: Content
    signatures: Signatures = Signatures()
    rotations: tuple[str, ...] = ()
