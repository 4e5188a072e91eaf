"""The arrows of the dbt graph: which model may read what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dbt.conftest import scratch

BELOW_ML = ("source:ml+,path:models/marts/core", "source:ml+,path:models/marts/features")
Graph = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """What `dbt ls` lists below the source ml, and the manifest that it leaves."""
    wh = scratch(tmp_path_factory.mktemp("graph"), places="A,A,XX,1,2,UTC\n", series="weather,A,open_meteo,A\n")
    listed = wh.dbt("ls", "--quiet", "--select", *BELOW_ML)
    return listed, json.loads((wh.root / "target" / "manifest.json").read_text())


def models(manifest: dict[str, Any], *folder: str) -> list[dict[str, Any]]:
    found = [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]
    return [n for n in found if tuple(n["fqn"][1 : 1 + len(folder)]) == folder]


def test_no_observation_and_no_feature_lies_downstream_of_the_models(graph: Graph) -> None:
    listed, manifest = graph
    assert listed.strip() == ""
    assert models(manifest, "marts", "core"), "the question must be about something"
    assert any(source.startswith("source.skyduck.ml.") for source in manifest["sources"])


def test_only_staging_reads_what_was_received(graph: Graph) -> None:
    _, manifest = graph
    readers = [
        n["name"]
        for n in models(manifest)
        if any(parent.startswith("source.skyduck.raw.") for parent in n["depends_on"]["nodes"])
    ]
    assert readers
    assert all(name.startswith("stg_") for name in readers)


def test_staging_reads_sources_and_nothing_else(graph: Graph) -> None:
    _, manifest = graph
    for model in models(manifest, "staging"):
        assert model["depends_on"]["nodes"], model["name"]
        assert all(parent.startswith("source.") for parent in model["depends_on"]["nodes"]), model["name"]


def test_every_mart_is_contracted_described_grain_first_and_owned(graph: Graph) -> None:
    _, manifest = graph
    marts = models(manifest, "marts")
    assert marts
    for model in marts:
        assert model["config"]["contract"]["enforced"], model["name"]
        assert model["description"].startswith("One row per "), f"{model['name']} must open with its grain"
        assert model["config"]["group"], model["name"]
        undescribed = [column["name"] for column in model["columns"].values() if not column["description"]]
        assert not undescribed, f"{model['name']}: {undescribed}"


def test_every_mart_has_a_test_of_its_key(graph: Graph) -> None:
    _, manifest = graph
    keyed = {
        test["attached_node"]
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test"
        and (test.get("test_metadata") or {}).get("name") in ("unique", "unique_combination")
    }
    views = {"model.skyduck.fct_forecast_features"}  # keyed by the tables it joins
    assert {model["unique_id"] for model in models(manifest, "marts")} - keyed - views == set()
