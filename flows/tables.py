"""What a run found, as tables of text: drawn by rich on a screen and as markdown in Prefect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from flows.dbt_log import DbtResult
from flows.run import Run
from warehouse import overrides
from warehouse.errors import BadInput
from warehouse.overview import Row, champions, competition, forecasts
from warehouse.overview import decisions as overview_decisions
from warehouse.published import publication, published_copy

NEXT_HOURS = (24, 48)


@dataclass(frozen=True)
class Table:
    """`numbers`: how many columns, counted from the right, hold figures."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: int = 0


def figure(value: float | None, digits: int = 3) -> str:
    """Significant digits of a measure; a count in full."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"


def share(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:.{digits}%}"


def moment(value: datetime | None) -> str:
    return "–" if value is None else f"{value:%Y-%m-%d %H:%M}"


def span(start: datetime, end: datetime) -> str:
    return f"{start:%m-%d %H:%M} – {end:%m-%d %H:%M}"


def short(name: str) -> str:
    """The last part of a name, which commands know it by."""
    return name.rsplit("-", 1)[-1]


def loads(run: Run) -> Table:
    header = ("source", "endpoint", "windows", "ok", "empty", "failed", "rejected", "new bodies", "hours", "calls", "s")
    rows = [
        (
            *(source.source, source.endpoint),
            *(f"{n:,}" for n in (source.n_windows, source.n_ok, source.n_empty, source.n_failed, source.n_rejected)),
            *(f"{n:,}" for n in (source.n_new_bodies, source.n_hours, source.n_calls)),
            f"{source.seconds:.1f}",
        )
        for source in (run.loads.sources if run.loads is not None else [])
    ]
    return Table("Loaded", header, tuple(rows), numbers=9)


def dbt(results: Sequence[DbtResult]) -> Table:
    rows = [
        (r.command.removeprefix("build "), *map(str, (r.n_ok, r.n_warn, r.n_error, r.n_skipped)), f"{r.seconds:.1f}")
        for r in results
    ]
    return Table("dbt build", ("selection", "ok", "warn", "error", "skipped", "s"), tuple(rows), numbers=5)


def models(run: Run) -> Table:
    """Per dataset: who competed on untouched windows, who is champion, and its skill against the best naive method."""
    chosen = {row["dataset"]: row for row in champions(run.settings)}
    rows = []
    for dataset, group in groupby(competition(run.settings), key=lambda row: str(row["dataset"])):
        scores = list(group)
        champion = chosen.get(dataset)
        own = next((row for row in scores if champion and row["model"] == champion["model"]), None)
        naive = min((row for row in scores if row["is_naive"]), key=lambda row: float(row["mae"]), default=None)
        if own is None or naive is None or champion is None:
            continue
        skill = 1 - own["mae"] / naive["mae"] if naive["mae"] else 0.0
        rows.append(
            (
                *(dataset, str(len(scores)), str(champion["model"]), f"{champion['since']:%Y-%m-%d}", naive["model"]),
                *(figure(naive["mae"]), figure(own["mae"]), share(skill), share(own["coverage80"])),
                str(own["n_origins"]),
            )
        )
    header = (
        "dataset",
        "models",
        "champion",
        "since",
        "best naive",
        "its MAE",
        "MAE",
        "skill",
        "80 % holds",
        "origins",
    )
    return Table("Models, on windows none of them had seen", header, tuple(rows), numbers=5)


def decisions(run: Run) -> Table:
    """What this run trained, and whether it went into production."""
    found = overview_decisions(run.settings, run.run_id)
    rows = tuple((row["dataset"], row["model_version"], row["action"], row["reason"]) for row in found)
    return Table("Trained, and judged against the champion", ("dataset", "version", "decision", "why"), rows)


def forecast_run(run: Run) -> str | None:
    """The run whose forecasts are on show: this one's, else those of the published copy."""
    if run.predicted is not None:
        return run.run_id
    try:
        return publication(published_copy(run.settings))[0]
    except BadInput:
        return None


def forecast(run: Run) -> Table:
    """Per series: the value now, and the next day and day after with their 80 % intervals."""
    run_id = forecast_run(run)
    found = forecasts(run.settings, run_id) if run_id else []
    rows = tuple(
        (
            *(str(row["series_id"]), str(row["name"] or ""), str(row["unit"] or ""), _number(row["now_value"])),
            *(_interval(row, hours) for hours in NEXT_HOURS),
            str(row["rung"]),
        )
        for row in found
    )
    header = ("series", "place", "unit", "now", "in 24 h (80 %)", "in 48 h (80 %)", "answered by")
    return Table("Forecast", header, rows, numbers=4)


def overridden(run: Run) -> str | None:
    """What readers see otherwise than the model said it."""
    run_id = forecast_run(run)
    found = overrides.told(run.settings, run_id) if run_id else []
    if not found:
        return None
    hours, series = sum(row["n_hours"] for row in found), {row["series_id"] for row in found}
    named = ", ".join(sorted(series))
    return f"This is what the models say; {hours} hours of {named} are overridden: `skyduck override list`."


def rungs(run: Run) -> dict[str, int]:
    """How many series each rung of the ladder answered for."""
    counted: dict[str, int] = {}
    for row in forecast(run).rows:
        counted[row[-1]] = counted.get(row[-1], 0) + 1
    return counted


def _interval(row: Row, hours: int) -> str:
    point, low, high = (row[f"{name}_{hours}"] for name in ("point", "low", "high"))
    return "–" if point is None else f"{_number(point)} [{_number(low)}, {_number(high)}]"


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"


def warnings(run: Run) -> list[str]:
    """What went less well, one line each."""
    lines = [f"source failed: {line}" for line in run.failed_sources]
    lines += [f"old data: {line}" for line in run.stale]
    return lines + run.warnings
