"""Probabilities of every rule for every series at the run's origin, written back with the method and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ml import artefact
from ml.alerts import dataset, implied
from ml.alerts.baselines import climatology
from ml.alerts.calibration import Calibrator
from ml.alerts.dataset import AlertRows
from ml.alerts.implied import Forecasts
from ml.alerts.model import AlertModel
from ml.alerts.params import load_alert_params
from ml.alerts.rules import newest_models
from ml.alerts.task import forecasts
from ml.dataset import HOUR
from warehouse import alerts as store
from warehouse.alerts import Asked
from warehouse.errors import ArtefactRefused
from warehouse.settings import Settings


@dataclass
class AlertResult:
    """`active` counts alerts by rule; `notes` are model files that were refused."""

    origin_at: datetime
    n_rows: int = 0
    active: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def predict(
    settings: Settings, *, now: datetime, run_id: str, progress: Callable[[str], None] = lambda _: None
) -> AlertResult:
    """All rules in one write; the same run_id again replaces its rows."""
    origin_at = now.replace(minute=0, second=0, microsecond=0)
    found = AlertResult(origin_at)
    newest = newest_models(settings, now)
    tables = []
    for rule in store.rules(settings):
        rule_id = str(rule["rule_id"])
        rows = dataset.read(settings, rule, Asked(origin_at, origin_at + timedelta(hours=1)))
        if not len(rows):
            continue
        model, version, note = _model(settings, rule, newest.get(rule_id))
        if note and newest.get(rule_id):
            found.notes.append(f"alert rule {rule_id}: {note}")
        told = forecasts(
            settings, rows.rule, start=origin_at, end=origin_at + timedelta(hours=1), now=now, run_id=run_id
        )
        table = _rows(rows, model, told, note)
        tables.append(table.assign(rule_id=rule_id, event_hash=rows.event_hash, model_version=version))
        found.active[rule_id] = int(table["is_alert"].sum())
        progress(f"{rule_id}: {found.active[rule_id]} of {len(table)} series on alert")
    if tables:
        whole = pd.concat(tables, ignore_index=True).assign(run_id=run_id, created_at=pd.Timestamp(now))
        store.write_probabilities(settings, run_id=run_id, rows=pa.Table.from_pandas(whole, preserve_index=False))
        found.n_rows = len(whole)
    return found


def _model(settings: Settings, rule: dict[str, Any], row: dict[str, Any] | None) -> tuple[AlertModel, str, str | None]:
    """(model, version, why it is not the trained one)."""
    rule_id = str(rule["rule_id"])
    if row is None:
        note = "no model has been trained yet"
    elif row["event_hash"] != rule["event_hash"]:
        note = "the rule has changed since its model was trained"
    else:
        try:
            version = str(row["model_version"])
            return AlertModel.restored(artefact.read_files(settings, version, row["sha256"])), version, None
        except ArtefactRefused as error:
            note = f"its model was refused: {error}"
    plain = AlertModel("climatology", Calibrator(), None, implied.ASSUMED, load_alert_params(rule_id))
    return plain, f"{rule_id}-climatology-untrained", note


def _rows(rows: AlertRows, model: AlertModel, forecasts: Forecasts, note: str | None) -> pd.DataFrame:
    """One row per series, columns of ml.alert_probabilities that depend on the rule."""
    spec = rows.rule
    p, why = model.answer(rows, forecasts)
    start = (rows.window_h * HOUR).astype("datetime64[s]").astype("datetime64[us]")
    table = pd.DataFrame({"series_id": rows.series["series_id"].to_numpy()[rows.code]})
    table["origin_at"] = (rows.origin_h * HOUR).astype("datetime64[s]").astype("datetime64[us]")
    table["window_start"] = start
    table["window_end"] = start + np.timedelta64(spec.window_h, "h")
    table["probability"] = p.round(6)
    table["climatology"] = climatology(rows).round(6)
    table["act_from"] = spec.act_from
    table["is_alert"] = table["probability"] >= spec.act_from
    table["method"] = [model.method if reason is None else "climatology" for reason in why]
    table["reason"] = [reason or note for reason in why]
    return table
