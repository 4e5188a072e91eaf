"""Training of alert rules: compete, report on untouched windows, learn the winner again, put it on record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from ml import artefact
from ml.alerts import evaluate
from ml.alerts.contest import compete
from ml.alerts.evaluate import refitted
from ml.alerts.model import AlertModel
from ml.alerts.params import AlertParams, load_alert_params
from ml.alerts.task import Task, prepare
from warehouse import alerts as store
from warehouse.errors import SkyduckError
from warehouse.settings import Settings

Progress = Callable[[str], None]
AT_ONCE = 2


@dataclass(frozen=True)
class TrainedAlert:
    """One rule as trained: `metrics` as stored."""

    rule_id: str
    model_version: str
    method: str
    reason: str
    n_rows: int
    n_events: int
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What was learnt: the model for use, as it won, and its scores."""

    model: AlertModel
    reason: str
    metrics: dict[str, Any]


def train(
    settings: Settings,
    rules: list[dict[str, Any]],
    *,
    now: datetime,
    run_id: str,
    params_of: Callable[[str], AlertParams] = load_alert_params,
    progress: Progress = lambda _: None,
) -> tuple[list[TrainedAlert], list[str]]:
    """(what was trained, why others were not). Two are learnt at a time; one that fails does not stop the rest."""
    trained, failed = [], []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        under_way = []
        for rule in rules:
            try:
                task = prepare(settings, rule, now, params_of(str(rule["rule_id"])))
            except SkyduckError as error:
                failed.append(f"alert rule {rule['rule_id']} was not trained: {error}")
                continue
            under_way.append((task, pool.submit(learn, task)))
        for task, future in under_way:
            try:
                trained.append(_save(settings, task, future.result(), now, run_id, progress))
                progress(f"{trained[-1].rule_id}: {trained[-1].method} answers, {trained[-1].reason}")
            except Exception as error:  # the other rules have their models all the same
                failed.append(f"alert rule {task.rule['rule_id']} was not trained: {error}")
    return trained, failed


def learn(task: Task) -> Outcome:
    """Raises DataTestFailed for a feature that knows the label."""
    learnt = compete(task.rows, task.forecasts, task.windows, task.params)
    metrics, held_out = evaluate.report(learnt, task.rows, task.forecasts, task.windows, task.params)
    model = refitted(learnt.model, task.rows, held_out, task.params)
    metrics |= {"selection": learnt.selection, "cross_validation": learnt.cross_validation, "refusal": learnt.refusal}
    metrics |= {"importance": model.classifier.importance() if model.classifier else {}}
    return Outcome(model, learnt.reason, rounded(metrics))


def _save(
    settings: Settings, task: Task, outcome: Outcome, now: datetime, run_id: str, progress: Progress
) -> TrainedAlert:
    """Files and report first, then the row that names them."""
    from ml.report.alert_files import write_alert_report  # it knows what this module knows, and more

    rule_id, rows, model = str(task.rule["rule_id"]), task.rows, outcome.model
    files = model.files()
    sha256 = hashlib.sha256(artefact.manifest_of(files)).hexdigest()
    version = f"alert-{rule_id}-{now:%Y%m%dT%H%M}-{sha256[:8]}"
    row = {
        "rule_id": rule_id,
        "event_hash": rows.event_hash,
        "model_version": version,
        "run_id": run_id,
        "trained_at": now,
        "method": model.method,
        "calibration": model.calibrator.kind,
        "reason": outcome.reason,
        "n_rows": len(rows),
        "n_events": rows.n_events,
        "n_event_days": rows.n_event_days,
        "params": json.dumps(task.params.model_dump(mode="json"), sort_keys=True),
        "metrics": json.dumps(outcome.metrics, sort_keys=True, allow_nan=False),
        "sha256": artefact.save(settings, version, files),
        **{name: getattr(task.windows, name) for name in ("train_from", "select_from", "report_from", "report_to")},
    }
    store.write_model(settings, row | {"report": write_alert_report(settings, task.rule, row, progress)})
    return TrainedAlert(rule_id, version, model.method, outcome.reason, len(rows), rows.n_events, outcome.metrics)


def rounded(value: Any) -> Any:
    """What JSON can hold: six digits, null for what is no number."""
    if isinstance(value, dict):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value
