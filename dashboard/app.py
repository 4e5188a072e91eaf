"""The dashboard on the published copy: `streamlit run dashboard/app.py` from the root of the repository."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import data, health, sign_in
from dashboard.views import accuracy, forecast, models, monitoring, operations, today
from warehouse.errors import BadInput

ICON = Path(__file__).with_name("icon.svg")
PAGES = [
    st.Page(today.show, title="Today", icon=":material/today:", default=True),
    st.Page(forecast.show, title="Forecast", url_path="forecast", icon=":material/show_chart:"),
    st.Page(accuracy.show, title="Accuracy", url_path="accuracy", icon=":material/target:"),
    st.Page(monitoring.show, title="Monitoring", url_path="monitoring", icon=":material/monitor_heart:"),
    st.Page(models.show, title="Models", url_path="models", icon=":material/deployed_code:"),
    st.Page(operations.show, title="Operations", url_path="operations", icon=":material/receipt_long:"),
]


def main() -> None:
    st.set_page_config(page_title="skyduck", page_icon=str(ICON), layout="wide")
    page = st.navigation(PAGES)
    with st.sidebar:
        sign_in.panel()
    try:
        shown = data.edition()
        health.line()
        page.run()
        if data.edition() != shown:  # published while the page was drawn: no page of two publications
            st.rerun()
    except BadInput as problem:
        shown = None
        st.title(page.title)
        st.info(f"{problem}", icon=":material/hourglass_empty:")
        st.markdown("`make run` builds a first publication offline, in a few minutes. This page opens by itself then.")
    health.watch(shown)


main()
