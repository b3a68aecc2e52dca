"""An agreement for the common case: what a page's form asks, made into the terms that ``ruimte share propose`` takes too."""

from __future__ import annotations

from datetime import date

import msgspec

from ruimte.clock import SECOND_US, from_us
from ruimte.errors import RuimteError
from ruimte.jobs.agreement_terms import FORMAT, GrantTable, PartyTable, TermsFile, agreement_of
from ruimte.jobs.share_page import OwnView
from ruimte.lab.lab import Lab
from ruimte.share.agreement import ALL, Agreement, Contribution, Duties, Exactness, Form, Kind, Privacy, Quantity, Regime, What
from ruimte.share.budget import cost, drawn_as
from ruimte.share.private import MICRO
from ruimte.text import pick


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What this node offers a partner. ``zones``: keys of zones and count points, or all (``("*",)``).

    ``party`` and ``name`` are this node's own, for where ``node.toml`` does not tell them. ``begin`` and ``end`` are days of the
    lab, both included.
    """

    partner: str
    partner_id: str
    partner_key: str
    zones: tuple[str, ...]
    kinds: tuple[Kind, ...]
    quantities: tuple[Quantity, ...]
    contributions: tuple[Contribution, ...] = ()
    exactness: Exactness
    minimum: int
    round_to: int
    step: str
    begin: date
    end: date
    purpose: str
    regime: Regime
    ground: str
    delete_after: str
    onward: bool = False
    party: str = ""
    name: str = ""


def agreement_of_proposal(proposal: Proposal, own: OwnView, lab: Lab, now_s: int) -> Agreement:
    """The agreement, signed by nobody. Raises ``RuimteError`` with the first thing that is wrong."""
    party, name = own.party or proposal.party.strip(), own.name if own.party else proposal.name.strip() or own.name
    if not party:
        raise RuimteError("this node's own id is not known", "party", "write it, or set party of [sharing] in node.toml")
    if proposal.begin <= proposal.end < from_us(now_s * SECOND_US).astimezone(lab.zone).date():
        raise RuimteError("it is over already", "end", "set a later end")
    form = Form(
        exactness=proposal.exactness,
        step=proposal.step,
        minimum=0 if proposal.exactness == "exact" else proposal.minimum,
        round_to=proposal.round_to,
        privacy=_privacy(proposal, lab) if proposal.exactness == "private" else None,
    )
    grant = GrantTable(
        provider=party,
        consumer=proposal.partner_id.strip(),
        lab=lab.key,
        purpose=proposal.purpose.strip(),
        what=What(
            kinds=proposal.kinds,
            zones=(ALL,) if ALL in proposal.zones else proposal.zones,
            quantities=proposal.quantities,
            contributions=proposal.contributions,
        ),
        form=form,
        duties=Duties(delete_after=proposal.delete_after, name_source=name, onward_sharing=proposal.onward),
        legal_regime=proposal.regime,
        legal_ground=proposal.ground.strip(),
    )
    terms = TermsFile(
        format=FORMAT,
        group=lab.key,
        valid_from=proposal.begin,
        valid_until=proposal.end,
        time_zone=lab.file.time_zone,
        party=(
            PartyTable(id=party, name=name, public_key=own.key),
            PartyTable(id=proposal.partner_id.strip(), name=proposal.partner.strip(), public_key=proposal.partner_key.strip()),
        ),
        grant=(grant,),
    )
    return agreement_of(terms, now_s)


def _privacy(proposal: Proposal, lab: Lab) -> Privacy:
    """What the lab's own noise asks and hides: the partner gets the part that its quantities cost."""
    privacy = lab.file.privacy
    if privacy is None:
        raise RuimteError("this lab tells nothing with noise", "exactness", "choose another, or add [privacy] to lab.toml")
    drawn = dict.fromkeys(drawn_as(each) for each in proposal.quantities)
    if unknown := [each for each in drawn if each not in privacy.quantities]:
        raise RuimteError(f"{unknown[0]} cannot be given with noise", "quantities", "leave it out")
    epsilon = sum(cost(privacy, each) for each in drawn) / MICRO
    return Privacy(epsilon_per_day=epsilon, intervals=privacy.intervals, assumption=pick(privacy.assumption, "en"))
