"""Health and figures: up, ready, how old; and names that Prometheus, its rules and the dashboard rely on."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bench import publication
from tests.api.serving import NOW, served, settings_of
from warehouse.settings import ROOT

DOCS = ROOT / "docs" / "monitoring"


def figures(api: httpx.Client) -> dict[str, dict[tuple[str, ...], float]]:
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(api.get("/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_a_fresh_publication_is_ok_and_says_its_ages(api: httpx.Client):
    health = api.get("/health").json()
    assert (health["status"], health["live"], health["ready"], health["run_id"]) == ("ok", True, True, "run-1")
    assert health["age_hours"] == 0.67
    assert [(row["dataset"], row["age_hours"]) for row in health["data"]] == [("sgpm", 2.0), ("weather", 2.0)]


def test_an_old_publication_is_served_and_told(tmp_path: Path):
    publication.publish(tmp_path, places=1)
    with served(settings_of(tmp_path), now=NOW + timedelta(days=3)) as api:
        answer = api.get("/health")
        assert answer.status_code == 200
        assert answer.json()["status"] == "degraded"
        assert answer.json()["problems"] == [
            "a daily run published 73 hours ago: the next is missed (`skyduck watchdog`)"
        ]


@pytest.mark.parametrize(
    ("daily_at", "problem"),
    [
        (None, "no daily run has published yet (`skyduck watchdog`)"),
        (NOW - timedelta(hours=49), "a daily run published 49 hours ago: the next is missed (`skyduck watchdog`)"),
        (NOW - timedelta(hours=20), None),
    ],
)
def test_only_publications_of_daily_runs_keep_it_well(tmp_path: Path, daily_at: datetime | None, problem: str | None):
    """A training publishes what it came to, and forecasts nothing."""
    path = publication.publish(tmp_path)
    with closing(duckdb.connect(str(path))) as con:
        con.execute("alter table main.publication add column daily_at timestamp")
        con.execute("update main.publication set daily_at = $1", [daily_at])
    with served(settings_of(tmp_path)) as api:
        health = api.get("/health").json()
        assert (health["problems"], health["age_hours"]) == ([problem] if problem else [], 0.67)
        age = figures(api).get("skyduck_daily_age_seconds")
        assert age == ({(): (NOW - daily_at).total_seconds()} if daily_at else None)


def test_beside_a_volume_that_the_runs_fill_no_token_is_missed(tmp_path: Path):
    """As the API of deploy/kubernetes: its target is prod, and it has no Secret."""
    publication.publish(tmp_path, places=1)
    settings = settings_of(tmp_path).model_copy(update={"target": "prod"})
    with served(settings) as api:
        for _ in range(2):
            health = api.get("/health").json()
            assert (health["status"], health["problems"]) == ("ok", [])


def test_nothing_published_is_live_and_not_ready(tmp_path: Path):
    with served(settings_of(tmp_path)) as api:
        answer = api.get("/health")
        assert (answer.status_code, answer.json()["live"], answer.json()["ready"]) == (503, True, False)
        assert api.get("/health/live").status_code == 204
        assert figures(api)["skyduck_ready"] == {(): 0.0}


def test_figures_count_what_the_publication_holds_and_what_was_asked(api: httpx.Client):
    before = figures(api).get("skyduck_http_requests_total", {}).get(("GET", "/v1/alerts", "200"), 0)
    for _ in range(3):
        api.get("/v1/alerts", params={"limit": 7})
    api.get("/nowhere")
    found = figures(api)
    assert found["skyduck_http_requests_total"]["GET", "/v1/alerts", "200"] == before + 3
    assert found["skyduck_http_requests_total"]["GET", "unknown", "404"] >= 1
    assert found["skyduck_ready"] == {(): 1.0}
    assert found["skyduck_publication_age_seconds"] == {(): pytest.approx(2400, abs=20)}
    assert found["skyduck_data_age_seconds"] == {("sgpm",): 7200.0, ("weather",): 7200.0}
    assert sum(found["skyduck_forecast_rows"].values()) == 288
    assert found["skyduck_run_seconds"] == {("daily",): 66.0}


@pytest.mark.parametrize("path", sorted(DOCS.iterdir()), ids=lambda path: path.name)
def test_rules_and_the_grafana_board_use_names_that_exist(path: Path, api: httpx.Client):
    known = {family.name for family in text_string_to_metric_families(api.get("/metrics").text)}
    known |= {f"{name}{end}" for name in known for end in ("_total", "_bucket", "_count", "_sum")}
    text = path.read_text(encoding="utf-8")
    _ = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    used = set(re.findall(r"\bskyduck_[a-z0-9_]+\b", text))
    assert used
    assert used <= known, used - known
