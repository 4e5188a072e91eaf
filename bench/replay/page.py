"""The replay as one self-contained page: error by day with and without faults, alarms and decisions beneath, tables."""

from __future__ import annotations

import html
from datetime import date, timedelta
from pathlib import Path

import matplotlib.dates as dates
import numpy as np
from matplotlib.axes import Axes

from bench.replay.faults import Plan
from bench.replay.record import Record
from flows.tables import Table
from ml.report.svg import BLUE, GREEN, GREY, INK, ORANGE, PALE, VERMILION, Chart, chart, figure

DECIDED = {"promote": ("^", GREEN), "approve": ("^", GREEN), "rollback": ("v", VERMILION), "retrain": (">", BLUE)}
STYLE = """body{margin:0 auto;max-width:1120px;padding:1.5rem;color:#222;font:15px/1.5 system-ui,sans-serif}
svg{width:100%;height:auto;font-family:system-ui,sans-serif}table{border-collapse:collapse;font-size:.85rem}
th,td{padding:.2rem .6rem;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}.scroll{overflow-x:auto}"""


def write(path: Path, plan: Plan, faulty: Record, clean: Record, tables: list[Table], verdicts: list[str]) -> None:
    drawing = drawn(plan, faulty, clean)
    said = "".join(f"<li>{html.escape(line)}</li>" for line in verdicts)
    title = f"Replay of {plan.first} to {plan.last - timedelta(days=1)}"
    path.write_text(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"</head><body><h1>{title}</h1><ul>{said}</ul><figure>{drawing.svg}<figcaption>{drawing.note}</figcaption>"
        f"</figure>{''.join(_table(table) for table in tables)}</body></html>\n",
        encoding="utf-8",
    )


def drawn(plan: Plan, faulty: Record, clean: Record) -> Chart:
    """Above the mean absolute error of each day's first 24 hours; below a line for each alarm while it was open."""
    names = list(dict.fromkeys(spell.alarm_id for spell in faulty.spells))
    with figure(10.0, 4.2 + 0.18 * len(names), rows=2) as (drawing, (top, bottom)):
        for record, colour, label in ((clean, GREY, "without faults"), (faulty, BLUE, "with faults")):
            errors = daily(record)
            top.plot(list(errors), list(errors.values()), color=colour, label=label)
        top.set_ylabel("MAE of 24 h, µg/m³")
        top.set_ylim(bottom=0)
        _alarms(bottom, faulty, names, plan)
        _decisions(top, faulty)
        for axes in (top, bottom):
            _shade(axes, plan, faulty)
            axes.set_xlim(plan.first, plan.last)
            axes.xaxis.set_major_formatter(dates.DateFormatter("%m-%d"))
        top.legend(loc="upper right")
        drawing.tight_layout(pad=0.4)
        alt = f"{len(faulty.spells)} alarms of {len(names)} names in {len(faulty.days)} days, {len(plan.faults)} faults"
        note = "Orange: a fault lasts. Blue ground: the haze. ▲ a version goes into production, ▼ one is taken back."
        return chart(drawing, "The replay", alt=alt, note=note, is_wide=True)


def daily(record: Record) -> dict[date, float]:
    found: dict[date, tuple[float, int]] = {}
    for (day, _), (error, n) in sorted(record.errors.items()):
        before = found.get(day, (0.0, 0))
        found[day] = (before[0] + error, before[1] + n)
    return {day: error / n for day, (error, n) in found.items()}


def _alarms(axes: Axes, record: Record, names: list[str], plan: Plan) -> None:
    for spell in record.spells:
        at, until = names.index(spell.alarm_id), spell.recovered or max(record.days, default=plan.last)
        axes.plot([spell.raised, until], [at, at], color=VERMILION, linewidth=4, solid_capstyle="butt", marker="|")
    axes.set_yticks(np.arange(len(names)), names, fontsize=7)
    axes.set_ylim(len(names) - 0.5, -0.5)


def _decisions(axes: Axes, record: Record) -> None:
    for event in record.events:
        if event.action in DECIDED:
            marker, colour = DECIDED[event.action]
            axes.plot([event.day], [0], marker=marker, color=colour, clip_on=False)


def _shade(axes: Axes, plan: Plan, record: Record) -> None:
    one = timedelta(days=1)
    if plan.episode:
        axes.axvspan(plan.episode[0], plan.episode[1] + one, color=PALE, zorder=0)
    for fault in plan.faults:
        if fault.first in record.days:
            axes.axvspan(fault.first, fault.last + one, color=ORANGE, alpha=0.3, zorder=0)
            axes.axvline(fault.first, color=INK, linewidth=0.4)


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in table.header)
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    return f'<h2>{html.escape(table.title)}</h2><div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'
