"""How published forecasts have done lately: error, coverage, and how much they move from one day to the next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from warehouse.connection import connect
from warehouse.settings import Settings

DAYS = 30
_TABLES = {"fct_forecast_scores", "fct_forecast_stability"}
_QUERY = """
    with scores as (
        select
            dataset, count(*) as n_hours, avg(abs_error) as mae, avg(is_covered_80::integer) as coverage80,
            avg(is_covered_90::integer) as coverage90
        from marts.fct_forecast_scores
        where target_at > $since and target_at <= $as_of and created_at <= $as_of
        group by dataset
    ),
    moves as (
        select
            dataset, avg(abs_change) as moved, avg(change_of_width) as moved_of_width,
            avg(is_within_previous_80::integer) as stayed_within
        from marts.fct_forecast_stability
        where previous_origin_at is not null and target_at > $since and created_at <= $as_of group by dataset
    )
    select * from scores full join moves using (dataset) order by dataset
"""


def track_record(settings: Settings, *, as_of: datetime) -> list[dict[str, Any]]:
    """One row per dataset over the 30 days before `as_of` (datetime.max: before the newest score).

    n_hours scored, mae, coverage80, coverage90; moved: mean size of the change of one hour's forecast since the run a
    day before, moved_of_width as a share of the 80 % interval then, stayed_within the share inside it. Empty before the
    marts are built.
    """
    with connect(settings, read_only=not settings.is_motherduck) as con:
        found = con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        if not {name for (name,) in found} >= _TABLES:
            return []
        if as_of == datetime.max:
            newest = con.execute("select max(target_at) from marts.fct_forecast_scores").fetchone()
            start = newest[0] if newest else None
        else:
            start = as_of
        since = datetime.min if start is None else start - timedelta(days=DAYS)
        rows: list[dict[str, Any]] = con.execute(_QUERY, {"since": since, "as_of": as_of}).to_arrow_table().to_pylist()
    return rows
