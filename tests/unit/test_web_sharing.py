"""The page of sharing: what it says of agreements, who may do what there, and that each act is in both logs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import msgspec
import pytest
from starlette.testclient import TestClient

from agreed import CITY, KEYS, METRO, NOW_S, POLICE, grant, pair_of, privately, proposed
from fake_room import FakeAccounts, FakeRoom
from fake_sharing import FakeShared, file_of, furnished, in_force, offered, office_of, shared_of, to_police
from ruimte.ledger.checkpoint import cosign
from ruimte.ledger.entry import Entry
from ruimte.ledger.note import read_note
from ruimte.model.role import ROLES, Actor, Role
from ruimte.settings import SharingFile
from ruimte.share.agreement import Agreement, Form, What
from ruimte.share.contract import current_key, sign, status
from ruimte.share.document import read_document
from ruimte.web.app import create_app
from ruimte.web.settings import WebSettings

PEOPLE = What(kinds=("history",), zones=("*",), quantities=("people",))
HOST = "http://localhost:8000"
FORM = {
    "partner": "Metro of Example",
    "partner_id": METRO,
    "partner_key": KEYS[METRO].public,
    "zones": ["market", "station-square"],
    "kinds": ["state", "forecast"],
    "quantities": ["people", "level"],
    "exactness": "suppressed",
    "minimum": "10",
    "round_to": "5",
    "step": "15m",
    "begin": "2026-09-21",
    "end": "2027-03-31",
    "purpose": "event-safety",
    "regime": "gdpr",
    "ground": "Permit of the festival, condition 12",
    "delete_after": "30d",
}


@pytest.fixture
def shared(room: FakeRoom, tmp_path: Path) -> Iterator[FakeShared]:
    made = shared_of(room, tmp_path)
    with made.desk.log:
        yield made


@pytest.fixture
def manager(room: FakeRoom, accounts: FakeAccounts, shared: FakeShared) -> Iterator[TestClient]:
    """A crowd manager who is signed in, at a node that shares."""
    accounts.user = Actor("Jo Jansen", "manager")
    app = create_app(room, accounts, WebSettings(), sharing=office_of(shared, room))
    with TestClient(
        app, HOST, headers={"origin": HOST}, client=("127.0.0.1", 50_000), follow_redirects=False, cookies={}
    ) as visitor:
        visitor.cookies.set("ruimte_session_8000", accounts.welcome())
        yield visitor


def text(client: TestClient, language: str = "en", path: str = "/sharing") -> str:
    """What a person reads: without tags."""
    answer = client.get(path, params={"lang": language})
    assert answer.status_code == 200
    return read(answer.text)


def read(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def upload(client: TestClient, octets: bytes, name: str = "agreement.json", accept: str = "text/html") -> tuple[int, str]:
    files = {"file": (name, octets, "application/json")}
    answer = client.post("/sharing", files=files, headers={"accept": accept})
    return answer.status_code, answer.headers.get("location") or read(answer.text)


def kinds(room: FakeRoom) -> list[str]:
    return [line.kind for line in room.logbook("en")]


def in_log(shared: FakeShared) -> list[tuple[str, str]]:
    """What the transparency log says of agreements, in its order."""
    log = shared.desk.log
    found = []
    for index, leaf in enumerate(log.entries(0, 1000)):
        if msgspec.json.decode(leaf, type=Entry).kind == "agreement":
            kept = log.payload(index)
            assert kept is not None
            found.append((kept[1]["agreement"], kept[1]["status"]))
    return found


# --- what it says ---------------------------------------------------------------------------------------------------------


def test_an_agreement_is_told_in_sentences_in_both_languages(manager: TestClient, shared: FakeShared) -> None:
    furnished(shared)
    english, dutch = text(manager), text(manager, "nl")
    for told in (
        "Police of Example gets from City of Example",
        "How busy it is now and warnings, of Market and Station square (Seaside (invented)).",
        "Figures: people and level of service, every 15 minutes.",
        "Rounded to 10.",
        "Figures that rest on fewer than 10 people are left out.",
        "Police of Example deletes it after 30 days, names City of Example as the source, and may not pass it on.",
        "City of Example gets from Police of Example",
        "Ground: Covenant on crowd safety, article 4",
        "In force; 115 days left.",
        "Waits for City of Example to sign.",
        "Taken back by Police of Example on 21 Sept 2026.",
        "May tell: closures and expected arrivals, about all zones and count points of Seaside (invented).",
    ):
        assert told in english
    for told in (
        "Police of Example krijgt van City of Example",
        "Hoe druk het nu is en waarschuwingen, van Markt en Stationsplein (Badplaats (verzonnen)).",
        "Afgerond op 10.",
        "Cijfers die op minder dan 10 mensen berusten worden weggelaten.",
        "Van kracht; nog 115 dagen.",
        "Wacht op ondertekening door City of Example.",
    ):
        assert told in dutch


def test_what_went_out_and_what_was_refused_today_comes_from_the_log(manager: TestClient, shared: FakeShared) -> None:
    hashes = furnished(shared)
    assert "Releases today: 12, the last at 16:13. Refused: 2 × asked for another purpose." in text(manager)
    assert "Verstrekkingen vandaag: 12, de laatste om 16:13. Geweigerd: 2 × gevraagd voor een ander doel." in text(manager, "nl")
    shared.logged("release", {"agreement": hashes["in force"], "party": POLICE})
    shared.desk.tally.refused(POLICE, "log-failed")
    assert "Releases today: 13, the last at 16:13. Refused: 2 × asked for another purpose; 1 × the log could not" in text(manager)
    shared.now_us += 24 * 3_600_000_000
    assert "Releases today: 0" in text(manager)
    shared.logged("release", {"agreement": hashes["in force"], "party": POLICE})
    assert "Releases today: 1, the last at 16:13." in text(manager)
    assert "Releases today: 13" not in text(manager)


def test_a_refusal_that_names_no_agreement_counts_for_the_party(manager: TestClient, shared: FakeShared) -> None:
    shared.put(in_force(shared))
    shared.logged(
        "decision",
        {"agreement": "", "party": POLICE, "allowed": False, "reason": "places"},
        {"agreement": "", "party": METRO, "allowed": False, "reason": "step"},
        {"agreement": "", "party": POLICE, "allowed": True, "reason": "allowed"},
    )
    page = text(manager)
    assert "Refused: 1 × asked for other places." in page
    assert "finer step" not in page


def test_a_file_that_cannot_be_used_says_why_and_is_escaped(manager: TestClient, shared: FakeShared) -> None:
    shared.write("letter.json", b'{"content": 1')
    wrong = in_force(shared)
    content = msgspec.structs.replace(wrong.content, group_id="another")
    shared.write("changed.json", file_of(msgspec.structs.replace(wrong, content=content)))
    page = text(manager)
    assert page.count("It gives nothing until this is mended:") == 2
    assert "mended: letter.json: is not JSON; take the file as it was signed" in page
    assert "mended: changed.json: signatures.accept" in page
    assert "was signed under other terms" in page


def test_free_text_of_an_agreement_is_shown_as_text(manager: TestClient, shared: FakeShared) -> None:
    evil = to_police(shared.lab, legal_ground="<script>alert(1)</script> {0} %(x)s")
    shared.put(in_force(shared, evil))
    page = manager.get("/sharing").text
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {0} %(x)s" in page


def test_the_privacy_budget_and_the_log_are_told(
    room: FakeRoom, accounts: FakeAccounts, tmp_path: Path, signed_in: TestClient
) -> None:
    shared = shared_of(room, tmp_path, private=True)
    with shared.desk.log:
        furnished(shared)
        signed_in.app.state.sharing = office_of(shared, room)  # type: ignore[attr-defined]
        page = text(signed_in)
        assert "Each recipient has a part of ε = 2.0 a day." in page
        assert "until it renews, 22 Sept 00:00." in page
        assert "0.5 of 0.5 spent" in page
        assert "With noise, so that nobody can be picked out: ε 0.5 a day." in page
        assert f"{shared.desk.log.size} entries" in page
        assert "No witness has cosigned it yet." in page
        assert str(shared.desk.log.key) in page
    assert "Noise" not in room.logbook("en")[0].text


def test_a_grant_that_has_no_part_of_the_budget_says_so(
    room: FakeRoom, accounts: FakeAccounts, tmp_path: Path, signed_in: TestClient
) -> None:
    shared = shared_of(room, tmp_path, private=True)
    with shared.desk.log:
        privacy = msgspec.structs.replace(privately().privacy, epsilon_per_day=3.0)
        shared.put(in_force(shared, to_police(shared.lab, what=PEOPLE, form=privately(privacy=privacy))))
        signed_in.app.state.sharing = office_of(shared, room)  # type: ignore[attr-defined]
        assert "Gives nothing yet: reserves ε = 3 a day, and 2 of the lab's is left." in text(signed_in)


@pytest.mark.parametrize(("language", "told"), [("en", "a replay shares nothing"), ("nl", "een herhaling deelt niets")])
def test_a_replay_says_how_sharing_is_begun(signed_in: TestClient, language: str, told: str) -> None:
    assert told in text(signed_in, language)
    assert signed_in.post("/sharing", files={"file": ("x.json", b"{}", "application/json")}).status_code == 404
    assert signed_in.get("/sharing/propose").status_code == 404


def test_what_went_out_and_was_refused_stands_only_where_this_node_gives(room: FakeRoom, shared: FakeShared) -> None:
    ivs = [f"06338364-8305-7b74-8000-de496350313{digit}" for digit in range(3)]
    hashes = [
        shared.put(in_force(shared, iv=ivs[0])),
        shared.put(offered(shared, iv=ivs[1])),
        shared.put(in_force(shared, grant(provider=POLICE, consumer=CITY, lab="district"), iv=ivs[2])),
    ]
    shared.logged("decision", {"agreement": "", "party": POLICE, "allowed": False, "reason": "purpose"})
    out = {each.hash: each.out for each in office_of(shared, room).view("en").agreements}
    assert out[hashes[0]].refusals == [("asked for another purpose", 1)]
    assert (out[hashes[1]], out[hashes[2]]) == (None, None)


def test_who_witnessed_the_log_is_told_by_name(manager: TestClient, shared: FakeShared) -> None:
    shared.put(in_force(shared))
    shared.logged("decision", {"agreement": "", "party": POLICE, "allowed": True, "reason": "allowed"})
    log = shared.desk.log
    note = log.checkpoint()
    signed = note + str(cosign(read_note(note).text, POLICE, KEYS[POLICE].private, NOW_S - 60))
    log.cosign(signed, [(POLICE, KEYS[POLICE].public)])
    assert "✓ Police of Example cosigned 1 entry, 16:12" in text(manager)
    assert "✓ Police of Example ondertekende 1 regel mee, 16:12" in text(manager, "nl")


# --- what is done there -----------------------------------------------------------------------------------------------------


def test_a_file_is_taken_in_signed_downloaded_and_taken_back(manager: TestClient, shared: FakeShared, room: FakeRoom) -> None:
    code, where = upload(manager, file_of(offered(shared)))
    assert (code, where[:23]) == (303, "/sharing?done=received-")
    (known,) = shared.desk.book.all()
    assert manager.post(f"/sharing/{known.hash}/sign").headers["location"] == f"/sharing?done=signed#a-{known.hash[:12]}"
    assert shared.desk.book.granted()[0].status == "valid"
    answer = manager.get(f"/sharing/{known.hash}/agreement.json")
    assert answer.headers["content-disposition"] == f'attachment; filename="agreement-{known.hash[:12]}.json"'
    signed = read_document(answer.content, "download")
    assert set(signed.signatures.accept) == {CITY, POLICE}
    assert status(signed, NOW_S) == "valid"
    assert "Police of Example gets nothing more, from its next request on: how busy it is now and warnings." in text(manager)
    assert manager.post(f"/sharing/{known.hash}/revoke").status_code == 303
    assert shared.desk.book.granted()[0].status == "revoked"
    assert [kind for kind in kinds(room) if kind.startswith("agreement")] == [
        "agreement-revoked",
        "agreement-signed",
        "agreement-received",
    ]
    assert room.logbook("nl")[0].text == f"Overeenkomst {known.hash[:12]} met Police of Example ingetrokken."
    assert in_log(shared) == [(known.hash, "proposed"), (known.hash, "valid"), (known.hash, "revoked")]


def test_a_rejection_is_for_good(manager: TestClient, shared: FakeShared, room: FakeRoom) -> None:
    hashed = shared.put(offered(shared))
    assert manager.post(f"/sharing/{hashed}/reject").status_code == 303
    answer = manager.post(f"/sharing/{hashed}/sign")
    assert answer.status_code == 400
    assert "That was not done:" in answer.text
    assert "the agreement was rejected by" in answer.text
    assert kinds(room)[0] == "agreement-rejected"
    assert "Sign</button>" not in manager.get("/sharing").text


def test_a_copy_with_the_partners_signature_makes_it_valid(manager: TestClient, shared: FakeShared) -> None:
    mine = in_force(shared)
    half = msgspec.structs.replace(
        mine, signatures=msgspec.structs.replace(mine.signatures, accept={CITY: mine.signatures.accept[CITY]})
    )
    shared.put(half)
    assert "Waits for Police of Example to sign." in text(manager)
    assert upload(manager, file_of(mine))[0] == 303
    assert "In force" in text(manager)


def test_what_is_said_of_a_file_is_what_it_brought(manager: TestClient, shared: FakeShared, room: FakeRoom) -> None:
    def brought(agreement: Agreement) -> str:
        return read(manager.get(upload(manager, file_of(agreement))[1]).text)

    mine = in_force(shared)
    assert "Read what it says before you sign." in brought(offered(shared))
    lines = len(kinds(room))
    assert "The file holds nothing that is not known already." in brought(offered(shared))
    assert len(kinds(room)) == lines
    assert "The file has been taken in: all have signed by now." in brought(mine)
    back = sign(mine, POLICE, KEYS[POLICE].private, "revoke", NOW_S - 60)
    assert "The file has been taken in: the agreement is now taken back." in brought(back)
    assert shared.desk.book.all()[0].status == "revoked"


@pytest.mark.parametrize(
    ("octets", "english", "dutch"),
    [
        (b" ", "agreement.json : is empty", "agreement.json : is leeg"),
        (b"{", "is not JSON", "dit is geen JSON"),
        (b"[]", "is not an agreement", "dit is geen overeenkomst"),
        (b"x" * (1024 * 1024 + 10), "is larger than 1 MiB", "het is groter dan 1 MiB"),
        (b"x" * (2 * 1024 * 1024), "the file is too large", "het bestand is te groot"),
        (file_of(proposed(grant(METRO, POLICE), parties=(METRO, POLICE))), "names this node's key nowhere", "noemt nergens"),
    ],
)
def test_a_file_that_is_no_agreement_of_this_node_is_refused_in_a_line(
    manager: TestClient, shared: FakeShared, room: FakeRoom, octets: bytes, english: str, dutch: str
) -> None:
    before = len(kinds(room))
    code, told = upload(manager, octets)
    assert code in (400, 413)
    assert english in told
    manager.get("/sharing", params={"lang": "nl"})
    assert dutch in upload(manager, octets)[1]
    assert shared.desk.book.all() == []
    assert len(kinds(room)) == before


def test_a_signature_that_is_wrong_is_refused(manager: TestClient, shared: FakeShared) -> None:
    right = offered(shared)
    raw = json.loads(file_of(right))
    token = raw["signatures"]["accept"][POLICE]
    raw["signatures"]["accept"][POLICE] = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    code, told = upload(manager, json.dumps(raw).encode())
    assert code == 400
    assert "signatures.accept" in told


def test_a_post_without_a_file_says_so(manager: TestClient) -> None:
    for answer in (manager.post("/sharing", data={"file": "x"}), manager.post("/sharing", files={"other": ("x", b"x")})):
        assert answer.status_code == 400
        assert "there is no file" in answer.text
    broken = {"content-type": "multipart/form-data; boundary=x"}
    assert "the form is not readable" in manager.post("/sharing", content=b"--y\r\n", headers=broken).text


def test_what_the_lab_cannot_give_is_not_signed(manager: TestClient, shared: FakeShared) -> None:
    hashed = shared.put(
        offered(shared, to_police(shared.lab, what=msgspec.structs.replace(grant().properties.what, zones=("moon",))))
    )
    answer = manager.post(f"/sharing/{hashed}/sign")
    assert answer.status_code == 400
    assert "has no zone" in answer.text
    noisy = shared.put(offered(shared, to_police(shared.lab, what=PEOPLE, form=privately()), group_id="noisy"))
    assert "the lab has no [privacy]" in manager.post(f"/sharing/{noisy}/sign").text
    assert manager.post("/sharing/nothing/sign").status_code == 400
    assert manager.get("/sharing/nothing/agreement.json").status_code == 404


# --- proposing --------------------------------------------------------------------------------------------------------------


def test_a_proposal_is_made_signed_and_kept(manager: TestClient, shared: FakeShared, room: FakeRoom) -> None:
    answer = manager.post("/sharing/propose", data=FORM)
    assert answer.status_code == 303, read(answer.text)
    (known,) = shared.desk.book.all()
    assert answer.headers["location"] == f"/sharing?done=proposed#a-{known.hash[:12]}"
    made = known.agreement
    assert isinstance(made, Agreement)
    assert set(made.signatures.accept) == {CITY}
    terms = made.content.grants[0].properties
    assert (terms.what.zones, terms.what.kinds) == (("market", "station-square"), ("state", "forecast"))
    assert terms.form == Form(exactness="suppressed", step="15m", minimum=10, round_to=5)
    assert made.content.validity.not_before == 1_789_941_600  # midnight in the lab
    assert [party.name for party in made.content.parties] == ["City of Example", "Metro of Example"]
    assert "Waits for Metro of Example to sign." in text(manager)
    assert kinds(room)[0] == "agreement-proposed"
    assert in_log(shared) == [(known.hash, "proposed")]


def test_a_name_is_no_longer_than_a_heading(manager: TestClient) -> None:
    assert "this name is too long" in manager.post("/sharing/propose", data=FORM | {"partner": "x" * 201}).text
    assert manager.post("/sharing/propose", data=FORM | {"partner": "x" * 200}).status_code == 303


def test_nothing_is_given_that_was_not_ticked(manager: TestClient) -> None:
    page = manager.get("/sharing/propose").text
    assert re.findall(r'type="checkbox"[^>]* checked', page) == []
    assert 'value="suppressed" checked' in page  # of the choices of how exact, the one that leaves most out


@pytest.mark.parametrize(
    ("changes", "part", "english", "dutch"),
    [
        ({"partner_key": "x"}, "The partner", "is not an Ed25519 key", "dit is geen Ed25519-sleutel"),
        ({"partner_id": "urn:nld:oin:12"}, "The partner", "is not an OIN", "dit is geen OIN"),
        ({"partner_key": " "}, "The partner", "the text is empty", "de tekst is leeg"),
        ({"begin": "2025-01-01", "end": "2025-12-31"}, "From when until when", "it is over already", "zou al voorbij zijn"),
        ({"zones": []}, "Of which places", "no place is named", "er is geen plek gekozen"),
        ({"zones": ["*", "market"]}, "Of which places", "all is ticked, and single places too", "losse plekken ook"),
        ({"kinds": []}, "What it gets", "the grant gives nothing", "er wordt niets gegeven"),
        ({"quantities": []}, "Which figures", "no quantity is named", "er zijn geen cijfers gekozen"),
        (
            {"exactness": "exact", "ground": "", "regime": "none"},
            "Why, and under which law",
            "there is none, for exact figures",
            "er is geen grondslag",
        ),
        ({"ground": ""}, "Why, and under which law", "there is none, under gdpr", "de AVG vraagt er een"),
        ({"end": "2026-09-01"}, "From when until when", "it ends before it begins", "eindigt voordat ze begint"),
        ({"end": "soon"}, "From when until when", "this is no day", "dit is geen dag"),
        ({"minimum": "-1"}, "How exact", "this is no whole number", "dit is geen heel getal"),
        ({"kinds": ["secrets"]}, "What it gets", "that cannot be chosen", "dat valt niet te kiezen"),
        ({"zones": ["harbour-street"]}, "Which figures", "people is of zones, and none is given", "er is geen gebied gekozen"),
        ({"exactness": "private"}, "How exact", "this lab tells nothing with noise", "dit lab geeft niets met ruis"),
    ],
)
def test_what_is_wrong_with_a_proposal_is_said_and_what_was_filled_in_stays(
    manager: TestClient, shared: FakeShared, changes: dict[str, object], part: str, english: str, dutch: str
) -> None:
    answer = manager.post("/sharing/propose", data=FORM | changes)
    assert answer.status_code == 400
    told = read(answer.text).replace(" :", ":")
    assert f"That was not done: {part}: {english}" in told
    assert 'value="Metro of Example"' in answer.text
    manager.get("/sharing", params={"lang": "nl"})
    assert dutch in read(manager.post("/sharing/propose", data=FORM | changes).text)
    assert shared.desk.book.all() == []


def test_a_node_that_does_not_know_who_it_is_asks_and_remembers(manager: TestClient, shared: FakeShared) -> None:
    shared.settings = SharingFile()
    assert 'name="party"' in manager.get("/sharing/propose").text
    assert "this node's own id is not known" in manager.post("/sharing/propose", data=FORM).text.replace("&#39;", "'")
    assert manager.post("/sharing/propose", data=FORM | {"party": CITY, "name": "The City"}).status_code == 303
    (known,) = shared.desk.book.all()
    assert known.agreement is not None
    assert current_key(known.agreement, CITY) == KEYS[CITY].public
    assert 'name="party"' not in manager.get("/sharing/propose").text
    assert "The City" in text(manager)


def test_all_places_means_all_and_a_proposal_with_noise_takes_its_part(
    room: FakeRoom, accounts: FakeAccounts, tmp_path: Path, signed_in: TestClient
) -> None:
    shared = shared_of(room, tmp_path, private=True)
    with shared.desk.log:
        accounts.user = Actor("Jo", "manager")
        signed_in.cookies.set("ruimte_session_8000", accounts.welcome())
        signed_in.app.state.sharing = office_of(shared, room)  # type: ignore[attr-defined]
        noisy = {"exactness": "private", "kinds": ["history"], "quantities": ["people"], "zones": ["*"], "minimum": "0"}
        assert signed_in.post("/sharing/propose", data=FORM | noisy).status_code == 303
        (known,) = shared.desk.book.all()
        assert known.agreement is not None
        terms = known.agreement.content.grants[0].properties
        assert terms.what.zones == ("*",)
        assert terms.form.privacy is not None
        assert (terms.form.privacy.epsilon_per_day, terms.form.privacy.intervals) == (0.5, 8)
        wrong = signed_in.post("/sharing/propose", data=FORM | noisy | {"quantities": ["level"]})
        assert "level cannot be given with noise" in wrong.text


# --- who ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_only_who_manages_sees_what_can_be_pressed(
    manager: TestClient, accounts: FakeAccounts, shared: FakeShared, role: Role
) -> None:
    hashes = furnished(shared)
    accounts.user = Actor("Kim", role)
    manager.cookies.set("ruimte_session_8000", accounts.welcome())
    page = manager.get("/sharing").text
    acts = role in ("manager", "admin")
    for button in ("Take it back for good", "Reject it for good", ">Sign<", "Take in<", "Propose an agreement<"):
        assert (button in page) is acts
    assert ("agreement.json" in page) is (role in ("manager", "admin", "privacy-officer"))
    assert (manager.post(f"/sharing/{hashes['in force']}/revoke").status_code == 303) is acts


def test_a_post_from_elsewhere_changes_nothing(manager: TestClient, shared: FakeShared) -> None:
    hashed = shared.put(in_force(shared))
    elsewhere = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert manager.post(f"/sharing/{hashed}/revoke", headers=elsewhere).status_code == 403
    files = {"file": ("x.json", file_of(offered(shared, group_id="other")), "application/json")}
    assert manager.post("/sharing", files=files, headers=elsewhere).status_code == 403
    assert [known.status for known in shared.desk.book.all()] == ["valid"]


def test_an_agreement_of_others_is_shown_and_cannot_be_signed(manager: TestClient, shared: FakeShared) -> None:
    shared.keys = pair_of("somebody else")
    shared.put(in_force(shared))
    page = text(manager)
    assert "This node is no party of it." in page
    assert "Take it back" not in page
