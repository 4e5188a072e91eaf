"""Models: every version, two of them side by side, its report, and the decisions of an operator."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import data, decide, links, reports, sign_in, words
from warehouse.reads.board import models

SCORES = {
    "report_mae": "error", "report_skill": "skill", "report_pinball": "pinball loss",
    "report_coverage_80": "inside 80 %",
}  # fmt: skip


def show() -> None:
    st.title("Models")
    st.caption("Which version is in production, which others there are, and how to change it.")
    found = data.ask(models.versions)
    if found.empty:
        st.info("No version was trained yet: `make run` trains the first ones.")
        return
    series = data.series()
    dataset = links.buttons(
        "Dataset", sorted(found["dataset"].unique()), "dataset", lambda name: words.dataset(name, series)
    )
    versions = found[found["dataset"] == dataset]
    _table(versions)
    _comparison(versions)
    _report(versions)
    _decisions(dataset, versions)


def _table(versions: pd.DataFrame) -> None:
    st.subheader("Versions")
    st.caption(
        "Scores on windows that chose nothing. Error: mean absolute, in the unit of the series. Skill: against the "
        "best naive method."
    )
    shown = pd.DataFrame(
        {
            "version": versions["model_version"].map(words.version), "status": versions["status"],
            "role": versions["role"], **{label: versions[column] for column, label in SCORES.items()},
            "trained": versions["trained_at"].map(words.stamp_utc), "decision": versions["decision"].fillna(""),
        }
    )  # fmt: skip
    st.dataframe(shown, hide_index=True, column_config=_FORMATS)


_FORMATS = {
    "error": st.column_config.NumberColumn(format="%.2f"),
    "pinball loss": st.column_config.NumberColumn(format="%.3f"),
    "skill": st.column_config.NumberColumn(format="percent"),
    "inside 80 %": st.column_config.NumberColumn(format="percent"),
}


def _label(row: Any) -> str:
    return f"{words.version(row.model_version)} ({row.status})"


def _comparison(versions: pd.DataFrame) -> None:
    st.subheader("Comparison")
    if len(versions) < 2:
        st.info("There is one version only; the next training brings another.")
        return
    labels = {row.model_version: _label(row) for row in versions.itertuples()}
    names = sorted(labels, key=lambda name: "(champion)" not in labels[name])
    left, right = st.columns(2)
    a = left.selectbox("A", names, index=0, format_func=labels.__getitem__)
    b = right.selectbox("B", names, index=1, format_func=labels.__getitem__)
    rows = [versions[versions["model_version"] == name].iloc[0] for name in (a, b)]
    scores = pd.DataFrame(
        {
            "score": list(SCORES.values()),
            **{side: [row[column] for column in SCORES] for side, row in zip("AB", rows, strict=True)},
        }
    ).assign(change=lambda table: table["B"] - table["A"])
    three = {name: st.column_config.NumberColumn(format="%.3f") for name in ("A", "B")}
    change = {"change": st.column_config.NumberColumn("B less A", format="%+.3f")}
    st.dataframe(scores, hide_index=True, column_config=three | change)
    st.caption(
        f"A was scored from {words.stamp_utc(rows[0].report_from)}, B from {words.stamp_utc(rows[1].report_from)}: "
        "only the same windows compare fairly. `skyduck models compare A B` tests them origin by origin."
    )
    differing = _differences(*(json.loads(row["params"] or "{}") for row in rows))
    with st.expander(f"Parameters that differ: {len(differing)}"):
        st.dataframe(pd.DataFrame(differing, columns=["parameter", "A", "B"]), hide_index=True)


def _differences(a: dict[str, Any], b: dict[str, Any], under: str = "") -> list[tuple[str, str, str]]:
    """(dotted name, in A, in B) of every leaf that is not the same."""
    found: list[tuple[str, str, str]] = []
    for key in sorted(a.keys() | b.keys()):
        left, right = a.get(key), b.get(key)
        if isinstance(left, dict) and isinstance(right, dict):
            found += _differences(left, right, f"{under}{key}.")
        elif left != right:
            found.append((f"{under}{key}", json.dumps(left), json.dumps(right)))
    return found


def _report(versions: pd.DataFrame) -> None:
    st.subheader("Model report")
    having = versions[versions["report"].notna()].sort_values("status", key=lambda status: status != "champion")
    if having.empty:
        st.info("No version of this dataset has a report: learnt models get one with their training.")
        return
    labels = {row.report: _label(row) for row in having.itertuples()}
    chosen = st.selectbox("Version", list(labels), format_func=labels.__getitem__)
    if st.toggle("Show the report", key="show_report"):
        reports.embed(
            data.settings().models_path, str(chosen), "Model report", "It lies on the machine that trained it."
        )


def _decisions(dataset: str, versions: pd.DataFrame) -> None:
    st.subheader("Approve, promote, roll back")
    operator = sign_in.operator()
    if operator is None:
        st.info(_why_not(), icon=":material/lock:")
        return
    labels = {row.model_version: _label(row) for row in versions.itertuples()}
    waiting = list(versions.loc[versions["status"] == "candidate", "model_version"])
    others = list(versions.loc[versions["status"] != "champion", "model_version"])
    ways = {"approve": waiting, "promote": others, "rollback": [dataset]}
    possible = [way for way, targets in ways.items() if targets]
    said = {"approve": "Approve a version that waits", "promote": "Promote a version", "rollback": "Roll back"}
    way = st.radio("What", possible, format_func=said.__getitem__, horizontal=True)
    with st.form("decision", clear_on_submit=True):
        target = dataset
        if way != "rollback":
            target = st.selectbox("Version to put in production", ways[way], format_func=labels.__getitem__)
        else:
            st.markdown("Back to what was in production before.")
        reason = st.text_input("Reason", help="It is kept with the decision.", max_chars=300)
        is_sent = st.form_submit_button(said[way], type="primary")
    if is_sent:
        _carry_out(way, target, reason.strip(), operator)


def _carry_out(way: str, target: str, reason: str, operator: str) -> None:
    if not reason:
        st.error("A reason is needed: it is kept with the decision.", icon=":material/error:")
        return
    with st.spinner("Writing the decision…"):
        outcome = decide.decide(way, target, reason=reason, actor=operator)
    if outcome.is_done:
        st.success(outcome.message, icon=":material/check_circle:")
    else:
        st.error(outcome.message, icon=":material/error:")


def _why_not() -> str:
    if not sign_in.is_configured():
        return "Read-only: sign-in is not configured. docs/dashboard.md says how; `skyduck models` decides without it."
    if sign_in.signed_in() is None:
        return "Read-only until an operator signs in."
    return "Read-only: your address is not among `SKYDUCK_OPERATORS`."
