"""dbt as a subprocess, on a tiny project of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from flows import dbt
from flows.dbt import Project
from flows.dbt_log import DbtResult, Failure, LogReader
from warehouse.connection import connect
from warehouse.errors import DataTestFailed, SkyduckError
from warehouse.settings import ROOT, Settings, load_settings

NOW = datetime(2026, 11, 20, 6, 10)
PROFILE = """
skyduck:
  target: dev
  outputs:
    dev: {type: duckdb, path: "{{ env_var('SKYDUCK_WAREHOUSE_PATH') }}"}
"""
FILES = {
    "dbt_project.yml": "name: tiny\nversion: '1.0'\nprofile: skyduck\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": PROFILE,
    "models/good.sql": "select 1 as a, timestamp '{{ env_var('SKYDUCK_AS_OF') }}' as as_of",
    "models/later.sql": "select count(*) as n from {{ source('ml', 'runs') }}",
    "models/untrue.sql": "select 'it''s <b>' as b",
    "models/promised.sql": "select 1 as b",
    "models/ours.sql": "select no_such_column from {{ ref('good') }}",
    "models/after_ours.sql": "select * from {{ ref('ours') }}",
    "models/all.yml": """
models:
  - name: good
    columns: [{name: a, data_tests: [unique, {not_null: {config: {severity: warn, warn_if: '= 0'}}}]}]
  - name: untrue
    columns: [{name: b, data_tests: [{accepted_values: {arguments: {values: ['x']}}}]}]
  - name: promised
    config: {contract: {enforced: true}, materialized: table}
    columns: [{name: b, data_type: varchar}]
sources:
  - name: ml
    schema: ml
    tables: [{name: runs}]
  - name: raw
    schema: raw
    config:
      loaded_at_field: fetched_at
      freshness: {warn_after: {count: 1, period: hour}, error_after: {count: 2, period: day}}
    tables: [{name: payloads}]
""",
}


def make(folder: Path, files: dict[str, str]) -> Project:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Project(project_dir=folder, profiles_dir=folder)


def quiet(line: str) -> None:
    """No progress."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Project]:
    folder = tmp_path_factory.mktemp("dbt")
    settings = load_settings(data_dir=folder / "data", upstream="sample")
    with connect(settings) as con:
        con.execute(
            "insert into raw.payloads by name select 1 as payload_seq, 'r' as run_id, 's' as source, 'e' as endpoint, "
            "'x' as subject, timestamp '2026-01-01' as window_start, timestamp '2026-01-02' as window_end, "
            "timestamp '2026-01-02' as fetched_at, 'live' as mode, 'ok' as status, 'h' as sha256, 0 as n_bytes"
        )
    return settings, make(folder / "tiny", FILES)


@pytest.fixture(scope="module")
def first_half(world: tuple[Settings, Project]) -> tuple[DbtResult, list[str]]:
    """One build of everything before `ml`: a good model, a failed test, a broken contract, broken SQL, a warning."""
    said: list[str] = []
    return dbt.build(world[0], now=NOW, select=dbt.BEFORE_ML, progress=said.append, project=world[1]), said


def failure(result: DbtResult, name: str) -> Failure:
    return next(failure for failure in result.failures if failure.name.startswith(name))


def test_the_two_halves_split_the_graph_and_see_the_as_of_clock(
    world: tuple[Settings, Project], first_half: tuple[DbtResult, list[str]]
) -> None:
    settings, project = world
    result, said = first_half
    assert (result.n_ok, result.n_warn, result.n_error, result.n_skipped) == (3, 1, 3, 1)
    assert "dbt 1/8 good" in said
    with duckdb.connect(str(settings.warehouse_path)) as con:
        assert con.execute("select as_of from good").fetchall() == [(NOW,)]
        assert con.execute("select count(*) from duckdb_views() where view_name = 'later'").fetchall() == [(0,)]
    after = dbt.build(settings, now=NOW, select=dbt.AFTER_ML, progress=quiet, project=project)
    assert (after.n_ok, after.n_error, after.command) == (1, 0, "build --select source:ml+")
    assert (settings.data_dir / "dbt" / "target" / "manifest.json").exists()
    assert not (project.project_dir / "target").exists(), "the target lies with the data, not with the project"


def test_a_failed_test_is_a_data_failure_naming_test_and_file(first_half: tuple[DbtResult, list[str]]) -> None:
    with pytest.raises(DataTestFailed, match=r"accepted_values_untrue_b__x \(models/all.yml\): Got 1 result") as error:
        first_half[0].raise_for_failures()
    assert error.value.exit_code == 4
    assert "the previous copy stays" in str(error.value)


