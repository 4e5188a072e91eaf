"""A calibration brought up to date by what became of the model's own forecasts: the same code for backtest and live.

Half a year passes, the errors grow or shrink, and factors learnt once no longer hold. So at each origin the misses of
forecasts from earlier origins, as far as their truth was known by then, stretch or narrow the intervals: adaptive
conformal inference (Gibbs & Candes 2021) in the integrator form of conformal PID control (Angelopoulos, Candes &
Tibshirani 2023). What is integrated is the share of misses less its nominal value, so that a quantile's misses over
T days are off by at most the total stretch it took / (rate x T), whatever the errors do.

Only whether the truth lay beyond each published quantile is needed: nothing of the raw answer has to be kept.
Most of a drift is common to all quantiles, hence four gains (params `calibration.rates`): the width of all intervals,
of a bucket, of one level, and the balance between the tails. A miss on the left and one on the right tell alike that
the interval is too narrow; a day that lies high as a whole tells nothing about widths, and cancels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml.calibrate import Calibration
from ml.dataset import HOUR, Panel
from ml.forecaster import MEDIAN, NORMAL_SCORES, QUANTILES, Floats
from ml.params import Calibrating, Rates

LEVELS = np.array(QUANTILES)
BELOW = LEVELS < 0.5
SIDE = np.where(BELOW, 1.0, -1.0)
TAIL = np.where(BELOW, LEVELS, 1 - LEVELS)  # nominal share of misses
_SCORES = np.abs(NORMAL_SCORES)
_DENSITY = np.exp(-(_SCORES**2) / 2) / np.sqrt(2 * np.pi)
# misses per unit of log width for a normal error: from a share of misses to a relative error of the width
SLOPE = np.where(_SCORES > 0, _DENSITY * _SCORES, 1.0)
_INFORMATION = np.where(BELOW, SLOPE**2 / (TAIL * (1 - TAIL)), 0.0)
WEIGHT = _INFORMATION / _INFORMATION.sum()  # of the levels below one half in what they say together
MOST = 1.5  # of the drift, up and down: e^1.5 = 4.5
DAY_H = 24


def missed(quantiles: Floats, actual: Floats) -> Floats:
    """(m, 7): 1 where the truth lies below a lower or above an upper quantile; the median misses nothing."""
    beyond = np.where(BELOW, actual[:, None] < quantiles, actual[:, None] > quantiles).astype(np.float64)
    beyond[:, MEDIAN] = 0.0
    return beyond


@dataclass
class Evidence:
    """Misses by origin and bucket: `misses` (n, n_buckets, 7) of `counts` (n, n_buckets) known truths."""

    origin_h: NDArray[np.int64]  # (n,), rising
    misses: Floats
    counts: Floats
    rates: Rates = field(default_factory=Rates)

    @classmethod
    def empty(cls, origin_h: NDArray[np.int64], n_buckets: int, rates: Rates) -> Evidence:
        shape = (len(origin_h), n_buckets)
        return cls(origin_h, np.zeros((*shape, len(QUANTILES))), np.zeros(shape), rates)

    def add(self, position: NDArray[np.int64], bucket: NDArray[np.int64], misses: Floats, counts: Floats) -> None:
        np.add.at(self.misses, (position, bucket), misses)
        np.add.at(self.counts, (position, bucket), counts)

    def drift(self, start: Floats) -> Floats:
        """(n_buckets, 7): `start` and what the evidence adds to it."""
        seen = self.counts.any(axis=1)
        if not seen.any():
            return start
        counts = self.counts[seen]
        has = counts > 0
        share = self.misses[seen] / np.maximum(counts, 1)[:, :, None]
        error = np.where(has[:, :, None], (share - TAIL) / SLOPE, 0.0)
        error[:, :, MEDIAN] = 0.0
        even, skew = (error + error[:, :, ::-1]) / 2, (error - error[:, :, ::-1]) / 2
        n_buckets = has.sum(axis=1)
        bucket = even @ WEIGHT
        overall, tilt = bucket.sum(axis=1) / n_buckets, (skew @ WEIGHT).sum(axis=1) / n_buckets
        rates = self.rates
        step = rates.all * overall[:, None, None] + rates.bucket * bucket[:, :, None] + rates.level * even
        step = step + rates.skew * tilt[:, None, None] * SIDE
        step[:, :, MEDIAN] = 0.0
        # several origins of one day share its weight
        at = self.origin_h[seen]
        days = np.minimum(np.diff(at, prepend=at[0] - DAY_H) / DAY_H, 1.0)
        found: Floats = np.clip(start + np.tensordot(days, step, axes=1), -MOST, MOST)
        return found


def replay(
    calibration: Calibration, raw: Floats, panel: Panel, params: Calibrating, *, until: int | None = None
) -> tuple[Floats, Floats]:
    """What the model would have published at each origin of the panel, (m, 7), and the drift afterwards.

    Origins in order; an origin knows the truths with known_at at or before it. `until` (seconds since 1970): truths
    known by then count for the final drift.
    """
    at = panel.origin_h[panel.origin]
    origins, position = np.unique(at, return_inverse=True)
    bucket = calibration.bucket(panel.horizon)
    widen = calibration.widening.of(panel, bucket)
    evidence = Evidence.empty(origins, len(calibration.ends), params.rates)
    answers, misses = np.full_like(raw, np.nan), np.zeros_like(raw)
    can_tell = panel.is_ok & np.isfinite(panel.target) & np.isfinite(raw).all(axis=1)
    arrival = np.flatnonzero(can_tell)[np.argsort(panel.known_at[can_tell], kind="stable")]
    arrived_at, done = panel.known_at[arrival], 0
    by_origin = np.argsort(position, kind="stable")
    starts = np.searchsorted(position[by_origin], np.arange(len(origins) + 1))

    def learn(moment: int) -> None:
        nonlocal done
        end = int(np.searchsorted(arrived_at, moment, side="right"))
        fresh = arrival[done:end]
        evidence.add(position[fresh], bucket[fresh], misses[fresh], np.ones(len(fresh)))
        done = end

    for number, origin in enumerate(origins):
        learn(int(origin) * HOUR)
        mine = by_origin[starts[number] : starts[number + 1]]
        drift = evidence.drift(calibration.drift)
        answers[mine] = calibration.apply(raw[mine], panel.horizon[mine], widen[mine], drift)
        misses[mine] = missed(answers[mine], panel.target[mine])
    if until is not None:
        learn(until)
    return answers, evidence.drift(calibration.drift)


def realised(calibration: Calibration, params: Calibrating, published: Mapping[str, NDArray[np.float64]]) -> Floats:
    """The drift (n_buckets, 7) that the published forecasts of a version teach.

    `published`: a line per origin and horizon with truths known by now: origin_h, horizon_h, n truths, misses (k, 7).
    """
    at = published["origin_h"].astype(np.int64)
    origins, position = np.unique(at, return_inverse=True)
    evidence = Evidence.empty(origins, len(calibration.ends), params.rates)
    bucket = calibration.bucket(published["horizon_h"].astype(np.int64))
    evidence.add(position, bucket, published["misses"], published["n"])
    return evidence.drift(calibration.drift)
