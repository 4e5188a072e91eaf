"""A look at an earlier moment sees nothing that came later."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from warehouse import alerts
from warehouse.connection import connect
from warehouse.settings import Settings
from warehouse.track_record import track_record

NOON = datetime(2026, 3, 10, 12)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MARTS = """
create schema marts;
create table marts.fct_forecast_scores as
    select 'air' as dataset, h::double as abs_error, true as is_covered_80, true as is_covered_90,
        timestamp '2026-03-10 12:00' + to_hours(h) as target_at, timestamp '2026-03-10 12:00' as created_at
    from range(1, 49) as hours(h);
create table marts.fct_forecast_stability as
    select 'air' as dataset, 1.0 as abs_change, 0.1 as change_of_width, true as is_within_previous_80,
        timestamp '2026-03-10 12:00' as target_at, timestamp '2026-03-09 12:00' as previous_origin_at,
        timestamp '2026-03-10 12:00' as created_at;
create table marts.dim_series as select 's' as series_id, 'Rome' as name, 'rome' as place_id, 'UTC' as timezone;
create table marts.dim_alert_rules as
    select 'heat' as rule_id, 'now' as event_hash, 'hot' as description, 'rest' as what_to_do;
create table marts.fct_alert_scores as
    select 'heat' as rule_id, false as is_event, 0.1 as brier, 0.2 as brier_climatology, 0.0 as cost_policy,
        0.0 as cost_never, 1.0 as cost_always, timestamp '2026-03-10 13:00' + to_days(d) as window_end,
        timestamp '2026-03-10 12:00' as created_at
    from range(3) as days(d);
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Forecasts of 48 hours made at noon and scored since; alerts of three days."""
    found = Settings(data_dir=tmp_path)
    with connect(found) as con:
        con.execute(MARTS)
    for n in range(3):
        told(found, n)
    return found


def told(settings: Settings, n: int, event_hash: str = "now") -> None:
    """What the run of one day said."""
    at = NOON + n * DAY
    row = {
        "run_id": f"r{n}",
        "rule_id": "heat",
        "event_hash": event_hash,
        "series_id": "s",
        "origin_at": at,
        "window_start": at + HOUR,
        "window_end": at + 25 * HOUR,
        "created_at": at,
        "probability": 0.1 * n,
        "climatology": 0.1,
        "act_from": 0.5,
        "is_alert": False,
        "method": "classifier",
        "model_version": "v",
        "reason": None,
    }
    alerts.write_probabilities(settings, run_id=f"r{n}", rows=pa.Table.from_pylist([row]))


@pytest.mark.parametrize(
    ("as_of", "n_hours", "mae"), [(NOON + 6 * HOUR, 6, 3.5), (NOON + 2 * DAY, 48, 24.5), (datetime.max, 48, 24.5)]
)
def test_the_track_record_ends_with_the_hours_that_had_come(
    as_of: datetime, n_hours: int, mae: float, settings: Settings
) -> None:
    (row,) = track_record(settings, as_of=as_of)
    assert (row["n_hours"], row["mae"]) == (n_hours, mae)


def test_before_the_first_hour_nothing_is_scored(settings: Settings) -> None:
    (row,) = track_record(settings, as_of=NOON)
    assert (row["n_hours"], row["moved"]) == (None, 1.0)


def test_probabilities_are_those_of_the_newest_run_by_then(settings: Settings) -> None:
    def runs(as_of: datetime) -> list[str]:
        return [row["run_id"] for row in alerts.probabilities(settings, as_of=as_of)]

    assert [runs(at) for at in (NOON - HOUR, NOON, NOON + DAY, NOON + 2 * DAY - HOUR, datetime.max)] == [
        [], ["r0"], ["r1"], ["r1"], ["r2"],
    ]  # fmt: skip
    assert alerts.probabilities(settings, "r0")[0]["run_id"] == "r0"


def test_what_a_rule_said_of_another_event_is_not_told(settings: Settings) -> None:
    told(settings, 3, event_hash="before")
    assert alerts.probabilities(settings) == []
    assert len(alerts.probabilities(settings, "r2")) == 1


@pytest.mark.parametrize(("as_of", "n"), [(NOON, 0), (NOON + HOUR, 1), (NOON + 2 * DAY, 2), (datetime.max, 3)])
def test_alerts_are_scored_by_windows_that_had_ended(as_of: datetime, n: int, settings: Settings) -> None:
    found = alerts.track_record(settings, as_of=as_of)
    assert found.get("heat", {"n_scored": 0})["n_scored"] == n
