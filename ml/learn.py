"""Learning: a competition on past windows, a report on later ones, the winner learnt again. Nothing is written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from ml.backtest import BacktestResult, Panels, Source, Windows, run, with_covariates
from ml.competition import Contest, Progress
from ml.dataset import HOUR, Panel, hours_to_time
from ml.params import Params
from warehouse import marts
from warehouse.errors import BadInput
from warehouse.settings import Settings

LEAST_WINDOW_DAYS = 7


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
    panels: Panels  # what it was learnt from


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
    return Learnt(asked, windows, result, final, data_hash(panels.train), stamps, panels)


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


def data_hash(panel: Panel) -> str:
    """Of everything a model can learn from: two panels with the same hash give the same model."""
    digest = hashlib.sha256()
    for text in panel.series["series_id"]:
        digest.update(text.encode() + b"\0")
    inputs = [values for _, values in sorted(panel.covariates.items())]
    inputs += [values for _, values in sorted(panel.issued.items())]
    for values in (panel.origin_h * HOUR, panel.history, panel.origin, panel.horizon, panel.target, *inputs):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
