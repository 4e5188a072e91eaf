"""What stands behind the forecast of one series: what drives it, how earlier ones did, and the quality of its data."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import charts, data, words
from dashboard.data import Row
from warehouse.reads.board import forecast

QUALITY_DAYS, SCORED_DAYS = 30, 14


@st.fragment
def drivers(row: Row) -> None:
    title = "What drives it: contributions to the prediction"
    found = data.ask(forecast.explanations, row["series_id"])
    if found.empty:
        charts.nothing(title, "The rung that answered learns nothing, so there is nothing to explain.")
        return
    horizons = sorted(found["horizon_h"].unique())
    horizon = st.select_slider("Hours ahead", horizons, value=24 if 24 in horizons else horizons[0], key="horizon")
    at = found[found["horizon_h"] == horizon]
    start, moves = at[at["kind"] == "start"], at[at["kind"].isin(["group", "rest"])]
    unit = words.unit(str(moves["unit"].iloc[0])) if len(moves) else ""
    local = words.stamp(at["target_at"].iloc[0], row["timezone"])
    begin = (
        f"Starts from {words.number(start['contribution'].iloc[0])} {words.unit(row['unit'])}; " if len(start) else ""
    )
    note = f"For {local} local. {begin}each group moves it by so much. SHAP values of {at['explained_model'].iloc[0]}."
    charts.show(title, _contributions(moves, unit), note, height=24 * len(moves))
    single = at[at["kind"] == "feature"][["feature", "value", "contribution"]]
    with st.expander("Single inputs"):
        st.dataframe(single, hide_index=True, column_config={"contribution": f"contribution, {unit}"})


def _contributions(moves: pd.DataFrame, unit: str) -> alt.Chart:
    shown = moves.assign(way=moves["contribution"].map(lambda moved: "raises it" if moved >= 0 else "lowers it"))
    chart: alt.Chart = (
        alt.Chart(shown[["feature", "contribution", "way"]])
        .mark_bar(height=14)
        .encode(
            x=alt.X("contribution:Q", title=f"moves the prediction by, {unit}"),
            y=alt.Y("feature:N", sort=None, title=None, axis=alt.Axis(labelLimit=180, labelOverlap=False)),
            color=charts.colours("way", ["raises it", "lowers it"], [charts.VERMILLION, charts.BLUE]),
            tooltip=["feature:N", alt.Tooltip("contribution:Q", format="+.2f", title=unit)],
        )
    )
    return chart


def beside_truth(row: Row) -> None:
    title = f"Predictions beside actuals, the last {SCORED_DAYS} days"
    found = data.ask(forecast.beside_truth, row["series_id"], SCORED_DAYS)
    if found.empty:
        charts.nothing(title, "No predicted hour has come yet: the next daily run scores the hours that have.")
        return
    found = found.rename(columns={"point": "predicted"})
    shown = charts.on_clock(found, "target_at", row["timezone"]).melt(
        ["ms", "local", "utc"], ["actual", "predicted"], var_name="line"
    )
    unit = words.measure(row)
    chart = (
        alt.Chart(shown)
        .mark_line(strokeWidth=1.6)
        .encode(
            x=charts.time_axis(shown, row["timezone"]),
            y=alt.Y("value:Q", title=unit, scale=alt.Scale(zero=False)),
            color=charts.colours("line", ["actual", "predicted"], [charts.GREY, charts.ink()]),
            tooltip=charts.hover(alt.Tooltip("line:N"), alt.Tooltip("value:Q", format=".2f", title=unit)),
        )
    )
    error = (found["predicted"] - found["actual"]).abs().mean()
    said = f"{words.number(error)} {words.unit(row['unit'])}"
    note = f"Each hour as last predicted, at most 24 hours before. Mean absolute error {said}."
    charts.show(title, chart, note)


def quality(row: Row) -> None:
    title = f"Quality of the data, the last {QUALITY_DAYS} days"
    past = data.ask(forecast.history, row["series_id"], QUALITY_DAYS)
    if past.empty:
        charts.nothing(title, "Nothing was received for this series yet: Monitoring says what its source answers.")
        return
    local = past["observed_at"].dt.tz_localize("UTC").dt.tz_convert(row["timezone"])
    days = past.assign(day=local.dt.strftime("%d %b"), at=local.dt.date).groupby(["at", "day", "quality"]).size()
    shown = days.rename("hours").reset_index().drop(columns="at")
    names = ["ok", "stuck", "missing", "quarantined"]
    chart = (
        alt.Chart(shown)
        .mark_bar()
        .encode(
            x=alt.X(
                "day:N",
                sort=None,
                title=f"day in {row['timezone']}",
                axis=alt.Axis(labelOverlap="greedy", labelAngle=0),
            ),
            y=alt.Y("hours:Q", title="hours", scale=alt.Scale(domain=[0, 25])),
            color=charts.colours("quality", names, [charts.GREEN, charts.ORANGE, charts.GREY, charts.VERMILLION]),
            tooltip=["day:N", "quality:N", "hours:Q"],
        )
    )
    charts.show(title, chart, _shortfalls(row), height=120)


def _shortfalls(row: Row) -> str:
    named = (("missing", "n_missing"), ("quarantined", "n_quarantined"), ("stuck", "n_stuck"), ("revised", "n_revised"))
    return f"Of all {row['n_hours']:,} hours: " + ", ".join(f"{row[column]:,} {name}" for name, column in named) + "."
