"""Alerts over past days: the same contest and report as in training, with dates of one's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from ml.alerts.dataset import AlertRows
from ml.alerts.implied import Forecasts
from ml.alerts.params import AlertParams, load_alert_params
from ml.alerts.task import Task, Windows, read_rows
from ml.alerts.train import Outcome, learn
from ml.backtest import backtest
from ml.forecaster import QUANTILE_NAMES
from warehouse.settings import Settings

Progress = Callable[[str], None]


def replay(
    settings: Settings,
    rule: dict[str, Any],
    start: datetime,
    end: datetime,
    *,
    with_forecasts: bool = False,
    params: AlertParams | None = None,
    progress: Progress = lambda _: None,
) -> Outcome | None:
    """Reported on origins in [start, end), chosen on the `select_days` before; None where nothing came in that range.

    `with_forecasts`: the forecast models are replayed over the selection and report windows, learnt before them, so
    that what their quantiles imply competes as well.
    """
    params = params or load_alert_params(str(rule["rule_id"]))
    select_from = start - timedelta(days=params.select_days)
    windows = Windows(start - timedelta(days=params.history_days), select_from, start, end)
    rows = read_rows(settings, rule, windows, params)
    rows = rows.at(rows.labelled)
    if not len(rows.between(start, end)):
        return None
    forecasts = _forecasts(settings, rows, windows, progress) if with_forecasts else Forecasts.none(rows.rule)
    progress(f"{rule['rule_id']}: {len(rows):,} outcomes, {rows.n_events:,} events")
    return learn(Task(rule, rows, forecasts, windows, params))


def _forecasts(settings: Settings, rows: AlertRows, windows: Windows, progress: Progress) -> Forecasts:
    """The champion's quantiles of the rule's windows, from the product's own backtest."""
    spec = rows.rule
    result = backtest(
        settings,
        spec.dataset,
        date_from=windows.select_from,
        date_to=windows.report_to,
        horizon=spec.lead_h + spec.window_h - 1,
        origin_hours=tuple(sorted(set((rows.origin_h % 24).tolist()))),
        progress=progress,
    )
    told = result.scored.rows.assign(actual=result.scored.actual)
    told[list(QUANTILE_NAMES)] = result.scored.answers[result.champion]
    told = told[told["horizon_h"] >= spec.lead_h].sort_values(["series_id", "origin_at", "horizon_h"])
    return Forecasts.of(pa.Table.from_pandas(told, preserve_index=False), spec)
