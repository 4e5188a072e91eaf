"""The schedule as it is documented: a real Prefect server and worker, a run that fires, a worker that dies in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.documented import commands
from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2
from tests.e2e.world import HISTORY_DAYS, World, differences
from tests.flows.prefect_server import Server, running, start
from warehouse.lock import holder

pytestmark = [pytest.mark.soak, pytest.mark.timeout(2400)]  # most of it is waiting
SERVER, SET_UP, LATER = commands("operations.md", "With Prefect")
SILENCE_S = 40  # a heart beats every 30 s
# Of a run that was scheduled less than five minutes before, automations hear after a quarter of an hour: each event
# waits for the one before it, and Prefect sends none of the scheduling itself. In earnest it is a day before.
FIRES_IN_S = 330


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("prefect")) as made:
        yield made


class Worker:
    """The worker as documented, in a world of its own."""

    def __init__(self, server: Server, world: World, log: Path) -> None:
        env = server.env | {
            "SKYDUCK_DATA_DIR": str(world.data), "SKYDUCK_SEEDS_DIR": str(world.seeds), "SKYDUCK_RETRY_WAIT_SCALE": "0",
            "SKYDUCK_HISTORY_DAYS": str(HISTORY_DAYS), "PREFECT_WORKER_QUERY_SECONDS": "1",
        }  # fmt: skip
        self.log = log
        with log.open("ab") as sink:
            self.process = start(SET_UP[-1].split(), env, sink)

    def kill(self) -> int:
        """What is left of it when the machine loses its power: nothing. How many processes ended."""
        if self.process.returncode is not None:
            return 0
        me = psutil.Process(self.process.pid)
        whole = [me, *me.children(recursive=True)]
        for end in (psutil.Process.suspend, psutil.Process.kill):
            for process in whole:
                with suppress(psutil.NoSuchProcess):
                    end(process)
        with self.process:  # its end is waited for, and that of the others
            psutil.wait_procs(whole[1:], timeout=60)
        return len(whole)


def make_short(server: Server, deployment: dict[str, Any]) -> None:
    """What is deployed, for a day of the small world that fires soon; the automation waits as little as it may."""
    (schedule,) = deployment["schedules"]
    assert (schedule["schedule"]["cron"], schedule["active"]) == ("10 6 * * *", True)
    assert deployment["parameters"] == {"upstream": "live", "wait": True}
    path = f"deployments/{deployment['id']}"
    parameters = {"parameters": {"upstream": "sample", "wait": True, "as_of": DAY_2}}
    server.ask(path, parameters, method="PATCH")
    automation = next(found for found in server.ask("automations/filter", {}) if "heartbeat" in found["name"])
    automation["trigger"]["within"] = SILENCE_S
    changed = {name: automation[name] for name in ("name", "description", "enabled", "trigger", "actions")}
    server.ask(f"automations/{automation['id']}", changed, method="PUT")
    anchor = datetime.now(UTC) + timedelta(seconds=FIRES_IN_S)
    soon = {"schedule": {"interval": 86_400, "anchor_date": anchor.isoformat(), "timezone": "UTC"}}
    server.ask(f"{path}/schedules/{schedule['id']}", soon, method="PATCH")
    server.ask(f"{path}/schedule", {"max_runs": 1})  # the scheduler's own next look may come too late


def is_at_work(world: World) -> bool:
    """In the middle of it: the load is committed, and the next step has begun."""
    log = world.data / "logs" / "skyduck.jsonl"
    is_loaded = log.exists() and '"step": "load"' in log.read_text(encoding="utf-8")
    return is_loaded and holder(world.settings) is not None


def test_a_scheduled_run_fires_is_killed_with_its_worker_and_is_recovered(
    server: Server, eve: World, day_2: Day, tmp_path: Path
) -> None:
    exports, documented = SET_UP[:2], SET_UP[2:-1]
    assert [line.split("=")[0] for line in exports] == ["export PREFECT_API_URL", "export SKYDUCK_ROOT"]
    for line in documented:
        server.shell(line)
    daily = server.ask("deployments/name/skyduck-daily/daily")
    asked = {"flow_runs": {"deployment_id": {"any_": [daily["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}

    (eve.data / "logs" / "skyduck.jsonl").unlink()
    worker = Worker(server, eve, tmp_path / "worker.log")
    try:
        make_short(server, daily)
        first = server.until("flow_runs/filter", asked, lambda runs: runs and is_at_work(eve), seconds=900)[0]
        assert (first["auto_scheduled"], first["state_type"]) == (True, "RUNNING")
        assert worker.kill() > 1, "the run was not under way"
        assert holder(eve.settings) is None, "the lock outlived its holder"
        assert server.ask(f"flow_runs/{first['id']}")["state_type"] == "RUNNING", "nothing was to be recovered"

        worker = Worker(server, eve, tmp_path / "worker.log")
        runs = server.until("flow_runs/filter", asked, ended(2), seconds=900)
    finally:
        worker.kill()
    found = [(run["created_by"]["type"], run["state_name"]) for run in runs if run["state_type"] != "SCHEDULED"]
    assert found == [("SCHEDULE", "Crashed"), ("AUTOMATION", "Completed")], worker.log.read_text()
    assert holder(eve.settings) is None
    assert differences(eve.content(), day_2.content) == {}
    for line in LATER:
        server.shell(line)


def ended(n: int) -> Any:
    return lambda runs: sum(run["end_time"] is not None for run in runs) >= n
