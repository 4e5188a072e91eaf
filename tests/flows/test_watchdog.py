"""The dead man's check: deadlines counted one by one, and a command that cron understands."""

from __future__ import annotations

import json
import re
from datetime import datetime, time

import duckdb
import pytest
import typer.main
import yaml

from flows.cli import app
from flows.watchdog import missed
from tests.flows.conftest import Skyduck
from tests.flows.test_alarms import webhook
from warehouse.connection import connect
from warehouse.errors import RunsMissed
from warehouse.publish import publish
from warehouse.runs import StepRow, record
from warehouse.settings import LIVE_DATA, ROOT, Settings

__all__ = ["webhook"]
DUE = time(7, 30)


@pytest.mark.parametrize(
    ("published", "now", "expected"),
    [
        ("2026-11-20T06:20", "2026-11-20T06:21", 0),
        ("2026-11-20T06:20", "2026-11-20T08:00", 0),
        ("2026-11-20T06:20", "2026-11-21T07:29", 0),  # today's may still come
        ("2026-11-20T06:20", "2026-11-21T07:30", 1),
        ("2026-11-20T06:20", "2026-11-22T07:29", 1),
        ("2026-11-20T06:20", "2026-11-22T07:30", 2),
        ("2026-11-20T06:20", "2026-12-20T12:00", 30),
        ("2026-11-20T07:30", "2026-11-21T07:30", 1),  # what came at a deadline was for that one
        ("2026-11-20T07:31", "2026-11-21T07:30", 0),  # a late one counts for the next
        ("2026-11-21T00:10", "2026-11-21T07:30", 0),
        ("2026-11-25T00:00", "2026-11-21T07:30", 0),  # a clock that was ahead
    ],
)
def test_a_deadline_without_a_publication_since_the_one_before_is_a_missed_run(published, now, expected) -> None:
    assert missed(datetime.fromisoformat(published), datetime.fromisoformat(now), DUE) == expected


@pytest.fixture
def published(settings: Settings) -> Settings:
    """A copy of the 1st of November, six minutes past six."""
    folder = settings.published_path
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "gen-r1.duckdb")) as con:
        con.execute(
            "create table main.publication as select 'r1' as run_id, timestamp '2025-11-01 06:06' as published_at, "
            "'' as fingerprint, '{}'::json as tables"
        )
    (folder / "CURRENT").write_text("gen-r1.duckdb\n")
    return settings


def test_in_time_is_0_and_missed_is_5_and_says_what_to_do(published: Settings, skyduck: Skyduck) -> None:
    fine = skyduck("watchdog", "--as-of", "2025-11-02T07:00")
    assert (fine.returncode, fine.stderr) == (0, "")
    assert "no daily run is missed" in fine.stdout
    late = skyduck("watchdog", "--as-of", "2025-11-03T08:00", "--json")
    assert late.returncode == 5
    assert json.loads(late.stdout)["missed"] == 2
    assert "2 daily runs missed, due by 07:30 UTC" in late.stderr
    assert "`skyduck run`" in late.stderr
    assert "Traceback" not in late.stderr
    early = skyduck("watchdog", "--as-of", "2025-11-02T07:00", "--due", "06:30")
    assert early.returncode == 5


def test_only_a_daily_run_counts_whatever_else_published_since(settings: Settings, skyduck: Skyduck) -> None:
    """A training at 03:40 publishes, too; the daily run at 06:10 failed."""
    with connect(settings) as con:
        con.execute("create schema marts; create table marts.dim_series as select 1 as x")
    publish(settings, run_id="early", now=datetime(2025, 11, 1, 3, 40))
    never = skyduck("watchdog", "--as-of", "2025-11-01T07:35")
    assert never.returncode == 5
    assert "no daily run has ever published" in never.stderr
    for flow, at in (("daily", datetime(2025, 11, 1, 6, 20)), ("retrain", datetime(2025, 11, 2, 3, 40))):
        record(settings, StepRow(f"of-{flow}", flow, "publish", at, at, at, "ok", 1.0, 1.0, 1.0))
    publish(settings, run_id="of-retrain", now=datetime(2025, 11, 2, 3, 40))
    fine = skyduck("watchdog", "--as-of", "2025-11-02T07:29")
    assert fine.returncode == 0, fine.stderr
    late = skyduck("watchdog", "--as-of", "2025-11-02T07:35", "--json")
    assert (late.returncode, json.loads(late.stdout)["missed"]) == (5, 1)
    assert "2025-11-02 03:40 UTC (run of-retrain), the newest of a daily run of 2025-11-01 06:20 UTC" in late.stderr


