"""The write-back: whole or not at all, and the same after a rerun."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest

from warehouse import results
from warehouse.connection import connect
from warehouse.settings import Settings

NOW = datetime(2026, 3, 1, 6)


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path)


def forecast(run_id: str, point: float = 1.0, n: int = 3) -> pa.Table:
    quantiles = dict.fromkeys(("point", "q05", "q10", "q25", "q50", "q75", "q90", "q95"), point)
    return pa.Table.from_pylist(
        [
            {
                "run_id": run_id,
                "model_version": "v",
                "dataset": "air",
                "series_id": "air.A.pm",
                "origin_at": NOW,
                "target_at": NOW,
                "horizon_h": h,
                **quantiles,
                "rung": "champion",
                "rung_reason": None,
                "data_as_of": NOW,
                "created_at": NOW,
            }
            for h in range(n)
        ]
    )


def version(run_id: str, name: str, trained_at: datetime = NOW) -> dict[str, object]:
    return {
        "model_version": name,
        "dataset": "air",
        "model": "naive_last",
        "run_id": run_id,
        "trained_at": trained_at,
        "data_as_of": NOW,
        "data_hash": "h",
        "params": "{}",
        "metrics": '{"role": "champion"}',
    }


def event(run_id: str, name: str, event_at: datetime = NOW, action: str = "promote") -> dict[str, object]:
    return {
        "event_id": f"{run_id}.{name}",
        "run_id": run_id,
        "event_at": event_at,
        "dataset": "air",
        "model_version": name,
        "action": action,
        "reason": "'); drop table ml.champion_events; --",
        "actor": "train",
    }


def backtest_rows(run_id: str) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "run_id": run_id,
                "dataset": "air",
                "model": "naive_last",
                "role": "report",
                "series_id": "air.A.pm",
                "origin_at": NOW,
                "horizon_h": 1,
                "actual": 1.0,
                "point": 2.0,
            }
        ]
    )


def write(settings: Settings, run_id: str, name: str, at: datetime = NOW) -> None:
    results.write_training(
        settings,
        run_id=run_id,
        dataset="air",
        versions=pa.Table.from_pylist([version(run_id, name, at)]),
        backtests=backtest_rows(run_id),
        events=pa.Table.from_pylist([event(run_id, name, at)]),
    )


def count(settings: Settings, table: str, where: str = "true") -> int:
    with connect(settings) as con:
        return con.execute(f"select count(*) from ml.{table} where {where}").fetchone()[0]


def test_a_run_writes_its_forecasts_once_however_often_it_runs(settings):
    for point in (1.0, 2.0):
        results.write_forecasts(settings, run_id="a", rows=forecast("a", point))
    results.write_forecasts(settings, run_id="b", rows=forecast("b"))
    assert count(settings, "forecasts") == 6
    assert count(settings, "forecasts", "run_id = 'a' and point = 2") == 3


def test_a_failure_before_the_commit_leaves_what_was_there(settings):
    results.write_forecasts(settings, run_id="a", rows=forecast("a", 1.0))

    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        results.write_forecasts(settings, run_id="a", rows=forecast("a", 2.0), before_commit=fail)
    assert count(settings, "forecasts", "point = 1") == 3
    assert count(settings, "forecasts") == 3


def test_a_training_appears_whole_or_not_at_all(settings):
    with pytest.raises(Exception, match="nowhere"):
        results.write_training(
            settings,
            run_id="a",
            dataset="air",
            versions=pa.Table.from_pylist([version("a", "v1")]),
            backtests=backtest_rows("a").append_column("nowhere", pa.array([1])),
            events=pa.Table.from_pylist([event("a", "v1")]),
        )
    assert [count(settings, name) for name in ("model_versions", "backtests", "champion_events")] == [0, 0, 0]


def test_a_training_replaces_only_what_the_same_run_wrote_for_the_dataset(settings):
    write(settings, "a", "v1")
    write(settings, "b", "v2")
    write(settings, "b", "v3")
    assert {row["model_version"] for row in results.versions(settings, "air", NOW)} == {"v1", "v3"}
    assert [count(settings, name) for name in ("model_versions", "backtests", "champion_events")] == [2, 2, 2]


def test_text_from_outside_is_data(settings):
    write(settings, "a", "v1")
    assert results.champion_events(settings, "air", NOW)[0]["reason"].endswith("--")
    assert results.versions(settings, "air' or true --", NOW) == []


def test_what_was_in_production_is_asked_as_of_a_moment(settings):
    write(settings, "a", "v1", datetime(2026, 1, 1))
    write(settings, "b", "v2", datetime(2026, 2, 1))

    def newest(moment):
        return [row["model_version"] for row in results.champion_events(settings, "air", moment)]

    assert newest(datetime(2026, 1, 15)) == ["v1"]
    assert newest(datetime(2026, 2, 15)) == ["v2", "v1"]
    assert newest(datetime(2025, 12, 1)) == []
