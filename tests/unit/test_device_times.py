"""Devices' times in UTC: with an offset, without one, in hours that come twice or never."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from ruimte.clock import iso
from ruimte.errors import RuimteError
from ruimte.intake.devices.times import by_pattern, epoch_ms, epoch_s, instant, interval
from ruimte.model.observation import Flag
from ruimte.sta.times import parse_instant

ZONE = ZoneInfo("Europe/Amsterdam")
TOO_FAR = ("1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00")
NO_TIMES = ("", "2026-01-01", "soon", "2026-13-01T00:00:00Z", *TOO_FAR)


def at(text, received="2026-10-25T00:31:00Z"):
    us, flags = instant(text, "time", ZONE, parse_instant(received))
    return iso(us), flags


def test_an_offset_is_taken_at_its_word():
    assert at("2026-10-25T02:30:00+02:00") == ("2026-10-25T00:30:00Z", Flag.NONE)
    assert at("2026-10-25T00:30:00.123456789Z") == ("2026-10-25T00:30:00Z", Flag.NONE)


def test_a_wall_clock_is_the_labs_and_flagged():
    assert at("2026-07-01T14:00:00") == ("2026-07-01T12:00:00Z", Flag.REPAIRED)


def test_a_doubled_hour_is_told_apart_by_the_receipt():
    assert at("2026-10-25T02:30:00", "2026-10-25T00:31:00Z") == ("2026-10-25T00:30:00Z", Flag.REPAIRED)
    assert at("2026-10-25T02:30:00", "2026-10-25T01:31:00Z") == ("2026-10-25T01:30:00Z", Flag.REPAIRED)


@pytest.mark.parametrize("received", ["2026-10-25T01:00:00Z", "2026-10-26T12:00:00Z"])
def test_a_doubled_hour_that_cannot_be_told_apart_is_doubtful(received):
    _, flags = at("2026-10-25T02:30:00", received)
    assert flags == Flag.REPAIRED | Flag.DOUBTFUL


def test_an_hour_that_never_comes_is_refused():
    with pytest.raises(RuimteError, match="never comes"):
        at("2026-03-29T02:30:00")


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_time_of_a_measurement_is_refused_without_saying_it(text):
    with pytest.raises(RuimteError) as error:
        at(text)
    assert error.value.where == "time"
    assert not text or text not in str(error.value)


def test_numbers_since_1970():
    assert epoch_ms(1777298712500, "time") == epoch_s(1777298712.5, "time") == parse_instant("2026-04-27T14:05:12.500Z")


@pytest.mark.parametrize("value", [-1.0, 1e300, float("inf"), float("nan")])
def test_absurd_numbers_are_refused(value):
    for read in (epoch_ms, epoch_s):
        with pytest.raises(RuimteError):
            read(value, "time")


def test_patterns_and_intervals():
    received = parse_instant("2026-07-01T12:00:00Z")
    assert iso(by_pattern("20260701140000", "%Y%m%d%H%M%S", "time", ZONE, received)[0]) == "2026-07-01T12:00:00Z"
    start, end = interval("2026-07-01T12:00:00Z/2026-07-01T14:05:00", "time", ZONE, received)
    assert (iso(start[0]), start[1], iso(end[0]), end[1]) == ("2026-07-01T12:00:00Z", 0, "2026-07-01T12:05:00Z", Flag.REPAIRED)
