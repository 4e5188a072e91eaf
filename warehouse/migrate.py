"""What Python wrote (`raw`, `ml`) moved from one warehouse to another; dbt builds everything else from it anew.

Bodies go in blocks of one transaction each, in the order they were received: a migration that was cut off goes on after
the last one. Every other table goes at once. At the end counts and digests of both sides are compared.

What building and publishing leave behind in the destination is no row of its own: the record of a migration stays in
the warehouse that it filled, and who is private is noted there anew at each build.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import duckdb

from warehouse import motherduck
from warehouse.errors import BadInput, DataTestFailed, NotBuilt
from warehouse.schema import ensure_schema
from warehouse.settings import Settings

BLOCK_BYTES = 64 * 2**20
BODIES = "raw.payloads"
RENEWED = "raw.private_places"  # by each build, with its time
STAYS = {"ml.runs": "where flow <> 'migrate'"}  # rows that are neither moved nor compared
Say = Callable[[str], None]


@dataclass(frozen=True)
class Moved:
    """A table on both sides: rows it has, those that were not there before, and the digest that both share."""

    table: str
    n_rows: int
    n_new: int
    digest: str


def migrate(source: Settings, destination: Settings, say: Say = lambda line: None) -> list[Moved]:
    """Every table of raw and ml, in the destination as in the source; run again, what is missing.

    Raises BadInput where the destination holds rows that the source does not: nothing is changed then.
    """
    if _place(source) == _place(destination):
        raise BadInput(f"--from and --to are the same warehouse: {_place(source)}")
    with (
        motherduck.losses_told(source, source.database),
        motherduck.losses_told(destination, destination.database),
        closing(motherduck.open_any(source, destination)) as con,
    ):
        con.execute("set timezone = 'UTC'")
        old, new = _attach(con, source, "source_file", read_only=True), _attach(con, destination, "destination_file")
        con.execute(f'use "{new}"')
        ensure_schema(con)
        tables = _tables(con, old)
        for table in tables:
            _refuse_strangers(con, old, new, table)
        return [_move(con, old, new, table, say) for table in tables]


def _place(settings: Settings) -> str:
    return settings.motherduck_path if settings.is_motherduck else str(settings.warehouse_path)


def _attach(con: duckdb.DuckDBPyConnection, settings: Settings, name: str, *, read_only: bool = False) -> str:
    """The name under which this warehouse's tables are found."""
    if settings.is_motherduck:
        motherduck.attach_database(con, settings, settings.database, read_only=read_only)
        return settings.database
    if read_only and not settings.warehouse_path.exists():
        raise NotBuilt(f"there is no warehouse at {settings.warehouse_path}: nothing to migrate")
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    motherduck.attach(con, settings.warehouse_path, name, read_only=read_only)
    return name


def _tables(con: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    """Bodies first: what refers to them comes after."""
    rows = con.execute(
        """
        select table_schema || '.' || table_name from information_schema.tables
        where table_catalog = $1 and table_schema in ('raw', 'ml') and table_type = 'BASE TABLE' order by 1
        """,
        [database],
    ).fetchall()
    names = [name for (name,) in rows]
    if BODIES not in names:
        raise NotBuilt(f"the warehouse {database} has no {BODIES}: nothing was ever loaded into it")
    return sorted(names, key=lambda name: name != BODIES)


def _refuse_strangers(con: duckdb.DuckDBPyConnection, old: str, new: str, table: str) -> None:
    theirs, ours = _rows(con, new, table, old), _rows(con, old, table, old)
    strangers = 0 if table == RENEWED else _value(con, f"select count(*) from ({theirs} except all {ours})")
    if strangers:
        raise BadInput(
            f"{table} of the destination has {strangers:,} rows that the source has not. A migration goes into an "
            "empty warehouse, or into one that an earlier migration began to fill. Nothing was changed"
        )


def _move(con: duckdb.DuckDBPyConnection, old: str, new: str, table: str, say: Say) -> Moved:
    before = _value(con, f"select count(*) from ({_rows(con, new, table, old)})")
    if table == BODIES:
        _move_bodies(con, old, new, say)
    elif _digest(con, old, table, old) != _digest(con, new, table, old):
        motherduck.retried(lambda: _replace(con, old, new, table))
    expected, found = _digest(con, old, table, old), _digest(con, new, table, old)
    if expected != found:
        raise DataTestFailed(
            f"{table}: {found[0]:,} rows with digest {found[1]} are in the destination, {expected[0]:,} with "
            f"{expected[1]} in the source. Somebody else writes one of them; migrate again when they have ended"
        )
    say(f"{table}: {found[0]:,} rows, {found[0] - before:,} of them new")
    return Moved(table, found[0], found[0] - before, found[1])


def _move_bodies(con: duckdb.DuckDBPyConnection, old: str, new: str, say: Say) -> None:
    last = int(_value(con, f"select coalesce(max(payload_seq), 0) from {new}.{BODIES}"))
    ends = con.execute(
        f"""
        select max(payload_seq), count(*) from (
            select payload_seq, sum(n_bytes) over (order by payload_seq) // {BLOCK_BYTES} as block
            from {old}.{BODIES} where payload_seq > $1
        ) group by block order by 1
        """,
        [last],
    ).fetchall()
    columns = _columns(con, old, BODIES)
    for number, (end, n_rows) in enumerate(ends, 1):
        con.execute(
            f"""
            insert into {new}.{BODIES} ({columns})
            select {columns} from {old}.{BODIES} where payload_seq > $1 and payload_seq <= $2 order by payload_seq
            """,
            [last, end],
        )
        last = end
        say(f"{BODIES}: block {number} of {len(ends)}, {n_rows:,} bodies")


def _replace(con: duckdb.DuckDBPyConnection, old: str, new: str, table: str) -> None:
    con.execute("begin transaction")
    try:
        con.execute(f"delete from {new}.{table} {STAYS.get(table, '')}")
        con.execute(f"insert into {new}.{table} ({_columns(con, old, table)}) {_rows(con, old, table, old)}")
        con.execute("commit")
    except BaseException:
        motherduck.roll_back(con)
        raise


def _columns(con: duckdb.DuckDBPyConnection, database: str, table: str) -> str:
    """Of the source, which may be of an older version: columns it does not know stay empty."""
    schema, name = table.split(".")
    rows = con.execute(
        """
        select column_name from information_schema.columns
        where table_catalog = $1 and table_schema = $2 and table_name = $3 order by ordinal_position
        """,
        [database, schema, name],
    ).fetchall()
    return ", ".join(f'"{column}"' for (column,) in rows)


def _rows(con: duckdb.DuckDBPyConnection, database: str, table: str, described_by: str) -> str:
    """The query for what is moved and compared."""
    return f"select {_columns(con, described_by, table)} from {database}.{table} {STAYS.get(table, '')}"


def _digest(con: duckdb.DuckDBPyConnection, database: str, table: str, described_by: str) -> tuple[int, str]:
    """(rows, sum of their MD5): the same for the same rows in any order, duplicates counted."""
    row = con.execute(
        f"""
        select count(*), coalesce(sum(md5_number_lower(said::varchar)), 0)::varchar
        from ({_rows(con, database, table, described_by)}) as said
        """
    ).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])


def _value(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    assert row is not None
    return int(row[0])
