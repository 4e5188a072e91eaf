"""Operations: what runs take, what they cost, what they bring, and what the sources still allow."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import charts, data, words
from warehouse.reads.board import operations

RUNS = 60
PERIODS = {3600: "an hour", 86_400: "a day", 2_592_000: "30 days"}


def show() -> None:
    st.title("Operations")
    st.caption("Runs, how long they take, what they cost and bring, and the calls they make.")
    runs = data.ask(operations.runs, RUNS)
    if runs.empty:
        st.info("No run is on record yet: `make run` makes the first.")
        return
    _tiles(runs)
    _durations(runs)
    _steps(runs)
    _cost(runs)
    _value()
    _calls()
    _allowances()


def _tiles(runs: pd.DataFrame) -> None:
    newest = runs.iloc[-1]
    charts.tiles(
        {
            "Newest run, UTC": f"{newest.as_of:%d %b %H:%M}",
            "Ended": newest.status,
            "Took": f"{newest.seconds:,.0f} s",
            "Cost": f"{newest.cost:.4f} {newest.currency}",
        }
    )
    if newest.status == "incomplete":
        st.caption("The newest run records its end after it has published: it shows whole from the next one on.")


def _durations(runs: pd.DataFrame) -> None:
    shown = charts.on_clock(runs.assign(minutes=runs["seconds"] / 60), "as_of", "UTC")
    names = ["ok", "failed", "incomplete"]
    chart = (
        alt.Chart(shown)
        .mark_bar(size=12)
        .encode(
            x=charts.time_axis(shown, "UTC", "run (UTC)"),
            y=alt.Y("minutes:Q", title="minutes"),
            color=charts.colours("status", names, [charts.BLUE, charts.VERMILLION, charts.GREY]),
            tooltip=[
                alt.Tooltip("utc:N", title="run"), "flow:N", "status:N", alt.Tooltip("minutes:Q", format=".1f"),
                alt.Tooltip("peak_mib:Q", format=",.0f", title="peak memory, MiB"), "is_training:N",
            ],
        )
    )  # fmt: skip
    charts.show("Duration of each run", chart, "Runs that train take several times as long.")


def _steps(runs: pd.DataFrame) -> None:
    newest_first = list(runs["run_id"][::-1])
    times = dict(zip(runs["run_id"], runs["as_of"].map(words.stamp_utc), strict=True))
    run_id = st.selectbox("Steps of the run", newest_first, format_func=times.__getitem__)
    found = data.ask(operations.steps, str(run_id))
    if found.empty:
        st.info("The steps of this run are not published: they come with the next run.")
        return
    shown = found.drop(columns="started_at")
    chart = (
        alt.Chart(shown)
        .mark_bar(color=charts.BLUE)
        .encode(
            x=alt.X("seconds:Q", title="seconds"),
            y=alt.Y("step:N", sort=None, title=None, axis=alt.Axis(labelLimit=160, labelOverlap=False)),
            tooltip=["step:N", "status:N", "seconds:Q", alt.Tooltip("peak_mib:Q", format=",.0f"), "n_rows:Q"],
        )
    )
    charts.show(f"Seconds by step, run of {times[run_id]}", chart, height=24 * len(shown))


def _cost(runs: pd.DataFrame) -> None:
    currency = str(runs["currency"].iloc[-1])
    parts = {"cost_machine": "machine", "cost_motherduck": "MotherDuck", "cost_calls": "calls"}
    shown = charts.on_clock(runs, "as_of", "UTC").melt(["ms", "utc"], list(parts), var_name="part")
    shown["part"] = shown["part"].map(parts)
    chart = (
        alt.Chart(shown)
        .mark_bar(size=12)
        .encode(
            x=charts.time_axis(shown, "UTC", "run (UTC)"),
            y=alt.Y("value:Q", title=currency),
            color=charts.colours("part", list(parts.values())),
            tooltip=[alt.Tooltip("utc:N", title="run"), "part:N", alt.Tooltip("value:Q", format=".5f", title=currency)],
        )
    )
    usual = runs["cost_per_1000"].median()
    note = f"By the seed `prices.csv`. A thousand forecast hours cost {usual:.4f} {currency}, the median of these runs."
    charts.show("Cost of each run", chart, note)


def _value() -> None:
    st.markdown("##### Value: what forecasts and alerts save, against the reference that is hardest to beat")
    found = data.ask(operations.value)
    if found.empty:
        st.info("Nothing was scored yet: value shows once predicted hours have come.")
        return
    shown = pd.DataFrame(
        {
            "what": found["kind"] + ": " + found["subject"], "period": found["period"],
            "hardest reference": found["reference"].map(words.model), "n": found["n"], "loss": found["loss"],
            "reference's": found["loss_reference"], "saved": found["saving"], "unit": found["unit"],
            "of possible": found["value"], "enough to say": found["is_enough"],
        }
    )  # fmt: skip
    two = {name: st.column_config.NumberColumn(format="%.2f") for name in ("loss", "reference's", "saved")}
    share = {"of possible": st.column_config.NumberColumn(format="percent")}
    st.dataframe(shown, hide_index=True, column_config=two | share)


def _calls() -> None:
    title = "Calls of upstream APIs by day"
    found = data.ask(operations.calls)
    if found.empty:
        charts.nothing(title, "No load is on record yet: `make run` loads.")
        return
    shown = charts.on_clock(found, "day", "UTC")
    chart = (
        alt.Chart(shown)
        .mark_bar(color=charts.BLUE, size=14)
        .encode(
            x=charts.time_axis(shown, "UTC", "day (UTC)"),
            y=alt.Y("weight:Q", title="weight of the calls"),
            tooltip=[alt.Tooltip("utc:N", title="day"), alt.Tooltip("n_calls:Q", title="calls"), "weight:Q"],
        )
    )
    charts.show(
        title, chart, "Weight: what the sources count a call as. Retries are among the calls, not in the weight."
    )


def _allowances() -> None:
    st.markdown("##### Calls left: what the sources allow, at the end of the newest load")
    found = data.ask(operations.allowances)
    if found.empty:
        st.info("No source that was asked limits an hour or longer, or no load has noted it yet: `make run` does.")
        return
    shown = pd.DataFrame(
        {
            "source": found["source"], "within": found["seconds"].map(PERIODS), "allowed": found["most"],
            "used": found["used"], "left": (found["most"] - found["used"]).clip(lower=0),
            "of it used": found["used"] / found["most"],
        }
    )  # fmt: skip
    whole = {name: st.column_config.NumberColumn(format="%.0f") for name in ("allowed", "used", "left")}
    st.dataframe(shown, hide_index=True, column_config=whole | {"of it used": charts.SHARE})
    st.caption(
        f"Weight of calls, as of {found['as_of'].iloc[0]:%d %b %H:%M} UTC. Within a shorter limit the load waits."
    )
