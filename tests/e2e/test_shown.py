"""What readers see of two real days: the API over their publication, and the documentation site."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bench.browser import chromium
from bench.browser import served as served_pages
from bench.publication import contracts
from dashboard.decide import decide
from tests.api.serving import rows, served, settings_of
from tests.api.test_lists import ARROW, PARQUET, PATHS
from tests.dashboard.walking import walk
from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2, MUSEUM, TARGETS
from tests.e2e.world import World

pytestmark = pytest.mark.timeout(600)
NOW = datetime.fromisoformat(DAY_2) + timedelta(hours=1)
SHOWN = TARGETS | {MUSEUM}


@pytest.fixture(scope="module")
def api(day_2: Day) -> Iterator[httpx.Client]:
    with served(settings_of(day_2.world.data), now=NOW) as client:
        yield client


def test_every_mart_that_is_promised_is_published_with_its_columns(day_2: Day) -> None:
    found = day_2.world.published("select table_name, list(column_name) from duckdb_columns() "
                                  "where schema_name = 'marts' group by all")  # fmt: skip
    assert {name: sorted(columns) for name, columns in found} == {
        name: sorted(column["name"] for column in columns) for name, columns in contracts().items()
    }


def test_the_api_serves_every_list_in_every_form_as_its_contract_says(api: httpx.Client, day_2: Day) -> None:
    schemas = api.get("/openapi.json").json()["components"]["schemas"]
    names = dict(zip(PATHS, (
        "DatasetRow", "SeriesRow", "PredictionRow", "ObservationRow", "AlertRow", "MetricRow", "ModelRow", "HistoryRow",
        "RunRow", "StepRow"), strict=True))  # fmt: skip
    for template, name in names.items():
        path = template.replace("run-6", day_2.said["run_id"])
        found = rows(api.get(path))
        assert found, path
        nullable = {key for key, kind in schemas[name]["properties"].items() if "anyOf" in kind}
        assert {key for row in found for key, value in row.items() if value is None} <= nullable, path
        for accept in ("text/csv", PARQUET, ARROW):
            assert api.get(path, headers={"Accept": accept}).status_code == 200


def test_every_series_is_served_with_its_forecast(api: httpx.Client) -> None:
    found = rows(api.get("/v1/predictions"))
    assert {row["series_id"] for row in found} >= SHOWN
    assert all(row["q05"] <= row["q50"] <= row["q95"] for row in found)
    vintages = rows(api.get("/v1/predictions", params={"vintage": "all", "series": MUSEUM, "limit": 50_000}))
    assert {row["run_id"] for row in vintages} == {found[0]["run_id"]}, "the museum came on the second day"
    assert {row["dataset"] for row in rows(api.get("/v1/datasets"))} >= {"weather", "air", "sgpm", "carbon", "footfall"}


def test_the_api_is_healthy_an_hour_after_the_run(api: httpx.Client) -> None:
    health = api.get("/health").json()
    assert (health["status"], health["problems"]) == ("ok", [])


def test_the_documentation_names_every_table_and_beside_it_how_all_stands(day_2: Day, tmp_path: Path) -> None:
    world: World = day_2.world.copied(tmp_path / "world")
    done = world.skyduck("docs", "--as-of", NOW.isoformat(), "--out", str(tmp_path / "site"))
    assert done.returncode == 0, done.stderr
    site = tmp_path / "site"
    index, status = ((site / name).read_text(encoding="utf-8") for name in ("index.html", "status.html"))
    for name in contracts():
        assert f"model.skyduck.{name}" in index
    assert 'href="status.html"' in index
    assert 'href="index.html"' in status
    assert str(world.data.resolve()) not in index + status
    manifest = json.loads((world.data / "dbt" / "target" / "manifest.json").read_text(encoding="utf-8"))
    n_tests = sum(node["resource_type"] == "test" for node in manifest["nodes"].values())
    assert f"{n_tests} tests of the data" in status
    assert "never run" not in status, "two halves of a build are all tests"
    assert f"{n_tests} pass" in status
    assert status.count("<td>pass</td>") >= 4
    for dataset in ("weather", "air", "sgpm", "carbon"):
        assert f"<tr><td>{dataset}</td>" in status
    described = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    lacking = [f"{node['name']}.{name}" for node in described for name, column in node["columns"].items()
               if not column["description"]]  # fmt: skip
    assert lacking == []


def test_the_dashboard_decides_by_the_command_and_is_refused_in_its_words(
    day_2: Day, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = day_2.world.copied(tmp_path / "world")
    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(world.data))
    monkeypatch.setenv("SKYDUCK_SEEDS_DIR", str(world.seeds))
    (other,) = world.published(
        "select model_version from marts.dim_model_versions where dataset = 'air' and role = 'statistical'"
    )[0]
    made = decide("promote", other, reason="steadier", actor="ada@example.org")
    assert made.is_done, made.message
    assert world.rows(
        "select model_version, actor, reason from ml.champion_events order by event_seq desc limit 1"
    ) == [(other, "ada@example.org", "steadier")]
    refused = decide("rollback", "footfall", reason="why not", actor="ada@example.org")
    assert not refused.is_done
    assert "footfall" in refused.message
    assert "Traceback" not in refused.message


def test_every_page_of_the_dashboard_shows_the_sample(day_2: Day) -> None:
    with served_pages(day_2.world.data) as address, chromium() as browser:
        walk(address, browser, "light", "sample")
