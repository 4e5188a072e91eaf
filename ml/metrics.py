"""Scores of calibrated forecasts, by whatever column: utilsforecast's losses, and what it lacks by its formula.

MASE: mean of |error| / scale, the scale being the in-sample error of "same hour yesterday" of the series
(Hyndman & Koehler 2006). Skill: 1 - MAE / MAE of the best naive method over the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
from utilsforecast import losses

from ml.dataset import Panel
from ml.forecaster import MEDIAN, QUANTILE_NAMES, QUANTILES, Floats, is_naive

INTERVALS = {80: ("q10", "q90"), 90: ("q05", "q95")}
SCORES = ("mae", "rmse", "mase", "bias", "pinball", "coverage80", "coverage90", "skill", "n_rows", "n_origins")


@dataclass(frozen=True)
class Scored:
    """Forecasts of several models for the same rows, with their truth. Arrays of equal length m."""

    rows: pd.DataFrame  # series_id, origin_at, horizon_h
    actual: Floats
    scale: Floats
    answers: dict[str, Floats]  # model -> (m, 7)

    def __len__(self) -> int:
        return len(self.actual)

    def table(self) -> pa.Table:
        """One line per model and row: the columns of ml.backtests that do not depend on the run."""
        parts = []
        for model, answer in self.answers.items():
            part = self.rows.assign(model=model, actual=self.actual, scale=self.scale)
            part["point"] = answer[:, MEDIAN]
            part[list(QUANTILE_NAMES)] = answer
            parts.append(pa.Table.from_pandas(part, preserve_index=False))
        return pa.concat_tables(parts)

    def scores(self, by: str | None = None) -> pd.DataFrame:
        """One line per model and value of `by` (a column of rows; None = over all rows): the SCORES."""
        columns = ["model", *([by] if by else []), *SCORES]
        if not len(self):
            return pd.DataFrame(columns=columns)
        frame = self.rows.assign(y=self.actual, overall="all")
        key = by or "overall"
        models = list(self.answers)
        found = [_losses(self._widened(frame, model), model, key, self.scale) for model in models]
        table = pd.concat(found, ignore_index=True)
        naive = table[table["model"].map(is_naive)].groupby(key)["mae"].min()
        table["skill"] = 1 - table["mae"] / table[key].map(naive).replace(0, np.nan)
        return table[columns]

    def by_bucket(self, ends: tuple[int, ...]) -> pd.DataFrame:
        """The SCORES per model and horizon bucket with rows; `bucket` names its first and last hour."""
        horizon = self.rows["horizon_h"].to_numpy()
        if not len(horizon):
            return self.scores().assign(bucket="")
        last = np.minimum(ends, horizon.max())
        names = np.array([f"{a + 1}-{b}" for a, b in zip((0, *last), last, strict=False)])
        number = np.searchsorted(ends, horizon)
        found = replace(self, rows=self.rows.assign(bucket=number)).scores(by="bucket")
        return found.assign(bucket=names[found["bucket"].to_numpy(np.int64)])

    def _widened(self, frame: pd.DataFrame, model: str) -> pd.DataFrame:
        answer = dict(zip(QUANTILE_NAMES, self.answers[model].T, strict=True))
        wide = frame.assign(**{model: self.answers[model][:, MEDIAN], **answer})
        for level, (low, high) in INTERVALS.items():
            wide[f"{model}-lo-{level}"], wide[f"{model}-hi-{level}"] = wide[low], wide[high]
        return wide


def _losses(frame: pd.DataFrame, model: str, key: str, scale: Floats) -> pd.DataFrame:
    same = {"id_col": key, "cutoff_col": "no_cutoff"}
    frame = frame.assign(scaled=np.abs(frame[model] - frame["y"]) / np.where(scale > 0, scale, np.nan))
    groups = frame.groupby(key, sort=True, observed=True)
    table = groups.agg(mase=("scaled", "mean"), n_rows=("y", "size"), n_origins=("origin_at", "nunique"))
    for name in ("mae", "rmse", "bias"):
        table[name] = getattr(losses, name)(frame, [model], **same).set_index(key)[model]
    for level in INTERVALS:
        table[f"coverage{level}"] = losses.coverage(frame, [model], level=level, **same).set_index(key)[model]
    quantiles = {model: list(QUANTILE_NAMES)}
    table["pinball"] = losses.mqloss(frame, quantiles, np.array(QUANTILES), **same).set_index(key)[model]
    return table.reset_index().assign(model=model)


def seasonal_scale(panel: Panel) -> Floats:
    """Per series code: mean |value - value a day before| over the last day of the rows' origins; NaN where unknown."""
    there = np.unique(panel.origin)
    history = panel.history[there, :48]
    change = np.abs(history[:, :24] - history[:, 24:48]).astype(np.float64)
    known = np.isfinite(change)
    size = len(panel.series)
    total = np.bincount(panel.series_code[there], np.where(known, change, 0).sum(axis=1), minlength=size)
    count = np.bincount(panel.series_code[there], known.sum(axis=1), minlength=size)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
