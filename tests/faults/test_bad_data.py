"""Data or a schema that must not be published: the run ends with 4 and the last publication stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2
from tests.e2e.world import World
from warehouse.settings import ROOT

pytestmark = pytest.mark.timeout(600)
LATER = DAY_2.replace("T06:10", "T07:10")
ROOMS = ("warehouse", "loader", "ml", "flows", "sample", "dbt_project")
FILES = ("params.yaml", "profiles.yml")


def refused(world: World, day_2: Day, *said: str) -> None:
    """A run of the next hour ends with 4 naming the fault, and leaves what readers see as it was."""
    copies, published = world.copies, world.published("select count(*), sum(point) from marts.fct_forecasts")
    done = world.run(LATER)
    assert done.returncode == 4, done.stderr
    line = done.stderr.strip().splitlines()[-1]
    for words in (*said, "Nothing was published; the previous copy stays"):
        assert words in line
    assert world.copies == copies
    assert world.published_run == day_2.said["run_id"]
    assert world.published("select count(*), sum(point) from marts.fct_forecasts") == published
    assert world.steps(LATER, "failed") == ["dbt before ml", "total"]
    assert world.value("select count(*) from ml.forecasts where created_at = ?::timestamp", LATER) == 0
    what = world.value("select what from ml.alarms where alarm_id = 'run:daily' and state = 'raised'")
    for words in said:
        assert words in what, "whoever is told is not told which promise is broken"
    assert f"CRITICAL {what}" in (world.data / "alarms.log").read_text(encoding="utf-8")


def test_a_row_that_breaks_a_promise_of_a_mart_is_not_published(evening: World, day_2: Day) -> None:
    evening.change(
        "update marts.fct_observations set quality = 'splendid' "
        "where series_id = 'sgpm.north.pm2_5_ugm3' and observed_at = timestamp '2025-10-15 12:00'"
    )
    assert evening.value("select count(*) from marts.fct_observations where quality = 'splendid'") == 1
    refused(evening, day_2, "accepted_values_fct_observations_quality", "fct_observations.yml")


def test_a_changed_schema_breaks_the_contract_and_is_not_published(day_2: Day, tmp_path: Path) -> None:
    project = tmp_path / "project"
    for room in ROOMS:
        shutil.copytree(ROOT / room, project / room, ignore=shutil.ignore_patterns("__pycache__", "target", "logs"))
    for file in FILES:
        shutil.copy(ROOT / file, project / file)
    model = project / "dbt_project" / "models" / "marts" / "core" / "dim_series.sql"
    sql = model.read_text(encoding="utf-8")
    assert "        series.latitude,\n" in sql
    model.write_text(sql.replace("series.latitude,", "series.latitude::varchar as latitude,"), encoding="utf-8")
    world = day_2.world.copied(tmp_path / "world", project)
    refused(world, day_2, "dim_series", "its contract does not hold: latitude is VARCHAR, expected DOUBLE")
