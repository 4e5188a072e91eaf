"""Today: what is forecast for the next 48 hours everywhere, and what to do about it."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from dashboard import cards, charts, clock, data, health, links, words
from dashboard.data import Row
from warehouse.reads.board import today

FAR_DEGREES = 40.0
MOST_ALERTS = 9


def show() -> None:
    st.title("Today")
    st.caption("Predictions for the next 48 hours, at every place.")
    series = data.series()
    if series.empty:
        st.info("No series is registered: `dbt_project/seeds/series.csv` names them, `make run` loads them.")
        return
    _state_of_things()
    alerts = data.ask(today.alerts)
    _alerts(alerts)
    _places(series, alerts)


def _state_of_things() -> None:
    found, now = health.read(), clock.now()
    charts.tiles(
        {
            "Published": words.ago(found.published_at, now),
            "Series forecast": str(found.n_series),
            "By the champion": f"{found.n_series - found.n_fallback} of {found.n_series}",
            "Open alarms": str(found.n_alarms),
        }
    )
    if found.problems:
        st.warning("\n\n".join(found.problems), icon=":material/warning:")
    sources = data.ask(today.freshness)
    if not sources.empty:
        st.caption("Newest hours: " + " · ".join(_source(row) for row in data.records(sources)))


def _source(row: Row) -> str:
    said = f"{row['source']} {words.stamp_utc(row['last_observed_at'])}"
    if row["n_open_windows"]:
        said += f" (windows unanswered: {int(row['n_open_windows'])}, {row['failing_reason']})"
    return said


def _alerts(alerts: pd.DataFrame) -> None:
    st.subheader("Alerts: where acting pays")
    if alerts.empty:
        st.info("No alert was forecast: `dbt_project/seeds/alert_rules.csv` says of what, `make run` learns them.")
        return
    active = alerts[alerts["is_active"]]
    if active.empty:
        top = alerts.iloc[0]
        st.success(
            f"Nothing to act on. The most likely event, {words.percent(top.probability)}: {top.description}, "
            f"{top.place_name}. Acting would pay from {words.percent(top.act_from)}.",
            icon=":material/check_circle:",
        )
    else:
        st.html(cards.alerts(data.records(active.head(MOST_ALERTS))))
    with st.expander(f"All {len(alerts)} probabilities"):
        st.dataframe(_alert_table(alerts), hide_index=True, height=320, column_config=_PERCENTS)


_PERCENTS = {
    name: st.column_config.ProgressColumn(name, format="percent", min_value=0, max_value=1)
    for name in ("probability", "usual", "acts from")
}


def _alert_table(alerts: pd.DataFrame) -> pd.DataFrame:
    windows = [words.stamp(row["window_start"], row["timezone"]) for row in data.records(alerts)]
    return pd.DataFrame(
        {
            "event": alerts["description"],
            "place": alerts["place_name"],
            "probability": alerts["probability"],
            "usual": alerts["climatology"],
            "acts from": alerts["act_from"],
            "from (local)": windows,
            "silenced": alerts["silence_reason"].fillna(""),
        }
    )


def _places(series: pd.DataFrame, alerts: pd.DataFrame) -> None:
    frame = series.merge(_outlook(), on="series_id", how="left").assign(state=lambda rows: _states(rows, alerts))
    names = data.datasets()
    chosen = links.buttons(
        "Dataset", ["all", *names], "dataset", lambda name: "All" if name == "all" else words.dataset(name, series)
    )
    st.caption(" · ".join(f"{state.sign} {name}" for name, state in cards.STATES.items()))
    for name in names if chosen == "all" else [chosen]:
        rows = frame[frame["dataset"] == name]
        st.subheader(words.dataset(name, series))
        left, right = st.columns([2, 3], gap="medium")
        with left:
            _map(words.dataset(name, series), rows)
        right.html(cards.places(data.records(rows)))


def _outlook() -> pd.DataFrame:
    found = data.ask(today.outlook)
    columns = ["series_id", "first_target_at", "points", "lows", "highs", "rung"]
    return found if not found.empty else pd.DataFrame(columns=columns)


def _states(rows: pd.DataFrame, alerts: pd.DataFrame) -> np.ndarray[Any, Any]:
    alerted = set() if alerts.empty else set(alerts.loc[alerts["is_active"], "series_id"])
    return np.select(
        [rows["rung"].isna(), rows["series_id"].isin(alerted), rows["rung"] != "champion"],
        ["no forecast", "alert", "fallback"],
        "as usual",
    )


def _map(title: str, rows: pd.DataFrame) -> None:
    """Places by longitude and latitude; those far from the others have a map of their own, or are named below it."""
    placed = rows.dropna(subset=["latitude", "longitude"]).sort_values("longitude")
    if placed.empty:
        charts.nothing(f"{title}: where", "No place of this dataset has coordinates in `dbt_project/seeds/places.csv`.")
        return
    regions = (placed["longitude"].diff() > FAR_DEGREES).cumsum()
    groups = [group for _, group in placed.groupby(regions)]
    near = [group for group in groups if len(group) > 1]
    for group in near or [placed]:
        charts.show(f"{title}: where, by state", _region(group))
    alone = [row for group in groups if near and len(group) == 1 for row in data.records(group)]
    if alone:
        st.caption("Too far away for a map: " + ", ".join(f"{words.place(row)} ({_degrees(row)})" for row in alone))


def _degrees(row: Row) -> str:
    north, east = float(row["latitude"]), float(row["longitude"])
    return f"{abs(north):.1f}° {'N' if north >= 0 else 'S'}, {abs(east):.1f}° {'E' if east >= 0 else 'W'}"


def _region(group: pd.DataFrame) -> charts.Chart:
    shown = pd.DataFrame(
        {
            "lon": group["longitude"], "lat": group["latitude"], "state": group["state"], "place": group["name"],
            "label": np.where(np.arange(len(group)) < 60, group["name"].str.split().str[-1], ""),
            "now": [_range(row) for row in data.records(group)],
        }
    )  # fmt: skip
    x = alt.X("lon:Q", title=None, scale=_padded(shown["lon"]), axis=_graticule("E", "W"))
    y = alt.Y("lat:Q", title=None, scale=_padded(shown["lat"]), axis=_graticule("N", "S"))
    points = (
        alt.Chart(shown)
        .mark_point(size=110, filled=True, opacity=1)
        .encode(
            x=x, y=y,
            color=alt.Color(
                "state:N",
                scale=alt.Scale(domain=list(cards.STATES), range=[state.colour for state in cards.STATES.values()]),
                legend=None,
            ),
            shape=alt.Shape(
                "state:N",
                scale=alt.Scale(domain=list(cards.STATES), range=[state.shape for state in cards.STATES.values()]),
                legend=None,
            ),
            tooltip=[alt.Tooltip("place:N"), alt.Tooltip("state:N"), alt.Tooltip("now:N", title="next 48 h")],
        )
    )  # fmt: skip
    names = alt.Chart(shown).mark_text(dy=-12, fontSize=11, color=charts.GREY).encode(x=x, y=y, text="label:N")
    return alt.layer(points, names)


def _range(row: Row) -> str:
    if row["state"] == "no forecast":
        return "no forecast"
    points = row["points"]
    return f"{words.number(min(points))} to {words.number(max(points))} {words.unit(str(row['unit']))}"


def _padded(values: pd.Series) -> alt.Scale:
    low, high = float(values.min()), float(values.max())
    pad = max(0.05, (high - low) * 0.25)
    return alt.Scale(domain=[low - pad, high + pad], zero=False, nice=False)


def _graticule(plus: str, minus: str) -> alt.Axis:
    sign = f"datum.value < 0 ? '{minus}' : '{plus}'"
    return alt.Axis(labelExpr=f"format(abs(datum.value), '~r') + '° ' + ({sign})", tickCount=4, grid=True)
