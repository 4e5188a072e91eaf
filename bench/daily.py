"""A whole `skyduck run --plain`: the first day, the next day, and the same hour again with nothing new."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from bench.report import show
from bench.scratch import NOW, environment, machine, scratch, settings_in
from flows.screen import Screen
from warehouse.errors import SkyduckError
from warehouse.settings import ROOT

DAYS = {"first day": timedelta(0), "one more day": timedelta(days=1), "nothing new": timedelta(days=1)}
BARS = {"first day": "180", "one more day": "", "nothing new": "45"}
QUICK_HISTORY_DAYS = 120

Seconds = dict[str, float]


def main(quick: bool = False) -> None:
    screen, about = Screen(), machine()
    with scratch("daily") as folder:
        found = {}
        for name, later in DAYS.items():
            found[name] = _run(folder, NOW + later, quick)
            screen.say(f"{name}: {found[name]['whole process']:.1f} s")
    _show(found, about)


def _run(folder: Path, now: datetime, quick: bool) -> Seconds:
    """Seconds by step, as the run reports them, and of the whole process with its imports."""
    changes = {"history_days": QUICK_HISTORY_DAYS} if quick else {}
    env = os.environ | environment(settings_in(folder, **changes)) | {"NO_COLOR": "1"}
    command = [sys.executable, "-m", "flows", "run", "--plain", "--json", "--as-of", now.isoformat()]
    started, cpu = time.monotonic(), children_cpu()
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SkyduckError(f"`skyduck run` ended with {done.returncode}: {done.stderr.strip()[-1500:]}")
    seconds: Seconds = json.loads(done.stdout)["seconds"]
    return seconds | {"whole process": time.monotonic() - started, "its CPU seconds": children_cpu() - cpu}


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _show(found: dict[str, Seconds], about: str) -> None:
    last = ("total", "whole process", "its CPU seconds")
    steps = [name for name in found["first day"] if name not in last]
    rows = [
        (step, *(f"{seconds[step]:.1f}" if step in seconds else "–" for seconds in found.values()))
        for step in [*steps, *last]
    ]
    rows.append(("bar of `make run` (2 cores)", *(BARS[name] for name in found)))
    show(f"daily: seconds per step of `skyduck run --plain` on the sample ({about})", ("step", *found), rows)
