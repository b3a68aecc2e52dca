"""What two invented devices on a square see: a crowd before a stage and a stream to a gate. Densities and sums alone."""

from __future__ import annotations

import math
from collections.abc import Callable

from ruimte.clock import SECOND_US, iso
from ruimte.jobs.crowd_view import CrowdView, DistanceFiguresView, FieldView, FigureView, IndicatorView
from ruimte.lab.ground import Plane
from ruimte.lab.levels import table

SIDE_M = 0.5
COLUMNS, ROWS = 50, 50
PILLAR = (range(17, 22), range(12, 24))
"""Rows and columns of a stand that nobody can walk through."""
LEVELS = table("fruin-walkway")
LABEL = {"en": "indicator, not validated as a predictor", "nl": "indicator, niet gevalideerd als voorspeller"}
NAMES = {
    "square-roof": {"en": "Square, from the roof", "nl": "Plein, vanaf het dak"},
    "passage": {"en": "Passage to the station", "nl": "Doorgang naar het station"},
    "north": {"en": "Square north", "nl": "Plein noord"},
    "south": {"en": "Square south", "nl": "Plein zuid"},
    "stage": {"en": "Before the stage", "nl": "Voor het podium"},
    "gate": {"en": "Station gate", "nl": "Stationspoort"},
    "lane": {"en": "Mill Lane", "nl": "Molensteeg"},
}
PLANES = {"square-roof": Plane((4.28275, 52.11035), 18.0), "passage": Plane((4.28330, 52.11040), 40.0)}


def density(x_m: float, y_m: float, second: float) -> float:
    """Persons/m² at a place of the square: thin everywhere, dense before the stage, a stream towards the gate."""
    stage = 2.9 * math.exp(-(((x_m - 18) / 4) ** 2) - ((y_m - 18 - 0.4 * math.sin(second / 6)) / 3.2) ** 2)
    stream = 1.05 * math.exp(-(((y_m - 5 - 0.12 * x_m) / 2.2) ** 2)) * (0.8 + 0.2 * math.sin(x_m / 2 - second / 3))
    return 0.12 + stage + stream + 0.1 * (1 + math.sin(1.7 * x_m + second / 5) * math.cos(1.3 * y_m))


def field(device: str, second: float, columns: int = COLUMNS, rows: int = ROWS) -> FieldView:
    """The field of a device, with a stand in it."""
    wide, tall = columns * SIDE_M, rows * SIDE_M
    corners = PLANES[device].degrees([0, wide, wide, 0], [0, 0, tall, tall]).round(7).tolist()
    values = [
        None
        if row in PILLAR[0] and column in PILLAR[1]
        else round(density((column + 0.5) * SIDE_M, (row + 0.5) * SIDE_M, second), 3)
        for row in range(rows)
        for column in range(columns)
    ]
    return FieldView(corners=corners, columns=columns, rows=rows, square_m=SIDE_M, values=values)


def zone(key: str, language: str, people: float, area_m2: float, speed: float | None) -> FigureView:
    """A zone with so many people in it."""
    crowded = people / area_m2
    rank = sum(crowded >= upper for upper in LEVELS.upper)
    return FigureView(
        key=key,
        name=NAMES[key][language],
        kind="zone",
        people=people,
        people_sd=math.sqrt(people) / 3,
        density=crowded,
        speed=speed,
        table=LEVELS.name,
        level=LEVELS.names[rank],
        colour=rank,
    )


