"""Whether drift's p-values are what they say on recordings, and how much of what is broken it finds in a day or two."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np

from bench.recorded import columns, until
from bench.report import show
from bench.scratch import RECORDINGS
from flows.screen import Screen
from ml.forecaster import Floats
from ml.monitor.watch import Column, Verdict, verdicts

FIRST_DAY = 400  # of history before a day is judged
DAYS, QUICK_DAYS = 25, 4
BROKEN_DAYS, QUICK_BROKEN_DAYS = 2, 1
AFTER_H = (24, 48)

BREAKS: dict[str, Callable[[Floats, str, float], Floats]] = {
    "unit": lambda hours, dataset, _: hours * 1.8 + 32 if dataset == "weather" else hours / 1000,
    "spread × 3": lambda hours, *_: np.nanmean(hours) + 3 * (hours - np.nanmean(hours)),
    "stuck": lambda hours, _, last: np.full(len(hours), last),
}


def main(quick: bool = False) -> None:
    screen = Screen()
    found = columns(RECORDINGS)
    calm, broken = [], []
    for dataset, series in found.items():
        screen.say(f"{dataset}: {len(series)} series")
        calm.append(_calibrated(dataset, series, QUICK_DAYS if quick else DAYS))
        broken += _found(dataset, series, QUICK_BROKEN_DAYS if quick else BROKEN_DAYS)
    show(
        "monitoring: p-values of drift on recordings as they are; a dataset's series are judged together",
        ("dataset", "series", "days", "p-values", "below 0.05", "below 0.01", "days with drift", "of series-days"),
        calm,
        "Calibrated, 5 % and 1 % lie below. Recordings are not all calm: the haze of 2019 and cold spells are in them.",
    )
    show(
        "monitoring: share of series whose break is found",
        ("dataset", "break", "breaks", *(f"within {hours} h" for hours in AFTER_H)),
        broken,
        words=2,
    )


def days_of(series: list[Column], n: int) -> list[int]:
    """Hours since the first series began at which all of them are judged, evenly spread."""
    first = min(column.first_at for column in series)
    last = min(column.last_at for column in series)
    return [int(hour) for hour in np.linspace(FIRST_DAY * 24, (last - first) / timedelta(hours=1), n)]


def judged(series: list[Column], hour: int, wrong: dict[str, tuple[int, Floats]] | None = None) -> list[Verdict]:
    """All series as a run at that hour knows them."""
    first = min(column.first_at for column in series)
    known = []
    for column in series:
        hours, values = (wrong or {}).get(column.series_id, (0, None))
        end = min(hour - (column.first_at - first) // timedelta(hours=1), len(column.values))
        cut = until(column, end, hours, values) if end > hours else None
        known += [cut] if cut else []
    return verdicts(known, first + timedelta(hours=hour))


def _calibrated(dataset: str, series: list[Column], n_days: int) -> tuple[str, ...]:
    told = [judged(series, hour) for hour in days_of(series, n_days)]
    p_values = np.array([verdict.judged.p_value for day in told for verdict in day if verdict.judged])
    drifting = [{verdict.column.series_id for verdict in day if verdict.is_drift} for day in told]
    share = sum(map(len, drifting)) / (len(series) * n_days)
    return (
        dataset, str(len(series)), str(n_days), f"{len(p_values):,}", f"{(p_values < 0.05).mean():.1%}",
        f"{(p_values < 0.01).mean():.1%}", str(sum(map(bool, drifting))), f"{share:.1%}",
    )  # fmt: skip


def _found(dataset: str, series: list[Column], n_days: int) -> list[tuple[str, ...]]:
    """Each series broken by itself, on days between those that are judged as they are."""
    at = days_of(series, 2 * n_days + 1)[1::2]
    lines = []
    for name, told in BREAKS.items():
        shares, n = [], 0
        for hours in AFTER_H:
            hits = [
                hit for column in series for hour in at if (hit := _hit(series, column, hour, hours, told)) is not None
            ]
            shares.append(f"{np.mean(hits):.0%}" if hits else "–")
            n = len(hits)
        lines.append((dataset, name, str(n), *shares))
    return lines


def _hit(
    series: list[Column], column: Column, hour: int, hours: int, told: Callable[[Floats, str, float], Floats]
) -> bool | None:
    """Whether the series is found drifting; None where it did not drift already and was known."""
    first = min(each.first_at for each in series)
    end = hour - (column.first_at - first) // timedelta(hours=1)
    values = column.values[end - hours : end]
    known = column.values[: end - hours][np.isfinite(column.values[: end - hours])]
    if len(values) < hours or np.isfinite(values).mean() < 0.9 or not len(known):
        return None
    wrong = told(values, column.dataset, float(known[-1]))
    found = judged(series, hour, {column.series_id: (hours, wrong)})
    return any(verdict.is_drift for verdict in found if verdict.column.series_id == column.series_id)
