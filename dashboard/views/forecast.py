"""Forecast: one series, what is predicted for it, how sure that is, and why."""

from __future__ import annotations

import io

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import charts, data, links, words
from dashboard.data import Row
from warehouse.reads.board import forecast

HISTORY_DAYS, QUALITY_DAYS, SCORED_DAYS, VINTAGES = 4, 30, 14, 7


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
        _drivers(row)
    _beside_truth(row)
    _quality(row)
    if not ahead.empty:
        _download(row, ahead)


def _unit(row: Row) -> str:
    return f"{words.variable(row['variable'])}, {words.unit(row['unit'])}"


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
    known = charts.on_clock(past[["observed_at", "value"]].dropna(), "observed_at", zone).assign(line="observed")
    told = charts.on_clock(ahead, "target_at", zone).assign(line="predicted", value=ahead["point"])
    lines = [known, told]
    if not naive.empty:
        lines.append(charts.on_clock(naive, "target_at", zone).assign(line=words.model(reference)))
    shown = pd.concat([line[["ms", "local", "utc", "line", "value"]] for line in lines])
    x, unit = charts.time_axis(shown, zone), _unit(row)
    chart = alt.layer(
        charts.bands(told, x, unit), *_earlier(row, x, is_earlier, known["ms"].min()), _lines(shown, x, unit)
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
    chart: alt.Chart = (
        alt.Chart(shown)
        .mark_line(strokeWidth=2, clip=True)
        .encode(
            x=x,
            y=alt.Y("value:Q", title=unit, scale=alt.Scale(zero=False)),
            color=charts.colours("line", names, [charts.GREY, charts.ink(), charts.VERMILLION][: len(names)]),
            strokeDash=alt.StrokeDash("line:N", scale=alt.Scale(domain=names, range=[[1, 0], [1, 0], [5, 4]])),
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


@st.fragment
def _drivers(row: Row) -> None:
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


def _beside_truth(row: Row) -> None:
    title = f"Predictions beside actuals, the last {SCORED_DAYS} days"
    found = data.ask(forecast.beside_truth, row["series_id"], SCORED_DAYS)
    if found.empty:
        charts.nothing(title, "No predicted hour has come yet: the next daily run scores the hours that have.")
        return
    found = found.rename(columns={"point": "predicted"})
    shown = charts.on_clock(found, "target_at", row["timezone"]).melt(
        ["ms", "local", "utc"], ["actual", "predicted"], var_name="line"
    )
    unit = _unit(row)
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


def _quality(row: Row) -> None:
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
            y=alt.Y("hours:Q", title="hours", scale=alt.Scale(domain=[0, 24])),
            color=charts.colours("quality", names, [charts.GREEN, charts.ORANGE, charts.GREY, charts.VERMILLION]),
            tooltip=["day:N", "quality:N", "hours:Q"],
        )
    )
    charts.show(title, chart, _shortfalls(row), height=120)


def _shortfalls(row: Row) -> str:
    named = (("missing", "n_missing"), ("quarantined", "n_quarantined"), ("stuck", "n_stuck"), ("revised", "n_revised"))
    return f"Of all {row['n_hours']:,} hours: " + ", ".join(f"{row[column]:,} {name}" for name, column in named) + "."


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
