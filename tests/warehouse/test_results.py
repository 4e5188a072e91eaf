"""The write-back: whole or not at all, and the same after a rerun."""

from __future__ import annotations

import re
from datetime import datetime

import duckdb
import pyarrow as pa
import pytest

from warehouse import overview, results
from warehouse.connection import connect
from warehouse.schema import ML
from warehouse.settings import ROOT, Settings

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


def test_the_same_run_again_adds_what_is_new_and_takes_nothing_away(settings):
    write(settings, "a", "v1")
    write(settings, "b", "v2")
    write(settings, "b", "v2")
    assert [count(settings, name) for name in ("model_versions", "backtests", "champion_events")] == [2, 2, 2]
    write(settings, "b", "v3")
    assert {row["model_version"] for row in results.versions(settings, "air", NOW)} == {"v1", "v2", "v3"}
    assert [count(settings, name) for name in ("model_versions", "backtests", "champion_events")] == [3, 2, 3]


def test_an_event_that_is_there_is_neither_changed_nor_doubled(settings):
    for reason in ("said first", "said later"):
        results.append_events(settings, [event("a", "v1") | {"reason": reason}])
    assert count(settings, "champion_events") == 1
    assert count(settings, "champion_events", "reason = 'said first'") == 1


def test_events_of_one_moment_keep_the_order_in_which_they_were_written(settings):
    for name in ("z", "a", "m"):
        results.append_events(settings, [event("run", name)])
    assert [row["model_version"] for row in results.champion_events(settings, "air", NOW)] == ["m", "a", "z"]


def test_only_promotions_approvals_and_rollbacks_put_a_version_in_production(settings):
    for action in results.ACTIONS:
        results.append_events(settings, [event("run", action, action=action)])
    found = [row["model_version"] for row in results.champion_events(settings, "air", NOW)]
    assert found == ["rollback", "approve", "promote"]
    assert len(results.champion_events(settings, None, NOW, results.ACTIONS)) == len(results.ACTIONS)


def test_no_code_changes_or_removes_a_decision_or_a_version():
    """Every statement in the code that could, beside the one that reads; the temporary world of the scoreboard too."""
    changing = re.compile(
        r"(delete\s+from|update|truncate|insert\s+or\s+replace\s+into|drop\s+table|\breplace\(\s*[\w.]+,|_replace\(con,)\W+"
        r"(?:if\s+exists\s+)?(?:f?\")?(?:ml\.)?(?:\w+\.)?(champion_events|model_versions)",
        re.IGNORECASE,
    )
    assert changing.search('con.execute("delete from ml.champion_events where true")'), "the pattern can find one"
    assert changing.search('_replace(con, "ml.model_versions", rows)')
    assert changing.search('replace(settings, "ml.model_versions", rows, where="true")')
    assert changing.search('results.replace(\n        run.settings,\n        "ml.champion_events", None)') is not None
    for path in (path for room in ("warehouse", "ml", "flows", "loader") for path in (ROOT / room).rglob("*.py")):
        assert not changing.search(path.read_text(encoding="utf-8")), path


def test_a_warehouse_from_before_events_had_an_order_is_read_and_grows(settings):
    settings.warehouse_path.parent.mkdir(parents=True)
    with duckdb.connect(str(settings.warehouse_path)) as con:
        con.execute(ML)
        con.execute("alter table ml.champion_events drop column event_seq")
        con.execute("insert into ml.champion_events values ('e', 'r', $1, 'air', 'old', 'promote', 'x', 'y')", [NOW])
    assert [row["model_version"] for row in results.champion_events(settings, "air", NOW)] == ["old"]
    assert [row["model_version"] for row in overview.champions(settings)] == ["old"]
    results.append_events(settings, [event("b", "new")])
    assert [row["model_version"] for row in results.champion_events(settings, "air", NOW)] == ["new", "old"]
    assert [row["model_version"] for row in overview.champions(settings)] == ["new"]


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
