"""Accounts and sessions: links that work once, roles, passwords, sessions that end; of no secret the text is kept."""

from __future__ import annotations

import stat

import pytest

from ruimte.errors import RuimteError
from ruimte.model.role import Actor
from ruimte.store.accounts import IDLE_US, LASTS_US, StoredAccounts

DAY_US = 86_400_000_000
JO = Actor("jo", "operator")


@pytest.fixture
def clock():
    return [1_700_000_000_000_000]


@pytest.fixture
def open_accounts(tmp_path, clock):
    opened = []

    def open_(**options):
        opened.append(StoredAccounts(tmp_path / "lab.accounts.db", lambda: clock[0], **options))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


@pytest.fixture
def accounts(open_accounts):
    made = open_accounts()
    made.add("jo", "operator")
    return made


@pytest.fixture
def session(accounts):
    return accounts.redeem(accounts.one_time_token("jo"))


def test_a_link_signs_in_once_and_within_a_day(accounts, clock):
    link = accounts.one_time_token("jo")
    assert accounts.actor(link) is None
    assert accounts.actor(accounts.redeem(link)) == JO
    assert accounts.redeem(link) is None
    late = accounts.one_time_token("jo")
    clock[0] += DAY_US
    assert accounts.redeem(late) is None


def test_a_session_is_no_link(accounts, session):
    assert accounts.redeem(session) is None


def test_a_session_ends_when_signed_out(accounts, session):
    other = accounts.redeem(accounts.one_time_token("jo"))
    accounts.sign_out(session)
    assert accounts.actor(session) is None
    assert accounts.actor(other) == JO


def test_a_session_that_nobody_uses_ends_and_one_in_use_lasts_a_week(accounts, session, clock):
    unused = accounts.redeem(accounts.one_time_token("jo"))
    for _ in range(13):
        clock[0] += IDLE_US - 1
        assert accounts.actor(session) == JO
    assert accounts.actor(unused) is None
    clock[0] += IDLE_US - 1
    assert accounts.actor(session) == JO
    clock[0] += 14
    assert accounts.actor(session) is None


def test_a_session_of_a_provider_is_short_even_in_use(accounts, clock):
    token = accounts.begin("sub-1", Actor("Kim", "manager"))
    until = clock[0] + LASTS_US["provider"]
    while clock[0] + 60_000_000 < until:
        clock[0] += IDLE_US // 4 - 1
        assert accounts.actor(token) == Actor("Kim", "manager")
    clock[0] = until
    assert accounts.actor(token) is None
    assert accounts.account(token) is None


def test_a_password_signs_in_and_ends_all_other_sessions_when_changed(accounts, session):
    assert accounts.sign_in("jo", "") is None
    assert (accounts.has_password, accounts.knows_password(session, "")) == (False, None)
    link = accounts.one_time_token("jo")
    first = accounts.set_password(session, "correct horse")
    assert accounts.has_password
    assert (accounts.actor(session), accounts.actor(first)) == (None, JO)
    assert accounts.redeem(link) is None
    assert accounts.sign_in("jo", "wrong horse") is None
    assert accounts.sign_in("nobody", "correct horse") is None
    assert accounts.actor(accounts.sign_in("JO", "correct horse")) == JO
    assert (accounts.knows_password(first, "correct horse"), accounts.knows_password(first, "")) == (True, False)
    accounts.set_password(first, "battery staple")
    assert accounts.sign_in("jo", "correct horse") is None


def test_somebody_of_a_provider_has_no_password_here_even_with_the_name_of_an_account(accounts):
    token = accounts.begin("jo", JO)
    assert (accounts.account(token), accounts.knows_password(token, "")) == (None, None)
    with pytest.raises(RuimteError, match="no account here"):
        accounts.set_password(token, "correct horse")


def test_another_role_and_removal_end_the_sessions(accounts, session):
    accounts.set_role("jo", "viewer")
    assert accounts.actor(session) is None
    again = accounts.redeem(accounts.one_time_token("jo"))
    assert accounts.actor(again) == Actor("jo", "viewer")
    link = accounts.one_time_token("jo")
    accounts.remove("jo")
    assert accounts.actor(again) is None
    assert accounts.redeem(link) is None
    assert accounts.all() == []


def test_a_change_by_another_process_counts_at_once(open_accounts, accounts, session):
    other = open_accounts()
    assert other.actor(session) == JO
    other.set_role("jo", "viewer")
    assert accounts.actor(session) is None


def test_names_are_told_apart_but_for_their_case(accounts):
    with pytest.raises(RuimteError, match="already"):
        accounts.add("JO", "viewer")
    for act in (
        lambda: accounts.set_role("kim", "viewer"),
        lambda: accounts.remove("kim"),
        lambda: accounts.one_time_token("kim"),
    ):
        with pytest.raises(RuimteError, match="no account 'kim'"):
            act()


def test_sessions_are_listed_and_ended_by_their_holder_only(accounts, session, clock):
    accounts.add("kim", "viewer")
    kim = accounts.redeem(accounts.one_time_token("kim"))
    clock[0] += 1
    second = accounts.redeem(accounts.one_time_token("jo"))
    listed = accounts.sessions(session)
    assert [(each.way, each.this) for each in listed] == [("link", False), ("link", True)]
    accounts.end(kim, listed[0].id)
    assert accounts.actor(second) == JO
    accounts.end(session, listed[0].id)
    assert accounts.actor(second) is None
    assert accounts.sessions("no token") == []


def test_nothing_is_in_the_file_in_clear_text_and_only_its_owner_reads_it(tmp_path, accounts, session):
    link = accounts.one_time_token("jo")
    fresh = accounts.set_password(session, "correct horse")
    files = list(tmp_path.glob("lab.accounts.db*"))
    stored = b"".join(path.read_bytes() for path in files)
    assert b"operator" in stored
    for secret in (link, session, fresh, "correct horse"):
        assert secret.encode() not in stored
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_what_has_ended_is_swept_out(open_accounts, accounts, session, clock):
    accounts.one_time_token("jo")
    clock[0] += 31 * DAY_US
    again = open_accounts()
    assert again._ask("SELECT count(*) FROM sessions") == again._ask("SELECT count(*) FROM links") == [(0,)]
