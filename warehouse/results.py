"""Write-back of what the models concluded (schema `ml`), and its reading back. Every write is idempotent by its key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import duckdb
import pyarrow as pa

from warehouse.connection import connect
from warehouse.settings import Settings


def _replace(con: duckdb.DuckDBPyConnection, table: str, rows: pa.Table, where: str, values: dict[str, object]) -> None:
    con.execute(f"delete from {table} where {where}", values)
    con.register("new_rows", rows)
    con.execute(f"insert into {table} by name select * from new_rows")
    con.unregister("new_rows")


def _transaction(
    settings: Settings, work: Callable[[duckdb.DuckDBPyConnection], None], before_commit: Callable[[], None]
) -> None:
    with connect(settings) as con:
        con.begin()
        try:
            work(con)
            before_commit()
        except BaseException:
            con.rollback()
            raise
        con.commit()


def write_training(
    settings: Settings, *, run_id: str, dataset: str, versions: pa.Table, backtests: pa.Table, events: pa.Table
) -> None:
    """One training of one dataset: its versions, backtest rows and champion event appear together or not at all."""
    key: dict[str, object] = {"run_id": run_id, "dataset": dataset}

    def work(con: duckdb.DuckDBPyConnection) -> None:
        for table, rows in (("model_versions", versions), ("backtests", backtests), ("champion_events", events)):
            _replace(con, f"ml.{table}", rows, "run_id = $run_id and dataset = $dataset", key)

    _transaction(settings, work, lambda: None)


def write_forecasts(
    settings: Settings, *, run_id: str, rows: pa.Table, before_commit: Callable[[], None] = lambda: None
) -> None:
    """The forecasts of one run, in place of any that the same run wrote before."""

    def work(con: duckdb.DuckDBPyConnection) -> None:
        _replace(con, "ml.forecasts", rows, "run_id = $run_id", {"run_id": run_id})

    _transaction(settings, work, before_commit)


def versions(settings: Settings, dataset: str, now: datetime) -> list[dict[str, object]]:
    """Rows of ml.model_versions trained by `now`, newest first."""
    return _rows(
        settings,
        """
        select * from ml.model_versions where dataset = $dataset and trained_at <= $now
        order by trained_at desc, model_version desc
        """,
        {"dataset": dataset, "now": now},
    )


def champion_events(settings: Settings, dataset: str, now: datetime) -> list[dict[str, object]]:
    """Events by `now` that put a version in production, newest first."""
    return _rows(
        settings,
        """
        select * from ml.champion_events
        where dataset = $dataset and event_at <= $now and action in ('promote', 'rollback')
        order by event_at desc, event_id desc
        """,
        {"dataset": dataset, "now": now},
    )


def _rows(settings: Settings, sql: str, values: dict[str, object]) -> list[dict[str, object]]:
    with connect(settings, read_only=True) as con:
        found: list[dict[str, object]] = con.execute(sql, values).to_arrow_table().to_pylist()
    return found
