"""A scratch warehouse with raw bodies put in by hand, and dbt run over it as the flow does: a subprocess."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.schema import ensure_schema
from warehouse.settings import ROOT

PLACES = "place_id,name,country,latitude,longitude,timezone\n"
OBSERVATIONS = "+fct_observations fct_quarantine dim_series"
SERIES = "dataset,place_id,source,subject\n"


@dataclass
class Body:
    """One row of raw.payloads; payload_seq is its place in the order of arrival."""

    source: str
    endpoint: str
    subject: str
    body: Any
    fetched_at: str
    mode: str = "live"
    status: str = "ok"


@dataclass
class Scratch:
    """A warehouse file, a seeds folder and the dbt target folder that belong to one module of tests."""

    root: Path
    n_bodies: int = 0
    env: dict[str, str] = field(default_factory=dict)
    project: Path = ROOT / "dbt_project"

    @property
    def path(self) -> Path:
        return self.root / "skyduck.duckdb"

    @property
    def seeds(self) -> Path:
        return self.root / "seeds"

    def empty(self) -> None:
        """A new file with the raw tables, the seeds kept."""
        self.path.unlink(missing_ok=True)
        self.n_bodies = 0
        with duckdb.connect(str(self.path)) as con:
            ensure_schema(con)

    def receive(self, *bodies: Body) -> None:
        rows = []
        for body in bodies:
            self.n_bodies += 1
            start, text = datetime(2024, 1, 1), json.dumps(body.body)
            rows.append(
                [self.n_bodies, "r", body.source, body.endpoint, body.subject, start, start + timedelta(days=1),
                 body.fetched_at, body.mode, body.status, None, str(self.n_bodies), text, None, len(text)]
            )  # fmt: skip
        with duckdb.connect(str(self.path)) as con:
            con.executemany("insert into raw.payloads values (" + ", ".join("?" * 15) + ")", rows)

    def dbt(self, *arguments: str, as_of: str = "") -> str:
        """Runs dbt over this file; raises with its output where it fails."""
        command = [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "--no-version-check", *arguments]
        paths = {"project-dir": self.project, "profiles-dir": ROOT, "target-path": self.root / "target"}
        for option, path in (paths | {"log-path": self.root / "logs"}).items():
            command += [f"--{option}", str(path)]
        env = os.environ | self.env | {
            "SKYDUCK_WAREHOUSE_PATH": str(self.path), "SKYDUCK_SEEDS_DIR": str(self.seeds), "SKYDUCK_AS_OF": as_of,
            "SKYDUCK_TARGET": "dev", "DO_NOT_TRACK": "1",
        }  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        return done.stdout

    def build(self, *options: str, select: str = OBSERVATIONS, tests: bool = True, as_of: str = "") -> str:
        """Unit tests are run once, by the flow's own tests; data tests where a test is about them."""
        left_out = ["--exclude-resource-type", "unit_test", *(() if tests else ("test",))]
        return self.dbt("build", *options, *left_out, "--select", *select.split(), as_of=as_of)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.path), read_only=True) as con:
            con.execute("set timezone = 'UTC'")
            return con.execute(sql).fetchall()

    def hashes(self, *tables: str) -> dict[str, tuple[Any, ...]]:
        """Rows and content of each table, whatever the order of its rows."""
        return {
            table: self.rows(f"select count(*), coalesce(sum(hash(t)::hugeint), 0) from {table} as t")[0]
            for table in tables
        }


def scratch(root: Path, *, places: str, series: str) -> Scratch:
    """The project's own seeds, with other places and series."""
    made = Scratch(root)
    made.seeds.mkdir(parents=True)
    for seed in (ROOT / "dbt_project" / "seeds").glob("*.csv"):
        (made.seeds / seed.name).write_bytes(seed.read_bytes())
    (made.seeds / "places.csv").write_text(PLACES + places)
    (made.seeds / "series.csv").write_text(SERIES + series)
    made.empty()
    return made


@pytest.fixture(scope="session")
def recordings() -> Path:
    folder = ROOT.parent / "shared" / "recordings"
    if not folder.is_dir():
        pytest.skip("the recordings are not beside the project")
    return folder
