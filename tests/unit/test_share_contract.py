"""An agreement holds once all have signed exactly these terms, each with its own key, and until one ends it."""

from __future__ import annotations

import json
from itertools import permutations

import msgspec
import pytest

from agreed import CITY, FROM_S, KEYS, METRO, NOW_S, POLICE, UNTIL_S, agreed, grant, pair_of, proposed
from ruimte.errors import RuimteError
from ruimte.keys.statement import state
from ruimte.share.agreement import Agreement, Signatures
from ruimte.share.contract import TYPE, check, content_hash, current_key, granted, rotate, sign, statements, status, unite
from ruimte.share.document import read_document, write_document

NEW = pair_of("new")


def signed(agreement: Agreement, party: str, action: str, at_s: int = NOW_S) -> Agreement:
    return sign(agreement, party, KEYS[party].private, action, at_s)  # type: ignore[arg-type]


def with_signature(agreement: Agreement, action: str, party: str, token: str) -> Agreement:
    by_party = getattr(agreement.signatures, action) | {party: token}
    return msgspec.structs.replace(agreement, signatures=msgspec.structs.replace(agreement.signatures, **{action: by_party}))


def by_hand(agreement: Agreement, private: str, **changes: object) -> str:
    """A signature with any payload, signed rightly."""
    payload = {"contract_content_hash": "$1$1$" + content_hash(agreement.content), "type": "accept", "signed_at": NOW_S}
    return state(json.dumps(payload | changes).encode(), private, TYPE)


# --- how it stands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations([CITY, POLICE, METRO])))
def test_it_is_valid_once_all_have_accepted_in_whatever_order(order: tuple[str, ...]) -> None:
    agreement = proposed(grant(), grant(CITY, METRO), parties=(CITY, POLICE, METRO))
    for party in order:
        assert status(agreement, NOW_S) == "proposed"
        agreement = signed(agreement, party, "accept")
    assert status(agreement, NOW_S) == "valid"


def test_it_expires_at_its_end() -> None:
    assert [status(agreed(), at_s) for at_s in (UNTIL_S - 1, UNTIL_S)] == ["valid", "expired"]
    assert status(proposed(), UNTIL_S) == "expired"


def test_one_that_rejects_is_enough() -> None:
    assert status(signed(signed(proposed(), CITY, "accept"), POLICE, "reject"), NOW_S) == "rejected"


@pytest.mark.parametrize("party", [CITY, POLICE])
def test_either_party_can_take_it_back(party: str) -> None:
    assert status(signed(agreed(), party, "revoke"), NOW_S) == "revoked"


def test_of_three_parties_one_can_end_all_or_only_its_part() -> None:
    grants, parties = (grant(), grant(CITY, METRO)), (CITY, POLICE, METRO)
    ends = signed(agreed(*grants, parties=parties), METRO, "revoke")
    assert [each.status for each in granted(ends, NOW_S)] == ["revoked", "revoked"]
    part = signed(agreed(*grants, parties=parties, on_withdrawal="part"), METRO, "revoke")
    assert [each.status for each in granted(part, NOW_S)] == ["valid", "revoked"]
    assert status(part, NOW_S) == "valid"
    both = signed(part, CITY, "revoke")
    assert [each.status for each in granted(both, NOW_S)] == ["revoked", "revoked"]
    assert status(both, NOW_S) == "revoked"


def test_grants_carry_the_hash_their_place_and_their_time() -> None:
    agreement = agreed()
    found = granted(agreement, NOW_S)[0]
    assert (found.agreement, found.index, found.status) == (content_hash(agreement.content), 0, "valid")
    assert (found.not_before_us, found.not_after_us) == (FROM_S * 1_000_000, UNTIL_S * 1_000_000)
    assert found.signed_us == max(each.signed_at for each in statements(agreement)) * 1_000_000 > 0


# --- what a party cannot do ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "party", "action", "told"),
    [
        (["accept"], CITY, "accept", "has signed accept already"),
        (["accept"], CITY, "reject", "has accepted"),
        ([], CITY, "revoke", "has not accepted"),
        (["reject"], CITY, "reject", "has signed reject already"),
        (["accept", "revoke"], CITY, "revoke", "has signed revoke already"),
        (["accept", "revoke"], POLICE, "accept", "was revoked by"),
        (["reject"], POLICE, "accept", "was rejected by"),
        (["reject"], POLICE, "reject", "was ended by"),
        ([], METRO, "accept", "is not a party"),
    ],
)
def test_signatures_that_make_no_sense_are_refused(before: list[str], party: str, action: str, told: str) -> None:
    agreement = proposed()
    for each in before:
        agreement = signed(agreement, CITY, each)
    with pytest.raises(RuimteError, match=told):
        signed(agreement, party, action)


