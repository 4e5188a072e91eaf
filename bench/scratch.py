"""Scratch data folders, gone when the measurement ends, and seeds written for it."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from flows import logs
from flows.recorded import PLACES, SERIES
from flows.run import Run, new_run_id
from flows.screen import Screen
from warehouse.settings import ROOT, Settings, load_settings

SEEDS = ROOT / "dbt_project" / "seeds"
RECORDINGS = ROOT.parent / "shared" / "recordings"
NOW = datetime(2025, 11, 20, 6, 10)  # the same hours of the sample every time
QUIET_CORES = {"OMP_WAIT_POLICY": "PASSIVE"}  # threads that wait leave the cores to those that work

Row = tuple[object, ...]


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A folder for one measurement. Settings of the environment and of `.env` do not reach into it."""
    before = dict(os.environ)
    for key in [key for key in os.environ if key.startswith("SKYDUCK_")]:
        del os.environ[key]
    os.environ |= QUIET_CORES
    try:
        with TemporaryDirectory(prefix=f"skyduck-{name}-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    finally:
        os.environ.clear()
        os.environ |= before


def settings_in(folder: Path, **changes: object) -> Settings:
    """An embedded warehouse of its own under `folder`, fed by the sample upstream."""
    fixed = {
        "data_dir": folder, "drop_dir": folder / "drop", "seeds_dir": SEEDS, "target": "dev", "upstream": "sample",
        "sample_url": None, "sample_limits": "off",
    }  # fmt: skip
    return load_settings(**(fixed | changes))


def environment(settings: Settings) -> dict[str, str]:
    """The same settings for a process of its own."""
    named = ("data_dir", "drop_dir", "seeds_dir", "target", "upstream", "sample_url", "sample_limits", "history_days")
    values = {name: getattr(settings, name) for name in named}
    return {f"SKYDUCK_{name.upper()}": str(value) for name, value in values.items() if value is not None}


def write_seeds(
    folder: Path, *, places: Sequence[Row] | None = None, series: Sequence[Row], variables: Sequence[str] = ()
) -> Path:
    """The product's seeds with other series (and places); of `variables`, where named, only those of the first dataset.

    places: rows of places.csv; series: rows of series.csv.
    """
    shutil.copytree(SEEDS, folder)
    if places is not None:
        _write(folder / "places.csv", [PLACES, *places])
    _write(folder / "series.csv", [SERIES, *series])
    if variables:
        path, dataset = folder / "variables.csv", series[0][0]
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
        _write(path, [row for row in rows if row[0] != dataset or row[1] in variables])
    return folder


def _write(path: Path, rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def begin(settings: Settings, now: datetime, screen: Screen) -> Run:
    """A run of the product's own steps."""
    run = Run(settings, "bench", now, new_run_id(now), screen.tick)
    run.announce = screen.say
    logs.to_file(settings, run.run_id)
    return run


def machine() -> str:
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it began"
