from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import orjson
import pytest

from loader.summary import LoadSummary, SourceSummary
from tests.loader.conftest import NOW
from tests.loader.upstream import DAY, HOUR, Reply, Upstream

Run = Callable[..., LoadSummary]
Query = Callable[[str], list[tuple[Any, ...]]]
PM25 = "api-open.data.gov.sg"
N_PLACES = 22  # of the default catalogue: each has weather forecasts
TABLE = "source, endpoint, subject, window_start, window_end, mode, status, sha256"


def of(summary: LoadSummary, endpoint: str) -> SourceSummary:
    return next(s for s in summary.sources if s.endpoint == endpoint)


def state(query: Query) -> list[tuple[Any, ...]]:
    """What the warehouse holds, whatever order it came in."""
    return query(f"select {TABLE} from raw.payloads where status = 'ok' order by all")


def test_a_first_load_brings_the_whole_history_of_every_series_as_backfill(run: Run, query: Query):
    summary = run()
    assert summary.failed == []
    assert {(s.source, s.endpoint) for s in summary.sources} == {
        ("open_meteo", "archive"), ("open_meteo", "air_quality"), ("open_meteo", "forecast"),
        ("open_meteo", "previous_runs"), ("data_gov_sg", "pm25"), ("energy_charts", "public_power"),
    }  # fmt: skip
    hours = 10 * 24 + 7
    assert of(summary, "archive").n_hours == 8 * hours
    assert of(summary, "air_quality").n_hours == 5 * hours
    assert of(summary, "previous_runs").n_hours == N_PLACES * hours
    assert of(summary, "pm25").n_hours == 10 * 24 + 15
    assert query("select distinct mode, status from raw.payloads") == [("backfill", "ok")]
    n_bodies = 8 + 5 + 2 * N_PLACES + 11 + 5
    assert query("select count(*), min(payload_seq), max(payload_seq) from raw.payloads") == [(n_bodies, 1, n_bodies)]


def test_a_second_load_at_the_same_time_calls_nobody_and_changes_nothing(run: Run, upstream: Upstream, query: Query):
    run()
    before, seen = state(query), len(upstream.seen)
    again = run()
    assert len(upstream.seen) == seen
    assert (again.n_new_bodies, sum(s.n_windows for s in again.sources)) == (0, 0)
    assert state(query) == before


def test_an_hour_later_only_today_is_asked_for_and_it_is_live(run: Run, upstream: Upstream, query: Query):
    run()
    upstream.seen.clear()
    upstream.now = NOW + HOUR
    run(NOW + HOUR)
    assert [s for s in upstream.seen if "2026-11-19" in s.replace("start_date=2026-11-20", "")] == []
    assert query("select distinct mode from raw.payloads where fetched_at > timestamp '2026-11-20 06:30'") == [
        ("live",)
    ]


def test_the_trailing_days_are_pulled_again_for_revisions_and_older_ones_are_not(run: Run, upstream: Upstream):
    run()
    upstream.seen.clear()
    upstream.now = NOW + DAY
    run(NOW + DAY)
    archive = [s for s in upstream.seen if s.startswith("archive")]
    assert all("start_date=2026-11-14" in s and "end_date=2026-11-21" in s for s in archive)
    assert {s.split("date=")[1] for s in upstream.seen if PM25 in s} == {"2026-11-19", "2026-11-20", "2026-11-21"}


def test_an_answer_like_the_last_one_is_in_the_ledger_but_not_stored_again(run: Run, upstream: Upstream, query: Query):
    run(sources=["data_gov_sg"])
    upstream.now = NOW + DAY
    run(NOW + DAY, sources=["data_gov_sg"])
    assert query(
        "select is_new_body from raw.loads where window_start = timestamp '2026-11-18 16:00' order by attempted_at"
    ) == [(True,), (False,)]
    assert query("select count(*) from raw.payloads where window_start = timestamp '2026-11-18 16:00'") == [(1,)]


def test_a_revised_value_is_stored_as_a_second_version(run: Run, upstream: Upstream, query: Query):
    run(sources=["data_gov_sg"])
    upstream.now = NOW + DAY

    def revise(target: str, document: Any) -> Any:
        if "date=2026-11-19" in target:
            document["data"]["items"][0]["readings"]["pm25_one_hourly"]["west"] = 99
        return document

    upstream.change = revise
    run(NOW + DAY, sources=["data_gov_sg"])
    assert query(
        "select mode, json_extract(body, '$.data.items[0].readings.pm25_one_hourly.west')::int from raw.payloads "
        "where window_start = timestamp '2026-11-18 16:00' order by payload_seq"
    ) == [("backfill", 14), ("live", 99)]


def test_the_forecast_brings_the_days_the_archive_may_lack_then_only_today_and_always_48_hours(
    run: Run, upstream: Upstream
):
    upstream.archive_lag = 2 * DAY
    run(sources=["open_meteo"])
    upstream.now = NOW + HOUR
    run(NOW + HOUR, sources=["open_meteo"])
    forecasts = [
        s.split("past_days=")[1] for s in upstream.seen if "api.open-meteo.com/v1/forecast" in s and "past_" in s
    ]
    assert forecasts == ["5&forecast_days=3", "0&forecast_days=3"]


