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
    assert (said["failed_sources"], said["warnings"]) == ([], [])
    assert differences(world, undisturbed.world) == {}
    assert world.published_run == said["run_id"]
    assert said["n_forecast_rows"] == undisturbed.said["n_forecast_rows"]


def last_dbt(world: World) -> tuple[list[str], bool]:
    """The nodes that the last dbt began, in order, and whether it came to its end."""
    lines = (world.data / "dbt" / "logs" / "dbt.log").read_text(encoding="utf-8", errors="replace").splitlines()
    events = [event for event in map(_event, lines) if event]
    last = [event for event in events if event["info"]["invocation_id"] == events[-1]["info"]["invocation_id"]]
    begun = [event["data"]["node_info"]["node_name"] for event in last if event["info"]["name"] == "LogStartLine"]
    return begun, any(event["info"]["name"] in ("StatsLine", "EndOfRunSummary") for event in last)


def _event(line: str) -> dict[str, Any] | None:
    """None for a line that the kill cut off."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "info" in found else None


def killed_in_dbt(node: str, world: World) -> None:
    """The kill point `dbt.<node>`, with the proof from dbt's own log."""
    killed_at(f"dbt.{node}", world)
    begun, ended = last_dbt(world)
    assert node in begun, f"dbt had not begun {node}"
    assert not ended, "dbt had come to its end"
