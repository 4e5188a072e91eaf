"""Training: a competition on past windows, a report on later ones, the winner learnt again and put on record."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ml import registry
from ml.backtest import BacktestResult, Panels, Source, Windows, run, with_covariates
from ml.competition import STAND_IN, Contest, Progress
from ml.dataset import HOUR, Panel, hours_to_time
from ml.forecaster import is_naive
from ml.params import Params, load_params
from warehouse import marts, results
from warehouse.errors import BadInput
from warehouse.settings import ROOT, Settings

LEAST_WINDOW_DAYS = 7


@dataclass(frozen=True)
class TrainResult:
    """`champion` is the model's name; `backtest` holds the report on windows that chose nothing."""

    dataset: str
    model_version: str
    champion: str
    reason: str
    backtest: BacktestResult
    versions: tuple[str, ...]


def is_due(settings: Settings, dataset: str, now: datetime, *, params: Params | None = None) -> str | None:
    """Why the dataset should be trained now, or None."""
    top = registry.champion(settings, dataset, now)
    if top is None:
        return "no champion yet"
    params = params or load_params(dataset)
    age = now - top["trained_at"]
    if age >= timedelta(days=params.training.retrain_every_days):
        return f"the champion is {age.days} days old"
    if json.loads(str(top["params"])).get("fingerprint") != params.fingerprint():
        return "params.yaml has changed since the champion was trained"
    return None


@dataclass(frozen=True)
class Learnt:
    """What a training found, not yet on record.

    `asked`: params as written; `result`: the report; `final`: the models learnt again on everything known.
    """

    asked: Params
    windows: Windows
    result: BacktestResult
    final: Contest
    data_hash: str
    train_span: tuple[datetime, datetime] | None


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
    """Trains on what is known at `now` and promotes the winner. The same run_id again replaces what it wrote."""
    asked = params or load_params(dataset)
    windows, panels = read_panels(settings, asked, now)
    learnt = learn(panels, windows, asked, with_covariates(settings, asked), progress)
    return register(settings, learnt, now=now, run_id=run_id, reason=reason)


def read_panels(settings: Settings, asked: Params, now: datetime) -> tuple[Windows, Panels]:
    """Windows and rows for a training at `now`; nothing that became known later."""
    source = Source(settings, with_covariates(settings, asked))
    windows = _windows(settings, source, now)
    return windows, source.panels(windows, known_by=now)


def learn(panels: Panels, windows: Windows, asked: Params, params: Params, progress: Progress) -> Learnt:
    """Competition, report and the winner learnt again, from the panels alone: the same panels give the same models.

    The report is that of the models as they competed, fitted before the selection windows. `params`: `asked` with its
    covariates spelled out.
    """
    result, contest = run(panels, windows, params, progress)
    final = contest.refit(panels.train, progress)
    targets = panels.train.target_h
    span = hours_to_time(np.array([targets.min(), targets.max()])) if len(targets) else None
    stamps = None if span is None else (pd.Timestamp(span[0]).to_pydatetime(), pd.Timestamp(span[1]).to_pydatetime())
    return Learnt(asked, windows, result, final, data_hash(panels.train), stamps)


def register(settings: Settings, learnt: Learnt, *, now: datetime, run_id: str, reason: str) -> TrainResult:
    """Saves the models and puts them on record: versions, report rows and the champion's event, all or nothing."""
    dataset, result = learnt.asked.dataset, learnt.result
    shared = _shared_columns(settings, learnt, run_id, now)
    roles = _roles(learnt.final, result)
    versions = [_version(settings, learnt.final, role, name, result, shared) for role, name in roles.items()]
    top = versions[0]
    event = {
        "event_id": f"{run_id}.{dataset}",
        "run_id": run_id,
        "event_at": now,
        "dataset": dataset,
        "action": "promote",
        "model_version": top["model_version"],
        "reason": f"{reason}: {result.reason}",
        "actor": "train",
    }
    results.write_training(
        settings,
        run_id=run_id,
        dataset=dataset,
        versions=pa.Table.from_pylist(versions),
        backtests=_backtest_rows(result, run_id),
        events=pa.Table.from_pylist([event]),
    )
    return TrainResult(
        dataset,
        str(top["model_version"]),
        result.champion,
        result.reason,
        result,
        tuple(str(row["model_version"]) for row in versions),
    )