def test_a_backfill_loads_the_range_it_is_given_and_no_more(run: Run, upstream: Upstream, query: Query):
    run(mode="backfill", since=date(2026, 1, 1), until=date(2026, 1, 31), sources=["data_gov_sg", "open_meteo"])
    assert {s.split("date=")[1] for s in upstream.seen if PM25 in s} == {f"2026-01-{day:02d}" for day in range(1, 32)}
    assert query("select distinct mode, endpoint from raw.payloads order by 2") == [
        ("backfill", "air_quality"), ("backfill", "archive"), ("backfill", "pm25"), ("backfill", "previous_runs"),
    ]  # fmt: skip
    upstream.seen.clear()
    run(mode="backfill", since=date(2026, 1, 1), until=date(2026, 1, 31), sources=["data_gov_sg", "open_meteo"])
    assert upstream.seen == []


def test_only_the_subjects_named_are_asked_for(run: Run, query: Query):
    run(subjects=["SG", "it"])
    assert query("select distinct source, subject from raw.payloads order by all") == [
        ("energy_charts", "it"), ("open_meteo", "IT"), ("open_meteo", "SG"),
    ]  # fmt: skip


def test_a_later_run_is_not_seen_by_one_as_of_an_earlier_time(run: Run, upstream: Upstream):
    upstream.now = NOW + DAY
    run(NOW + DAY, sources=["data_gov_sg"])
    upstream.seen.clear()
    upstream.now = NOW
    run(sources=["data_gov_sg"])
    assert len(upstream.seen) == 11


@pytest.mark.parametrize("now", [datetime(2024, 2, 29, 12, 5), datetime(2025, 12, 31, 23, 59), datetime(2026, 1, 1)])
def test_leap_day_and_year_end_have_no_gap(run: Run, upstream: Upstream, query: Query, now: datetime):
    upstream.now = now
    assert not run(now).failed
    expected = 24 * 10 + math.ceil((now - datetime(now.year, now.month, now.day)) / HOUR)
    assert query(
        "select sum(n_present), sum(n_expected) from raw.loads where endpoint = 'archive' and subject = 'SG'"
    ) == [(expected, expected)]


def test_a_clock_that_was_a_day_ahead_leaves_no_gap_behind(run: Run, upstream: Upstream, query: Query):
    run(NOW + DAY, sources=["data_gov_sg"])
    upstream.now = NOW + 2 * DAY
    assert not run(NOW + 2 * DAY, sources=["data_gov_sg"]).failed
    [(n,)] = query(
        "select count(*) from (select distinct window_start from raw.loads where n_present = 24) where window_start"
        " between timestamp '2026-11-10 16:00' and timestamp '2026-11-20 16:00'"
    )
    assert n == 11


def test_the_weight_of_calls_is_counted_once_per_call(run: Run, query: Query):
    summary = run(sources=["open_meteo"])
    total = sum(s.weight for s in summary.sources)
    assert query("select round(sum(weight), 3) from raw.loads") == [(round(total, 3),)]
    assert of(summary, "archive").weight == pytest.approx(8 * 1.0)


def test_forecasts_as_they_were_issued_come_once_for_every_day(run: Run, upstream: Upstream, query: Query):
    summary = run(sources=["open_meteo"])
    assert of(summary, "previous_runs").weight == pytest.approx(N_PLACES * 12 / 10)  # 12 variables, under two weeks
    asked = [s for s in upstream.seen if s.startswith("previous-runs-api")]
    assert len(asked) == 1
    assert all(f"temperature_2m_previous_day{n}" in asked[0] for n in (1, 2, 3))
    upstream.seen.clear()
    upstream.now = NOW + DAY
    run(NOW + DAY, sources=["open_meteo"])
    again = [s for s in upstream.seen if s.startswith("previous-runs-api")]
    assert len(again) == 1
    assert "start_date=2026-11-20&end_date=2026-11-21" in again[0], "days that are whole are not asked for again"


def test_a_host_without_past_forecasts_is_empty_and_no_failure(run: Run, upstream: Upstream, query: Query):
    refused = b'{"error":true,"reason":"No data is available for this location"}'
    upstream.fault("previous-runs-api", Reply(refused, 400), times=10_000)
    summary = run(sources=["open_meteo"])
    assert summary.failed == []
    assert of(summary, "previous_runs").n_empty == N_PLACES
    assert query("select count(*) from raw.payloads where endpoint = 'previous_runs'") == [(0,)]


def test_without_weather_no_forecast_of_it_is_asked_for(run: Run, upstream: Upstream):
    run(subjects=["LON-GRE", "north"])
    assert upstream.seen
    assert not [s for s in upstream.seen if "/v1/forecast" in s]


def test_a_grid_point_that_moves_between_two_loads_is_noted(run: Run, upstream: Upstream, query: Query):
    run(sources=["open_meteo"], subjects=["SG"])
    upstream.now = NOW + DAY
    upstream.change = lambda target, document: document | {"latitude": 1.6}
    assert not run(NOW + DAY, sources=["open_meteo"], subjects=["SG"]).failed
    notes = {note for (note,) in query("select reason from raw.payloads where mode = 'live'")}
    assert "grid point moved from 1.4, 103.8 to 1.6, 103.8" in notes


def test_the_summary_is_plain_data(run: Run):
    summary = run(sources=["data_gov_sg"])
    assert orjson.loads(orjson.dumps([asdict(s) for s in summary.sources]))[0]["n_calls"] == 11
