"""How much memory does fitting a model take, beside the frame that it learns from?"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from bench.report import show
from bench.scale import spread_seeds
from bench.scratch import NOW, begin, machine, scratch, settings_in
from flows import steps
from flows.screen import Screen
from ml.backtest import with_covariates
from ml.dataset import Panel
from ml.features import matrix
from ml.forecaster import Forecaster, build
from ml.learn import prepared
from warehouse.errors import BadInput
from warehouse.settings import Settings

BAR = 2.5
MIB = 2**20
FITTED = ("linear", "lightgbm_direct")
FULL, QUICK = (40, 400), (5, 200)  # series, days
CLEAR, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def main(quick: bool = False) -> None:
    n_series, days = QUICK if quick else FULL
    if not CLEAR.exists():
        raise BadInput("this system does not tell the peak of a part of a process; Linux does")
    screen, about = Screen(), machine()
    with scratch("memory") as folder:
        run = begin(settings_in(folder / "data", seeds_dir=spread_seeds(folder / "seeds", n_series)), NOW, screen)
        steps.load(run, mode="backfill", since=(run.now - timedelta(days=days)).date())
        steps.build(run, "before")
        with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as new_process:
            fits = [new_process.submit(fit, run.settings, run.now, name).result() for name in FITTED]
    n_rows, n_columns, panel, wide, _ = fits[0]
    rows = [
        (name, f"{panel + wide:,.0f}", f"{panel + peak:,.0f}", f"{(panel + peak) / (panel + wide):.2f}", f"{BAR}")
        for name, (*_, peak) in zip(FITTED, fits, strict=True)
    ]
    show(
        f"memory: {n_rows:,} rows × {n_columns} columns of {n_series} series ({about})",
        ("fitting", "frame, MiB", "peak, MiB", "peak / frame", "bar"),
        rows,
        f"The frame: rows as read ({panel:,.0f} MiB) and the matrix made of them ({wide:,.0f} MiB). "
        "The peak: the rows, and whatever the process, a new one, needed above what it held before the fit.",
    )


def fit(settings: Settings, now: datetime, name: str) -> tuple[int, int, float, float, float]:
    """Rows, columns; MiB of the rows as read, of their matrix, and what fitting adds to the rows.

    To be asked of a new process: the heap of an old one has holes, whose pages come back for good when they are filled.
    """
    asked, _, panels = prepared(settings, "weather", now)
    params, train = with_covariates(settings, asked), panels.train
    X, columns = matrix(train, params.features, train.series["series_id"].tolist())
    wide = X.nbytes / MIB
    del X, panels
    model = build(name, params)
    assert isinstance(model, Forecaster)
    peak = added(lambda: model.fit(train, seed=1, progress=Screen().tick))
    return len(train), len(columns), bytes_of(train) / MIB, wide, peak


def bytes_of(panel: Panel) -> int:
    """Of all arrays of a panel."""
    values = [getattr(panel, item.name) for item in fields(Panel)]
    arrays = [each for value in values for each in (value.values() if isinstance(value, dict) else [value])]
    return sum(each.nbytes for each in arrays if isinstance(each, np.ndarray))


def added(work: Callable[[], object]) -> float:
    """MiB of resident memory at its highest, above what was resident before."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed before is not there to be used again
    CLEAR.write_text("5", encoding="ascii")  # the high-water mark falls to what is resident now
    before = _status("VmRSS")
    work()
    return _status("VmHWM") - before


def _status(name: str) -> float:
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))
