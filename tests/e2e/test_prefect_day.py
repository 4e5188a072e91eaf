"""The same day under Prefect: a thin shell around the same steps."""

from __future__ import annotations

import json
import os

import psutil
import pytest

from tests.e2e.canaries import CANARIES, SECRETS, leaks, written
from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2
from tests.e2e.world import World, differences

pytestmark = pytest.mark.timeout(600)


def servers(world: World) -> list[int]:
    """Processes whose Prefect files lie in this world."""
    home, found = str(world.data / "prefect"), []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PREFECT_HOME") == home and process.pid != os.getpid():
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_the_prefect_flow_comes_to_the_same_tables_and_leaves_no_server_behind(eve: World, day_2: Day) -> None:
    done = eve.skyduck("run", "--json", "--as-of", DAY_2, **SECRETS)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["published_path"].endswith(f"gen-{said['run_id']}.duckdb")
    assert eve.published_run == said["run_id"]
    assert differences(eve.content(), day_2.content) == {}
    assert (eve.data / "prefect" / "prefect.db").exists(), "no Prefect server ran"
    assert servers(eve) == []
    assert leaks(written(eve), CANARIES) == [], "no parameter, state, log or artifact of Prefect's holds a secret"
