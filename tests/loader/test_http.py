from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loader.answer import Fetched, GiveUp
from loader.http import Client
from loader.source import Endpoint, Host, Planned, Request, Window
from tests.loader.conftest import NOW, make_settings
from tests.loader.upstream import DAY, Reply, Upstream
from warehouse.errors import BadInput

PATH = "/v2/real-time/api/pm25"
HOST = Host(
    "api-open.data.gov.sg", bucket="b", limits=((6, 10),), wait_429=0.3,
    give_up_words=("Hourly", "Daily"), busy_words=("concurrent",), empty_words=("no content available",),
)  # fmt: skip
REQUEST = Request(
    Endpoint("data_gov_sg", "pm25", ("sg",)), (Planned("sg", Window(NOW, NOW + DAY), "live"),), HOST, PATH,
    (("date", "2026-11-19"),), secret_headers=(("x-api-key", "canary"),),
)  # fmt: skip
Fetch = Callable[..., Fetched]


@pytest.fixture
def fetch(upstream: Upstream, tmp_path: Path) -> Fetch:
    def once(**fields: Any) -> Fetched:
        client = Client(make_settings(tmp_path, **({"sample_url": upstream.url, "http_attempts": 3} | fields)))
        try:
            return client.fetch(REQUEST)
        finally:
            client.close()

    return once


def test_a_body_comes_whole_with_its_cost(fetch: Fetch):
    found = fetch()
    assert (found.outcome, found.http_status, found.n_calls, found.weight) == ("body", 200, 1, 1.0)
    assert found.content.startswith(b'{"code":0')


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(fetch: Fetch, upstream: Upstream, status: int):
    upstream.fault(PATH, Reply(b"busy", status), times=2)
    found = fetch()
    assert (found.outcome, found.n_calls) == ("body", 3)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_lasting_failure_is_named_with_its_status(fetch: Fetch, upstream: Upstream, status: int):
    upstream.fault(PATH, Reply(b"the service is overloaded", status), times=99)
    found = fetch()
    assert (found.outcome, found.is_down, found.n_calls, found.http_status) == ("failed", True, 3, status)
    assert found.reason == f"HTTP {status} from {HOST.name}: the service is overloaded (3 tries)"


def test_retry_after_is_obeyed(fetch: Fetch, upstream: Upstream):
    upstream.fault(PATH, Reply(b"slow down", 429, {"Retry-After": "4"}))
    started = time.monotonic()
    assert fetch(retry_wait_scale=0.1).outcome == "body"
    assert 0.4 <= time.monotonic() - started < 2


def test_retry_after_as_a_date_is_obeyed(fetch: Fetch, upstream: Upstream):
    dates = {"Date": "Fri, 20 Nov 2026 06:10:00 GMT", "Retry-After": "Fri, 20 Nov 2026 06:10:05 GMT"}
    upstream.fault(PATH, Reply(b"slow down", 503, dates))
    started = time.monotonic()
    assert fetch(retry_wait_scale=0.1).outcome == "body"
    assert 0.5 <= time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ('{"error":true,"reason":"Minutely API request limit exceeded. Please try again in one minute."}', 60),
        ('{"errorMsg":"Rate limit exceeded. Please try again in 10 seconds and sign up for an API key"}', 10),
        ("Too Many Requests", 30),
    ],
)
def test_a_429_without_retry_after_waits_as_its_text_or_its_host_says(fetch, upstream, text, seconds, monkeypatch):
    upstream.fault(PATH, Reply(text.encode(), 429))
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    assert fetch(retry_wait_scale=100 if seconds == 30 else 1).outcome == "body"
    assert seconds in slept


@pytest.mark.parametrize("word", ["Hourly", "Daily"])
def test_an_hourly_or_daily_limit_ends_the_host_for_this_run_at_once(fetch: Fetch, upstream: Upstream, word: str):
    upstream.fault(PATH, Reply(f"{word} API request limit exceeded.".encode(), 429), times=9)
    with pytest.raises(GiveUp, match=f"429.*{word} API request limit exceeded.*the next run goes on"):
        fetch()
    assert len(upstream.seen) == 1


def test_a_429_that_never_ends_gives_the_host_up(fetch: Fetch, upstream: Upstream):
    upstream.fault(PATH, Reply(b"Too many concurrent requests", 429), times=99)
    with pytest.raises(GiveUp, match=r"concurrent requests \(3 tries\)"):
        fetch()


