"""A/B: half of the series each, for as many days as it takes to tell the stated difference; then it stops.

A forecast does not change what it forecasts, so each arm answers every series and the other half is scored unpublished:
the difference is paired by series and hour, one figure a day, far sharper than one between two halves. The size is
stated from the backtest and stated again as the spread, and only the spread, becomes better known; the answer is read
once, at that size: looking every day would find a difference where none is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, stats

from ml.forecaster import Floats
from ml.paired import long_run

LEAST_DAYS, MOST_DAYS = 14, 365
USUAL_SD = 0.1  # of a day's relative difference, where no backtest tells


@dataclass(frozen=True)
class Outcome:
    """`difference`: by how much B's loss is lower than A's (`relative`), with its interval; None before two days."""

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
    n = np.arange(LEAST_DAYS, MOST_DAYS)
    seen = np.array([_seen(2 * int(np.cbrt(each) + 1e-9), alpha, power) for each in n])
    enough = n[effect * np.sqrt(n) >= seen * sd]
    return int(enough[0]) if len(enough) else MOST_DAYS


@lru_cache
def _seen(freedom: int, alpha: float, power: float) -> float:
    """Standard errors that a difference must amount to, to be called with this power (noncentral t)."""
    limit = stats.t.isf(alpha / 2, freedom)
    return float(optimize.brentq(lambda shift: stats.nct.sf(limit, freedom, shift) - power, 0, 50))


def _spread(days: Floats) -> float:
    """Square root of the long-run variance: as if a day hung on the day before only (AR(1)), which some weeks can tell,
    or by the lowest frequencies where these say more."""
    centred = days - days.mean()
    memory = float(np.clip((centred[1:] @ centred[:-1]) / max(float(centred @ centred), 1e-12), 0, 0.8))
    bound = (len(days) - 1) / stats.chi2.ppf(0.1, len(days) - 1)
    return float(np.sqrt(max(days.var(ddof=1) * bound * (1 + memory) / (1 - memory), long_run(days)[0])))


def outcome(before: Floats, days: Floats, effect: float, alpha: float, power: float) -> Outcome:
    """Of relative differences of a trial's days (n,) in order of time; `before`: those of a backtest, for the size."""
    for n in range(LEAST_DAYS, len(days) + 1):
        if n >= size(_spread_of(before, days[:n]), effect, alpha, power):
            return _told(days[:n], n, alpha)
    needed = size(_spread_of(before, days), effect, alpha, power)
    return _told(days, max(needed, len(days) + 1), alpha)


def _spread_of(*parts: Floats) -> Floats:
    """Each part about its own mean: in the backtest the arms may have differed by another amount."""
    return np.concatenate([part - part.mean() if len(part) else part for part in parts])


def _told(days: Floats, needed: int, alpha: float) -> Outcome:
    if len(days) < 2:
        return Outcome(len(days), needed, None, None, None)
    variance, freedom = long_run(days)
    mean, reach = float(days.mean()), float(stats.t.isf(alpha / 2, freedom) * np.sqrt(variance / len(days)))
    return Outcome(len(days), needed, mean, mean - reach, mean + reach)


def relative(a: Floats, b: Floats) -> Floats:
    """(n,) daily differences of losses (n, series), A less B over their mean, averaged over the series.

    A day of haze, or a series of large values, weighs no more than another.
    """
    both = a + b
    return np.asarray(np.where(both > 0, 2 * (a - b) / np.where(both > 0, both, 1.0), 0.0).mean(axis=1))