def test_who_revoked_cannot_accept_again() -> None:
    revoked = signed(agreed(), POLICE, "revoke")
    without = msgspec.structs.replace(revoked, signatures=Signatures(revoke=revoked.signatures.revoke))
    with pytest.raises(RuimteError, match="was revoked by"):
        signed(without, POLICE, "accept")
    later = with_signature(revoked, "accept", POLICE, by_hand(revoked, KEYS[POLICE].private, signed_at=NOW_S + 1000))
    assert status(later, NOW_S + 2000) == "revoked"


def test_an_expired_agreement_cannot_be_accepted() -> None:
    with pytest.raises(RuimteError, match="has expired"):
        signed(proposed(), CITY, "accept", UNTIL_S)


def test_a_key_of_another_party_or_of_nobody_does_not_sign() -> None:
    for key in (KEYS[CITY], NEW):
        with pytest.raises(RuimteError, match="this key is not the party's"):
            sign(proposed(), POLICE, key.private, "accept", NOW_S)


# --- what an attacker cannot do -----------------------------------------------------------------------------------------


def test_changed_terms_are_not_what_was_signed() -> None:
    agreement = agreed()
    wider = msgspec.structs.replace(proposed(grant(purpose="marketing")), signatures=agreement.signatures)
    with pytest.raises(RuimteError, match=r"accept.*was signed under other terms"):
        check(wider)


def test_a_signature_of_another_agreement_does_not_count() -> None:
    other = agreed(iv="11111111-1111-4111-8111-111111111111")
    with pytest.raises(RuimteError, match="was signed under other terms"):
        check(msgspec.structs.replace(proposed(), signatures=other.signatures))


def test_a_party_cannot_sign_for_another() -> None:
    forged = with_signature(proposed(), "accept", POLICE, by_hand(proposed(), KEYS[CITY].private))
    with pytest.raises(RuimteError, match=f"accept, {POLICE}: is signed with a key that is not the party's"):
        check(forged)


def test_who_is_no_party_cannot_sign() -> None:
    with pytest.raises(RuimteError, match="is not a party"):
        check(with_signature(agreed(), "revoke", METRO, by_hand(agreed(), KEYS[METRO].private, type="revoke")))


def test_an_acceptance_cannot_pass_for_a_revocation() -> None:
    agreement = agreed()
    moved = with_signature(agreement, "revoke", CITY, agreement.signatures.accept[CITY])
    with pytest.raises(RuimteError, match="what was signed is accept"):
        check(moved)


@pytest.mark.parametrize(
    "changes",
    [{"signed_at": -1}, {"signed_at": 1.5}, {"signed_at": "now"}, {"signed_at": True}, {"more": 1}, {"type": "agree"}],
)
def test_a_payload_of_another_shape_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(RuimteError, match="does not hold what an agreement's signature holds"):
        check(with_signature(proposed(), "accept", CITY, by_hand(proposed(), KEYS[CITY].private, **changes)))


def test_a_statement_of_another_kind_is_refused() -> None:
    payload = {"contract_content_hash": "$1$1$" + content_hash(proposed().content), "type": "accept", "signed_at": NOW_S}
    token = state(json.dumps(payload).encode(), KEYS[CITY].private, "at+jwt")
    with pytest.raises(RuimteError, match="is a statement of another kind"):
        check(with_signature(proposed(), "accept", CITY, token))


# --- clocks -------------------------------------------------------------------------------------------------------------


def test_an_acceptance_of_the_future_does_not_count_yet() -> None:
    ahead = signed(signed(proposed(), CITY, "accept"), POLICE, "accept", NOW_S + 3600)
    assert [status(ahead, NOW_S + late) for late in (0, 3539, 3540)] == ["proposed", "proposed", "valid"]


def test_a_clock_that_is_set_back_does_not_undo_a_revocation() -> None:
    revoked = signed(agreed(), CITY, "revoke", NOW_S + 1000)
    assert status(revoked, NOW_S) == "revoked"


# --- keys ---------------------------------------------------------------------------------------------------------------


def test_a_key_is_given_over_to_a_new_one() -> None:
    agreement = rotate(agreed(), POLICE, KEYS[POLICE].private, NEW.public, NOW_S)
    check(agreement)
    assert status(agreement, NOW_S) == "valid"
    assert current_key(agreement, POLICE) == NEW.public
    assert current_key(agreement, POLICE, NOW_S - 61) == KEYS[POLICE].public
    assert current_key(agreement, CITY) == KEYS[CITY].public
    assert status(sign(agreement, POLICE, NEW.private, "revoke", NOW_S + 1), NOW_S + 1) == "revoked"


def test_the_old_key_signs_no_more() -> None:
    agreement = rotate(agreed(), POLICE, KEYS[POLICE].private, NEW.public, NOW_S)
    with pytest.raises(RuimteError, match="this key is not the party's"):
        signed(agreement, POLICE, "revoke", NOW_S + 1)
    forged = with_signature(
        agreement, "revoke", POLICE, by_hand(agreement, KEYS[POLICE].private, type="revoke", signed_at=NOW_S + 1)
    )
    with pytest.raises(RuimteError, match="was not the party's then"):
        check(forged)
    with pytest.raises(RuimteError, match="this key is not the party's"):
        rotate(agreement, POLICE, KEYS[POLICE].private, pair_of("thief").public, NOW_S + 1)


