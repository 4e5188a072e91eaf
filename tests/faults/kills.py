"""Runs killed at a named point, what is true right after, and whether the rerun comes to the undisturbed tables."""

from __future__ import annotations

import json
import signal
from typing import Any

from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2
from tests.e2e.world import Done, World, differences


def killed_at(point: str, world: World, **environment: str) -> Done:
    """A run of day 2 that ends by SIGKILL at this point. Whatever it was doing, the copy of day 1 is still served."""
    served = world.published_run, world.published("select count(*), sum(point) from marts.fct_forecasts")
    done = world.run(DAY_2, SKYDUCK_FAULT_AT=point, **environment)
    assert done.returncode == -signal.SIGKILL, f"{point} was not reached: {done.returncode}\n{done.stderr}"
    assert done.stdout == "", "the run had come to its summary"
    assert served == (world.published_run, world.published("select count(*), sum(point) from marts.fct_forecasts"))
    return done


def rerun_converges(world: World, undisturbed: Day) -> None:
    """The next run of the same moment ends well and leaves the tables of a run that nothing disturbed."""
    assert undisturbed.done.returncode == 0, undisturbed.done.stderr
    done = world.run(DAY_2)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["failed_sources"], said["warnings"]) == ([], []), f"{said['warnings']}\n{done.stderr}"
    assert differences(world.content(), undisturbed.content) == {}
    assert world.published_run == said["run_id"]
    assert said["n_forecast_rows"] == undisturbed.said["n_forecast_rows"]


def killed_in_dbt(node: str, world: World, undisturbed: Day, *, built: str, waiting: str) -> None:
    """The kill point `dbt.<node>`: what the node reads is built and what reads the node is not."""
    before = world.content()
    killed_at(f"dbt.{node}", world)
    assert not dbt_ended(world), "dbt had come to its end"
    after, end = world.content(), undisturbed.content
    assert after[built] == end[built], f"{built} was not built before the kill"
    assert after[waiting] == before[waiting] != end[waiting], f"{waiting} was built before the kill"


def dbt_ended(world: World) -> bool:
    """Whether the last dbt came to its summary, by its own log."""
    lines = (world.data / "dbt" / "logs" / "dbt.log").read_text(encoding="utf-8", errors="replace").splitlines()
    events = [event["info"] for event in map(_event, lines) if event]
    last = [event for event in events if event["invocation_id"] == events[-1]["invocation_id"]]
    return any(event["name"] in ("StatsLine", "EndOfRunSummary", "CommandCompleted") for event in last)


def _event(line: str) -> dict[str, Any] | None:
    """None for a line that the kill cut off."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "info" in found else None
