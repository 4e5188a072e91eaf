"""One visual language: colours, axes on the clock of a place, and a title above every chart."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import altair as alt
import pandas as pd
import streamlit as st

# Okabe and Ito (2008): told apart with any colour vision, and on a light or a dark page.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, GREY = "#E69F00", "#56B4E9", "#8A8F98"
PALETTE = [BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, GREY]
RUNG_COLOURS = {
    "champion": BLUE, "challenger": SKY, "statistical": ORANGE, "naive": VERMILLION, "climatology": PURPLE,
}  # fmt: skip
ON_DARK = "#CDE9FA"  # the line over its own bands on a dark page
Chart = alt.Chart | alt.LayerChart | alt.FacetChart
SHARE = st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
PERCENT = st.column_config.NumberColumn(format="percent")
TILE = 168
AROUND = 100  # pixels below the drawing: axis, its title, legend


def ink() -> str:
    """The colour of what is predicted: it stands out from its bands on either page."""
    return ON_DARK if st.context.theme.type == "dark" else BLUE


def show(title: str, chart: Chart, note: str = "", height: int = 220) -> None:
    """A chart under its title; `height` is for what is drawn, `note` says how to read it."""
    st.markdown(f"##### {title}")
    if note:
        st.caption(note)
    st.altair_chart(chart.properties(height=height + AROUND), width="stretch", alt=f"{title}. {note}".strip())


def tiles(figures: dict[str, str]) -> None:
    """A row of figures by name; on a phone as many beside each other as fit."""
    with st.container(horizontal=True, key="tiles"):
        for name, figure in figures.items():
            st.metric(name, figure, border=True, width=TILE)


def nothing(title: str, what: str) -> None:
    """In the place of a chart that has no rows yet: when it will have some, or what to do."""
    st.markdown(f"##### {title}")
    st.info(what, icon=":material/hourglass_empty:")


def on_clock(frame: pd.DataFrame, column: str, zone: str) -> pd.DataFrame:
    """With `ms` (UTC milliseconds for an axis), `local` and `utc` (for a hover) of a UTC column without zone."""
    at = pd.to_datetime(frame[column])
    local = at.dt.tz_localize("UTC").dt.tz_convert(zone)
    shown = frame.drop(columns=frame.select_dtypes(["datetime", "datetimetz"]).columns)
    return shown.assign(
        ms=at.astype("datetime64[ms]").astype("int64").astype(float),
        local=local.dt.strftime(f"%a %d %b %Y %H:%M ({zone})"),
        utc=at.dt.strftime("%d %b %Y %H:%M UTC"),
    )


def hover(*more: alt.Tooltip) -> list[alt.Tooltip]:
    return [alt.Tooltip("local:N", title="local time"), alt.Tooltip("utc:N", title="UTC"), *more]


def time_axis(frame: pd.DataFrame, zone: str, title: str | None = None) -> alt.X:
    """The `ms` of a frame, with ticks at noons, midnights or days of the zone, whatever the browser's own clock.

    The axis is one of plain numbers: Vega knows the browser's zone and UTC, and no other.
    """
    labels = ticks(frame["ms"].min(), frame["ms"].max(), zone)
    named = json.dumps({str(ms): label for ms, label in labels.items()}, ensure_ascii=False)
    return alt.X(
        "ms:Q",
        scale=alt.Scale(zero=False, nice=False),
        title=title or f"time in {zone}",
        axis=alt.Axis(
            values=list(labels), labelExpr=f"{named}[toString(datum.value)]", labelOverlap="greedy", grid=True
        ),
    )


def ticks(first: float, last: float, zone: str) -> dict[int, str]:
    """Milliseconds and their labels: every twelve hours of a few days, else midnights, at most about fourteen."""
    start = pd.Timestamp(first, unit="ms", tz="UTC").tz_convert(ZoneInfo(zone))
    end = pd.Timestamp(last, unit="ms", tz="UTC").tz_convert(ZoneInfo(zone))
    days = max(1, (end - start).days)
    step = pd.DateOffset(hours=12) if days <= 4 else pd.DateOffset(days=-(-days // 14))
    at, found = start.normalize(), {}
    while at <= end:
        if at >= start:
            label = f"{at:%H:%M}" if at.hour else f"{at:%a %d %b}" if days <= 4 else f"{at:%d %b}"
            found[int(at.timestamp() * 1000)] = label
        at = _wall(at, step, zone)
    return found or {int(first): f"{start:%d %b %H:%M}"}


def _wall(at: pd.Timestamp, step: pd.DateOffset, zone: str) -> pd.Timestamp:
    """The next tick on the wall clock, over a change of the clocks, too."""
    naive = at.tz_localize(None) + step
    return naive.tz_localize(ZoneInfo(zone), ambiguous=True, nonexistent="shift_forward")


def bands(frame: pd.DataFrame, x: alt.X, y_title: str) -> Chart:
    """The 90, 80 and 50 % intervals of q05 … q95, one over the other."""
    ends = {"90 %": ("q05", "q95"), "80 %": ("q10", "q90"), "50 %": ("q25", "q75")}
    long = pd.concat(
        frame[["ms"]].assign(interval=name, low=frame[low], high=frame[high]) for name, (low, high) in ends.items()
    )
    opacity = alt.Scale(domain=list(ends), range=[0.16, 0.2, 0.3])
    chart: alt.Chart = (
        alt.Chart(long)
        .mark_area(color=SKY, clip=True)
        .encode(
            x=x,
            y=alt.Y("low:Q", title=y_title, scale=alt.Scale(zero=False)),
            y2="high:Q",
            opacity=alt.Opacity("interval:N", scale=opacity, legend=None),
        )
    )
    return chart


def rule_at(at: datetime, label: str) -> Chart:
    """A dashed upright line at a UTC moment, with its name beside."""
    ms = pd.Timestamp(at).timestamp() * 1000
    base = alt.Chart(pd.DataFrame({"ms": [ms], "label": [label]})).encode(x=alt.X("ms:Q"))
    line = base.mark_rule(strokeDash=[4, 4], color=GREY)
    name = base.mark_text(align="left", baseline="top", dx=4, y=2, color=GREY, fontSize=11).encode(text="label:N")
    return alt.layer(line, name)


def horizontal_rule(value: float, colour: str = GREY) -> alt.Chart:
    rule: alt.Chart = alt.Chart(pd.DataFrame({"y": [value]})).mark_rule(strokeDash=[4, 4], color=colour).encode(y="y:Q")
    return rule


def colours(field: str, names: list[str], palette: list[str] | None = None) -> alt.Color:
    """Names in the palette's order, with the legend below so that a phone keeps the width."""
    used = palette or [PALETTE[i % len(PALETTE)] for i in range(len(names))]
    columns = 2 if max(map(len, names), default=0) > 10 else 4
    return alt.Color(
        f"{field}:N",
        scale=alt.Scale(domain=names, range=used),
        legend=alt.Legend(title=None, orient="bottom", columns=columns, labelLimit=200, offset=4),
    )
