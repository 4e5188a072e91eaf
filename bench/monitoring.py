"""What monitoring costs a daily run: the same day with it and without, in processes of their own; and what it finds."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench import calibration
from bench.daily import children_cpu
from bench.report import show
from bench.scratch import NOW, RECORDINGS, begin, machine, scratch, settings_in
from flows import dbt, sequence
from flows.screen import Screen

BAR = 0.25
ROUNDS, QUICK_ROUNDS = 3, 1
QUICK_HISTORY_DAYS = 45
STEPS = {"decide", "drift", "alarms"}  # the page of the drift is drawn where there was a step `drift`
MODELS = (
    "fct_drift", "fct_model_drift", "fct_alarms", "fct_backtest_origin_scores", "fct_decisions", "fct_arm_scores",
    "int_first_days", "fct_prediction_drift", "fct_alert_drift", "fct_expected_errors", "fct_expected_error_skill",
    "fct_realised_errors", "fct_run_costs", "int_alerts_persisted", "fct_value",
)  # fmt: skip
Seconds = dict[str, float]


def main(quick: bool = False) -> None:
    screen, about = Screen(), machine()
    with scratch("monitoring") as folder:
        history = {"history_days": QUICK_HISTORY_DAYS} if quick else {}
        day(folder / "first", 0, True, history)
        screen.say("the first day is there")
        told: dict[bool, list[Seconds]] = {True: [], False: []}
        for n in range(QUICK_ROUNDS if quick else ROUNDS):
            for monitored in (True, False) if n % 2 else (False, True):
                again = folder / "again"
                shutil.copytree(folder / "first", again)
                told[monitored].append(day(again, 1, monitored, history))
                shutil.rmtree(again)
                screen.say(f"{'with' if monitored else 'without'}: {told[monitored][-1]['whole process']:.1f} s")
    _show(*(min(told[monitored], key=lambda each: each["whole process"]) for monitored in (True, False)), about)
    if RECORDINGS.is_dir():
        calibration.main(quick)
    else:
        screen.say("No recordings: the p-values are left out.")


def day(folder: Path, later: int, monitored: bool, changes: dict[str, Any]) -> Seconds:
    """Seconds by step of one daily run, and of its whole process with its imports."""
    started, cpu = time.monotonic(), children_cpu()
    with get_context("spawn").Pool(1) as pool:
        seconds = pool.apply(_run, (folder, later, monitored, changes))
        pool.close()
        pool.join()
    return seconds | {"whole process": time.monotonic() - started, "its CPU seconds": children_cpu() - cpu}


def _run(folder: Path, later: int, monitored: bool, changes: dict[str, Any]) -> Seconds:
    if not monitored:
        dbt.AFTER_ML = (*dbt.AFTER_ML, "--exclude", *MODELS)
    run = begin(settings_in(folder, **changes), NOW + timedelta(days=later), Screen())
    sequence.daily(run, _everything if monitored else _unmonitored)
    return {step.step: step.seconds for step in run.steps}


def _everything(name: str, step: Callable[[], Any]) -> Any:
    return step()


def _unmonitored(name: str, step: Callable[[], Any]) -> Any:
    return [] if name in STEPS else step()  # nothing is due on a second day


def _show(monitored: Seconds, plain: Seconds, about: str) -> None:
    last = ("total", "whole process", "its CPU seconds")
    names = [*(name for name in monitored if name not in last), *last]
    rows = [
        (name, *(f"{seconds[name]:.1f}" if name in seconds else "–" for seconds in (monitored, plain)),
         f"{monitored.get(name, 0.0) - plain.get(name, 0.0):+.1f}")
        for name in names
    ]  # fmt: skip
    more, cpu = (monitored[name] / plain[name] - 1 for name in last[1:])
    show(
        f"monitoring: seconds of a second day of the sample ({about})",
        ("step", "with", "without", "more"),
        rows,
        f"Monitoring adds {more:.0%} to the run ({cpu:.0%} of its CPU seconds), at most {BAR:.0%} wanted. The page of "
        "the drift is drawn beside dbt. Without: no step of it, no page, none of its models and their tests.",
    )
