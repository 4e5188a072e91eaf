"""Every column of the marts judged for drift at the end of a run, many at once: rows of ml.drift."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import stats

from ml.forecaster import Floats
from ml.monitor.drift import ASPECTS, CHANGE_WINDOWS_H, DEFAULTS, Judged, judge
from ml.monitor.params import DriftParams, load_drift_params
from warehouse import monitoring
from warehouse.settings import Settings

JUDGED = (
    "n_current", "n_reference", "n_past", "score", "usual", "p_value", "shift", "ratio", "still",
)  # fmt: skip
STANDS_STILL = 0.5
LATEST = timedelta(days=7)  # a column that is silent for longer is stale, not drifting


@dataclass(frozen=True)
class Column:
    """Hourly values of one series as measured, or as forecast within a day."""

    dataset: str
    series_id: str
    kind: str  # target, feature, prediction
    first_at: datetime
    values: Floats  # (n,) NaN where unknown, the last one known

    @property
    def last_at(self) -> datetime:
        return self.first_at + timedelta(hours=len(self.values) - 1)


@dataclass(frozen=True)
class Verdict:
    """One test of a run. `q_value`: the least false discovery rate at which it counts (Benjamini & Hochberg 1995);
    `limit`: the score from which on it would have counted among the tests of this run."""

    column: Column
    aspect: str | None  # None: not judged at all
    window_h: int | None
    judged: Judged | None = None
    q_value: float = 1.0
    limit: float = np.inf
    why_not: str | None = None
    rate: float = DEFAULTS.false_discovery_rate  # from which on it counts

    @property
    def is_drift(self) -> bool:
        return self.q_value <= self.rate

    @property
    def what(self) -> str | None:
        """What is different, for a person."""
        if self.judged is None or not self.is_drift:
            return None
        found = self.judged
        side = "above" if found.shift > 0 else "below"
        level = f"{abs(found.shift):.1f} standard deviations {side} the reference"
        if found.aspect == "level":
            return level
        if found.aspect == "scale":
            return f"about {np.exp(np.mean(found.current) - np.mean(found.reference)):.2g} times the reference, {level}"
        if found.still > STANDS_STILL:
            return f"stands still in {found.still:.0%} of {found.window_h} hours"
        return f"changes {found.ratio:.2g} times as much from hour to hour as the reference, {level}"


def watch(settings: Settings, *, now: datetime, run_id: str) -> list[Verdict]:
    """Judges all columns as they are known at `now` and puts the verdicts on record."""
    found = verdicts(list(columns(settings, now)), now, load_drift_params())
    monitoring.write_drift(settings, run_id, rows(found, run_id, now))
    return found


def columns(settings: Settings, now: datetime) -> Iterator[Column]:
    for row in monitoring.hours_known(settings, now).to_pylist():
        hour = np.array(row["hour"])
        values = np.full(hour[-1] + 1, np.nan)
        values[hour] = row["value"]
        yield Column(row["dataset"], row["series_id"], row["kind"], row["first_at"], values)


def verdicts(found: list[Column], now: datetime, params: DriftParams = DEFAULTS) -> list[Verdict]:
    """All columns, windows and aspects; those that cannot be judged say why."""
    told: list[Verdict] = []
    for column in found:
        if now - column.last_at > LATEST:
            silent = f"nothing known for {(now - column.last_at).days} days"
            told.append(Verdict(column, None, None, why_not=silent))
            continue
        for aspect, window in _asked(params):
            item = judge(column.values, window, aspect, params)
            judged, why_not = (item, None) if isinstance(item, Judged) else (None, item)
            told.append(Verdict(column, aspect, window, judged=judged, why_not=why_not))
    for aspect, share in ASPECTS.items():
        told = _corrected(told, aspect, params.false_discovery_rate * share)
    return told


def _asked(params: DriftParams) -> Iterator[tuple[str, int]]:
    """(aspect, window in hours) of every test of a column."""
    for aspect in ASPECTS:
        for window in CHANGE_WINDOWS_H if aspect == "change" else params.windows_h:
            yield aspect, window


def _corrected(told: list[Verdict], aspect: str, rate: float) -> list[Verdict]:
    """With the q-values of one aspect's tests, all columns and windows together."""
    mine = [verdict for verdict in told if verdict.judged and verdict.aspect == aspect]
    p_values = np.array([verdict.judged.p_value for verdict in mine if verdict.judged])
    q_values = stats.false_discovery_control(p_values) if len(p_values) else p_values
    counted = p_values[q_values <= rate]
    # just above the last one that counts: there and back through Student's t costs the last digits
    p_limit = max(counted, default=rate / max(1, len(p_values))) * (1 + 1e-9)
    rates = iter(q_values)
    return [
        replace(verdict, q_value=float(next(rates)), limit=verdict.judged.past.score_at(p_limit), rate=rate)
        if verdict.judged and verdict.aspect == aspect
        else verdict
        for verdict in told
    ]


def rows(found: list[Verdict], run_id: str, now: datetime) -> pa.Table | None:
    """Columns of ml.drift."""
    if not found:
        return None
    return pa.Table.from_pandas(
        pd.DataFrame([_row(verdict) for verdict in found]).assign(run_id=run_id, created_at=pd.Timestamp(now)),
        preserve_index=False,
    )


def _row(verdict: Verdict) -> dict[str, Any]:
    column, found = verdict.column, verdict.judged
    row: dict[str, Any] = {
        "dataset": column.dataset,
        "series_id": column.series_id,
        "kind": column.kind,
        "aspect": verdict.aspect,
        "window_h": verdict.window_h,
        "current_to": pd.Timestamp(column.last_at),
        "is_drift": verdict.is_drift,
        "what": verdict.what,
        "why_not": verdict.why_not,
    }
    if found is not None:
        row |= {name: getattr(found, name) for name in JUDGED}
        row |= {"reference": found.kind, "q_value": verdict.q_value, "score_limit": verdict.limit}
    return row
