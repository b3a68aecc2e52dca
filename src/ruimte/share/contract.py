"""The life of an agreement: who signed what, with which key, and how it stands.

What a party signs is that of FSC Core 1.1: the hash of the content, ``accept``, ``reject`` or ``revoke``, and when; as a JWS. A
party may give its key over to a new one by a statement that the old key signs. From then on only the new one signs for it.

What ends an agreement counts whatever its date, so that a clock that is set back cannot undo it; an acceptance counts from its
date on. Nothing undoes a rejection or a revocation: who changes their mind signs a new agreement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

import msgspec

from ruimte.clock import SECOND_US
from ruimte.errors import RuimteError
from ruimte.keys.signature import key_id, public_of
from ruimte.keys.statement import read_statement, signer, state
from ruimte.share.agreement import Agreement, Content, Grant, Party, Signatures, Status
from ruimte.share.asking import Granted
from ruimte.share.document import content_hash
from ruimte.share.terms import check_content, check_key

__all__ = ["content_hash"]  # of ``document``: whoever asks for it thinks of a contract

Action = Literal["accept", "reject", "revoke"]
TYPE = "ruimte-agreement+jws"
"""``typ`` of what is signed: it cannot pass for a token, nor a token for it."""

_LEEWAY_S = 60
"""How far a party's clock may be ahead of ours."""
_HASH_PREFIX = "$1$1$"
"""FSC's for SHA3-512 over the content of a contract."""
_Time = Annotated[int, msgspec.Meta(ge=0, le=253_370_764_800)]


class _Signed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The payload of a signature, as FSC Core 1.1 has it."""

    contract_content_hash: str
    type: Action
    signed_at: _Time


class _Rotated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The payload of a rotation: ``public_key`` is the new one, ``signed`` what the party has signed before.

    So whoever gets hold of the old key later cannot sign anything with a date of before: that would stand in ``signed``.
    """

    contract_content_hash: str
    type: Literal["rotate"]
    public_key: str
    signed: tuple[Action, ...]
    signed_at: _Time


S = TypeVar("S", _Signed, _Rotated)


@dataclass(frozen=True, slots=True)
class Statement:
    """A signature that is right: which party, what, and when by its own clock (seconds since 1970)."""

    party: str
    action: Action
    signed_at: int


@dataclass(frozen=True, slots=True)
class _Key:
    """A key of a party, from when it is that (None: from the beginning), and what the keys before it have signed."""

    public: str
    from_s: int | None
    before: tuple[Action, ...] = ()


def check(agreement: Agreement) -> None:
    """Raise ``RuimteError`` with the first thing that is wrong with an agreement: its terms, a rotation, a signature."""
    check_content(agreement.content)
    statements(agreement)


def statements(agreement: Agreement) -> tuple[Statement, ...]:
    """All signatures, once it is sure that each is right: over this content, by this party's key of then, in its own place.

    Raises ``RuimteError`` at the first that is not; an agreement with a signature that is wrong is not to be relied on.
    """
    hashed = _HASH_PREFIX + content_hash(agreement.content)
    keys = _keys(agreement, hashed)
    found = []
    for action, by_party in _by_action(agreement.signatures).items():
        for party, token in by_party.items():
            where = f"signatures.{action}, {party if party in keys else repr(party[:80])}"
            if party not in keys:
                raise RuimteError("is not a party", where, "only parties sign")
            public = _key_of(token, keys[party], where)
            said = _read(token, public.public, _Signed, hashed, where)
            if said.type != action:
                raise RuimteError(f"what was signed is {said.type}", where, "take the file as it was signed")
            _check_then(public, keys[party], said, where)
            found.append(Statement(party, action, said.signed_at))
    return tuple(found)


def status(agreement: Agreement, at_s: int) -> Status:
    """How the agreement stands at a time (seconds since 1970). Raises ``RuimteError`` where a signature is wrong.

    Where one of several parties withdrew only its part, it stands as the best of its grants does.
    """
    return status_by(agreement, statements(agreement), at_s)


def status_by(agreement: Agreement, said: tuple[Statement, ...], at_s: int) -> Status:
    """The same from ``statements`` that were read before."""
    found = {_status(agreement.content, grant, said, at_s) for grant in agreement.content.grants}
    order: tuple[Status, ...] = ("rejected", "valid", "proposed", "expired", "revoked")
    return next(each for each in order if each in found)


def granted(agreement: Agreement, at_s: int) -> list[Granted]:
    """Every grant and how it stands at a time (seconds since 1970). Raises ``RuimteError`` where a signature is wrong."""
    return granted_by(agreement, content_hash(agreement.content), statements(agreement), at_s)


def granted_by(agreement: Agreement, hashed: str, said: tuple[Statement, ...], at_s: int) -> list[Granted]:
    """The same from the hash and the ``statements`` of it, known before."""
    content = agreement.content
    signed_at = max((each.signed_at for each in said if each.action == "accept"), default=0)
    return [
        Granted(
            agreement=hashed,
            index=index,
            grant=grant,
            status=_status(content, grant, said, at_s),
            not_before_us=content.validity.not_before * SECOND_US,
            not_after_us=content.validity.not_after * SECOND_US,
            signed_us=signed_at * SECOND_US,
        )
        for index, grant in enumerate(content.grants)
    ]


