"""What the registry knows: every version with its status, one in full, two side by side, and who was champion when.

champion     in production
fallback     a lower rung below the champion, from its training
candidate    waits for approval
superseded   waited, until a newer version took its place
rejected     refused by a person
kept out     lost against the champion
retired      was in production
spare        a lower rung of a training that is not in production
"""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd

from ml import artefact, paired, registry
from ml.forecaster import QUANTILE_NAMES
from warehouse import overview, results
from warehouse.errors import ArtefactRefused, BadInput
from warehouse.settings import Settings

Row = dict[str, Any]
SCORES = ("mae", "pinball", "skill", "coverage80", "coverage90", "n_origins")
DECIDED = {"keep": "kept out", "reject": "rejected", **dict.fromkeys(results.PRODUCTION, "retired")}


def listed(settings: Settings, now: datetime, dataset: str | None = None) -> list[Row]:
    """Every version trained by `now`, newest first within its dataset, with role, status and scores on the report."""
    rows = results.versions(settings, dataset, now)
    found = []
    for name in sorted({str(row["dataset"]) for row in rows}):
        status = statuses(settings, name, now)
        found += [_line(row, status[str(row["model_version"])]) for row in rows if row["dataset"] == name]
    if dataset and not rows:
        raise BadInput(f"no version of a dataset '{dataset}' is on record by {now:%Y-%m-%d %H:%M}")
    return found


def _line(row: Row, status: str) -> Row:
    metrics = json.loads(str(row["metrics"]))
    kept = ("dataset", "model_version", "model", "trained_at", "train_from", "train_to", "report_from", "report_to")
    scores = {name: metrics.get("report", {}).get(name) for name in SCORES}
    return {**{name: row[name] for name in kept}, "role": metrics.get("role"), "status": status, **scores}


def statuses(settings: Settings, dataset: str, now: datetime) -> dict[str, str]:
    """model_version -> one of the words above."""
    rows = results.versions(settings, dataset, now)
    events = results.champion_events(settings, dataset, now, results.ACTIONS)
    ladder = {str(row["model_version"]): rung for rung, row in registry.ladder(settings, dataset, now)}
    status = {str(row["model_version"]): "spare" for row in rows}
    waiting = {row["model_version"] for row in overview.waiting(settings, as_of=now)}
    for event in reversed(events):  # oldest first: the last word on a version counts
        name = str(event["model_version"])
        status[name] = DECIDED.get(str(event["action"]), "candidate" if name in waiting else "superseded")
    status |= {name: "champion" if rung == "champion" else "fallback" for name, rung in ladder.items()}
    return status


def find(settings: Settings, text: str, now: datetime, dataset: str | None = None) -> Row:
    """The version of that name, or the only one whose name ends in it (`0a1b2c3d`). Raises BadInput."""
    rows = results.versions(settings, dataset, now)
    exact = [row for row in rows if row["model_version"] == text]
    found = exact or [row for row in rows if text and str(row["model_version"]).endswith(f"-{text}")]
    of = f" of dataset '{dataset}'" if dataset else ""
    if not found:
        raise BadInput(f"no version '{text[:200]}'{of} is on record; `skyduck models list` names them")
    if len(found) > 1:
        names = ", ".join(str(row["model_version"]) for row in found)
        raise BadInput(f"'{text[:200]}' is the end of several versions{of}: {names}")
    return found[0]


def shown(settings: Settings, row: Row, now: datetime) -> Row:
    """Everything of one version, its decisions, and its files checked against their sha256."""
    name, dataset = str(row["model_version"]), str(row["dataset"])
    events = results.champion_events(settings, dataset, now, results.ACTIONS)
    return {
        **row,
        "report": row.get("report"),
        "params": json.loads(str(row["params"])),
        "metrics": json.loads(str(row["metrics"])),
        "status": statuses(settings, dataset, now)[name],
        "events": [event for event in events if event["model_version"] == name],
        **checked(settings, row),
    }


