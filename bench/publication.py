"""A published copy made by SQL, in the shape that the marts' contracts promise: for servers that only read one."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import yaml

from warehouse.publish import NOT_PUBLISHED
from warehouse.settings import ROOT

ORIGIN = datetime(2026, 3, 2, 6)
HOUR = timedelta(hours=1)
MARTS = ROOT / "dbt_project" / "models" / "marts"

_SERIES = """
    insert into marts.dim_series by name
    select
        dataset || '.p' || n || '.' || variable as series_id, dataset, 'p' || n as place_id, variable,
        'made' as source, 'p' || n as subject, true as is_target, unit, 'Place ' || n as name, 'IT' as country,
        40 + (n * 7 % 60) / 10.0 as latitude, 8 + (n * 13 % 90) / 10.0 as longitude, 'Europe/Rome' as timezone,
        $origin - interval (24 * $days) hour as first_observed_at, $origin - interval 1 hour as last_observed_at,
        24 * $days as n_hours, n % 5 as n_missing, n % 3 as n_quarantined, 0 as n_stuck, 0 as n_revised
    from (
        select range as n, if(range % 2 = 0, 'weather', 'air') as dataset,
            if(range % 2 = 0, 'temperature_c', 'pm2_5_ugm3') as variable, if(range % 2 = 0, '°C', 'µg/m³') as unit
        from range($n_series)
    )
"""
_OBSERVATIONS = """
    insert into marts.fct_observations by name
    select
        series_id, observed_at,
        if(hash(series_id, observed_at) % 97 = 0, null,
           round(12 + 5 * sin(2 * pi() * (epoch(observed_at) / 86400)) + hash(series_id) % 7, 2)) as value,
        if(value is null, 'missing', 'ok') as quality, value as first_value, observed_at + interval 1 hour
        as first_known_at, observed_at + interval 1 hour as last_revised_at, 1 as n_versions, 1 as payload_seq
    from marts.dim_series, range($origin - interval (24 * $days) hour, $origin, interval 1 hour) as hours(observed_at)
"""
_FORECASTS = """
    insert into marts.fct_forecasts by name
    select
        'run-' || strftime(origin_at, '%Y%m%d') as run_id, dataset || '-combination-1' as model_version, dataset,
        series_id, place_id, variable, unit, origin_at, origin_at + to_hours(horizon_h::integer) as target_at,
        horizon_h::integer as horizon_h,
        round(12 + 5 * sin(2 * pi() * (epoch(origin_at) / 3600 + horizon_h) / 24) + hash(series_id) % 7, 4) as point,
        point - 3.3 as q05, point - 2.6 as q10, point - 1.3 as q25, point as q50, point + 1.3 as q75,
        point + 2.6 as q90, point + 3.3 as q95, if(hash(series_id) % 9 = 0, 'naive', 'champion') as rung,
        if(rung = 'naive', 'the champion has no value of the last day', null) as rung_reason,
        origin_at - interval 1 hour as data_as_of, origin_at + interval 10 minute as created_at
    from marts.dim_series, range(1, 49) as hours(horizon_h),
        range($origin - interval 24 hour, $origin + interval 1 hour, interval 24 hour) as origins(origin_at)
"""
_CURRENT = """
    insert into marts.fct_current_forecasts by name
    select *, null as override_id, point as model_point, null as override_reason
    from marts.fct_forecasts where origin_at = $origin
"""
_ALERTS = """
    insert into marts.fct_alerts by name
    select
        'run-' || strftime($origin, '%Y%m%d') as run_id, 'heat_day' as rule_id, series_id, dataset, place_id,
        name as place_name, country, timezone, $origin as origin_at, $origin as window_start,
        $origin + interval 24 hour as window_end, $origin as local_window_start,
        round((hash(series_id) % 100) / 100, 2) as probability, 0.1 as climatology, 0.5 as act_from,
        probability >= act_from as is_alert, 'A hot day' as description,
        if(is_alert, 'Open the shelters', null) as what_to_do, 'classifier' as method, 'heat_day-1' as model_version,
        'it was the best' as reason, $origin + interval 10 minute as created_at, false as is_silenced
    from marts.dim_series where dataset = 'weather'
