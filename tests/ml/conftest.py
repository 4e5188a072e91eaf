"""Builds the feature marts from series made in Python, with the SQL of the dbt models themselves.

Only what lies before the feature marts is written by hand: observations, their versions and the series dimension.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pytest

from ml.params import Params, load_params
from warehouse.connection import connect
from warehouse.settings import Settings

FEATURES = (
    "fct_origin_features",
    "fct_live_origin_features",
    "fct_all_origin_features",
    "fct_issued_forecasts",
    "fct_forecast_features",
)
VIEWS = ("fct_all_origin_features", "fct_forecast_features")
DBT = Path(__file__).resolve().parents[2] / "dbt_project"
START = datetime(2026, 1, 1)
NOW = datetime(2026, 3, 22, 7)  # not on the three-hourly grid
DAYS = 80
SCHEMAS = {"int_observation_versions": "staging", "int_forecasts_issued": "staging"}

TABLES = """
create schema if not exists staging;
create schema if not exists marts;
create or replace table marts.dim_series as
select
    series_id, dataset, place_id, variable, is_target, unit, place_id as name, 'XX' as country,
    latitude, longitude, timezone, 'files' as source, place_id as subject,
    first_observed_at, last_observed_at, n_hours, n_missing,
from series;
create or replace table marts.fct_observations as
with bounds as (
    select series_id::varchar as series_id, min(observed_at) as a, max(observed_at) as b from readings group by all
),
grid as (select series_id, unnest(generate_series(a, b, interval 1 hour)) as observed_at from bounds),
versions as (
    select
        series_id::varchar as series_id, observed_at,
        arg_max(value, version_no) as value, arg_min(value, version_no) as first_value,
        min(known_at) as first_known_at,
        case when count(*) > 1 then max(known_at) end as last_revised_at, count(*)::integer as n_versions,
    from readings group by all
)
select
    series_id, observed_at, value, case when value is null then 'missing' else 'ok' end as quality,
    first_value, first_known_at, last_revised_at, coalesce(n_versions, 0) as n_versions, 1::bigint as payload_seq,
from grid left join versions using (series_id, observed_at);
create table if not exists staging.int_forecasts_issued (
    place_id varchar, variable varchar, payload_seq bigint, target_at timestamp, days_before integer,
    known_before_h integer, available_at timestamp, value double
);
create or replace table staging.int_observation_versions as
select series_id, observed_at, version_no, value, known_at, 1::bigint as payload_seq, 30 as priority from readings;
"""


def _environment(as_of: datetime) -> jinja2.Environment:
    env = jinja2.Environment(loader=jinja2.BaseLoader(), extensions=["jinja2.ext.do"], autoescape=False)
    env.globals.update(
        config=lambda **_: "",
        ref=lambda name: f"{SCHEMAS.get(name, 'marts')}.{name}",
        is_incremental=lambda: False,
        and_first_places=lambda: "",  # of so few places there are no ranges
        execute=False,
        as_of=lambda: f"timestamp '{as_of}'",
    )
    for name in (
        "origin_grid",
        "origin_histories",
        "origin_features",
        "issued_past_runs",
        "issued_bodies",
        "issued_arrays",
    ):
        macros = (DBT / "macros" / f"{name}.sql").read_text(encoding="utf-8")
        env.globals[name] = getattr(env.from_string(macros).module, name)
    return env


def build_features(con: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    """The feature marts from what the earlier marts hold, as `dbt build --full-refresh` would."""
    env = _environment(as_of)
    for name in FEATURES:
        sql = env.from_string((DBT / f"models/marts/features/{name}.sql").read_text(encoding="utf-8")).render()
        kind = "view" if name in VIEWS else "table"
        con.execute(f"create or replace {kind} marts.{name} as {sql}")


def series_row(dataset: str, place: str, variable: str, *, is_target: bool, **more: Any) -> dict[str, Any]:
    return {
        "series_id": f"{dataset}.{place}.{variable}",
        "dataset": dataset,
        "place_id": place,
        "variable": variable,
        "is_target": is_target,
        "unit": "u",
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


def build_world(folder: Path, series: list[dict[str, Any]], table: pd.DataFrame) -> Settings:
    """A data directory of its own, as of NOW."""
    settings = Settings(data_dir=folder)
    build_marts(settings, series, table, NOW)
    return settings


def copy_world(settings: Settings, folder: Path) -> Settings:
    shutil.copytree(settings.data_dir, folder)
    return Settings(data_dir=folder)


def wave(seed: int, hours: int = DAYS * 24 + 8) -> np.ndarray:
    """Something like PM2.5: a daily course, slow weather, noise; learnable and never negative."""
    rng = np.random.default_rng(seed)
    at = np.arange(hours)
    weather = np.convolve(rng.normal(size=hours + 47), np.ones(48) / 7, mode="valid")
    return np.maximum(20 + 8 * np.sin(2 * np.pi * (at - 3 * seed) / 24) + 3 * weather + rng.normal(0, 1, hours), 0.1)


def small_world() -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Dataset `air`: three places with PM2.5, two of them with NO2 as well."""
    series, tables = [], []
    for number, place in enumerate(("A", "B", "C")):
        series.append(series_row("air", place, "pm2_5_ugm3", is_target=True, latitude=51.0 + number))
        tables.append(readings(series[-1]["series_id"], START, wave(number)))
        if place != "C":
            series.append(series_row("air", place, "nitrogen_dioxide_ugm3", is_target=False))
            tables.append(readings(series[-1]["series_id"], START, 2 * wave(number)))
    return series, pd.concat(tables, ignore_index=True)


