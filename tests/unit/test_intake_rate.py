"""How much a device may send: so many at once, so many a minute, and nobody at another's cost."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ruimte.clock import MINUTE_US, SECOND_US
from ruimte.intake.rate import PER_MINUTE, Buckets


def _taken(buckets: Buckets, key: str, now_us: int, tries: int) -> int:
    return sum(buckets.spend(key, now_us) for _ in range(tries))


def test_a_minutes_worth_at_once_and_then_the_rate() -> None:
    buckets = Buckets({"camera": 60.0})
    assert _taken(buckets, "camera", 0, 100) == 60
    assert _taken(buckets, "camera", 10 * SECOND_US, 100) == 10
    assert _taken(buckets, "camera", 10 * MINUTE_US, 100) == 60


def test_each_has_a_bucket_of_its_own() -> None:
    buckets = Buckets({"one": 2.0, "other": 3.0})
    assert (_taken(buckets, "one", 0, 9), _taken(buckets, "other", 0, 9)) == (2, 3)
    assert _taken(buckets, "anonymous", 0, 2 * int(PER_MINUTE)) == PER_MINUTE


def test_less_than_one_a_minute_is_one_now_and_then() -> None:
    buckets = Buckets({"slow": 0.5})
    assert _taken(buckets, "slow", 0, 5) == 1
    assert _taken(buckets, "slow", MINUTE_US, 5) == 0
    assert _taken(buckets, "slow", 2 * MINUTE_US, 5) == 1


def test_a_clock_that_is_set_back_gives_nothing_and_blocks_nobody() -> None:
    buckets = Buckets({"camera": 60.0})
    assert _taken(buckets, "camera", 100 * MINUTE_US, 60) == 60
    assert _taken(buckets, "camera", 0, 5) == 0
    assert _taken(buckets, "camera", SECOND_US, 5) == 1


@given(
    st.floats(0.5, 1000),
    st.lists(st.tuples(st.integers(0, MINUTE_US), st.integers(1, 50)), min_size=1, max_size=40),
)
@settings(deadline=None)
def test_never_more_than_the_rate_and_what_the_bucket_holds(rate: float, steps: list[tuple[int, int]]) -> None:
    buckets, now_us, taken = Buckets({"camera": rate}), 0, 0
    for wait_us, tries in steps:
        now_us += wait_us
        taken += _taken(buckets, "camera", now_us, tries)
    assert taken <= max(1.0, rate) + rate * now_us / MINUTE_US + 1e-6
