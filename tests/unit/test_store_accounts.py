"""The local account: links that work once, sessions, a password; of none of them the text is kept."""

from __future__ import annotations

import pytest

from ruimte.model.role import Actor
from ruimte.store.accounts import StoredAccounts
from ruimte.store.sqlite import Store

DAY_US = 86_400_000_000


@pytest.fixture
def clock():
    return [1_700_000_000_000_000]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "lab.db", "test") as opened:
        yield opened


@pytest.fixture
def accounts(store, clock):
    return StoredAccounts(store, lambda: clock[0])


def test_the_account_is_made_once(store, accounts, clock):
    assert accounts.is_new
    assert not StoredAccounts(store, lambda: clock[0]).is_new
    assert not accounts.auto


def test_a_link_signs_in_once_and_within_a_day(accounts, clock):
    link = accounts.one_time_token()
    assert accounts.actor(link) is None
    session = accounts.redeem(link)
    assert accounts.actor(session) == Actor("operator", "admin")
    assert accounts.redeem(link) is None
    late = accounts.one_time_token()
    clock[0] += DAY_US
    assert accounts.redeem(late) is None


def test_a_session_is_no_link(accounts):
    assert accounts.redeem(accounts.welcome()) is None


def test_a_session_ends_when_signed_out_or_after_a_month(accounts, clock):
    one, other = accounts.welcome(), accounts.welcome()
    accounts.sign_out(one)
    assert accounts.actor(one) is None
    assert accounts.actor(other) == Actor("operator", "admin")
    clock[0] += 31 * DAY_US
    assert accounts.actor(other) is None


def test_a_password_signs_in_and_can_be_changed(store, accounts, clock):
    assert accounts.sign_in("") is None
    assert not accounts.has_password
    accounts.set_password("operator", "correct horse")
    assert accounts.has_password
    assert accounts.sign_in("wrong horse") is None
    assert accounts.actor(accounts.sign_in("correct horse")) == Actor("operator", "admin")
    accounts.set_password("operator", "battery staple")
    assert accounts.sign_in("correct horse") is None
    assert StoredAccounts(store, lambda: clock[0]).sign_in("battery staple") is not None


def test_nothing_is_in_the_file_in_clear_text(tmp_path, store, accounts):
    link, session = accounts.one_time_token(), accounts.welcome()
    accounts.set_password("operator", "correct horse")
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("lab.db*"))
    assert b"operator" in stored
    for secret in (link, session, "correct horse"):
        assert secret.encode() not in stored


def test_expired_tokens_are_swept_out(store, accounts, clock):
    accounts.welcome()
    clock[0] += 31 * DAY_US
    StoredAccounts(store, lambda: clock[0])
    assert store.read(lambda c: c.execute("SELECT count(*) FROM tokens").fetchone()) == (0,)
