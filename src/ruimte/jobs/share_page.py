"""The page of sharing as data: what a manager or a privacy officer sees of agreements, releases, privacy budget and log."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, Protocol

import msgspec

from ruimte.jobs.agreements import Book
from ruimte.jobs.log import Log
from ruimte.jobs.share_tally import Tally
from ruimte.lab.lab import Lab
from ruimte.settings import SharingFile
from ruimte.share.noise import Noise

Stand = Literal["trouble", "proposed", "valid", "revoked", "rejected", "expired"]
Act = Literal["sign", "reject", "revoke"]


class Keys(Protocol):
    """The node's key pair, base64url."""

    @property
    def private(self) -> str: ...
    @property
    def public(self) -> str: ...


class Desk(Protocol):
    """Of the desk no more than what is looked at."""

    @property
    def book(self) -> Book: ...
    @property
    def log(self) -> Log: ...
    @property
    def tally(self) -> Tally: ...

    def own(self) -> Collection[str]: ...


class Shared(Protocol):
    """Sharing of one node, as the page sees it."""

    @property
    def lab(self) -> Lab: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def settings(self) -> SharingFile: ...
    @property
    def desk(self) -> Desk: ...
    @property
    def noise(self) -> Noise | None: ...


class _View(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Bar(_View, frozen=True, kw_only=True):
    """Where an agreement's time lies on a line that holds ``now`` too, in percents: its ``begin``, how long it is (``width``),
    and how much of it is ``gone``."""

    begin: float
    width: float
    gone: float
    now: float


class PartyView(_View, frozen=True, kw_only=True):
    """A party, its key of now, and what it has signed and when, in words."""

    id: str
    name: str
    key: str
    own: bool
    said: str


class FlowView(_View, frozen=True, kw_only=True):
    """One direction of an agreement, in sentences. ``trouble``: why it gives nothing, though the agreement is in force."""

    title: str
    terms: list[str]
    purpose: str
    regime: str
    ground: str
    trouble: str


class OutView(_View, frozen=True, kw_only=True):
    """What went out under an agreement today: how often, when last; and refusals, with why, the most frequent first."""

    releases: int
    last: str | None
    refusals: list[tuple[str, int]]


class AgreementView(_View, frozen=True, kw_only=True):
    """One agreement. ``id``: short, for links to it; ``partners``: the others by name; ``told``: how it stands, in a sentence;
    ``own``: whether this node is a party; ``may``: what it can do with it; ``stops``: what ends when it is taken back;
    ``out``: what this node gave by it, once it is or was in force.

    Of a file that holds no agreement only ``id``, ``file``, ``stand`` ("trouble") and ``trouble`` are filled.
    """

    id: str
    hash: str
    file: str
    partners: str
    stand: Stand
    told: str
    trouble: str = ""
    own: bool = False
    begin: str = ""
    end: str = ""
    bar: Bar | None = None
    parties: list[PartyView] = []
    flows: list[FlowView] = []
    may: list[Act] = []
    stops: list[str] = []
    out: OutView | None = None


class SpentView(_View, frozen=True, kw_only=True):
    """A recipient's part of today's privacy budget, in ε. ``public`` is everybody."""

    name: str
    public: bool
    spent: float
    reserved: float


class BudgetView(_View, frozen=True, kw_only=True):
    """Today's privacy budget in ε: the lab's, what is reserved of it, and what the day lost; it renews at ``renews``."""

    budget: float
    reserved: float
    lost: float
    renews: str
    recipients: list[SpentView]


class WitnessView(_View, frozen=True, kw_only=True):
    """Who cosigned the log, up to how many entries, and when."""

    name: str
    size: int
    at: str


class LogView(_View, frozen=True, kw_only=True):
    """The transparency log: its name, the key that it is verified with, how many entries, the last one's time, its witnesses."""

    origin: str
    key: str
    size: int
    last: str | None
    witnesses: list[WitnessView]


class OwnView(_View, frozen=True, kw_only=True):
    """Who this node is in agreements; "" where that is not known yet. ``key`` is what partners know it by."""

    party: str
    name: str
    key: str


class SharingView(_View, frozen=True, kw_only=True):
    """The page. ``agreements``: what waits for this node first, then what is wrong, then what is in force; ``ended`` apart."""

    now: str
    own: OwnView
    agreements: list[AgreementView]
    ended: list[AgreementView]
    budget: BudgetView | None
    log: LogView
