"""Decisions about models, made by the `skyduck` command itself: one way in, one lock, one history."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

from warehouse.settings import ROOT

PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Outcome:
    is_done: bool
    message: str


def decide(action: str, target: str, *, reason: str, actor: str) -> Outcome:
    """`approve` or `promote` a version, or `rollback` a dataset."""
    named = ["--dataset", target] if action == "rollback" else [target]
    command = [sys.executable, "-m", "flows", "models", action, *named, f"--reason={reason}", f"--actor={actor}"]
    try:
        done = subprocess.run(
            [*command, "--json"], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
            env=dict(os.environ) | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Outcome(False, f"no answer within {PATIENCE_SECONDS} seconds; `skyduck models history` says what became")
    if done.returncode == 0:
        return Outcome(True, "It is written. The next run forecasts with it and publishes it.")
    lines = done.stderr.strip().splitlines()
    return Outcome(False, lines[-1] if lines else f"the command ended with {done.returncode} and said nothing")
