"""What the measurements stand on: scratch folders go, a contender's time, memory and errors are its own."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bench import scans
from bench.__main__ import QUESTIONS
from bench.contender import contend
from bench.scratch import NOW, scratch, settings_in, write_seeds
from flows.upstream import upstream
from warehouse.catalog import load_catalog
from warehouse.connection import connect
from warehouse.errors import SkyduckError
from warehouse.settings import ROOT


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_has_a_module_that_answers_it(name: str) -> None:
    assert callable(importlib.import_module(f"bench.{name}").main)


def test_an_unknown_question_is_refused_by_name() -> None:
    command = [sys.executable, "-m", "bench", "speed"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"unknown: speed; there are {', '.join(QUESTIONS)}" in done.stderr


def test_a_scratch_folder_is_gone_afterwards_even_when_the_measurement_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYDUCK_DATA_DIR", "elsewhere")
    folders: list[Path] = []
    with pytest.raises(ZeroDivisionError):
        _fail_in_scratch(folders)
    assert not folders[0].exists()
    assert os.environ["SKYDUCK_DATA_DIR"] == "elsewhere"


def _fail_in_scratch(folders: list[Path]) -> None:
    with scratch("test") as folder:
        folders.append(folder)
        assert settings_in(folder).drop_path == folder / "drop"
        assert "SKYDUCK_DATA_DIR" not in os.environ
        (folder / "file").write_text("x")
        raise ZeroDivisionError


def test_scratch_seeds_are_a_catalogue_of_their_own(tmp_path: Path) -> None:
    places = [("P1", "One", "XX", 10, 20, "UTC")]
    seeds = write_seeds(
        tmp_path / "seeds",
        places=places,
        series=[("weather", "P1", "open_meteo", "P1")],
        variables=("temperature_c",),
    )
    catalog = load_catalog(seeds)
    assert [variable.variable for variable in catalog.variables_of("weather")] == ["temperature_c"]
    assert list(catalog.places) == ["P1"]


def test_a_contender_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    day = (NOW - timedelta(days=30)).date().isoformat()
    with upstream(settings_in(tmp_path / "data"), now=NOW, progress=lambda _: None) as serving:
        job = {
            "url": serving.sample_url,
            "database": str(tmp_path / "own.duckdb"),
            "weather_days": [day, day],
            "pm25_days": [day, day],
            "places": [{"place_id": "P1", "latitude": 10.0, "longitude": 20.0}],
        }
        outcome = contend("load_pandas", job, folder=tmp_path / "pandas")
    assert outcome.said["found"][0] == 24
    assert outcome.seconds >= outcome.said["fetch"] + outcome.said["write"]
    assert 50 < outcome.peak_mib < 2000


def test_a_contender_that_fails_is_named_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(SkyduckError, match=r"load_pandas ended with 1: .*KeyError: 'weather_days'"):
        contend("load_pandas", {}, folder=tmp_path)


def test_rows_scanned_are_counted_by_the_engine_and_skip_what_a_literal_rules_out(tmp_path: Path) -> None:
    with connect(settings_in(tmp_path)) as con:
        con.execute("create table hours as select range as hour from range(1_000_000)")
        con.execute("set enable_profiling = 'no_output'")
        everything = scans._rows_scanned(con, "select sum(hour) from hours")
        newest = scans._rows_scanned(con, "select sum(hour) from hours where hour > 990_000")
    assert everything == 1_000_000
    assert newest < 250_000


@pytest.mark.skipif(not scans.PROC_IO.exists(), reason="this system does not count the bytes a process reads")
def test_bytes_read_include_those_of_ended_children(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(3_000_000))
    before = scans.bytes_read()
    subprocess.run(["cat", tmp_path / "big"], stdout=subprocess.DEVNULL, check=True)
    assert scans.bytes_read() - before >= 3_000_000
