"""dbt as a subprocess: no connection outlives its step, and no `dbt retry`.

The graph is the plan: what lies downstream of the source `ml` is the second half, everything else the first.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.dbt_log import DbtResult, Failure, LogReader, Progress
from flows.process import child, kill
from warehouse.errors import SkyduckError
from warehouse.settings import ROOT, Settings

BEFORE_ML = ("--exclude", "source:ml+")
AFTER_ML = ("--select", "source:ml+")
NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")


@dataclass(frozen=True)
class Project:
    """Where dbt finds its files. Targets and logs lie with the data: two warehouses never share them."""

    project_dir: Path = ROOT / "dbt_project"
    profiles_dir: Path = ROOT


def build(
    settings: Settings,
    *,
    now: datetime,
    select: tuple[str, ...] = (),
    unit_tests: bool = False,
    full_refresh: bool = False,
    progress: Progress,
    project: Project | None = None,
) -> DbtResult:
    """`dbt build` over a selection. The result says what failed: nothing is raised for a failed node."""
    options = [*select, *(() if unit_tests else NO_UNIT_TESTS), *(("--full-refresh",) if full_refresh else ())]
    output = target_path(settings) / "run_results.json"
    output.unlink(missing_ok=True)
    try:
        return _run(settings, ["build", *options], now=now, progress=progress, project=project or Project())
    finally:
        _remember(settings, output, now)


def freshness(
    settings: Settings, *, now: datetime, progress: Progress, project: Project | None = None
) -> tuple[DbtResult, list[str]]:
    """`dbt source freshness`: the result, and one line per source that is older than it should be."""
    output = target_path(settings) / "sources.json"
    output.unlink(missing_ok=True)
    result = _run(settings, ["source", "freshness"], now=now, progress=progress, project=project or Project())
    return result, _stale(output, result)


def docs(settings: Settings, *, now: datetime, progress: Progress, project: Project | None = None) -> Path:
    """`dbt docs generate --static`: the one page it writes."""
    command = ["docs", "generate", "--static"]
    _run(settings, command, now=now, progress=progress, project=project or Project()).raise_for_failures()
    return target_path(settings) / "static_index.html"


def results_path(settings: Settings) -> Path:
    """What each node last came to, of whichever build it was a part: unique_id -> status, failures, message, as_of."""
    return settings.data_dir.resolve() / "dbt" / "results.json"


def read_results(path: Path) -> dict[str, Any]:
    """What dbt, or an earlier build, left there; nothing where it did not come so far or was killed in the writing."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _remember(settings: Settings, output: Path, now: datetime) -> None:
    path = results_path(settings)
    known = read_results(path)
    for result in read_results(output).get("results", []):
        if result["status"] != "skipped":
            kept = {name: result[name] for name in ("status", "failures", "message")}
            known[result["unique_id"]] = {**kept, "as_of": f"{now:%Y-%m-%d %H:%M}"}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(known), encoding="utf-8")
    draft.replace(path)


def _stale(output: Path, result: DbtResult) -> list[str]:
    lines = [f"freshness of {failure.name} could not be asked: {failure}" for failure in _broken(result)]
    if output.exists():
        for item in json.loads(output.read_text(encoding="utf-8"))["results"]:
            if item["status"] in ("warn", "error"):
                hours = float(item.get("max_loaded_at_time_ago_in_s", 0)) / 3600
                name = ".".join(item["unique_id"].split(".")[-2:])
                lines.append(f"{name}: newest is {hours:.0f} h old ({item.get('max_loaded_at', 'unknown')[:16]})")
    return lines


def _broken(result: DbtResult) -> list[Failure]:
    return [failure for failure in result.failures if failure.status == "runtime error"]


def target_path(settings: Settings) -> Path:
    return settings.data_dir.resolve() / "dbt" / "target"


def _run(settings: Settings, command: list[str], *, now: datetime, progress: Progress, project: Project) -> DbtResult:
    started = time.monotonic()
    name = " ".join(word for word in command if word not in NO_UNIT_TESTS)
    with child("dbt.cli.main", _arguments(settings, command, project), env=_environment(settings, now)) as process:
        reader = LogReader(progress, on_start=_fault(lambda: kill(process)))
        assert process.stdout is not None
        for line in process.stdout:
            reader.feed(_redact(line, settings))
        code = process.wait()
    result = reader.result(command=name, seconds=time.monotonic() - started)
    if code not in (0, 1) or (code == 1 and not result.failures):
        last = " ".join(" ".join(reader.errors[-3:]).split())[:600]
        raise SkyduckError(f"dbt {name} ended with code {code}: {last or 'it said nothing'}")
    return result


def _arguments(settings: Settings, command: list[str], project: Project) -> list[str]:
    data = settings.data_dir.resolve() / "dbt"
    return [
        *("--log-format", "json", "--no-use-colors", "--no-version-check", "--no-send-anonymous-usage-stats"),
        *command,
        *("--project-dir", str(project.project_dir), "--profiles-dir", str(project.profiles_dir)),
        *("--target-path", str(data / "target"), "--log-path", str(data / "logs"), "--target", settings.target),
    ]


def _environment(settings: Settings, now: datetime) -> dict[str, str]:
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    env = {
        "SKYDUCK_WAREHOUSE_PATH": str(settings.warehouse_path),
        "SKYDUCK_SEEDS_DIR": str(settings.seeds_dir.resolve()),
        "SKYDUCK_MOTHERDUCK_PATH": settings.motherduck_path,
        "SKYDUCK_THREADS": str(settings.threads),
        "SKYDUCK_MEMORY_LIMIT": settings.memory_limit,
        "SKYDUCK_AS_OF": f"{now:%Y-%m-%d %H:%M:%S}",  # as a variable it would make dbt parse the project again
        "DO_NOT_TRACK": "1",
    }
    if settings.is_motherduck and settings.motherduck_token is not None:
        env["MOTHERDUCK_TOKEN"] = settings.motherduck_token.get_secret_value()
    return env


def _redact(line: str, settings: Settings) -> str:
    token = settings.motherduck_token
    return line.replace(token.get_secret_value(), "***") if token and token.get_secret_value() else line


def _fault(kill_dbt: Callable[[], None]) -> Callable[[str], None]:
    """The kill point `dbt.<node>`: dbt and this process are gone the moment that node starts."""
    point = os.environ.get("SKYDUCK_FAULT_AT", "")

    def on_start(node: str) -> None:
        if point == f"dbt.{node}":
            kill_dbt()
            os.kill(os.getpid(), signal.SIGKILL)

    return on_start
