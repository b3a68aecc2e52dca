"""The look of the house's pictures: for print, and without colours. Nothing global is drawn on, so any thread may draw."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ruimte.errors import RuimteError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, FAINT, BLUE, RED = "#1b1f23", "#6b7280", "#d5d9de", "#174a7c", "#b3261e"
_DPI = 130


def require_matplotlib() -> None:
    """Raises ``RuimteError`` where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise RuimteError("is not installed", "package matplotlib", "pip install 'ruimte[report]'") from None


def write_pictures(out: Path, figures: Mapping[str, Figure]) -> list[Path]:
    """Write figures as PNG files by name into a folder, which is made where it is not there; gives the files.

    Raises ``RuimteError`` where the folder cannot be written.
    """
    pictures = {out / f"{name}.png": png(figure) for name, figure in figures.items()}
    path = out
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, picture in pictures.items():
            path.write_bytes(picture)
    except OSError as error:
        raise RuimteError(f"cannot be written ({error.strerror or error})", str(path), "name a folder you may write") from None
    return list(pictures)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((width, height), dpi=_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def dress(axes: Axes, title: str, x: str, y: str, size: float = 10, below: str = "") -> None:
    """Titles, a line ``below`` the title, and quiet axes."""
    axes.set_title(title, loc="left", fontsize=size, color=INK, pad=18 if below else 6)
    axes.annotate(below, (0, 1), (0, 5), xycoords="axes fraction", textcoords="offset points", color=QUIET, fontsize=8)
    axes.set_xlabel(x, fontsize=9, color=INK)
    axes.set_ylabel(y, fontsize=9, color=INK)
    axes.tick_params(labelsize=8.5, color=QUIET, labelcolor=INK)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)


def svg(figure: Figure) -> bytes:
    """The picture as SVG, the same bytes for the same picture: without a date, and with text as text."""
    import matplotlib as mpl

    # the solver of the layout is off by a rounding error from time to time, and names in the file are made of places
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        x, y, wide, high = axes.get_position(original=True).bounds
        axes.set_position((round(x, 4), round(y, 4), round(wide, 4), round(high, 4)))
    drawn = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "ruimte", "svg.fonttype": "none"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return drawn.getvalue()


def png(figure: Figure, colours: int | None = 64) -> bytes:
    """The picture in few colours, for a third of the size, and without the version of what drew it; None: in all its colours, for
    a picture with many shades."""
    from PIL import Image  # matplotlib needs it too

    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=_DPI)
    picture = Image.open(drawn).convert("RGB")
    if colours is not None:
        # the other ways of choosing colours lose that of a few small marks
        picture = picture.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    picture.save(small, "PNG", optimize=True, dpi=(_DPI, _DPI))
    return small.getvalue()
