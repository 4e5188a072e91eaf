"""A first run on an empty folder, from the first call to the published copy."""

from __future__ import annotations

import json
from datetime import datetime

import psutil
import pytest

from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_1, TARGETS
from tests.e2e.world import HISTORY_DAYS

pytestmark = pytest.mark.timeout(600)  # the first test of a session runs the undisturbed days
ORIGIN = datetime.fromisoformat(DAY_1).replace(minute=0)
FILLED = (
    "raw.payloads", "raw.loads", "staging.stg_open_meteo__hourly", "staging.stg_data_gov_sg__pm25",
    "staging.stg_energy_charts__generation", "staging.int_readings_judged", "marts.fct_observations",
    "marts.dim_series", "marts.fct_origin_features", "marts.fct_loads", "marts.fct_forecasts",
    "marts.fct_current_forecasts", "marts.fct_backtest_scores", "marts.dim_champions", "marts.fct_runs",
    "ml.model_versions", "ml.champion_events", "ml.forecasts", "ml.backtests", "ml.alert_models",
    "ml.alert_probabilities", "marts.fct_alert_outcomes", "marts.fct_alert_frequencies", "marts.fct_alerts",
    "ml.drift", "marts.fct_backtest_origin_scores",
    "marts.fct_run_costs", "marts.fct_value",
)  # fmt: skip
STEPS = [
    "total", "load", "freshness", "dbt before ml", "decide", "train air", "train carbon", "train sgpm", "train weather",
    "predict", "alerts", "drift", "dbt after ml", "alarms", "publish",
]  # fmt: skip


def test_it_ends_with_0_and_says_what_it_did(day_1: Day) -> None:
    assert day_1.done.returncode == 0, day_1.done.stderr
    said = day_1.said
    assert (said["status"], said["exit_code"], said["error"], said["failed_sources"]) == ("ok", 0, None, [])
    assert (said["upstream"], said["nothing_new"]) == ("sample", False)
    assert (said["n_forecast_series"], said["n_forecast_rows"]) == (len(TARGETS), 48 * len(TARGETS))
    assert [(result["n_error"], result["n_warn"], result["n_skipped"]) for result in said["dbt"]] == [(0, 0, 0)] * 2
    assert "Traceback" not in day_1.done.stderr


@pytest.mark.parametrize("table", FILLED)
def test_every_table_is_filled(day_1: Day, table: str) -> None:
    assert day_1.world.value(f"select count(*) from {table}") > 0


def test_each_series_has_its_whole_history_and_nothing_after_the_moment(day_1: Day) -> None:
    found = day_1.world.rows(
        "select series_id, date_diff('day', first_observed_at, last_observed_at), last_observed_at, n_missing / n_hours"
        " from marts.dim_series where is_target"
    )
    assert {row[0] for row in found} == TARGETS
    for _, days, last, missing in found:
        assert HISTORY_DAYS - 1 <= days <= HISTORY_DAYS + 1
        assert last <= datetime.fromisoformat(DAY_1)
        assert missing < 0.1


def test_every_series_is_forecast_48_hours_ahead_with_sorted_finite_quantiles(day_1: Day) -> None:
    found = day_1.world.published(
        """
        select
            series_id, count(*), count(distinct horizon_h), min(horizon_h), max(horizon_h), min(origin_at),
            max(target_at - to_hours(horizon_h)), bool_and(isfinite(q05 + q95 + point)),
            bool_and(q05 <= q10 and q10 <= q25 and q25 <= q50 and q50 <= q75 and q75 <= q90 and q90 <= q95)
        from marts.fct_forecasts group by series_id
        """
    )
    assert {row[0] for row in found} == TARGETS
    assert {row[1:] for row in found} == {(48, 48, 1, 48, ORIGIN, ORIGIN, True, True)}


def test_every_step_is_on_record_with_its_cost(day_1: Day) -> None:
    rows = day_1.world.rows("select step, status, seconds, peak_mib, run_id from ml.runs order by started_at, step")
    assert {row[0] for row in rows} == set(STEPS)
    assert {(status, run_id) for _, status, _, _, run_id in rows} == {("ok", day_1.said["run_id"])}
    assert all(seconds > 0 and peak > 0 for _, _, seconds, peak, _ in rows)
    sizes = "select read_bytes, written_bytes, n_calls from ml.runs where step = 'load'"
    read, written, calls = day_1.world.rows(sizes)[0]
    assert calls > 0
    assert not psutil.LINUX or (read > 1e6 and written > 1e6), "bodies are received and stored"
    costs = "select status, is_training, n_forecasts, cost_calls, cost > 0 from marts.fct_run_costs"
    assert day_1.world.published(costs) == [("incomplete", True, 48 * len(TARGETS), 0, True)]


def test_every_dataset_has_a_champion_with_its_reason(day_1: Day) -> None:
    rows = day_1.world.published("select dataset, model, reason from marts.dim_champions")
    assert {row[0] for row in rows} == {"weather", "air", "sgpm", "carbon"}
    assert all(model and "no champion yet" in reason for _, model, reason in rows)


def test_status_reads_the_published_copy(day_1: Day) -> None:
    done = day_1.world.skyduck("status", "--json")
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    assert status["last_run"]["run_id"] == status["published_run"] == day_1.said["run_id"]
    assert status["last_run"]["status"] == "ok"
    assert status["published_path"] == day_1.said["published_path"] == str(day_1.world.data / _copy(day_1))
    assert status["published_at"].startswith(DAY_1[:10])
    assert (status["n_series"], status["n_forecast_rows"]) == (len(TARGETS), 48 * len(TARGETS))
    assert {row["dataset"] for row in status["champions"]} == {"weather", "air", "sgpm", "carbon"}
    assert status["data_as_of"] == f"{ORIGIN:%Y-%m-%dT%H:%M:%S}"
    assert status["running"] is None


def _copy(day: Day) -> str:
    return f"published/gen-{day.said['run_id']}.duckdb"
