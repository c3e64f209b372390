"""Make figures that look alike, and write them as SVG for a page."""

from __future__ import annotations

import io
import itertools
import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from matplotlib import style
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Stands for the colour of a page's text until the page is read, in light or in dark.
INK = "#010203"
BLUE, RED, GREEN = "#3b82c4", "#d1495b", "#3a8f4d"
#: Colours of classes and series, in order.
COLOURS = (BLUE, RED, GREEN, "#8a5a9e", "#c77f1a", "#5a6577")
_SETTINGS = {
    "text.parse_math": False,  # labels may hold a dollar
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["system-ui", "DejaVu Sans"],
    "font.size": 10,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "date.converter": "concise",
}
#: Numbers of plots that notebooks show, far from those of a page.
_shown = itertools.count(10_000)


class Plot(Figure):
    """A figure that a notebook shows by itself, in the colours of its page.

    Of a plain figure, a notebook shows nothing but its size until something imports pyplot.
    """

    def _repr_html_(self) -> str:
        return as_svg(self, next(_shown))


@contextmanager
def plot_style(salt: str = "") -> Iterator[None]:
    """Draw in the style of this package while the block runs.

    Parameters
    ----------
    salt
        Goes into the ids of an SVG, so that the same plot has the same ids each time.
    """
    with style.context(["default", _SETTINGS | {"svg.hashsalt": salt}]):
        yield


def new_figure(width: float = 5.2, height: float = 3.4) -> Plot:
    """Make an empty figure, of a width and height in inches; call it inside `plot_style`."""
    return Plot(figsize=(width, height), layout="constrained")


def as_svg(figure: Figure, number: int) -> str:
    """Write a figure as an SVG element for a page.

    Parameters
    ----------
    figure
        The figure, drawn inside `plot_style`.
    number
        Number of the plot on its page, which makes its ids its own.

    Returns
    -------
    str
        The element, the same for the same figure. Its text is text, and takes the colour of the page.
    """
    buffer = io.StringIO()
    with plot_style(str(number)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # the page writes text in fonts of the reader
        with _laid_out(figure):
            figure.savefig(
                buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
            )
    drawn = buffer.getvalue()
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn[drawn.index("<svg") :], flags=re.DOTALL)

    def own(tag: re.Match[str]) -> str:
        return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>plot{number}-", tag[0].replace(INK, "currentColor"))

    return re.sub(r"<[^>]+>", own, drawn)  # texts of the plot stay as they are


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Lay a figure out, and keep its layout while the block runs: matplotlib would draw it one more time for that."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    figure.set_layout_engine(None)
    try:
        yield
    finally:
        figure.set_layout_engine(engine)


def cut_label(text: str, longest: int = 24) -> str:
    """Put a label on one line of so many characters, such that a legend shows it."""
    line = " ".join(text.split())
    end = longest // 3  # which often tells it from others
    cut = line if len(line) <= longest else f"{line[: longest - 1 - end]}…{line[-end:]}"
    return f" {cut}" if cut.startswith("_") else cut  # a legend leaves out what begins with _