def next_change(agreement: Agreement, said: tuple[Statement, ...], at_s: int) -> int | None:
    """The next second after ``at_s`` at which time alone may change how the agreement stands; None where it does no more."""
    moments = [agreement.content.validity.not_after, *(each.signed_at - _LEEWAY_S for each in said)]
    return min((moment for moment in moments if moment > at_s), default=None)


def _status(content: Content, grant: Grant, said: tuple[Statement, ...], at_s: int) -> Status:
    if any(each.action == "reject" for each in said):
        return "rejected"
    withdrew = {each.party for each in said if each.action == "revoke"}
    if withdrew and (content.on_withdrawal == "ends" or withdrew & {grant.provider, grant.consumer}):
        return "revoked"
    if at_s >= content.validity.not_after:
        return "expired"
    accepted = {each.party for each in said if each.action == "accept" and each.signed_at <= at_s + _LEEWAY_S}
    return "valid" if accepted.issuperset(party.id for party in content.parties) else "proposed"


def sign(agreement: Agreement, party_id: str, private: str, action: Action, at_s: int) -> Agreement:
    """The agreement with a party's signature. ``private``: its key of now; ``at_s``: now, seconds since 1970.

    Raises ``RuimteError`` where the agreement is wrong, the key is not the party's, or the signature would make no sense.
    """
    check(agreement)
    said = statements(agreement)
    own = _own_key(agreement, party_id, private, at_s)
    _check_sense(agreement.content, said, party_id, action, at_s)
    hashed = _HASH_PREFIX + content_hash(agreement.content)
    payload = _Signed(contract_content_hash=hashed, type=action, signed_at=max(at_s, own.from_s or 0))
    token = state(msgspec.json.encode(payload), private, TYPE)
    by_action = _by_action(agreement.signatures)
    by_action[action] = by_action[action] | {party_id: token}
    return msgspec.structs.replace(agreement, signatures=Signatures(**by_action))


def _check_sense(content: Content, said: tuple[Statement, ...], party: str, action: Action, at_s: int) -> None:
    done = {each.action for each in said if each.party == party}
    ended = next((each for each in said if each.action != "accept"), None)
    ends_all = ended is not None and (ended.action == "reject" or content.on_withdrawal == "ends")
    if action in done:
        raise RuimteError(f"has signed {action} already", party, "nothing needs to be done")
    if action == "accept" and ended is not None:
        how = "rejected" if ended.action == "reject" else "revoked"
        raise RuimteError(f"the agreement was {how} by {ended.party}", party, "propose a new one")
    if action == "accept" and at_s >= content.validity.not_after:
        raise RuimteError("the agreement has expired", party, "propose a new one")
    if action == "accept" and content.created_at > at_s + _LEEWAY_S:
        raise RuimteError("the agreement was made in the future", party, "set the clock of this machine, or of the other's")
    if action == "reject" and "accept" in done:
        raise RuimteError("has accepted", party, "take that back with `ruimte share revoke`")
    if action == "revoke" and "accept" not in done:
        raise RuimteError("has not accepted", party, "say no with `ruimte share reject`")
    if action != "accept" and ended is not None and ends_all:
        raise RuimteError(f"the agreement was ended by {ended.party}", party, "nothing needs to be done")


def rotate(agreement: Agreement, party_id: str, private: str, new_public: str, at_s: int) -> Agreement:
    """The agreement with a new key of a party, which its key of now (``private``) signs for.

    Raises ``RuimteError`` where the agreement is wrong, the key is not the party's, or the new one is known already.
    """
    check(agreement)
    check_key(new_public, "new key")
    own = _own_key(agreement, party_id, private, None)
    if any(new_public == each.public for keys in _keys(agreement).values() for each in keys):
        raise RuimteError("is known in this agreement already", "new key", "make a new one with `ruimte share keygen`")
    hashed = _HASH_PREFIX + content_hash(agreement.content)
    signed_at = max(at_s, own.from_s or 0)
    signed = tuple(action for action, by_party in _by_action(agreement.signatures).items() if party_id in by_party)
    payload = _Rotated(contract_content_hash=hashed, type="rotate", public_key=new_public, signed=signed, signed_at=signed_at)
    token = state(msgspec.json.encode(payload), private, TYPE)
    return msgspec.structs.replace(agreement, rotations=(*agreement.rotations, token))


def current_key(agreement: Agreement, party_id: str, at_s: int | None = None) -> str:
    """The key that a party signs with at a time (None: the newest), base64url.

    Raises ``RuimteError`` where it is no party, or where a rotation is wrong.
    """
    return _key_now(agreement, party_id, at_s).public


def keys_of(agreement: Agreement, party_id: str) -> tuple[str, ...]:
    """All keys that a party has had, oldest first: what was signed long ago was signed with the key of then.

    Raises ``RuimteError`` where it is no party, or where a rotation is wrong.
    """
    _key_now(agreement, party_id, None)
    return tuple(each.public for each in _keys(agreement)[party_id])


