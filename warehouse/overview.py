"""Named reads for people: what ran, who is champion, what is forecast, what is missing. Rows are plain dicts."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import duckdb

from warehouse.connection import connect
from warehouse.mask import mask_of
from warehouse.published import open_copy, publication, published_copy
from warehouse.results import EVENTS, NEWEST_FIRST, PRODUCTION
from warehouse.settings import Settings

Row = dict[str, Any]

_LAST_RUNS = """
    select
        run_id, flow, any_value(as_of) as as_of, min(started_at) as started_at, max(finished_at) as finished_at,
        coalesce(max(status) filter (step = 'total'), 'interrupted') as status,
        coalesce(max(seconds) filter (step = 'total'), sum(seconds)) as seconds,
        max(peak_mib) as peak_mib, max(detail ->> 'error') filter (status = 'failed') as error
    from ml.runs where as_of <= $2 group by run_id, flow
    order by max(detail ->> 'recorded_at') desc, finished_at desc limit $1
"""
_CHAMPIONS = f"""
    with newest as (
        select * from {EVENTS} where action in {PRODUCTION} and event_at <= $1
        qualify row_number() over (partition by dataset order by {NEWEST_FIRST}) = 1
    )
    select dataset, model, model_version, event_at as since, reason, action, trained_at, versions.run_id
    from newest left join (select * exclude (dataset) from ml.model_versions) as versions using (model_version)
    order by dataset
"""
# Candidates on which nothing was decided since, and which nothing newer has overtaken.
_WAITING = f"""
    with events as (select * from {EVENTS} where event_at <= $1),
    last_words as (
        select * from events qualify row_number() over (partition by model_version order by {NEWEST_FIRST}) = 1
    ),
    newest as (
        select event_id from events where action in ('promote', 'approve', 'candidate')
        qualify row_number() over (partition by dataset order by {NEWEST_FIRST}) = 1
    )
    select dataset, model_version, event_at as since, reason
    from last_words semi join newest using (event_id) where action = 'candidate' order by dataset
"""
_DECISIONS = f"""
    select dataset, model_version, action, reason from {EVENTS} where run_id = $1
    order by dataset, event_at, event_seq nulls first, event_id
"""
# The competition that the version in production came from, else the newest, on windows that no model was chosen by.
_COMPETITION = f"""
    with scores as (
        select
            dataset, run_id, model, avg(abs(point - actual)) as mae, count(distinct origin_at) as n_origins,
            avg((actual between q10 and q90)::integer) as coverage80
        from ml.backtests where role = 'report' group by all
    ),
    production as (
        select model_version from {EVENTS} where action in {PRODUCTION}
        qualify row_number() over (partition by dataset order by {NEWEST_FIRST}) = 1
    ),
    newest as (
        select dataset, run_id from ml.model_versions
        where (dataset, run_id) in (select (dataset, run_id) from scores)
        qualify row_number() over (
            partition by dataset
            order by model_version in (select model_version from production) desc, trained_at desc, run_id desc
        ) = 1
    )
    select dataset, model, mae, coverage80, n_origins, starts_with(model, 'naive') as is_naive
    from scores inner join newest using (dataset, run_id) order by dataset, mae, model
"""
_FORECASTS = """
    with latest as (
        select series_id, arg_max(value, observed_at) as now_value, max(observed_at) as now_at
        from marts.fct_observations where value is not null group by series_id
    )
    select
        series_id, forecasts.dataset, names.name, names.unit, now_value, now_at, any_value(rung) as rung,
        any_value(rung_reason) as rung_reason,
        max(point) filter (horizon_h = 24) as point_24, max(q10) filter (horizon_h = 24) as low_24,
        max(q90) filter (horizon_h = 24) as high_24,
        max(point) filter (horizon_h = 48) as point_48, max(q10) filter (horizon_h = 48) as low_48,
        max(q90) filter (horizon_h = 48) as high_48
    from ml.forecasts as forecasts
    left join latest using (series_id)
    left join (select series_id, name, unit from marts.dim_series) as names using (series_id)
    where forecasts.run_id = $1 group by all order by forecasts.dataset, series_id
