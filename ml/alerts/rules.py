"""The rules of the marts with their newest models, and which of them are due for training."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from ml.alerts.params import AlertParams, load_alert_params
from warehouse import alerts as store
from warehouse.errors import BadInput
from warehouse.settings import Settings


def find_rule(settings: Settings, rule_id: str) -> dict[str, Any]:
    """Raises BadInput for a rule that the marts do not have."""
    known = {str(rule["rule_id"]): rule for rule in store.rules(settings)}
    if rule_id not in known:
        raise BadInput(f"no alert rule '{rule_id}'; alert_rules.csv has {', '.join(known) or 'none'}")
    return known[rule_id]


def newest_models(settings: Settings, now: datetime) -> dict[str, dict[str, Any]]:
    """Per rule the newest row of ml.alert_models."""
    return {str(row["rule_id"]): row for row in reversed(store.models(settings, now))}


def is_due(row: dict[str, Any] | None, rule: dict[str, Any], now: datetime, params: AlertParams) -> str | None:
    """Why a rule should be trained now; `row`: its newest version."""
    if row is None:
        return "no model yet"
    if row["event_hash"] != rule["event_hash"]:
        return "the rule has changed"
    age = now - row["trained_at"]
    if age >= timedelta(days=params.retrain_every_days):
        return f"the model is {age.days} days old"
    if json.loads(str(row["params"])) != params.model_dump(mode="json"):
        return "params.yaml has changed since"
    return None


def due(settings: Settings, now: datetime) -> list[tuple[dict[str, Any], str]]:
    """(rule, why) of the rules with any origin that must be trained."""
    newest = newest_models(settings, now)
    found = []
    for rule in store.rules(settings):
        why = is_due(newest.get(str(rule["rule_id"])), rule, now, load_alert_params(str(rule["rule_id"])))
        if why and store.extent(settings, str(rule["rule_id"]), now)[0]:
            found.append((rule, why))
    return found
