"""A/B: half of the series each, for as many days as it takes to tell the stated difference; then it stops.

A forecast does not change what it forecasts, so each arm answers every series and the other half is scored unpublished:
the difference is paired by series and hour, one figure a day, far sharper than one between two halves. The size is set
before the test and the answer is read once, at that size: looking every day would find a difference where none is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ml.forecaster import Floats
from ml.paired import long_run

LEAST_DAYS, MOST_DAYS = 14, 365
USUAL_SD = 0.1  # of a day's relative difference, where no backtest tells


@dataclass(frozen=True)
class Outcome:
    """`difference`: share by which B's loss is lower than A's, with its confidence interval; None before two days."""

    n_days: int
    needed: int
    difference: float | None
    low: float | None
    high: float | None

    @property
    def is_decided(self) -> bool:
        return self.n_days >= self.needed

    @property
    def better(self) -> str | None:
        """`a` or `b`, once it is decided and the interval holds no zero."""
        if not self.is_decided or self.low is None or self.high is None:
            return None
        return "b" if self.low > 0 else "a" if self.high < 0 else None

    def __str__(self) -> str:
        size = f"{min(self.n_days, self.needed)} of {self.needed} days"
        if self.difference is None:
            return size
        told = f"B's loss is {abs(self.difference):.1%} {'lower' if self.difference >= 0 else 'higher'}"
        return f"{told} [{self.low:.1%}, {self.high:.1%}], {size}"


def half(series_id: str, trial: str) -> str:
    """`a` or `b`: the same series, the same half for as long as the trial runs."""
    return "ab"[hashlib.sha256(f"{trial}|{series_id}".encode()).digest()[0] % 2]


def size(days: Floats, effect: float, alpha: float, power: float) -> int:
    """Days that tell a relative difference of `effect`, by earlier relative differences a day (n,).

    Two-sided, with the degrees of freedom of the test (ml/paired.py), between LEAST_DAYS and MOST_DAYS. The variance is
    taken at its upper 90 % bound: some weeks know it only roughly, and too short a test misses what it was held for.
    """
    sd = _spread(days) if len(days) >= LEAST_DAYS else USUAL_SD
    for n in range(LEAST_DAYS, MOST_DAYS):
        freedom = 2 * int(np.cbrt(n) + 1e-9)
        if stats.nct.sf(stats.t.isf(alpha / 2, freedom), freedom, effect * np.sqrt(n) / max(sd, 1e-9)) >= power:
            return n
    return MOST_DAYS


def _spread(days: Floats) -> float:
    """Square root of the long-run variance, as if a day hung on the day before only (AR(1)): steadier than the
    periodogram of some weeks."""
    centred = days - days.mean()
    memory = float(np.clip((centred[1:] @ centred[:-1]) / max(float(centred @ centred), 1e-12), 0, 0.8))
    bound = (len(days) - 1) / stats.chi2.ppf(0.1, len(days) - 1)
    return float(np.sqrt(days.var(ddof=1) * bound * (1 + memory) / (1 - memory)))


def outcome(days: Floats, needed: int, alpha: float) -> Outcome:
    """Of relative differences (A less B, over A's mean) of the first `needed` days (n,), in order of time."""
    days = days[:needed]
    if len(days) < 2:
        return Outcome(len(days), needed, None, None, None)
    variance, freedom = long_run(days)
    mean, reach = float(days.mean()), float(stats.t.isf(alpha / 2, freedom) * np.sqrt(variance / len(days)))
    return Outcome(len(days), needed, mean, mean - reach, mean + reach)


def relative(a: Floats, b: Floats) -> Floats:
    """Daily differences of the mean losses (n,) over A's mean."""
    level = float(np.mean(a)) if len(a) else 0.0
    return np.asarray((a - b) / level if level > 0 else np.zeros(len(a)))
