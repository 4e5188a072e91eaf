"""Write-back of what the models concluded (schema `ml`), and its reading back. Every write is idempotent by its key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.connection import connect
from warehouse.motherduck import retried, roll_back
from warehouse.settings import Settings

PRODUCTION = ("promote", "approve", "rollback")  # actions that put a version in production
ACTIONS = (*PRODUCTION, "candidate", "keep", "reject")
# as it is in a warehouse made before events of one moment had an order
EVENTS = "(select * from ml.champion_events union all by name select null::bigint as event_seq where false)"
NEWEST_FIRST = "event_at desc, event_seq desc nulls last, event_id desc"


def _replace(
    con: duckdb.DuckDBPyConnection, table: str, rows: pa.Table | None, where: str, values: dict[str, object]
) -> None:
    con.execute(f"delete from {table} where {where}", values)
    if rows is None:
        return
    con.register("new_rows", rows)
    con.execute(f"insert into {table} by name select * from new_rows")
    con.unregister("new_rows")


def _append(con: duckdb.DuckDBPyConnection, table: str, key: str, rows: pa.Table) -> None:
    """Rows whose key is not there yet. What is there stays as it was written."""
    con.register("new_rows", rows)
    con.execute(f"insert into {table} by name select * from new_rows where {key} not in (select {key} from {table})")
    con.unregister("new_rows")


def _append_events(con: duckdb.DuckDBPyConnection, events: pa.Table, table: str = "ml.champion_events") -> None:
    found = con.execute(f"select coalesce(max(event_seq), 0) from {table}").fetchone()
    first = (found[0] if found else 0) + 1
    numbers = pa.array(range(first, first + len(events)), pa.int64())
    _append(con, table, "event_id", events.append_column("event_seq", numbers))


def _transaction(
    settings: Settings, work: Callable[[duckdb.DuckDBPyConnection], None], before_commit: Callable[[], None]
) -> None:
    def attempt() -> None:
        with connect(settings) as con:
            con.begin()
            try:
                work(con)
                before_commit()
                con.commit()
            except BaseException:
                roll_back(con)
                raise

    retried(attempt)


def replace(
    settings: Settings,
    table: str,
    rows: pa.Table | None,
    *,
    where: str,
    values: dict[str, object],
    before_commit: Callable[[], None] = lambda: None,
) -> None:
    """Rows (None = none) in place of those that a condition with its named values finds, or nothing is changed."""
    _transaction(settings, lambda con: _replace(con, table, rows, where, values), before_commit)


def read(settings: Settings, sql: str, values: dict[str, object]) -> list[dict[str, Any]]:
    """The rows of a query with named values."""
    with connect(settings, read_only=True) as con:
        found: list[dict[str, Any]] = con.execute(sql, values).to_arrow_table().to_pylist()
    return found


def write_training(
    settings: Settings, *, run_id: str, dataset: str, versions: pa.Table, backtests: pa.Table, events: pa.Table
) -> None:
    """One training of one dataset: its versions, backtest rows and event appear together or not at all.

    Versions and events are append-only: what the same run wrote before is neither changed nor removed.
    """
    key: dict[str, object] = {"run_id": run_id, "dataset": dataset}

    def work(con: duckdb.DuckDBPyConnection) -> None:
        _append(con, "ml.model_versions", "model_version", versions)
        _replace(con, "ml.backtests", backtests, "run_id = $run_id and dataset = $dataset", key)
        _append_events(con, events)

    _transaction(settings, work, lambda: None)


def append_events(settings: Settings, events: list[dict[str, object]], table: str = "ml.champion_events") -> None:
    """Decisions of a person, all or none. An event_id that is there already changes nothing."""
    _transaction(settings, lambda con: _append_events(con, pa.Table.from_pylist(events), table), lambda: None)


def write_forecasts(
    settings: Settings,
    *,
    run_id: str,
    rows: pa.Table,
    beside: pa.Table | None = None,
    arms: pa.Table | None = None,
    before_commit: Callable[[], None] = lambda: None,
) -> None:
    """What one run forecasts, what was answered beside it and who answered whom, in place of what it wrote before."""
    tables = {"ml.forecasts": rows, "ml.shadow_forecasts": beside, "ml.arms": arms}

    def work(con: duckdb.DuckDBPyConnection) -> None:
        for table, found in tables.items():
            _replace(con, table, found, "run_id = $run_id", {"run_id": run_id})

    _transaction(settings, work, before_commit)


def write_explanations(settings: Settings, *, run_id: str, rows: pa.Table | None) -> None:
    """What moved the forecasts of one run, in place of any that the same run wrote before; None = nothing to say."""
    replace(settings, "ml.explanations", rows, where="run_id = $run_id", values={"run_id": run_id})


def versions(settings: Settings, dataset: str | None, now: datetime) -> list[dict[str, object]]:
    """Rows of ml.model_versions trained by `now`, newest first; dataset None = of all."""
    return read(
        settings,
        """
        select * from ml.model_versions where ($dataset is null or dataset = $dataset) and trained_at <= $now
        order by trained_at desc, model_version desc
        """,
        {"dataset": dataset, "now": now},
    )


def champion_events(
    settings: Settings, dataset: str | None, now: datetime, actions: tuple[str, ...] = PRODUCTION
) -> list[dict[str, object]]:
    """Events by `now`, newest first; by default those that put a version in production."""
    return read(
        settings,
        f"""
        select * from {EVENTS}
        where ($dataset is null or dataset = $dataset) and event_at <= $now and list_contains($actions, action)
        order by {NEWEST_FIRST}
        """,
        {"dataset": dataset, "now": now, "actions": list(actions)},
    )


def backtest(settings: Settings, run_id: str, dataset: str, model: str) -> pa.Table:
    """One model's answers on the report windows of one training: key, actual and quantiles."""
    with connect(settings, read_only=True) as con:
        return con.execute(
            """
            select series_id, origin_at, horizon_h, actual, q05, q10, q25, q50, q75, q90, q95 from ml.backtests
            where run_id = $run_id and dataset = $dataset and model = $model and role = 'report'
            order by origin_at, series_id, horizon_h
            """,
            {"run_id": run_id, "dataset": dataset, "model": model},
        ).to_arrow_table()
