"""Alerts that a person has silenced, for a window and with a reason. What the model said stays, and is scored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from warehouse import interventions
from warehouse.decider import Decider
from warehouse.interventions import Row
from warehouse.results import read
from warehouse.settings import Settings

TABLE, KEY = "ml.silence_events", "silence_id"
TOLD_IN = "ml.alert_probabilities"
RECORD = (
    "n_windows", "n_alerts", "n_events_missed", "cost_as_alerted", "cost_silenced", "cost_saved", "helped",
)  # fmt: skip
_SERIES = """
    select series.series_id
    from marts.dim_series as series
    inner join marts.dim_alert_rules as rules on series.dataset = rules.dataset and series.variable = rules.variable
    where rules.rule_id = $rule_id
    order by all
"""


@dataclass(frozen=True)
class Asked:
    """Alerts of a rule whose event window overlaps [window_from, window_to), UTC; `series_id` None: of any series."""

    rule_id: str
    series_id: str | None
    window_from: datetime
    window_to: datetime


def add(settings: Settings, asked: Asked, by: Decider, silence_id: str | None = None) -> Row:
    """Row of ml.silence_events. `silence_id`: a caller's own, so that asking again adds nothing. Raises BadInput."""
    interventions.check_decider(by)
    rules = [row["rule_id"] for row in read(settings, "select rule_id from marts.dim_alert_rules order by 1", {})]
    interventions.one_of("alert rule", asked.rule_id, rules, where=f"alert_rules.csv has {', '.join(rules) or 'none'}")
    if asked.series_id is not None:
        series = [row["series_id"] for row in read(settings, _SERIES, {"rule_id": asked.rule_id})]
        interventions.one_of(
            f"series of {asked.rule_id}", asked.series_id, series, where=f"it has {', '.join(series) or 'none'}"
        )
    interventions.check_window(asked.window_from, asked.window_to, by.now)
    interventions.require_newest(settings, TABLE, TOLD_IN, by.now)
    row: dict[str, Any] = {
        KEY: silence_id or f"silence-{by.run_id}",
        **asdict(asked),
        "reason": by.reason,
        "actor": by.actor,
        "event_at": by.now,
    }
    return interventions.add(settings, TABLE, KEY, row)


def cancel(settings: Settings, silence_id: str, by: Decider) -> Row:
    """From now on its alerts are told again. Raises BadInput."""
    return interventions.cancel(settings, TABLE, KEY, TOLD_IN, silence_id, by)


def listed(settings: Settings, now: datetime) -> list[Row]:
    """Silences made by `now`, the newest first, with `state` and what the marts know of their record."""
    return interventions.listed(settings, TABLE, "fct_silences", RECORD, "window", now)


def marked(settings: Settings, alerts: list[Row], now: datetime) -> list[Row]:
    """The alerts with `silence_id` and `silence_reason`, as silences stand at `now`; the newest counts."""
    rows = interventions.standing(interventions.events(settings, TABLE, now), KEY)
    return [{**alert, **_silence_of(alert, rows)} for alert in alerts]


def _silence_of(alert: Row, newest_first: list[Row]) -> Row:
    for row in newest_first:
        of_it = row["rule_id"] == alert["rule_id"] and row["series_id"] in (None, alert["series_id"])
        begins = max(row["window_from"], row["created_at"])
        overlaps = alert["window_start"] < row["window_to"] and alert["window_end"] > begins
        if of_it and overlaps and row["cancelled_at"] is None:
            return {"silence_id": row[KEY], "silence_reason": row["reason"]}
    return {"silence_id": None, "silence_reason": None}
