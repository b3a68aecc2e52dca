"""What goes along with figures: under which agreement, for what, what the receiver owes, and what the figures are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ruimte.clock import iso
from ruimte.lab.levels import TABLES
from ruimte.share.agreement import Grant, Quantity
from ruimte.share.asking import Granted
from ruimte.share.figures import Figures
from ruimte.share.places import PlaceInfo, given
from ruimte.share.shown import OF_KIND, area_m2, kind_of, level_table
from ruimte.text import duration_text

UNITS: Mapping[Quantity, str] = {
    "people": "persons",
    "density": "persons/m²",
    "inflow": "persons/h",
    "outflow": "persons/h",
    "flow": "persons/h",
    "level": "rank in the place's table, 0 is the calmest",
}


def metadata(
    figures: Figures,
    granted: Granted,
    places: Mapping[str, PlaceInfo],
    algorithm: str = "",
    noise: Mapping[str, Any] | None = None,
    described: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The metadata of released figures, ready for JSON.

    ``algorithm``: name and version of what told the figures. ``noise``: what is to be known of the noise in private ones.
    ``described``: what ``describe`` says of the grant's places, where that is at hand.
    """
    form = granted.grant.properties.form
    described = describe(granted.grant, places) if described is None else described
    suppressing = form.exactness != "exact"
    meta: dict[str, Any] = of_grant(granted) | {
        "kind": figures.kind,
        "exactness": form.exactness,
        "minimum": form.minimum if suppressing else None,
        "round_to": form.round_to if suppressing else None,
        "step": duration_text(figures.step_us),
        "grid": "UTC",
        "band": "low and high: 5 and 95 %, averaged over steps and added over areas, so wider than they need be",
        "units": {quantity: UNITS[quantity] for quantity in figures.quantities},
        "algorithm": algorithm,
        "places": {name: described[name] for name in figures.places},
    }
    if figures.issued_us is not None:
        meta["issued"] = iso(figures.issued_us)
    if form.privacy is not None:
        meta["privacy"] = {
            "epsilon_per_day": form.privacy.epsilon_per_day,
            "intervals": form.privacy.intervals,
            "assumption": form.privacy.assumption,
            **(noise or {}),
        }
    return meta


def of_grant(granted: Granted) -> dict[str, Any]:
    """What goes along with anything that a grant gives."""
    grant, terms = granted.grant, granted.grant.properties
    return {
        "agreement": granted.agreement,
        "grant": granted.index,
        "provider": grant.provider,
        "consumer": grant.consumer,
        "lab": grant.lab,
        "purpose": terms.purpose,
        "legal_regime": terms.legal_regime,
        "source": terms.duties.name_source,
        "delete_after": terms.duties.delete_after,
        "onward_sharing": terms.duties.onward_sharing,
    }


def describe(grant: Grant, places: Mapping[str, PlaceInfo]) -> dict[str, Any]:
    """What is to be known of each place that a grant gives, by its name."""
    return {name: _place(zones, places) for name, zones in given(grant, places).items()}


def _place(zones: tuple[str, ...], places: Mapping[str, PlaceInfo]) -> dict[str, Any]:
    """Of a name: its kind, its area, the zones that it puts together, its levels where they have fixed limits."""
    kind, area, table = kind_of(zones, places), area_m2(zones, places), level_table(zones, places)
    place: dict[str, Any] = {"kind": kind, "quantities": OF_KIND[kind]}
    if kind == "area":
        place["zones"] = zones
    if area is not None:
        place["area_m2"] = round(area, 1)
    if table is not None:
        place |= {"table": table, "levels": TABLES[table].names}
    return place
