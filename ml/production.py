"""What a person decides: put a version in production, approve or reject one that waits, go back to an older one.

Each is one more row of ml.champion_events; the next forecast follows it. A version whose files would be refused is not
put in production.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from ml import registry, versions
from warehouse import results
from warehouse.decider import Decider
from warehouse.errors import BadInput
from warehouse.settings import Settings

Row = dict[str, Any]
Action = Literal["promote", "approve", "reject", "rollback"]


@dataclass(frozen=True)
class Decision:
    """A row of ml.champion_events; `before`: the version that was in production until then."""

    event_id: str
    dataset: str
    model_version: str
    action: Action
    reason: str
    actor: str
    event_at: datetime
    run_id: str
    before: str | None


def decide(settings: Settings, action: Action, rows: list[Row], by: Decider) -> list[Decision]:
    """On all versions or on none.

    `promote` puts any version in production, whatever was decided on it before; `approve` and `reject` are for one that
    waits; `rollback` is for one that was in production before. Raises BadInput, or ArtefactRefused for damaged files.
    """
    decisions = [_decided(settings, action, row, by) for row in rows]
    datasets = [decision.dataset for decision in decisions]
    if action != "reject" and len(set(datasets)) < len(datasets):
        raise BadInput(f"several versions of one dataset ({', '.join(datasets)}): only one can be in production")
    events = [{k: v for k, v in asdict(decision).items() if k != "before"} for decision in decisions]
    results.append_events(settings, events)
    return decisions


def rollback(settings: Settings, dataset: str, to: Row | None, by: Decider) -> Decision:
    """Back to `to`, or to what was in production before the present version. Nothing is trained."""
    line = lineage(settings, dataset, by.now)
    if not line:
        raise BadInput(f"nothing of dataset '{dataset}' is in production by {by.now:%Y-%m-%d %H:%M}")
    if to is None and len(line) < 2:
        raise BadInput(
            f"{line[-1]} is the first version of {dataset} in production: there is no older one to go back to"
        )
    target = to or versions.find(settings, line[-2], by.now, dataset)
    return decide(settings, "rollback", [target], by)[0]


def lineage(settings: Settings, dataset: str, now: datetime, *, all_ever: bool = False) -> list[str]:
    """Versions that followed one another into production, the present one last.

    A rollback takes off what it undid; `all_ever` leaves it on.
    """
    line: list[str] = []
    for event in reversed(results.champion_events(settings, dataset, now)):
        name = str(event["model_version"])
        undone = event["action"] == "rollback" and name in line and not all_ever
        line = [*(line[: line.index(name)] if undone else line), name]
    return line


def _decided(settings: Settings, action: Action, row: Row, by: Decider) -> Decision:
    name, dataset = str(row["model_version"]), str(row["dataset"])
    require_newest(settings, dataset, by.now)
    top = registry.champion(settings, dataset, by.now)
    before = str(top["model_version"]) if top else None
    waited = _waited(settings, row, action, by.now) if action in ("approve", "reject") else None
    if action == "rollback" and name not in lineage(settings, dataset, by.now, all_ever=True):
        raise BadInput(f"{name} never was in production: `skyduck models promote` puts it there")
    if action != "reject":
        if name == before:
            raise BadInput(f"{name} is in production already")
        registry.load(settings, row)  # every byte as trained, and readable: refused before anything is written
    return Decision(
        event_id=f"{by.run_id}.{name}",
        dataset=dataset,
        model_version=name,
        action=action,
        reason="; ".join(filter(None, (by.reason, waited))),
        actor=by.actor,
        event_at=by.now,
        run_id=by.run_id,
        before=before,
    )


def _waited(settings: Settings, row: Row, action: str, now: datetime) -> str:
    """Why the version waits, as its event says. Raises BadInput where it does not wait."""
    name, dataset = str(row["model_version"]), str(row["dataset"])
    status = versions.statuses(settings, dataset, now)[name]
    if status != "candidate":
        hint = "" if status == "champion" else "; `skyduck models promote` puts it in production all the same"
        raise BadInput(f"there is nothing to {action}: {name} is {status} and waits for nobody{hint}")
    events = results.champion_events(settings, dataset, now, ("candidate",))
    return next(str(event["reason"]) for event in events if event["model_version"] == name)


def require_newest(settings: Settings, dataset: str, now: datetime) -> None:
    """Raises BadInput where a decision on the dataset was made after `now`: what was in production stays on record."""
    events: list[Row] = list(results.champion_events(settings, dataset, datetime.max, results.ACTIONS))
    if events and events[0]["event_at"] > now:
        raise BadInput(
            f"{now:%Y-%m-%d %H:%M} lies before the newest decision on {dataset} ({events[0]['event_at']}): "
            "history is only ever added to"
        )
