"""The published copy: checked, swapped in at once, and readable through every phase."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from warehouse.connection import connect
from warehouse.errors import BadInput, DataTestFailed
from warehouse.publish import Published, publish
from warehouse.published import daily_at, open_copy, publication, published_copy
from warehouse.settings import ROOT, Settings, load_settings

NOW = datetime(2026, 11, 20, 6, 10)
MARTS = """
    create schema if not exists marts;
    create or replace table marts.dim_series as
        select 'weather.' || place_id || '.temperature_c' as series_id, true as is_target, last_observed_at
        from (values ('SG', timestamp '2026-11-20 06:00'), ('LON', '2026-11-20 06:00'), ('NEW', null))
            as places (place_id, last_observed_at);
    create or replace table marts.fct_observations as
        select series_id, timestamp '2026-11-20 05:00' as observed_at, $1::double as value from marts.dim_series;
    create or replace table marts.fct_forecasts as
        select 'run-1' as run_id, series_id, unnest(range(48)) as horizon_h
        from marts.dim_series where last_observed_at is not null;
    create or replace table marts.fct_origin_features as select 1 as x;
    create or replace view marts.fct_all_origin_features as select * from marts.fct_origin_features;
    create or replace view marts.fct_forecast_features as select * from marts.fct_all_origin_features;
    create or replace view marts.fct_current_forecasts as select * from marts.fct_forecasts;
    create or replace table marts.fct_observations__dbt_tmp as select 1 as x;
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = load_settings(data_dir=tmp_path / "it's data")
    fill(found, 1.0)
    return found


def fill(settings: Settings, value: float) -> None:
    with connect(settings) as con:
        for statement in MARTS.split(";"):
            if statement.strip():
                con.execute(statement, [value] if "$1" in statement else [])


def names(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.published_path.iterdir())


def test_marts_are_copied_whole_and_the_big_feature_tables_stay_behind(settings: Settings) -> None:
    published = publish(settings, run_id="run-1", now=NOW, forecasts_of="run-1", fingerprint="abc")
    with open_copy(published.path) as con:
        assert daily_at(con) == NOW
    assert published.tables == {
        "dim_series": 3,
        "fct_current_forecasts": 96,
        "fct_forecasts": 96,
        "fct_observations": 3,
    }
    assert (published.n_forecast_rows, published.n_forecast_series) == (96, 2)
    assert published_copy(settings) == published.path
    assert publication(published.path) == ("run-1", NOW, "abc")
    with open_copy(published.path) as con:
        assert con.execute("select count(*) from marts.fct_forecasts").fetchall() == [(96,)]


def test_a_published_copy_cannot_be_written_nor_reach_other_files(settings: Settings, tmp_path: Path) -> None:
    published = publish(settings, run_id="run-1", now=NOW)
    with open_copy(published.path) as con:
        for statement in (
            "create table x (a int)",
            f"copy (select 1) to '{tmp_path}/out.csv'",
            "select * from read_text('/etc/hostname')",
            "set enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(statement)


def test_a_series_without_a_forecast_of_this_run_is_not_published_and_the_old_copy_stays(settings: Settings) -> None:
    before = publish(settings, run_id="run-1", now=NOW, forecasts_of="run-1")
    with pytest.raises(DataTestFailed, match=r"2 series have no forecast of run run-2 \(weather.LON"):
        publish(settings, run_id="run-2", now=NOW, forecasts_of="run-2")
    assert published_copy(settings) == before.path
    assert names(settings) == ["CURRENT", "gen-run-1.duckdb"]


def test_a_missing_mart_is_named(settings: Settings) -> None:
    with connect(settings) as con:
        con.execute("drop view marts.fct_current_forecasts")
        con.execute("drop table marts.fct_forecasts")
    with pytest.raises(DataTestFailed, match="fct_forecasts is missing"):
        publish(settings, run_id="run-2", now=NOW, forecasts_of="run-2")


def test_the_last_three_copies_stay_and_leftovers_go(settings: Settings) -> None:
    settings.published_path.mkdir(parents=True)
    for stale in ("gen-dead.duckdb.tmp", "gen-dead.duckdb.tmp.wal"):
        (settings.published_path / stale).write_text("half a file")
    for i in range(5):
        publish(settings, run_id=f"run-{i}", now=NOW)
    assert names(settings) == ["CURRENT", *(f"gen-run-{i}.duckdb" for i in (2, 3, 4))]


def test_the_same_run_may_be_published_again(settings: Settings) -> None:
    publish(settings, run_id="run-1", now=NOW)
    fill(settings, 2.0)
    publish(settings, run_id="run-1", now=NOW)
    assert value(settings) == 2.0
    assert names(settings) == ["CURRENT", "gen-run-1.duckdb"]


def value(settings: Settings) -> float:
    with open_copy(published_copy(settings)) as con:
        row = con.execute("select any_value(value) from marts.fct_observations").fetchone()
    assert row is not None
    return float(row[0])


@pytest.mark.parametrize("run_id", ["../escape", "a/b", "", "-x", "x" * 99, "a b", "a'b"])
def test_a_run_id_that_is_no_file_name_is_refused(settings: Settings, run_id: str) -> None:
    with pytest.raises(BadInput, match="no file name"):
        publish(settings, run_id=run_id, now=NOW)


@pytest.mark.parametrize("text", ["", "gen-gone.duckdb", "../warehouse/skyduck.duckdb", "/etc/passwd", "\x00\xff"])
def test_a_bad_pointer_is_named_and_healed_by_the_next_publication(settings: Settings, text: str) -> None:
    publish(settings, run_id="run-1", now=NOW)
    (settings.published_path / "CURRENT").write_text(text, encoding="latin-1")
    with pytest.raises(BadInput, match="no published copy"):
        published_copy(settings)
    publish(settings, run_id="run-2", now=NOW)
    assert published_copy(settings).name == "gen-run-2.duckdb"


def test_without_a_copy_the_error_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="`skyduck run` builds and publishes"):
        published_copy(load_settings(data_dir=tmp_path))


