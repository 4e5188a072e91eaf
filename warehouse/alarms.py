"""Alarms: what is wrong now, by the marts; what was wrong before, by ml.alarms; and the rows a run adds there.

An alarm is raised once, stays open while its condition holds, and recovers once: two rows, append-only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from warehouse.results import read, replace
from warehouse.settings import Settings

RECENT = timedelta(hours=48)
# readings refused since the last good one have no hour of their own yet: what is all wrong is told at once
_SERIES = """
    with hours as (
        select series_id, observed_at, value, quality
        from marts.fct_observations
        where observed_at <= $now and observed_at > $now - interval 60 day
        union all by name
        select distinct series_id, observed_at, null::double as value, 'quarantined' as quality
        from marts.fct_quarantine
        anti join marts.fct_observations using (series_id, observed_at)
        where observed_at <= $now and observed_at > $since
    )
    select series.dataset, series.series_id,
        datediff('hour', max(hours.observed_at) filter (where hours.value is not null), $now) as silent_h,
        count(*) filter (where hours.quality = 'quarantined' and hours.observed_at > $since) as n_quarantined,
        count(*) filter (where hours.quality = 'stuck' and hours.observed_at > $since) as n_stuck,
        count(*) filter (where hours.observed_at > $since) as n_hours
    from marts.dim_series as series
    inner join hours on series.series_id = hours.series_id
    where series.is_target
    group by all
    order by all
"""
_RUNGS = """
    select dataset, count(distinct series_id) as n_series,
        count(distinct series_id) filter (where rung <> 'champion') as n_fallback,
        string_agg(distinct rung, ', ' order by rung) filter (where rung <> 'champion') as rungs
    from ml.forecasts
    anti join (from ml.arms where arm <> 'champion') as arms using (run_id, series_id)
    where run_id = $run_id
    group by dataset
    order by dataset
"""
_MODEL_DRIFT = """
    select drift.dataset, drift.model_version, drift.measure, drift.value, drift.promised, drift.cusum
    from marts.fct_model_drift as drift
    inner join marts.dim_champions as champions on drift.model_version = champions.model_version
    where drift.series_id = 'all'
    qualify row_number() over (partition by drift.dataset, drift.measure order by drift.origin_at desc) = 1
        and drift.is_drift
    order by all
"""
_PREDICTION_DRIFT = """
    select drift.dataset, drift.model_version, drift.worst_level, drift.worst_sd, drift.n_origins,
        drift.below[list_position([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95], drift.worst_level::decimal(3, 2))] as below
    from marts.fct_prediction_drift as drift
    inner join marts.dim_champions as champions on drift.model_version = champions.model_version
    where drift.series_id = 'all' and abs(drift.worst_sd) > $limit
    order by all
"""
_ALERT_DRIFT = """
    select rule_id, comes, probability, frequency
    from marts.fct_alert_drift
    where origin_day > $now::date - 7
    qualify row_number() over (partition by rule_id order by origin_day desc) = 1 and is_drift
    order by all
"""
_OPEN = """
    select * exclude (run_id)
    from ml.alarms
    where created_at <= $now and run_id <> $run_id
    qualify row_number() over (partition by alarm_id order by created_at desc, run_id desc, state desc) = 1
        and state = 'raised'
    order by alarm_id
"""


@dataclass(frozen=True)
class Alarm:
    """`alarm_id` names the condition, so that the same one is the same alarm tomorrow; `evidence`: where to look."""

    alarm_id: str
    kind: str
    severity: str  # warning, critical
    what: str
    next_step: str
    evidence: str


@dataclass(frozen=True)
class SeriesState:
    dataset: str
    series_id: str
    silent_h: int | None
    n_quarantined: int
    n_stuck: int
    n_hours: int


def series_states(settings: Settings, now: datetime) -> list[SeriesState]:
    """Of every target series with an hour in the last 60 days: the counts are of the last 48 hours."""
    return [SeriesState(**row) for row in read(settings, _SERIES, {"now": now, "since": now - RECENT})]


def fallback(settings: Settings, run_id: str) -> list[dict[str, object]]:
    """dataset, n_series, n_fallback, rungs: who answered in this run."""
    return read(settings, _RUNGS, {"run_id": run_id})


def model_drift(settings: Settings) -> list[dict[str, object]]:
    """Champions that err more than their backtest promised: the newest row of a dataset and measure."""
    return read(settings, _MODEL_DRIFT, {})


def prediction_drift(settings: Settings, limit: float) -> list[dict[str, object]]:
    """Champions whose quantiles lie elsewhere among the truths than promised, by more than `limit` standard errors."""
    return read(settings, _PREDICTION_DRIFT, {"limit": limit})


def alert_drift(settings: Settings, now: datetime) -> list[dict[str, object]]:
    """Rules whose events come more or less often than told, by the newest outcome of the last seven days."""
    return read(settings, _ALERT_DRIFT, {"now": now})


def open_before(settings: Settings, run_id: str, now: datetime) -> dict[str, Alarm]:
    """By alarm_id: raised by a run other than this one and not recovered since."""
    names = Alarm.__dataclass_fields__
    rows = read(settings, _OPEN, {"now": now, "run_id": run_id})
    return {row["alarm_id"]: Alarm(**{name: row[name] for name in names}) for row in rows}


def write(settings: Settings, run_id: str, now: datetime, raised: list[Alarm], recovered: list[Alarm]) -> None:
    """The same run again replaces its rows."""
    rows = [
        asdict(alarm) | {"state": state, "run_id": run_id, "created_at": now}
        for state, alarms in (("raised", raised), ("recovered", recovered))
        for alarm in alarms
    ]
    table = pa.Table.from_pylist(rows) if rows else None
    replace(settings, "ml.alarms", table, where="run_id = $run_id", values={"run_id": run_id})


def add(settings: Settings, run_id: str, at: datetime, alarm: Alarm, state: str) -> None:
    """One row beside those of the run: what it came to after it had looked for alarms."""
    table = pa.Table.from_pylist([asdict(alarm) | {"state": state, "run_id": run_id, "created_at": at}])
    key: dict[str, object] = {"run_id": run_id, "alarm_id": alarm.alarm_id, "state": state}
    replace(settings, "ml.alarms", table, where=" and ".join(f"{name} = ${name}" for name in key), values=key)
