"""A contender in a process of its own, so that its time and its memory are its own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from flows.process import child
from warehouse.errors import SkyduckError

INTERVAL = 0.1
Job = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """Seconds of the whole process, imports included; memory of it and its children; what it says of itself."""

    seconds: float
    peak_mib: float
    said: dict[str, Any]


def contend(name: str, job: Job, *, folder: Path, env: Mapping[str, str] | None = None) -> Outcome:
    """Runs `bench.contenders.<name>` on the job. Raises SkyduckError with its last words where it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    log, answer, asked = folder / "log", folder / "answer.json", folder / "job.json"
    asked.write_text(json.dumps(job, default=str), encoding="utf-8")
    started, peak = time.monotonic(), 0.0
    with child(f"bench.contenders.{name}", [str(asked), str(answer)], env=env, log=log) as process:
        while process.poll() is None:
            peak = max(peak, _tree_mib(process.pid))
            time.sleep(INTERVAL)
    seconds = time.monotonic() - started
    if process.returncode or not answer.exists():
        words = " ".join(log.read_text(encoding="utf-8", errors="replace").split())[-1500:]
        raise SkyduckError(f"contender {name} ended with {process.returncode}: {words}")
    return Outcome(seconds, peak, json.loads(answer.read_text(encoding="utf-8")))


def _tree_mib(pid: int) -> float:
    total = 0
    try:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.Error:
        return 0.0  # it ended between two questions
    return total / 2**20


def answer(do: Callable[[Job], Mapping[str, object]]) -> None:
    """The contender's side: reads the job, does it, writes what it has to say."""
    asked, told = map(Path, sys.argv[1:3])
    said = do(json.loads(asked.read_text(encoding="utf-8")))
    told.write_text(json.dumps(said, default=str), encoding="utf-8")
