"""The walkable area that a file brings along, as text (WKT)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon

from ruimte.errors import RuimteError
from ruimte.intake.tracks.units import PER_METRE
from ruimte.tracks.area import polygon_of


def walkable_of(texts: Sequence[str], unit: str) -> tuple[Polygon | MultiPolygon | None, tuple[str, ...]]:
    """The walkable area in metres, and what is to be said of it. Of several, which followed each other, it is the union.

    None, with a note, where a text is no polygon or one that crosses itself: where people could be is then for whoever reads
    the file to say.

    >>> area, _ = walkable_of(["POLYGON ((0 0, 400 0, 400 300, 0 300, 0 0))"], "cm")
    >>> area.area
    12.0
    """
    try:
        parts = [_polygon(text) for text in dict.fromkeys(texts)]
        union = polygon_of(shapely.union_all(parts), "walkable area") if len(parts) > 1 else parts[0] if parts else None
    except RuimteError as error:
        return None, (f"the walkable area in the file was left out: {error.what}",)
    except shapely.errors.ShapelyError:
        return None, ("the walkable area in the file was left out: its parts cannot be put together",)
    if union is None:
        return None, ()
    notes = (f"the walkable area changes: the union of {len(parts)} was taken",) if len(parts) > 1 else ()
    return shapely.transform(union, lambda corners: corners / PER_METRE[unit]), notes


def _polygon(text: str) -> Polygon | MultiPolygon:
    if text.upper().count("COLLECTION") > 1:
        raise RuimteError("a collection in a collection")  # the library that reads it calls itself for each
    try:
        with np.errstate(all="ignore"):  # corners that are no numbers are told below
            shape = shapely.from_wkt(text)
    except (shapely.errors.ShapelyError, NotImplementedError, TypeError, ValueError):
        raise RuimteError("not WKT") from None
    if isinstance(shape, shapely.GeometryCollection) and not isinstance(shape, MultiPolygon):
        shape = shapely.union_all([polygon_of(each, "walkable area") for each in shape.geoms if isinstance(each, Polygon)])
    if not isinstance(shape, Polygon | MultiPolygon):
        raise RuimteError("no polygon")
    return polygon_of(shape, "walkable area")
