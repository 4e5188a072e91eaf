"""Thompson sampling per series: a version answers with the probability that it is the best by what became of it.

Thompson (1933), with normal posteriors: an arm's mean loss relative to the day's mean of all arms. Every arm answers
every series and is scored, so each day teaches about all of them, whichever was published. Losses of long ago count
less, so that a better arm of last year can lose.
"""

from __future__ import annotations

import hashlib

import numpy as np

from ml.forecaster import Floats

DRAWS = 1000
PRIOR_SD = 0.1  # how far a version's mean loss lies from another's, relative, before anything is known
LEAST_SD = 0.02
OVERLAP = 2.0  # days of 48-hour forecasts share half of their hours


def propensities(losses: Floats, memory_days: float, seed: int) -> Floats:
    """(k,) probability that each arm is the best, of losses (days, k), oldest first, NaN where an arm has none."""
    k = losses.shape[1]
    level = losses.mean(axis=1, keepdims=True)  # a day on which one arm is missing compares nothing
    whole = np.isfinite(level[:, 0]) & (level[:, 0] > 0)
    relative = losses[whole] / level[whole] - 1
    ages = (len(losses) - 1 - np.arange(len(losses)))[whole]
    weights = 0.5 ** (ages / memory_days)
    n = float(weights.sum()) / OVERLAP
    mean = weights @ relative / weights.sum() if n else np.zeros(k)
    spread = np.sqrt(weights @ (relative - mean) ** 2 / weights.sum()) if n else np.full(k, PRIOR_SD)
    variance = np.maximum(spread, LEAST_SD) ** 2
    precision = 1 / PRIOR_SD**2 + n / variance
    centre = (n / variance) * mean / precision
    draws = np.random.default_rng(seed).normal(centre, 1 / np.sqrt(precision), (DRAWS, k))
    return np.bincount(draws.argmin(axis=1), minlength=k) / DRAWS


def drawn(shares: Floats, seed: int) -> int:
    """An arm, by the propensities."""
    return int(np.random.default_rng([seed, 1]).choice(len(shares), p=shares))


def seed_of(*names: object) -> int:
    """The same for the same series and origin: a rerun draws the same arm."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, names)).encode()).digest()[:4], "big")
