"""Raw quantiles made honest by past errors: split-conformal stretching by horizon bucket.

For a level above one half the distance between quantile and median is multiplied by the factor that would have
covered its share of the truths on windows the model was not trained on; below one half likewise
(multiplicative form of conformalised quantile regression, Romano, Patterson & Candes 2019). The median stays.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.forecaster import MEDIAN, QUANTILES, Floats
from ml.params import Calibrating

TINY = 1e-9


@dataclass(frozen=True)
class Calibration:
    """Factors (n_buckets, 7) of the distance to the median; buckets end at these horizons."""

    ends: tuple[int, ...]
    factors: Floats

    @classmethod
    def none(cls, params: Calibrating) -> Calibration:
        return cls(params.horizon_buckets, np.ones((len(params.horizon_buckets), len(QUANTILES))))

    def bucket(self, horizon: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.minimum(np.searchsorted(self.ends, horizon), len(self.ends) - 1)

    def apply(self, raw: Floats, horizon: NDArray[np.int64], widen: Floats | float = 1.0) -> Floats:
        """Sorted quantiles; `widen` (per row) stretches them further."""
        centre = raw[:, [MEDIAN]]
        stretch = self.factors[self.bucket(horizon)] * np.reshape(np.broadcast_to(widen, len(horizon)), (-1, 1))
        return np.sort(centre + (raw - centre) * stretch, axis=1)

    def to_json(self) -> bytes:
        return json.dumps({"ends": self.ends, "factors": self.factors.round(6).tolist()}, sort_keys=True).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Calibration:
        found = json.loads(text)
        return cls(tuple(found["ends"]), np.array(found["factors"], np.float64))


def calibrate(raw: Floats, actual: Floats, horizon: NDArray[np.int64], params: Calibrating) -> Calibration:
    """Factors from the errors of windows the model was not trained on; a thin bucket takes those of all horizons."""
    identity = Calibration.none(params)
    known = np.isfinite(raw).all(axis=1) & np.isfinite(actual)
    raw, actual, bucket = raw[known], actual[known], identity.bucket(horizon[known])
    if len(actual) < params.min_rows:
        return identity
    overall = _factors(raw, actual)
    factors = identity.factors.copy()
    for number in range(len(identity.ends)):
        mine = bucket == number
        factors[number] = _factors(raw[mine], actual[mine]) if mine.sum() >= params.min_rows else overall
    return Calibration(identity.ends, factors)


def _factors(raw: Floats, actual: Floats) -> Floats:
    centre = raw[:, MEDIAN]
    factors = np.ones(len(QUANTILES))
    for position, level in enumerate(QUANTILES):
        if position == MEDIAN:
            continue
        reach = raw[:, position] - centre
        usable = np.abs(reach) > TINY
        if usable.any():
            share = max(level, 1 - level)
            factors[position] = max(float(np.quantile((actual - centre)[usable] / reach[usable], share)), 0.0)
    return factors
