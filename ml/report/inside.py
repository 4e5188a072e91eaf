"""The drawings of a report: whether the intervals mean what they say, and what the model has learnt."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ml.forecaster import QUANTILES
from ml.report.charts import HALF, WIDE, legend
from ml.report.evidence import Evidence
from ml.report.importance import Importance
from ml.report.learning import Curve
from ml.report.svg import BLUE, GREEN, GREY, INK, ORANGE, VERMILION, Chart, chart, figure

TOLERANCE = 4  # points of coverage that a horizon bucket may be off
MOST_GROUPS, MOST_FEATURES = 14, 14


def reliability(seen: Evidence, model: str) -> Chart:
    nominal = np.array(QUANTILES) * 100
    observed, naive = seen.observed(model) * 100, seen.observed(seen.best_naive) * 100
    with figure(*HALF) as (drawing, (axes,)):
        axes.plot([0, 100], [0, 100], color=GREY, linewidth=0.9, linestyle=(0, (4, 2)), label="as promised")
        if model != seen.best_naive:
            axes.plot(nominal, naive, "D-", color=VERMILION, linewidth=1, label=f"{seen.best_naive} (best naive)")
        axes.plot(nominal, observed, "o-", color=BLUE, label=model)
        axes.set_xlabel("promised: truths at or below the quantile, %")
        axes.set_ylabel("observed, %")
        axes.set_xticks([5, 10, 25, 50, 75, 90, 95])
        axes.set_xlim(0, 100)
        axes.set_ylim(0, 100)
        axes.grid(axis="x")
        legend(axes)
        drawing.tight_layout(pad=0.4)
        pairs = ", ".join(f"{p:.0f} → {o:.1f}" for p, o in zip(nominal, observed, strict=True))
        note = f"Furthest off: {np.abs(observed - nominal).max():.1f} points."
        alt = f"Reliability of the quantiles of {model}, promised → observed per cent: {pairs}."
        return chart(drawing, "Reliability of the quantiles", alt=alt, note=note)


def coverage(seen: Evidence, model: str) -> Chart:
    table = seen.coverage_by("bucket", model) * 100
    starts = [1, *(int(end) + 1 for end in table.index[:-1])]
    labels = [f"{start}–{end} h" for start, end in zip(starts, table.index, strict=True)]
    at = np.arange(len(table))
    with figure(*HALF) as (drawing, (axes,)):
        for level, colour, marker in ((80, BLUE, "o"), (90, GREEN, "s")):
            axes.axhspan(level - TOLERANCE, level + TOLERANCE, color=colour, alpha=0.1, linewidth=0)
            axes.axhline(level, color=colour, linewidth=0.9, linestyle=(0, (4, 2)))
            axes.plot(at, table[level], marker, color=colour, markersize=6, label=f"{level} % interval")
            for x, y in zip(at, table[level], strict=True):
                axes.annotate(f"{y:.1f}", (x, y), xytext=(7, -3), textcoords="offset points", fontsize=8)
        axes.set_xticks(at, labels)
        axes.set_xlim(-0.5, len(table) - 0.3)
        axes.set_ylim(min(60.0, table.to_numpy().min() - 3), 100)
        axes.set_xlabel("horizon")
        axes.set_ylabel("truths inside, %")
        legend(axes)
        drawing.tight_layout(pad=0.4)
        told = "; ".join(
            f"{label}: {table[80].iloc[i]:.1f} and {table[90].iloc[i]:.1f}" for i, label in enumerate(labels)
        )
        alt = f"Coverage of the 80 and 90 % intervals of {model} by horizon, per cent: {told}."
        return chart(
            drawing, "Coverage by horizon", alt=alt, note=f"Shaded: within ±{TOLERANCE} points of the promise."
        )


def learning(curve: Curve, naive: float, name: str, unit: str) -> Chart:
    """`naive`: MAE of the best naive method (`name`) on the same windows, NaN if unknown."""
    points = curve.points
    with figure(*HALF) as (drawing, (axes,)):
        if np.isfinite(naive):
            axes.axhline(naive, color=VERMILION, linewidth=1, linestyle=(0, (4, 2)), label=f"{name} (best naive)")
        axes.plot(points["months"], points["mae"], "o-", color=BLUE, label=f"lightgbm_direct, {curve.n_trees} trees")
        for _, line in points.iterrows():
            where = (line["months"], line["mae"])
            axes.annotate(
                f"{line['mae']:.3g}", where, xytext=(0, 6), textcoords="offset points", ha="center", fontsize=8
            )
        axes.set_xscale("log", base=2)
        axes.set_xticks(points["months"].tolist(), [f"{months:.1f}" for months in points["months"]])
        axes.minorticks_off()
        axes.margins(x=0.12, y=0.25)
        axes.set_xlabel("months of training data (each step doubles them)")
        axes.set_ylabel(f"MAE, {unit}")
        legend(axes)
        drawing.tight_layout(pad=0.4)
        told = "; ".join(f"{line['months']:.1f} months {line['mae']:.3g}" for _, line in points.iterrows())
        note = (
            f"Models of {curve.n_trees} trees on at most {points['n_rows'].max():,.0f} rows each, scored on the "
            "selection windows: simpler than the model of this report, the same for every point."
        )
        return chart(drawing, "Learning curve", alt=f"MAE in {unit} by training data: {told}.", note=note)


def importance(found: Importance) -> Chart:
    """Groups of inputs: how far they move the forecast on average, and their share of the trees' gain."""
    groups = found.groups.head(MOST_GROUPS).iloc[::-1]
    singles = found.features.head(MOST_FEATURES).iloc[::-1]
    with figure(WIDE, 0.24 * max(len(groups), len(singles)) + 0.9, columns=3) as (drawing, panels):
        _bars(panels[0], groups["moved"], f"mean |SHAP|, {found.unit}", "Groups: how far they move it", BLUE)
        _bars(panels[1], 100 * groups["gain"], "share of the gain, %", "The same groups: share of the gain", ORANGE)
        panels[1].set_yticklabels([])
        drawing.set_layout_engine("constrained", w_pad=0.1)
        _bars(panels[2], singles["moved"], f"mean |SHAP|, {found.unit}", "Single inputs", BLUE)
        told = ", ".join(f"{name} {value:.3g}" for name, value in found.groups["moved"].head(6).items())
        is_part = found.weight is not None and found.weight < 1
        weight = f" (weight {found.weight:.0%} on average)" if is_part else ""
        note = (
            f"Of {found.model}{weight}, over {found.n_rows:,} forecasts of the report windows. The parts of a group "
            "may cancel each other: the group moves a forecast less than the sum of them."
        )
        alt = f"Importance of groups of inputs, mean |SHAP| in {found.unit}: {told}."
        return chart(drawing, "What the forecast is made from", alt=alt, note=note, is_wide=True)


def _bars(axes: Axes, values: pd.Series, label: str, title: str, colour: str) -> None:
    at = np.arange(len(values))
    axes.barh(at, values, color=colour, height=0.66)
    axes.set_yticks(at, [str(name) for name in values.index])
    axes.set_ylim(-0.6, len(values) - 0.4)
    axes.set_xlabel(label)
    axes.set_title(title, fontsize=8.5, loc="left", color=INK)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
