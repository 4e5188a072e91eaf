"""The quality of what comes in: hours that are not as they should be, gaps, and readings refused."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import charts, data, words
from warehouse.reads.board import monitoring

QUALITY_DAYS = 30
MOST_REFUSED = 100


def show() -> None:
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
                y=alt.Y("series:N", title=None, sort="-x", axis=alt.Axis(labelLimit=120, labelOverlap=False)),
                color=charts.colours("quality", list(_BAD.values()), [charts.GREY, charts.ORANGE, charts.VERMILLION]),
                tooltip=["series:N", "quality:N", alt.Tooltip("value:Q", title="hours")],
            )
        )
        charts.show(title, chart, "Forecast shows one series day by day.", height=40 + 24 * n)
    st.markdown("##### Series, the most incomplete first")
    st.dataframe(_completeness(data.series()), hide_index=True, column_config={"complete": charts.SHARE})
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