def indicators(language: str) -> list[IndicatorView]:
    """Two that are known, one that is not."""
    dutch = language == "nl"
    return [
        IndicatorView(
            key="crowd-pressure",
            name="druk in de menigte" if dutch else "crowd pressure",
            value=0.0317,
            unit="s⁻²",
            threshold=0.02,
            parameters=[
                "straal van het gemiddelde 0,8 m",
                "tijdvenster 5 s",
                "vak 0,5 m",
                "minste dichtheid 4 personen/m²",
                "minste aantal mensen 10",
            ]
            if dutch
            else ["averaging radius 0.8 m", "window 5 s", "square 0.5 m", "least density 4 persons/m²", "least people 10"],
            formula="P = ρ Var(v)",
            source="Helbing, Johansson & Al-Abideen, Phys. Rev. E 75, 046109 (2007)",
            label=LABEL[language],
        ),
        IndicatorView(
            key="congestion-level",
            name="congestieniveau" if dutch else "congestion level",
            value=2.41,
            unit="m⁻¹",
            threshold=None,
            parameters=["venster 10 s", "vak 0,5 m"] if dutch else ["window 10 s", "square 0.5 m"],
            formula="(max rot v − min rot v) / mean |v|",
            source="Feliciani & Nishinari, Transp. Res. C 91 (2018)",
            label=LABEL[language],
        ),
        IndicatorView(
            key="collective-oscillation",
            name="gezamenlijke slingering" if dutch else "collective oscillation",
            value=None,
            unit="rad/s",
            threshold=None,
            parameters=["venster 60 s"] if dutch else ["window 60 s"],
            formula="arg max |Z(ω)|² + |Z(−ω)|²",
            source="Gu et al., Nature 638 (2025)",
            label=LABEL[language],
            why="minder dan 4 personen/m²" if dutch else "less than 4 persons/m²",
        ),
    ]


def distancing(language: str, on: bool) -> DistanceFiguresView:
    """On for a while, or off for want of an entry."""
    if not on:
        why = {"en": "Off: it is not in the algorithm register.", "nl": "Uit: het staat niet in het algoritmeregister."}
        return DistanceFiguresView(on=False, why=why[language])
    return DistanceFiguresView(
        on=True,
        until="2020-02-14T23:00:00Z",
        since="2019-12-31T19:00:00Z",
        contact_m=1.5,
        people=1284,
        provisional=143,
        contacts_per_person_minute=0.42,
        share_too_close=0.236,
        share_in_groups=0.41,
        exposure_s=[1, 5, 15, 60, 300, 900],
        exposure=[981, 142, 88, 51, 19, 3, 0],
        ring_m=0.1,
        radial=[None, 0.02, 0.08, 0.25, *(round(1 - 0.9 * math.exp(-((ring - 4) / 5)), 3) for ring in range(4, 25))],
    )


def seen_by(
    second: Callable[[], float] = lambda: 0.0,
    silent: Callable[[], bool] = lambda: False,
    distances: bool = True,
    people: float = 143.0,
) -> Callable[[str], list[CrowdView]]:
    """What both devices see, in a language: the first now, or 40 s ago where it is ``silent``; the other never spoke."""

    def views(language: str) -> list[CrowdView]:
        at = second()
        age = 40.0 if silent() else 1.6
        roof = CrowdView(
            device="square-roof",
            name=NAMES["square-roof"][language],
            time=iso(int(at * SECOND_US)),
            age_s=age,
            frames=10,
            people=people,
            left_out=0.012,
            field=field("square-roof", at),
            figures=[
                zone("stage", language, people * 0.5, 52.0, 0.31),
                zone("north", language, people * 0.3, 90.0, 0.74),
                zone("south", language, people * 0.2, 240.0, 1.22),
                FigureView(key="gate", name=NAMES["gate"][language], kind="gate", inward=61, outward=14),
                FigureView(key="lane", name=NAMES["lane"][language], kind="gate", inward=None, outward=None),
            ],
            indicators=indicators(language),
            distancing=distancing(language, distances),
        )
        trouble = {"en": "It has not sent a frame since the start.", "nl": "Hij stuurde sinds de start geen frame."}
        passage = CrowdView(device="passage", name=NAMES["passage"][language], time=None, age_s=None, trouble=trouble[language])
        return [roof, passage]

    return views
