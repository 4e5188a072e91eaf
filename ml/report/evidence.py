"""The numbers behind a report: errors of every model on the report windows, cut in every way that is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ml.forecaster import MEDIAN, Floats, is_naive
from ml.metrics import Scored

DAY_AHEAD_H = 24
MOST_OF_A_DAY = 0.75  # a day of which less is known by now is judged when there is more of it
WORST = 5
NOMINAL = {80: (1, 5), 90: (0, 6)}  # positions of the interval's ends in QUANTILES


@dataclass(frozen=True)
class Evidence:
    """Scores of the report windows. `zones`: series_id -> IANA time zone of its place; `ends`: horizon buckets."""

    scored: Scored
    zones: dict[str, str]
    ends: tuple[int, ...]

    @cached_property
    def naives(self) -> list[str]:
        return sorted(name for name in self.scored.answers if is_naive(name))

    @cached_property
    def best_naive(self) -> str:
        """The naive method with the lowest MAE over all rows."""
        overall = self.errors.abs().mean()
        return str(overall[self.naives].idxmin())

    @cached_property
    def errors(self) -> pd.DataFrame:
        """(m, models) point minus truth."""
        return pd.DataFrame(
            {name: values[:, MEDIAN] - self.scored.actual for name, values in self.scored.answers.items()}
        )

    @cached_property
    def keys(self) -> pd.DataFrame:
        """(m) series_id, origin_at, horizon_h, bucket (its last hour), local_hour, day (UTC day of the origin)."""
        rows = self.scored.rows.reset_index(drop=True)
        ends = np.array(self.ends)
        bucket = ends[np.minimum(np.searchsorted(ends, rows["horizon_h"]), len(ends) - 1)]
        return rows.assign(bucket=bucket, local_hour=self._local_hour(rows), day=rows["origin_at"].dt.floor("D"))

    def _local_hour(self, rows: pd.DataFrame) -> pd.Series:
        at = rows["origin_at"] + pd.to_timedelta(rows["horizon_h"], unit="h")
        hour = pd.Series(0, index=rows.index, dtype=np.int64)
        for series_id, group in at.groupby(rows["series_id"]):
            local = group.dt.tz_localize("UTC").dt.tz_convert(self.zones.get(str(series_id), "UTC"))
            hour.loc[group.index] = local.dt.hour.astype(np.int64)
        return hour

    def mae_by(self, key: str) -> pd.DataFrame:
        """(values of key, models) mean absolute error."""
        return self.errors.abs().groupby(self.keys[key]).mean()

    def observed(self, model: str) -> Floats:
        """(7,) share of truths at or below each quantile."""
        below: Floats = (self.scored.actual[:, None] <= self.scored.answers[model]).mean(axis=0)
        return below

    def covered(self, model: str, level: int) -> pd.Series:
        """(m,) whether the truth lies in the interval of this level."""
        low, high = NOMINAL[level]
        values, actual = self.scored.answers[model], self.scored.actual
        return pd.Series((values[:, low] <= actual) & (actual <= values[:, high]))

    def coverage_by(self, key: str, model: str) -> pd.DataFrame:
        """(values of key; 80, 90) share of truths inside."""
        return pd.DataFrame({level: self.covered(model, level).groupby(self.keys[key]).mean() for level in NOMINAL})

    def worst_days(self, model: str) -> list[pd.DataFrame]:
        """The WORST (series, day) by MAE of their first 24 hours: the truth, this model, the best naive method.

        Columns: target_at, actual, point, low, high (80 %), naive; attrs: series_id, origin_at, mae, naive_mae.
        """
        near = self.keys["horizon_h"] <= DAY_AHEAD_H
        grouped = self.errors[near].abs().groupby([self.keys["series_id"][near], self.keys["origin_at"][near]])
        hours = grouped.size()
        whole = grouped.mean()[hours.ge(MOST_OF_A_DAY * hours.max())]
        by_day = whole.reset_index().assign(day=lambda frame: frame["origin_at"].dt.floor("D"))
        worst = by_day.sort_values(model, ascending=False, kind="stable").drop_duplicates(["series_id", "day"])
        return [self._day(line, model) for _, line in worst.head(WORST).iterrows()]

    def _day(self, line: pd.Series, model: str) -> pd.DataFrame:
        mine = (self.keys["series_id"] == line["series_id"]) & (self.keys["origin_at"] == line["origin_at"])
        at = np.flatnonzero((mine & (self.keys["horizon_h"] <= DAY_AHEAD_H)).to_numpy())
        at = at[np.argsort(self.keys["horizon_h"].to_numpy()[at])]
        low, high = NOMINAL[80]
        values = self.scored.answers[model][at]
        hours = pd.to_timedelta(self.keys["horizon_h"].to_numpy()[at], unit="h")
        frame = pd.DataFrame(
            {
                "target_at": line["origin_at"] + hours,
                "actual": self.scored.actual[at],
                "point": values[:, MEDIAN],
                "low": values[:, low],
                "high": values[:, high],
                "naive": self.scored.answers[self.best_naive][at, MEDIAN],
            }
        )
        frame.attrs = {
            "series_id": str(line["series_id"]),
            "origin_at": pd.Timestamp(line["origin_at"]),
            "mae": float(line[model]),
            "naive_mae": float(line[self.best_naive]),
        }
        return frame
