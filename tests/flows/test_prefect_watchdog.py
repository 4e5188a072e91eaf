"""On a real Prefect server, deployed as it stands: runs that write take turns, and the watchdog looks all the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from tests.documented import commands
from tests.flows.prefect_server import Server, running
from warehouse.settings import ROOT

pytestmark = pytest.mark.slow
SET_UP = [line for line in commands("operations.md", "With Prefect")[1] if line.startswith("prefect work-")]
DAILY = "from prefect import flow\n@flow(name='skyduck-daily')\ndef daily(): pass\ndaily()\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("prefect")) as made:
        for line in SET_UP:
            made.shell(line)
        yield made


def test_the_automation_knows_the_daily_run_and_runs_the_watchdog_where_none_completed(
    server: Server, tmp_path: Path
) -> None:
    from prefect.server.events.schemas.automations import EventTrigger
    from prefect.server.events.schemas.events import ReceivedEvent

    server.prefect("deploy", "--name", "watchdog", "--name", "daily")
    deployment = server.ask("deployments/name/skyduck-watchdog/watchdog")
    (automation,) = [found for found in server.ask("automations/filter", {}) if "watchdog" in found["name"]]
    (action,) = automation["actions"]
    assert (action["type"], action["deployment_id"]) == ("run-deployment", deployment["id"])

    subprocess.run([sys.executable, "-c", DAILY], env=server.env, check=True, capture_output=True, timeout=120)
    completed = server.until(
        "events/filter", {"filter": {"event": {"name": ["prefect.flow-run.Completed"]}}}, lambda page: page["events"]
    )["events"][0]
    trigger = EventTrigger.model_validate(automation["trigger"])
    assert trigger.within.total_seconds() == 26 * 3600
    assert trigger.covers(ReceivedEvent.model_validate(completed)), "a completed daily run would go unseen"

    text = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    watchdog = next(each for each in text["deployments"] if each["name"] == "watchdog")
    watchdog["triggers"][0]["within"] = 10
    watchdog["schedules"] = []
    short = tmp_path / "prefect.yaml"
    short.write_text(yaml.safe_dump(text | {"deployments": [watchdog]}), encoding="utf-8")
    server.prefect("deploy", "--all", "--prefect-file", str(short))
    asked = {"flow_runs": {"deployment_id": {"any_": [deployment["id"]]}}}
    started = server.until(
        "flow_runs/filter", asked, lambda runs: [run for run in runs if run["created_by"]["type"] == "AUTOMATION"]
    )
    assert started[0]["parameters"]["notify"] is True


def test_runs_that_write_take_turns_whichever_worker_asks_and_the_watchdog_waits_for_none(server: Server) -> None:
    server.prefect("deploy", "--all")
    (queue,) = server.ask("work_pools/skyduck/queues/filter", {"work_queues": {"name": {"any_": ["warehouse"]}}})
    assert queue["concurrency_limit"] == 1
    run_of = {}
    for name in ("daily", "backfill", "retrain", "watchdog"):
        deployment = server.ask(f"deployments/name/skyduck-{name}/{name}")
        asked = {"state": {"type": "SCHEDULED"}, "parameters": deployment["parameters"]}
        run_of[name] = server.ask(f"deployments/{deployment['id']}/create_flow_run", asked)["id"]

    def taken() -> set[str]:
        """What a worker would begin now."""
        found = server.ask("work_pools/skyduck/get_scheduled_flow_runs", {"scheduled_before": f"{datetime.now(UTC)}"})
        given = {each["flow_run"]["id"] for each in found}
        return {name for name, run_id in run_of.items() if run_id in given}

    writers = {"daily", "backfill", "retrain"}
    assert len(taken() & writers) == 1
    (first,) = taken() & writers
    for state in ("PENDING", "RUNNING"):
        server.ask(f"flow_runs/{run_of[first]}/set_state", {"state": {"type": state}})
        assert taken() == {"watchdog"}
    server.ask(f"flow_runs/{run_of[first]}/set_state", {"state": {"type": "CRASHED"}})
    assert len(taken() & writers) == 1, "a run that is over keeps nobody waiting"