def _windows(settings: Settings, source: Source, now: datetime) -> Windows:
    """The newest days report, those before select; both shrink when history is short."""
    params = source.params
    earliest = now - timedelta(days=params.training.history_days)
    _, first, _ = marts.origin_span(settings, source.query(earliest, now, ()))
    if first is None:
        raise BadInput(f"nothing to train {params.dataset} on: its series have no observations yet; load some first")
    select, report = params.evaluation.select_days, params.evaluation.report_days
    # the last origins before a window know no truth inside it: they do not count as history to train on
    spare = (now - first).days - params.training.min_days - 1 - -(-params.horizon_h // 24)
    share = min(1.0, max(0.0, spare / (select + report)))
    report = max(LEAST_WINDOW_DAYS, int(report * share))
    select = max(LEAST_WINDOW_DAYS, min(int(select * share), spare - report))
    report_from = datetime(now.year, now.month, now.day) - timedelta(days=report)
    select_from = report_from - timedelta(days=select)
    return Windows(min(first, select_from), select_from, report_from, now, ())


def _roles(contest: Contest, result: BacktestResult) -> dict[str, str]:
    """Rung of the ladder -> model kept for it, the champion first."""
    by = contest.params.evaluation.champion_by
    ranked = [STAND_IN] if result.selection.empty else result.selection.sort_values(by)["model"].tolist()
    rungs = {
        "champion": [result.champion],
        "challenger": [name for name in ranked if not is_naive(name) and name != "statistical"],
        "statistical": [name for name in ranked if name == "statistical"],
        "naive": [name for name in ranked if is_naive(name)],
    }
    kept: dict[str, str] = {}
    for rung, names in rungs.items():
        free = [name for name in names if name not in kept.values()]
        if free:
            kept[rung] = free[0]
    return kept


def _shared_columns(settings: Settings, learnt: Learnt, run_id: str, now: datetime) -> dict[str, Any]:
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


def _version(
    settings: Settings, contest: Contest, role: str, name: str, result: BacktestResult, shared: dict[str, Any]
) -> dict[str, Any]:
    """Saves one model and gives its row of ml.model_versions."""
    files = registry.Bundle.of(name, contest.models, contest.params, contest.calibrations[name]).files()
    sha256 = hashlib.sha256(registry.manifest_of(files)).hexdigest()
    tag = hashlib.sha256(f"{shared['run_id']}|{sha256}".encode()).hexdigest()[:8]
    model_version = f"{shared['dataset']}-{name}-{shared['trained_at']:%Y%m%dT%H%M}-{tag}"
    metrics = {"role": role, "select": _line(result.selection, name), "report": _line(result.summary, name)}
    return {
        **shared,
        "model_version": model_version,
        "model": name,
        "artefact": model_version,
        "artefact_sha256": registry.save(settings, model_version, files),
        "metrics": json.dumps(metrics, sort_keys=True),
    }


def _line(scores: pd.DataFrame, name: str) -> dict[str, float]:
    if scores.empty or name not in set(scores["model"]):
        return {}
    line = scores.set_index("model").loc[name]
    return {str(key): round(float(value), 6) for key, value in line.items() if np.isfinite(value)}


def _backtest_rows(result: BacktestResult, run_id: str) -> pa.Table:
    table = result.scored.table()
    same = {"run_id": run_id, "dataset": result.dataset, "role": "report"}
    for column, value in same.items():
        table = table.append_column(column, pa.array([value] * len(table), pa.string()))
    return table


def data_hash(panel: Panel) -> str:
    """Of everything a model can learn from: two panels with the same hash give the same model."""
    digest = hashlib.sha256()
    for text in panel.series["series_id"]:
        digest.update(text.encode() + b"\0")
    covariates = [values for _, values in sorted(panel.covariates.items())]
    for values in (panel.origin_h * HOUR, panel.history, panel.origin, panel.horizon, panel.target, *covariates):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _git_sha() -> str | None:
    """The commit that trained, where git and a repository are at hand."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
