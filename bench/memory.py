"""How much memory does fitting a model take, beside the frame that it learns from?"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
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

BAR = 2.5
MIB = 2**20
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
        asked, _, panels = prepared(run.settings, "weather", run.now)
        params, train = with_covariates(run.settings, asked), panels.train
        X, columns = matrix(train, params.features, train.series["series_id"].tolist())
        panel, wide = bytes_of(train) / MIB, X.nbytes / MIB
        del X
        rows = []
        for name in ("linear", "lightgbm_direct"):
            model = build(name, params)
            assert isinstance(model, Forecaster)
            peak = panel + added(lambda model=model: model.fit(train, seed=1, progress=screen.tick))  # type: ignore[misc]
            rows.append((name, f"{panel + wide:,.0f}", f"{peak:,.0f}", f"{peak / (panel + wide):.2f}", f"{BAR}"))
    show(
        f"memory: {len(train):,} rows × {len(columns)} columns of {n_series} series ({about})",
        ("fitting", "frame, MiB", "peak, MiB", "peak / frame", "bar"),
        rows,
        f"The frame: rows as read ({panel:,.0f} MiB) and the matrix made of them ({wide:,.0f} MiB). "
        "The peak: the rows, and whatever the process needed above what it held before the fit.",
    )


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
