"""Each step leaves its record; nothing new means nothing done."""

from __future__ import annotations

import io
import json
import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest

from flows import fingerprint as prints
from flows import logs, steps
from flows.meter import Meter
from flows.run import Run, new_run_id
from flows.upstream import upstream
from warehouse.connection import connect
from warehouse.errors import BadInput, UpstreamFailed
from warehouse.overview import last_runs
from warehouse.publish import publish
from warehouse.settings import Settings, load_settings

NOW = datetime(2026, 11, 20, 6, 10)


def quiet(line: str) -> None:
    """No progress."""


@pytest.fixture
def run(settings: Settings) -> Run:
    return Run(settings, "daily", NOW, new_run_id(NOW), quiet)


def rows(settings: Settings) -> list[tuple[str, str, str]]:
    with connect(settings) as con:
        found = con.execute("select step, status, detail ->> 'error' from ml.runs order by started_at, step").fetchall()
    return [(str(step), str(status), str(error)) for step, status, error in found]


def test_a_step_records_its_cost_and_its_rows(run: Run) -> None:
    with run.step("load") as note:
        block = bytearray(40_000_000)
        sum(range(2_000_000))
        time.sleep(0.6)
        note.n_rows = len(block)
    (row,) = run.steps
    assert (row.status, row.n_rows, row.started_at >= NOW) == ("ok", 40_000_000, True)
    assert row.seconds >= 0.6
    assert 0 < row.cpu_seconds < row.seconds + 1
    assert row.peak_mib > 40
    assert rows(run.settings) == [("load", "ok", "None")]


def test_a_failed_step_is_recorded_with_its_error_and_the_error_goes_on(run: Run) -> None:
    with pytest.raises(UpstreamFailed), run.step("total"), run.step("load"):
        raise UpstreamFailed("the host is down")
    assert [(step, status) for step, status, _ in rows(run.settings)] == [("total", "failed"), ("load", "failed")]
    assert last_runs(run.settings)[0]["status"] == "failed"
    assert "the host is down" in last_runs(run.settings)[0]["error"]


def test_a_step_that_is_tried_again_leaves_one_row(run: Run) -> None:
    with pytest.raises(ValueError, match="once"), run.step("load"):
        raise ValueError("once")
    with run.step("load"):
        pass
    assert rows(run.settings) == [("load", "ok", "None")]


def test_a_run_without_an_end_shows_as_interrupted(run: Run) -> None:
    with run.step("load"):
        pass
    assert last_runs(run.settings)[0]["status"] == "interrupted"


def test_the_meter_counts_child_processes() -> None:
    import subprocess
    import sys

    with Meter() as meter:
        subprocess.run([sys.executable, "-c", "x = bytearray(80_000_000); sum(range(30_000_000))"], check=True)
    assert meter.cpu_seconds > 0.2


@pytest.mark.skipif(not psutil.LINUX, reason="only Linux counts the bytes of children that have ended")
def test_the_meter_counts_bytes_of_child_processes(tmp_path: Path) -> None:
    import subprocess
    import sys

    file = tmp_path / "some"
    code = "import sys; path = sys.argv[1]; open(path, 'wb').write(bytes(30_000_000)); open(path, 'rb').read()"
    with Meter() as meter:
        file.with_suffix(".own").write_bytes(bytes(20_000_000))
        subprocess.run([sys.executable, "-c", code, str(file)], check=True)
    assert meter.bytes is not None
    read, written = meter.bytes
    assert 30_000_000 <= read < 45_000_000
    assert 50_000_000 <= written < 55_000_000


def test_where_the_platform_counts_no_bytes_none_are_claimed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "LINUX", False)
    with run.step("load") as note:
        note.n_calls = 3
    with connect(run.settings) as con:
        found = con.execute("select read_bytes, written_bytes, n_calls from ml.runs").fetchall()
    assert found == [(None, None, 3)]


def test_a_warehouse_from_before_bytes_were_counted_takes_new_runs(run: Run) -> None:
    with connect(run.settings) as con:
        for name in ("read_bytes", "written_bytes", "n_calls"):
            con.execute(f"alter table ml.runs drop column {name}")
        con.execute(
            "insert into ml.runs by name select 'old' as run_id, 'daily' as flow, 'load' as step, 'ok' as status, "
            "$1::timestamp as as_of, as_of as started_at, as_of as finished_at, 1 as seconds, 1 as cpu_seconds, "
            "1 as peak_mib",
            [NOW - timedelta(days=1)],
        )
    with run.step("load"):
        pass
    with connect(run.settings) as con:
        found = con.execute("select run_id, read_bytes is null from ml.runs order by as_of").fetchall()
    assert found == [("old", True), (run.run_id, not psutil.LINUX)]


