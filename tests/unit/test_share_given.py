"""What a node gives of the agreements in its folders: nobody becomes a party, or a provider, by a file that lies there."""

from __future__ import annotations

import msgspec
import pytest

import agreed
from agreed import CITY, KEYS, METRO, NOW_S, POLICE
from ruimte.jobs.agreements import Book
from ruimte.jobs.given import given
from ruimte.keys.signature import key_id
from ruimte.share.agreement import Validity
from ruimte.share.contract import rotate, sign

EVIL = agreed.pair_of("somebody else")


class World:
    def __init__(self, folder):
        self.now_s = NOW_S
        self.book = Book((folder,), lambda: self.now_s * 1_000_000)

    def keep(self, *grants, number=0, signers=None, actions=("accept",), police=KEYS[POLICE], parties=(CITY, POLICE), **changes):
        content = agreed.content(*grants, parties=parties, iv=f"{number}6338364-8305-7b74-8000-de4963503139", **changes)
        named = tuple(
            msgspec.structs.replace(each, public_key=police.public) if each.id == POLICE else each for each in content.parties
        )
        agreement = agreed.Agreement(version=1, content=msgspec.structs.replace(content, parties=named))
        keys = KEYS | {POLICE: police}
        for party in signers or parties:
            for action in actions:
                agreement = sign(agreement, party, keys[party].private, action, agreed.FROM_S + 60)
        return self.book.keep(agreement)

    def given(self, party=CITY):
        return given(self.book, self.book.granted(), KEYS[party].public, self.now_s)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_the_keys_of_an_agreement_that_this_node_signed(world):
    world.keep()
    assert world.given().public_keys(POLICE) == [KEYS[POLICE].public]
    assert len(world.given().granted) == 1


def test_who_revokes_an_agreement_that_nobody_else_signed_is_no_party_by_that(world):
    world.keep()
    known = world.keep(number=1, police=EVIL, signers=(POLICE,), actions=("accept", "revoke"))
    assert known.status == "revoked"
    assert world.given().public_keys(POLICE) == [KEYS[POLICE].public]


def test_a_proposal_that_has_expired_names_no_key(world):
    world.keep(number=1, police=EVIL, signers=(POLICE,), validity=Validity(not_before=agreed.FROM_S, not_after=NOW_S - 1))
    assert world.book.all()[0].status == "expired"
    assert world.given().public_keys(POLICE) == []


def test_the_key_of_an_agreement_that_was_taken_back_opens_nothing_where_another_holds(world):
    old = world.keep(police=EVIL)
    world.book.sign(old.hash, "revoke", KEYS[CITY])
    assert world.given().public_keys(POLICE) == [EVIL.public]  # it is told why it gets nothing
    world.keep(number=1)
    assert world.given().public_keys(POLICE) == [KEYS[POLICE].public]


def test_a_key_opens_only_the_agreements_in_which_it_is_the_partys(world):
    world.keep()
    other = world.keep(number=1, police=EVIL)
    found = world.given()
    assert [one.agreement for one in found.to(POLICE, key_id(EVIL.public))] == [other.hash]
    assert found.to(POLICE, "") is found.granted
    assert found.to(METRO, key_id(KEYS[METRO].public)) is found.granted


def test_the_lab_of_another_city_with_the_same_key_is_not_given_here(world):
    """The metro gives the police its own "boulevard"; the city is a party, and has a lab that is called so, too."""
    parties = (CITY, POLICE, METRO)
    world.keep(agreed.grant(METRO, POLICE), agreed.grant(CITY, METRO, "square"), parties=parties)
    assert [one.grant.lab for one in world.given(CITY).granted] == ["square"]
    assert [one.grant.lab for one in world.given(METRO).granted] == ["boulevard"]


def test_an_agreement_of_others_gives_nothing(world):
    world.keep(agreed.grant(METRO, POLICE), parties=(METRO, POLICE))
    found = world.given()
    assert found.granted == ()
    assert found.public_keys(POLICE) == []


def test_a_key_that_somebody_gave_over_to_this_node_makes_nobodys_lab_its_own(world):
    """Somebody signs as the city with a key of their own, and then names the city's real key as their new one."""
    content = agreed.content(parties=(CITY, POLICE))
    named = tuple(msgspec.structs.replace(each, public_key=EVIL.public) if each.id == CITY else each for each in content.parties)
    agreement = agreed.Agreement(version=1, content=msgspec.structs.replace(content, parties=named))
    agreement = sign(agreement, CITY, EVIL.private, "accept", agreed.FROM_S + 60)
    agreement = sign(agreement, POLICE, KEYS[POLICE].private, "accept", agreed.FROM_S + 60)
    agreement = rotate(agreement, CITY, EVIL.private, KEYS[CITY].public, agreed.FROM_S + 120)
    known = world.book.keep(agreement)
    assert known.status == "valid"
    assert world.given().granted == ()
    own = given(world.book, world.book.granted(), KEYS[CITY].public, NOW_S, [known.hash])  # the log knows it from before
    assert len(own.granted) == 1
