"""What people do with agreements on the page: take a file in, sign, reject, take back, propose. Each act is in both logs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, NamedTuple

from ruimte.clock import SECOND_US
from ruimte.errors import RuimteError
from ruimte.jobs.agreement_files import file_name
from ruimte.jobs.agreement_lab import against_lab, against_party
from ruimte.jobs.agreements import Known
from ruimte.jobs.room import Room
from ruimte.jobs.share_counts import Today
from ruimte.jobs.share_facts import facts
from ruimte.jobs.share_page import OwnView, Shared, SharingView
from ruimte.jobs.share_proposal import Proposal, agreement_of_proposal
from ruimte.jobs.share_views import SHORT, own_party, own_view, partners_of, sharing_view
from ruimte.jobs.share_words import ShareWords
from ruimte.keys.signature import KeyPair
from ruimte.model.role import Actor
from ruimte.share.agreement import Agreement, Status
from ruimte.share.budget import check_fits
from ruimte.share.contract import Action, check, content_hash, granted, sign
from ruimte.share.document import read_document, write_document

_KINDS: dict[Action, str] = {"accept": "agreement-signed", "reject": "agreement-rejected", "revoke": "agreement-revoked"}


class TakenIn(NamedTuple):
    """The agreement of a file that was taken in, by its ``hash``; ``stand``: "sign" where this node is to sign it, "again" where
    the file held nothing new, else how the agreement stands by now."""

    hash: str
    stand: Literal["sign", "again"] | Status


class Office:
    """Agreements of one node, for its people. ``now_us``: the wall's clock, which agreements go by.

    What is done is on the disk, and counts for the next request, before it is written in the logbook and in the log.
    """

    def __init__(self, shared: Shared, room: Room, now_us: Callable[[], int]) -> None:
        self._shared, self._room, self._now_us = shared, room, now_us
        self._book, self.lab = shared.desk.book, shared.lab
        self._today = Today(shared.desk.log, shared.lab.zone)

    def view(self, language: str) -> SharingView:
        """The page. Reads files: call it in a thread."""
        now_us = self._now_us()
        return sharing_view(self._shared, self._today.given(now_us), language, now_us)

    def own(self) -> OwnView:
        """Who this node is in agreements, as far as that is known."""
        return own_view(self._shared, self._book.all())

    def file(self, hashed: str) -> tuple[str, bytes]:
        """Name and content of an agreement's file, with all signatures. Raises ``RuimteError`` where there is none."""
        known = self._book.find(hashed)
        if known is None or known.agreement is None:
            raise RuimteError("there is no such agreement", hashed[:SHORT], "look at the list again")
        return file_name(known.agreement), write_document(known.agreement)

    async def take_in(self, actor: Actor, octets: bytes, name: str) -> TakenIn:
        """Keep a file that a partner sent, or a copy with more signatures. One that holds nothing new leaves no line.

        Raises ``RuimteError`` with the first thing that is wrong with it.
        """

        def work() -> tuple[Known, bool]:
            if not octets.strip():
                raise RuimteError("is empty", name, "take the file as it was signed")
            agreement = read_document(octets, name)
            check(agreement)
            if own_party(agreement, self._shared.keys) is None:
                mend = "tell the partner this node's key, and let it propose anew"
                raise RuimteError("names this node's key nowhere", name, mend)
            before, after = self._book.find(content_hash(agreement.content)), self._book.keep(agreement)
            return after, before is None or before.agreement != after.agreement

        known, is_new = await asyncio.to_thread(work)
        if not is_new:
            return TakenIn(known.hash, "again")
        hashed = await self._done(actor, "agreement-received", known)
        return TakenIn(hashed, await asyncio.to_thread(self._stand, known))

    async def act(self, actor: Actor, hashed: str, action: Action) -> None:
        """Sign, reject or take back, with the node's key. Raises ``RuimteError`` where that makes no sense."""

        def work() -> Known:
            if action == "accept":
                known = self._book.find(hashed)
                if known is not None and known.agreement is not None:
                    self._check_can_keep(known.agreement)
            return self._book.sign(hashed, action, self._pair)

        await self._done(actor, _KINDS[action], await asyncio.to_thread(work))

    async def propose(self, actor: Actor, proposal: Proposal) -> str:
        """Make an agreement for the common case, and sign it. Tells its hash. Raises ``RuimteError`` where terms are wrong."""

        def work() -> Known:
            now_s = self._now_us() // SECOND_US
            agreement = agreement_of_proposal(proposal, self.own(), self.lab, now_s)
            self._check_can_keep(agreement)
            own = own_party(agreement, self._shared.keys)
            assert own is not None  # it was made with this node's key
            return self._book.keep(sign(agreement, own, self._pair.private, "accept", now_s))

        return await self._done(actor, "agreement-proposed", await asyncio.to_thread(work))

    @property
    def _pair(self) -> KeyPair:
        return KeyPair(self._shared.keys.private, self._shared.keys.public)

    def _stand(self, known: Known) -> Literal["sign"] | Status:
        agreement = known.agreement
        assert agreement is not None  # it was just kept
        may_sign = known.status == "proposed" and own_party(agreement, self._shared.keys) not in agreement.signatures.accept
        return "sign" if may_sign else known.status or "proposed"

    def _check_can_keep(self, agreement: Agreement) -> None:
        """Whether the lab has what it would promise. Raises ``RuimteError`` where not."""
        against_lab(agreement, self.lab)
        if (own := own_party(agreement, self._shared.keys)) is not None:
            against_party(agreement, self.lab, own)
        now_us, standing = self._now_us(), self._book.granted()
        for one in granted(agreement, now_us // SECOND_US):
            check_fits(one, standing, self.lab.file.privacy, self.lab.key, now_us)

    async def _done(self, actor: Actor, kind: str, known: Known) -> str:
        """Write down what was done: in the logbook for people, and in the log that nobody can rewrite."""
        assert known.agreement is not None  # it was just kept
        partners = partners_of(known.agreement, self._shared.keys, ShareWords(self.lab, "en"))
        await self._room.write_act(actor, kind, {"partner": partners, "agreement": known.hash[:SHORT]})
        await asyncio.to_thread(lambda: self._shared.desk.log.note_facts(facts(self.lab, self._book, self._shared.desk.own())))
        return known.hash
