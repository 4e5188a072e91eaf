"""A published copy made of SQL: every mart with the columns of its contract, and believable rows for some series.

The series: n places of `sgpm` and as many of `weather`, forecast by eight daily runs up to ORIGIN.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import closing
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from warehouse.publish import NOT_PUBLISHED
from warehouse.published import POINTER
from warehouse.settings import ROOT

ORIGIN = datetime(2026, 11, 21, 6)
MARTS = ROOT / "dbt_project" / "models" / "marts"
ROWS = Path(__file__).with_suffix(".sql")


def _blocks() -> dict[str, str]:
    """The selects of publication.sql by mart."""
    parts = re.split(r"^-- ([a-z_]+)$", ROWS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@cache
def contracts() -> dict[str, list[dict[str, Any]]]:
    """The columns of every published mart, as its contract has them."""
    found = {}
    for path in sorted(MARTS.rglob("*.yml")):
        for model in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader).get("models") or []:
            if model["name"] not in NOT_PUBLISHED:
                found[model["name"]] = model["columns"]
    return found


def publish(
    data_dir: Path,
    *,
    run_id: str = "run-1",
    places: int = 3,
    rows: bool = True,
    without: tuple[str, ...] = (),
    origin: datetime = ORIGIN,
) -> Path:
    """Writes the copy and points readers at it. `rows=False`: marts without rows; `without`: marts that are missing."""
    folder = data_dir / "published"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"gen-{run_id}.duckdb"
    with closing(duckdb.connect(str(path))) as con:
        con.execute("create schema marts")
        marts = contracts()
        for name, columns in marts.items():
            listed = ", ".join(f'"{column["name"]}" {column["data_type"]}' for column in columns)
            con.execute(f'create table marts."{name}" ({listed})')
        for name, select in _blocks().items() if rows else ():
            _fill(con, name, select, [column["name"] for column in marts[name]], {"origin": origin, "n": places})
        for name in without:
            con.execute(f'drop table marts."{name}"')
        tables = {name: _count(con, name) for name in marts if name not in without}
        con.execute(
            "create table main.publication as select $1::varchar as run_id, $2::timestamp as published_at, "
            "''::varchar as fingerprint, $3::json as tables",
            [run_id, origin + timedelta(minutes=20), json.dumps(tables)],
        )
    pointer = folder / f"{POINTER}.tmp"
    pointer.write_text(path.name + "\n", encoding="utf-8")
    os.replace(pointer, folder / POINTER)
    return path


def _fill(con: duckdb.DuckDBPyConnection, name: str, select: str, columns: list[str], values: dict[str, Any]) -> None:
    """Inserts the columns that the mart has; a column that the select lacks stays null."""
    used = {key: value for key, value in values.items() if f"${key}" in select}
    con.execute(f"create temp table made as {select}", used)
    made = [row[0] for row in con.execute("select column_name from (describe made)").fetchall()]
    listed = ", ".join(f'"{column}"' for column in made if column in columns)
    con.execute(f'insert into marts."{name}" by name select {listed} from made')
    con.execute("drop table made")


def _count(con: duckdb.DuckDBPyConnection, name: str) -> int:
    row = con.execute(f'select count(*) from marts."{name}"').fetchone()
    assert row is not None
    return int(row[0])
