"""`skyduck migrate` said again: after one whose build failed, and after a whole one, each time with news to move."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.inputs import DAY_1, DAY_2, add_lines, write_seeds
from tests.e2e.world import Done, World

pytestmark = pytest.mark.timeout(900)
DAY_3 = "2025-11-12T06:10"
KEY = {"SKYDUCK_PSEUDONYM_KEY": "canary-key-0815-" * 2}


def test_a_migration_goes_on_after_a_failed_build_and_can_be_repeated_with_news_of_the_source(tmp_path: Path) -> None:
    world, there = World(tmp_path / "world"), tmp_path / "md"
    there.mkdir()
    write_seeds(world.seeds, ("carbon,DE,energy_charts,de", "weather,HOME,open_meteo,HOME"))
    add_lines(world, "places.csv", "HOME,My roof,NO,59.9139,10.7522,Europe/Oslo,true")
    motherduck = {"SKYDUCK_MOTHERDUCK_ADDRESS": str(there), "MOTHERDUCK_TOKEN": "canary-token-0815"}

    def moved(as_of: str, **environment: str) -> Done:
        return world.skyduck(
            "migrate", "--from", "dev", "--to", "prod", "--as-of", as_of, "--json", **motherduck | environment
        )

    def loaded(as_of: str) -> None:
        done = world.skyduck("load", "--as-of", as_of, **KEY)
        assert done.returncode == 0, done.stderr

    loaded(DAY_1)
    noted = world.skyduck("build", "--select", "stg_ledger__private_places", "--as-of", DAY_1, **KEY)
    assert noted.returncode == 0, noted.stderr
    failed = moved(DAY_1)
    assert failed.returncode == 2
    assert "SKYDUCK_PSEUDONYM_KEY is not set" in failed.stderr
    for as_of in (DAY_2, DAY_3):
        loaded(as_of)
        done = moved(as_of, **KEY)
        assert done.returncode == 0, done.stderr
        tables = {each["table"]: each for each in json.loads(done.stdout)["tables"]}
        assert tables["raw.payloads"]["n_new"] > 0
        assert tables["ml.runs"]["n_new"] > 0
    destination = World(tmp_path / "as-world")
    destination.settings.warehouse_path.parent.mkdir(parents=True)
    destination.settings.warehouse_path.hardlink_to(there / "skyduck.duckdb")
    everything = "select payload_seq, sha256 from raw.payloads order by 1"
    assert destination.rows(everything) == world.rows(everything)
    migrations = "select status, count(distinct run_id) from ml.runs where flow = 'migrate' group by 1 order by 1"
    assert destination.rows(migrations) == [("failed", 1), ("ok", 2)]
    assert world.rows(migrations) == []