@pytest.mark.parametrize("action", ["accept", "reject", "revoke"])
def test_a_stolen_old_key_cannot_sign_with_a_date_of_before(action: str) -> None:
    agreement = rotate(proposed(), POLICE, KEYS[POLICE].private, NEW.public, NOW_S)
    token = by_hand(agreement, KEYS[POLICE].private, type=action, signed_at=NOW_S - 1000)
    with pytest.raises(RuimteError, match="was not the party's then"):
        check(with_signature(agreement, action, POLICE, token))


def test_what_was_signed_before_holds_through_several_rotations() -> None:
    agreement = rotate(agreed(), POLICE, KEYS[POLICE].private, NEW.public, NOW_S)
    agreement = rotate(agreement, POLICE, NEW.private, pair_of("newer").public, NOW_S)
    check(agreement)
    assert status(agreement, NOW_S) == "valid"
    assert status(sign(agreement, POLICE, pair_of("newer").private, "revoke", NOW_S), NOW_S) == "revoked"


def test_two_new_keys_from_one_old_are_an_attack_or_a_mistake() -> None:
    thief = rotate(agreed(), POLICE, KEYS[POLICE].private, pair_of("thief").public, NOW_S)
    owner = rotate(agreed(), POLICE, KEYS[POLICE].private, NEW.public, NOW_S)
    with pytest.raises(RuimteError, match=r"rotations\[1\]: is not signed with the newest key of a party"):
        check(unite(owner, thief))


def test_a_new_key_signs_at_once_though_its_machine_is_behind() -> None:
    agreement = rotate(proposed(), POLICE, KEYS[POLICE].private, NEW.public, NOW_S)
    check(sign(agreement, POLICE, NEW.private, "accept", NOW_S - 30))
    twice = rotate(agreement, POLICE, NEW.private, pair_of("newer").public, NOW_S - 3600)
    assert current_key(twice, POLICE) == pair_of("newer").public
    check(twice)


def test_a_key_belongs_to_one_party_and_is_not_taken_up_again() -> None:
    for known in (KEYS[CITY].public, KEYS[POLICE].public):
        with pytest.raises(RuimteError, match="is known in this agreement already"):
            rotate(agreed(), POLICE, KEYS[POLICE].private, known, NOW_S)
    with pytest.raises(RuimteError, match="is not an Ed25519 key"):
        rotate(agreed(), POLICE, KEYS[POLICE].private, "abc", NOW_S)


def test_a_rotation_of_another_agreement_does_not_count() -> None:
    other = rotate(agreed(iv="11111111-1111-4111-8111-111111111111"), POLICE, KEYS[POLICE].private, NEW.public, NOW_S)
    with pytest.raises(RuimteError, match=r"rotations\[0\]: was signed under other terms"):
        check(msgspec.structs.replace(agreed(), rotations=other.rotations))


# --- the file -----------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read() -> None:
    agreement = rotate(signed(agreed(), CITY, "revoke"), POLICE, KEYS[POLICE].private, NEW.public, NOW_S)
    assert read_document(write_document(agreement), "file") == agreement


def test_the_hash_is_that_of_the_files_own_content() -> None:
    import base64
    import hashlib

    import rfc8785

    agreement = agreed()
    raw = json.loads(write_document(agreement))
    digest = hashlib.sha3_512(rfc8785.dumps(raw["content"])).digest()
    assert content_hash(agreement.content) == base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: "", "is empty"),
        (lambda text: "[" * 100_000, "is not JSON"),
        (lambda text: "[1]", "is not an agreement"),
        (lambda text: text.replace('"version": 1', '"version": 2'), "is of a newer version"),
        (lambda text: text.replace('"version": 1', '"version": "1"'), "version"),
        (lambda text: text.replace('"version": 1', '"version": 1, "note": ""'), "note"),
        (lambda text: text.replace('"minimum": 10', '"minimum": 10, "minimum": 0'), "has a field twice: 'minimum'"),
        (lambda text: text.replace('"minimum": 10', '"minimum": NaN'), "is not JSON"),
        (lambda text: text.replace('"minimum": 10', '"minimum": 1e400'), "minimum"),
        (lambda text: text.replace('"minimum": 10', '"minimum": 9007199254740993'), "what JSON cannot carry"),
        (lambda text: text.replace('"round_to": 5,', ""), "leaves out fields"),
        (lambda text: text.replace('"exactness": "suppressed"', '"exactness": "raw"'), "exactness"),
        (lambda text: text.replace('"name": "City of', '"name": "\\ud800City of'), "what JSON cannot carry"),
        (lambda text: text + " " * 1024 * 1024, "is larger than 1 MiB"),
    ],
)
def test_a_file_of_another_shape_is_refused_in_one_line(change: object, told: str) -> None:
    text = write_document(agreed()).decode()
    with pytest.raises(RuimteError, match=told) as caught:
        read_document(change(text).encode(), "file.json")  # type: ignore[operator]
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
