"""Accuracy: how good the predictions are, in the backtest and in use, against every naive method."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import charts, data, links, words
from dashboard.views import reliability
from warehouse.reads.board import accuracy

NOT_YET = "No predicted hour has come yet: the next daily run scores the hours that have."
NOT_TRAINED = "Nothing was trained for this dataset yet: `make run` trains it."
WORST = 10
SHOWN_MODELS = 6


def show() -> None:
    st.title("Accuracy")
    st.caption("How far predictions lie from what came, and whether the naive methods would have done as well.")
    series, names = data.series(), data.datasets()
    if not names:
        st.info("No series is registered: `dbt_project/seeds/series.csv` names them, `make run` loads them.")
        return
    chosen = links.buttons("Dataset", names, "dataset", lambda name: words.dataset(name, series))
    unit = data.unit(chosen)
    _leaderboard(chosen, unit)
    _by_horizon(chosen)
    _in_use(chosen, unit)
    left, right = st.columns(2, gap="medium")
    with left:
        reliability.of_quantiles(chosen)
    with right:
        reliability.of_alerts(chosen)
    _worst(chosen)
    _champions(chosen)


def _leaderboard(dataset: str, unit: str) -> None:
    st.subheader("Leaderboard")
    found = data.ask(accuracy.leaderboard, dataset)
    if found.empty:
        st.info(NOT_TRAINED)
        return
    wide = found.pivot_table(index=["model", "mae"], columns="reference", values="skill_mae").reset_index()
    wide = wide.sort_values("mae").assign(model=wide["model"].map(words.model))
    best = words.model(str(found.loc[found["is_best_reference"], "reference"].iloc[0]))
    references = [name for name in wide.columns if name not in ("model", "mae")]
    st.caption(
        f"The newest training, on windows that chose nothing ({found['n_rows'].iloc[0]:,} forecasts): mean absolute "
        f"error, and skill against each naive method (1 − error over its error; above 0 is better). "
        f"The one to beat: {best}."
    )
    config: dict[str, Any] = {
        name: st.column_config.NumberColumn(f"vs {words.model(name)}", format="percent") for name in references
    }
    config["mae"] = st.column_config.NumberColumn(f"error, {unit}", format="%.2f")
    st.dataframe(wide, hide_index=True, column_config=config)


def _by_horizon(dataset: str) -> None:
    found = data.ask(accuracy.by_horizon, dataset)
    if found.empty:
        charts.nothing("Skill by hours ahead", NOT_TRAINED)
        return
    reference = words.model(str(found["reference"].iloc[0]))
    order = found.groupby("model")["mae"].mean().sort_values().index
    kept = [name for name in order if not name.startswith("naive")][:SHOWN_MODELS]
    shown = found[found["model"].isin(kept)].assign(model=lambda rows: rows["model"].map(words.model))
    names = [words.model(name) for name in kept]
    tips = [
        alt.Tooltip("model:N"), alt.Tooltip("horizon_h:Q", title="hours ahead"),
        alt.Tooltip("skill:Q", format=".1%"), alt.Tooltip("coverage_80:Q", format=".1%"),
    ]  # fmt: skip
    base = alt.Chart(shown).encode(
        x=alt.X("horizon_h:Q", title="hours ahead", scale=alt.Scale(domain=[1, 48], nice=False)),
        color=charts.colours("model", names), tooltip=tips,
    ).mark_line(strokeWidth=2)  # fmt: skip
    left, right = st.columns(2, gap="medium")
    with left:
        skill = base.encode(y=alt.Y("skill:Q", title="skill", axis=alt.Axis(format="%")))
        charts.show(
            "Skill by hours ahead", alt.layer(skill, charts.horizontal_rule(0)),
            f"Backtest. Above the dashed line it beats “{reference}”, the best naive method.",
        )  # fmt: skip
    with right:
        held = base.encode(
            y=alt.Y("coverage_80:Q", title="coverage", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False))
        )
        charts.show(
            "Coverage of the 80 % interval by hours ahead",
            alt.layer(held, charts.horizontal_rule(0.8)),
            "Backtest. On the dashed line, the interval holds as often as it says.",
        )


def _in_use(dataset: str, unit: str) -> None:
    title = "Error of published predictions, day by day"
    found = data.ask(accuracy.in_use, dataset)
    if found.empty:
        charts.nothing(title, NOT_YET)
        return
    names = {"mae": "published", "mae_day": "same hour yesterday", "mae_week": "same hour last week"}
    skill = 1 - found["mae"].mean() / found["mae_day"].mean()
    charts.show(
        title, _days(found, names, f"error, {unit}", [charts.BLUE, charts.VERMILLION, charts.ORANGE]),
        f"Mean absolute error in use, all hours ahead: {words.percent(skill)} below that of the same hour yesterday.",
    )  # fmt: skip
    cover = {"coverage_80": "80 % interval", "coverage_90": "90 % interval"}
    charts.show(
        "Coverage of published intervals, day by day",
        _days(found, cover, "share inside", [charts.BLUE, charts.GREEN]),
        "Near 80 and 90 % the intervals are honest; one day alone says little.",
    )  # fmt: skip


def _days(found: pd.DataFrame, names: dict[str, str], unit: str, palette: list[str]) -> alt.Chart:
    shown = charts.on_clock(found, "day", "UTC").melt(["ms", "utc"], list(names), var_name="line").dropna()
    shown["line"] = shown["line"].map(names)
    tips = [alt.Tooltip("utc:N", title="day"), "line:N", alt.Tooltip("value:Q", format=".2f", title=unit)]
    chart: alt.Chart = (
        alt.Chart(shown)
        .mark_line(strokeWidth=2, point=True)
        .encode(
            x=charts.time_axis(shown, "UTC", "day (UTC)"),
            y=alt.Y("value:Q", title=unit, scale=alt.Scale(zero=False)),
            color=charts.colours("line", list(names.values()), palette),
            tooltip=tips,
        )
    )
    return chart


def _worst(dataset: str) -> None:
    st.subheader("Worst days")
    found = data.ask(accuracy.worst_days, dataset, WORST)
    if found.empty:
        st.info(NOT_YET)
        return
    st.caption("The days on which predictions lay farthest from what came. Bias: above 0, they were too high.")
    unit = words.unit(str(found["unit"].iloc[0]))
    shown = found.assign(open=found["series_id"].map(lambda name: f"/forecast?series={name}"))
    st.dataframe(
        shown, hide_index=True, column_order=["day", "place", "mae", "mae_day", "bias", "coverage_90", "open"],
        column_config={
            "mae": st.column_config.NumberColumn(f"error, {unit}", format="%.2f"),
            "mae_day": st.column_config.NumberColumn("same hour yesterday", format="%.2f"),
            "bias": st.column_config.NumberColumn(f"bias, {unit}", format="%+.2f"),
            "coverage_90": st.column_config.NumberColumn("inside 90 %", format="percent"),
            "open": st.column_config.LinkColumn("series", display_text="open"),
        },
    )  # fmt: skip


def _champions(dataset: str) -> None:
    st.subheader("Champion history")
    found = data.ask(accuracy.champions, dataset)
    if found.empty:
        st.info(NOT_TRAINED)
        return
    st.caption("What was in production when, put there by whom and why.")
    until = found["valid_to"].map(words.stamp_utc).where(found["valid_to"].notna(), "now")
    shown = pd.DataFrame(
        {
            "from": found["valid_from"].map(words.stamp_utc), "to": until,
            "version": found["model_version"].map(words.version), "by": found["actor"], "how": found["action"],
            "why": found["reason"],
        }
    )  # fmt: skip
    st.dataframe(shown, hide_index=True)
