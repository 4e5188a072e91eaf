"""Alarms: each condition fires, is told once, and is told again when it is over."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from flows import alarms
from flows.dbt_log import DbtResult, Failure
from flows.run import Run
from loader.summary import LoadSummary, SourceSummary
from ml.monitor.params import AlarmLimits
from warehouse.connection import connect
from warehouse.settings import ROOT, Settings

NOW = datetime(2026, 11, 20, 6, 10)
MARTS = """
create schema marts;
create table marts.dim_series as select 'air' as dataset, 'air.A.pm' as series_id, true as is_target;
create table marts.fct_observations as
select 'air.A.pm' as series_id, timestamp '2026-11-20 06:00' - to_hours(i) as observed_at, 5.0::double as value,
    'ok' as quality
from range(200) as t (i);
create table marts.fct_quarantine (series_id varchar, observed_at timestamp, value double, reason varchar);
create table marts.dim_champions as select 'air' as dataset, 'air-m-1' as model_version;
create table marts.fct_model_drift (
    dataset varchar, model_version varchar, series_id varchar, measure varchar, origin_at timestamp, value double,
    promised double, cusum double, is_drift boolean
);
create table marts.fct_run_costs as
select 'r0' as run_id, 'ok' as status, timestamp '2026-11-19 06:10' as as_of, as_of as started_at, 0.005 as cost,
    'USD' as currency, 1000 as n_forecasts, 0.005 as cost_per_1000, 0.004 as usual_cost_per_1000, 1.25 as cost_ratio;
create table marts.fct_prediction_drift (
    dataset varchar, model_version varchar, series_id varchar, n_origins integer, below double[], worst_level double,
    worst_sd double
);
create table marts.fct_alert_drift (
    rule_id varchar, origin_day date, probability double, frequency double, comes varchar, is_drift boolean
);
insert into ml.forecasts by name
select 'r1' as run_id, 'air-m-1' as model_version, 'air' as dataset, 'air.A.pm' as series_id,
    timestamp '2026-11-20 06:00' as origin_at, timestamp '2026-11-20 07:00' as target_at, 1 as horizon_h,
    1.0 as point, 1.0 as q05, 1.0 as q10, 1.0 as q25, 1.0 as q50, 1.0 as q75, 1.0 as q90, 1.0 as q95,
    'champion' as rung, timestamp '2026-11-20 06:10' as created_at;
