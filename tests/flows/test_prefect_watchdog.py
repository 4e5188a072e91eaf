"""The watchdog on a real Prefect server: deployed as it stands, run by its automation where no daily run completed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from warehouse.settings import ROOT

pytestmark = pytest.mark.slow
DAILY = "from prefect import flow\n@flow(name='skyduck-daily')\ndef daily(): pass\ndaily()\n"
WAIT_S = 90


class Server:
    """A Prefect server of a folder of its own, asked as any client asks."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/api"
        env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        quiet = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
        self.env = env | quiet | {"PREFECT_HOME": str(home), "PREFECT_API_URL": self.url, "SKYDUCK_ROOT": str(ROOT)}
        command = [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
        self.process = subprocess.Popen(command, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/{path}", data, headers), timeout=20) as answer:
            return json.load(answer)

    def until(self, path: str, body: dict[str, Any] | None, found: Any = bool) -> Any:
        """The answer, once there is one to the purpose."""
        end = time.monotonic() + WAIT_S
        while True:
            try:
                if found(answer := self.ask(path, body)):
                    return answer
            except OSError:
                answer = None
            assert time.monotonic() < end, f"{path} never said what was waited for, but {answer}"
            time.sleep(0.2)

    def prefect(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("prefect"))
    try:
        made.until("health", None)
        made.prefect("work-pool", "create", "skyduck", "--type", "process")
        yield made
    finally:
        made.process.kill()
        made.process.wait()


def test_the_automation_knows_the_daily_run_and_runs_the_watchdog_where_none_completed(
    server: Server, tmp_path: Path
) -> None:
    from prefect.server.events.schemas.automations import EventTrigger
    from prefect.server.events.schemas.events import ReceivedEvent

    server.prefect("deploy", "--name", "watchdog", "--name", "daily")
    (automation,) = server.ask("automations/filter", {})
    deployment = server.ask("deployments/name/skyduck-watchdog/watchdog")
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
