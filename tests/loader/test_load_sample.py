"""The loader against the bundled sample server: what `make run` does, and every fault that the server can inject."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from loader.load import load
from loader.summary import LoadSummary
from tests.loader.conftest import NOW, make_settings
from warehouse.connection import connect
from warehouse.settings import ROOT, Settings

SUBJECTS = ["SG", "LON", "it", *("north", "south", "east", "west", "central")]
MATCHES = ("archive-api", "pm25?date=2026-11-18", "public_power?country=it")
KEPT = "select source, endpoint, subject, window_start, window_end, mode, sha256 from raw.payloads where status = 'ok'"
LIMITS = {"http_read_seconds": 0.4, "http_total_seconds": 0.8, "http_max_mib": 4.0}


@pytest.fixture(scope="module")
def sample() -> Iterator[httpx.Client]:
    command = [sys.executable, "-m", "sample", "--port", "0", "--now", f"{NOW:%Y-%m-%dT%H:%M}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            with httpx.Client(base_url=url, trust_env=False) as client:
                yield client
        finally:
            process.terminate()


@pytest.fixture
def settings(sample: httpx.Client, tmp_path: Path) -> Iterator[Settings]:
    yield make_settings(tmp_path, sample_url=str(sample.base_url), history_days=5, **LIMITS)
    sample.delete("/_admin/faults")


def once(settings: Settings, now: datetime = NOW) -> LoadSummary:
    return load(settings, now=now, run_id="run", subjects=SUBJECTS, progress=lambda line: None)


def kept(settings: Settings) -> list[Any]:
    with connect(settings) as con:
        return con.execute(f"{KEPT} order by all").fetchall()


@pytest.fixture(scope="module")
def undisturbed(sample: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    own = make_settings(tmp_path_factory.mktemp("undisturbed"), sample_url=str(sample.base_url), history_days=5)
    assert not once(own).failed
    return kept(own)


def test_every_endpoint_loads_and_a_second_load_calls_nobody(settings: Settings, sample: httpx.Client):
    first = load(settings, now=NOW, run_id="a", progress=lambda line: None)
    assert first.failed == []
    assert all(s.n_ok + s.n_empty == s.n_windows > 0 for s in first.sources)
    n_asked = len(sample.get("/_admin/requests").json())
    second = load(settings, now=NOW, run_id="b", progress=lambda line: None)
    assert len(sample.get("/_admin/requests").json()) == n_asked
    assert second.n_new_bodies == 0


WRONG: dict[str, tuple[dict[str, Any], str]] = {  # fault: (args, what the reason says)
    "html200": ({}, "an HTML page"),
    "text200": ({}, "plain text ('service temporarily unavailable')"),
    "truncated_json": ({}, "JSON"),
    "midstream_error": ({}, "JSON"),
    "empty_body": ({}, "an empty body"),
    "bad_gzip": ({}, "bad gzip"),
    "error_true": ({}, "expected"),
    "unequal_arrays": ({}, "expected as many"),
    "changed_unit": ({}, "expected '°C'"),
    "wrong_place": ({}, "expected one within 0.5°"),
    "duplicate_hours": ({"conflicting": True}, "twice, with"),
    "data_null": ({}, "null"),
    "list_for_object": ({}, "a list"),
    "nan_token": ({}, "NaN at byte"),
    "infinity_token": ({}, "Infinity at byte"),
    "huge_number": ({}, "a number too large for a double"),
    "numbers_as_strings": ({}, "is a string"),
    "huge_payload": ({"mib": 5}, "over 4 MiB"),
    "status_500": ({}, "HTTP 500"),
    "status_502": ({}, "HTTP 502"),
    "status_503": ({}, "HTTP 503"),
    "status_504": ({}, "HTTP 504"),
    "status_429": ({"reason": "hourly"}, "429"),
    "reset": ({}, "cannot be reached"),
    "timeout": ({"seconds": 2}, "in time"),
    "slow_drip": ({"pause": 0.3}, "not whole after"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_fault_is_named_and_the_next_load_converges(settings: Settings, sample, undisturbed, fault: str):
    args, expected = WRONG[fault]
    rules = [{"match": match, "fault": fault, "times": None, "args": args} for match in MATCHES]
    sample.post("/_admin/faults", json=rules).raise_for_status()
    summary = once(settings)
    n_applied = [rule["applied"] for rule in sample.get("/_admin/faults").json()]
    assert len(summary.failed) == sum(n > 0 for n in n_applied) > 0, n_applied
    assert expected in " ".join(summary.failed)
    assert not {s.endpoint for s in summary.sources if s.n_failed or s.n_rejected} & {"air_quality", "forecast"}
    sample.delete("/_admin/faults")
    assert once(settings).failed == []
    assert kept(settings) == undisturbed


HARMLESS: dict[str, dict[str, Any]] = {
    "duplicate_hours": {},
    "unordered_hours": {},
    "nulls": {},
    "all_null_variable": {},
    "minus_one": {},
    "missing_variable": {},
    "renamed_variable": {},
    "extra_variable": {},
    "negative_value": {},
    "missing_day": {},
    "dst_offset": {},
    "moved_grid_point": {},
    "late_revision": {},
}


@pytest.mark.parametrize("fault", HARMLESS)
def test_what_can_be_read_is_kept_without_a_failure(settings: Settings, sample, fault: str):
    rules = [{"match": match, "fault": fault, "times": None, "args": HARMLESS[fault]} for match in MATCHES]
    sample.post("/_admin/faults", json=rules).raise_for_status()
    assert once(settings).failed == []
    assert any(rule["applied"] for rule in sample.get("/_admin/faults").json())


def test_every_fault_that_the_sample_can_inject_is_tried_here(sample: httpx.Client):
    refused = sample.post("/_admin/faults", json=[{"match": "", "fault": "no such fault"}])
    known = refused.text.split("known: ")[1].split('"')[0].split(", ")
    assert set(known) == {*WRONG, *HARMLESS}


def test_a_load_says_what_it_used_of_what_the_sources_allow(settings: Settings) -> None:
    first = once(settings)
    used = sum(each.weight for each in first.sources if each.source == "open_meteo")
    allowed = {(each.source, each.seconds): each for each in first.allowances}
    assert set(allowed) == {("open_meteo", 3600), ("open_meteo", 86_400), ("open_meteo", 2_592_000)}
    assert allowed["open_meteo", 86_400].most == 10_000
    assert {round(each.used, 6) for each in first.allowances} == {round(used, 6)}
    later = once(settings, NOW + timedelta(hours=2))
    more = sum(each.weight for each in later.sources if each.source == "open_meteo")
    found = {each.seconds: round(each.used, 6) for each in later.allowances}
    assert found == {3600: round(more, 6), 86_400: round(used + more, 6), 2_592_000: round(used + more, 6)}
