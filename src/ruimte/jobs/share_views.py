"""What the page of sharing shows: every agreement in sentences, what went out under it, the privacy budget, and the log.

One function makes all of it, in one language, so that the page itself decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ruimte.clock import DAY_US, SECOND_US, iso, to_us
from ruimte.errors import RuimteError
from ruimte.jobs.agreement_files import file_name
from ruimte.jobs.agreements import Known
from ruimte.jobs.log import Log
from ruimte.jobs.share_counts import Given, midnight
from ruimte.jobs.share_page import (
    Act,
    AgreementView,
    Bar,
    BudgetView,
    FlowView,
    Keys,
    LogView,
    OutView,
    OwnView,
    PartyView,
    Shared,
    SharingView,
    SpentView,
    WitnessView,
)
from ruimte.jobs.share_tally import Tally
from ruimte.jobs.share_words import ShareWords
from ruimte.ledger.entry import Entry
from ruimte.share.agreement import Agreement, Content
from ruimte.share.asking import Granted
from ruimte.share.budget import PUBLIC, parts
from ruimte.share.contract import Statement, current_key, granted, party_of, statements

ENDED = ("revoked", "rejected", "expired")
SHORT = 12
"""So many letters of a hash are enough to tell agreements apart."""


def sharing_view(shared: Shared, given: Given, language: str, now_us: int) -> SharingView:
    """All that the page shows. ``given``: what went out today; ``now_us``: the wall's clock. Reads files: call it in a thread."""
    words = ShareWords(shared.lab, language)
    known = shared.desk.book.all()
    standing = [one for one in shared.desk.book.granted() if one.status == "valid"]
    without = parts(standing, shared.lab.file.privacy, shared.lab.key, now_us).without
    views = [_agreement(shared, each, index, given, without, words, now_us) for index, each in enumerate(known)]
    names = {party.id: party.name for each in known if each.agreement for party in each.agreement.content.parties}
    return SharingView(
        now=iso(now_us),
        own=own_view(shared, known),
        agreements=sorted((each for each in views if each.stand not in ENDED), key=_urgency),
        ended=sorted((each for each in views if each.stand in ENDED), key=lambda each: each.partners),
        budget=_budget(shared, standing, names, now_us),
        log=_log(shared.desk.log, names),
    )


def own_view(shared: Shared, known: Sequence[Known]) -> OwnView:
    """Who this node is: as ``node.toml`` says, else as agreements name the holder of its key."""
    found = [each.agreement.content for each in known if each.agreement is not None and own_party(each.agreement, shared.keys)]
    party, name = shared.settings.party, shared.settings.name
    for content in found:
        mine = next((one for one in content.parties if one.public_key == shared.keys.public), None)
        if mine is not None and party in ("", mine.id):
            party, name = mine.id, name or mine.name
    return OwnView(party=party, name=name or shared.lab.file.organisation, key=shared.keys.public)


def own_party(agreement: Agreement, keys: Keys) -> str | None:
    """The id of the party whose key of now this is; None where it is nobody's."""
    try:
        return party_of(agreement, keys.public).id
    except RuimteError:
        return None


def partners_of(agreement: Agreement, keys: Keys, words: ShareWords) -> str:
    """The other parties by name."""
    own = own_party(agreement, keys)
    return words.listed(party.name for party in agreement.content.parties if party.id != own)


# --- agreements -----------------------------------------------------------------------------------------------------------


