"""The alert features of one rule as arrays: the only place where their columns become inputs of a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ml.dataset import HOUR, NEVER, ORIGIN_STATS, floats_of, lists_of, seconds_of, times_of
from warehouse import alerts as reads
from warehouse.alert_rules import AlertRule
from warehouse.alerts import HISTORY_H, Asked
from warehouse.settings import Settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Pairs = dict[str, tuple[Floats, Floats]]
# Of the mart's columns, those that tell what happened in the window: a feature of such a name is refused.
LABEL_COLUMNS = ("actual", "is_event", "label_known_at")
STATS = (*ORIGIN_STATS, "persisted")
COUNTS = ("past", "season", "everywhere", "month")


@dataclass(frozen=True)
class AlertRows:
    """Origins of one rule (n). Only `label`, `known_at` know anything of the time after an origin."""

    rule: AlertRule
    event_hash: str
    series: pd.DataFrame  # series_id, place_id, latitude: the position is the series' code
    code: Ints  # (n,)
    origin_h: Ints  # (n,) hours since 1970, UTC
    local_hour: Ints  # (n,) wall clock at the first hour of the window
    local_weekday: Ints  # (n,) Monday = 0
    stats: dict[str, Floats]  # STATS -> (n,)
    history: Floats  # (n, 72) newest first
    counts: Pairs  # COUNTS -> outcomes known, events among them
    beside: Pairs  # other variable -> last value, mean of 24 hours
    label: Floats  # (n,) 1, 0 or NaN
    known_at: Ints  # (n,) seconds since 1970

    def __len__(self) -> int:
        return len(self.origin_h)

    @property
    def sign(self) -> float:
        return 1.0 if self.rule.direction == "above" else -1.0

    @property
    def window_h(self) -> Ints:
        """(n,) first hour of the window."""
        return self.origin_h + self.rule.lead_h

    @property
    def labelled(self) -> Mask:
        return np.isfinite(self.label)

    @property
    def n_events(self) -> int:
        return int(np.nansum(self.label))

    @property
    def n_event_days(self) -> int:
        """Days on which an event's window began, anywhere."""
        return len(np.unique(self.window_h[self.label == 1] // 24))

    def at(self, mask: Mask | Ints) -> AlertRows:
        def picked(pairs: Pairs) -> Pairs:
            return {name: (one[mask], other[mask]) for name, (one, other) in pairs.items()}

        return replace(
            self,
            code=self.code[mask],
            origin_h=self.origin_h[mask],
            local_hour=self.local_hour[mask],
            local_weekday=self.local_weekday[mask],
            stats={name: values[mask] for name, values in self.stats.items()},
            history=self.history[mask],
            label=self.label[mask],
            known_at=self.known_at[mask],
            counts=picked(self.counts),
            beside=picked(self.beside),
        )

    def known_before(self, moment: datetime) -> AlertRows:
        """Rows whose label was known by the moment: what training at that moment may use."""
        return self.at(self.labelled & (self.known_at <= seconds_of(moment)))

    def between(self, start: datetime, end: datetime) -> AlertRows:
        """Labelled rows with an origin in [start, end)."""
        at = self.origin_h * HOUR
        return self.at(self.labelled & (at >= seconds_of(start)) & (at < seconds_of(end)))

    def keys(self) -> pd.MultiIndex:
        return pd.MultiIndex.from_arrays([self.series["series_id"].to_numpy()[self.code], self.origin_h])


def read(settings: Settings, rule: dict[str, Any], asked: Asked) -> AlertRows:
    """Rows of a rule (a row of dim_alert_rules)."""
    spec = AlertRule(**{name: rule[name] for name in AlertRule.__dataclass_fields__})
    table = reads.features(settings, spec.rule_id, asked)
    return from_tables(spec, str(rule["event_hash"]), table, reads.beside(settings, spec.dataset, spec.variable, asked))


def from_tables(rule: AlertRule, event_hash: str, table: pa.Table, beside: pa.Table) -> AlertRows:
    names = ["series_id", "place_id", "latitude"]
    frame = table.select(names).to_pandas()
    series = frame.drop_duplicates("series_id").reset_index(drop=True)
    code = np.asarray(pd.Index(series["series_id"]).get_indexer(pd.Index(frame["series_id"])))
    origin_h = times_of(table, "origin_at") // HOUR
    local = times_of(table, "local_window_start") // HOUR
    place = pd.Index(series["place_id"])
    keys = pd.MultiIndex.from_arrays([place.get_indexer(pd.Index(frame["place_id"])), origin_h])
    floats = partial(floats_of, table, kind=np.float64)
    label = np.asarray(table.column("is_event").cast(pa.float64()).to_numpy(), np.float64)
    return AlertRows(
        rule=rule,
        event_hash=event_hash,
        series=series,
        code=code,
        origin_h=origin_h,
        local_hour=local % 24,
        local_weekday=(local // 24 + 3) % 7,  # 1970-01-01 was a Thursday
        stats={name: floats(name) for name in STATS},
        history=lists_of(table.column("history"), HISTORY_H, np.float64),
        counts={name: (floats(f"n_{name}"), floats(f"n_events_{name}")) for name in COUNTS},
        beside=_beside(beside, place, keys),
        label=label,
        known_at=np.where(np.isfinite(label), times_of(table, "label_known_at"), NEVER),
    )


def _beside(table: pa.Table, places: pd.Index, keys: pd.MultiIndex) -> dict[str, tuple[Floats, Floats]]:
    found = {}
    frame = table.to_pandas()
    for variable, group in frame.groupby("variable", sort=True):
        hours = group["origin_at"].to_numpy().astype("datetime64[s]").astype(np.int64) // HOUR
        at = pd.MultiIndex.from_arrays([places.get_indexer(pd.Index(group["place_id"])), hours])
        position = np.asarray(at.get_indexer(keys))
        columns = [np.append(group[name].to_numpy(np.float64), np.nan)[position] for name in ("last_value", "mean_24")]
        found[str(variable)] = (columns[0], columns[1])
    return found
