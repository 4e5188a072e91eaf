"""Scores in batches: late truth, revised truth and a late run are scored as in one full build."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt.conftest import Body, Scratch, scratch

SERIES = "weather.A.temperature_c"
START = datetime(2024, 1, 1)
HOUR = timedelta(hours=1)
SELECT = "+fct_forecast_scores +fct_forecast_stability"
SCORES = (
    "select run_id, target_at, actual, abs_error, pinball, abs_error_naive_day "
    "from marts.fct_forecast_scores order by all"
)

MOVES = (
    "select run_id, target_at, previous_run_id, change, change_of_width, is_within_previous_80 "
    "from marts.fct_forecast_stability order by all"
)


def weather(fetched: datetime, first: datetime, values: list[float | None], mode: str = "live") -> Body:
    hourly = {
        "time": [f"{first + i * HOUR:%Y-%m-%dT%H:%M}" for i in range(len(values))],
        "temperature_2m": values,
    }
    body = {"utc_offset_seconds": 0, "hourly": hourly}
    return Body("open_meteo", "archive", "A", body, f"{fetched:%Y-%m-%d %H:%M:%S}", mode)


def forecast(path: Path, run_id: str, origin: datetime, point: float = 5) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute(
            "insert into ml.forecasts select $1, 'v', 'weather', $2, $3::timestamp, $3::timestamp + to_hours(h), h, "
            "$4, 1, 2, 3, 5, 7, 8, 9, 'champion', null, null, $3::timestamp from range(1, 49) as hours(h)",
            [run_id, SERIES, origin, point],
        )


@dataclass
class Built:
    batches: list[list[tuple[Any, ...]]]
    rebuilt: list[tuple[Any, ...]]
    moves: list[list[tuple[Any, ...]]]
    moves_rebuilt: list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    wh: Scratch = scratch(
        tmp_path_factory.mktemp("scores"), places="A,Place A,XX,1,2,UTC\n", series="weather,A,open_meteo,A\n"
    )
    batches, moves = [], []

    def build(as_of: datetime, *options: str) -> list[tuple[Any, ...]]:
        wh.build(*options, select=SELECT, tests=False, as_of=f"{as_of:%Y-%m-%d %H:%M:%S}")
        moves.append(wh.rows(MOVES))
        return wh.rows(SCORES)

    history = [float(i % 24) for i in range(10 * 24)]
    day = START + timedelta(days=10)
    wh.receive(weather(day, START, history, "backfill"))
    forecast(wh.path, "run-1", day - HOUR)
    batches.append(build(day))
    # the next day arrives with a hole; a second run
    arrived: list[float | None] = [None if i in (3, 4) else float(i) for i in range(24)]
    wh.receive(weather(day + timedelta(days=1), day, arrived))
    forecast(wh.path, "run-2", day + 23 * HOUR, point=11)
    batches.append(build(day + timedelta(days=1)))
    # the hole is filled, an hour revised, and a run of an earlier day is replayed
    late = day + timedelta(days=1, hours=6)
    wh.receive(weather(late, day + 3 * HOUR, [30.0, 31.0, 5.0, 60.0]))
    forecast(wh.path, "run-0", day - 25 * HOUR)
    batches.append(build(late))
    rebuilt = build(late, "--full-refresh")
    return Built(batches, rebuilt, moves[:-1], moves[-1])


def test_no_hour_is_scored_before_its_truth_is_there(built: Built) -> None:
    assert built.batches[0] == []
    assert {row[1] for row in built.batches[1] if row[0] == "run-1"}.isdisjoint(
        {START + timedelta(days=10, hours=h) for h in (3, 4)}
    )


def test_truth_that_came_late_or_changed_is_scored_again(built: Built) -> None:
    actual = {row[:2]: row[2] for row in built.batches[2]}
    day = START + timedelta(days=10)
    assert actual[("run-1", day + 3 * HOUR)] == 30.0
    assert actual[("run-1", day + 6 * HOUR)] == 60.0
    assert ("run-0", day) in actual


def test_scoring_in_batches_leaves_what_a_full_refresh_leaves(built: Built) -> None:
    assert len(built.rebuilt) > 60
    assert built.batches[2] == built.rebuilt


def test_a_forecast_is_measured_by_how_far_it_moved_since_the_day_before(built: Built) -> None:
    second = [row for row in built.moves[1] if row[0] == "run-2"]
    assert len(second) == 30
    paired = [row[2:] for row in second if row[2]]
    assert paired == [("run-1", 6.0, 1.0, False)] * 24
    assert all(row[3] is None for row in second if row[2] is None)


def test_a_run_replayed_later_is_the_vintage_of_those_after_it(built: Built) -> None:
    assert {row[2] for row in built.moves[1] if row[0] == "run-1"} == {None}
    assert {row[2] for row in built.moves[2] if row[0] == "run-1"} == {"run-0", None}


def test_movements_in_batches_are_those_of_a_full_refresh(built: Built) -> None:
    assert built.moves[2] == built.moves_rebuilt