def small_params(dataset: str = "air", **training: Any) -> Params:
    """The dataset's own params.yaml block with everything that takes time made small."""
    params = load_params(dataset)
    models = {name: dict(block) for name, block in params.models.items()}
    models["lightgbm_direct"] |= {
        "n_trees": 50,
        "n_spread_trees": 10,
        "num_leaves": 15,
        "min_data_in_leaf": 40,
        "learning_rate": 0.15,
    }
    return params.model_copy(
        update={
            "models": models,
            "features": params.features.model_copy(update={"lags": 24}),
            "training": params.training.model_copy(
                update={"min_days": 20, "max_train_rows": 12_000, "history_days": 400, **training}
            ),
            "evaluation": params.evaluation.model_copy(
                update={"select_days": 21, "select_hours": (0,), "report_days": 10}
            ),
            "calibration": params.calibration.model_copy(update={"min_rows": 100}),
        }
    )


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the small world's marts as of NOW."""
    folder = tmp_path_factory.mktemp("world")
    build_marts(Settings(data_dir=folder), *small_world(), NOW)
    return folder


@pytest.fixture(scope="session")
def world(built: Path) -> Settings:
    """The small world, for tests that only read."""
    return Settings(data_dir=built)


@pytest.fixture
def own_world(built: Path, tmp_path: Path) -> Settings:
    """The small world, for tests that write."""
    shutil.copytree(built, tmp_path / "data")
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def make_world(tmp_path: Path) -> Callable[..., Settings]:
    """A world of one's own: make_world(series, readings, as_of)."""

    def make(series: list[dict[str, Any]], table: pd.DataFrame, as_of: datetime = NOW, name: str = "made") -> Settings:
        settings = Settings(data_dir=tmp_path / name)
        build_marts(settings, series, table, as_of)
        return settings

    return make


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    """What the tests build worlds from."""
    return SimpleNamespace(
        start=START,
        now=NOW,
        hour=timedelta(hours=1),
        day=timedelta(days=1),
        wave=wave,
        series_row=series_row,
        readings=readings,
        small_world=small_world,
        small_params=small_params,
        build_features=build_features,
        build_world=build_world,
        copy_world=copy_world,
    )