def checked(settings: Settings, row: Row) -> Row:
    """`files` with size and sha256, and `refusal`: why they would not be loaded, None where they would."""
    name = str(row["model_version"])
    try:
        files = artefact.read_files(settings, name, row["artefact_sha256"])
        registry.Bundle.restored(files)
    except ArtefactRefused as error:
        return {"files": [], "refusal": str(error)}
    told = [{"name": n, "n_bytes": len(files[n]), "sha256": artefact.sha256_of(files[n])} for n in sorted(files)]
    return {"files": told, "refusal": None}


def compared(settings: Settings, a: Row, b: Row) -> Row:
    """Params that differ, scores side by side, and b against a on the origins that both were reported on."""
    if a["dataset"] != b["dataset"]:
        raise BadInput(f"{a['model_version']} forecasts {a['dataset']}, {b['model_version']} {b['dataset']}")
    old, new = (_flat(json.loads(str(row["params"]))) for row in (a, b))
    by = json.loads(str(b["params"]))["evaluation"]["champion_by"]
    found = paired.compare(_losses(settings, a, by), _losses(settings, b, by), by)
    return {
        "a": a["model_version"],
        "b": b["model_version"],
        "params": {
            key: [old.get(key), new.get(key)]
            for key in sorted(old.keys() | new.keys())
            if old.get(key) != new.get(key) and key != "fingerprint"
        },
        "scores": {window: _side_by_side(a, b, window) for window in ("select", "report")},
        "paired": {**found.figures(), "text": str(found)} if found.n_origins else None,
    }


def _side_by_side(a: Row, b: Row, window: str) -> dict[str, list[object]]:
    old, new = (json.loads(str(row["metrics"])).get(window, {}) for row in (a, b))
    return {name: [old.get(name), new.get(name)] for name in sorted(old.keys() | new.keys())}


def _losses(settings: Settings, row: Row, by: str) -> pd.DataFrame:
    table = results.backtest(settings, str(row["run_id"]), str(row["dataset"]), str(row["model"])).to_pandas()
    answers = table[list(QUANTILE_NAMES)].to_numpy(np.float64)
    rows: pd.DataFrame = table[paired.KEY]
    return rows.assign(loss=paired.row_losses(table["actual"].to_numpy(np.float64), answers, by))


def _flat(params: Any, prefix: str = "") -> dict[str, object]:
    if not isinstance(params, dict):
        return {prefix: params}
    return {
        k: v for key, value in params.items() for k, v in _flat(value, f"{prefix}.{key}" if prefix else key).items()
    }


def history(settings: Settings, now: datetime, *, dataset: str | None = None, on: date | None = None) -> Row:
    """`periods` in production and `events` (every decision), oldest first; with `on` only those of that day (UTC)."""
    events: list[Row] = results.champion_events(settings, dataset, now, results.ACTIONS)[::-1]
    if dataset and not events:
        raise BadInput(f"nothing was decided on a dataset '{dataset}' by {now:%Y-%m-%d %H:%M}")
    found = [row for name in sorted({str(e["dataset"]) for e in events}) for row in periods(settings, name, now)]
    if on is not None:
        start = datetime.combine(on, time())
        end = start + timedelta(days=1)
        if start > now:
            raise BadInput(f"{on} lies after {now:%Y-%m-%d %H:%M}: nothing is known of it")
        found = [
            row for row in found if row["valid_from"] < end and (row["valid_to"] is None or row["valid_to"] > start)
        ]
        events = [event for event in events if start <= event["event_at"] < end]
    return {"on": on, "periods": found, "events": events}


def periods(settings: Settings, dataset: str, now: datetime) -> list[Row]:
    """Who was in production from when to when (`valid_to` None = still) and why, oldest first; no two overlap."""
    models = {row["model_version"]: row["model"] for row in results.versions(settings, dataset, now)}
    events = results.champion_events(settings, dataset, now)[::-1]
    ends: list[Any] = [*(event["event_at"] for event in events[1:]), None]
    kept = ("dataset", "model_version", "action", "reason", "actor", "run_id", "event_id")
    return [
        {
            **{k: e[k] for k in kept},
            "model": models.get(e["model_version"]),
            "valid_from": e["event_at"],
            "valid_to": end,
        }
        for e, end in zip(events, ends, strict=True)
        if e["event_at"] != end  # of several decisions at one moment the last one stands
    ]
