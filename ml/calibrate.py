"""Raw quantiles made honest by past errors: split-conformal stretching by horizon bucket.

For a level above one half the distance between quantile and median is multiplied by the factor that would have
covered its share of the truths on windows the model was not trained on; below one half likewise
(multiplicative form of conformalised quantile regression, Romano, Patterson & Candes 2019). The median stays.
What happened since is told by `ml.recalibrate`, what is missing at an origin by `ml.inputs`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.forecaster import MEDIAN, QUANTILES, Floats
from ml.inputs import Widening
from ml.params import Calibrating

TINY = 1e-9


@dataclass(frozen=True)
class Calibration:
    """Factors (n_buckets, 7) of the distance to the median; buckets end at these horizons.

    `drift` (n_buckets, 7): logarithm of a further stretch, learnt from forecasts that came after the factors.
    `widening`: how much more where inputs are missing.
    """

    ends: tuple[int, ...]
    factors: Floats
    drift: Floats
    widening: Widening

    @classmethod
    def none(cls, params: Calibrating) -> Calibration:
        shape = (len(params.horizon_buckets), len(QUANTILES))
        return cls(params.horizon_buckets, np.ones(shape), np.zeros(shape), Widening.untrained())

    def bucket(self, horizon: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.minimum(np.searchsorted(self.ends, horizon), len(self.ends) - 1)

    def apply(
        self, raw: Floats, horizon: NDArray[np.int64], widen: Floats | float = 1.0, drift: Floats | None = None
    ) -> Floats:
        """Sorted quantiles. `widen`, () or (m, 7), stretches further; `drift` stands in for the stored one."""
        bucket = self.bucket(horizon)
        stretch = self.factors[bucket] * np.exp((self.drift if drift is None else drift)[bucket])
        centre = raw[:, [MEDIAN]]
        answer = np.sort(centre + (raw - centre) * stretch * widen, axis=1)
        return np.asarray(answer, np.float64)

    def to_json(self) -> bytes:
        found = {
            "ends": self.ends,
            "factors": self.factors.round(6).tolist(),
            "drift": self.drift.round(6).tolist(),
            "widening": self.widening.to_dict(),
        }
        return json.dumps(found, sort_keys=True).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Calibration:
        found = json.loads(text)
        factors = np.array(found["factors"], np.float64)
        drift = np.array(found["drift"], np.float64) if "drift" in found else np.zeros_like(factors)
        widening = Widening.from_dict(found["widening"]) if "widening" in found else Widening.untrained()
        if factors.shape != (len(found["ends"]), len(QUANTILES)) or drift.shape != factors.shape:
            raise ValueError(f"factors of {factors.shape} and drift of {drift.shape} for {len(found['ends'])} buckets")
        return cls(tuple(found["ends"]), factors, drift, widening)


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
    return Calibration(identity.ends, factors, identity.drift, identity.widening)


def _factors(raw: Floats, actual: Floats) -> Floats:
    """Per level the ceil((n + 1) * share)-th smallest of the n ratios of error to raw distance: exact for n + 1
    exchangeable errors. Lower and upper tail have their own."""
    centre = raw[:, MEDIAN]
    factors = np.ones(len(QUANTILES))
    for position, level in enumerate(QUANTILES):
        if position == MEDIAN:
            continue
        reach = raw[:, position] - centre
        usable = np.abs(reach) > TINY
        if usable.any():
            ratios, share = (actual - centre)[usable] / reach[usable], max(level, 1 - level)
            rank = min(int(np.ceil((len(ratios) + 1) * share)), len(ratios)) - 1
            factors[position] = max(float(np.partition(ratios, rank)[rank]), 0.0)
    return factors
