"""What 10⁵ and 10⁶ series would take: a straight line a + b·n through the measured points of each step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bench.report import show
from bench.scratch import SEEDS
from warehouse.catalog import load_catalog

POINTS = Path(__file__).parent / "scale_points.json"
KEYS = ("cpu_seconds", "peak_mib", "seconds")
ASKED = (2_000, 100_000, 1_000_000)
FREE_CALLS_A_DAY = 10_000  # of Open-Meteo, by weight
CALLS_A_DAY = 3.2  # by weight, for each place of weather: archive 1, forecast 1, previous_runs 12 variables = 1.2
CALLS_AT_FIRST = 83.6  # for its first two years: archive 20.9, previous_runs 62.7
USD_A_MILLION = 29.0  # API Standard of Open-Meteo in 2026 (note in prices.csv), were more of it sold at that price
CORES = 2  # of the machine in prices.csv

HEADER = ("series", "CPU h", "USD", "file GiB", "calls a day", "free days at first", "calls, USD a month")

Point = dict[str, Any]
Line = tuple[float, float]


def main(quick: bool = False) -> None:
    points = sorted(json.loads(POINTS.read_text(encoding="utf-8")), key=lambda point: int(point["n_series"]))
    counts = [int(point["n_series"]) for point in points]
    steps = [name for name in points[0]["steps"] if name != "total"]
    cpu = {name: line(counts, [each["steps"][name]["cpu_seconds"] for each in points]) for name in steps}
    file = line(counts, [each["file_mib"] for each in points])
    show(
        "scaling: measured",
        ("series", "step", "CPU s", "peak MiB", "seconds", "machine"),
        [
            (str(point["n_series"]), name, *(f"{point['steps'][name][key]:,.0f}" for key in KEYS), str(point["about"]))
            for point in points for name in (*steps, "total")
        ],
        words=2,
    )  # fmt: skip
    show(
        "scaling: predicted, the first day with two years of history",
        ("step", "CPU s + each 1,000", *(f"{n:,} CPU h" for n in ASKED)),
        [
            (name, f"{found[0]:,.1f} + {found[1] * 1000:,.0f}", *(_hours(at(found, n)) for n in ASKED))
            for name, found in cpu.items()
        ],
        f"Lines through {', '.join(map(str, counts))} series: beyond them they say what grows, not what will be.",
        "Memory follows no line: DuckDB takes what SKYDUCK_MEMORY_LIMIT allows and spills the rest.",
    )
    show("scaling: machines, money, calls", HEADER, [
        (f"{n:,}", *_costs(sum(at(found, n) for found in cpu.values())), f"{at(file, n) / 1024:,.0f}", *_calls(n))
        for n in ASKED
    ])  # fmt: skip


def line(counts: list[int], values: list[float]) -> Line:
    """(a, b) of a + b·n by least squares, neither below nothing: no step gives time back."""
    if len(counts) < 2:
        raise ValueError(f"a line takes two points or more, not {len(counts)}")
    slope, start = np.polyfit(counts, values, 1)
    if start < 0:  # the line through nothing
        start, slope = 0.0, float(np.dot(counts, values) / np.dot(counts, counts))
    return (float(start), float(slope)) if slope > 0 else (float(np.mean(values)), 0.0)


def at(found: Line, n: int) -> float:
    return found[0] + found[1] * n


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.2f}"


def _costs(cpu_seconds: float) -> tuple[str, str]:
    """CPU hours, and what they cost where all cores of the priced machine work all the time."""
    price = next(row.price for row in load_catalog(SEEDS).prices if row.item == "machine")
    return _hours(cpu_seconds), f"{cpu_seconds / 3600 / CORES * price:,.2f}"


def _calls(n: int) -> tuple[str, ...]:
    """Weighted calls of a day, days of the free allowance that the first two years take, USD a month for all of it."""
    day, first = CALLS_A_DAY * n, CALLS_AT_FIRST * n
    return f"{day:,.0f}", f"{first / FREE_CALLS_A_DAY:,.0f}", f"{30 * day / 1e6 * USD_A_MILLION:,.0f}"
