"""Whether what is on the page can be trusted now: its age, what is wrong, and the watch for something newer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
import streamlit as st

from dashboard import clock, data, words
from warehouse.errors import BadInput
from warehouse.reads.board import today

LATE = timedelta(hours=26)  # a daily run, and two hours for it
WATCH_SECONDS = 10


@dataclass(frozen=True)
class Health:
    """`problems` says what is wrong, the worst first; none of them: healthy."""

    run_id: str
    published_at: datetime
    origin_at: datetime | None
    n_series: int
    n_fallback: int
    n_alarms: int
    problems: tuple[str, ...]


def read() -> Health:
    run_id, published_at = data.edition()
    outlook, alarms = data.ask(today.outlook), data.ask(today.open_alarms)
    fallback = 0 if outlook.empty else int((outlook["rung"] != "champion").sum())
    origin = None if outlook.empty else outlook["origin_at"].max().to_pydatetime()
    problems = _problems(data.daily_at(), fallback, len(outlook), alarms)
    return Health(run_id, published_at, origin, len(outlook), fallback, len(alarms), tuple(problems))


def _problems(daily_at: datetime | None, n_fallback: int, n_series: int, alarms: pd.DataFrame) -> list[str]:
    now = clock.now()
    found = [f"{row.severity}: {row.what}. {row.next_step}" for row in alarms.itertuples()]
    if daily_at is None:
        found.insert(0, "no daily run has published yet: `make run` does")
    elif now - daily_at > LATE:
        found.insert(0, f"a daily run last published {words.ago(daily_at, now)}. `make run` makes up for it")
    if n_series == 0:
        found.append("no series is forecast yet: `make run` trains and forecasts")
    if n_fallback:
        found.append(f"{n_fallback} of {n_series} series are answered by a lower rung than the champion")
    if problem := data.reader().problem:
        found.insert(0, f"a newer publication cannot be read: {problem}")
    return found


def line() -> None:
    """One row on every page: state, origin, age, and the run that published it."""
    found = read()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if found.problems:
            n = len(found.problems)
            said = f"{n} thing{'s' if n > 1 else ''} to look at"
            st.badge(said, icon=":material/warning:", color="orange", help="\n\n".join(found.problems))
        else:
            st.badge("healthy", icon=":material/check_circle:", color="green")
        st.caption(
            f"Forecasts as of {words.stamp_utc(found.origin_at)} · published "
            f"{words.ago(found.published_at, clock.now())} by run {found.run_id}",
            width="content",
        )


def watch(shown: data.Edition | None) -> None:
    """Looks for another publication while the page is open, and shows it when there is one."""

    @st.fragment(run_every=WATCH_SECONDS)
    def look() -> None:
        try:
            newest = data.edition()
        except BadInput:
            return
        if newest != shown:
            st.session_state["is_news"] = True
            st.rerun(scope="app")

    look()
    if st.session_state.pop("is_news", False):
        st.toast("New forecasts are shown.", icon=":material/update:")
