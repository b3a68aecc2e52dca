"""The page of sharing over the real desk of a running lab: what is agreed there is given, what is taken back there is not."""

from __future__ import annotations

import asyncio
from datetime import date
from types import SimpleNamespace

import pytest
from test_share_desk import World

from agreed import KEYS, NOW_S, POLICE
from fake_sharing import SETTINGS
from ruimte.clock import SECOND_US, ManualClock
from ruimte.jobs.live import LiveRoom
from ruimte.jobs.share_office import Office
from ruimte.jobs.share_proposal import Proposal
from ruimte.model.role import Actor
from ruimte.share.contract import sign
from ruimte.share.document import read_document, write_document

MANAGER = Actor("Jo Jansen", "manager")
OFFER = Proposal(
    partner="Police of Example",
    partner_id=POLICE,
    partner_key=KEYS[POLICE].public,
    zones=("*",),
    kinds=("state",),
    quantities=("people",),
    exactness="suppressed",
    minimum=10,
    round_to=10,
    step="1h",
    begin=date(2026, 9, 1),
    end=date(2026, 12, 31),
    purpose="event-safety",
    regime="none",
    ground="",
    delete_after="30d",
)


@pytest.fixture
def world(start, tmp_path):
    run = start()
    run.tick()
    run.tick()
    made = World(run, tmp_path)
    yield made
    made.open.close()


def test_from_a_proposal_on_the_page_to_a_refusal_after_it_was_taken_back(world):
    room = LiveRoom(world.run.station, ManualClock(NOW_S * SECOND_US), "live")
    parts = SimpleNamespace(lab=world.lab, keys=KEYS["urn:nld:oin:00000099000000001000"], settings=SETTINGS, desk=world.desk)
    parts.noise = world.noise
    office = Office(parts, room, lambda: world.now_us)
    hashed = asyncio.run(office.propose(MANAGER, OFFER))
    assert world.refused().decision.reason == "no-agreement"

    letter = read_document(office.file(hashed)[1], "letter")
    answer = write_document(sign(letter, POLICE, KEYS[POLICE].private, "accept", NOW_S))
    assert asyncio.run(office.take_in(MANAGER, answer, "letter")) == (hashed, "valid")
    assert world.get()["figures"]
    (view,) = office.view("en").agreements
    assert (view.stand, view.out.releases) == ("valid", 1)

    asyncio.run(office.act(MANAGER, hashed, "revoke"))
    assert world.refused().decision.reason == "revoked"
    (view,) = office.view("en").ended
    assert view.out.releases == 1
    assert dict(view.out.refusals)["the agreement was taken back"] == 1
    assert [line.kind for line in room.logbook("en", limit=3)] == [
        "agreement-revoked",
        "agreement-received",
        "agreement-proposed",
    ]
