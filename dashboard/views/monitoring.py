"""Monitoring: whether errors, inputs and sources are still what they were, and what was done about it."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import charts, data, links, reports, words
from dashboard.views import drift, quality
from warehouse.reads.board import accuracy, monitoring

CUSUM_LIMIT = 6.0  # fct_model_drift: above it, errors have drifted


def show() -> None:
    st.title("Monitoring")
    st.caption("Metrics over time: errors in use, drift, alarms, fallback, and the quality of what comes in.")
    names, series = data.datasets(), data.series()
    if not names:
        st.info("No series is registered: `dbt_project/seeds/series.csv` names them, `make run` loads them.")
        return
    look = links.buttons("Look at", list(SECTIONS), "look", str)
    if look in BY_DATASET:
        dataset = links.buttons("Dataset", names, "dataset", lambda name: words.dataset(name, series))
        BY_DATASET[look](dataset)
    else:
        OVERALL[look]()


def _performance(dataset: str) -> None:
    _error_days(dataset)
    _cusum(dataset)
    _realised(dataset)


def _error_days(dataset: str) -> None:
    title = "Metrics over time: error of published predictions by day"
    found = data.ask(accuracy.in_use, dataset)
    if found.empty:
        charts.nothing(title, "No predicted hour has come yet: the next daily run scores the hours that have.")
        return
    shown = charts.on_clock(found, "day", "UTC")
    chart = (
        alt.Chart(shown)
        .mark_bar(color=charts.BLUE, size=14)
        .encode(
            x=charts.time_axis(shown, "UTC", "day (UTC)"),
            y=alt.Y("mae:Q", title=f"error, {data.unit(dataset)}"),
            tooltip=[alt.Tooltip("utc:N", title="day"), alt.Tooltip("mae:Q", format=".2f"), "n_hours:Q"],
        )
    )
    naive = (
        alt.Chart(shown)
        .mark_tick(color=charts.VERMILLION, thickness=3, size=20, orient="horizontal")
        .encode(x="ms:Q", y="mae_day:Q", tooltip=[alt.Tooltip("mae_day:Q", format=".2f", title="same hour yesterday")])
    )
    charts.show(
        title, alt.layer(chart, naive), "Mean absolute error. Bars: published. Strokes: the same hour yesterday."
    )


def _cusum(dataset: str) -> None:
    title = "Model drift: does the version err more than its backtest promised?"
    found = data.ask(monitoring.model_drift, dataset)
    if found.empty:
        charts.nothing(title, "No origin has been scored yet: a few daily runs make this line.")
        return
    said = {"error": "errors", "miss_80": "misses of 80 %"}
    shown = charts.on_clock(found.assign(measure=found["measure"].map(said)), "origin_at", "UTC")
    chart = (
        alt.Chart(shown)
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=charts.time_axis(shown, "UTC", "origin (UTC)"),
            y=alt.Y("cusum:Q", title="standard deviations"),
            color=charts.colours("measure", list(said.values()), [charts.BLUE, charts.ORANGE]),
            detail="model_version:N",
            tooltip=[alt.Tooltip("utc:N", title="origin"), "model_version:N", alt.Tooltip("cusum:Q", format=".2f")],
        )
    )
    charts.show(
        title, alt.layer(chart, charts.horizontal_rule(CUSUM_LIMIT, charts.VERMILLION)),
        "Sum of excess errors, mean of all series. At zero, as promised or smaller; above the dashed line, drift.",
    )  # fmt: skip


def _realised(dataset: str) -> None:
    found = data.ask(monitoring.realised, dataset)
    if found.empty:
        return
    st.markdown("##### Errors in use beside those promised, by version and hours ahead")
    shown = pd.DataFrame(
        {
            "version": found["model_version"].map(words.version), "up to hours ahead": found["lead_to_h"],
            "hours": found["n_hours"], "error": found["mae"], "promised": found["mae_promised"],
            "over promise": found["mae"] / found["mae_promised"], "inside 80 %": found["coverage_80"],
        }
    )  # fmt: skip
    two = {name: st.column_config.NumberColumn(format="%.2f") for name in ("error", "promised", "over promise")}
    st.dataframe(shown, hide_index=True, column_config=two | {"inside 80 %": charts.PERCENT})


def _alarms() -> None:
    found = data.ask(monitoring.alarms)
    st.markdown("##### Alarms, open ones first")
    if found.empty:
        st.success("No alarm was ever raised.", icon=":material/check_circle:")
    else:
        shown = pd.DataFrame(
            {
                "open": found["is_open"], "severity": found["severity"], "kind": found["kind"], "what": found["what"],
                "do": found["next_step"], "raised": found["raised_at"].map(words.stamp_utc),
                "over": found["recovered_at"].map(words.stamp_utc),
            }
        )  # fmt: skip
        st.dataframe(shown, hide_index=True)
    decided = data.ask(monitoring.decisions)
    if not decided.empty:
        st.markdown("##### What the runs decided by themselves")
        shown = decided.assign(created_at=decided["created_at"].map(words.stamp_utc))
        st.dataframe(shown, hide_index=True, column_config={"created_at": "run"})


def _fallback() -> None:
    title = "Who answered: series by rung of the fallback ladder"
    found = data.ask(monitoring.rungs)
    if found.empty:
        charts.nothing(title, "Nothing was forecast yet: `make run` trains and forecasts.")
        return
    counts = found.groupby(["origin_at", "rung"])["n_series"].sum().reset_index()
    shown = charts.on_clock(counts, "origin_at", "UTC")
    chart = (
        alt.Chart(shown)
        .mark_bar(size=14)
        .encode(
            x=charts.time_axis(shown, "UTC", "origin (UTC)"),
            y=alt.Y("n_series:Q", title="series", axis=alt.Axis(tickMinStep=1)),
            color=charts.colours("rung", list(words.RUNGS), list(charts.RUNG_COLOURS.values())),
            tooltip=[alt.Tooltip("utc:N", title="origin"), "rung:N", "n_series:Q"],
        )
    )
    charts.show(
        title, chart, "All datasets. Where the champion cannot answer, the next rung does, with wider intervals."
    )
    passed = found[found["rung"] != "champion"].sort_values("origin_at", ascending=False)
    if len(passed):
        st.markdown("##### Why the champion passed")
        st.dataframe(
            passed.assign(origin_at=passed["origin_at"].map(words.stamp_utc)), hide_index=True,
            column_config={"origin_at": "origin", "n_series": "series"},
        )  # fmt: skip


def _reports() -> None:
    found = data.ask(monitoring.drift_pages)
    if found.empty:
        charts.nothing("Evidently's report of a run", "No run has drawn a report yet: `make run` does.")
        return
    made = dict(zip(found["page"], found["created_at"].map(words.stamp_utc), strict=True))
    page = st.selectbox("Evidently's report of the run", list(made), format_func=lambda name: made[name])
    reports.embed(data.settings().data_dir, str(page), "Evidently's report", "Reports are kept for 30 days.")


BY_DATASET: dict[str, Callable[[str], None]] = {"Performance": _performance, "Drift": drift.show}
OVERALL: dict[str, Callable[[], None]] = {
    "Alarms": _alarms,
    "Fallback": _fallback,
    "Data quality": quality.show,
    "Reports": _reports,
}
SECTIONS = (*BY_DATASET, *OVERALL)
