"""Publishing: marts copied into one new file, masked, checked, and swapped in at once. The last three stay."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse.connection import connect
from warehouse.errors import BadInput, DataTestFailed
from warehouse.faultpoint import reach
from warehouse.last_look import mask_copy, names_private
from warehouse.published import COPY_NAME, open_copy
from warehouse.replica import share
from warehouse.settings import Settings
from warehouse.swap import point, remove, remove_left, sync, tidy

# Read by models only, and most of the warehouse's bytes; the views over them go with them.
NOT_PUBLISHED = (
    "fct_origin_features",
    "fct_live_origin_features",
    "fct_all_origin_features",
    "fct_issued_forecasts",
    "fct_forecast_features",
    "fct_alert_outcomes",
    "fct_alert_frequencies",
    "fct_alert_features",
)
_WANTED = """
    select table_name from information_schema.tables
    where table_catalog = current_database() and table_schema = 'marts'
      and not list_contains($1, table_name) and not contains(table_name, '__dbt_')
    order by table_name
"""
_WITHOUT_FORECAST = """
    select series_id from marts.dim_series
    where is_target and last_observed_at is not null
      and series_id not in (select series_id from marts.fct_forecasts where run_id = $1)
    order by series_id
"""


_LAST_DAILY = """
    select max(finished_at) from ml.runs
    where flow = 'daily' and step = 'publish' and status = 'ok' and finished_at <= $1
"""


@dataclass(frozen=True)
class Published:
    """`tables` maps each published table to its rows; the forecast counts are those of one run where one was named.

    `masked`: columns in which the name of a private place was replaced at the last moment; `not_announced`: what
    MotherDuck's replicas and readers were not told of it, and why.
    """

    path: Path
    run_id: str
    tables: dict[str, int]
    n_forecast_rows: int
    n_forecast_series: int
    masked: list[str] = field(default_factory=list)
    not_announced: list[str] = field(default_factory=list)

    @property
    def n_rows(self) -> int:
        return sum(self.tables.values())


def publish(
    settings: Settings, *, run_id: str, now: datetime, forecasts_of: str | None = None, fingerprint: str = ""
) -> Published:
    """Copies, masks, checks and swaps. `forecasts_of`: the run whose forecasts every observed target series must have.

    Raises DataTestFailed where the copy is not what it should be; the previous copy then stays.
    """
    folder = settings.published_path
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"gen-{run_id}.duckdb"
    if not COPY_NAME.match(final.name):
        raise BadInput(f"run id {run_id!r} is no file name")
    temporary = folder / f"{final.name}.tmp"
    remove(temporary)
    try:
        with connect(settings) as con:
            tables = _copy(con, temporary)
            daily_at = now if forecasts_of else _one(con, _LAST_DAILY, [now])[0]
        masked = mask_copy(temporary, settings)
        n_rows, n_series = _check(temporary, tables, forecasts_of=forecasts_of)
        _describe(temporary, run_id=run_id, now=now, tables=tables, fingerprint=fingerprint, daily_at=daily_at)
        sync(temporary)
        not_announced = share(settings, temporary) if settings.is_motherduck else []
        os.replace(temporary, final)
    except BaseException:
        remove(temporary)
        raise
    reach("publish.before_swap")
    point(folder, final.name)
    tidy(folder, current=final.name, stays=lambda copy: not names_private(copy, settings))
    remove_left(folder, "gen-*.tmp")
    return Published(final, run_id, tables, n_rows, n_series, masked, not_announced)


def _copy(con: duckdb.DuckDBPyConnection, target: Path) -> dict[str, int]:
    """Rows per mart. The local file is attached to the same connection: MotherDuck copies the same way."""
    names = [name for (name,) in con.execute(_WANTED, [list(NOT_PUBLISHED)]).fetchall()]
    (source,) = _one(con, "select current_database()")
    con.execute(f"attach '{str(target).replace(chr(39), chr(39) * 2)}' as published")
    try:
        con.execute("create schema published.marts")
        for name in names:
            con.execute(f'create table published.marts."{name}" as select * from "{source}".marts."{name}"')
        return {name: _one(con, f'select count(*) from "{source}".marts."{name}"')[0] for name in names}
    finally:
        con.execute("detach published")


def _check(path: Path, tables: dict[str, int], *, forecasts_of: str | None) -> tuple[int, int]:
    """(forecast rows, forecast series) of a copy that holds what the warehouse holds."""
    with open_copy(path) as con:
        for name, expected in tables.items():
            (seen,) = _one(con, f'select count(*) from marts."{name}"')
            if seen != expected:
                raise DataTestFailed(f"the copy of {name} has {seen} rows, the mart {expected}; not published")
        if forecasts_of is not None:
            _check_forecasts(con, tables, forecasts_of)
        if "fct_forecasts" not in tables:
            return 0, 0
        query = (
            "select count(*), count(distinct series_id) from marts.fct_forecasts where run_id = coalesce($1, run_id)"
        )
        n_rows, n_series = _one(con, query, [forecasts_of])
        return n_rows, n_series


def _check_forecasts(con: duckdb.DuckDBPyConnection, tables: dict[str, int], run_id: str) -> None:
    """Every target series with at least one observed hour has forecast rows of this run."""
    for name in ("fct_forecasts", "dim_series"):
        if name not in tables:
            raise DataTestFailed(f"the mart {name} is missing: there is nothing to publish. Run `skyduck build` first")
    missing = [series_id for (series_id,) in con.execute(_WITHOUT_FORECAST, [run_id]).fetchall()]
    if missing:
        names = ", ".join(missing[:5])
        raise DataTestFailed(f"{len(missing)} series have no forecast of run {run_id} ({names}); not published")


def _describe(
    path: Path, *, run_id: str, now: datetime, tables: dict[str, int], fingerprint: str, daily_at: datetime | None
) -> None:
    """One row that tells a reader what this copy is, and when a daily run last published."""
    with closing(duckdb.connect(str(path))) as con:
        con.execute(
            "create table main.publication as select $1::varchar as run_id, $2::timestamp as published_at, "
            "$3::varchar as fingerprint, $4::json as tables, $5::timestamp as daily_at",
            [run_id, now, fingerprint, json.dumps(tables), daily_at],
        )


def _one(con: duckdb.DuckDBPyConnection, query: str, arguments: list[Any] | None = None) -> tuple[Any, ...]:
    row = con.execute(query, arguments or []).fetchone()
    assert row is not None
    return row
