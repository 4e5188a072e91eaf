"""The dead man's check: deadlines counted one by one, and a command that cron understands."""

from __future__ import annotations

import json
from datetime import datetime, time

import duckdb
import pytest

from flows.watchdog import missed
from tests.flows.conftest import Skyduck
from warehouse.settings import Settings

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


def test_nothing_published_and_no_time_of_day_are_bad_input(settings: Settings, skyduck: Skyduck) -> None:
    none = skyduck("watchdog")
    assert none.returncode == 2
    assert "nothing is published" in none.stderr
    for due in ("half past", "25:00", "07:30+01:00"):
        wrong = skyduck("watchdog", "--due", due)
        assert wrong.returncode == 2
        assert "--due" in wrong.stderr
