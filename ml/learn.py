"""Learning: a competition on past windows, a report on later ones, the winner learnt again. Nothing is written."""

from __future__ import annotations

import ctypes
import hashlib
import sys
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from ml import tuned
from ml.backtest import BacktestResult, Panels, Source, Windows, run, with_covariates
from ml.competition import Contest, Progress
from ml.dataset import Panel, hours_to_time
from ml.params import Params, load_params
from warehouse import marts
from warehouse.errors import BadInput
from warehouse.settings import Settings

LEAST_WINDOW_DAYS = 7
M_MMAP_THRESHOLD = -3  # of glibc's malloc.h


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
    freed_goes_back()
    source = Source(settings, with_covariates(settings, asked))
    windows = _windows(settings, source, now)
    return windows, source.panels(windows, known_by=now)


def asked_params(settings: Settings, dataset: str, now: datetime) -> Params:
    """params.yaml, and over it what a search found, unless a training at `now` would report windows that chose it."""
    plain = load_params(dataset)
    if not tuned.overlay(settings, dataset, now=now):
        return plain
    windows = _windows(settings, Source(settings, with_covariates(settings, plain)), now)
    return tuned.tuned_params(settings, dataset, now=now, report_from=windows.report_from)


def prepared(
    settings: Settings, dataset: str, now: datetime, params: Params | None = None
) -> tuple[Params, Windows, Panels]:
    """What a training at `now` is asked, and what it reads: the same rows whatever a search found."""
    asked = params or asked_params(settings, dataset, now)
    return asked, *read_panels(settings, params or load_params(dataset), now)


def learn(panels: Panels, windows: Windows, asked: Params, params: Params, progress: Progress) -> Learnt:
    """Competition, report and the winner learnt again, from the panels alone: the same panels give the same models.

    The report is that of the models as they competed, fitted before the selection windows. `params`: `asked` with its
    covariates spelled out.
    """
    freed_goes_back()
    result, contest = run(panels, windows, params, progress)
    final = contest.refit(panels.train, progress)
    targets = panels.train.target_h
    span = hours_to_time(np.array([targets.min(), targets.max()])) if len(targets) else None
    stamps = None if span is None else (pd.Timestamp(span[0]).to_pydatetime(), pd.Timestamp(span[1]).to_pydatetime())
    return Learnt(asked, windows, result, final, data_hash(panels.train), stamps, panels)


def freed_goes_back() -> None:
    """What this process frees goes back to the system at once from here on, where glibc is the allocator.

    LightGBM's sample of the rows grows into twice the space again and again: the spaces that were too small, kept for
    later as glibc does with all but the largest, are half as much as the matrix once more.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, 128 * 1024)


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
    for item in fields(Panel):
        value = getattr(panel, item.name)
        if isinstance(value, str):
            value = np.array([value])
        elif isinstance(value, pd.DataFrame):
            value = {name: value[name].to_numpy() for name in value}
        for name, array in sorted(value.items()) if isinstance(value, dict) else [("", value)]:
            content = array.tobytes() if array.dtype != object else "\0".join(map(str, array)).encode()
            digest.update(f"{item.name}.{name} {array.dtype} {array.shape}\n".encode() + content)
    return digest.hexdigest()
