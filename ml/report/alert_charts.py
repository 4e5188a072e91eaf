"""The drawings of an alert report: whether its probabilities hold, and what they find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from ml.report.charts import HALF, legend
from ml.report.svg import BLUE, GREY, INK, PALE, VERMILION, Chart, chart, figure

Line = Mapping[str, Any]
DASHED: Any = (0, (4, 2))
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def reliability(bins: Sequence[Line], method: str) -> Chart:
    """Above: what came for what was told; below: rows of each bin."""
    some = [line for line in bins if line["n"]]
    told, came = ([100 * line[name] for line in some] for name in ("told", "came"))
    with figure(HALF[0], 3.7, rows=2) as (drawing, (axes, below)):
        axes.get_gridspec().set_height_ratios([3, 1])  # type: ignore[union-attr]
        axes.plot([0, 100], [0, 100], color=GREY, linewidth=0.9, linestyle=DASHED, label="as promised")
        axes.plot(told, came, "o-", color=BLUE, label=method, clip_on=False)
        axes.set_ylabel("came, %")
        axes.set_ylim(0, 100)
        legend(axes)
        counts = [line["n"] for line in bins]
        middle = [50 * (line["from"] + line["to"]) for line in bins]
        below.bar(middle, counts, width=9.2, color=PALE)
        for x, n in zip(middle, counts, strict=True):
            below.annotate(f"{n:,}", (x, n), xytext=(0, 2), textcoords="offset points", ha="center", fontsize=7)
        below.set_yticks([])
        below.margins(y=0.3)
        below.set_ylabel("rows")
        below.set_xlabel("told, %")
        for each in (axes, below):
            each.set_xlim(0, 100)
            each.set_xticks(range(0, 101, 20))
        drawing.tight_layout(pad=0.4)
        pairs = ", ".join(f"{t:.1f} → {c:.1f} ({b['n']} rows)" for t, c, b in zip(told, came, some, strict=True))
        alt = f"Reliability of {method}, told → came per cent: {pairs}."
        return chart(
            drawing, "Reliability: what was told, and what came", alt=alt, note="A bin of few rows says little."
        )


def precision(details: Line, base: float, method: str, average: float | None) -> Chart:
    """At each share of the lift table: precision is lift x base rate, recall the events caught."""
    recall = [100 * line["caught"] for line in details["lift"]]
    precise = [100 * line["lift"] * base for line in details["lift"]]
    counts = details["confusion"]
    acted, events = counts["hits"] + counts["false_alarms"], counts["hits"] + counts["misses"]
    with figure(HALF[0], 3.7) as (drawing, (axes,)):
        axes.axhline(100 * base, color=GREY, linewidth=0.9, linestyle=DASHED, label="by chance")
        axes.plot(recall, precise, "o-", color=BLUE, label=method)
        if acted:
            at = (100 * counts["hits"] / events, 100 * counts["hits"] / acted)
            axes.plot(*at, "D", color=VERMILION, markersize=6, label=f"acting from {counts['act_from']:.0%} on")
        axes.set_xlim(0, 103)
        axes.set_ylim(0, 103)
        axes.set_xlabel("recall: events among the rows asked, % of all events")
        axes.set_ylabel("precision: events, % of the rows asked")
        axes.grid(axis="x")
        legend(axes)
        drawing.tight_layout(pad=0.4)
        pairs = ", ".join(f"{p:.1f} at {r:.1f}" for r, p in zip(recall, precise, strict=True))
        said = (
            "" if average is None else f"Average precision over all thresholds: {average:.3f}, by chance {base:.3f}. "
        )
        note = f"{said}Points: the most probable {_shares(details['lift'])} of the rows."
        alt = f"Precision and recall of {method}, per cent: precision {pairs}."
        return chart(drawing, "Precision and recall", alt=alt, note=note)


def lift(lines: Sequence[Line], base: float) -> Chart:
    shares, lifts = ([float(line[name]) for line in lines] for name in ("share", "lift"))
    with figure(*HALF) as (drawing, (axes,)):
        corners = sorted({*shares, max(base, shares[0])})
        best = [min(1 / base, 1 / share) for share in corners]
        axes.plot(corners, best, color=GREY, linewidth=0.9, linestyle=DASHED, label="perfect foresight")
        axes.axhline(1, color=INK, linewidth=0.8)
        axes.plot(shares, lifts, "o-", color=BLUE, label="told")
        for line in lines[:-1]:
            where = (line["share"], line["lift"])
            axes.annotate(
                f"{line['lift']:.1f}", where, xytext=(0, 5), textcoords="offset points", ha="center", fontsize=8
            )
        log_shares(axes, "the most probable share of the rows", [*shares])
        axes.set_ylim(0, 1.12 * max(best))
        axes.set_ylabel("events, times the base rate")
        legend(axes)
        drawing.tight_layout(pad=0.4)
        caught = ", ".join(f"{line['share']:.0%} holds {line['caught']:.0%}" for line in lines[:-1])
        told = ", ".join(f"{times:.1f} at {share:.0%}" for share, times in zip(shares, lifts, strict=True))
        alt = f"Lift by the most probable share of rows: {told}."
        return chart(drawing, "Lift", alt=alt, note=f"Of all events, the most probable {caught}.")


def log_shares(axes: Axes, label: str, values: Sequence[float]) -> None:
    """A logarithmic axis of shares; its ticks are written out, as formulas are not drawn."""
    shown = [tick for tick in TICKS if min(values) <= tick <= max(values)]
    axes.set_xscale("log")
    axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
    axes.minorticks_off()
    axes.set_xlabel(label)


def _shares(lines: Sequence[Line]) -> str:
    return ", ".join(f"{line['share']:.0%}" for line in lines)
