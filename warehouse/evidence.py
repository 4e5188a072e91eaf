"""What a run reads before it decides, as far as it was known then, and the rows of what it decided."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from warehouse.errors import NotBuilt
from warehouse.results import read, replace
from warehouse.settings import Settings

LOOK_BACK = timedelta(days=90)
_ERRORS = """
    select measure, value, promised, recent_sd, is_drift
    from marts.fct_model_drift
    where model_version = $version and series_id = 'all' and origin_at <= $now - interval 12 hour
    qualify row_number() over (partition by measure order by origin_at desc) = 1
"""
_DRIFTED = """
    select distinct series_id || ' (' || kind || ')' as name
    from ml.drift
    where dataset = $dataset and is_drift and kind <> 'prediction'
        and run_id = (select arg_max(run_id, (created_at, run_id)) from ml.drift where created_at < $now)
    order by name
"""
_NEW_SERIES = """
    with trained as (select distinct series_id from ml.backtests where run_id = $run_id and dataset = $dataset)

    select series_id
    from marts.dim_series
    where dataset = $dataset and is_target and first_observed_at <= $known_since
        and series_id not in (from trained) and exists (from trained)
    order by series_id
"""
_BEFORE = """
    select action, triggers, evidence ->> 'champion' as champion
    from ml.decisions
    where dataset = $dataset and created_at < $now and created_at >= $since
    order by created_at desc, run_id desc, action <> 'retrain'
"""


def errors(settings: Settings, version: str, now: datetime) -> dict[str, dict[str, Any]]:
    """By measure (error, miss_80): the newest line of a version over all series; none before there is a score."""
    return {str(row.pop("measure")): row for row in _known(settings, _ERRORS, {"version": version, "now": now})}


def drifted(settings: Settings, dataset: str, now: datetime) -> tuple[str, ...]:
    """Targets and features that the run before found drifting."""
    return tuple(row["name"] for row in read(settings, _DRIFTED, {"dataset": dataset, "now": now}))


def new_series(settings: Settings, dataset: str, run_id: str, known_since: datetime) -> tuple[str, ...]:
    """Targets known since then that the training of this run did not report on."""
    values = {"dataset": dataset, "run_id": run_id, "known_since": known_since}
    return tuple(row["series_id"] for row in _known(settings, _NEW_SERIES, values))


def decisions_before(settings: Settings, dataset: str, now: datetime) -> list[dict[str, Any]]:
    """action, triggers and champion of earlier decisions, newest first."""
    return read(settings, _BEFORE, {"dataset": dataset, "now": now, "since": now - LOOK_BACK})


def write_decisions(settings: Settings, run_id: str, rows: list[dict[str, Any]]) -> None:
    """The same run again replaces its rows."""
    table = pa.Table.from_pylist([row | {"run_id": run_id, "evidence": json.dumps(row["evidence"])} for row in rows])
    replace(settings, "ml.decisions", table if rows else None, where="run_id = $run_id", values={"run_id": run_id})


def _known(settings: Settings, sql: str, values: dict[str, object]) -> list[dict[str, Any]]:
    try:
        return read(settings, sql, values)
    except NotBuilt:
        return []
