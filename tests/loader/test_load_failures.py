from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pydantic import SecretStr

from loader.http import Client
from loader.summary import LoadSummary, SourceSummary
from tests.loader.conftest import NOW
from tests.loader.upstream import DAY, HOUR, Reply, Upstream
from warehouse.errors import BadInput
from warehouse.settings import Settings

Run = Callable[..., LoadSummary]


Query = Callable[[str], list[tuple[Any, ...]]]


PM25 = "api-open.data.gov.sg"


TABLE = "source, endpoint, subject, window_start, window_end, mode, status, sha256"


def of(summary: LoadSummary, endpoint: str) -> SourceSummary:
    return next(s for s in summary.sources if s.endpoint == endpoint)


def state(query: Query) -> list[tuple[Any, ...]]:
    """What the warehouse holds, whatever order it came in."""
    return query(f"select {TABLE} from raw.payloads where status = 'ok' order by all")


def test_a_late_day_is_fetched_again_until_it_arrives(run: Run, upstream: Upstream, query: Query):
    upstream.archive_lag = 5 * DAY
    run(sources=["open_meteo"], subjects=["SG"])
    day = "timestamp '2026-11-17'"
    late = f"from raw.loads where endpoint = 'archive' and window_start <= {day} and window_end > {day}"
    assert query(f"select status {late}") == [("empty",)]
    for hours in range(20, 220, 20):
        upstream.now = NOW + hours * HOUR
        run(upstream.now, sources=["open_meteo"], subjects=["SG"])
    statuses = [s for (s,) in query(f"select status {late} order by attempted_at")]
    assert statuses.count("empty") >= 2
    assert "ok" in statuses
    assert "empty" not in statuses[statuses.index("ok") :]
    modes = query(
        "select distinct mode from raw.payloads where endpoint = 'archive' and fetched_at > '2026-11-20 07:00'"
    )
    assert modes == [("live",)]


def test_a_missing_variable_is_asked_for_again_until_it_is_there(run: Run, upstream: Upstream, query: Query):
    def lose(target: str, document: Any) -> Any:
        if "/v1/archive" in target:
            document["hourly"].pop("cloud_cover")
        return document

    upstream.change = lose
    run(sources=["open_meteo"], subjects=["SG"])
    [(reason,)] = query("select distinct reason from raw.loads where endpoint = 'archive'")
    assert reason == "incomplete: missing variable cloud_cover"
    upstream.change = lambda target, document: document
    upstream.now = NOW + 8 * DAY
    run(upstream.now, sources=["open_meteo"], subjects=["SG"])
    upstream.seen.clear()
    run(upstream.now + HOUR, sources=["open_meteo"], subjects=["SG"])
    assert not [s for s in upstream.seen if "/v1/archive" in s and "start_date=2026-11-1" in s]


REJECTED = {
    "html with status 200": b"<!doctype html><title>502</title>",
    "cut json": b'{"latitude": 1.3',
    "an error with status 200": b'{"error":true,"reason":"internal"}',
    "nothing": b"",
}


@pytest.mark.parametrize("name", REJECTED)
def test_a_bad_body_is_kept_named_and_asked_for_again_until_the_load_converges(run, upstream, query, name: str):
    undisturbed = run(sources=["open_meteo"])
    assert not undisturbed.failed
    expected = state(query)
    query("delete from raw.payloads")
    query("delete from raw.loads")
    upstream.fault("/v1/archive", Reply(REJECTED[name]))
    summary = run(sources=["open_meteo"])
    assert "rejected of 8 windows; first:" in summary.failed[0]
    [(text, n)] = query(
        "select coalesce(body::varchar, body_text), count(*) over () from raw.payloads where status = 'rejected'"
    )
    assert (text.encode(), n) == (REJECTED[name], 1)
    assert query("select count(*) from raw.loads where status = 'rejected'") == [(8,)]
    assert not run(sources=["open_meteo"]).failed
    assert state(query) == expected


@pytest.mark.parametrize("status", [500, 503])
def test_a_source_that_is_down_is_named_spares_the_others_and_is_caught_up_later(run, upstream, query, status: int):
    upstream.fault(PM25, Reply(b"overloaded", status), times=10_000)
    summary = run()
    assert len(summary.failed) == 1
    assert summary.failed[0].startswith("data_gov_sg pm25: 11 failed and 0 rejected of 11 windows; first: HTTP")
    assert of(summary, "archive").n_ok == 8
    assert of(summary, "public_power").n_ok == 5
    assert query("select count(*) from raw.loads where source = 'data_gov_sg' and status = 'failed'") == [(11,)]
    upstream.faults.clear()
    assert not run().failed
    assert query("select distinct mode from raw.payloads where source = 'data_gov_sg'") == [("backfill",)]


