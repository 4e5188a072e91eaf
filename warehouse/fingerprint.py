"""What the marts hold of a dataset, as one small record: the same record again means that nothing new is known."""

from __future__ import annotations

from datetime import datetime

import duckdb

from warehouse.connection import connect
from warehouse.settings import Settings

PLACES = "(select place_id from marts.dim_series where is_target and dataset = $dataset)"
SERIES = f"(select series_id from marts.dim_series where place_id in {PLACES})"
# A run's own origin between two steps of the grid leaves with the next run.
ON_GRID = "hour(origin_at) % 3 = 0"
# Arrays of hours repeat the observations: what they were made of is hashed instead, once.
PARTS = {
    "dim_series": f"select series_id, is_target, latitude, longitude, timezone from marts.dim_series "
    f"where place_id in {PLACES}",
    "fct_observations": "select * exclude (payload_seq) from marts.fct_observations "
    f"where first_known_at <= $now and series_id in {SERIES}",
    "fct_origin_features": "select * exclude (history, built_from_seq) from marts.fct_origin_features "
    f"where origin_at <= $newest and series_id in {SERIES}",
    "fct_issued_forecasts": "select * exclude (built_from_seq) from marts.fct_issued_forecasts "
    f"where {ON_GRID} and origin_at <= $newest and place_id in {PLACES}",
}


def mart_fingerprint(settings: Settings, dataset: str, now: datetime) -> dict[str, dict[str, object]]:
    """Part of the marts -> rows, newest hour and hash of what was known of the dataset's places by `now`.

    Independent of row order, of the run and of how dbt built the marts; made for comparison on one version of DuckDB.
    """
    with connect(settings, read_only=True) as con:
        there = {
            name
            for (name,) in con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        }
        values: dict[str, object] = {"dataset": dataset, "now": now}
        newest = _newest(con, values)
        found = {}
        for name, sql in PARTS.items():
            if name in there:
                found[name] = _part(con, sql, {**values, "newest": newest})
        found["fct_observations"]["newest"] = f"{newest:%Y-%m-%dT%H:%M}" if newest else None
    return found


def _newest(con: duckdb.DuckDBPyConnection, values: dict[str, object]) -> datetime | None:
    row = con.execute(
        "select max(observed_at) from marts.fct_observations "
        f"where value is not null and first_known_at <= $now and series_id in {SERIES}",
        values,
    ).fetchone()
    return row[0] if row else None


def _part(con: duckdb.DuckDBPyConnection, sql: str, values: dict[str, object]) -> dict[str, object]:
    used = {name: value for name, value in values.items() if f"${name}" in sql}
    row = con.execute(
        f"select count(*), ifnull(sum(hash(part)::hugeint), 0), ifnull(bit_xor(hash(part)), 0) from ({sql}) as part",
        used,
    ).fetchone()
    assert row is not None
    return {"rows": int(row[0]), "hash": f"{int(row[1]):x}.{int(row[2]):x}"}
