"""What a replay left behind: alarms from the run that raised them to the run that saw them over, errors by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bench.replay import days
from bench.replay.faults import DATASET
from bench.scratch import settings_in
from warehouse.results import read
from warehouse.settings import Settings

_ALARMS = "select alarm_id, kind, state, created_at, what from ml.alarms order by created_at, alarm_id, state"
_EVENTS = """
    select event_at as at, action, actor, model_version || ': ' || reason as what
    from ml.champion_events order by event_at, event_seq
"""
_DECISIONS = """
    select created_at as at, action, 'policy' as actor, reason as what
    from ml.decisions where action <> 'hold' order by created_at
"""
_HAS_DECISIONS = "select 1 from duckdb_tables() where schema_name = 'ml' and table_name = 'decisions'"
_ERRORS = """
    select origin_at::date as day, series_id, sum(abs_error) as error, count(*) as n
    from marts.fct_forecast_scores
    where horizon_h <= 24 and dataset = $dataset
    group by all
"""


@dataclass(frozen=True)
class Spell:
    """One alarm from the run that raised it to the run in which it was over (None: still open)."""

    alarm_id: str
    kind: str
    what: str
    raised: date
    recovered: date | None = None


@dataclass(frozen=True)
class Event:
    """What was decided about models, by training, policy or a person."""

    day: date
    action: str
    actor: str
    what: str


@dataclass(frozen=True)
class Record:
    """`errors`: (day, series_id) → (sum of absolute errors of the first 24 hours, their number)."""

    days: dict[date, days.Done]
    spells: list[Spell]
    events: list[Event]
    errors: dict[tuple[date, str], tuple[float, int]]

    @property
    def runs(self) -> list[date]:
        """Days with a daily run."""
        return [day for day, done in self.days.items() if not done.missed]


def of(folder: Path) -> Record:
    """The record of the replay in `folder`; empty where there is none."""
    done = {date.fromisoformat(each.day): each for each in days.read(folder)}
    if not done:
        return Record({}, [], [], {})
    settings = settings_in(folder / "data")
    events = read(settings, _EVENTS, {})
    if read(settings, _HAS_DECISIONS, {}):
        events += read(settings, _DECISIONS, {})
    told = [Event(row["at"].date(), row["action"], row["actor"], row["what"]) for row in events]
    return Record(done, spells(read(settings, _ALARMS, {})), sorted(told, key=lambda each: each.day), _errors(settings))


def spells(rows: list[dict[str, object]]) -> list[Spell]:
    """Rows of ml.alarms, oldest first, as pairs of raised and recovered."""
    is_open: dict[str, Spell] = {}
    found: list[Spell] = []
    for row in rows:
        name, day = str(row["alarm_id"]), row["created_at"].date()  # type: ignore[attr-defined]
        if row["state"] == "raised":
            is_open[name] = Spell(name, str(row["kind"]), str(row["what"]), day)
        elif name in is_open:
            begun = is_open.pop(name)
            found.append(Spell(name, begun.kind, begun.what, begun.raised, day))
    return sorted([*found, *is_open.values()], key=lambda each: (each.raised, each.alarm_id))


def _errors(settings: Settings) -> dict[tuple[date, str], tuple[float, int]]:
    rows = read(settings, _ERRORS, {"dataset": DATASET})
    return {(row["day"], row["series_id"]): (float(row["error"]), int(row["n"])) for row in rows}
