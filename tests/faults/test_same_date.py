"""The same date twice, with a Prefect that is configured and down."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2
from tests.e2e.world import Done, World, differences

pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Again:
    """A copy of day 2 after a second, plain run of the same moment; Prefect's API named, with nobody there."""

    world: World
    done: Done
    api: str


@pytest.fixture(scope="module")
def again(day_2: Day, tmp_path_factory: pytest.TempPathFactory) -> Again:
    assert day_2.done.returncode == 0, day_2.done.stderr
    world = day_2.world.copied(tmp_path_factory.mktemp("again") / "world")
    api = f"http://127.0.0.1:{closed_port()}/api"
    return Again(world, world.run(DAY_2, PREFECT_API_URL=api), api)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_second_run_of_the_same_moment_says_that_nothing_is_new(again: Again) -> None:
    assert again.done.returncode == 0, again.done.stderr
    said = json.loads(again.done.stdout)
    assert (said["nothing_new"], said["n_new_bodies"], said["dbt"], said["trained"]) == (True, 0, [], [])


def test_it_changes_no_table_and_publishes_no_copy(again: Again, day_2: Day) -> None:
    assert json.loads(again.done.stdout)["run_id"] != day_2.said["run_id"], "it was no second run"
    assert differences(again.world.content(), day_2.content) == {}
    assert again.world.copies == day_2.world.copies
    assert again.world.published_run == day_2.said["run_id"]


def test_a_prefect_that_is_down_is_one_line_and_an_alarm_and_the_plain_command_works(
    again: Again, tmp_path: Path
) -> None:
    assert again.done.returncode == 0, "the plain command asked Prefect"
    world = again.world.copied(tmp_path / "world")
    shell = world.skyduck("run", "--as-of", DAY_2, PREFECT_API_URL=again.api)
    assert shell.returncode == 2
    line = shell.stderr.strip().splitlines()[-1]
    assert again.api in line
    assert "does not answer" in line
    assert "`skyduck run --plain`" in line
    assert "Traceback" not in shell.stderr
    assert world.value("select state from ml.alarms where alarm_id = 'run:daily'") == "raised"
    assert world.run(DAY_2).returncode == 0
    assert "RECOVERED the daily run ended before it published" in (world.data / "alarms.log").read_text("utf-8")


def test_a_forced_second_run_adds_a_vintage_equal_to_the_first_and_changes_nothing_else(
    again: Again, day_2: Day, tmp_path: Path
) -> None:
    world = again.world.copied(tmp_path / "world")
    done = world.run(DAY_2, "--force")
    assert done.returncode == 0, done.stderr
    made = "select count(distinct run_id) from ml.forecasts where created_at = ?::timestamp"
    assert (day_2.world.value(made, DAY_2), world.value(made, DAY_2)) == (1, 2), "no second forecast was made"
    assert differences(world.content(), day_2.content) == {}
    assert world.published_run == json.loads(done.stdout)["run_id"]


@pytest.fixture(scope="module", autouse=True)
def _tidy(again: Again) -> Iterator[None]:
    yield
    assert not (again.world.data / "prefect").exists(), "Prefect was started after all"
