"""Linear regression on the matrix of ml.features, drawn towards the median: one set of numbers per horizon bucket.

Least absolute errors by iteratively reweighted least squares (Schlossmacher 1973) with a ridge penalty. Columns are
standardised and clipped, a missing value is its column's mean plus an indicator, codes become one column a level.
The penalty is the one that does best on the newest fifth of the origins.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ml.dataset import Floats32, Ints

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

ENDS = (2, 4, 8, 16, 24, 36, 48)
PENALTIES = (0.001, 0.01, 0.1, 1.0)  # per row, in units of a standardised column
ROUNDS = 4
LEAST_ROWS = 1_000  # a thinner bucket learns from all horizons
MOST_CHOOSING_ROWS = 40_000
CODED = ("local_hour", "series")
FURTHEST = 5.0  # standard deviations
FLOOR = 0.3  # of the median residual: smaller ones weigh no more


@dataclass(frozen=True)
class Ridge:
    """`weights` (buckets, p + 1), the constant last; the p columns of the design each belong to one of the matrix."""

    columns: list[str]
    centre: list[float]
    scale: list[float]  # 0 = the column is not read
    lacking: list[int]  # columns with an indicator of missing values
    levels: dict[str, int]
    penalty: float
    weights: list[list[float]]

    @classmethod
    def fit(cls, X: Floats32, columns: list[str], told: Floats32, horizon: Ints, origin_h: Ints) -> Ridge:
        """The same on any number of cores: sums are made by one."""
        with threadpool_limits(1):
            empty = cls._scaled(X, columns)
            penalty = empty._chosen_penalty(X, told, horizon, origin_h)
            return empty._learnt(X, told, horizon, penalty, ROUNDS)

    def fit_again(self, X: Floats32, told: Floats32, horizon: Ints) -> Ridge:
        """The same design and penalty for another target, by least squares."""
        with threadpool_limits(1):
            return self._learnt(X, told, horizon, self.penalty, 1)

    @classmethod
    def _scaled(cls, X: Floats32, columns: list[str]) -> Ridge:
        share, centre, spread = (np.array(values) for values in zip(*map(_spread, X.T), strict=True))
        numeric = np.array([name not in CODED for name in columns])
        scale = np.where(numeric & (share > 0.02) & (spread > 1e-6), spread, 0.0)
        lacking = np.flatnonzero((scale > 0) & (share < 0.99))
        levels = {name: int(np.nanmax(X[:, columns.index(name)], initial=0)) + 1 for name in CODED if name in columns}
        return cls(columns, centre.tolist(), scale.tolist(), lacking.tolist(), levels, PENALTIES[-1], [])

    def _design(self, X: Floats32, rows: Mask | None = None) -> Floats32:
        """(rows, p + 1), made column by column: the rows are not copied first."""
        at = np.arange(len(X)) if rows is None else np.flatnonzero(rows)
        used = np.flatnonzero(np.array(self.scale) > 0).tolist()
        design = np.empty((len(at), len(self._owners()) + 1), np.float32)
        for place, column in enumerate(used):
            told = (X[at, column] - np.float32(self.centre[column])) / np.float32(self.scale[column])
            design[:, place] = np.nan_to_num(np.clip(told, -FURTHEST, FURTHEST), copy=False)
        for place, column in enumerate(self.lacking, start=len(used)):
            design[:, place] = np.isnan(X[at, column])
        place = len(used) + len(self.lacking)
        for name, size in self.levels.items():
            design[:, place : place + size] = X[at, self.columns.index(name), None] == np.arange(size)
            place += size
        design[:, place] = 1
        return design

    def _owners(self) -> Ints:
        """Column of the matrix that each column of the design, but the constant, was made from."""
        used = np.flatnonzero(np.array(self.scale) > 0).tolist()
        codes = [self.columns.index(name) for name, size in self.levels.items() for _ in range(size)]
        return np.array([*used, *self.lacking, *codes], np.int64)

    def _chosen_penalty(self, X: Floats32, told: Floats32, horizon: Ints, origin_h: Ints) -> float:
        """By least squares, which share their sums of products."""
        some = slice(None, None, max(1, len(X) // MOST_CHOOSING_ROWS))
        X, y, horizon, at = X[some], told[some], horizon[some], origin_h[some]
        cut = np.quantile(at, 0.8) if len(at) else 0
        older, newer = at < cut - int(horizon.max(initial=0)), at >= cut
        errors = np.zeros(len(PENALTIES))
        for bucket in _buckets(horizon):
            learn, check = older & bucket, newer & bucket
            if learn.sum() < LEAST_ROWS or not check.any():
                continue
            A, B = self._design(X, learn), self._design(X, check)
            tried = _solved(A, y[learn], np.ones(len(A), np.float32), PENALTIES)
            errors += np.abs(B @ tried - y[check, None]).sum(axis=0)
        return PENALTIES[int(np.argmin(errors))] if errors.any() else PENALTIES[-2]

    def _learnt(self, X: Floats32, y: Floats32, horizon: Ints, penalty: float, rounds: int) -> Ridge:
        found: list[list[float]] = []
        for bucket in _buckets(horizon):
            if not bucket.any() and found:
                found.append(found[-1])
                continue
            rows = bucket if bucket.sum() >= min(LEAST_ROWS, len(y)) else np.ones(len(y), bool)
            found.append(_least_absolute(self._design(X, rows), y[rows], penalty, rounds).tolist())
        return Ridge(**{**asdict(self), "penalty": penalty, "weights": found})

    def told(self, X: Floats32, horizon: Ints) -> Floats:
        """(m,) on the told scale."""
        with threadpool_limits(1):
            return self._told(X, horizon)

    def _told(self, X: Floats32, horizon: Ints) -> Floats:
        told, weights = np.empty(len(X)), np.array(self.weights)
        for bucket, rows in enumerate(_buckets(horizon)):
            if rows.any():
                told[rows] = self._design(X, rows) @ weights[bucket]
        return told

    def contributions(self, X: Floats32, horizon: Ints) -> Floats:
        """(m, f + 1) what each column of the matrix adds, the constant last."""
        weights = np.array(self.weights)[np.minimum(np.searchsorted(ENDS, horizon), len(ENDS) - 1)]
        parts = self._design(X) * weights
        added = np.zeros((X.shape[1] + 1, len(X)))
        np.add.at(added, self._owners(), parts[:, :-1].T)
        added[-1] = parts[:, -1]
        return added.T

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Ridge:
        found: dict[str, Any] = json.loads(text)
        return cls(**found)


def _spread(values: Floats32) -> tuple[float, float, float]:
    """(share known, mean, standard deviation) of one column."""
    known = np.isfinite(values)
    count = max(int(known.sum()), 1)
    filled = np.where(known, values, 0)
    centre = filled.sum(dtype=np.float64) / count
    squares = np.where(known, (filled - np.float32(centre)) ** 2, 0)
    return float(known.mean()) if len(known) else 0.0, float(centre), float(np.sqrt(squares.sum(dtype=float) / count))


def _buckets(horizon: Ints) -> list[Mask]:
    number = np.minimum(np.searchsorted(ENDS, horizon), len(ENDS) - 1)
    return [np.asarray(number == bucket) for bucket in range(len(ENDS))]


def _least_absolute(A: Floats32, y: Floats32, penalty: float, rounds: int) -> Floats:
    """Weights (p,); one round is least squares."""
    share = np.ones(len(y), np.float32)
    weights = np.zeros(A.shape[1])
    for _ in range(rounds):
        weights = _solved(A, y, share, (penalty,))[:, 0]
        miss = np.abs(y - A @ weights.astype(np.float32))
        share = 1 / np.maximum(miss, max(FLOOR * float(np.median(miss)), 1e-9))
        share = np.asarray(share / share.mean(), np.float32)
    return weights


def _solved(A: Floats32, y: Floats32, share: Floats32, penalties: tuple[float, ...]) -> Floats:
    """(p, penalties) weighted ridge solutions; the last column is the constant and is not held back."""
    weighted = A * share[:, None]
    gram, right = (weighted.T @ A).astype(np.float64), (weighted.T @ y).astype(np.float64)
    hold = np.full(A.shape[1], float(len(y)))
    hold[-1] = 1e-6
    return np.stack([np.linalg.solve(gram + np.diag(penalty * hold), right) for penalty in penalties], axis=1)
