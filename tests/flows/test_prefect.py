"""Prefect as a thin shell: a real server, real runs, and what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from warehouse.settings import ROOT, Settings

# Two steps of our own under the real shell: the first source fails once, so that the load is tried again.
FLOW = """
import json, sys, time, urllib.request
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from flows.options import quiet_telemetry
from flows.run import Run
from flows.server import drain, prefect_api
from loader.summary import LoadSummary, SourceSummary
from warehouse.settings import load_settings

quiet_telemetry()
settings = load_settings(data_dir=Path(sys.argv[1]), upstream="sample")
run = Run(settings, "daily", datetime(2026, 11, 20, 6, 10), "20261120T061000-abcdef", progress=lambda line: None)
attempts = []

def load():
    attempts.append(1)
    n = 0 if len(attempts) > 1 else 1
    source = SourceSummary("open_meteo", "archive", n_windows=3, n_ok=3 - n, n_failed=n, error="down")
    run.loads = LoadSummary([source])
    return run.loads

with prefect_api(settings, progress=print) as url:
    from prefect import flow
    from flows.shell import artifacts, as_task

    @flow(name="skyduck-tiny", flow_run_name="tiny {as_of}", persist_result=False)
    def tiny(as_of: str) -> None:
        call = as_task(run)
        if len(sys.argv) > 2:
            print("in the flow", flush=True)
            time.sleep(60)
        call("load", load)
        call("freshness", lambda: None)
        run.warnings.append("a | b")
        artifacts(run)

    tiny(as_of="2026-11-20")
    drain()
    def ask(kind):
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{url}/{kind}/filter", data=b"{}", headers=headers, method="POST")
        return json.load(urllib.request.urlopen(request))
    found = {
        "attempts": len(attempts),
        "flow_runs": [(f["name"], f["state_name"]) for f in ask("flow_runs")],
        "task_runs": sorted((t["name"], t["state_name"], sorted(t["tags"]), t["run_count"]) for t in ask("task_runs")),
        "artifacts": {a["key"]: a["data"] for a in ask("artifacts")},
    }
print(json.dumps(found))
"""


def start(settings: Settings, *more: str) -> subprocess.Popen[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    command = [sys.executable, "-c", FLOW, str(settings.data_dir), *more]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def servers(settings: Settings) -> list[int]:
    """Prefect servers whose files lie in this test's own directory."""
    home = str(settings.data_dir.resolve() / "prefect")
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PREFECT_HOME") == home and process.pid != os.getpid():
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_steps_become_tasks_that_a_person_can_search_and_a_killed_run_leaves_nothing_running(
    settings: Settings,
) -> None:
    killed = start(settings, "wait")
    assert killed.stdout is not None
    assert "temporary" in killed.stdout.readline()
    assert killed.stdout.readline() == "in the flow\n"
    assert servers(settings), "no server was there to be left behind"
    killed.kill()
    killed.communicate()
    end = time.monotonic() + 10
    while servers(settings) and time.monotonic() < end:
        time.sleep(0.1)
    assert servers(settings) == []

    out, err = start(settings).communicate(timeout=120)
    assert out.strip(), err
    found = json.loads(out.splitlines()[-1])
    assert found["attempts"] == 2, "the load is tried again"
    assert sorted(found["flow_runs"]) == [["tiny 2026-11-20", "Completed"], ["tiny 2026-11-20", "Crashed"]]
    assert found["task_runs"] == [
        ["freshness 20261120T061000-abcdef", "Completed", ["dev", "sample", "skyduck"], 1],
        ["load 20261120T061000-abcdef", "Completed", ["dev", "sample", "skyduck"], 2],
    ]
    assert "| open_meteo | archive | 3 | 3 |" in found["artifacts"]["skyduck-loads"]
    assert "- a \\| b" in found["artifacts"]["skyduck-warnings"]
    assert (settings.data_dir / "prefect" / "prefect.db").exists(), "Prefect's files lie under the data directory"
    assert servers(settings) == []


def test_deployments_parse_and_name_flows_that_exist() -> None:
    models = pytest.importorskip("prefect.cli.deploy._models", reason="Prefect moved its model of prefect.yaml")
    text = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    parsed = models.PrefectYamlModel.model_validate(text)
    assert {deployment.name for deployment in parsed.deployments} == {"daily", "retrain", "backfill", "watchdog"}
    for deployment in parsed.deployments:
        file, name = deployment.entrypoint.split(":")
        source = (ROOT / file).read_text(encoding="utf-8")
        assert f"def {name}(" in source
        assert set(deployment.parameters) <= parameters(source, name)
        assert deployment.concurrency_limit.limit == 1
    queues = {deployment.name: deployment.work_pool.work_queue_name for deployment in parsed.deployments}
    assert queues == {"daily": "warehouse", "retrain": "warehouse", "backfill": "warehouse", "watchdog": None}
    daily = next(deployment for deployment in parsed.deployments if deployment.name == "daily")
    assert [(schedule.cron, schedule.timezone) for schedule in daily.schedules] == [("10 6 * * *", "UTC")]
    retrain = next(deployment for deployment in parsed.deployments if deployment.name == "retrain")
    assert [schedule.active for schedule in retrain.schedules] == [False], "the daily run trains what is due"


def parameters(source: str, name: str) -> set[str]:
    import ast

    tree = ast.parse(source)
    found = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    return {argument.arg for argument in found.args.args}


def test_entrypoints_import_as_prefect_imports_them(tmp_path: Path) -> None:
    code = (
        "from prefect.flows import load_flow_from_entrypoint as load\n"
        "for name in ('daily', 'retrain', 'backfill', 'overdue'):\n"
        "    print(load(f'flows/{name}.py:{name}').name)\n"
    )
    env = os.environ | {"PREFECT_HOME": str(tmp_path), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    names = ["skyduck-daily", "skyduck-retrain", "skyduck-backfill", "skyduck-watchdog"]
    assert done.stdout.split() == names, done.stderr
