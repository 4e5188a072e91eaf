"""Monitoring: whether errors, inputs and sources are still what they were, and what was done about it."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import charts, data, links, reports, words
from warehouse.reads.board import accuracy, monitoring

QUALITY_DAYS = 30
MOST_REFUSED = 100
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
    st.dataframe(shown, hide_index=True, column_config=two | {"inside 80 %": _PERCENT})


_PERCENT = st.column_config.NumberColumn(format="percent")
_SHARE = st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)


def _drift(dataset: str) -> None:
    found = data.ask(monitoring.drift_days, dataset)
    title = "Columns that drift, run by run"
    if found.empty:
        charts.nothing(title, "No run has looked for drift yet: `make run` does.")
        return
    last = found.iloc[-1]
    if not found["n_drift"].any():
        st.success(f"No column drifted in any of {len(found)} runs; the newest tested {last.n_tested}.")
    else:
        shown = charts.on_clock(found, "created_at", "UTC")
        chart = (
            alt.Chart(shown)
            .mark_bar(color=charts.VERMILLION, size=12)
            .encode(
                x=charts.time_axis(shown, "UTC", "run (UTC)"),
                y=alt.Y("n_drift:Q", title="columns", axis=alt.Axis(tickMinStep=1, format="d")),
                tooltip=[alt.Tooltip("utc:N", title="run"), "n_drift:Q", alt.Tooltip("n_tested:Q", title="of tested")],
            )
        )
        charts.show(title, chart, f"Newest run: {last.n_drift} of {last.n_tested} tested columns drift.", height=120)
    _drift_now(dataset)


def _drift_now(dataset: str) -> None:
    found = data.ask(monitoring.drift_now, dataset)
    judged = found[found["of_limit"].notna()]
    if judged.empty:
        st.info("The newest run judged no column: " + ", ".join(found["why_not"].dropna().unique()[:3]))
        return
    st.markdown("##### Distance from usual in the newest run, the farthest first")
    st.caption("At 100 % of its limit a column counts as drifted. Distance: Wasserstein, in standard deviations.")
    shown = pd.DataFrame(
        {
            "series": judged["series_id"].map(data.labels()), "kind": judged["kind"], "aspect": judged["aspect"],
            "hours": judged["window_h"], "of its limit": judged["of_limit"], "distance": judged["score"],
            "usual": judged["usual"], "what": judged["what"].fillna(""),
        }
    )  # fmt: skip
    two = {name: st.column_config.NumberColumn(format="%.2f") for name in ("distance", "usual")}
    st.dataframe(shown, hide_index=True, column_config=two | {"of its limit": _SHARE})


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


def _data_quality() -> None:
    title = f"Hours missing, stuck or quarantined in the last {QUALITY_DAYS} days, by series"
    found = data.ask(monitoring.quality, QUALITY_DAYS)
    if found.empty:
        st.success(f"No hour of the last {QUALITY_DAYS} days is missing, stuck or quarantined.")
    else:
        shown = found.assign(series=found["series_id"].map(data.labels())).melt(
            ["series"], list(_BAD), var_name="quality"
        )
        shown["quality"] = shown["quality"].map(_BAD)
        n = shown["series"].nunique()
        chart = (
            alt.Chart(shown)
            .mark_bar()
            .encode(
                x=alt.X("value:Q", title="hours"),
                y=alt.Y("series:N", title=None, sort="-x", axis=alt.Axis(labelLimit=180, labelOverlap=False)),
                color=charts.colours("quality", list(_BAD.values()), [charts.GREY, charts.ORANGE, charts.VERMILLION]),
                tooltip=["series:N", "quality:N", alt.Tooltip("value:Q", title="hours")],
            )
        )
        charts.show(title, chart, "Forecast shows one series day by day.", height=40 + 24 * n)
    st.markdown("##### Series, the most incomplete first")
    st.dataframe(_completeness(data.series()), hide_index=True, column_config={"complete": _SHARE})
    _gaps()
    _quarantine()


_BAD = {"n_missing": "missing", "n_stuck": "stuck", "n_quarantined": "quarantined"}


def _completeness(series: pd.DataFrame) -> pd.DataFrame:
    complete = 1 - (series["n_missing"] + series["n_quarantined"]) / series["n_hours"].where(series["n_hours"] > 0)
    shown = pd.DataFrame(
        {
            "series": series["series_id"].map(data.labels()), "complete": complete, "missing": series["n_missing"],
            "quarantined": series["n_quarantined"], "stuck": series["n_stuck"], "revised": series["n_revised"],
            "newest hour": series["last_observed_at"].map(words.stamp_utc),
        }
    )  # fmt: skip
    return shown.sort_values("complete")


def _gaps() -> None:
    st.markdown("##### Gaps: sources that are late or leave windows unanswered")
    found = data.ask(monitoring.gaps)
    if found.empty:
        st.success("Every source answered, and none is late.", icon=":material/check_circle:")
        return
    times = {name: found[name].map(words.stamp_utc) for name in ("last_ok_at", "last_observed_at", "open_since")}
    st.dataframe(found.assign(**times).fillna(""), hide_index=True)


def _quarantine() -> None:
    st.markdown("##### Quarantine: readings refused, by reason")
    found = data.ask(monitoring.quarantine_reasons)
    if found.empty:
        st.success("No reading was refused.", icon=":material/check_circle:")
        return
    shown = found.assign(last_fetched_at=found["last_fetched_at"].map(words.stamp_utc))
    st.dataframe(
        shown, hide_index=True,
        column_config={"n": "readings", "n_series": "series", "last_fetched_at": "last received"},
    )  # fmt: skip
    with st.expander(f"The newest {MOST_REFUSED}"):
        newest = data.ask(monitoring.quarantined, MOST_REFUSED)
        times = {name: newest[name].map(words.stamp_utc) for name in ("observed_at", "fetched_at")}
        names = newest["series_id"].map(data.labels())
        st.dataframe(newest.assign(series_id=names, **times), hide_index=True)


def _reports() -> None:
    found = data.ask(monitoring.drift_pages)
    if found.empty:
        charts.nothing("Evidently's report of a run", "No run has drawn a report yet: `make run` does.")
        return
    made = dict(zip(found["page"], found["created_at"].map(words.stamp_utc), strict=True))
    page = st.selectbox("Evidently's report of the run", list(made), format_func=lambda name: made[name])
    reports.embed(data.settings().data_dir, str(page), "Evidently's report", "Reports are kept for 30 days.")


BY_DATASET: dict[str, Callable[[str], None]] = {"Performance": _performance, "Drift": _drift}
OVERALL: dict[str, Callable[[], None]] = {
    "Alarms": _alarms,
    "Fallback": _fallback,
    "Data quality": _data_quality,
    "Reports": _reports,
}
SECTIONS = (*BY_DATASET, *OVERALL)