def party_of(agreement: Agreement, public: str, at_s: int | None = None) -> Party:
    """The party whose key of a time (None: the newest) this is. Raises ``RuimteError`` where it is nobody's."""
    for party in agreement.content.parties:
        if current_key(agreement, party.id, at_s) == public:
            return party
    raise RuimteError("is no party's key in this agreement", f"key {public}", "use the key that belongs to a party")


def unite(one: Agreement, other: Agreement) -> Agreement:
    """Two copies of one agreement as one that holds the signatures and rotations of both. It is to be checked again.

    Raises ``RuimteError`` where their content differs.
    """
    if content_hash(one.content) != content_hash(other.content):
        raise RuimteError("are two agreements", "copies", "keep them apart")
    both = {action: by_party | _by_action(one.signatures)[action] for action, by_party in _by_action(other.signatures).items()}
    rotations = (*one.rotations, *(each for each in other.rotations if each not in one.rotations))
    return msgspec.structs.replace(one, signatures=Signatures(**both), rotations=rotations)


def _by_action(signatures: Signatures) -> dict[Action, dict[str, str]]:
    return {"accept": signatures.accept, "reject": signatures.reject, "revoke": signatures.revoke}


# --- keys ---------------------------------------------------------------------------------------------------------------


def _key_now(agreement: Agreement, party_id: str, at_s: int | None) -> _Key:
    held = _keys(agreement).get(party_id)
    if held is None:
        named = ", ".join(party.id for party in agreement.content.parties)
        raise RuimteError("is not a party of this agreement", repr(party_id[:200]), f"its parties are {named}")
    return [each for each in held if at_s is None or each.from_s is None or each.from_s <= at_s + _LEEWAY_S][-1]


def _own_key(agreement: Agreement, party_id: str, private: str, at_s: int | None) -> _Key:
    own = _key_now(agreement, party_id, at_s)
    if public_of(private) != own.public:
        raise RuimteError("this key is not the party's", party_id, "sign with the key that the agreement knows the party by")
    return own


def _keys(agreement: Agreement, hashed: str | None = None) -> dict[str, list[_Key]]:
    """The keys of each party, oldest first, once it is sure that each rotation is right."""
    if agreement.rotations and hashed is None:
        hashed = _HASH_PREFIX + content_hash(agreement.content)
    keys = {party.id: [_Key(party.public_key, None)] for party in agreement.content.parties}
    for index, token in enumerate(agreement.rotations):
        where = f"rotations[{index}]"
        kid = _kid(token, where)
        owner = next((party for party, held in keys.items() if key_id(held[-1].public) == kid), None)
        if owner is None:
            mend = "take the file as it was signed; where two rotations start from one key, make a new agreement"
            raise RuimteError("is not signed with the newest key of a party", where, mend)
        held = keys[owner]
        said = _read(token, held[-1].public, _Rotated, hashed, where)
        check_key(said.public_key, where)
        if any(said.public_key == each.public for each in (key for known in keys.values() for key in known)):
            raise RuimteError("the new key is known in this agreement already", where, "make a new one")
        if held[-1].from_s is not None and said.signed_at < held[-1].from_s:
            raise RuimteError("is older than the one before it", where, "set the clock of that machine, and make it anew")
        held.append(_Key(said.public_key, said.signed_at, said.signed))
    return keys


def _key_of(token: str, held: list[_Key], where: str) -> _Key:
    kid = _kid(token, where)
    found = next((each for each in held if key_id(each.public) == kid), None)
    if found is None:
        raise RuimteError("is signed with a key that is not the party's", where, "let the party sign with its own")
    return found


def _check_then(key: _Key, held: list[_Key], said: _Signed, where: str) -> None:
    """Whether the key was the party's when it signed: by its own clock, and by what it said when it was given over."""
    place = held.index(key)
    after = held[place + 1] if place + 1 < len(held) else None
    early = key.from_s is not None and said.signed_at < key.from_s
    late = after is not None and (after.from_s is None or said.signed_at > after.from_s or said.type not in after.before)
    if early or late:
        raise RuimteError("is signed with a key that was not the party's then", where, "let the party sign with its key of now")


def _kid(token: str, where: str) -> str:
    try:
        return signer(token, TYPE)
    except RuimteError as error:
        raise RuimteError(error.what, where, error.mend) from None


def _read(token: str, public: str, kind: type[S], hashed: str | None, where: str) -> S:
    try:
        said = msgspec.json.decode(read_statement(token, public, TYPE), type=kind)
    except RuimteError as error:
        raise RuimteError(error.what, where, error.mend) from None
    except (msgspec.DecodeError, RecursionError):
        raise RuimteError("does not hold what an agreement's signature holds", where, "take the file as it was signed") from None
    if said.contract_content_hash != hashed:
        raise RuimteError("was signed under other terms", where, "take the file as it was signed, and sign what changed anew")
    return said
