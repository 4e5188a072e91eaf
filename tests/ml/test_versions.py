"""What the registry tells of its versions, at any moment of the past."""

from __future__ import annotations

import pytest

from ml import versions
from tests.ml.three_versions import by_number, three_versions
from warehouse.errors import BadInput
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def world(tmp_path_factory, built, made) -> Settings:
    return three_versions(built, tmp_path_factory.mktemp("registry") / "data", made)


@pytest.fixture(scope="module")
def v(world, made) -> dict[int, dict]:
    return by_number(world, made)


def test_the_registry_as_it_was_on_an_earlier_day(world, v, made):
    found = versions.listed(world, made.now - 7 * made.day, "air")
    assert {row["model_version"] for row in found} >= {v[1]["model_version"]}
    assert v[2]["model_version"] not in {row["model_version"] for row in found}
    with pytest.raises(BadInput, match="no version of a dataset 'air' is on record by 2026-03-02"):
        versions.listed(world, made.now - 20 * made.day, "air")


def test_two_versions_side_by_side(world, v):
    found = versions.compared(world, v[1], v[2])
    assert found["params"]["training.seed"] == [1, 2]
    assert set(found["params"]) <= {"training.seed", "promotion.policy"}
    assert found["scores"]["report"]["mae"][0] > 0
    assert found["paired"]["n_origins"] >= 4
    assert f"over {found['paired']['n_origins']} origins" in found["paired"]["text"]
    with pytest.raises(BadInput, match="forecasts air"):
        versions.compared(world, v[1], {**v[2], "dataset": "rain"})


def test_a_version_is_found_by_its_name_or_the_end_of_it(world, v, made):
    name = v[2]["model_version"]
    assert versions.find(world, name, made.now)["model_version"] == name
    assert versions.find(world, name.rsplit("-", 1)[1], made.now)["model_version"] == name
    for text in ("", "nonsense", name[:-1], "'; drop table ml.model_versions; --"):
        with pytest.raises(BadInput, match="is on record"):
            versions.find(world, text, made.now)
    with pytest.raises(BadInput, match="of dataset 'rain' is on record"):
        versions.find(world, name, made.now, "rain")


def test_a_version_shows_its_files_with_their_hashes(world, v, made):
    found = versions.shown(world, v[1], made.now)
    assert found["refusal"] is None
    assert "bundle.json" in {file["name"] for file in found["files"]}
    assert all(len(file["sha256"]) == 64 and file["n_bytes"] > 0 for file in found["files"])
    assert [event["action"] for event in found["events"]] == ["promote"]
    assert found["params"]["dataset"] == "air"