def test_a_wait_of_an_hour_is_not_waited_for(fetch: Fetch, upstream: Upstream):
    upstream.fault(PATH, Reply(b"later", 429, {"Retry-After": "3600"}))
    with pytest.raises(GiveUp, match="asks to wait 3,600 s"):
        fetch()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_the_host_and_says_what_to_check(fetch: Fetch, upstream: Upstream, status: int):
    upstream.fault(PATH, Reply(b"invalid key", status))
    with pytest.raises(GiveUp, match="check the API key"):
        fetch()


def test_a_400_is_final_and_names_the_servers_reason(fetch: Fetch, upstream: Upstream):
    upstream.fault(PATH, Reply(b'{"error":true,"reason":"End-date must be larger"}', 400), times=9)
    found = fetch()
    assert (found.outcome, found.n_calls, found.is_down) == ("failed", 1, False)
    assert "End-date must be larger" in (found.reason or "")


def test_a_reset_connection_is_tried_again(fetch: Fetch, upstream: Upstream):
    upstream.fault(PATH, Reply(b"", reset=True), times=2)
    assert fetch().outcome == "body"


def test_a_silent_server_times_out(fetch: Fetch, upstream: Upstream):
    upstream.fault(PATH, Reply(b"xx", drip=0.6), times=9)
    found = fetch(http_read_seconds=0.1, http_attempts=2)
    assert found.outcome == "failed"
    assert "in time (ReadTimeout)" in (found.reason or "")


def test_a_slow_drip_ends_at_the_total_time_although_bytes_keep_coming(fetch: Fetch, upstream: Upstream):
    upstream.fault(PATH, Reply(b"x" * 1000, drip=0.02), times=9)
    started = time.monotonic()
    found = fetch(http_total_seconds=0.3, http_attempts=1)
    assert "not whole after 0.3 s" in (found.reason or "")
    assert time.monotonic() - started < 3


def test_nobody_listening_is_a_failure_not_a_crash(fetch: Fetch):
    found = fetch(sample_url="http://127.0.0.1:9")
    assert (found.outcome, found.is_down) == ("failed", True)
    assert "cannot be reached" in (found.reason or "")


def test_nothing_there_is_empty_not_failed(fetch: Fetch, upstream: Upstream):
    upstream.fault(PATH, Reply(b"no content available"))
    assert fetch().outcome == "empty"
    upstream.fault(PATH, Reply(b"no content available", 404))
    assert fetch().outcome == "empty"


def test_gzip_is_unpacked_and_a_damaged_stream_is_rejected_with_its_bytes(fetch: Fetch, upstream: Upstream):
    packed = gzip.compress(b'{"code":0}')
    upstream.fault(PATH, Reply(packed, 200, {"Content-Encoding": "gzip"}))
    assert fetch().content == b'{"code":0}'
    for damaged in (packed[:-9], b"not gzip at all"):
        upstream.fault(PATH, Reply(damaged, 200, {"Content-Encoding": "gzip"}))
        found = fetch()
        assert (found.outcome, found.content) == ("rejected", damaged)
        assert "bad gzip" in (found.reason or "")


@pytest.mark.parametrize("packed", [False, True])
def test_a_huge_body_is_cut_off_at_the_limit_whether_packed_or_not(fetch: Fetch, upstream: Upstream, packed: bool):
    huge = b" " * (8 << 20)
    reply = Reply(gzip.compress(huge), 200, {"Content-Encoding": "gzip"}) if packed else Reply(huge)
    upstream.fault(PATH, reply)
    found = fetch(http_max_mib=2)
    assert found.outcome == "rejected"
    assert len(found.content) == 1 << 20
    assert "over 2 MiB" in (found.reason or "")


def test_keys_go_to_live_hosts_only_and_never_into_a_repr(fetch: Fetch, upstream: Upstream):
    fetch()
    assert all("x-api-key" not in {name.lower() for name in headers} for headers in upstream.headers)
    assert "canary" not in repr(REQUEST)


def test_without_a_sample_server_the_message_says_what_to_do(tmp_path: Path):
    with pytest.raises(BadInput, match="SKYDUCK_UPSTREAM=live"):
        Client(make_settings(tmp_path))
