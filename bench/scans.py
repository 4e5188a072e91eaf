"""What a step reads: bytes by the operating system's count, rows by DuckDB's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from flows.dbt import target_path
from warehouse.connection import connect
from warehouse.settings import Settings

PROC_IO = Path("/proc/self/io")
BUILT = ("table", "incremental", "test")  # a view scans nothing until somebody asks


@dataclass(frozen=True)
class Node:
    """One statement of the last dbt build. Seconds are those of that build."""

    name: str
    kind: str
    seconds: float
    rows_scanned: int


def bytes_read() -> float:
    """Bytes this process and its ended children have read from files so far, cached or not; 0 where nobody counts."""
    if not PROC_IO.exists():
        return 0.0
    fields = dict(line.split(": ") for line in PROC_IO.read_text().splitlines())
    return float(fields["rchar"])


def nodes(settings: Settings) -> list[Node]:
    """The models and tests of the last build, with the rows that each statement scans when asked again now."""
    folder = target_path(settings)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    found = []
    with connect(settings) as con:
        con.execute("set enable_profiling = 'no_output'")
        for result in json.loads((folder / "run_results.json").read_text(encoding="utf-8"))["results"]:
            node = manifest.get(result["unique_id"], {})
            kind = node.get("config", {}).get("materialized")
            if kind in BUILT and result.get("compiled_code"):
                rows = _rows_scanned(con, result["compiled_code"])
                found.append(Node(node["name"], kind, float(result["execution_time"]), rows))
    return found


def _rows_scanned(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    con.execute(sql).to_arrow_table()
    profile: dict[str, Any] = json.loads(con.get_profiling_information(format="json"))
    return int(profile.get("cumulative_rows_scanned") or 0)
