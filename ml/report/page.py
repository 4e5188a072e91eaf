"""A report as one HTML page that needs nothing else: no script, no font, no image, no address."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from ml.feature_names import variable_name
from ml.forecaster import Blender, is_naive
from ml.learn import Learnt
from ml.report import charts, inside
from ml.report.evidence import Evidence
from ml.report.importance import Importance
from ml.report.learning import Curve
from ml.report.template import Section, filled

COLUMNS = {
    "mae": "MAE",
    "rmse": "RMSE",
    "mase": "MASE",
    "bias": "bias",
    "pinball": "pinball",
    "coverage80": "80 % covers",
    "coverage90": "90 % covers",
    "skill": "skill",
    "n_rows": "forecasts",
    "n_origins": "origins",
}
SHARES = ("coverage80", "coverage90", "skill")
COUNTS = ("n_rows", "n_origins")


@dataclass(frozen=True)
class Told:
    """What the reports of one training share."""

    learnt: Learnt
    unit: str
    variable: str
    zones: dict[str, str]
    curve: Curve


def render(told: Told, version: Mapping[str, Any], role: str, found: Importance | None) -> str:
    """The page of one version. `version`: its row of ml.model_versions."""
    learnt, model = told.learnt, str(version["model"])
    result = learnt.result
    seen = Evidence(result.scored, told.zones, learnt.asked.calibration.horizon_buckets)
    has_rows = len(result.scored) > 0 and model in result.scored.answers
    return filled(
        "page.html.j2",
        kind="model",
        version=version,
        role=role,
        unit=told.unit,
        variable=variable_name(told.variable),
        reason=f"Champion of this training: {result.champion}; {result.reason}.",
        cards=_cards(seen, result.summary, model, told.unit) if has_rows else [],
        columns=list(COLUMNS.values()),
        scores=_lines(result.summary, model) if has_rows else [],
        selection=_lines(result.selection, model),
        n_rows=result.n_rows,
        n_series=result.n_series,
        windows=_windows(learnt),
        sections=[*(_of_errors(seen, model, told.unit) if has_rows else []), *_of_learning(told, model, found)],
        facts=_facts(learnt, version, model),
        parameters=json.dumps(learnt.final.params.learning(), indent=1, ensure_ascii=False),
    )


def _cards(seen: Evidence, summary: pd.DataFrame, model: str, unit: str) -> list[dict[str, str]]:
    lines = summary.set_index("model")
    mine, naive = lines.loc[model], lines.loc[seen.best_naive]
    better = mine["skill"] > 0
    gain = f"{100 * mine['skill']:.1f} % below {seen.best_naive}" if better else f"not below {seen.best_naive}"
    figures = [
        ("mean absolute error", f"{mine['mae']:.3g}", unit, gain),
        ("best naive method", f"{naive['mae']:.3g}", unit, seen.best_naive),
        ("80 % interval covers", f"{100 * mine['coverage80']:.1f}", "%", "of the truths"),
        ("90 % interval covers", f"{100 * mine['coverage90']:.1f}", "%", "of the truths"),
        ("bias", f"{mine['bias']:+.2g}".replace("-", "−"), unit, "forecast minus truth"),
    ]
    return [dict(zip(("name", "value", "unit", "note"), figure, strict=True)) for figure in figures]


def _lines(scores: pd.DataFrame, model: str) -> list[dict[str, object]]:
    """Rows of a table of scores, the lowest MAE first."""
    if scores.empty:
        return []
    naive = scores[scores["model"].map(is_naive)]
    best = naive.loc[naive["mae"].idxmin(), "model"] if len(naive) else None
    return [
        {
            "model": line["model"],
            "is_mine": line["model"] == model,
            "tag": " · ".join(
                tag
                for tag, holds in (("this report", line["model"] == model), ("best naive", line["model"] == best))
                if holds
            ),
            "cells": [_cell(name, line[name]) for name in COLUMNS],
        }
        for _, line in scores.sort_values("mae", kind="stable").iterrows()
    ]


def _cell(name: str, value: float) -> str:
    if not np.isfinite(value):
        return "–"
    if name in COUNTS:
        return f"{int(value):,}"
    text = f"{100 * value:.1f} %" if name in SHARES else f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"
    return text.replace("-", "−")


def _of_errors(seen: Evidence, model: str, unit: str) -> list[Section]:
    where = [charts.by_horizon(seen, model, unit), charts.by_hour(seen, model, unit)]
    more = [charts.by_series(seen, model, unit), charts.distribution(seen, model, unit)]
    worst = charts.worst_days(seen.worst_days(model), model, seen.best_naive, unit)
    return [
        Section("Where the errors are", [*where, *more]),
        Section("Whether the intervals hold", [inside.reliability(seen, model), inside.coverage(seen, model)]),
        Section("Worst days", [worst]),
    ]


def _of_learning(told: Told, model: str, found: Importance | None) -> list[Section]:
    reads = "Nothing in this version has learnt weights of its inputs: it is a method, not a trained model."
    importance = Section("What it reads", [inside.importance(found)] if found else [], "" if found else reads)
    if told.curve.points.empty:
        return [importance, Section("What more history is worth", [], f"No learning curve. {told.curve.why_not}")]
    naive = told.learnt.result.selection
    naive = naive[naive["model"].map(is_naive)].sort_values("mae") if len(naive) else naive
    mae, name = (float(naive["mae"].iloc[0]), str(naive["model"].iloc[0])) if len(naive) else (np.nan, "")
    curve = inside.learning(told.curve, mae, name, told.unit)
    return [importance, Section("What more history is worth", [curve])]


def _windows(learnt: Learnt) -> dict[str, str]:
    windows = learnt.windows
    return {
        "select": f"Origins from {_day(windows.select_from)} to {_day(windows.report_from)}",
        "report": f"Origins from {_day(windows.report_from)} to {_day(windows.report_to)}",
    }


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at.hour or at.minute else f"{at:%Y-%m-%d}"


def _facts(learnt: Learnt, version: Mapping[str, Any], model: str) -> list[tuple[str, str]]:
    result, params, windows, span = learnt.result, learnt.final.params, learnt.windows, learnt.train_span
    hours = ", ".join(f"{hour:02d}" for hour in params.evaluation.report_hours)
    facts = {
        "Version": version["model_version"],
        "Run": version["run_id"],
        "Learnt from": f"the hours from {_day(span[0])} to {_day(span[1])} UTC" if span else "nothing",
        "Chosen on": f"origins from {_day(windows.select_from)} to before {_day(windows.report_from)} UTC",
        "Reported on": f"origins from {_day(windows.report_from)} to {_day(windows.report_to)}, at {hours} h UTC",
        "Rows learnt from": f"{len(learnt.panels.train):,}",
        "Competition and report": f"{result.train_seconds:.1f} s, {result.peak_mib:,.0f} MiB at most",
        "Target told as": f"{params.features.handling}, base {params.features.base}",
        "Covariates": ", ".join(params.features.covariates) or "none",
        "SHA-256 of the data": version["data_hash"],
        "SHA-256 of the artefact": version["artefact_sha256"],
        "Code": version["git_sha"] or "not under git",
    }
    blender = learnt.final.models.get(model)
    if isinstance(blender, Blender):
        facts["Weights"] = ", ".join(f"{name} {share:.0%}" for name, share in blender.weights.items())
    return [(name, str(value)) for name, value in facts.items()]