"""
_MODELS = """
    insert into marts.dim_model_versions by name
    select
        dataset || '-combination-1' as model_version, dataset, 'combination' as model, 'champion' as role,
        'champion' as status, 'run-0' as run_id, $origin - interval 2 day as trained_at,
        $origin - interval 3 day as data_as_of, $origin - interval 90 day as train_from,
        $origin - interval 30 day as train_to, $origin - interval 30 day as report_from,
        $origin - interval 2 day as report_to, 1.2 as report_mae, 0.31 as report_skill, 0.4 as report_pinball,
        0.81 as report_coverage_80, $origin - interval 2 day as decided_at, 'no champion yet' as decision,
        'abc' as data_hash, '{}' as params
    from (select distinct dataset from marts.dim_series)
"""
_CHAMPIONS = """
    insert into marts.dim_champions by name
    select
        dataset, model_version, model, trained_at as champion_since, decision as reason, 'train' as actor, trained_at,
        data_as_of, report_from, report_to, '{}' as metrics
    from marts.dim_model_versions
"""
_HISTORY = """
    insert into marts.fct_champion_history by name
    select
        dataset, model_version, model, trained_at as valid_from, null as valid_to, true as is_current,
        'promote' as action, decision as reason, 'train' as actor, 'run-0.' || dataset as event_id, run_id, trained_at,
        train_from, train_to, data_hash
    from marts.dim_model_versions
"""
_RUNS = """
    insert into marts.fct_run_costs by name
    select
        'run-' || strftime(begun, '%Y%m%d') as run_id, 'daily' as flow, begun as as_of, begun as started_at,
        'ok' as status, false as is_training, 2 as n_steps, 60.5 as seconds, 80.0 as cpu_seconds, 1000 as read_bytes,
        2000 as written_bytes, 900.0 as peak_mib, 12 as n_calls, 14.5 as call_weight, $n_series as n_series,
        48 * $n_series as n_forecasts, 0.002 as cost_machine, 0 as cost_motherduck, 0 as cost_calls, 0.002 as cost,
        'USD' as currency, 0.01 as cost_per_1000, 0 as n_usual
    from range($origin - interval 24 hour, $origin + interval 1 hour, interval 24 hour) as runs(begun)
"""
_STEPS = """
    insert into marts.fct_runs by name
    select run_id, flow, step, as_of, started_at + to_seconds(nth) as started_at, started_at as finished_at, status,
        30.25 as seconds, 40.0 as cpu_seconds, 900.0 as peak_mib, 100 as n_rows, 1000 as read_bytes,
        2000 as written_bytes, 6 as n_calls, 7.0 as call_weight, 0.001 as cost, currency, '{}' as detail
    from marts.fct_run_costs, (values ('load', 0), ('predict', 1)) as steps(step, nth)
"""
FILLED = (_SERIES, _OBSERVATIONS, _FORECASTS, _CURRENT, _ALERTS, _MODELS, _CHAMPIONS, _HISTORY, _RUNS, _STEPS)


def write(
    data_dir: Path, *, n_series: int = 6, days: int = 30, run_id: str = "run-20260302", origin: datetime = ORIGIN,
    without: tuple[str, ...] = (), is_empty: bool = False,
) -> Path:  # fmt: skip
    """Publishes a copy under `data_dir` as a run does: the file first, then the pointer.

    `without`: marts that an older version did not have; `is_empty`: every mart, no row.
    """
    folder = data_dir / "published"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"gen-{run_id}.duckdb"
    with closing(duckdb.connect(str(path))) as con:
        con.execute("create schema marts")
        for name, columns in contracts().items():
            con.execute(f"create table marts.{name} ({columns})")
        known = {"origin": origin, "days": days, "n_series": n_series}
        for sql in () if is_empty else FILLED:
            con.execute(sql, {name: value for name, value in known.items() if f"${name}" in sql})
        for name in without:
            con.execute(f"drop table marts.{name}")
        tables = {name: 0 for name in contracts() if name not in without}
        con.execute(
            "create table main.publication as select $1::varchar as run_id, $2::timestamp as published_at, "
            "'made' as fingerprint, $3::json as tables",
            [run_id, origin + timedelta(minutes=15), json.dumps(tables)],
        )
    pointer = folder / "CURRENT"
    draft = folder / "CURRENT.draft"
    draft.write_text(path.name + "\n")
    draft.replace(pointer)
    return path


def contracts() -> dict[str, str]:
    """Columns by published mart, as its yml promises them."""
    found = {}
    for path in sorted(MARTS.rglob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            if model["name"] not in NOT_PUBLISHED:
                columns = (f'"{column["name"]}" {column["data_type"]}' for column in model["columns"])
                found[model["name"]] = ", ".join(columns)
    return found
