"""The second day on MotherDuck (files in its stead): moved there, run there, and the same to the last forecast."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.fixtures import Day, prepared_for_day_2
from tests.e2e.inputs import DAY_1, DAY_2
from tests.e2e.world import Content, World, differences
from warehouse.published import publication, published_copy
from warehouse.reader import Reader
from warehouse.settings import Settings, load_settings

pytestmark = pytest.mark.timeout(900)
FORECASTS = "select series_id, target_at, point, q05, q50, q95 from marts.fct_current_forecasts order by all"


class ProdDay:
    """A world whose warehouse lies on MotherDuck, after `migrate` and one daily run there."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.environment = {
            "SKYDUCK_MOTHERDUCK_ADDRESS": str(folder), "MOTHERDUCK_TOKEN": "canary-token-0815",
            "MOTHERDUCK_READ_TOKEN": "canary-token-4711",
        }  # fmt: skip
        folder.mkdir()
        self.moved = world.skyduck(
            "migrate", "--from", "dev", "--to", "prod", "--as-of", DAY_1, "--json", **self.environment
        )
        self.done = world.run(DAY_2, SKYDUCK_TARGET="prod", **self.environment)

    def settings(self, data_dir: Path) -> Settings:
        return load_settings(
            target="prod", MOTHERDUCK_TOKEN="t", motherduck_address=str(self.folder), data_dir=data_dir
        )

    def content(self) -> Content:
        return self.as_file().content()

    def as_file(self) -> World:
        """A world whose warehouse is the file that stands in for the database."""
        target = self.folder / "as-world" / "data" / "warehouse" / "skyduck.duckdb"
        if not target.exists():
            target.parent.mkdir(parents=True)
            target.hardlink_to(self.folder / "skyduck.duckdb")
        return World(self.folder / "as-world")


@pytest.fixture(scope="module")
def prod_day(day_1: Day, tmp_path_factory: pytest.TempPathFactory) -> ProdDay:
    root = tmp_path_factory.mktemp("prod")
    world = day_1.world.copied(root / "world")
    prepared_for_day_2(world)
    return ProdDay(world, root / "md")


def test_the_move_and_the_day_end_well(prod_day: ProdDay) -> None:
    assert prod_day.moved.returncode == 0, prod_day.moved.stderr
    assert prod_day.done.returncode == 0, prod_day.done.stderr
    moved = {each["table"]: each for each in json.loads(prod_day.moved.stdout)["tables"]}
    assert moved["raw.payloads"]["n_rows"] == moved["raw.payloads"]["n_new"] > 0
    assert moved["ml.model_versions"]["n_rows"] > 0


def test_every_table_holds_what_it_holds_after_the_same_day_in_a_file(prod_day: ProdDay, day_2: Day) -> None:
    """Where it was built from raw anew and where it grew day by day. Time costs money there, and on a slow machine more
    than is planned: that alarm may be told."""
    assert differences(prod_day.content(), day_2.content).keys() <= {"ml.alarms"}
    told = prod_day.as_file().rows("select kind from ml.alarms where kind <> 'cost' order by kind")
    assert told == day_2.world.rows("select kind from ml.alarms where kind <> 'cost' order by kind")


def test_a_second_run_of_the_same_moment_changes_nothing(prod_day: ProdDay) -> None:
    before = prod_day.content()
    again = prod_day.world.run(DAY_2, SKYDUCK_TARGET="prod", **prod_day.environment)
    assert again.returncode == 0, again.stderr
    assert differences(prod_day.content(), before) == {}


def test_another_machine_serves_the_forecasts_of_the_day(prod_day: ProdDay, day_2: Day, tmp_path: Path) -> None:
    reader = Reader(prod_day.settings(tmp_path / "elsewhere"))
    with reader.publication() as served:
        assert served.run_id == publication(published_copy(prod_day.world.settings))[0]
        assert [tuple(row.values()) for row in served.rows(FORECASTS)] == day_2.world.published(FORECASTS)
    reader.close()


def test_no_token_is_in_anything_that_was_written_or_said(prod_day: ProdDay) -> None:
    said = prod_day.moved.stdout + prod_day.moved.stderr + prod_day.done.stdout + prod_day.done.stderr
    assert "canary-token" not in said
    for path in prod_day.world.root.parent.rglob("*"):
        if path.is_file():
            assert b"canary-token" not in path.read_bytes(), path
