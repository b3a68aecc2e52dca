"""Partners with invented figures, for tests of the pages: a city that is heard, one that is not, and police who tell things."""

from __future__ import annotations

from typing import Any

from shapely.geometry import box

from fake_room import START_US
from ruimte.clock import HOUR_US, MINUTE_US, iso
from ruimte.jobs.foreign_views import PartnerView, partner_view
from ruimte.jobs.room import ContributionView
from ruimte.share.agreement import Duties, Form, Grant, Terms, What
from ruimte.store.foreign import Figure, ForeignWarning, LinkState

CITY, SEASIDE = "urn:nld:oin:00000099000000001000", "urn:nld:oin:00000099000000003000"
NAMES = {CITY: "City of Example", SEASIDE: "Metro of Example"}
PLACES = {
    "square": ({"en": "Square", "nl": "Plein"}, (4.3010, 52.1120)),
    "quay": ({"en": "Quay", "nl": "Kade"}, (4.3060, 52.1100)),
    "lane": ({"en": "Lane", "nl": "Steeg"}, (4.3110, 52.1125)),
}
CLOSED = ContributionView(
    kind="closures",
    place="market",
    place_name="Market",
    party="Police of Example",
    begin=iso(START_US),
    end=iso(START_US + 2 * HOUR_US),
    received=iso(START_US),
    now=True,
    text="closed until 22:45: broken pavement",
)


def geojson(link: str) -> dict[str, Any]:
    """The shapes of the city's places, as its node gives them."""
    features = []
    for key, (name, (lon, lat)) in PLACES.items():
        shape = box(lon - 0.0017, lat - 0.0008, lon + 0.0017, lat + 0.0008).__geo_interface__
        about = {"link": link, "key": key, "kind": "zone", "name": name}
        features.append({"type": "Feature", "id": key, "properties": about, "geometry": shape})
    return {"type": "FeatureCollection", "features": features}


def grant(provider: str, form: Form) -> Grant:
    terms = Terms(
        purpose="event-safety",
        legal_regime="none",
        legal_ground="",
        what=What(kinds=("state", "warnings", "history"), zones=("*",), quantities=("people", "level")),
        form=form,
        duties=Duties(delete_after="30d", name_source=NAMES[provider]),
    )
    return Grant(provider=provider, consumer="urn:nld:oin:00000099000000002000", lab="centre", properties=terms)


class FakePartners:
    """Keeps the contract of ``ruimte.jobs.partners.Partners``."""

    def __init__(self) -> None:
        self.followed = ["city", "metro"]
        self.contributed = [CLOSED]
        self.distrusted = False

    def links(self, language: str) -> list[PartnerView]:
        city = self._view(
            "city",
            CITY,
            Form(exactness="suppressed", step="5m", minimum=10, round_to=10),
            LinkState(
                key="city",
                places=geojson("city"),
                witnessed_us=START_US - MINUTE_US,
                log_size=1234,
                proved=12,
                distrusted_us=START_US if self.distrusted else None,
                distrust={"why": "link.log", "reason": "the 99 entries do not begin with the 98 that it showed before"},
            ),
            START_US - 5 * MINUTE_US,
            {"square": (1240.0, "D"), "quay": (430.0, "B"), "lane": (None, None)},
            language,
        )
        broken = LinkState(
            key="metro",
            failing_since_us=START_US - 40 * MINUTE_US,
            trouble={"why": "link.unreachable"},
            refused=1,
            refusal={"why": "link.signature"},
        )
        exact = Form(exactness="exact", step="5m")
        metro = self._view("metro", SEASIDE, exact, broken, START_US - HOUR_US, {"platform": (310.0, "C")}, language)
        return [view for view in (city, metro) if view.key in self.followed]

    def told(self, language: str) -> list[ContributionView]:
        return self.contributed

    def places(self) -> dict[str, Any]:
        return geojson("city") if "city" in self.followed else {"type": "FeatureCollection", "features": []}

    def _view(
        self,
        key: str,
        party: str,
        form: Form,
        state: LinkState,
        end_us: int,
        people: dict[str, tuple[float | None, str | None]],
        language: str,
    ) -> PartnerView:
        figures = []
        for place, (value, level) in people.items():
            band = (None, None) if value is None else (value - 60, value + 60)
            figures.append(Figure(place, "people", end_us - 5 * MINUTE_US, end_us, value, *band, value is None))
            figures.append(Figure(place, "level", end_us - 5 * MINUTE_US, end_us, level, None, None, value is None))
        warned = {"place": "square", "level": "E", "priority": 1, "probability": 0.6, "expected_at": iso(START_US + HOUR_US)}
        return partner_view(
            key=key,
            partner=NAMES[party],
            grant=grant(party, form),
            agreement="A" * 86,
            until_s=START_US // 1_000_000 + 86_400,
            state=state,
            ended=None,
            distrusted=self.distrusted and key == "city",
            heard_us=START_US,
            newest=figures,
            ahead=(),
            warnings=[ForeignWarning("1", START_US, warned)] if key == "city" else [],
            language=language,
            now_us=START_US,
        )
