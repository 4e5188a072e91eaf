"""A canary in every secret, and everything that a run writes, as text to look for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

from tests.e2e.world import World

SECRETS = {
    "MOTHERDUCK_TOKEN": "canary-motherduck-4711",
    "MOTHERDUCK_READ_TOKEN": "canary-motherduck-read-4711",
    "SKYDUCK_OPEN_METEO_API_KEY": "canary-open-meteo-4711",
    "SKYDUCK_DATA_GOV_SG_API_KEY": "canary-data-gov-4711",
    "SKYDUCK_NOTIFY": "json://canary-user:canary-password@127.0.0.1:9/canary-hook",
    "SKYDUCK_PSEUDONYM_KEY": "canary-pseudonym-key-1-" + "0" * 32,
}
CANARIES = (
    "canary-motherduck",
    "canary-open-meteo",
    "canary-data-gov",
    "canary-password",
    "canary-hook",
    "canary-pseudonym",
)


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """(what, text) of a file; of a database every table, however it is compressed on disk."""
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as con:
            yield from tables(con, path.name)
    elif path.suffix == ".parquet":
        yield path.name, str(duckdb.read_parquet(str(path)).fetchall())
    elif path.suffix == ".db":
        with sqlite3.connect(path) as lite:
            yield path.name, "\n".join(lite.iterdump())
    else:
        yield path.name, path.read_bytes().decode("utf-8", "replace")


def tables(con: duckdb.DuckDBPyConnection, name: str) -> Iterator[tuple[str, str]]:
    for schema, table in con.execute("select schema_name, table_name from duckdb_tables()").fetchall():
        yield f"{name}: {schema}.{table}", str(con.execute(f'select * from "{schema}"."{table}"').fetchall())


def written(world: World, *but: str) -> Iterator[tuple[str, str]]:
    """Everything below the data folder, but what begins so."""
    for path in sorted(world.data.rglob("*")):
        where = path.relative_to(world.data).as_posix()
        if path.is_file() and not where.startswith(but):
            for what, text in texts(path):
                yield f"{where} {what}", text


def leaks(said: Iterable[tuple[str, str]], words: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(what, word) for what, text in said for word in words if word in text]
