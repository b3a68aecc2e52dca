"""The logbook on the web: what is written into it, and what is taken out."""

from __future__ import annotations

import threading

import pytest
from starlette.testclient import TestClient

from fake_room import FakeAccounts, FakeRoom
from ruimte.model.role import Actor
from ruimte.web.control.logbook import read_range
from ruimte.web.problems import WebError

PAGE = {"accept": "text/html"}


def test_a_note_is_in_the_logbook_with_who_wrote_it(signed_in: TestClient, room: FakeRoom) -> None:
    answer = signed_in.post("/logbook", data={"text": " Gate 3 is closed ", "place": "market"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/logbook?done=note")
    (line,) = [line for line in room.logbook("en") if line.kind == "note"]
    assert (line.text, line.place, line.who) == ("Gate 3 is closed", "market", "crowd manager")
    assert "The note is in the logbook." in signed_in.get("/logbook?done=note").text


def test_the_control_room_gets_its_logbook_back(signed_in: TestClient) -> None:
    answer = signed_in.post("/logbook", data={"text": "All calm <b>"}, headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert "All calm &lt;b&gt;" in answer.text
    assert answer.text.lstrip().startswith("<tr>")


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "the note holds what looks like a phone number"), ("nl", "de notitie bevat iets als een telefoonnummer")],
)
def test_a_visitors_identifier_is_refused_and_not_shown_again(
    signed_in: TestClient, room: FakeRoom, language: str, told: str
) -> None:
    answer = signed_in.post(f"/logbook?lang={language}", data={"text": "call 06-12345678"}, headers={"hx-request": "true"})
    assert answer.status_code == 400
    assert answer.json()["detail"] == told
    assert "12345678" not in answer.text
    page = signed_in.post(f"/logbook?lang={language}", data={"text": "call 06-12345678"}, headers=PAGE).text
    assert f"<span>{told[0].upper()}{told[1:]}</span>" in page
    assert not any("12345678" in line.text for line in room.logbook("en"))


def test_an_answer_to_a_warning_holds_no_identifier_either(signed_in: TestClient, room: FakeRoom) -> None:
    answer = signed_in.post("/warnings/1/decide?lang=nl", data={"decline": "yes", "note": "auto KB-12-GT"}, headers=PAGE)
    assert answer.status_code == 400
    assert "De notitie bevat iets als een kenteken" in answer.text
    assert not room.decisions


def test_who_may_not_export_or_write_is_offered_neither(client: TestClient, accounts: FakeAccounts) -> None:
    given = {"viewer": (False, False), "operator": (True, False), "manager": (True, True), "privacy-officer": (False, True)}
    for role, offered in given.items():
        accounts.user = Actor("Jo Jansen", role)  # type: ignore[arg-type]
        client.cookies.set("ruimte_session_8000", accounts.welcome())
        text, room_text = client.get("/logbook").text, client.get("/").text
        assert ('action="/logbook"' in text, "/logbook.csv" in text) == offered, role
        assert ('action="/logbook"' in room_text, "Field report, export" in room_text) == offered, role
        codes = [client.get(path).status_code for path in ("/report", "/logbook.csv")]
        assert codes == [200 if may else 403 for may in offered], role


def test_nobody_writes_without_a_session(client: TestClient, room: FakeRoom) -> None:
    room_lines = len(room.logbook("en"))
    client.cookies.clear()
    for path, data in (("/logbook", {"text": "x"}), ("/logbook/field-report", {"place": "market", "number": "5"})):
        assert client.post(path, data=data, headers=PAGE, follow_redirects=False).headers["location"] == "/sign-in?why=act"
    assert len(room.logbook("en")) == room_lines


def test_a_field_report_is_passed_on(signed_in: TestClient, room: FakeRoom) -> None:
    answer = signed_in.post("/logbook/field-report", data={"place": "market", "number": "300 – 500"}, follow_redirects=False)
    assert answer.headers["location"] == "/logbook?done=report"
    assert any(line.text == "Field report: Market, 400" for line in room.logbook("en"))


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("99999999", "Is meer dan er in past"),
        ("500-300", "Eindigt lager dan het begint"),
        ("-5", "Dit is geen aantal mensen"),
        ("a lot", "Dit is geen aantal mensen"),
        ("", "Dit is geen aantal mensen"),
    ],
)
def test_a_number_that_cannot_be_is_refused_in_one_line(signed_in: TestClient, number: str, told: str) -> None:
    answer = signed_in.post("/logbook/field-report?lang=nl", data={"place": "market", "number": number}, headers=PAGE)
    assert answer.status_code == 400
    assert f"<span>{told}</span>" in answer.text


def test_a_place_that_takes_no_reports_is_refused(signed_in: TestClient) -> None:
    answer = signed_in.post("/logbook/field-report", data={"place": "harbour-street", "number": "5"})
    assert answer.status_code == 400
    assert answer.json()["detail"] == "takes no field reports"


@pytest.mark.parametrize("text", ["1.5", "12,34", "3-4-5", "1e3", "٣", "400-", "−5"])
def test_what_is_no_number_of_people_is_none(text: str) -> None:
    with pytest.raises(WebError):
        read_range(text)


def test_the_logbook_comes_as_a_file_of_the_period_that_is_asked_for(signed_in: TestClient, room: FakeRoom) -> None:
    signed_in.post("/logbook", data={"text": "drukte bij de kade"})
    answer = signed_in.get("/logbook.csv", params={"from": "2019-12-31T20:00", "to": "2019-12-31T21:00", "lang": "nl"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="logbook-fake-20191231T2000.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "drukte bij de kade" in answer.text
    assert "drukte" not in signed_in.get("/logbook.csv", params={"from": "2019-12-31T21:00", "to": "2019-12-31T22:00"}).text


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"from": "yesterday"}, "from"), ({"from": "2019-12-31T20:00", "to": "2019-12-31T19:00"}, "to")],
)
def test_a_period_that_is_none_is_refused(signed_in: TestClient, asked: dict[str, str], field: str) -> None:
    for path in ("/logbook.csv", "/logbook.pdf", "/report"):
        answer = signed_in.get(path, params=asked)
        assert (answer.status_code, answer.json()["where"]) == (400, field)


def test_the_report_is_of_the_evening_where_no_period_is_asked_for(signed_in: TestClient) -> None:
    answer = signed_in.get("/report", params={"lang": "nl"})
    assert "dinsdag 31 december 2019 12:00 – dinsdag 31 december 2019 20:45" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_without_a_browser_the_logbook_is_a_page_that_says_so(signed_in: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    answer = signed_in.get("/logbook.pdf")
    assert answer.headers["content-type"].startswith("text/html")
    assert "Print this page" in answer.text
    assert signed_in.get("/report", params={"format": "pdf"}).headers["content-type"].startswith("text/html")


def test_reports_are_made_one_at_a_time(signed_in: TestClient, room: FakeRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(language: str, from_us: int, until_us: int) -> str:
        begun.set()
        assert go_on.wait(10)
        return "<p>done</p>"

    monkeypatch.setattr(room, "after_action", slow)
    answers = []
    first = threading.Thread(target=lambda: answers.append(signed_in.get("/report")))
    first.start()
    assert begun.wait(10)
    second = signed_in.get("/report")
    assert (second.status_code, second.json()["detail"]) == (429, "a report is being made already")
    go_on.set()
    first.join(10)
    assert answers[0].text == "<p>done</p>"
    assert signed_in.get("/report").status_code == 200
