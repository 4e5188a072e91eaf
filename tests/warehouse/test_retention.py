"""What goes when it is old, and what stays for good."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from warehouse import retention
from warehouse.connection import connect
from warehouse.retention import DRIFT_PAGES, REPORTS, VINTAGES, drop_files, drop_old_reports, drop_old_vintages, turn
from warehouse.settings import Settings, load_settings

NOW = datetime(2026, 11, 20, 6, 10)
DAY = timedelta(days=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data")


def aged(path: Path, age: timedelta) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("page", encoding="utf-8")
    then = time.time() - age.total_seconds()
    os.utime(path, (then, then))
    return path


def test_vintages_never_published_and_explanations_go_and_what_was_published_stays(settings: Settings) -> None:
    tables = ("forecasts", "shadow_forecasts", "explanations", "alert_probabilities")
    with connect(settings) as con:
        for table in tables:
            names = [name for name, *_ in con.execute(f"describe ml.{table}").fetchall()]
            for created_at in (NOW - VINTAGES - DAY, NOW - VINTAGES + DAY):
                made = [
                    "'2025-01-01'" if name.endswith(("_at", "_start", "_end", "_as_of")) else "'1'" for name in names
                ]
                made[names.index("created_at")] = f"'{created_at}'"
                con.execute(f"insert into ml.{table} values ({', '.join(made)})")
    assert drop_old_vintages(settings, NOW) == 2
    assert drop_old_vintages(settings, NOW) == 0
    with connect(settings, read_only=True) as con:
        left = {table: con.execute(f"select count(*) from ml.{table}").fetchall()[0][0] for table in tables}
    assert left == {"forecasts": 2, "shadow_forecasts": 1, "explanations": 1, "alert_probabilities": 2}


def test_an_old_report_goes_unless_its_version_is_in_production(settings: Settings) -> None:
    folder = settings.models_path / "reports"
    pages = {name: aged(folder / f"{name}.html", REPORTS + DAY) for name in ("past", "champion")}
    new = aged(folder / "young.html", REPORTS - DAY)
    with connect(settings) as con:
        for seq, version in enumerate(("past", "champion"), start=1):
            con.execute(
                "insert into ml.champion_events values ($1, 'r', $2, 'air', $3, 'promote', 'x', 'y', $4)",
                [str(seq), NOW - timedelta(days=900 - seq), version, seq],
            )
    assert drop_old_reports(settings, NOW) == 1
    assert not pages["past"].exists()
    assert pages["champion"].exists()
    assert new.exists()


def test_files_go_by_their_age(tmp_path: Path) -> None:
    old, new = aged(tmp_path / "old.html", DRIFT_PAGES + DAY), aged(tmp_path / "new.html", DRIFT_PAGES - DAY)
    assert drop_files(tmp_path.glob("*"), DRIFT_PAGES) == 1
    assert not old.exists()
    assert new.exists()


def test_a_log_that_has_grown_long_begins_anew_and_the_one_before_stays(tmp_path: Path) -> None:
    log = tmp_path / "alarms.log"
    turn(log)  # none yet
    log.write_bytes(b"x" * (retention.LOG_BYTES + 1))
    turn(log)
    assert not log.exists()
    assert (tmp_path / "alarms.1.log").stat().st_size == retention.LOG_BYTES + 1
    log.write_text("short", encoding="utf-8")
    turn(log)
    assert log.read_text(encoding="utf-8") == "short"
