"""Cards as plain HTML: two hundred of them cost one element. Every name is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

from dashboard import charts, words

Row = Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """How a place's state is drawn: never by colour alone."""

    colour: str
    sign: str
    shape: str


STATES = {
    "alert": State(charts.VERMILLION, "▲", "triangle-up"),
    "fallback": State(charts.ORANGE, "◆", "diamond"),
    "as usual": State(charts.GREEN, "●", "circle"),
    "no forecast": State(charts.GREY, "✕", "cross"),
}
WIDTH, HEIGHT = 160.0, 44.0
_STYLE = """
<style>
.sd-cards {display: grid; grid-template-columns: repeat(auto-fill, minmax(170px, 1fr)); gap: 10px; margin: 0}
.sd-cards.sd-wide {grid-template-columns: repeat(auto-fill, minmax(280px, 1fr))}
.sd-card {display: block; padding: 10px 12px; border: 1px solid rgba(128, 140, 150, .45); border-left-width: 5px;
    border-radius: 8px; color: inherit !important; text-decoration: none !important; font-size: 14px; line-height: 1.35}
a.sd-card:hover, a.sd-card:focus-visible {border-color: currentColor; outline: 2px solid currentColor}
.sd-name {font-weight: 600; display: flex; justify-content: space-between; gap: 6px}
.sd-figure {font-size: 20px; font-weight: 600; white-space: nowrap}
.sd-small {font-size: 12.5px; opacity: .85}
.sd-card img {display: block; width: 100%; height: 44px; margin: 4px 0}
</style>
"""


def places(rows: Sequence[Row]) -> str:
    """One card a series: its next 48 hours, with the 80 % interval; a link to its forecast."""
    return f'{_STYLE}<div class="sd-cards">{"".join(_place(row) for row in rows)}</div>'


def _place(row: Row) -> str:
    state = STATES[row["state"]]
    link = f"forecast?series={quote(row['series_id'])}"
    head = (
        f'<a class="sd-card" style="border-left-color: {state.colour}" href="{link}" target="_self">'
        f'<span class="sd-name"><span>{escape(words.place(row))}</span>'
        f'<span title="{escape(row["state"])}">{state.sign}</span></span>'
    )
    if row["state"] == "no forecast":
        return f'{head}<span class="sd-small">no forecast yet</span></a>'
    points = list(row["points"])
    unit = escape(words.unit(row["unit"]))
    hour = words.stamp(row["first_target_at"], row["timezone"])[-5:]
    return (
        f'{head}<span class="sd-figure">{words.number(points[0])}</span> <span class="sd-small">{unit}</span>'
        f"{_sparkline(points, list(row['lows']), list(row['highs']))}"
        f'<span class="sd-small">{hour} local · 48 h: {words.number(min(points))} to {words.number(max(points))}'
        "</span></a>"
    )


def _sparkline(points: list[float], lows: list[float], highs: list[float]) -> str:
    low, high = min(*lows, *points), max(*highs, *points)
    span = (high - low) or 1.0
    step = WIDTH / max(1, len(points) - 1)

    def path(values: list[float], backwards: bool = False) -> str:
        spots = [f"{i * step:.1f},{HEIGHT - (v - low) / span * HEIGHT:.1f}" for i, v in enumerate(values)]
        return " ".join(reversed(spots) if backwards else spots)

    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" preserveAspectRatio="none">'
        f'<polygon points="{path(highs)} {path(lows, backwards=True)}" fill="{charts.SKY}" opacity="0.35"/>'
        f'<polyline points="{path(points)}" fill="none" stroke="{charts.ink()}" stroke-width="2" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
    return f'<img alt="" src="data:image/svg+xml,{quote(drawing)}">'


def alerts(rows: Sequence[Row]) -> str:
    """One card an alert: how likely, where, when, what to do."""
    return f'{_STYLE}<div class="sd-cards sd-wide">{"".join(_alert(row) for row in rows)}</div>'


def _alert(row: Row) -> str:
    begins, ends = (words.stamp(row[name], row["timezone"]) for name in ("window_start", "window_end"))
    return (
        f'<div class="sd-card" style="border-left-color: {charts.VERMILLION}"><span class="sd-name">'
        f'<span>{escape(row["place_name"])}</span><span class="sd-figure">{words.percent(row["probability"])}</span>'
        f"</span><div>{escape(row['description'])}</div>"
        f'<div class="sd-small">{begins} to {ends} local · usual {words.percent(row["climatology"])}</div>'
        f"<div><strong>Do:</strong> {escape(row['what_to_do'] or 'nothing is written for this rule')}</div></div>"
    )