def _agreement(
    shared: Shared,
    known: Known,
    index: int,
    given: Given,
    without: Mapping[tuple[str, int], RuimteError],
    words: ShareWords,
    now_us: int,
) -> AgreementView:
    agreement = known.agreement
    if agreement is None or known.status is None:
        partners = "" if agreement is None else partners_of(agreement, shared.keys, words)
        return AgreementView(
            id=f"file-{index}",
            hash=known.hash,
            file=known.path.name,
            partners=partners,
            stand="trouble",
            told="",
            trouble=known.trouble.replace(f"{known.path.parent}/", ""),
        )
    content, said = agreement.content, statements(agreement)
    names = {party.id: party.name for party in content.parties}
    own, now_s = own_party(agreement, shared.keys), now_us // SECOND_US
    flows = granted(agreement, now_s)
    return AgreementView(
        id=known.hash[:SHORT],
        hash=known.hash,
        file=file_name(agreement),
        partners=partners_of(agreement, shared.keys, words),
        stand=known.status,
        told=_told(known, content, said, words, now_s),
        own=own is not None,
        begin=words.day(content.validity.not_before),
        end=words.day(content.validity.not_after - 1),
        bar=_bar(content.validity.not_before, content.validity.not_after, now_s),
        parties=[
            PartyView(
                id=party.id,
                name=party.name,
                key=current_key(agreement, party.id),
                own=party.id == own,
                said=_said(party.id, said, words),
            )
            for party in content.parties
        ],
        flows=[_flow(one, known.status, names, without, words) for one in flows],
        may=_may(own, content, said, known.status),
        stops=_stops(own, flows, names, content, words),
        out=None if _unsigned(content, said) else _out(known, content, own, given, shared.desk.tally, words),
    )


def _flow(
    one: Granted,
    stand: str,
    names: Mapping[str, str],
    without: Mapping[tuple[str, int], RuimteError],
    words: ShareWords,
) -> FlowView:
    terms = one.grant.properties
    wrong = without.get((one.agreement, one.index))
    trouble = "" if wrong is None else words("no-part", why=wrong.what)
    if one.status == "revoked" and stand != "revoked":
        trouble = words("part-over")
    return FlowView(
        title=words.title(one.grant, names),
        terms=words.terms(one.grant, names),
        purpose=terms.purpose,
        regime=words.regime(terms.legal_regime),
        ground=terms.legal_ground,
        trouble=trouble,
    )


def _told(known: Known, content: Content, said: Sequence[Statement], words: ShareWords, now_s: int) -> str:
    """How an agreement stands, in a sentence."""
    names = {party.id: party.name for party in content.parties}
    if known.status == "proposed":
        waits = _unsigned(content, said)
        return words("waits", names=words.listed(names[party] for party in waits)) if waits else words("dated")
    if known.status == "valid":
        if now_s < content.validity.not_before:
            return words("begins", day=words.day(content.validity.not_before))
        days = (content.validity.not_after - now_s) * SECOND_US // DAY_US
        return words("last-day" if days == 0 else "day-left" if days == 1 else "days-left", days=days)
    if known.status == "expired":
        return words("expired", day=words.day(content.validity.not_after))
    action = "reject" if known.status == "rejected" else "revoke"
    by = next(each for each in said if each.action == action)
    return words(str(known.status), name=names[by.party], day=words.day(by.signed_at))


def _said(party: str, said: Iterable[Statement], words: ShareWords) -> str:
    told = [words(each.action, day=words.day(each.signed_at)) for each in said if each.party == party]
    return words.listed(told) if told else words("unsigned")


def _unsigned(content: Content, said: Iterable[Statement]) -> list[str]:
    done = {each.party for each in said if each.action == "accept"}
    return [party.id for party in content.parties if party.id not in done]


def _may(own: str | None, content: Content, said: Sequence[Statement], stand: str) -> list[Act]:
    """What this node can still do: what ``ruimte.share.contract.sign`` would take."""
    if own is None or stand in ("revoked", "rejected"):
        return []
    done = {each.action for each in said if each.party == own}
    if "accept" in done:
        return [] if "revoke" in done or stand == "expired" else ["revoke"]
    if "reject" in done or stand == "expired" or any(each.action != "accept" for each in said):
        return []
    return ["sign", "reject"]


