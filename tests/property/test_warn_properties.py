"""What holds of warnings, whatever is forecast and whatever people do in between."""

from __future__ import annotations

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ruimte.clock import MINUTE_US
from ruimte.warn.decide import Risk
from ruimte.warn.lifecycle import Book, Look, Rules, step

RULES = Rules(open_at=0.5, close_below=0.25, close_after_us=10 * MINUTE_US, cool_down_us=30 * MINUTE_US)
CHANCE = st.sampled_from([0.0, 0.2, 0.25, 0.4, 0.5, 0.8])
CHANCES = st.lists(CHANCE, min_size=3, max_size=3).map(lambda chances: sorted(chances, reverse=True))


class Lives(RuleBasedStateMachine):
    """Two places, looked at whenever; ``history`` keeps every step that was told."""

    def __init__(self):
        super().__init__()
        self.book, self.now = Book(), 0
        self.history = []
        self.calm_since = {}
        self.closed = {}

    @rule(place=st.sampled_from(["square", "street"]), chances=CHANCES, minutes=st.integers(1, 12))
    def look(self, place, chances, minutes):
        self.now += minutes * MINUTE_US
        before = self.book.standing.get(place)
        before = None if before is None else before.warning
        risks = [
            Risk(level="DEF"[rank], rank=rank, probability=chance, at_us=self.now, horizon=-1, limit=1.0 + rank)
            for rank, chance in enumerate(chances)
        ]
        likely = [risk.rank for risk in risks if risk.probability >= RULES.open_at]
        happened = step(self.book, RULES, Look(place, "table", risks, [3, 2, 1]), self.now)
        if before is None:
            rank, closed_us = self.closed.get(place, (-1, 0))
            quiet = self.now < closed_us + RULES.cool_down_us
            may_open = likely and not (quiet and likely[-1] <= rank)
            assert (happened is not None) == bool(may_open)
            assert happened is None or (happened[0] == "opened" and happened[1].rank == likely[-1])
        else:
            self.standing(place, before, chances, likely, happened)
        if happened is not None:
            self.history.append(happened)

    def standing(self, place, before, chances, likely, happened):
        kind, warning = happened
        calm = chances[before.rank] < RULES.close_below
        since = self.calm_since.setdefault(before.id, self.now) if calm else None
        if not calm:
            self.calm_since.pop(before.id, None)
        long_enough = since is not None and self.now - since >= RULES.close_after_us
        assert (kind == "raised") == bool(likely and likely[-1] > before.rank)
        if kind == "raised":
            assert (warning.phase, warning.decision, warning.acknowledged_by) == ("open", None, None)
        else:
            assert warning.decision == before.decision
            assert (kind in ("closed", "lowered")) == long_enough
        if kind in ("closed", "lowered", "raised"):
            self.calm_since.pop(before.id, None)
        if kind == "closed":
            assert not likely
            self.closed[place] = (before.rank, self.now)
        assert warning.id == before.id
        assert warning.opened_us == before.opened_us

    @rule(place=st.sampled_from(["square", "street"]), decision=st.sampled_from([None, "hold", "declined"]))
    def respond(self, place, decision):
        standing = self.book.standing.get(place)
        if standing is not None:
            changes = {"phase": "acknowledged", "acknowledged_by": "operator", "decision": decision}
            self.book.replace(msgspec.structs.replace(standing.warning, **changes))

    @rule()
    def restart(self):
        self.book = msgspec.msgpack.decode(msgspec.msgpack.encode(self.book), type=Book)

    @invariant()
    def at_most_one_a_place_and_no_number_twice(self):
        warnings = self.book.open_warnings()
        assert len({warning.place for warning in warnings}) == len(warnings)
        opened = [warning.id for kind, warning in self.history if kind == "opened"]
        assert opened == sorted(set(opened))
        assert all(warning.id < self.book.next_id for warning in warnings)


Lives.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestLives = Lives.TestCase
