"""200 target series over two years: backfill, build, train and predict, within ten minutes and 6 GiB on two cores?

`python -m bench scale --series 2000` measures another number of them and keeps it for `python -m bench scaling`.
"""

from __future__ import annotations

import json
import math
from datetime import timedelta
from pathlib import Path

from bench.report import show
from bench.scaling import POINTS
from bench.scratch import NOW, Row, begin, machine, scratch, settings_in, write_seeds
from flows import steps
from flows.recorded import nearest_zone
from flows.run import Run
from flows.screen import Screen
from warehouse.connection import connect
from warehouse.errors import SkyduckError

BAR_SECONDS, BAR_MIB = 600, 6 * 1024
FULL, QUICK = (200, 731), (20, 120)  # series, days


def main(quick: bool = False, series: int | None = None) -> None:
    n_series, days = QUICK if quick else FULL
    n_series = series or n_series
    screen, about = Screen(), machine()
    with scratch("scale") as folder:
        run = begin(settings_in(folder / "data", seeds_dir=spread_seeds(folder / "seeds", n_series)), NOW, screen)
        _day(run, days)
        _show(run, n_series, days, about, is_bar=not quick and n_series == FULL[0])
        if series and not quick:
            _keep(run, n_series, about)


def _keep(run: Run, n_series: int, about: str) -> None:
    """One point for each number of series, the newest."""
    before = json.loads(POINTS.read_text(encoding="utf-8"))
    steps = {
        step.step: {"seconds": round(step.seconds, 1), "cpu_seconds": round(step.cpu_seconds, 1),
                    "peak_mib": round(step.peak_mib)}
        for step in run.steps
    }  # fmt: skip
    size = run.settings.warehouse_path.stat().st_size / 2**20
    point = {"n_series": n_series, "about": about, "file_mib": round(size), "steps": steps}
    points = [point, *(each for each in before if each["n_series"] != n_series)]
    POINTS.write_text(json.dumps(points, indent=1) + "\n", encoding="utf-8")


def spread_seeds(folder: Path, n: int) -> Path:
    """Places spread evenly over the inhabited latitudes (a Fibonacci lattice), each with its temperature."""
    places: list[Row] = []
    for i in range(n):
        latitude = math.degrees(math.asin(-0.6 + 1.4 * (i + 0.5) / n))
        longitude = (i * 222.4922) % 360 - 180
        country, zone = nearest_zone(latitude, longitude)
        places.append((f"P{i:03d}", f"Place {i}", country, round(latitude, 4), round(longitude, 4), zone))
    series: list[Row] = [("weather", place[0], "open_meteo", place[0]) for place in places]
    return write_seeds(folder, places=places, series=series, variables=("temperature_c",))


def _day(run: Run, days: int) -> None:
    """The steps of a first day, with the range loaded by the backfill."""
    with run.step("total"):
        steps.load(run, mode="backfill", since=(run.now - timedelta(days=days)).date())
        if run.failed_sources:
            raise SkyduckError("; ".join(run.failed_sources))
        steps.build(run, "before")
        steps.train(run, "weather", "bench")
        if not run.trained:
            raise SkyduckError("; ".join(run.warnings))
        steps.predict(run)
        steps.build(run, "after")


def _show(run: Run, n_series: int, days: int, about: str, *, is_bar: bool) -> None:
    n_rows = _count(run)
    rows = [
        (step.step, f"{step.seconds:.1f}", f"{step.cpu_seconds:.1f}", f"{step.peak_mib:,.0f}",
         f"{rows:,}" if (rows := n_rows.get(step.step)) is not None else "")
        for step in run.steps
    ]  # fmt: skip
    if is_bar:
        seconds, peak = run.steps[-1].seconds, max(step.peak_mib for step in run.steps)
        rows.append(("bar (2 cores)", f"{BAR_SECONDS}", "", f"{BAR_MIB:,}", ""))
        rows.append(("share of the bar", f"{seconds / BAR_SECONDS:.0%}", "", f"{peak / BAR_MIB:.0%}", ""))
    show(
        f"scale: {n_series} series × {days} days ({about})",
        ("step", "seconds", "CPU s", "peak MiB", "rows"),
        rows,
        "Peak MiB counts child processes, the sample server among them. Rows: hours received, hours built, forecasts.",
    )


def _count(run: Run) -> dict[str, int]:
    """Readings received, observations built, forecasts written."""
    counted = {step.step: step.n_rows for step in run.steps if step.n_rows is not None}
    with connect(run.settings, read_only=True) as con:
        found = con.execute("select count(*) from marts.fct_observations").fetchone()
    assert found is not None
    return counted | {"dbt before ml": int(found[0])}
