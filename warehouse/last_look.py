"""The last look at a copy before it is published: whatever the marts promise, no private place is named in it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb

from warehouse.catalog import load_catalog
from warehouse.errors import DataTestFailed
from warehouse.privacy import TEXT, hidden, pattern_of, recorded
from warehouse.settings import Settings

_COLUMNS = """
    select table_name, column_name, data_type from duckdb_columns()
    where schema_name = 'marts' and list_contains($1, data_type) order by all
"""
_WITH_COORDINATES = """
    select table_name from duckdb_columns() where schema_name = 'marts'
    group by table_name having count(*) filter (column_name in ('latitude', 'longitude')) = 2
"""


def mask_copy(path: Path, settings: Settings) -> list[str]:
    """Replaces in every text of the copy what names a private place; returns the columns (`table.column`) that did.

    Where marts are built as they should be that is nothing but what persons wrote, such as the reason of an override.
    Raises DataTestFailed where exact coordinates are in it: they are numbers, and the column is wrong as a whole.
    """
    catalog = load_catalog(settings.seeds_dir)
    private = hidden(settings, catalog, recorded(settings))
    if not private:
        return []
    found: list[str] = []
    with closing(duckdb.connect(str(path))) as con:
        columns = con.execute(_COLUMNS, [list(TEXT)]).fetchall()
        for place in private.values():
            pattern = pattern_of(place.names)
            found += [f"{t}.{c}" for t, c, kind in columns if _replaced(con, t, c, kind, pattern, place.shown_id)]
        exact = [(p.latitude, p.longitude) for p in catalog.places.values() if p.is_private]
        _check_coordinates(con, exact, [(p.latitude, p.longitude) for p in catalog.places.values() if not p.is_private])
    return sorted(set(found))


def names_private(path: Path, settings: Settings) -> bool:
    """Whether a copy made before has a place under its own id that is private now, or was when it left the seeds."""
    private = list(hidden(settings, load_catalog(settings.seeds_dir), recorded(settings)))
    if not private:
        return False
    with closing(duckdb.connect(str(path), read_only=True)) as con:
        known = ("dim_series", "place_id", "VARCHAR") in con.execute(_COLUMNS, [list(TEXT)]).fetchall()
        sql = "select count(*) from marts.dim_series where list_contains($1, place_id)"
        row = con.execute(sql, [private]).fetchone() if known else None
    return bool(row and row[0])


def _replaced(con: duckdb.DuckDBPyConnection, table: str, column: str, kind: str, pattern: str, name: str) -> bool:
    text = f'"{column}"::varchar'
    seen = con.execute(
        f'select count(*) from (select distinct {text} as said from marts."{table}") where regexp_matches(said, $1)',
        [pattern],
    ).fetchone()
    if not seen or not seen[0]:
        return False
    con.execute(
        f'update marts."{table}" set "{column}" = '
        f"regexp_replace(regexp_replace({text}, $1, $2, 'g'), $1, $2, 'g')::{kind} where regexp_matches({text}, $1)",
        [pattern, rf"\1{name}\2"],
    )
    return True


def _check_coordinates(
    con: duckdb.DuckDBPyConnection, private: list[tuple[float, float]], public: list[tuple[float, float]]
) -> None:
    exact = [at for at in private if at not in public and at != (round(at[0], 1), round(at[1], 1))]
    for (table,) in con.execute(_WITH_COORDINATES).fetchall():
        for at in exact:
            row = con.execute(f'select 1 from marts."{table}" where latitude = $1 and longitude = $2', at).fetchone()
            if row is not None:
                raise DataTestFailed(f"{table} has the exact coordinates of a private place; not published")
