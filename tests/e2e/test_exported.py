"""What real days publish, as files: what dbt built is exported as its contract says."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from flows.contract import columns
from flows.export.deliver import deliver
from flows.export.manifest import Scope
from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2
from warehouse.reads.exported import TABLES

pytestmark = pytest.mark.timeout(600)


def test_the_second_day_writes_only_what_it_changed(day_1: Day, day_2: Day, tmp_path: Path) -> None:
    first = deliver(day_1.world.settings, str(tmp_path), Scope(), progress=lambda line: None)
    before = {file["path"] for file in json.loads((tmp_path / "manifest.json").read_text())["files"]}
    second = deliver(day_2.world.settings, str(tmp_path), Scope(), progress=lambda line: None)
    found = json.loads((tmp_path / "manifest.json").read_text())
    after = {file["path"] for file in found["files"]}
    assert first.n_written == len(before)
    assert second.n_written == len(after - before)
    past = [path for path in before - after if path.startswith("observations/dataset=carbon/")]
    assert len(past) <= 5, "a dataset without a new series changes in its newest days only"
    assert not [path for path in before - after if path.startswith("forecasts/")], "a vintage that was published stays"
    for name in ("forecasts", "observations", "alerts"):
        assert [path for path in after - before if path.startswith(name) and f"/date={DAY_2[:10]}/" in path]
    for table in TABLES:
        told = {each.name: each.type for each in columns(table)}
        assert found["columns"][table.name] == told, table.name


def test_a_run_told_where_to_exports_what_is_published(day_2: Day, tmp_path: Path) -> None:
    world = day_2.world.copied(tmp_path / "world")
    done = world.run(DAY_2, SKYDUCK_EXPORT_TO=str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert (json.loads(done.stdout)["nothing_new"], json.loads(done.stdout)["warnings"]) == (True, [])
    assert "export" in world.steps(DAY_2)
    frame = pd.read_parquet(tmp_path / "out" / "current_forecasts")
    ((told,),) = world.published("select sum(point) from marts.fct_current_forecasts")
    assert len(frame) == day_2.said["n_forecast_rows"]
    assert frame["point"].sum() == pytest.approx(told)
