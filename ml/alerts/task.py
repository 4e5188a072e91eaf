"""What learning one rule reads: its windows, rows and past forecasts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ml.alerts import dataset
from ml.alerts.dataset import AlertRows
from ml.alerts.implied import Forecasts
from ml.alerts.params import AlertParams
from warehouse import alerts as store
from warehouse.alert_rules import AlertRule
from warehouse.alerts import Asked
from warehouse.errors import BadInput
from warehouse.settings import Settings

MOST_READ = 60_000  # origins of a rule that are read; more are thinned, all series of an origin together


@dataclass(frozen=True)
class Windows:
    """Learn before select_from, choose on [select_from, report_from), report on [report_from, report_to)."""

    train_from: datetime
    select_from: datetime
    report_from: datetime
    report_to: datetime


@dataclass(frozen=True)
class Task:
    """Everything that learning one rule reads; learning itself touches no warehouse."""

    rule: dict[str, Any]
    rows: AlertRows
    forecasts: Forecasts
    windows: Windows
    params: AlertParams


def prepare(settings: Settings, rule: dict[str, Any], now: datetime, params: AlertParams) -> Task:
    """Raises BadInput where the rule has no origin at all."""
    windows = windows_before(settings, str(rule["rule_id"]), now, params)
    rows = read_rows(settings, rule, windows, params).known_before(now)
    past = forecasts(settings, rows.rule, start=windows.train_from, end=windows.report_to, now=now)
    return Task(rule, rows, past, windows, params)


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


def forecasts(
    settings: Settings, spec: AlertRule, *, start: datetime, end: datetime, now: datetime, run_id: str | None = None
) -> Forecasts:
    """Of the rule's windows from origins in [start, end), as told by `now`; `run_id`: by that very run."""
    table = store.past_forecasts(
        settings,
        spec.dataset,
        start=start,
        end=end,
        horizons=(spec.lead_h, spec.lead_h + spec.window_h - 1),
        now=now,
        run_id=run_id,
    )
    return Forecasts.of(table, spec)
