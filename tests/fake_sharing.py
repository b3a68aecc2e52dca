"""Sharing of the invented room's node: real files of agreements and a real log in a folder of a test, and invented partners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from agreed import CITY, KEYS, METRO, NOW_S, POLICE, content, grant, privately
from ruimte.clock import SECOND_US
from ruimte.jobs.agreements import Book
from ruimte.jobs.log import Log
from ruimte.jobs.room import Room
from ruimte.jobs.share_office import Office
from ruimte.jobs.share_tally import Tally
from ruimte.keys.signature import KeyPair
from ruimte.lab.files import Privacy
from ruimte.lab.lab import Lab
from ruimte.settings import SharingFile
from ruimte.share.agreement import Agreement, Duties, Form, Grant, What
from ruimte.share.contract import sign
from ruimte.share.document import write_document
from ruimte.share.noise import Noise
from ruimte.store.noise import NoiseFile

NOW_US = NOW_S * SECOND_US
SETTINGS = SharingFile(party=CITY, name="City of Example")
PRIVACY = Privacy(
    epsilon_per_day=2.0, quantities={"people": 0.5}, intervals=8, assumption="nobody stays longer than two hours", public=[]
)


@dataclass
class FakeDesk:
    book: Book
    log: Log
    tally: Tally = field(default_factory=Tally)

    def own(self) -> list[str]:
        return [each.hash for each in self.book.all() if each.status == "valid"]


@dataclass
class FakeShared:
    """The node of the city. ``now_us``: the wall's clock, which a test may set."""

    folder: Path
    lab: Lab
    desk: FakeDesk
    noise: Noise | None
    keys: KeyPair = KEYS[CITY]
    settings: SharingFile = SETTINGS
    now_us: int = NOW_US

    def put(self, agreement: Agreement, name: str = "") -> str:
        """Lay a file into the node's folder; tells the hash."""
        return self.desk.book.keep(agreement).hash

    def write(self, name: str, octets: bytes) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / name).write_bytes(octets)

    def logged(self, kind: Any, *payloads: dict[str, Any]) -> None:
        self.desk.log.append_many([(kind, payload) for payload in payloads]).result()


def shared_of(room: Room, folder: Path, *, private: bool = False) -> FakeShared:
    """What is shared by the room's node, in a folder; nothing yet."""
    lab = room.lab
    if private:
        file = msgspec.structs.replace(lab.file, privacy=PRIVACY)
        object.__setattr__(lab, "file", file)
    clock: list[Callable[[], int]] = []
    now_us = lambda: clock[0]()  # noqa: E731 - the parts are made before the whole
    log = Log(folder / "room.log.db", f"{CITY}/{lab.key}", KEYS[CITY], now_us)
    noise = None
    if private:
        noise = Noise(NoiseFile(folder / "room.noise.db"), PRIVACY, lab.zone, dict.fromkeys(lab.zones, 100.0), now_us)
    shared = FakeShared(folder / "agreements", lab, FakeDesk(Book([folder / "agreements"], now_us), log), noise)
    clock.append(lambda: shared.now_us)
    return shared


def office_of(shared: FakeShared, room: Room) -> Office:
    return Office(shared, room, lambda: shared.now_us)


def to_police(lab: Lab, **changes: Any) -> Grant:
    """What the police get of the room's lab."""
    what = What(kinds=("state", "warnings"), zones=("market", "station-square"), quantities=("people", "level"))
    form = Form(exactness="suppressed", minimum=10, round_to=10, step="15m")
    return grant(**{"lab": lab.key, "what": what, "form": form} | changes)


def offered(shared: FakeShared, *grants: Grant, by: str = POLICE, **changes: Any) -> Agreement:
    """An agreement that the partner has signed, and this node has not."""
    made = Agreement(version=1, content=content(*(grants or (to_police(shared.lab),)), **changes))
    return sign(made, by, KEYS[by].private, "accept", NOW_S - 3600)


def in_force(shared: FakeShared, *grants: Grant, by: str = POLICE, **changes: Any) -> Agreement:
    """The same, signed by both."""
    return sign(offered(shared, *grants, by=by, **changes), CITY, KEYS[CITY].private, "accept", NOW_S - 1800)


def furnished(shared: FakeShared) -> dict[str, str]:
    """A city's table as it is on a Tuesday: one agreement in force, one to sign, one with noise, one over, and a broken file.

    Tells the hashes by what they are.
    """
    lab = shared.lab
    back = grant(
        provider=POLICE,
        consumer=CITY,
        lab="district",
        what=What(kinds=("warnings",), zones=("*",)),
        form=Form(exactness="exact"),
        legal_ground="Covenant on crowd safety, article 4",
        duties=Duties(delete_after="1d", name_source="Police of Example"),
    )
    tells = What(kinds=("state",), zones=("*",), quantities=("people",), contributions=("closures", "arrivals"))
    metro = to_police(lab, consumer=METRO, what=tells)
    noisy = to_police(
        lab,
        consumer=METRO,
        purpose="research",
        what=What(kinds=("history",), zones=("market",), quantities=("people",)),
        form=privately(privacy=msgspec.structs.replace(privately().privacy, epsilon_per_day=0.5)),
    )
    ivs = [f"06338364-8305-7b74-8000-de496350313{digit}" for digit in range(4)]
    hashes = {
        "in force": shared.put(in_force(shared, to_police(lab), back, iv=ivs[0])),
        "to sign": shared.put(offered(shared, metro, by=METRO, parties=(CITY, METRO), iv=ivs[1])),
        "noise": shared.put(in_force(shared, noisy, by=METRO, parties=(CITY, METRO), iv=ivs[2])),
    }
    over = in_force(shared, iv=ivs[3])
    hashes["over"] = shared.put(sign(over, POLICE, KEYS[POLICE].private, "revoke", NOW_S - 900))
    shared.write("letter.json", b'{"content": 1')
    known = {"agreement": hashes["in force"], "party": POLICE, "purpose": "event-safety", "action": "read-state"}
    shared.logged("release", *({**known, "grant": 0, "sha256": f"{number:064x}"} for number in range(12)))
    shared.logged("decision", *({**known, "allowed": False, "reason": "purpose"} for _ in range(2)))
    if shared.noise is not None:
        shared.noise.open(METRO, "2026-09-21", "people", 0.5)
    return hashes


def file_of(agreement: Agreement) -> bytes:
    return write_document(agreement)