def test_after_three_failures_in_a_row_a_host_is_left_alone(run: Run, upstream: Upstream, settings: Settings):
    upstream.fault(PM25, Reply(b"overloaded", 500), times=10_000)
    summary = run(settings=settings.model_copy(update={"history_days": 60}), sources=["data_gov_sg"])
    assert of(summary, "pm25").n_failed == 61
    asked = len(upstream.seen)
    assert asked <= 2 * (3 + 4)  # two tries for each of three days, and what four threads had begun
    assert of(summary, "pm25").n_calls == asked


def test_an_hourly_limit_ends_the_source_with_one_call_and_one_line(run: Run, upstream: Upstream):
    text = b'{"error":true,"reason":"Hourly API request limit exceeded. Please try again in the next hour."}'
    upstream.fault("archive-api", Reply(text, 429), times=10_000)
    summary = run(sources=["open_meteo"])
    assert len([s for s in upstream.seen if "/v1/archive" in s]) == 1
    assert len(summary.failed) == 1
    assert "Hourly API request limit exceeded" in summary.failed[0]


def test_a_day_without_anything_yet_is_empty_and_no_failure(run: Run, upstream: Upstream):
    missing = b'{"code":17,"name":"REAL_TIME_API_DATA_NOT_FOUND","data":null,"errorMsg":"Data not found"}'
    upstream.fault("date=2026-11-20", Reply(missing, 404))
    found = of(run(sources=["data_gov_sg"]), "pm25")
    assert (found.n_ok, found.n_empty, found.n_failed) == (10, 1, 0)


def test_a_huge_body_is_refused_and_the_rest_comes(run: Run, upstream: Upstream, settings: Settings, query: Query):
    upstream.fault("date=2026-11-15", Reply(b" " * (3 << 20)))
    summary = run(settings=settings.model_copy(update={"http_max_mib": 2.0}), sources=["data_gov_sg"])
    assert (of(summary, "pm25").n_ok, of(summary, "pm25").n_rejected) == (10, 1)
    assert query("select n_bytes, reason like 'a body over 2 MiB%' from raw.payloads where status = 'rejected'") == [
        (1 << 20, True)
    ]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"sources": ["open_metoe"]}, "unknown source 'open_metoe'; there are data_gov_sg"),
        ({"subjects": ["'; drop table raw.loads"]}, "no series has the subject or place"),
        ({"since": date(2026, 2, 1), "until": date(2026, 1, 1)}, "nothing to load from 2026-02-01 to 2026-01-01"),
        ({"since": date(2027, 2, 1)}, "nothing to load"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_asked(
    run: Run, upstream: Upstream, how: dict[str, Any], expected: str
):
    with pytest.raises(BadInput, match=expected):
        run(**how)
    assert upstream.seen == []


def test_documented_limits_are_kept_and_what_earlier_runs_used_counts(run: Run, settings: Settings, monkeypatch):
    taken: list[tuple[str, float]] = []
    real = Client.bucket

    def watch(self: Client, host: Any) -> Any:
        bucket = real(self, host)
        monkeypatch.setattr(bucket, "sleep", lambda seconds: taken.append((host.bucket, seconds)))
        monkeypatch.setattr(bucket, "clock", lambda: 10.0 * len(taken))
        return bucket

    monkeypatch.setattr(Client, "bucket", watch)
    assert not run(settings=settings.model_copy(update={"sample_limits": "documented"}), sources=["data_gov_sg"]).failed
    assert [name for name, _ in taken] == ["data_gov_sg"]


def test_progress_is_short_lines_and_a_failing_source_says_why(run: Run, upstream: Upstream):
    upstream.fault("archive-api", Reply(b"overloaded", 503), times=10_000)
    lines: list[str] = []
    run(progress=lines.append)
    assert "data_gov_sg pm25: 11/11 windows, 1.3 k values" in lines
    [bad] = [line for line in lines if line.startswith("open_meteo archive")]
    assert bad.startswith(
        "open_meteo archive: 8/8 windows, 0 values; HTTP 503 from archive-api.open-meteo.com: overloaded"
    )


def test_a_key_that_a_server_quotes_back_is_in_no_table_line_or_log(run, upstream, settings: Settings, query, capfd):
    keyed = settings.model_copy(update={"data_gov_sg_api_key": SecretStr("canary-9f2")})
    upstream.fault("date=2026-11-15", Reply(b'{"error":"key canary-9f2 is unknown"}', 400))
    upstream.fault("date=2026-11-16", Reply(b'{"data":null,"errorMsg":"key canary-9f2 is unknown"}'))
    upstream.fault("date=2026-11-17", Reply(b"key canary-9f2 is unknown"))
    lines: list[str] = []
    summary = run(settings=keyed, sources=["data_gov_sg"], progress=lines.append)
    kept = query("select body::varchar, body_text, reason from raw.payloads") + query("select reason from raw.loads")
    text = f"{kept} {lines} {summary} {capfd.readouterr()}"
    assert "canary" not in text
    assert "key *** is unknown" in text
