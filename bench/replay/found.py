"""Which alarm belongs to which fault, how soon it was found, and what was raised for nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from bench.replay.faults import DAY, FOUND_BY, Fault, Plan
from bench.replay.record import Record, Spell

IN_TIME = 2  # daily runs
SETTLES = 3 * DAY
AFTER = {"data drift": 14 * DAY, "model drift": 14 * DAY}  # the longest window of drift; what others see is gone sooner
COMPARED = 14  # days after a fault has settled
NEARBY = "(prediction)"  # forecasts read the other regions too: what drifts there drifts by this fault


@dataclass(frozen=True)
class Finding:
    """`runs`: daily runs from the first that could see it to the one that did. `worse`: share of error added after."""

    fault: Fault
    by: str | None
    runs: int | None
    over: date | None
    still_open: list[str]
    before: float | None  # MAE of the replay without faults, of the same days and series
    after: float | None

    @property
    def worse(self) -> float | None:
        return self.after / self.before - 1 if self.before and self.after is not None else None


@dataclass(frozen=True)
class Findings:
    findings: list[Finding]
    false_alarms: list[Spell]
    n_days: int  # outside the episode

    @property
    def per_100_days(self) -> float:
        return 100 * len(self.false_alarms) / self.n_days if self.n_days else 0.0


def judge(plan: Plan, faulty: Record, clean: Record | None = None) -> Findings:
    faults = [fault for fault in plan.faults if fault.first in faulty.days]
    findings = [_finding(fault, faults, faulty, clean) for fault in faults]
    days = [day for day in faulty.runs if not in_episode(plan, day)]
    return Findings(findings, false_alarms(plan, faulty.spells), len(days))


def false_alarms(plan: Plan, spells: Iterable[Spell]) -> list[Spell]:
    """Of no fault, and not of the episode."""
    return [
        spell
        for spell in spells
        if not in_episode(plan, spell.raised) and not any(belongs(spell, fault) for fault in plan.faults)
    ]


def in_episode(plan: Plan, day: date) -> bool:
    """In it, or while a window of two weeks still holds hours of it."""
    return plan.episode is not None and plan.episode[0] <= day <= plan.episode[1] + AFTER["data drift"]


def belongs(spell: Spell, fault: Fault) -> bool:
    """Raised while the fault lasts or has effects still: on its series, on no series, or on a neighbour's forecasts."""
    lasting: timedelta = AFTER.get(spell.kind, SETTLES)
    if not fault.first <= spell.raised <= fault.last + lasting:
        return False
    return names(spell, fault) or spell.alarm_id.endswith(NEARBY)


def names(spell: Spell, fault: Fault) -> bool:
    """About the fault's series, or about no series in particular."""
    return fault.series_id is None or fault.series_id in spell.alarm_id or "." not in spell.alarm_id.split(" ")[0]


def _finding(fault: Fault, faults: list[Fault], faulty: Record, clean: Record | None) -> Finding:
    mine = [spell for spell in faulty.spells if belongs(spell, fault)]
    seen = [(spell.raised, spell.alarm_id) for spell in mine if spell.kind in FOUND_BY[fault.kind]]
    seen = [(day, name) for day, name in seen if any(name == each.alarm_id and names(each, fault) for each in mine)]
    if "rollback" in FOUND_BY[fault.kind]:
        seen += [
            (event.day, f"rollback by {event.actor}")
            for event in faulty.events
            if event.action == "rollback" and event.actor != "replay" and event.day >= fault.first
        ]
    if "watchdog" in FOUND_BY[fault.kind]:
        seen += [(day, "watchdog") for day in fault.days if day in faulty.days and faulty.days[day].missed]
    day, by = min(seen, default=(None, None))
    ends = [spell.recovered for spell in mine]
    over = max((end for end in ends if end), default=None)
    runs = None if day is None else sum(fault.visible <= run <= day for run in faulty.runs) or 1
    still = [spell.alarm_id for spell in mine if spell.recovered is None]
    before, after = _errors_after(fault, faults, faulty, clean) if clean else (None, None)
    return Finding(fault, by, runs, over, still, before, after)


def _errors_after(
    fault: Fault, faults: list[Fault], faulty: Record, clean: Record
) -> tuple[float | None, float | None]:
    """MAE without and with faults over the days after, without those of other faults, where both have errors."""
    others = {day for other in faults if other is not fault for day in other.days}
    begin = fault.last + SETTLES + DAY
    days = {begin + n * DAY for n in range(COMPARED)} - others
    keys = [key for key in faulty.errors if key in clean.errors and key[0] in days]
    keys = [key for key in keys if fault.series_id in (None, key[1])]
    return _mae(clean, keys), _mae(faulty, keys)


def _mae(record: Record, keys: list[tuple[date, str]]) -> float | None:
    n = sum(record.errors[key][1] for key in keys)
    return sum(record.errors[key][0] for key in keys) / n if n else None