"""
WRONG = {
    "silent:air.A.pm": "delete from marts.fct_observations where observed_at > timestamp '2026-11-19 05:00'",
    "quarantine:air.A.pm": "update marts.fct_observations set quality = 'quarantined' "
    "where observed_at > timestamp '2026-11-20 00:00'",
    "stuck:air.A.pm": "update marts.fct_observations set quality = 'stuck' "
    "where observed_at > timestamp '2026-11-19 12:00'",
    "fallback:air": "update ml.forecasts set rung = 'naive'",
    "cost": "update marts.fct_run_costs set cost_per_1000 = 0.2",
    "cost_growth": "update marts.fct_run_costs set cost_ratio = 3.2",
    "model_drift:air:error": "insert into marts.fct_model_drift values "
    "('air', 'air-m-1', 'all', 'error', timestamp '2026-11-19', 1.4, 1.0, 7.2, true)",
    "prediction_drift:air": "insert into marts.fct_prediction_drift values "
    "('air', 'air-m-1', 'all', 12, [0, 0, 0, 0, 0.3, 0.5, 0.6], 0.75, -6.1), ('air', 'old', 'all', 12, [], 0.5, -9), "
    "('air', 'air-m-1', 'air.A.pm', 12, [], 0.5, -9)",
    "alert_drift:frost": "insert into marts.fct_alert_drift values "
    "('frost', date '2026-11-18', 0.1, 1.0, 'more often', true), "
    "('heat', date '2026-11-17', 0.1, 1, 'more often', true), ('heat', date '2026-11-18', 0.1, 0, null, false), "
    "('old', date '2026-11-01', 0.1, 1.0, 'more often', true)",
}


@pytest.fixture
def world(settings: Settings) -> Settings:
    with connect(settings) as con:
        con.execute(MARTS)
    return settings


def run_of(settings: Settings, run_id: str = "r1", day: int = 0) -> Run:
    return Run(settings, "daily", NOW + timedelta(days=day), run_id, lambda line: None)


def raised(run: Run) -> list[str]:
    alarms.look(run)
    assert not [line for line in run.warnings if "not looked for" in line], run.warnings
    return [alarm.alarm_id for alarm in run.alarms]


def change(settings: Settings, sql: str) -> None:
    with connect(settings) as con:
        con.execute(sql)


def test_readings_that_are_all_refused_are_told_before_a_good_one_comes(world: Settings) -> None:
    change(world, "delete from marts.fct_observations where observed_at > timestamp '2026-11-19 16:00'")
    assert raised(run_of(world)) == []
    change(
        world,
        "insert into marts.fct_quarantine select 'air.A.pm', timestamp '2026-11-20 06:00' - to_hours(i % 14), i, 'no' "
        "from range(28) as t (i)",
    )
    run = run_of(world)
    assert raised(run) == ["quarantine:air.A.pm"]
    assert "14 of the last 48 hours" in run.alarms[0].what, "an hour counts once, however often it was refused"


def test_where_nothing_is_wrong_there_is_no_alarm(world: Settings) -> None:
    run = run_of(world)
    assert raised(run) == []
    assert run.warnings == []
    assert not (world.data_dir / "alarms.log").exists()


@pytest.mark.parametrize("name", WRONG)
def test_each_condition_of_the_warehouse_fires_alone(world: Settings, name: str) -> None:
    change(world, WRONG[name])
    run = run_of(world)
    assert raised(run) == [name]
    (warning,) = run.warnings
    assert warning.startswith("alarm: ")
    assert run.alarms[0].next_step in warning


def test_what_the_run_itself_saw_fires(world: Settings) -> None:
    run = run_of(world)
    run.loads = LoadSummary([SourceSummary("energy_charts", "public_power", n_windows=1, n_failed=1, error="HTTP 503")])
    run.stale = ["open_meteo archive: 50 h old"]
    run.drifted = {"air.A.pm (target)": "3.0 standard deviations above the reference"}
    failure = Failure("not_null_x", "test", "warn", "x.yml", "Got 3 results")
    run.dbt = [DbtResult("build", 1, 1, 0, 0, (), (failure,), 1.0)]
    found = raised(run)
    assert {name.split(":")[0] for name in found} == {"source", "stale", "drift", "dbt"}
    again = run_of(world, "r2", day=1)
    change(world, "update marts.fct_observations set observed_at = observed_at + interval 24 hour")
    assert raised(again) == []
    assert len([line for line in again.warnings if line.startswith("recovered: ")]) == 4


def test_a_full_disk_is_critical(world: Settings) -> None:
    run = run_of(world)
    found = list(alarms.conditions(run, AlarmLimits(free_gib=1e9)))
    assert [(each.alarm_id, each.severity) for each in found] == [("disk", "critical")]


def test_a_data_folder_that_outgrows_its_budget_is_told(world: Settings) -> None:
    big = world.data_dir / "dvc" / "cache" / "snapshot"
    big.parent.mkdir(parents=True)
    big.write_bytes(bytes(3_000_000))
    run = run_of(world)
    found = list(alarms.conditions(run, AlarmLimits(data_gib=0.002)))
    assert [(each.alarm_id, each.severity) for each in found] == [("data", "warning")]
    assert list(alarms.conditions(run, AlarmLimits(data_gib=0.2))) == []


def test_a_cost_is_judged_once_its_run_is_whole_and_not_before_its_time(world: Settings) -> None:
    change(world, WRONG["cost"])
    change(world, "update marts.fct_run_costs set status = 'incomplete'")
    assert raised(run_of(world)) == []
    change(world, "update marts.fct_run_costs set status = 'ok', as_of = as_of + interval 2 day")
    assert raised(run_of(world, "r2")) == []


def test_it_is_told_once_stays_open_and_its_end_is_told(world: Settings) -> None:
    change(world, WRONG["fallback:air"])
    first, second = run_of(world), run_of(world, "r2", day=1)
    raised(first)
    change(world, "insert into ml.forecasts by name select * replace ('r2' as run_id) from ml.forecasts")
    change(world, "update marts.fct_observations set observed_at = observed_at + interval 24 hour")
    assert raised(second) == ["fallback:air"]
    assert second.warnings == [], "told again"
    third = run_of(world, "r3", day=2)
    change(world, "insert into ml.forecasts by name select * replace ('r3' as run_id, 'champion' as rung) "
           "from ml.forecasts where run_id = 'r2'")  # fmt: skip
    change(world, "update marts.fct_observations set observed_at = observed_at + interval 24 hour")
    assert raised(third) == []
    assert [line.split(":")[0] for line in third.warnings] == ["recovered"]
    with connect(world, read_only=True) as con:
        rows = con.execute("select run_id, alarm_id, state from ml.alarms order by created_at").fetchall()
    assert rows == [("r1", "fallback:air", "raised"), ("r3", "fallback:air", "recovered")]
    log = (world.data_dir / "alarms.log").read_text()
    assert log.count("1 of 1 series of air are answered by naive") == 2
    assert "1 recovered" in log
    fourth = run_of(world, "r4", day=3)
    raised(fourth)
    assert [line for line in fourth.warnings if "fallback" in line] == []


def test_the_same_run_again_replaces_its_rows(world: Settings) -> None:
    change(world, WRONG["fallback:air"])
    for _ in range(2):
        raised(run_of(world))
    with connect(world, read_only=True) as con:
        assert con.execute("select count(*) from ml.alarms").fetchone() == (1,)


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(Apprise address of a real server on this machine, what it was told)."""
    told: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/hook", told
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_is_told_in_one_message(world: Settings, webhook: tuple[str, list[dict[str, Any]]]) -> None:
    address, told = webhook
    for sql in (WRONG["fallback:air"], WRONG["model_drift:air:error"]):
        change(world, sql)
    notified = world.model_copy(update={"notify": SecretStr(address)})
    run = run_of(notified)
    assert len(raised(run)) == 2
    (message,) = told
    assert message["title"] == "skyduck 2026-11-20 06:10 UTC: 2 new (critical)"
    assert "CRITICAL air-m-1 errs more than its backtest promised (1.40 for 1.00)" in message["message"]
    assert "`skyduck train --dataset air`" in message["message"]


