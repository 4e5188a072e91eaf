"""Versions that answer beside the champion in every run, never in its stead: what would have been, hour by hour."""

from __future__ import annotations

from datetime import datetime, timedelta

from ml import registry
from ml.ladder import Rung, brought_up_to_date
from ml.params import Params
from ml.production import lineage
from ml.recipe import Row
from warehouse import results
from warehouse.errors import ArtefactRefused
from warehouse.settings import Settings


def rungs_beside(
    settings: Settings, params: Params, versions: dict[str, Row], now: datetime
) -> tuple[dict[str, Rung], list[str]]:
    """By arm, what can be loaded; and notes on what cannot."""
    found, notes = {}, []
    for arm, row in versions.items():
        # they are judged as the champion they were or would be; the challenger as the rung that it is
        rung, version = "challenger" if arm == "challenger" else "champion", str(row["model_version"])
        try:
            found[arm] = brought_up_to_date(settings, rung, version, registry.load(settings, row), now)
        except ArtefactRefused as error:
            notes.append(f"{params.dataset}: {arm} refused: {error}")
    return found, notes


def versions_beside(settings: Settings, params: Params, now: datetime) -> dict[str, Row]:
    """By arm: `challenger`, the rung below the champion; `predecessor`, what was in production before it, while it is
    new; `candidate`, in every mode but `champion`, the newest version that lost or waits."""
    ladder = dict(registry.ladder(settings, params.dataset, now))
    if "champion" not in ladder:
        return {}
    rows = {
        "predecessor": predecessor(settings, params, now),
        "candidate": None if params.arms.mode == "champion" else candidate(settings, params.dataset, now),
        "challenger": ladder.get("challenger"),
    }
    found: dict[str, Row] = {}
    for arm, row in rows.items():
        taken = {str(each["model_version"]) for each in (ladder["champion"], *found.values())}
        if row is not None and str(row["model_version"]) not in taken:
            found[arm] = row
    return found


def predecessor(settings: Settings, params: Params, now: datetime) -> Row | None:
    """The version in production before the champion, where that went in of late and by no rollback."""
    events: list[Row] = list(results.champion_events(settings, params.dataset, now))
    line = lineage(settings, params.dataset, now)
    if len(line) < 2 or events[0]["action"] == "rollback":
        return None
    if events[0]["event_at"] < now - timedelta(days=params.policy.watch_days):
        return None
    known = {str(row["model_version"]): row for row in results.versions(settings, params.dataset, now)}
    return known.get(line[-2])


def candidate(settings: Settings, dataset: str, now: datetime) -> Row | None:
    """The newest version that lost against the champion, or waits for a person."""
    known = {str(row["model_version"]): row for row in results.versions(settings, dataset, now)}
    for event in results.champion_events(settings, dataset, now, (*results.PRODUCTION, "candidate", "keep")):
        if event["action"] in results.PRODUCTION:
            return None
        if str(event["model_version"]) in known:
            return known[str(event["model_version"])]
    return None
