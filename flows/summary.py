"""The one summary at the end of a run, for a person or as JSON."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as Drawing
from rich.text import Text

from flows import tables
from flows.alert_tables import active_alerts, alert_lines
from flows.dbt_log import DbtResult
from flows.run import Run
from flows.tables import Table
from warehouse.errors import SkyduckError


def show(run: Run) -> None:
    """Everything a run came to; a part that is not there yet is left out."""
    out = console()
    if run.loads is not None:
        show_loads(run)
    if run.nothing_new:
        out.print("Nothing is new since the published copy was made: nothing was built, forecast or published again.")
    if run.dbt:
        show_dbt(run.dbt)
    if run.published is not None or run.nothing_new:
        show_models(run)
        show_forecasts(run)
        if line := tables.overridden(run):
            out.print(Text(line), soft_wrap=True)
        show_alerts(run)
    show_warnings(run)
    _where_next(run, out)


def show_loads(run: Run) -> None:
    draw(tables.loads(run))


def show_dbt(results: list[DbtResult]) -> None:
    draw(tables.dbt(results))
    for result in results:
        for failure in (*result.failures, *result.warnings):
            console().print(Text(f"{failure.status}: {failure}"), soft_wrap=True)


def show_models(run: Run) -> None:
    draw(tables.decisions(run))
    draw(tables.models(run))


def show_forecasts(run: Run) -> None:
    draw(tables.forecast(run))


def show_alerts(run: Run) -> None:
    """Which alerts are active, in a line or two."""
    for line in alert_lines(run):
        console().print(Text(line, style="bold" if line.startswith("ALERT") else ""), soft_wrap=True)


def show_backtest(result: Any) -> None:
    """One line per model over the report windows."""
    frame = result.summary
    rows = tuple(tuple(f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row) for row in frame.values)
    title = f"{result.dataset}: {result.n_series} series, {result.n_origins} origins, champion {result.champion}"
    draw(Table(title, tuple(map(str, frame.columns)), rows, numbers=len(frame.columns) - 1))
    buckets = result.by_bucket[result.by_bucket["model"] == result.champion]
    shown = ("mae", "pinball", "coverage80", "coverage90", "n_rows")
    cells = tuple((row["bucket"], *(f"{row[name]:.4g}" for name in shown)) for _, row in buckets.iterrows())
    draw(Table(f"{result.champion} by hours ahead", ("hours", *shown), cells, numbers=len(shown)))


def show_tuning(result: Any, path: Path) -> None:
    """What a search came to, and where it lies."""
    rows = [["mae, search windows", *(f"{result.search[name]:.4g}" for name in ("untuned", "tuned"))]]
    if result.confirm:
        told = [result.confirm["champion"], result.confirm["challenger"]]
        rows.append(["mae, windows it never saw", *(f"{value:.4g}" for value in told)])
    drawing = Drawing("", "untuned", "tuned", box=box.SIMPLE, title=f"{result.dataset}: {result.n_trials} trials")
    for row in rows:
        drawing.add_row(*row)
    out = console()
    out.print(drawing)
    out.print(Text(result.reason), soft_wrap=True)
    out.print(Text(f"{json.dumps(result.overlay)}  →  {path}"), soft_wrap=True)


def show_warnings(run: Run) -> None:
    out = console()
    for line in tables.warnings(run):
        out.print(Text(f"warning: {line}", style="yellow"), soft_wrap=True)


def _where_next(run: Run, out: Console) -> None:
    settings = run.settings
    out.print()
    if settings.upstream == "sample":
        out.print(
            "The data is the bundled sample: made up by a generator, plausible, and not measured anywhere. "
            "`make run UPSTREAM=live` uses the live APIs.",
            style="bold",
        )
    else:
        out.print("The data comes from the live APIs.")
    if run.published is not None:
        counts = f"{run.published.n_forecast_rows:,} forecast rows of {run.published.n_forecast_series} series"
        out.print(Text(f"Published: {run.published.path} ({counts})"), soft_wrap=True)
    if run.exported is not None:
        out.print(Text(f"Exported: {run.exported}"), soft_wrap=True)
    seconds = next((step.seconds for step in run.steps if step.step == "total"), 0.0)
    out.print(Text(f"Run {run.run_id}, as of {run.now:%Y-%m-%d %H:%M} UTC, {seconds:.0f} s."), soft_wrap=True)
    out.print("Next: `skyduck status` (runs, freshness, champions, gaps) · `skyduck doctor` · `skyduck --help`")


def as_dict(run: Run, error: SkyduckError | None) -> dict[str, Any]:
    """The same for a program."""
    found: dict[str, Any] = {
        "run_id": run.run_id,
        "as_of": run.now,
        "target": run.settings.target,
        "upstream": run.settings.upstream,
        "status": "failed" if error else "ok",
        "error": str(error) if error else None,
        "exit_code": error.exit_code if error else 0,
        "nothing_new": run.nothing_new,
        "sources": list(run.loads.sources) if run.loads is not None else [],
        "n_new_bodies": run.loads.n_new_bodies if run.loads is not None else 0,
        "failed_sources": run.failed_sources,
        "dbt": run.dbt,
        "trained": [dataset.removeprefix("train ") for dataset in _steps(run) if dataset.startswith("train ")],
        "published_path": run.published.path if run.published else None,
        "n_forecast_rows": run.published.n_forecast_rows if run.published else 0,
        "n_forecast_series": run.published.n_forecast_series if run.published else 0,
        "rungs": {},
        "alerts": active_alerts(run),
        "warnings": tables.warnings(run),
        "seconds": {step.step: step.seconds for step in run.steps},
    }
    with suppress(Exception):  # no marts yet: a run that failed early
        found["rungs"] = tables.rungs(run)
    return found


def _steps(run: Run) -> list[str]:
    return [step.step for step in run.steps if step.status == "ok"]


def console() -> Console:
    out = Console(highlight=False)
    if not out.is_terminal:
        out.width = max(out.width, 150)  # a log file has no edge to wrap at
    return out


def draw(table: Table) -> None:
    if not table.rows:
        return
    drawing = Drawing(title=Text(table.title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for i, name in enumerate(table.header):
        drawing.add_column(Text(name), justify="right" if i >= len(table.header) - table.numbers else "left")
    for row in table.rows:
        drawing.add_row(*(Text(cell) for cell in row))
    console().print(drawing)