"""
# The newest attempt at each window decides whether it still misses something.
_GAPS = """
    with newest as (
        select * from raw.loads where attempted_at <= $1
        qualify row_number() over (
            partition by source, endpoint, subject, window_start order by attempted_at desc, run_id desc
        ) = 1
    )
    select
        source, endpoint, subject, count(*) as n_windows,
        sum(greatest(n_expected - n_present, 0)) as n_missing_hours, count(*) filter (status = 'failed') as n_failed,
        count(*) filter (status = 'rejected') as n_rejected, max(reason) as reason
    from newest where n_present < n_expected or status in ('failed', 'rejected')
    group by all order by n_missing_hours desc, source, subject
"""
_FRESHNESS = """
    select
        source, endpoint, max(attempted_at) as last_attempt_at,
        max(attempted_at) filter (status in ('ok', 'empty')) as last_answer_at,
        max(last_observed_at) as last_observed_at, sum(is_new_body::integer) as n_bodies
    from raw.loads where attempted_at <= $1 group by all order by source, endpoint
"""


def _read_only(settings: Settings) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    # MotherDuck has no writer to disturb, and may not have the tables yet
    return connect(settings, read_only=not settings.is_motherduck)


def _rows(con: duckdb.DuckDBPyConnection, query: str, arguments: list[Any] | None = None) -> list[Row]:
    found = con.execute(query, arguments or [])
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def last_runs(settings: Settings, limit: int = 5, *, as_of: datetime = datetime.max) -> list[Row]:
    with _read_only(settings) as con:
        return _rows(con, _LAST_RUNS, [limit, as_of])


def competition(settings: Settings) -> list[Row]:
    """Per dataset and model: MAE and coverage on untouched windows, naive methods among them."""
    with _read_only(settings) as con:
        return _rows(con, _COMPETITION)


def forecasts(settings: Settings, run_id: str) -> list[Row]:
    """One row per series: the value now, and 24 and 48 hours ahead with their 80 % intervals."""
    with _read_only(settings) as con:
        return _rows(con, _FORECASTS, [run_id])


def champions(settings: Settings, *, as_of: datetime = datetime.max) -> list[Row]:
    """What was in production at a moment (default: what is)."""
    with _read_only(settings) as con:
        return _rows(con, _CHAMPIONS, [as_of])


def waiting(settings: Settings, *, as_of: datetime = datetime.max) -> list[Row]:
    """Versions that wait for a person's approval, at most one per dataset."""
    with _read_only(settings) as con:
        return _rows(con, _WAITING, [as_of])


def decisions(settings: Settings, run_id: str) -> list[Row]:
    """How one run judged what it trained."""
    with _read_only(settings) as con:
        return _rows(con, _DECISIONS, [run_id])


def ledger(settings: Settings, *, as_of: datetime = datetime.max) -> dict[str, list[Row]]:
    """`freshness` per source and endpoint, `gaps` per subject that still misses hours."""
    mask = mask_of(settings)
    with _read_only(settings) as con:
        gaps = _rows(con, _GAPS, [as_of])
        shown = [gap | {name: mask.text(gap[name]) for name in ("subject", "reason") if gap[name]} for gap in gaps]
        return {"freshness": _rows(con, _FRESHNESS, [as_of]), "gaps": shown}


def published_facts(settings: Settings) -> Row:
    """What readers see: path, time, series, forecast rows of the newest run, newest observed hour."""
    path = published_copy(settings)
    run_id, published_at, _ = publication(path)
    with open_copy(path) as con:
        named = _rows(con, "select table_name from duckdb_tables() where schema_name = 'marts'")
        tables = {row["table_name"] for row in named}
        facts: Row = {"published_path": str(path), "published_at": published_at, "published_run": run_id}
        facts |= {"n_series": 0, "n_forecast_rows": 0, "data_as_of": None}
        if "dim_series" in tables:
            facts["n_series"] = _value(con, "select count(*) from marts.dim_series where is_target")
        if "fct_forecasts" in tables:
            facts["n_forecast_rows"] = _value(
                con,
                "select count(*) from marts.fct_forecasts where run_id = "
                "(select arg_max(run_id, (created_at, run_id)) from marts.fct_forecasts)",
            )
        if "fct_observations" in tables:
            facts["data_as_of"] = _value(
                con, "select max(observed_at) from marts.fct_observations where value is not null"
            )
    return facts


def _value(con: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = con.execute(query).fetchone()
    return row[0] if row else None
