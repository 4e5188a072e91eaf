"""What `raw` already holds, asked in sets: the loader plans from it. All is as of `now`; later rows are not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
import orjson


@dataclass(frozen=True)
class DayState:
    """What the ledger knows of one day. answered_at: last attempt that the source answered (ok or empty)."""

    answered_at: datetime | None
    is_complete: bool


def day_states(
    con: duckdb.DuckDBPyConnection, source: str, endpoint: str, *, now: datetime, start: datetime, end: datetime
) -> dict[tuple[str, datetime], DayState]:
    """(subject, start of day) -> what was known of it at `now`; days never attempted, or only in vain, are absent."""
    rows = con.execute(
        """
        with days as (
            select
                subject, attempted_at, status,
                unnest(generate_series(window_start, window_end - interval 1 day, interval 1 day)) as day_start,
                n_present >= n_expected and coalesce(reason, '') not like 'incomplete:%' as has_all
            from raw.loads
            where source = $source and endpoint = $endpoint and attempted_at <= $now
                and window_end > $start and window_start < $end and status in ('ok', 'empty')
        )
        select
            subject, day_start, max(attempted_at),
            coalesce(bool_or(has_all) filter (status = 'ok' and attempted_at >= day_start + interval 1 day), false)
        from days
        where day_start >= $start and day_start < $end
        group by subject, day_start
        """,
        {"source": source, "endpoint": endpoint, "now": now, "start": start, "end": end},
    ).fetchall()
    return {(subject, day): DayState(answered, complete) for subject, day, answered, complete in rows}


def first_attempts(con: duckdb.DuckDBPyConnection, source: str, endpoint: str, *, now: datetime) -> dict[str, datetime]:
    """When each subject was first asked for."""
    rows = con.execute(
        """
        select subject, min(attempted_at) from raw.loads
        where source = ? and endpoint = ? and attempted_at <= ? group by subject
        """,
        [source, endpoint, now],
    ).fetchall()
    return dict(rows)


def stable_fields(
    con: duckdb.DuckDBPyConnection, source: str, endpoint: str, paths: Mapping[str, str], *, now: datetime
) -> dict[str, dict[str, Any]]:
    """subject -> named fields of its newest accepted body."""
    if not paths:
        return {}
    picked = ", ".join("json_extract(body, ?)" for _ in paths)
    rows = con.execute(
        f"""
        select subject, {picked} from raw.payloads
        where payload_seq in (
            select max(payload_seq) from raw.payloads
            where source = ? and endpoint = ? and status = 'ok' and fetched_at <= ? group by subject
        )
        """,
        [*paths.values(), source, endpoint, now],
    ).fetchall()
    return {row[0]: dict(zip(paths, map(_parsed, row[1:]), strict=True)) for row in rows}


def _parsed(value: str | list[str] | None) -> Any:
    if isinstance(value, list):
        return [orjson.loads(item) for item in value]
    return None if value is None else orjson.loads(value)


def ledger_reasons(con: duckdb.DuckDBPyConnection, source: str, *, now: datetime) -> Iterable[str]:
    """The distinct reasons of accepted attempts: what was read of a source that is planned by its files."""
    rows = con.execute(
        "select distinct reason from raw.loads where source = ? and attempted_at <= ? and status = 'ok'",
        [source, now],
    ).fetchall()
    return [row[0] for row in rows if row[0]]


def weight_used(
    con: duckdb.DuckDBPyConnection, source: str, *, now: datetime, within: timedelta
) -> list[tuple[datetime, float]]:
    """(when, call weight) of the attempts within that time before now: what counts against a source's limits."""
    rows = con.execute(
        """
        select attempted_at, sum(weight) from raw.loads
        where source = ? and attempted_at <= ? and attempted_at > ? group by attempted_at order by attempted_at
        """,
        [source, now, now - within],
    ).fetchall()
    return [(at, float(weight)) for at, weight in rows]
