"""No change of an agreement's file gives it another meaning that is still valid."""

from __future__ import annotations

import json
import re
from functools import cache

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from agreed import CITY, KEYS, METRO, NOW_S, POLICE, agreed, grant, pair_of, privately, proposed, terms
from ruimte.errors import RuimteError
from ruimte.share.agreement import Agreement, Form, What
from ruimte.share.contract import check, content_hash, granted, rotate, sign, status, unite
from ruimte.share.document import read_document, write_document


@cache
def signed() -> Agreement:
    """All that a file can hold: two directions, areas, noise, a key given over, and one that took its part back."""
    what = What(kinds=("state",), zones=("a", "b", "c"), quantities=("people",))
    form = Form(exactness="suppressed", minimum=10, areas={"north": ("a", "b"), "c": ("c",)})
    found = agreed(
        grant(what=what, form=form),
        grant(CITY, METRO, what=what, form=privately()),
        grant(METRO, CITY, what=What(zones=("*",), contributions=("arrivals",))),
        parties=(CITY, POLICE, METRO),
        on_withdrawal="part",
    )
    found = rotate(found, POLICE, KEYS[POLICE].private, pair_of("new").public, NOW_S)
    return sign(found, METRO, KEYS[METRO].private, "revoke", NOW_S)


@cache
def file() -> bytes:
    return write_document(signed())


def accepted(octets: bytes) -> Agreement | None:
    """The agreement in a file, where it holds; why it does not is told in one line that can be printed."""
    found, told = None, ""
    try:
        found = read_document(octets, "file")
        check(found)
    except RuimteError as error:
        found, told = None, str(error)
    assert told.isprintable()
    return found


def same(found: Agreement) -> bool:
    return found == signed()


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 1_000_000), st.integers(0, 255))
def test_one_changed_byte_is_refused_or_means_the_same(place: int, value: int) -> None:
    octets = bytearray(file())
    octets[place % len(octets)] = value
    found = accepted(bytes(octets))
    assert found is None or same(found)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 1_000_000), st.integers(1, 40), st.binary(max_size=12))
def test_a_part_cut_out_or_put_in_is_refused_or_means_the_same(place: int, length: int, new: bytes) -> None:
    start = place % len(file())
    for octets in (file()[:start] + file()[start + length :], file()[:start] + new + file()[start:]):
        found = accepted(octets)
        assert found is None or same(found)


_SIGNED_PARTS = ("accept", "reject", "revoke")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_one_changed_letter_of_a_signature_is_refused(data: st.DataObject) -> None:
    raw = json.loads(file())
    tokens = [(raw["signatures"][part], party) for part in _SIGNED_PARTS for party in raw["signatures"][part]]
    holder, name = data.draw(st.sampled_from([*tokens, (raw["rotations"], 0)]))
    token = holder[name]
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.= +/"))
    holder[name] = token[:place] + letter + token[place + 1 :]
    assert letter == token[place] or accepted(json.dumps(raw).encode()) is None


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_other_value_in_the_content_is_refused(data: st.DataObject) -> None:
    raw = json.loads(file())
    leaves = list(_leaves(raw["content"]))
    holder, name = data.draw(st.sampled_from(leaves))
    old = holder[name]
    other = data.draw(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)))
    holder[name] = other
    found = accepted(json.dumps(raw).encode(errors="surrogatepass"))
    assert found is None or (same(found) and other == old and isinstance(other, bool) == isinstance(old, bool))


def _leaves(holder: object) -> object:
    pairs = holder.items() if isinstance(holder, dict) else enumerate(holder) if isinstance(holder, list) else ()
    for name, value in list(pairs):
        yield holder, name
        if isinstance(value, dict | list):
            yield from _leaves(value)


@given(st.permutations([CITY, POLICE, METRO]), st.lists(st.sampled_from(["accept", "reject", "revoke"]), max_size=6))
@settings(max_examples=40, deadline=None)
def test_what_ended_it_never_comes_undone_whatever_is_signed_in_whatever_order(order: list[str], actions: list[str]) -> None:
    found = proposed(grant(), grant(CITY, METRO), parties=(CITY, POLICE, METRO))
    ended = False
    for at, party in enumerate(order * 2):
        for action in actions[at : at + 1] or ["accept"]:
            try:
                found = sign(found, party, KEYS[party].private, action, NOW_S + at)  # type: ignore[arg-type]
            except RuimteError:
                continue
            ended = ended or action != "accept"
        check(found)
        now = status(found, NOW_S + at)
        assert (now in ("rejected", "revoked")) == ended
        assert now == "valid" or not any(each.status == "valid" for each in granted(found, NOW_S + at))


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from([CITY, POLICE])), st.sets(st.sampled_from([CITY, POLICE])))
def test_the_order_in_which_copies_are_united_does_not_matter(one: set[str], other: set[str]) -> None:
    copies = []
    for parties in (one, other):
        copy = proposed()
        for party in parties:
            copy = sign(copy, party, KEYS[party].private, "accept", NOW_S)
        copies.append(copy)
    both, turned = unite(*copies), unite(*reversed(copies))
    assert both.signatures == turned.signatures
    assert status(both, NOW_S) == ("valid" if one | other == {CITY, POLICE} else "proposed")


text = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


@settings(max_examples=40, deadline=None)
@given(text, text, st.integers(1, 1000), st.integers(1, 100), st.sampled_from(["1m", "5m", "1h", "24h"]))
def test_what_is_written_is_read_and_hashes_the_same(ground: str, source: str, minimum: int, round_to: int, step: str) -> None:
    form = Form(exactness="suppressed", minimum=minimum, round_to=round_to, step=step)
    duties = msgspec.structs.replace(terms().duties, name_source=source)
    made = proposed(grant(legal_ground=ground, form=form, duties=duties))
    check(made)
    read = read_document(write_document(made), "file")
    assert read == made
    assert content_hash(read.content) == content_hash(made.content)
    assert re.fullmatch(r"[\w-]{86}", content_hash(read.content), re.ASCII)
