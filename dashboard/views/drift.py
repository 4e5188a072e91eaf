"""Drift: whether the newest values still look like those of the season, column by column."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import charts, data
from warehouse.reads.board import monitoring


def show(dataset: str) -> None:
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
    _newest(dataset)


def _newest(dataset: str) -> None:
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
    st.dataframe(shown, hide_index=True, column_config=two | {"of its limit": charts.SHARE})
