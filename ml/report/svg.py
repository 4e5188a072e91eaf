"""A matplotlib figure as SVG that can stand inside a page: no address, no clashing id, and its content in words.

Figures are made without pyplot: nothing global is opened, and nothing needs closing.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Okabe & Ito's palette, told apart by the colour-blind
BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
INK, GREY, PALE = "#333333", "#8A8A8A", "#D9E8F2"
GREYS = (("#6E6E6E", (0, (1, 1.5))), ("#8A8A8A", (0, (4, 2))), ("#A0A0A0", (0, (6, 2, 1, 2))), ("#B0B0B0", "-"))

STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: small, searchable, read aloud
    "svg.hashsalt": "skyduck",  # the same figure is the same bytes
    "text.parse_math": False,  # a $ in a name is a $
    "font.family": "sans-serif",
    "font.size": 8.5,
    "axes.edgecolor": "#BBBBBB",
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 2.5,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "path.simplify_threshold": 0.2,
}
HEAD = re.compile(r"^.*?(?=<svg)", re.DOTALL)
METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
STYLE_BLOCK = re.compile(r"\s*<defs>\s*<style[^>]*>[^<]*</style>\s*</defs>", re.DOTALL)
ROOT = re.compile(r"<svg[^>]*viewBox=\"(?P<box>[^\"]*)\"[^>]*>")
COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)
GROUP_ID = re.compile(r'<g id="[^"]*">')
FONT = re.compile(r"font: ([\d.]+px) [^;\"]*")


@dataclass(frozen=True)
class Chart:
    """One drawing: what it shows, the drawing itself, and what to know when reading it."""

    title: str
    svg: str
    note: str = ""
    is_wide: bool = False


@contextmanager
def figure(width: float, height: float, *, rows: int = 1, columns: int = 1) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure in inches with its axes, row by row, in the report's style."""
    with mpl.rc_context(STYLE):
        drawing = Figure(figsize=(width, height))
        grid = drawing.subplots(rows, columns, squeeze=False)
        yield drawing, [axes for line in grid for axes in line]


def chart(drawing: Figure, title: str, *, alt: str, note: str = "", is_wide: bool = False) -> Chart:
    """The figure as a Chart; call it inside `figure`."""
    with io.StringIO() as out:
        canvas: Any = FigureCanvasSVG(drawing)
        canvas.print_svg(out, metadata={"Date": None})
        text = out.getvalue()
    return Chart(title, inline(text, alt), note, is_wide)


def inline(text: str, alt: str) -> str:
    """A whole SVG file as an element of an HTML page."""
    for pattern in (HEAD, METADATA, STYLE_BLOCK, COMMENT):
        text = pattern.sub("", text)
    name = html.escape(alt, quote=True)
    root = rf'<svg viewBox="\g<box>" role="img" aria-label="{name}">'.replace("\\g<box>", "@box@")
    found = ROOT.search(text)
    assert found is not None
    text = text.replace(found[0], root.replace("@box@", found["box"]), 1)
    text = GROUP_ID.sub("<g>", text).replace("xlink:href", "href")
    return FONT.sub(r"font-size: \1", text).strip()
