"""Training: learn, judge the outcome against the champion, put both on record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from ml import record
from ml.backtest import BacktestResult, with_covariates
from ml.competition import Progress
from ml.learn import Learnt, asked_params, learn, prepared
from ml.params import Params
from ml.production import require_newest
from ml.promote import judge
from ml.report import write_reports
from warehouse import results
from warehouse.settings import Settings


@dataclass(frozen=True)
class TrainResult:
    """`champion` is the name of the model that won the competition; `backtest` holds windows that chose nothing.

    `action`: promote, keep (the version in production stays) or candidate (waits for approval); `decision`: why.
    """

    dataset: str
    model_version: str
    champion: str
    reason: str
    backtest: BacktestResult
    versions: tuple[str, ...]
    action: str
    decision: str


def is_due(settings: Settings, dataset: str, now: datetime, *, params: Params | None = None) -> str | None:
    """Why the dataset should be trained now, or None. Judged by the newest training, whoever won it."""
    trained = results.versions(settings, dataset, now)
    if not trained:
        return "no champion yet"
    newest: dict[str, Any] = trained[0]
    params = params or asked_params(settings, dataset, now)
    age = now - newest["trained_at"]
    if age >= timedelta(days=params.training.retrain_every_days):
        return f"the newest training is {age.days} days old"
    if json.loads(str(newest["params"])).get("fingerprint") != params.fingerprint():
        return "params.yaml, or what `skyduck tune` found, has changed since the newest training"
    return None


def train(
    settings: Settings,
    dataset: str,
    *,
    now: datetime,
    run_id: str,
    reason: str,
    progress: Progress = lambda _: None,
    params: Params | None = None,
) -> TrainResult:
    """Trains on what is known at `now` and judges the winner. The same run_id again adds nothing."""
    asked, windows, panels = prepared(settings, dataset, now, params)
    learnt = learn(panels, windows, asked, with_covariates(settings, asked), progress)
    return register(settings, learnt, now=now, run_id=run_id, reason=reason, progress=progress)


def register(
    settings: Settings,
    learnt: Learnt,
    *,
    now: datetime,
    run_id: str,
    reason: str,
    progress: Progress = lambda _: None,
) -> TrainResult:
    """Judges the winner, saves the models, and puts all on record: versions, report rows and the event, or nothing.

    Raises BadInput where a later decision is on record.
    """
    dataset, result = learnt.asked.dataset, learnt.result
    require_newest(settings, dataset, now)
    verdict = judge(settings, learnt, now=now, run_id=run_id, progress=progress)
    shared = record.shared_columns(settings, learnt, run_id, now)
    roles = record.roles_of(learnt.final, result)
    versions = [record.version_row(settings, learnt.final, role, name, result, shared) for role, name in roles.items()]
    reports = write_reports(settings, learnt, versions, progress)
    versions = [{**row, "report": reports.get(str(row["model_version"]))} for row in versions]
    top = versions[0]
    top["metrics"] = json.dumps({**json.loads(top["metrics"]), "promotion": verdict.figures}, sort_keys=True)
    why = f"{reason}: {verdict.reason}; {result.reason}"  # why trained, how judged, why this model of all that competed
    event = record.event_row(shared, top["model_version"], verdict.action, why)
    results.write_training(
        settings,
        run_id=run_id,
        dataset=dataset,
        versions=pa.Table.from_pylist(versions),
        backtests=record.backtest_rows(result, run_id),
        events=pa.Table.from_pylist([event]),
    )
    return TrainResult(
        dataset,
        str(top["model_version"]),
        result.champion,
        result.reason,
        result,
        tuple(str(row["model_version"]) for row in versions),
        verdict.action,
        verdict.reason,
    )