def marts(settings: Settings) -> None:
    with connect(settings) as con:
        con.execute("create schema if not exists marts")
        con.execute("create or replace table marts.dim_series as select 'a' as series_id")


def test_a_copy_made_from_the_same_things_needs_no_second_one(run: Run) -> None:
    marts(run.settings)
    assert not steps.is_nothing_new(run), "nothing is published yet"
    publish(run.settings, run_id="r1", now=NOW, fingerprint=prints.fingerprint(run.settings, NOW))
    assert steps.is_nothing_new(run)
    run.force = True
    assert not steps.is_nothing_new(run)


def test_a_new_body_a_champion_another_hour_or_another_seed_is_something_new(
    settings: Settings, tmp_path: Path
) -> None:
    seeds = tmp_path / "seeds"
    shutil.copytree(settings.seeds_dir, seeds)
    settings = load_settings(data_dir=settings.data_dir, seeds_dir=seeds)
    seen = [prints.fingerprint(settings, NOW)]
    assert prints.fingerprint(settings, NOW + timedelta(minutes=40)) == seen[0], "the origin is the hour"
    seen.append(prints.fingerprint(settings, NOW + timedelta(hours=1)))
    with connect(settings) as con:
        con.execute(
            "insert into raw.payloads by name select 1 as payload_seq, 'r' as run_id, 's' as source, 'e' as endpoint, "
            "'x' as subject, now()::timestamp as window_start, now()::timestamp as window_end, "
            "now()::timestamp as fetched_at, 'live' as mode, 'ok' as status, 'h' as sha256, 0 as n_bytes"
        )
    seen.append(prints.fingerprint(settings, NOW))
    with connect(settings) as con:
        con.execute(
            "insert into ml.champion_events select 'e', 'r', now()::timestamp, 'd', 'v', 'promote', 'x', 'y', 1"
        )
    seen.append(prints.fingerprint(settings, NOW))
    with (seeds / "places.csv").open("a") as file:
        file.write("\n")
    seen.append(prints.fingerprint(settings, NOW))
    assert len(set(seen)) == 5


def test_sample_and_live_data_never_meet_in_one_warehouse(run: Run) -> None:
    with run.step("load") as note:
        note.detail["upstream"] = "sample"
    live = load_settings(data_dir=run.settings.data_dir, upstream="live")
    with (
        pytest.raises(BadInput, match=r"holds sample data.*SKYDUCK_DATA_DIR=.data/live"),
        upstream(live, now=NOW, progress=quiet),
    ):
        pass


def test_a_live_run_starts_no_sample_server(settings: Settings) -> None:
    live = load_settings(data_dir=settings.data_dir, upstream="live")
    with upstream(live, now=NOW, progress=quiet) as found:
        assert found.sample_url is None
        assert found.upstream == "live"
    assert not (settings.data_dir / "logs" / "sample.log").exists()


def test_no_secret_reaches_the_log(settings: Settings) -> None:
    import structlog

    secret = load_settings(data_dir=settings.data_dir, MOTHERDUCK_TOKEN="canary-0815")
    logs.to_file(secret, "r1")
    try:
        structlog.get_logger().info("asked", url="https://x/?apikey=canary-0815", nested={"a": "canary-0815"}, n=3)
    finally:
        logs.quiet()
        structlog.contextvars.clear_contextvars()
    text = (settings.data_dir / "logs" / "skyduck.jsonl").read_text()
    assert "canary" not in text
    line = json.loads(text)
    assert (line["run_id"], line["n"], line["url"]) == ("r1", 3, "https://x/?apikey=***")


def test_outside_a_run_an_error_goes_to_what_stderr_is_by_then_and_a_retry_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import structlog

    with io.StringIO() as gone:
        monkeypatch.setattr("sys.stderr", gone)
        logs.quiet()
    here = io.StringIO()
    monkeypatch.setattr("sys.stderr", here)
    structlog.get_logger().warning("asked again")
    structlog.get_logger().error("still heard")
    assert "still heard" in here.getvalue()
    assert "asked again" not in here.getvalue()


def test_the_last_run_is_the_one_that_ended_last_even_when_it_replayed_an_older_day(settings: Settings) -> None:
    for run_id, now in (("new-day", NOW), ("old-day", NOW - timedelta(days=30))):
        with Run(settings, "daily", now, run_id, quiet).step("total"):
            pass
    assert [row["run_id"] for row in last_runs(settings)] == ["old-day", "new-day"]
