"""Topics, broker addresses, and what Mosquitto's log tells of subscribers."""

from __future__ import annotations

import pytest

from ruimte.errors import RuimteError
from ruimte.intake.mqtt.address import Address, parse_address
from ruimte.intake.mqtt.subscribers import MOST, Subscribers
from ruimte.intake.mqtt.topics import asked, matches

SUBSCRIBE, UNSUBSCRIBE, NOTICE = (f"$SYS/broker/log/{kind}" for kind in ("M/subscribe", "M/unsubscribe", "N"))
SELECT = "v1.1/Datastreams(1)/Observations?$select=result,phenomenonTime"


@pytest.mark.parametrize(
    ("topic_filter", "path", "query"),
    [
        ("v1.1/Things", "Things", ""),
        ("v1.1/Things(1)/name", "Things(1)/name", ""),
        (SELECT, "Datastreams(1)/Observations", "$select=result,phenomenonTime"),
        ("v1.1/Observations?%24select=result", "Observations", "%24select=result"),
    ],
)
def test_an_exact_filter_of_the_service_is_understood(topic_filter, path, query):
    wanted = asked(topic_filter)
    assert (wanted.topic, wanted.path, wanted.query) == (topic_filter, path, query)


@pytest.mark.parametrize(
    "topic_filter",
    [
        "v1.0/Things",
        "v1.1",
        "v1.1/",
        "other/v1.1/Things",
        "v1.1/#",
        "v1.1/+/Observations",
        "v1.1/Observations?$filter=result gt 1",
        "v1.1/Observations?$select=result&$top=1",
        "v1.1/Observations?$select=",
        "v1.1/" + "x" * 2000,
    ],
)
def test_another_filter_is_not(topic_filter):
    assert asked(topic_filter) is None


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/b/c", "a/b", False),
        ("a/+/c", "a/b/c", True),
        ("a/+", "a", False),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("#", "a/b", True),
        ("#", "$SYS/broker", False),
        ("+/broker", "$SYS/broker", False),
        ("a/+", "a/", True),
    ],
)
def test_wildcards(topic_filter, topic, expected):
    assert matches(topic_filter, topic) is expected


def test_user_and_password_come_from_the_environment_and_are_not_told():
    environment = {"RUIMTE_BROKER_USER": "node", "RUIMTE_BROKER_PASSWORD": "secret"}
    address = parse_address("mqtts://broker.example.org", environment)
    assert address == Address("broker.example.org", 8883, tls=True, user="node", password="secret")
    assert "secret" not in address.url


@pytest.mark.parametrize(
    ("text", "loopback"),
    [("mqtt://127.0.0.1", True), ("mqtt://[::1]:1884", True), ("mqtt://localhost", True), ("mqtt://10.0.0.1", False)],
)
def test_it_knows_whether_the_broker_is_here(text, loopback):
    address = parse_address(text, {})
    assert address.is_loopback is loopback
    assert parse_address(address.url, {}) == address


@pytest.mark.parametrize(
    "text", ["", "localhost", "http://h", "mqtt://", "mqtt://h/x", "mqtt://h:70000", "mqtt://u:p@h", "mqtt://[::1"]
)
def test_another_address_is_refused_in_one_line(text):
    with pytest.raises(RuimteError) as caught:
        parse_address(text, {})
    assert "p@h" not in str(caught.value)


def topics(subscribers):
    return [each.topic for each in subscribers.asked]


def test_subscriptions_come_and_go():
    subscribers = Subscribers()
    subscribers.hear(NOTICE, "1795551543: New client connected from 127.0.0.1:33954 as my phone (p2, c1, k60).")
    subscribers.hear(SUBSCRIBE, f"1795551543: my phone 0 {SELECT}")
    subscribers.hear(SUBSCRIBE, "1795551543: my phone 1 v1.1/Things(1)/Datastreams")
    subscribers.hear(SUBSCRIBE, f"1795551543: other 1 {SELECT}")
    subscribers.hear(SUBSCRIBE, "1795551543: other 1 v1.1/#")
    assert topics(subscribers) == [SELECT, "v1.1/Things(1)/Datastreams"]
    subscribers.hear(UNSUBSCRIBE, f"1795551543: other {SELECT}")
    assert SELECT in topics(subscribers)
    subscribers.hear(UNSUBSCRIBE, f"1795551543: my phone {SELECT}")
    assert topics(subscribers) == ["v1.1/Things(1)/Datastreams"]


@pytest.mark.parametrize(
    "how", ["disconnected.", "closed its connection.", "has exceeded timeout, disconnecting.", "disconnected: bad."]
)
def test_a_clean_session_ends_with_its_client(how):
    subscribers = Subscribers()
    subscribers.hear(NOTICE, "1: New client connected from 127.0.0.1:1 as x (p2, c1, k60).")
    subscribers.hear(SUBSCRIBE, f"1: x 0 {SELECT}")
    subscribers.hear(NOTICE, f"2: Client x {how}")
    assert topics(subscribers) == []


def test_a_lasting_session_keeps_its_subscriptions_until_it_comes_back_clean():
    subscribers = Subscribers()
    subscribers.hear(NOTICE, "1: New client connected from 127.0.0.1:1 as x (p5, c0, k60, u'me').")
    subscribers.hear(SUBSCRIBE, f"1: x 0 {SELECT}")
    subscribers.hear(NOTICE, "2: Client x disconnected.")
    assert topics(subscribers) == [SELECT]
    subscribers.hear(NOTICE, "3: New client connected from 127.0.0.1:1 as x (p5, c1, k60, u'me').")
    assert topics(subscribers) == []


def test_it_remembers_and_is_bounded():
    subscribers = Subscribers()
    for number in range(MOST + 10):
        subscribers.hear(SUBSCRIBE, f"1: x 0 v1.1/Things({number})/name")
    assert len(subscribers.asked) == MOST
    again = Subscribers(subscribers.remembered())
    assert again.asked == subscribers.asked
    again.hear(SUBSCRIBE, "1: x 0 v1.1/Things(99999)/name")
    assert len(again.asked) == MOST


@pytest.mark.parametrize(
    "line", ["", "x", "1: ", "1:  0 ", "1: x 3 v1.1/Things", "not a line v1.1/Things", "1: x 0 " + "v1.1/" * 10000]
)
def test_other_lines_are_passed_over(line):
    subscribers = Subscribers()
    for topic in (SUBSCRIBE, UNSUBSCRIBE, NOTICE):
        subscribers.hear(topic, line)
    assert subscribers.asked == []
