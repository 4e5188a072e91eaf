"""A small world of its own folder (data, seeds, drop), the `skyduck` command run in it, and what its tables hold."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import httpx

from warehouse.published import open_copy, publication, published_copy
from warehouse.settings import ROOT, Settings, load_settings

Done = subprocess.CompletedProcess[str]
Content = dict[str, tuple[Any, ...]]  # rows and hash, by table
RUN = ("run", "--plain", "--json", "--as-of")
HISTORY_DAYS = 60
# Names and costs of a run, which differ between two runs that did the same. payload_seq is the order in which the
# answers of hosts asked side by side happened to come; a body tells how long its server took (its sha256 does not).
VOLATILE = {
    "run_id", "event_id", "model_version", "artefact", "report", "git_sha", "payload_seq", "truth_seq", "seconds",
    "body", "n_bytes", "previous_run_id", "previous_model_version", "page",
}  # fmt: skip
# what ran, what it cost and decided: every attempt is in it, the killed ones too
DIARY = {"ml.runs", "marts.fct_runs", "marts.fct_run_costs", "ml.decisions"}
# One set of rows per run that forecast: a run that was killed afterwards leaves a vintage equal to its rerun's.
VINTAGES = {
    "ml.forecasts",
    "ml.shadow_forecasts",
    "marts.fct_arm_scores",
    "marts.fct_forecasts",
    "marts.fct_forecast_scores",
    "marts.fct_forecast_stability",
    "ml.explanations",
    "marts.fct_explanations",
    "ml.alert_probabilities",
    "ml.drift",
    "marts.fct_expected_errors",
    "marts.fct_alert_scores",
}


@dataclass(frozen=True)
class World:
    """`project` is where the code and dbt project lie: this repository, or a scratch copy of it."""

    root: Path
    project: Path = ROOT

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def seeds(self) -> Path:
        return self.root / "seeds"

    @cached_property
    def settings(self) -> Settings:
        return load_settings(data_dir=self.data, seeds_dir=self.seeds, upstream="sample", sample_url=None)

    def copied(self, root: Path, project: Path = ROOT) -> World:
        """The same world elsewhere, free to be broken."""
        shutil.copytree(self.root, root)
        return World(root, project)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """`skyduck` as a person starts it, with nothing of this machine's own settings."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("SKYDUCK_", "PREFECT_"))}
        env |= {
            "SKYDUCK_DATA_DIR": str(self.data), "SKYDUCK_SEEDS_DIR": str(self.seeds), "SKYDUCK_RETRY_WAIT_SCALE": "0",
            "SKYDUCK_HISTORY_DAYS": str(HISTORY_DAYS), "NO_COLOR": "1",
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", "flows", *arguments], cwd=self.project, env=env | environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def skyduck(self, *arguments: str, **environment: str) -> Done:
        process = self.start(*arguments, **environment)
        try:
            out, err = process.communicate(timeout=280)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Done(process.args, process.returncode, out, err)

    def run(self, as_of: str, *more: str, **environment: str) -> Done:
        """The daily run, without Prefect."""
        return self.skyduck(*RUN, as_of, *more, **environment)

    @contextmanager
    def _open(self, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """Waits for the last child of a killed run to let go of the file."""
        end = time.monotonic() + 20
        while True:
            try:
                con = duckdb.connect(str(self.settings.warehouse_path), read_only=read_only)
                break
            except duckdb.IOException as error:
                if "lock" not in str(error).lower() or time.monotonic() > end:
                    raise
                time.sleep(0.05)
        try:
            con.execute("set timezone = 'UTC'")
            yield con
        finally:
            con.close()

    def rows(self, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
        with self._open(read_only=True) as con:
            return con.execute(sql, list(arguments)).fetchall()

    def value(self, sql: str, *arguments: object) -> Any:
        return self.rows(sql, *arguments)[0][0]

    def change(self, sql: str) -> None:
        """Damages the warehouse behind the product's back."""
        with self._open(read_only=False) as con:
            con.execute(sql)

    def steps(self, as_of: str, status: str = "ok") -> list[str]:
        """The steps that the runs of this moment have on record, by name: their clocks all began at that moment."""
        sql = "select step from ml.runs where as_of = ?::timestamp and status = ? order by step"
        return [step for (step,) in self.rows(sql, as_of, status)]

    def published(self, sql: str) -> list[tuple[Any, ...]]:
        """Asked of the published copy, as any reader asks."""
        with open_copy(published_copy(self.settings)) as con:
            return con.execute(sql).fetchall()

    @property
    def published_run(self) -> str:
        return publication(published_copy(self.settings))[0]

    @property
    def copies(self) -> list[str]:
        return sorted(path.name for path in self.settings.published_path.iterdir())

    def content(self) -> Content:
        """Rows and hash of each table of raw, staging, marts and ml, whatever the order of its rows.

        Decimals count to the sixth place: which thread adds first decides the last bits of a sum.
        """
        with self._open(read_only=True) as con:
            columns: dict[str, list[str]] = {}
            for table, name, kind in con.execute(
                "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
                "semi join duckdb_tables() using (schema_name, table_name) "
                "where schema_name in ('raw', 'staging', 'marts', 'ml') order by all"
            ).fetchall():
                if name not in VOLATILE and table not in DIARY:
                    columns.setdefault(table, []).append(
                        f"round({name}, 6)" if kind == "DOUBLE" else f"{name}::varchar"
                    )
            found = {}
            for table, names in columns.items():
                rows = f"select {'distinct' if table in VINTAGES else ''} hash({', '.join(names)}) as h from {table}"
                found[table] = con.execute(f"select count(*), coalesce(sum(h::hugeint), 0) from ({rows})").fetchall()[0]
            return found


def differences(a: Content, b: Content) -> dict[str, Any]:
    """Tables that hold different things; {} where two worlds are the same."""
    return {name: (a.get(name), b.get(name)) for name in sorted(a.keys() | b.keys()) if a.get(name) != b.get(name)}


@contextmanager
def sample_server(now: str, *rules: dict[str, Any]) -> Iterator[httpx.Client]:
    """The stand-in upstream with faults from its first request on; the client speaks to its `/_admin`."""
    arguments = ["--port", "0", "--now", now, "--exit-with-parent", "--fault", json.dumps(list(rules))]
    process = subprocess.Popen(
        [sys.executable, "-m", "sample", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        assert first.startswith("listening "), first
        with httpx.Client(base_url=first.split()[1], trust_env=False) as client:
            yield client
    finally:
        process.kill()
        process.communicate()


def url(server: httpx.Client) -> str:
    return str(server.base_url).rstrip("/")
