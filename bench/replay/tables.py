"""The findings as a person reads them: what happened day by day, each fault, what was raised for nothing."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import groupby

from bench.replay.faults import TOLD, Plan
from bench.replay.found import IN_TIME, Finding, Findings
from bench.replay.record import Record
from flows.tables import Table

LEAST_WORSE = 0.05
FEW_FALSE = 2.0
Entry = tuple[date, str, str]  # day, what kind of event, what


def happened(plan: Plan, record: Record) -> list[Entry]:
    """Everything that began, ended or was decided, by day."""
    entries: list[Entry] = []
    for fault in plan.faults:
        if fault.first in record.days:
            lasts = f" until {fault.last:%m-%d}" if fault.last > fault.first else ""
            entries.append((fault.first, "fault", f"{fault.name}: {TOLD[fault.kind]}{lasts}"))
    for spell in record.spells:
        entries.append((spell.raised, "raised", spell.alarm_id))
        if spell.recovered:
            entries.append((spell.recovered, "recovered", spell.alarm_id))
    entries += [(event.day, event.action, f"{event.actor}: {event.what}"[:110]) for event in record.events]
    entries += [(day, "missed", "the watchdog misses a daily run") for day, done in record.days.items() if done.missed]
    for day, word in zip(plan.episode or (), ("begins", "ends"), strict=False):
        entries += [(day, "episode", word)] if day in record.days else []
    return sorted(entries)


def timeline(title: str, plan: Plan, record: Record) -> Table:
    """One line a day and kind of event."""
    lines = []
    for (day, kind), entries in groupby(happened(plan, record), key=lambda entry: entry[:2]):
        what = [entry[2] for entry in entries]
        lines.append((day.isoformat(), kind, "; ".join(what)))
    return Table(f"{title}: what happened", ("day", "event", "what"), tuple(lines))


def found(title: str, findings: Findings) -> Table:
    header = ("fault", "from", "to", "found by", "over", "runs to find", "MAE without", "MAE after", "worse")
    return Table(f"{title}: faults", header, tuple(_line(each) for each in findings.findings), numbers=4)


def _line(found: Finding) -> tuple[str, ...]:
    over = f"{found.over:%m-%d}" if found.over else "–"
    over += f" ({len(found.still_open)} open)" if found.still_open else ""
    runs = "not found" if found.runs is None else str(found.runs)
    return (
        found.fault.name, f"{found.fault.first}", f"{found.fault.last:%m-%d}", found.by or "–", over, runs,
        _figure(found.before), _figure(found.after), "–" if found.worse is None else f"{found.worse:+.1%}",
    )  # fmt: skip


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def false_alarms(title: str, findings: Findings) -> Table:
    """By kind of alarm: how many, on how many days, which series."""
    kinds = Counter(spell.kind for spell in findings.false_alarms)
    lines = []
    for kind, n in kinds.most_common():
        spells = [spell for spell in findings.false_alarms if spell.kind == kind]
        told = "; ".join(f"{spell.raised:%m-%d} {spell.alarm_id}" for spell in spells)
        lines.append((kind, told, str(n), f"{100 * n / findings.n_days:.1f}"))
    lines.append(("all", "", str(len(findings.false_alarms)), f"{findings.per_100_days:.1f}"))
    head = f"{title}: raised for nothing, of {findings.n_days} days outside the episode and its aftermath"
    return Table(head, ("kind", "raised", "number", "per 100 days"), tuple(lines), numbers=2)


def verdicts(findings: Findings) -> list[str]:
    """The targets, each with what was measured."""
    late = [each.fault.name for each in findings.findings if each.runs is None or each.runs > IN_TIME]
    worse = [each for each in findings.findings if each.worse is not None]
    over = [f"{each.fault.name} {each.worse:+.1%}" for each in worse if (each.worse or 0) > LEAST_WORSE]
    n = len(findings.findings)
    return [
        f"Found within {IN_TIME} daily runs: {n - len(late)} of {n}" + (f"; not {', '.join(late)}" if late else ""),
        f"False alarms per 100 days: {findings.per_100_days:.1f}, at most {FEW_FALSE:g} wanted",
        f"Error after recovery within {LEAST_WORSE:.0%} of the replay without faults: {len(worse) - len(over)} of "
        f"{len(worse)}" + (f"; not {', '.join(over)}" if over else ""),
    ]