def test_a_broken_contract_is_a_data_failure(first_half: tuple[DbtResult, list[str]]) -> None:
    broken = failure(first_half[0], "promised")
    assert broken.is_data
    assert "enforced contract" in broken.message


def test_sql_that_cannot_run_is_our_fault(first_half: tuple[DbtResult, list[str]]) -> None:
    only = replace(first_half[0], failures=(failure(first_half[0], "ours"),))
    with pytest.raises(
        SkyduckError, match=r"could not build 1 nodes: ours \(models/ours.sql\): Binder Error: "
    ) as error:
        only.raise_for_failures()
    assert error.value.exit_code == 1


def test_a_warning_does_not_fail_and_is_kept(first_half: tuple[DbtResult, list[str]]) -> None:
    result = replace(first_half[0], failures=())
    result.raise_for_failures()
    assert [(warning.name, warning.path) for warning in result.warnings] == [("not_null_good_a", "models/all.yml")]


def test_freshness_is_executed_and_old_sources_are_named_not_raised(world: tuple[Settings, Project]) -> None:
    result, stale = dbt.freshness(world[0], now=NOW, progress=quiet, project=world[1])
    assert len(stale) == 1
    assert stale[0].startswith("raw.payloads: newest is ")
    assert result.command == "source freshness"


def test_a_project_that_does_not_parse_says_where(settings: Settings, tmp_path: Path) -> None:
    small = {name: FILES[name] for name in ("dbt_project.yml", "profiles.yml")}
    project = make(tmp_path / "tiny", small | {"models/worse.sql": "select {{ nope( }}"})
    with pytest.raises(SkyduckError, match=r"dbt build .*ended with code 2: .*models/worse.sql"):
        dbt.build(settings, now=NOW, select=dbt.BEFORE_ML, progress=quiet, project=project)


RUN = """
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from flows import dbt
from warehouse.settings import load_settings
folder = Path(sys.argv[2])
dbt.build(load_settings(data_dir=Path(sys.argv[1])), now=datetime(2026, 11, 20), progress=print,
          project=dbt.Project(project_dir=folder, profiles_dir=folder))
"""
# long enough for the kill to fall inside it
SLOW = "select count(*) as n from range(100000) as a, range(100000) as b where (a.range * b.range) % 7 = 3"
TABLE = "{{ config(materialized='table') }} "


def test_the_kill_point_of_a_node_ends_dbt_and_the_run_and_a_rerun_converges(
    settings: Settings, tmp_path: Path
) -> None:
    small = {name: FILES[name] for name in ("dbt_project.yml", "profiles.yml")}
    small |= {"models/first.sql": TABLE + "select 1 as a", "models/slow.sql": TABLE + "-- {{ ref('first') }}\n" + SLOW}
    project = make(tmp_path / "tiny", small)
    env = os.environ | {"SKYDUCK_FAULT_AT": "dbt.slow"}
    command = [sys.executable, "-c", RUN, str(settings.data_dir), str(project.project_dir)]
    killed = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    with duckdb.connect(str(settings.warehouse_path)) as con:  # nobody holds the file any more
        tables = {name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
    assert "first" in tables
    assert "slow" not in tables
    make(tmp_path / "tiny", {"models/slow.sql": TABLE + "select a as n from {{ ref('first') }}"})
    result = dbt.build(settings, now=NOW, progress=quiet, project=project)
    assert (result.n_ok, result.n_error) == (2, 0)


def test_lines_that_are_no_json_are_kept_for_the_error() -> None:
    reader = LogReader(progress=lambda line: None)
    for line in ("Segmentation fault\n", "\n", "[1, 2]\n", "null\n"):
        reader.feed(line)
    assert reader.errors[0] == "Segmentation fault"
    assert reader.result(command="build", seconds=0.0).failures == ()


def test_results_that_were_cut_off_are_none_and_do_not_end_a_build(tmp_path: Path) -> None:
    settings, output = Settings(data_dir=tmp_path), tmp_path / "run_results.json"
    output.write_text('{"results": [{"unique_id": "test.a", "status": "pass", "failures": 0, "message": null}]}')
    dbt._remember(settings, output, datetime(2026, 11, 20, 6))
    known = dbt.read_results(dbt.results_path(settings))
    assert known["test.a"] == {"status": "pass", "failures": 0, "message": None, "as_of": "2026-11-20 06:00"}
    output.write_text('{"results": [{"unique_id": "te')
    dbt._remember(settings, output, datetime(2026, 11, 21, 6))
    assert dbt.read_results(dbt.results_path(settings)) == known
    output.unlink()
    dbt._remember(settings, output, datetime(2026, 11, 21, 6))
    assert dbt.read_results(dbt.results_path(settings)) == known
