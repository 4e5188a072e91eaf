"""The probability that published forecast quantiles imply for a statistic over a window.

Each hour's quantiles are its distribution: straight lines between them on the normal scale, drawn on beyond the outer
ones. A window needs their dependence, and it is an assumption: a Gaussian copula whose normal scores follow an AR(1)
over the hours, its coefficient estimated from past forecasts and their truths (0.9 where they tell none). With full
dependence a mean would be as uncertain as its hours, with none extremes over a day near certain. The same draws
serve every row, so that a row's probability does not depend on its company.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.alerts.dataset import AlertRows, Floats
from ml.dataset import HOUR, seconds_of
from ml.forecaster import NORMAL_SCORES, QUANTILE_NAMES
from warehouse.alert_rules import AlertRule

ASSUMED = 0.9
LEAST_PAIRS = 300
LEAST_SPREAD = 1e-9  # of normal scores: below it they are one number, told by floats
ROWS_AT_ONCE = 2_000
REDUCE: dict[str, Callable[[Floats], Floats]] = {
    "mean": lambda values: np.asarray(values.mean(axis=0)),
    "max": lambda values: np.asarray(values.max(axis=0)),
    "min": lambda values: np.asarray(values.min(axis=0)),
}


@dataclass(frozen=True)
class Forecasts:
    """Quantiles (n, window_h, 7) of the windows of a rule, by series and origin hour."""

    keys: pd.MultiIndex
    quantiles: Floats
    actual: Floats  # (n, window_h) what came, NaN where unknown

    def __len__(self) -> int:
        return len(self.quantiles)

    @classmethod
    def none(cls, rule: AlertRule) -> Forecasts:
        no_keys = pd.MultiIndex.from_arrays([np.empty(0, object), np.empty(0, np.int64)])
        return cls(no_keys, np.empty((0, rule.window_h, len(QUANTILE_NAMES))), np.empty((0, rule.window_h)))

    @classmethod
    def of(cls, table: pa.Table, rule: AlertRule) -> Forecasts:
        """From rows by series, origin and horizon; a window that lacks an hour is left out."""
        window = rule.window_h
        frame = table.to_pandas()
        whole = frame.groupby(["series_id", "origin_at"], sort=False)["horizon_h"].transform("size") == window
        frame = frame[whole.to_numpy(bool)] if len(frame) else frame
        first = frame.iloc[::window]
        hours = first["origin_at"].to_numpy().astype("datetime64[s]").astype(np.int64) // HOUR
        quantiles = frame[list(QUANTILE_NAMES)].to_numpy(np.float64).reshape(-1, window, len(QUANTILE_NAMES))
        actual = frame["actual"].to_numpy(np.float64).reshape(-1, window)
        return cls(pd.MultiIndex.from_arrays([first["series_id"], hours]), quantiles, actual)

    def before(self, moment: datetime) -> Forecasts:
        """Those whose window had ended by the moment."""
        hours = self.keys.get_level_values(1).to_numpy(np.int64)
        ended = hours * HOUR + 48 * HOUR <= seconds_of(moment)
        return Forecasts(self.keys[ended], self.quantiles[ended], self.actual[ended])

    def persistence(self) -> float:
        """AR(1) coefficient of the normal scores of the hours of one forecast; assumed where it cannot be told."""
        return estimate_persistence(self.quantiles, self.actual)

    def aligned(self, rows: AlertRows) -> Floats:
        """(n, window_h, 7) for the rows; NaN where there is no forecast."""
        position = np.asarray(self.keys.get_indexer(rows.keys()))
        padded = np.concatenate([self.quantiles, np.full((1, *self.quantiles.shape[1:]), np.nan)])
        return padded[position]


def weights(scores: Floats) -> Floats:
    """(7, ...) how much of each quantile makes the value at a normal score; beyond the outer ones lines go on."""
    knots = NORMAL_SCORES
    left = np.clip(np.searchsorted(knots, scores) - 1, 0, len(knots) - 2)
    share = (scores - knots[left]) / (knots[left + 1] - knots[left])
    found = np.zeros((len(knots), *scores.shape))
    np.put_along_axis(found, left[None], (1 - share)[None], axis=0)
    np.put_along_axis(found, left[None] + 1, share[None], axis=0)
    return found


def probability(quantiles: Floats, rule: AlertRule, persistence: float, *, draws: int, seed: int) -> Floats:
    """(n,) share of drawn windows that are events; NaN where a quantile is missing. `persistence`: of the AR(1)."""
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(draws // 2, rule.window_h))
    shocks = np.concatenate([half, -half])  # antithetic: as many paths above as below
    scores = np.empty_like(shocks)
    scores[:, 0] = shocks[:, 0]
    for hour in range(1, rule.window_h):
        scores[:, hour] = persistence * scores[:, hour - 1] + np.sqrt(1 - persistence**2) * shocks[:, hour]
    mix = weights(scores)  # (7, draws, window)
    found = np.full(len(quantiles), np.nan)
    complete = np.flatnonzero(np.isfinite(quantiles).all(axis=(1, 2)))
    for start in range(0, len(complete), ROWS_AT_ONCE):
        at = complete[start : start + ROWS_AT_ONCE]
        values = np.einsum("nhq,qdh->hnd", quantiles[at], mix, optimize=True)
        reduced = REDUCE[rule.statistic](values)
        beyond = reduced > rule.threshold if rule.direction == "above" else reduced < rule.threshold
        found[at] = (beyond.sum(axis=1) + 0.5) / (reduced.shape[1] + 1)
    return found


def normal_scores(quantiles: Floats, actual: Floats) -> Floats:
    """Where each truth fell in its forecast, on the normal scale, within what the outer quantiles tell: (n, h)."""
    known = np.isfinite(actual) & np.isfinite(quantiles).all(axis=2)
    told, truth = quantiles[known], actual[known]
    left = np.clip((told <= truth[:, None]).sum(axis=1) - 1, 0, len(NORMAL_SCORES) - 2)
    low, high = (np.take_along_axis(told, at[:, None], axis=1)[:, 0] for at in (left, left + 1))
    apart = high > low  # outer quantiles that are equal have no line between them: a truth is at either end
    share = np.where(apart, np.clip((truth - low) / np.where(apart, high - low, 1.0), 0, 1), truth >= high)
    found = np.full(actual.shape, np.nan)
    found[known] = NORMAL_SCORES[left] + share * (NORMAL_SCORES[left + 1] - NORMAL_SCORES[left])
    return found


def estimate_persistence(quantiles: Floats, actual: Floats) -> float:
    """Correlation of the normal scores of neighbouring hours of one forecast, between 0 and 0.99.

    Assumed where pairs are too few, or where all lie at one place of their forecast and have no correlation.
    """
    scores = normal_scores(quantiles, actual)
    before, after = scores[:, :-1].ravel(), scores[:, 1:].ravel()
    both = np.isfinite(before) & np.isfinite(after)
    before, after = before[both], after[both]
    if len(before) < LEAST_PAIRS or min(before.std(), after.std()) < LEAST_SPREAD:
        return ASSUMED
    return float(np.clip(np.corrcoef(before, after)[0, 1], 0.0, 0.99))
