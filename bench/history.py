"""One more day on one year of history and on four: what it costs must not grow with the history (bar: 1.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import httpx

from bench import scans
from bench.report import ratio, show
from bench.scratch import NOW, Row, begin, machine, scratch, settings_in, write_seeds
from flows import dbt, steps
from flows.recorded import SERIES
from flows.screen import Screen
from flows.upstream import upstream
from warehouse.catalog import load_catalog
from warehouse.connection import connect
from warehouse.errors import SkyduckError
from warehouse.settings import Settings

BAR = 1.2
YEAR = 365
FULL, QUICK = (YEAR, 4 * YEAR + 1, 3), (40, 160, 1)  # days of the short history, of the long one, days added
N_CITIES = 8
STEPS = ("load", "dbt before ml", "predict", "dbt after ml")
COUNTED = ("load", "dbt before ml", "dbt after ml")  # what the bar is about; predict is shown beside it


@dataclass
class Ledger:
    """What each step of one warehouse took: for every measure, step -> a figure per day."""

    settings: Settings
    days: int
    took: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    nodes: list[scans.Node] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.days} days"


def main(quick: bool = False) -> None:
    short, long, n_added = QUICK if quick else FULL
    screen, about = Screen(), machine()
    with scratch("history") as folder, ExitStack() as stack:
        seeds = write_seeds(folder / "seeds", series=_series())
        ledgers = [stack.enter_context(_served(folder / f"{days}", seeds, days, screen)) for days in (short, long)]
        for ledger in ledgers:
            _day(ledger, NOW, screen)
            ledger.took.clear()
        idle = _idle(ledgers[0], screen)
        for n in range(1, n_added + 1):  # turn and turn about, so that a busy machine is busy for both
            for ledger in ledgers[:: 1 if n % 2 else -1]:
                _day(ledger, NOW + timedelta(days=n), screen, is_last=n == n_added)
        _show(ledgers, idle, n_added, about)


def _series() -> list[Row]:
    """Eight cities with four weather variables each, and the five regions of Singapore."""
    catalog = load_catalog(settings_in(Path()).seeds_dir)
    wanted = [spec for spec in catalog.series if spec.dataset == "weather"][:N_CITIES]
    wanted += [spec for spec in catalog.series if spec.dataset == "sgpm"]
    return [tuple(getattr(spec, name) for name in SERIES) for spec in wanted]


@contextmanager
def _served(folder: Path, seeds: Path, days: int, screen: Screen) -> Iterator[Ledger]:
    """A warehouse to be, with a sample server of its own that stays up, so that starting it is in no figure."""
    with upstream(settings_in(folder, seeds_dir=seeds, history_days=days), now=NOW, progress=screen.tick) as settings:
        yield Ledger(settings, days)


def _day(ledger: Ledger, now: datetime, screen: Screen, *, is_last: bool = False) -> None:
    httpx.post(f"{ledger.settings.sample_url}/_admin/now", json={"now": now.isoformat()}).raise_for_status()
    run = begin(ledger.settings, now, screen)
    run.announce = lambda line: screen.say(f"{ledger.name}, {now:%d %b}, {line}")
    calls: dict[str, Callable[[], object]] = {
        "load": lambda: steps.load(run), "dbt before ml": lambda: steps.build(run, "before"),
        "predict": lambda: steps.predict(run), "dbt after ml": lambda: steps.build(run, "after"),
    }  # fmt: skip
    for name in STEPS:
        before = scans.bytes_read()
        calls[name]()
        last = run.steps[-1]
        figures = {"s": last.seconds, "CPU s": last.cpu_seconds, "MiB read": (scans.bytes_read() - before) / 2**20}
        for measure, figure in figures.items():
            ledger.took.setdefault(measure, {}).setdefault(name, []).append(figure)
        if is_last and name.startswith("dbt"):
            ledger.nodes += scans.nodes(ledger.settings)
    if run.failed_sources:
        raise SkyduckError("; ".join(run.failed_sources))


def _idle(ledger: Ledger, screen: Screen) -> float:
    """MiB read by a dbt that has one small seed to load: its own code and project, and no table of the product."""
    before = scans.bytes_read()
    dbt.build(ledger.settings, now=NOW, select=("--select", "sources"), progress=screen.tick)
    return (scans.bytes_read() - before) / 2**20


def _show(ledgers: list[Ledger], idle: float, n_added: int, about: str) -> None:
    short, long = ledgers
    rows = {step: [step] for step in (*STEPS, "load + dbt")} | {"bar": ["bar"]}
    header = ["step"]
    for measure in short.took:
        header += [f"{measure} on {short.name}", f"on {long.name}", "ratio"]
        columns = [_medians(ledger, measure, idle if measure == "MiB read" else 0.0) for ledger in ledgers]
        for step, values in zip(columns[0], zip(*(column.values() for column in columns), strict=True), strict=True):
            rows[step] += [*(f"{value:,.1f}" for value in values), ratio(values[1], values[0])]
        rows["bar"] += ["", "", f"{BAR}"]
    sizes = [f"{_n_rows(ledger.settings):,} hours in {ledger.name}" for ledger in ledgers]
    show(
        f"history: one more day on {' and on '.join(sizes)} (median of {n_added}; {about})",
        header,
        rows.values(),
        "MiB read: what the step's processes read from files, every table anew as no cache outlives a step, less the "
        f"{idle:.0f} MiB that dbt reads to start. The models that predict are naive ones: nothing was trained.",
    )
    _show_nodes(short, long)


def _medians(ledger: Ledger, measure: str, idle: float) -> dict[str, float]:
    """Step -> median over the days, and the sum that the bar is about."""
    found = {step: median(figures) for step, figures in ledger.took[measure].items()}
    found = {step: max(0.0, value - idle) if step.startswith("dbt") else value for step, value in found.items()}
    return found | {"load + dbt": sum(found[step] for step in COUNTED)}


def _show_nodes(short: Ledger, long: Ledger) -> None:
    """Where history is read: the statements of the last day that scan more rows the longer it is."""
    before = {node.name: node for node in short.nodes}
    pairs = [(before[node.name], node) for node in long.nodes if node.name in before]
    growing = [(a, b) for a, b in pairs if b.rows_scanned > BAR * a.rows_scanned + 1000]
    growing.sort(key=lambda pair: pair[0].rows_scanned - pair[1].rows_scanned)
    rows = [
        (b.name, b.kind, f"{a.rows_scanned:,}", f"{b.rows_scanned:,}", ratio(b.rows_scanned, a.rows_scanned),
         f"{a.seconds:.2f}", f"{b.seconds:.2f}")
        for a, b in growing[:25]
    ]  # fmt: skip
    totals = [sum(node.rows_scanned for node in ledger.nodes) for ledger in (short, long)]
    show(
        f"history: {len(growing)} of {len(pairs)} statements of the last day scan more rows the longer the history "
        f"(all together {totals[0]:,} and {totals[1]:,}, ratio {ratio(totals[1], totals[0])})",
        ("model or test", "kind", f"rows on {short.name}", f"rows on {long.name}", "ratio",
         f"s on {short.name}", f"s on {long.name}"),
        rows,
        "Rows: DuckDB's own count for the compiled statement, asked again after the build; seconds: dbt's, on the day.",
        words=2,
    )  # fmt: skip


def _n_rows(settings: Settings) -> int:
    with connect(settings, read_only=True) as con:
        found = con.execute("select count(*) from marts.fct_observations").fetchone()
    assert found is not None
    return int(found[0])