def test_whoever_must_know_is_told_of_a_missed_run_and_of_a_copy_that_is_gone(
    published: Settings, skyduck: Skyduck, webhook: tuple[str, list[dict[str, str]]]
) -> None:
    address, told = webhook
    fine = skyduck("watchdog", "--notify", "--as-of", "2025-11-02T07:00", SKYDUCK_NOTIFY=address)
    assert (fine.returncode, told) == (0, [])
    late = skyduck("watchdog", "--notify", "--as-of", "2025-11-03T08:00", "--json", SKYDUCK_NOTIFY=address)
    assert (late.returncode, json.loads(late.stdout)["missed"]) == (5, 2)
    (published.published_path / "CURRENT").unlink()
    gone = skyduck("watchdog", "--notify", "--as-of", "2025-11-03T08:00", SKYDUCK_NOTIFY=address)
    assert gone.returncode == 2
    assert ["2 daily runs missed" in told[0]["message"], "nothing is published" in told[1]["message"]] == [True, True]
    deaf = skyduck(
        "watchdog", "--notify", "--as-of", "2025-11-03T08:00", SKYDUCK_NOTIFY="json://x:hunter2@127.0.0.1:9/"
    )
    assert deaf.returncode == 2
    assert "were not told by address 1" in deaf.stderr
    assert "hunter2" not in deaf.stderr


def test_nothing_published_and_no_time_of_day_are_bad_input(settings: Settings, skyduck: Skyduck) -> None:
    none = skyduck("watchdog")
    assert none.returncode == 2
    assert "nothing is published" in none.stderr
    for due in ("half past", "25:00", "07:30+01:00"):
        wrong = skyduck("watchdog", "--due", due)
        assert wrong.returncode == 2
        assert "--due" in wrong.stderr


def test_on_github_it_looks_after_the_daily_run_at_the_copy_that_one_left() -> None:
    folder = ROOT / ".github" / "workflows"
    run = yaml.safe_load((folder / "daily.yml").read_text(encoding="utf-8"))["jobs"]["run"]
    (look,) = yaml.safe_load((folder / "watchdog.yml").read_text(encoding="utf-8"))["jobs"].values()
    saves = [step for step in run["steps"] if "cache/save" in step.get("uses", "")]
    (save,) = [step for step in saves if "published" in step["with"]["path"]]
    (restore,) = [step for step in look["steps"] if "cache/restore" in step.get("uses", "")]
    assert "always()" in save["if"], "a run that published and then ended with 3 counts"
    assert save["with"]["path"] == restore["with"]["path"]
    assert save["with"]["path"].splitlines()[0] == str(LIVE_DATA / "published")
    assert save["with"]["key"].startswith(restore["with"]["restore-keys"])
    (command,) = [step["run"] for step in look["steps"] if "flows watchdog" in step.get("run", "")]
    known = {
        option for parameter in typer.main.get_command(app).commands["watchdog"].params for option in parameter.opts
    }
    assert set(re.findall(r"--[a-z-]+", command)) <= known
    assert "MOTHERDUCK_TOKEN" not in (folder / "watchdog.yml").read_text(encoding="utf-8")


def test_as_a_flow_it_fails_where_a_run_is_missed(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.overdue import overdue

    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(published.data_dir))
    assert "no daily run is missed" in overdue.fn(as_of="2025-11-02T07:00")
    with pytest.raises(RunsMissed, match="2 daily runs missed"):
        overdue.fn(as_of="2025-11-03T08:00")