def test_a_damaged_copy_is_bad_input(settings: Settings) -> None:
    path = publish(settings, run_id="run-1", now=NOW).path
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(BadInput, match="cannot be opened"), open_copy(path):
        pass


PUBLISH = """
import sys
from datetime import datetime
from pathlib import Path
from warehouse.publish import publish
from warehouse.settings import load_settings
publish(load_settings(data_dir=Path(sys.argv[1])), run_id=sys.argv[2], now=datetime(2026, 11, 20), forecasts_of="run-1")
"""


def publish_in_a_process(settings: Settings, run_id: str, fault: str = "") -> int:
    env = os.environ | {"SKYDUCK_FAULT_AT": fault}
    command = [sys.executable, "-c", PUBLISH, str(settings.data_dir), run_id]
    return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


def test_a_kill_before_the_swap_leaves_the_old_copy_in_place_and_a_rerun_converges(settings: Settings) -> None:
    before: Published = publish(settings, run_id="run-1", now=NOW)
    fill(settings, 2.0)
    assert publish_in_a_process(settings, "run-2", "publish.before_swap") == -signal.SIGKILL
    assert (settings.published_path / "gen-run-2.duckdb").exists(), "the kill came before the copy was written"
    assert published_copy(settings) == before.path
    assert value(settings) == 1.0
    assert publish_in_a_process(settings, "run-2") == 0
    assert value(settings) == 2.0


READER = """
import sys, time
from pathlib import Path
from warehouse.published import open_copy, published_copy
from warehouse.settings import load_settings
settings, seen, end = load_settings(data_dir=Path(sys.argv[1])), set(), time.monotonic() + 60
kept = open_copy(published_copy(settings))
held = kept.__enter__()  # one copy stays open through every swap
print("reading", flush=True)
while not Path(sys.argv[2]).exists() and time.monotonic() < end:
    with open_copy(published_copy(settings)) as con:
        values = con.execute("select distinct value from marts.fct_observations").fetchall()
        assert len(values) == 1, values
        assert con.execute("select count(*) from marts.fct_forecasts").fetchall() == [(96,)]
        seen.add(values[0][0])
assert held.execute("select distinct value from marts.fct_observations").fetchall() == [(1.0,)]
print(len(seen))
"""


def test_a_reader_in_another_process_reads_whole_copies_through_every_swap(settings: Settings, tmp_path: Path) -> None:
    publish(settings, run_id="run-0", now=NOW)
    stop = tmp_path / "stop"
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(settings.data_dir), str(stop)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "reading\n"
    for i in range(1, 8):
        fill(settings, float(i))
        publish(settings, run_id=f"run-{i}", now=NOW)
        time.sleep(0.1)
    stop.touch()
    out, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    assert int(out) >= 3, "the reader saw too few copies for the swaps to have been tested"
