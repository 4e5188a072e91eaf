"""Builds the feature marts from series made in Python, with the SQL of the dbt models themselves.

Only what lies before the feature marts is written by hand: observations, their versions and the series dimension.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import numpy as np
import pandas as pd

from warehouse.connection import connect
from warehouse.settings import Settings

DBT = Path(__file__).resolve().parents[2] / "dbt_project"
SCHEMAS = {"int_observation_versions": "staging"}

TABLES = """
create schema if not exists staging;
create schema if not exists marts;
create or replace table marts.dim_series as
select
    series_id, dataset, place_id, variable, is_target, unit, plausible_min, plausible_max, place_id as name, 'XX' as country,
    latitude, longitude, timezone, 'files' as source, place_id as subject,
    first_observed_at, last_observed_at, n_hours, n_missing,
from series;
create or replace table marts.fct_observations as
with bounds as (select series_id, min(observed_at) as a, max(observed_at) as b from readings group by all),
grid as (select series_id, unnest(generate_series(a, b, interval 1 hour)) as observed_at from bounds),
versions as (
    select
        series_id, observed_at,
        arg_max(value, version_no) as value, arg_min(value, version_no) as first_value, min(known_at) as first_known_at,
        case when count(*) > 1 then max(known_at) end as last_revised_at, count(*)::integer as n_versions,
    from readings group by all
)
select
    series_id, observed_at, value, case when value is null then 'missing' else 'ok' end as quality,
    first_value, first_known_at, last_revised_at, coalesce(n_versions, 0) as n_versions, 1::bigint as payload_seq,
from grid left join versions using (series_id, observed_at);
create or replace table staging.int_observation_versions as
select series_id, observed_at, version_no, value, known_at, 1::bigint as payload_seq, 30 as priority from readings;
"""


def _environment(as_of: datetime) -> jinja2.Environment:
    env = jinja2.Environment(loader=jinja2.BaseLoader(), extensions=["jinja2.ext.do"], autoescape=False)
    env.globals.update(
        config=lambda **_: "",
        ref=lambda name: f"{SCHEMAS.get(name, 'marts')}.{name}",
        is_incremental=lambda: False,
        execute=False,
        as_of=lambda: f"timestamp '{as_of}'",
    )
    macros = (DBT / "macros" / "origin_features.sql").read_text(encoding="utf-8")
    env.globals["origin_features"] = env.from_string(macros).module.origin_features  # type: ignore[attr-defined]
    return env


def build_features(con: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    """The three feature marts from what the earlier marts hold, as `dbt build --full-refresh` would."""
    env = _environment(as_of)
    for name in ("fct_origin_features", "fct_live_origin_features", "fct_forecast_features"):
        sql = env.from_string((DBT / f"models/marts/features/{name}.sql").read_text(encoding="utf-8")).render()
        kind = "view" if name == "fct_forecast_features" else "table"
        con.execute(f"create or replace {kind} marts.{name} as {sql}")


def series_row(dataset: str, place: str, variable: str, *, is_target: bool, **more: Any) -> dict[str, Any]:
    return {
        "series_id": f"{dataset}.{place}.{variable}",
        "dataset": dataset,
        "place_id": place,
        "variable": variable,
        "is_target": is_target,
        "unit": "u",
        "plausible_min": 0.0,
        "plausible_max": 1000.0,
        "latitude": 51.5,
        "longitude": 0.1,
        "timezone": "Europe/London",
        **more,
    }


def readings(series_id: str, start: datetime, values: np.ndarray, *, lag_hours: float = 0) -> pd.DataFrame:
    """First versions of hourly values, known `lag_hours` after their hour; NaN = no reading."""
    at = pd.date_range(start, periods=len(values), freq="h")
    table = pd.DataFrame({"series_id": series_id, "observed_at": at, "version_no": 1, "value": values})
    table["known_at"] = table["observed_at"] + pd.Timedelta(hours=lag_hours)
    return table[np.isfinite(table["value"])]


def build_marts(settings: Settings, series: list[dict[str, Any]], table: pd.DataFrame, as_of: datetime) -> None:
    """Everything known by `as_of`, as the warehouse would hold it."""
    table = table[table["known_at"] <= as_of]
    spans = table.groupby("series_id")["observed_at"].agg(["min", "max", "count"])
    dim = pd.DataFrame(series).set_index("series_id")
    dim["first_observed_at"], dim["last_observed_at"] = spans["min"], spans["max"]
    dim["n_hours"], dim["n_missing"] = spans["count"], 0
    with connect(settings) as con:
        con.register("series", dim.reset_index())
        con.register("readings", table)
        con.execute(TABLES)
        build_features(con, as_of)
