"""Forecast: one series, what is predicted for it, how sure that is, and why."""

from __future__ import annotations

import io

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import charts, data, links, words
from dashboard.data import Row
from dashboard.views import evidence
from warehouse.reads.board import forecast

HISTORY_DAYS, VINTAGES = 4, 7


def show() -> None:
    st.title("Forecast")
    st.caption("Predictions of one series, beside what came before and what the naive method says.")
    series = data.series()
    if series.empty:
        st.info("No series is registered: `dbt_project/seeds/series.csv` names them, `make run` loads them.")
        return
    rows = {row["series_id"]: row for row in data.records(series)}
    chosen = links.select("Series", list(rows), "series", lambda name: words.series(rows[name]))
    row = rows[chosen]
    ahead = data.ask(forecast.current, chosen)
    if ahead.empty:
        charts.nothing(
            "The next 48 hours", "This series has no forecast yet: the next `make run` that loads it makes one."
        )
    else:
        _facts(row, ahead)
        _ahead(row, ahead)
        evidence.drivers(row)
    evidence.beside_truth(row)
    evidence.quality(row)
    if not ahead.empty:
        _download(row, ahead)


def _facts(row: Row, ahead: pd.DataFrame) -> None:
    first = ahead.iloc[0]
    facts = [
        f"as of {words.stamp(first.origin_at, row['timezone'])} local ({words.stamp_utc(first.origin_at)})",
        f"newest known hour {words.stamp(first.data_as_of, row['timezone'])}",
        f"answered by the {first.rung}, {words.version(first.model_version)}",
    ]
    st.caption(" · ".join(facts))
    if first.rung != "champion":
        st.warning(f"A lower rung than the champion answers: {first.rung_reason or 'no reason is given'}.")
    if ahead["override_id"].notna().any():
        st.info(f"A person has overridden hours of this forecast: {ahead['override_reason'].dropna().iloc[0]}")


@st.fragment
def _ahead(row: Row, ahead: pd.DataFrame) -> None:
    zone, series_id = row["timezone"], row["series_id"]
    past = data.ask(forecast.history, series_id, HISTORY_DAYS)
    naive, reference = _naive(row)
    is_earlier = st.toggle(f"Earlier predictions: the {VINTAGES} before", key="earlier")
    told = charts.on_clock(ahead, "target_at", zone).assign(line="predicted", value=ahead["point"])
    lines = [told]
    if not past.empty and past["value"].notna().any():
        known = past[["observed_at", "value"]].dropna()
        lines.insert(0, charts.on_clock(known, "observed_at", zone).assign(line="observed"))
    if not naive.empty:
        lines.append(charts.on_clock(naive, "target_at", zone).assign(line=words.model(reference)))
    shown = pd.concat([line[["ms", "local", "utc", "line", "value"]] for line in lines])
    x, unit = charts.time_axis(shown, zone), words.measure(row)
    chart = alt.layer(
        charts.bands(told, x, unit), *_earlier(row, x, is_earlier, shown["ms"].min()), _lines(shown, x, unit)
    )
    chart += charts.rule_at(ahead["origin_at"].iloc[0], "forecast from here")
    charts.show(
        f"{words.series(row)}: observed, and predicted for 48 hours",
        chart,
        "Shaded: the 50, 80 and 90 % intervals. Dashed: the best naive method of the backtest, the one to beat.",
        height=280,
    )


def _naive(row: Row) -> tuple[pd.DataFrame, str]:
    """Target hours and values of the naive method to beat, and its name."""
    best = data.ask(forecast.best_naive, row["dataset"])
    found = data.ask(forecast.naive, row["series_id"])
    reference = "naive_day" if best.empty else str(best["reference"].iloc[0])
    if found.empty or reference not in found:
        return pd.DataFrame(), reference
    return found[["target_at"]].assign(value=found[reference]).dropna(), reference


def _lines(shown: pd.DataFrame, x: alt.X, unit: str) -> alt.Chart:
    names = list(dict.fromkeys(shown["line"]))
    looks = {"observed": (charts.GREY, [1, 0]), "predicted": (charts.ink(), [1, 0])}
    drawn = [looks.get(name, (charts.VERMILLION, [5, 4])) for name in names]
    chart: alt.Chart = (
        alt.Chart(shown)
        .mark_line(strokeWidth=2, clip=True)
        .encode(
            x=x,
            y=alt.Y("value:Q", title=unit, scale=alt.Scale(zero=False)),
            color=charts.colours("line", names, [colour for colour, _ in drawn]),
            strokeDash=alt.StrokeDash("line:N", scale=alt.Scale(domain=names, range=[dash for _, dash in drawn])),
            tooltip=charts.hover(alt.Tooltip("line:N"), alt.Tooltip("value:Q", format=".2f", title=unit)),
        )
    )  # fmt: skip
    return chart


def _earlier(row: Row, x: alt.X, is_wanted: bool, since: float) -> list[alt.Chart]:
    """Thin lines of older vintages, where asked for."""
    found = data.ask(forecast.vintages, row["series_id"], VINTAGES) if is_wanted else pd.DataFrame()
    if is_wanted and found.empty:
        st.info("There is no earlier prediction yet: each daily run adds one.")
    if found.empty:
        return []
    made = found["origin_at"].map(lambda at: words.stamp(at, row["timezone"]))
    shown = charts.on_clock(found, "target_at", row["timezone"]).assign(made=made)
    tips = charts.hover(alt.Tooltip("made:N", title="predicted at"), alt.Tooltip("point:Q", format=".2f"))
    lines = alt.Chart(shown[shown["ms"] >= since]).mark_line(
        strokeWidth=1.2, color=charts.PURPLE, opacity=0.8, clip=True
    )
    return [lines.encode(x=x, y="point:Q", detail="made:N", tooltip=tips)]


def _download(row: Row, ahead: pd.DataFrame) -> None:
    st.markdown("##### Take it with you")
    name = f"{row['series_id']}-{ahead['origin_at'].iloc[0]:%Y%m%dT%H}"
    with st.container(horizontal=True):
        st.download_button(
            "CSV", ahead.to_csv(index=False), f"{name}.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )
        st.download_button(
            "Parquet", _parquet(ahead), f"{name}.parquet", "application/vnd.apache.parquet",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def _parquet(ahead: pd.DataFrame) -> bytes:
    target = io.BytesIO()
    ahead.to_parquet(target, index=False)
    return target.getvalue()
