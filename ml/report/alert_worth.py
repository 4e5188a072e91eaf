"""The drawings of an alert report: what acting on it is worth, and what its classifier has learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml.report.alert_charts import DASHED, Line, log_shares
from ml.report.charts import HALF, WIDE, legend
from ml.report.svg import BLUE, GREEN, GREY, INK, ORANGE, VERMILION, Chart, chart, figure

COLOURS = {"classifier": BLUE, "forecast": GREEN, "persistence": ORANGE, "climatology": GREY}
LEAST_VALUE = -0.25  # below it a curve says no more than that one should not act by it
MOST_FEATURES = 12
PAIRS = ((0, 0), (0, 1), (1, 0), (1, 1))


def confusion(counts: Line, rule: Line) -> Chart:
    """Counts at the cost-optimal threshold, and what they cost beside never and always acting."""
    cells = [[counts["hits"], counts["false_alarms"]], [counts["misses"], counts["quiet"]]]
    names = [["hits", "false alarms"], ["misses", "quiet"]]
    total = max(sum(map(sum, cells)), 1)
    with figure(*HALF) as (drawing, (axes,)):
        axes.set_xticks([0, 1], ["event", "no event"])
        axes.set_yticks([0, 1], ["acted", "did not act"])
        axes.grid(visible=False)
        axes.set_xlim(-0.5, 1.5)
        axes.set_ylim(1.5, -0.5)
        for row, column in PAIRS:
            n = cells[row][column]
            colour = BLUE if row == column else VERMILION
            axes.fill_between([column - 0.48, column + 0.48], row - 0.46, row + 0.46, color=colour, alpha=0.12, lw=0)
            axes.text(column, row - 0.06, f"{n:,}", ha="center", va="center", fontsize=15, color=INK)
            axes.text(column, row + 0.24, f"{names[row][column]}, {n / total:.1%}", ha="center", va="center", color=INK)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        drawing.tight_layout(pad=0.4)
        cost, loss = rule["cost_of_acting"], rule["loss_if_missed"]
        acted, events = counts["hits"] + counts["false_alarms"], counts["hits"] + counts["misses"]
        spent = f"{cost * acted + loss * counts['misses']:,.5g}"
        note = f"Cost {spent}; never acting {loss * events:,.5g}, always {cost * total:,.5g}."
        told = ", ".join(f"{cells[row][column]} {names[row][column]}" for row, column in PAIRS)
        alt = f"Acting from {counts['act_from']:.1%} on: {told}."
        return chart(drawing, f"Acting from {counts['act_from']:.3g} on (cost / loss)", alt=alt, note=note)


def value(curves: Mapping[str, Sequence[Line]], methods: Mapping[str, Line], act_from: float, method: str) -> Chart:
    """Every method for users of every cost / loss ratio; the rule's own is marked."""
    with figure(WIDE, 3.3) as (drawing, (axes,)):
        axes.axvline(act_from, color=VERMILION, linewidth=0.9, linestyle=DASHED, label=f"this rule: {act_from:.3g}")
        axes.axhline(0, color=INK, linewidth=0.8)
        for name in sorted(curves, key=lambda name: name == method):
            some = [line for line in curves[name] if line["value"] is not None]
            colour, width = COLOURS.get(name, INK), 2.2 if name == method else 1.2
            axes.plot([x["ratio"] for x in some], [x["value"] for x in some], color=colour, linewidth=width, label=name)
            at = methods[name]["value"]
            if at is not None:
                axes.plot(act_from, at, "o", color=colour)
        log_shares(axes, "cost of acting / loss if missed", [x["ratio"] for x in curves[method]])
        axes.set_ylim(LEAST_VALUE, 1)
        axes.set_ylabel("relative economic value")
        legend(axes)
        drawing.tight_layout(pad=0.4)
        told = ", ".join(f"{name} {_figure(methods[name]['value'])}" for name in curves)
        note = (
            "1: perfect foresight; 0: always or never acting, whichever is cheaper (Richardson 2000). "
            "Everybody acts from their own ratio on."
        )
        alt = f"Relative economic value at this rule's cost / loss of {act_from:.3g}: {told}."
        return chart(drawing, "Relative economic value", alt=alt, note=note, is_wide=True)


def learning(metrics: Line) -> Chart:
    points, methods = metrics["learning_curve"], metrics["methods"]
    months, briers = ([point[name] for point in points] for name in ("months", "brier"))
    with figure(*HALF) as (drawing, (axes,)):
        for name in sorted(set(methods) & {"climatology", "persistence", "forecast"}):
            axes.axhline(methods[name]["brier"], color=COLOURS[name], linewidth=1, linestyle=DASHED, label=name)
        axes.plot(months, briers, "o-", color=BLUE, label="classifier")
        for where in zip(months, briers, strict=True):
            axes.annotate(f"{where[1]:.4f}", where, xytext=(0, 6), textcoords="offset points", ha="center", fontsize=8)
        axes.set_xscale("log", base=2)
        axes.set_xticks(months, [f"{each:.1f}" for each in months])
        axes.minorticks_off()
        axes.margins(x=0.12, y=0.2)
        axes.set_xlabel("months learnt from (each step doubles them)")
        axes.set_ylabel("Brier score")
        legend(axes)
        drawing.tight_layout(pad=0.4)
        told = "; ".join(f"{x:.1f} months {y:.4f}" for x, y in zip(months, briers, strict=True))
        note = "Learnt once, from the newest part of the history; the last point is the classifier as it is used."
        return chart(drawing, "Learning curve of the classifier", alt=f"Brier score by history: {told}.", note=note)


def importance(shares: Mapping[str, float]) -> Chart:
    found = sorted(shares.items(), key=lambda item: item[1])[-MOST_FEATURES:]
    names, gains = [name.replace("_", " ") for name, _ in found], [100 * share for _, share in found]
    with figure(HALF[0], 0.22 * len(found) + 0.7) as (drawing, (axes,)):
        axes.barh(names, gains, color=BLUE, height=0.66)
        axes.set_ylim(-0.6, len(found) - 0.4)
        axes.set_xlabel("share of the gain, %")
        axes.grid(axis="x")
        axes.grid(visible=False, axis="y")
        drawing.tight_layout(pad=0.4)
        told = ", ".join(f"{name} {gain:.1f}" for name, gain in zip(names[::-1], gains[::-1], strict=True))
        alt = f"Share of the classifier's gain by input, per cent: {told}."
        note = "A margin is how far beyond the threshold a value lies."
        return chart(drawing, "Inputs by share of the gain", alt=alt, note=note)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
