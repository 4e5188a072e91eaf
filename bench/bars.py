"""The bars: MAE of every entry of the recordings' plan, the time to train them all, the time to predict 200 series."""

from __future__ import annotations

import json
import os
import time as clock
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.forecasting import PLAN
from bench.report import ratio, show
from bench.scale import spread_seeds
from bench.scratch import NOW, RECORDINGS, begin, machine, scratch, settings_in
from flows import steps
from flows.recorded import find
from flows.run import Run
from flows.scoreboard import prepare, score_line
from flows.screen import Screen
from ml import registry
from ml.backtest import backtest
from ml.predict import live_panel
from warehouse.errors import SkyduckError

BARS = Path(__file__).with_name("bars.json")
TRAIN_SECONDS, PREDICT_SECONDS = 360, 5
N_SERIES, DAYS = 200, 130
QUICK_ENTRIES, QUICK_SERIES = 1, 20


def main(quick: bool = False) -> None:
    screen, about = Screen(), machine()
    with scratch("bars") as folder:
        if RECORDINGS.is_dir() and PLAN.exists():
            _train(folder, screen, about, quick)
        else:
            screen.say("No recordings: their bars are left out.")
        _predict(folder / "many", QUICK_SERIES if quick else N_SERIES, screen, about)


def _train(folder: Path, screen: Screen, about: str, quick: bool) -> None:
    plan = list(json.loads(PLAN.read_text(encoding="utf-8")).items())[: QUICK_ENTRIES if quick else None]
    bars = json.loads(BARS.read_text(encoding="utf-8"))
    os.environ["SKYDUCK_DATA_DIR"] = str(folder / "data")  # where the scoreboard makes its scratch warehouse
    settings = prepare(RECORDINGS, find(RECORDINGS), progress=screen.tick)
    lines: list[dict[str, Any]] = []
    for name, entry in plan:
        cut, end = (datetime.combine(datetime.fromisoformat(entry[key]), time()) for key in ("cut", "end"))
        dataset = entry.get("dataset", name)
        result = backtest(settings, dataset, date_from=cut, date_to=end, places=entry["series"], progress=screen.tick)
        lines.append(score_line(name, result))
    rows = [
        (line["plan"], line["model"], f"{line['mae']:.3f}", f"{bars[line['plan']]:.2f}",
         ratio(line["mae"], bars[line["plan"]]), f"{line['best_naive']:.3f}", f"{line['coverage80']:.1%}",
         f"{line['coverage90']:.1%}", f"{line['origins']:,}", f"{line['train_seconds']:.1f}")
        for line in lines
    ]  # fmt: skip
    seconds = sum(line["train_seconds"] for line in lines)
    show(
        f"bars: 24 h from 00 UTC, the recordings' plan ({about})",
        ("entry", "champion", "MAE", "bar", "of bar", "best naive", "80 % holds", "90 % holds", "origins", "train s"),
        rows,
        f"Training: {seconds:.0f} s for {len(lines)} entries, {seconds / TRAIN_SECONDS:.0%} of the bar of "
        f"{TRAIN_SECONDS} s. Every model is learnt twice: to compete, then on all that is known at the cut.",
        words=2,
    )


def _predict(folder: Path, n_series: int, screen: Screen, about: str) -> None:
    run = begin(settings_in(folder / "data", seeds_dir=spread_seeds(folder / "seeds", n_series)), NOW, screen)
    steps.load(run, mode="backfill", since=(run.now - timedelta(days=DAYS)).date())
    steps.build(run, "before")
    steps.train(run, "weather", "bench")
    if not run.trained:
        raise SkyduckError("; ".join(run.warnings))
    model, read = _model_seconds(run)
    steps.predict(run)
    whole = next(step.seconds for step in reversed(run.steps) if step.step == "predict")
    parts = (("the model, with intervals", model), ("reading its inputs", read), ("the whole step", whole))
    show(
        f"bars: {n_series} series × 48 h × 7 quantiles by the champion {run.trained[0].champion} ({about})",
        ("part", "seconds", "of the bar"),
        [(part, f"{seconds:.2f}", f"{seconds / PREDICT_SECONDS:.0%}") for part, seconds in parts],
        f"The bar is {PREDICT_SECONDS} s. The whole step also explains each forecast and writes both down.",
    )


def _model_seconds(run: Run) -> tuple[float, float]:
    """(model, reading): the panel of the run's own hour, through the champion as loaded from its files."""
    top = registry.champion(run.settings, "weather", run.now)
    assert top is not None
    bundle = registry.load(run.settings, top)
    read = partial(live_panel, run.settings, "weather", run.now.replace(minute=0))
    started = clock.perf_counter()
    panel = read(tuple(bundle.params.features.covariates))
    middle = clock.perf_counter()
    bundle.calibration.apply(bundle.raw(panel), panel.horizon)
    return clock.perf_counter() - middle, middle - started
