"""Whether what is told comes as often as told: quantiles and the probabilities of alerts."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard import charts, data
from warehouse.reads.board import accuracy


def of_quantiles(dataset: str) -> None:
    title = "Reliability of the quantiles"
    found = data.ask(accuracy.reliability, dataset)
    if found.empty:
        charts.nothing(title, "No predicted hour has come yet: the next daily run scores the hours that have.")
        return
    n = int(found["n"].iloc[0])
    chart = _diagonal(found, "level", "share", "quantile", "truths at or below")
    charts.show(
        title, chart, f"In use, the newest 28 days, {n:,} hours. On the dashed line, quantiles mean what they say."
    )


def of_alerts(dataset: str) -> None:
    title = "Reliability of the alerts"
    found = data.ask(accuracy.alert_reliability, dataset)
    if found.empty:
        charts.nothing(title, "No window of an alert has ended yet: daily runs score those that have.")
        return
    chart = _diagonal(found, "told", "came", "probability told", "windows with the event")
    charts.show(title, chart, f"In use, {int(found['n'].sum()):,} windows, in tenths of probability.")


def _diagonal(found: pd.DataFrame, x: str, y: str, x_title: str, y_title: str) -> charts.Chart:
    ends = alt.Chart(pd.DataFrame({"a": [0, 1]})).mark_line(strokeDash=[4, 4], color=charts.GREY)
    scale, axis = alt.Scale(domain=[0, 1]), alt.Axis(format="%", tickCount=5)
    points = (
        alt.Chart(found)
        .mark_line(point=alt.OverlayMarkDef(size=60), color=charts.BLUE)
        .encode(
            x=alt.X(f"{x}:Q", title=x_title, scale=scale, axis=axis),
            y=alt.Y(f"{y}:Q", title=y_title, scale=scale, axis=axis),
            tooltip=[alt.Tooltip(f"{x}:Q", format=".0%"), alt.Tooltip(f"{y}:Q", format=".1%"), "n:Q"],
            **({"detail": "description:N"} if "description" in found else {}),
        )
    )
    return alt.layer(ends.encode(x=alt.X("a:Q"), y="a:Q"), points)