def test_an_address_that_does_not_answer_is_a_warning_without_the_address(world: Settings) -> None:
    change(world, WRONG["fallback:air"])
    secret = "json://user:hunter2@127.0.0.1:9/hook nosuch://hunter2"
    run = run_of(world.model_copy(update={"notify": SecretStr(secret)}))
    raised(run)
    assert [line for line in run.warnings if "were not told" in line] == [
        "the alarms were not told by address 1 of SKYDUCK_NOTIFY (json): see alarms.log",
        "the alarms were not told by address 2 of SKYDUCK_NOTIFY (nosuch): see alarms.log",
    ]
    assert not any("hunter2" in line for line in run.warnings)


def test_alarms_that_fail_stop_nothing(settings: Settings) -> None:
    run = run_of(settings)
    alarms.look(run)
    (warning,) = run.warnings
    assert warning.startswith("alarms were not looked for: there is no warehouse")


def test_every_kind_of_alarm_has_a_test_that_fires_it() -> None:
    """Here, or in test_failure.py (run) and test_watchdog.py (missed run)."""
    source = "".join((ROOT / "flows" / f"{name}.py").read_text(encoding="utf-8") for name in ("alarms", "failure"))
    made = set(re.findall(r'f"(\w+):\{', source))
    fired = {name.split(":")[0] for name in WRONG} | {"source", "stale", "drift", "dbt", "run"}
    assert made <= fired, f"no test fires {made - fired}"
