"""Rows of a training as they go on record: its versions, with their files, its report and its event."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ml import artefact
from ml.backtest import BacktestResult
from ml.competition import STAND_IN, Contest
from ml.forecaster import is_naive, is_statistical
from ml.learn import Learnt
from ml.registry import Bundle
from warehouse import marts
from warehouse.settings import ROOT, Settings


def roles_of(contest: Contest, result: BacktestResult) -> dict[str, str]:
    """Rung of the ladder -> model kept for it, the champion first."""
    by = contest.params.evaluation.champion_by
    ranked = [STAND_IN] if result.selection.empty else result.selection.sort_values(by)["model"].tolist()
    rungs = {
        "champion": [result.champion],
        "challenger": [name for name in ranked if not is_naive(name) and not is_statistical(name)],
        "statistical": [name for name in ranked if is_statistical(name) and name in contest.models],
        "naive": [name for name in ranked if is_naive(name)],
    }
    kept: dict[str, str] = {}
    for rung, names in rungs.items():
        free = [name for name in names if name not in kept.values()]
        if free:
            kept[rung] = free[0]
    return kept


def shared_columns(settings: Settings, learnt: Learnt, run_id: str, now: datetime) -> dict[str, Any]:
    asked, windows, span = learnt.asked, learnt.windows, learnt.train_span
    return {
        "dataset": asked.dataset,
        "run_id": run_id,
        "trained_at": now,
        "data_as_of": marts.data_as_of(settings, asked.dataset, now) or now,
        "data_hash": learnt.data_hash,
        "git_sha": _git_sha(),
        "params": json.dumps({**asked.model_dump(mode="json"), "fingerprint": asked.fingerprint()}, sort_keys=True),
        "train_from": span[0] if span else None,
        "train_to": span[1] if span else None,
        "select_from": windows.select_from,
        "select_to": windows.report_from,
        "report_from": windows.report_from,
        "report_to": windows.report_to,
    }


def version_row(
    settings: Settings, contest: Contest, role: str, name: str, result: BacktestResult, shared: dict[str, Any]
) -> dict[str, Any]:
    """Saves one model and gives its row of ml.model_versions."""
    files = Bundle.of(name, contest.models, contest.params, contest.calibrations[name]).files()
    sha256 = artefact.sha256_of(artefact.manifest_of(files))
    tag = hashlib.sha256(f"{shared['run_id']}|{sha256}".encode()).hexdigest()[:8]
    model_version = f"{shared['dataset']}-{name}-{shared['trained_at']:%Y%m%dT%H%M}-{tag}"
    metrics = {"role": role, "select": _line(result.selection, name), "report": _line(result.summary, name)}
    return {
        **shared,
        "model_version": model_version,
        "model": name,
        "artefact": model_version,
        "artefact_sha256": artefact.save(settings, model_version, files),
        "metrics": json.dumps(metrics, sort_keys=True),
    }


def event_row(shared: dict[str, Any], model_version: object, action: str, reason: str) -> dict[str, Any]:
    """The row of ml.champion_events: one decision per training."""
    return {
        "event_id": f"{shared['run_id']}.{shared['dataset']}",
        "run_id": shared["run_id"],
        "event_at": shared["trained_at"],
        "dataset": shared["dataset"],
        "action": action,
        "model_version": model_version,
        "reason": reason,
        "actor": "train",
    }


def _line(scores: pd.DataFrame, name: str) -> dict[str, float]:
    if scores.empty or name not in set(scores["model"]):
        return {}
    line = scores.set_index("model").loc[name]
    return {str(key): round(float(value), 6) for key, value in line.items() if np.isfinite(value)}


def backtest_rows(result: BacktestResult, run_id: str) -> pa.Table:
    table = result.scored.table()
    same = {"run_id": run_id, "dataset": result.dataset, "role": "report"}
    for column, value in same.items():
        table = table.append_column(column, pa.array([value] * len(table), pa.string()))
    return table


def _git_sha() -> str | None:
    """The commit that trained: an image names its own, a checkout is asked."""
    if named := os.environ.get("SKYDUCK_GIT_SHA"):
        return named
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
