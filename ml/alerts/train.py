"""Training of alert rules: compete, report on untouched windows, learn the winner again, put it on record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from ml import artefact
from ml.alerts import dataset, evaluate
from ml.alerts.contest import Windows, compete
from ml.alerts.dataset import AlertRows
from ml.alerts.evaluate import refitted
from ml.alerts.implied import Forecasts
from ml.alerts.model import AlertModel
from ml.alerts.params import AlertParams, load_alert_params
from warehouse import alerts as store
from warehouse.alert_rules import AlertRule
from warehouse.alerts import Asked
from warehouse.errors import BadInput, SkyduckError
from warehouse.settings import Settings

Progress = Callable[[str], None]
AT_ONCE = 2
MOST_READ = 60_000  # origins of a rule that are read; more are thinned, all series of an origin together


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


def is_due(row: dict[str, Any] | None, rule: dict[str, Any], now: datetime, params: AlertParams) -> str | None:
    """Why a rule should be trained now; `row`: its newest version."""
    if row is None:
        return "no model yet"
    if row["event_hash"] != rule["event_hash"]:
        return "the rule has changed"
    age = now - row["trained_at"]
    if age >= timedelta(days=params.retrain_every_days):
        return f"the model is {age.days} days old"
    if json.loads(str(row["params"])) != params.model_dump(mode="json"):
        return "params.yaml has changed since"
    return None


def due(settings: Settings, now: datetime) -> list[tuple[dict[str, Any], str]]:
    """(rule, why) of the rules with any origin that must be trained."""
    newest = newest_models(settings, now)
    found = []
    for rule in store.rules(settings):
        why = is_due(newest.get(str(rule["rule_id"])), rule, now, load_alert_params(str(rule["rule_id"])))
        if why and store.extent(settings, str(rule["rule_id"]), now)[0]:
            found.append((rule, why))
    return found


def newest_models(settings: Settings, now: datetime) -> dict[str, dict[str, Any]]:
    """Per rule the newest row of ml.alert_models."""
    return {str(row["rule_id"]): row for row in reversed(store.models(settings, now))}


def find_rule(settings: Settings, rule_id: str) -> dict[str, Any]:
    """Raises BadInput for a rule that the marts do not have."""
    known = {str(rule["rule_id"]): rule for rule in store.rules(settings)}
    if rule_id not in known:
        raise BadInput(f"no alert rule '{rule_id}'; alert_rules.csv has {', '.join(known) or 'none'}")
    return known[rule_id]


@dataclass(frozen=True)
class Task:
    """Everything that learning one rule reads; learning itself touches no warehouse."""

    rule: dict[str, Any]
    rows: AlertRows
    forecasts: Forecasts
    windows: Windows
    params: AlertParams


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


def prepare(settings: Settings, rule: dict[str, Any], now: datetime, params: AlertParams) -> Task:
    """Raises BadInput where the rule has no origin at all."""
    windows = windows_before(settings, str(rule["rule_id"]), now, params)
    rows = read_rows(settings, rule, windows, params).known_before(now)
    return Task(rule, rows, past_forecasts(settings, rows.rule, windows, now), windows, params)


def learn(task: Task) -> Outcome:
    """Raises DataTestFailed for a feature that knows the label."""
    learnt = compete(task.rows, task.forecasts, task.windows, task.params)
    metrics, held_out = evaluate.report(learnt, task.rows, task.forecasts, task.windows, task.params)
    model = refitted(learnt.model, task.rows, held_out, task.params)
    metrics |= {"selection": learnt.selection, "cross_validation": learnt.cross_validation, "refusal": learnt.refusal}
    metrics |= {"importance": model.classifier.importance() if model.classifier else {}}
    return Outcome(model, learnt.reason, rounded(metrics))


def _save(
    settings: Settings,
    task: Task,
    outcome: Outcome,
    now: datetime,
    run_id: str,
    progress: Progress = lambda _: None,
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


def windows_before(settings: Settings, rule_id: str, now: datetime, params: AlertParams) -> Windows:
    """The newest days report, those before select; both shrink when history is short."""
    n, first = store.extent(settings, rule_id, now)
    if not n or first is None:
        raise BadInput(f"nothing to learn {rule_id} from: no series of its dataset has observations yet")
    days = max(0, (now - first).days)
    report = min(params.report_days, max(1, int(0.15 * days)))
    select = min(params.select_days, max(1, int(0.22 * days)))
    report_from = datetime(now.year, now.month, now.day) - timedelta(days=report)
    earliest = max(first, now - timedelta(days=params.history_days))
    return Windows(earliest, report_from - timedelta(days=select), report_from, now)


def read_rows(settings: Settings, rule: dict[str, Any], windows: Windows, params: AlertParams) -> AlertRows:
    n, _ = store.extent(settings, str(rule["rule_id"]), windows.report_to)
    asked = Asked(windows.train_from, windows.report_to, params.origin_hours, min(1.0, MOST_READ / max(1, n)))
    return dataset.read(settings, rule, asked)


def past_forecasts(settings: Settings, spec: AlertRule, windows: Windows, now: datetime) -> Forecasts:
    table = store.past_forecasts(
        settings,
        spec.dataset,
        start=windows.train_from,
        end=windows.report_to,
        horizons=(spec.lead_h, spec.lead_h + spec.window_h - 1),
        now=now,
    )
    return Forecasts.of(table, spec)


def rounded(value: Any) -> Any:
    """What JSON can hold: six digits, null for what is no number."""
    if isinstance(value, dict):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value
