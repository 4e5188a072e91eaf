"""The drawings of a report: how large the errors are, and where."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ml.report.evidence import DAY_AHEAD_H, Evidence
from ml.report.svg import BLUE, GREYS, INK, PALE, VERMILION, Chart, chart, figure

HALF = (4.9, 2.9)  # inches of a drawing that shares its line with another
WIDE = 10.0
MOST_SERIES = 30


def by_horizon(seen: Evidence, model: str, unit: str) -> Chart:
    table = seen.mae_by("horizon_h")
    with figure(*HALF) as (drawing, (axes,)):
        _lines(axes, table, seen, model)
        axes.set_xlabel("horizon, hours ahead")
        axes.set_ylabel(f"MAE, {unit}")
        axes.set_xticks([tick for tick in (1, 6, 12, 18, 24, 30, 36, 42, 48) if tick <= table.index.max()])
        axes.set_ylim(bottom=0)
        legend(axes)
        drawing.tight_layout(pad=0.4)
        first, last = table.index.min(), table.index.max()
        alt = (
            f"Mean absolute error by horizon: {model} {table[model].iloc[0]:.3g} {unit} at {first} h and "
            f"{table[model].iloc[-1]:.3g} at {last} h; {seen.best_naive} {table[seen.best_naive].iloc[0]:.3g} and "
            f"{table[seen.best_naive].iloc[-1]:.3g}."
        )
        return chart(drawing, "Mean absolute error by horizon", alt=alt)


def by_hour(seen: Evidence, model: str, unit: str) -> Chart:
    table = seen.mae_by("local_hour")
    with figure(*HALF) as (drawing, (axes,)):
        _lines(axes, table, seen, model)
        axes.set_xlabel("hour of the day, local time of each place")
        axes.set_ylabel(f"MAE, {unit}")
        axes.set_xticks(range(0, 24, 3))
        axes.set_xlim(-0.5, 23.5)
        axes.set_ylim(bottom=0)
        legend(axes)
        drawing.tight_layout(pad=0.4)
        hardest, easiest = table[model].idxmax(), table[model].idxmin()
        alt = (
            f"Mean absolute error by local hour of the target: {model} is worst at {hardest}:00 "
            f"({table[model][hardest]:.3g} {unit}) and best at {easiest}:00 ({table[model][easiest]:.3g} {unit})."
        )
        hours = sorted(seen.scored.rows["origin_at"].dt.hour.unique())
        tied = "All origins are at the same UTC hour: the hour of the day goes with the horizon."
        note = tied if len(hours) == 1 else ""
        return chart(drawing, "Mean absolute error by hour of the day (local time)", alt=alt, note=note)


def by_series(seen: Evidence, model: str, unit: str) -> Chart:
    """Model against best naive method, the hardest series on top."""
    naive = seen.best_naive
    table = seen.mae_by("series_id")[list(dict.fromkeys([naive, model]))].sort_values(model, ascending=False)
    shown = table.head(MOST_SERIES).iloc[::-1]
    height = max(HALF[1], 0.22 * len(shown) + 0.9)
    with figure(HALF[0], height) as (drawing, (axes,)):
        at = np.arange(len(shown))
        axes.hlines(at, shown[model], shown[naive], color=PALE, linewidth=3)
        axes.plot(shown[naive], at, "D", color=VERMILION, label=f"{naive} (best naive)")
        axes.plot(shown[model], at, "o", color=BLUE, markersize=5.5, label=model)
        axes.set_yticks(at, [short_name(name, shown.index) for name in shown.index])
        axes.set_ylim(-0.7, len(shown) - 0.3)
        axes.set_xlim(left=0)
        axes.set_xlabel(f"MAE, {unit}")
        axes.grid(axis="x")
        axes.grid(visible=False, axis="y")
        legend(axes)
        drawing.tight_layout(pad=0.4)
        wins = int((table[model] < table[naive]).sum())
        alt = f"Mean absolute error by series: {model} is better than {naive} on {wins} of {len(table)} series."
        more = f" The {MOST_SERIES} hardest are drawn." if len(table) > MOST_SERIES else ""
        note = f"Better than {naive} on {wins} of {len(table)} series.{more}"
        return chart(drawing, "Mean absolute error by series", alt=alt, note=note)


def distribution(seen: Evidence, model: str, unit: str) -> Chart:
    naive, errors = seen.best_naive, seen.errors
    low, high = np.quantile(np.r_[errors[model], errors[naive]], [0.005, 0.995])
    reach = max(abs(low), abs(high)) or 1.0
    bins = np.linspace(-reach, reach, 42).tolist()
    with figure(*HALF) as (drawing, (axes,)):
        weights = np.full(len(errors), 100 / len(errors))
        axes.hist(errors[model].clip(-reach, reach), bins, weights=weights, color=BLUE, alpha=0.35, label=model)
        axes.hist(
            errors[naive].clip(-reach, reach), bins, weights=weights, histtype="step", color=VERMILION, label=naive
        )
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_xlabel(f"forecast minus truth, {unit}")
        axes.set_ylabel("share of forecasts, %")
        legend(axes)
        drawing.tight_layout(pad=0.4)
        q05, q50, q95 = np.quantile(errors[model], [0.05, 0.5, 0.95])
        alt = f"Errors of {model}: 5 % below {q05:.3g}, half below {q50:.3g}, 95 % below {q95:.3g} {unit}."
        note = f"Nine of ten errors lie between {q05:.3g} and {q95:.3g} {unit}; the outermost bars hold all beyond."
        return chart(drawing, "Distribution of errors", alt=alt, note=note)


def worst_days(days: list[pd.DataFrame], model: str, naive: str, unit: str) -> Chart:
    with figure(WIDE, 4.7, rows=2, columns=3) as (drawing, panels):
        for axes, day in zip(panels, days, strict=False):
            hours = np.arange(1, len(day) + 1)
            axes.fill_between(hours, day["low"], day["high"], color=BLUE, alpha=0.18, linewidth=0)
            axes.plot(hours, day["naive"], color=VERMILION, linewidth=1, linestyle=(0, (4, 2)))
            axes.plot(hours, day["point"], color=BLUE)
            axes.plot(hours, day["actual"], color=INK, linewidth=1.3, marker="o", markersize=2)
            axes.set_xticks([1, 6, 12, 18, 24])
            origin = day.attrs["origin_at"]
            axes.set_title(
                f"{short_name(day.attrs['series_id'], [])} · {origin:%Y-%m-%d %H} UTC", fontsize=8.5, loc="left"
            )
            text = f"MAE {day.attrs['mae']:.3g}, naive {day.attrs['naive_mae']:.3g}"
            axes.set_xlabel(f"hours ahead ({text})")
            axes.set_ylabel(unit)
        for axes in panels[len(days) :]:
            axes.axis("off")
        _key(panels[-1], model, naive)
        drawing.subplots_adjust(left=0.06, right=0.99, top=0.94, bottom=0.1, hspace=0.5, wspace=0.24)
        named = "; ".join(
            f"{d.attrs['series_id']} on {d.attrs['origin_at']:%Y-%m-%d}, {d.attrs['mae']:.3g}" for d in days
        )
        note = f"Largest mean absolute error over the first {DAY_AHEAD_H} hours of an origin; one per series and day."
        alt = f"The worst days of {model} with truth, forecast and 80 % interval (MAE in {unit}): {named}."
        return chart(drawing, "Worst days: truth, forecast and interval", alt=alt, note=note, is_wide=True)


def _key(axes: Axes, model: str, naive: str) -> None:
    """What the lines of the worst days are, in the panel that is left over."""
    axes.plot([], [], color=INK, linewidth=1.3, marker="o", markersize=2, label="truth")
    axes.plot([], [], color=BLUE, label=model)
    axes.fill_between([], [], [], color=BLUE, alpha=0.18, label="80 % interval")
    axes.plot([], [], color=VERMILION, linewidth=1, linestyle=(0, (4, 2)), label=f"{naive} (best naive)")
    axes.legend(loc="center left", fontsize=9)


def _lines(axes: Axes, table: pd.DataFrame, seen: Evidence, model: str) -> None:
    """The model in front, the best naive method behind it, the others in grey."""
    others = [name for name in seen.naives if name not in (seen.best_naive, model)]
    for number, name in enumerate(others):
        colour, dash = GREYS[number % len(GREYS)]
        axes.plot(table.index, table[name], color=colour, linestyle=dash, linewidth=1.1, label=name)
    if model != seen.best_naive:
        axes.plot(table.index, table[seen.best_naive], color=VERMILION, label=f"{seen.best_naive} (best naive)")
    axes.plot(table.index, table[model], color=BLUE, linewidth=2.2, label=model)


def legend(axes: Axes) -> None:
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, columnspacing=1.2, handlelength=1.6, borderpad=0
    )


def short_name(series_id: object, among: object) -> str:
    """air.LON.pm2_5_ugm3 -> LON: dataset and variable are those of the whole report."""
    parts = str(series_id).split(".")
    return parts[1] if len(parts) == 3 else str(series_id)
