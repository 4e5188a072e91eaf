"""Kills at every node of dbt, and at random moments of a run: minutes long, started by `make soak` only."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2
from tests.e2e.world import RUN, World
from tests.faults.kills import killed_in_dbt, rerun_converges
from warehouse.settings import ROOT

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
KILLS = int(os.environ.get("SOAK_KILLS", "8"))
SEEDS = [int(seed) for seed in os.environ.get("SOAK_SEEDS", "1,2,3").split(",")]
NODES = sorted(path.stem for path in (ROOT / "dbt_project" / "models").rglob("*.sql"))


@pytest.mark.parametrize("node", NODES)
def test_a_kill_at_any_node_converges(node: str, eve: World, day_2: Day) -> None:
    killed_in_dbt(node, eve)
    rerun_converges(eve, day_2)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_kills_converge(seed: int, eve: World, day_2: Day) -> None:
    """Each run dies at a moment drawn from the length of an undisturbed one; what it had done is of no account."""
    chance, length = random.Random(seed), float(day_2.said["seconds"]["total"]) + 2
    served, n_killed = eve.published_run, 0
    while n_killed < KILLS:
        process = eve.start(*RUN, DAY_2)
        try:
            out, err = process.communicate(timeout=chance.uniform(0.5, length))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            assert process.returncode == -signal.SIGKILL
            n_killed += 1
            assert eve.published("select count(*) from marts.fct_forecasts")[0][0] > 0
        else:
            assert process.returncode == 0, err
            served = json.loads(out)["run_id"]
            assert eve.published_run == served
    rerun_converges_or_had(eve, day_2)


def rerun_converges_or_had(world: World, day_2: Day) -> None:
    """`--force`, because one of the runs may have come to its end between two kills."""
    done = world.run(DAY_2, "--force")
    assert done.returncode == 0, done.stderr
    from tests.e2e.world import differences

    assert differences(world, day_2.world) == {}


def test_nothing_is_left_to_kill_a_node_that_does_not_exist() -> None:
    assert Path(ROOT / "dbt_project" / "models").is_dir()
    assert len(NODES) > 15
