"""Kills at every named point and node of dbt, and at random moments: long, started by `make soak` only."""

from __future__ import annotations

import os
import random
import signal
import subprocess

import pytest

from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2
from tests.e2e.world import RUN, World, differences
from tests.faults.kills import dbt_ended, killed_at, rerun_converges
from warehouse.settings import ROOT

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
KILLS = int(os.environ.get("SOAK_KILLS", "8"))
SEEDS = [int(seed) for seed in os.environ.get("SOAK_SEEDS", "1,2,3").split(",")]
STEPS = ("load.after_fetch", "load.after_commit", "train.mid_fit", "predict.mid_write", "publish.before_swap")
NODES = sorted(f"dbt.{path.stem}" for path in (ROOT / "dbt_project" / "models").rglob("*.sql"))


@pytest.mark.parametrize("point", [*STEPS, *NODES])
def test_a_kill_at_any_point_converges(point: str, eve: World, day_2: Day) -> None:
    killed_at(point, eve)
    if point in NODES:
        assert not dbt_ended(eve)
    rerun_converges(eve, day_2)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_kills_converge(seed: int, eve: World, day_2: Day) -> None:
    """Each run dies at a moment drawn from the length of an undisturbed one; forced, so that each has work to do."""
    chance, length = random.Random(seed), float(day_2.said["seconds"]["total"]) + 2
    n_killed = 0
    while n_killed < KILLS:
        process = eve.start(*RUN, DAY_2, "--force")
        try:
            _, err = process.communicate(timeout=chance.uniform(0.5, length))
            assert process.returncode == 0, err
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            assert process.returncode == -signal.SIGKILL
            n_killed += 1
        assert eve.published("select count(*) from marts.fct_forecasts")[0][0] > 0
    done = eve.run(DAY_2, "--force")
    assert done.returncode == 0, done.stderr
    assert differences(eve.content(), day_2.content) == {}