def _stops(own: str | None, flows: Sequence[Granted], names: Mapping[str, str], content: Content, words: ShareWords) -> list[str]:
    """What ends when this node takes the agreement back: all of it, or where that is agreed on what it gives and gets."""
    ending = [
        one.grant
        for one in flows
        if one.status in ("valid", "proposed")
        and (content.on_withdrawal == "ends" or own in (one.grant.provider, one.grant.consumer))
    ]
    return [told for grant in ending for told in words.stops(grant, names)]


def _out(known: Known, content: Content, own: str | None, given: Given, tally: Tally, words: ShareWords) -> OutView | None:
    """What went out under an agreement that all signed; None where this node gives nothing by it.

    Refusals that name no agreement are told at each of the party's.
    """
    if own is None or all(grant.provider != own for grant in content.grants):
        return None
    others = [party.id for party in content.parties if party.id != own]
    refusals: Counter[str] = Counter()
    for (party, agreement, reason), count in given.refusals.items():
        if party in others and agreement in ("", known.hash):
            refusals[reason] += count
    lost = sum(tally.by_party[party].refusals["log-failed"] for party in others if party in tally.by_party)
    if lost:
        refusals["log-failed"] += lost
    told = [tally.by_party[party].last_us.get(known.hash, 0) for party in others if party in tally.by_party]
    newest_us = max([*told, given.last_s.get(known.hash, 0) * SECOND_US])
    return OutView(
        releases=given.releases[known.hash],
        last=iso(newest_us) if newest_us else None,
        refusals=[(words.reason(reason), count) for reason, count in refusals.most_common()],
    )


def _bar(begin_s: int, end_s: int, now_s: int) -> Bar:
    first, last = min(begin_s, now_s), max(end_s, now_s)
    begin, end, now = (round(100 * (each - first) / (last - first), 2) for each in (begin_s, end_s, now_s))
    return Bar(begin=begin, width=end - begin, gone=max(min(now, end) - begin, 0.0), now=now)


def _urgency(view: AgreementView) -> tuple[int, str]:
    """What waits for this node, then what is wrong, then what is in force, then what waits for others."""
    order = 0 if "sign" in view.may else {"trouble": 1, "valid": 2}.get(view.stand, 3)
    return order, view.partners


# --- the privacy budget, and the log --------------------------------------------------------------------------------------


def _budget(shared: Shared, standing: Sequence[Granted], names: Mapping[str, str], now_us: int) -> BudgetView | None:
    """None where the lab tells nothing with noise."""
    privacy, zone = shared.lab.file.privacy, shared.lab.zone
    if shared.noise is None or privacy is None:
        return None
    divided = parts(standing, privacy, shared.lab.key, now_us)
    spending = shared.noise.spending(midnight(now_us, zone).date().isoformat())
    spent = {each.recipient: each for each in spending.recipients}
    recipients = [
        SpentView(
            name=names.get(each, each),
            public=each == PUBLIC,
            spent=spent[each].spent if each in spent else 0.0,
            reserved=max(divided.epsilon(each), spent[each].reserved if each in spent else 0.0),
        )
        for each in dict.fromkeys([*divided.of, *spent])
    ]
    return BudgetView(
        budget=spending.budget,
        reserved=sum(each.reserved for each in recipients),
        lost=spending.lost,
        renews=iso(to_us(midnight(now_us, zone, 1))),
        recipients=recipients,
    )


def _log(log: Log, names: Mapping[str, str]) -> LogView:
    size = log.size
    last = [msgspec.json.decode(leaf, type=Entry).at for leaf in log.entries(size - 1, 1)] if size else []
    witnesses = sorted(log.witnesses(), key=lambda each: -each.at)
    return LogView(
        origin=log.origin,
        key=str(log.key),
        size=size,
        last=iso(last[0] * SECOND_US) if last else None,
        witnesses=[
            WitnessView(name=names.get(each.name, each.name), size=each.size, at=iso(each.at * SECOND_US)) for each in witnesses
        ],
    )
