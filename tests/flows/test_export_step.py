"""The export of a daily run: what is published stays whatever becomes of it, and a person is told once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from flows import alarms, sequence, steps
from flows.export.step import export
from flows.run import Run
from tests.flows.exporting import manifest, publish
from tests.flows.test_alarms import NOW, world
from warehouse.connection import connect
from warehouse.published import publication, published_copy
from warehouse.settings import Settings

__all__ = ["world"]


def run_of(settings: Settings, to: Path | str | None, number: int) -> Run:
    """The daily run of that day, as it stands once it has published."""
    told = settings.model_copy(update={"export_to": None if to is None else str(to)})
    return Run(told, "daily", NOW + timedelta(days=number), f"r{number}", lambda line: None)


def rows(settings: Settings) -> list[tuple[str, str]]:
    with connect(settings) as con:
        return con.execute(
            "select run_id, state from ml.alarms where alarm_id = 'export' order by created_at"
        ).fetchall()


def test_it_is_on_record_with_its_rows_and_its_place(world: Settings, tmp_path: Path) -> None:
    publish(world, 1)
    run = run_of(world, tmp_path / "out", 0)
    export(run)
    assert (run.warnings, run.exported is not None) == ([], True)
    (step,) = run.steps
    assert (step.step, step.status) == ("export", "ok")
    assert step.n_rows == sum(file["rows"] for file in manifest(tmp_path / "out")["files"])
    assert step.detail["to"] == str(tmp_path / "out")


def test_a_failure_is_told_once_undoes_nothing_and_is_over_with_the_next_export(
    world: Settings, tmp_path: Path
) -> None:
    publish(world, 1)
    in_the_way = tmp_path / "out"
    in_the_way.write_text("a file")
    for number in (0, 1):
        run = run_of(world, in_the_way, number)
        alarms.look(run)
        export(run)
        assert any("what was published is not exported: " in line for line in run.warnings)
        assert (run.steps[-1].step, run.steps[-1].status) == ("export", "failed")
    assert rows(world) == [("r0", "raised")]
    assert publication(published_copy(world))[0] == "run-1"
    in_the_way.unlink()
    run = run_of(world, in_the_way, 2)
    alarms.look(run)
    export(run)
    assert rows(world) == [("r0", "raised"), ("r2", "recovered")]
    log = (world.data_dir / "alarms.log").read_text(encoding="utf-8")
    assert (log.count("WARNING what was published is not exported"), log.count("RECOVERED what was")) == (1, 1)


def test_the_alarm_is_over_where_nothing_is_to_be_exported_any_more(world: Settings, tmp_path: Path) -> None:
    publish(world, 1)
    export(run_of(world, "s3://", 0))
    alarms.look(run_of(world, None, 1))
    assert rows(world) == [("r0", "raised"), ("r1", "recovered")]


@pytest.mark.parametrize("is_set", [True, False])
def test_a_run_exports_what_is_published_only_where_it_is_told_to(
    is_set: bool, world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nothing is new: what an earlier run failed to export goes out."""
    publish(world, 1)
    called: list[str] = []
    monkeypatch.setattr(steps, "is_nothing_new", lambda run: True)
    monkeypatch.setattr(steps, "has_anything", lambda run: True)
    run = run_of(world, tmp_path / "out" if is_set else None, 0)
    sequence.daily(run, lambda name, step: called.append(name) or (step() if name == "export" else None))
    assert called == ["load", "freshness", *(["export"] if is_set else [])]
    assert (tmp_path / "out" / "manifest.json").exists() == is_set
