"""The step that looks for drift: what it tells, and that it stops nothing."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from flows import drift
from flows.run import Run
from ml.monitor import pages
from ml.monitor.drift import judge
from ml.monitor.watch import Column, verdicts
from warehouse.connection import connect
from warehouse.settings import Settings

NOW = datetime(2026, 11, 20, 6, 10)


@pytest.fixture
def run(settings: Settings) -> Run:
    return Run(settings, "daily", NOW, "20261120T061000-abcdef", lambda line: None)


def pairs(run: Run) -> Path:
    """What the step leaves for the page: one column whose unit has changed."""
    rng = np.random.default_rng(1)
    values = 20 + 3 * np.sin(np.arange(9000) / 24 * 2 * np.pi) + rng.normal(0, 1, 9000)
    values[-40:] *= 10
    assert not isinstance(judge(values, 48), str)
    found = verdicts([Column("air", "air.A.pm2_5_ugm3", "target", datetime(2025, 11, 10, 7), values)], NOW)
    path = run.settings.data_dir / "drift" / f"{run.run_id}.npz"
    assert pages.keep(found, path) >= 1
    return path


@pytest.mark.slow
def test_the_page_is_drawn_beside_what_runs_and_needs_no_network(run: Run) -> None:
    path = pairs(run)
    with connect(run.settings) as con:
        con.execute(
            "insert into ml.drift by name select unnest([$1, 'another']) as run_id, now()::timestamp as created_at, "
            "'air' as dataset, 's' as series_id, 'target' as kind, now()::timestamp as current_to, false as is_drift",
            [run.run_id],
        )
    with drift.page(run):
        assert path.exists()
    with connect(run.settings, read_only=True) as con:
        linked = con.execute("select run_id, page from ml.drift where page is not null").fetchall()
    assert linked == [(run.run_id, f"drift/{run.run_id}.html")]
    page = path.with_suffix(".html").read_text(encoding="utf-8")
    assert run.warnings == []
    assert "air.A.pm2_5_ugm3 target, level of 48 h" in page
    assert "Drift" in page
    assert [each.name for each in path.parent.iterdir()] == [f"{run.run_id}.html"]


def test_a_page_that_cannot_be_drawn_is_a_warning(run: Run) -> None:
    path = pairs(run)
    path.write_bytes(b"no archive")
    with drift.page(run):
        pass
    (warning,) = run.warnings
    assert warning.startswith("no page of the drift: ")
    assert list(path.parent.iterdir()) == []


def test_a_run_that_fails_meanwhile_leaves_no_process_and_its_own_error(run: Run) -> None:
    path = pairs(run)
    with pytest.raises(ValueError, match="broken"), drift.page(run):
        raise ValueError("broken")
    assert [each.name for each in path.parent.iterdir()] == []


def test_where_nothing_was_judged_there_is_no_page(run: Run) -> None:
    with drift.page(run):
        pass
    assert run.warnings == []
    assert not (run.settings.data_dir / "drift").exists()


def test_a_look_that_fails_stops_nothing_and_is_said(run: Run) -> None:
    drift.look(run)
    (warning,) = run.warnings
    assert warning.startswith("drift was not looked for: there is no warehouse")


def test_pages_of_more_than_30_days_ago_go(run: Run) -> None:
    folder = run.settings.data_dir / "drift"
    folder.mkdir(parents=True)
    for name, age in (("old.html", 31), ("new.html", 29), ("old.txt", 31)):
        (folder / name).write_text("x")
        os.utime(folder / name, (time.time() - age * 86_400,) * 2)
    pages.drop_old(folder)
    assert sorted(each.name for each in folder.iterdir()) == ["new.html", "old.txt"]
