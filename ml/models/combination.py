"""A weighted mean of other models' quantiles (Vincent averaging), the weights learnt on past errors only.

Weights differ by horizon bucket and by the state of the origin: whether its last day lies unusually far from its last
week (haze, a storm, a calm grid), where what usually wins may not. Each group's weights are drawn towards the prior.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ml.dataset import Panel
from ml.features import std_of
from ml.forecaster import MEDIAN, Files, Floats
from ml.params import Block, Params
from warehouse.errors import BadInput

Ints = NDArray[np.int64]


class CombinationBlock(Block):
    members: tuple[str, ...]
    step: float
    shrink: float
    shrink_to: dict[str, float]
    unusual_share: float = 0.0  # of the origins; 0 = one state
    min_rows: int = 300


class Combination:
    def __init__(self, params: Params) -> None:
        self.block = CombinationBlock(**params.models.get("combination", {}))
        unknown = [name for name in (*self.block.members, *self.block.shrink_to) if name not in params.models]
        if unknown or not self.block.members:
            raise BadInput(f"params.yaml, combination: no such models to combine: {unknown}")
        self.members = self.block.members
        self.ends = params.calibration.horizon_buckets
        self.unusual_from = np.inf
        self.weights = self._normal(np.array([self.block.shrink_to.get(name, 0.0) for name in self.members]))
        self.by_group: dict[int, dict[str, float]] = {}

    def fit_weights(self, answers: Mapping[str, Floats], panel: Panel) -> None:
        """Per group the weights of the grid (non-negative, sum 1) with the least absolute error, drawn to the prior."""
        points = np.stack([answers[name][:, MEDIAN] for name in self.members])
        known = np.isfinite(points).all(axis=0) & np.isfinite(panel.target)
        self.by_group = {}
        if not known.any():
            return
        far = unusual(panel)
        share = self.block.unusual_share
        self.unusual_from = float(np.quantile(far[known], 1 - share)) if share > 0 else np.inf
        groups, points, actual = self._group(panel)[known], points[:, known], panel.target[known]
        self.weights = self._normal(self._estimate(points, actual))
        for group in np.unique(groups).tolist():
            mine = groups == group
            if mine.sum() >= self.block.min_rows:
                self.by_group[group] = self._normal(self._estimate(points[:, mine], actual[mine]))

    def _estimate(self, points: Floats, actual: Floats) -> Floats:
        best = min(
            _simplex(len(self.members), round(1 / self.block.step)),
            key=lambda weights: (round(float(np.abs(weights @ points - actual).mean()), 9), tuple(-weights)),
        )
        prior = np.array([self.block.shrink_to.get(name, 0.0) for name in self.members])
        prior = prior / prior.sum() if prior.sum() > 0 else best
        return np.asarray((1 - self.block.shrink) * best + self.block.shrink * prior, np.float64)

    def _group(self, panel: Panel) -> Ints:
        bucket = np.minimum(np.searchsorted(self.ends, panel.horizon), len(self.ends) - 1)
        return np.asarray(2 * bucket + (unusual(panel) > self.unusual_from), np.int64)

    def blend(self, answers: Mapping[str, Floats], panel: Panel) -> Floats:
        """A member without an answer for a row leaves its weight to the others."""
        total, weight = np.zeros_like(answers[self.members[0]]), np.zeros(len(panel))
        for name, shares in self.shares(panel).items():
            shares[~np.isfinite(answers[name]).all(axis=1)] = 0.0
            used = shares > 0
            total[used] += shares[used, None] * answers[name][used]
            weight += shares
        total[weight <= 0] = np.nan
        return np.sort(total / np.where(weight > 0, weight, 1)[:, None], axis=1)

    def shares(self, panel: Panel) -> dict[str, Floats]:
        """Member -> (m,) its weight in each row, were every member to answer."""
        groups = self._group(panel)
        found = {name: np.full(len(panel), self.weights[name]) for name in self.members}
        for group, weights in self.by_group.items():
            for name, shares in found.items():
                shares[groups == group] = weights[name]
        return found

    def _normal(self, weights: Floats) -> dict[str, float]:
        total = float(weights.sum())
        shares = weights / total if total > 0 else np.full(len(self.members), 1 / len(self.members))
        return {name: round(float(share), 6) for name, share in zip(self.members, shares, strict=True)}

    def dump(self) -> dict[str, bytes]:
        card = {
            "weights": self.weights,
            "by_group": {str(group): weights for group, weights in self.by_group.items()},
            "unusual_from": self.unusual_from if np.isfinite(self.unusual_from) else None,
        }
        return {"combination.json": json.dumps(card, sort_keys=True).encode()}

    def restore(self, files: Files) -> None:
        card = json.loads(files["combination.json"])
        self.weights = {name: float(share) for name, share in card["weights"].items()}
        self.by_group = {int(group): weights for group, weights in card.get("by_group", {}).items()}
        bound = card.get("unusual_from")
        self.unusual_from = np.inf if bound is None else float(bound)
        self.members = tuple(name for name in self.members if name in self.weights)


def unusual(panel: Panel) -> Floats:
    """(m,) how far the origin's last day lies from its last week, in standard deviations of that week."""
    away = np.abs(panel.stats["mean_24"].astype(np.float64) - panel.stats["mean_168"])
    spread = np.maximum(std_of(panel.history).astype(np.float64), 1e-9)
    return np.nan_to_num(away / spread, nan=0.0, posinf=0.0)[panel.origin]


def _simplex(size: int, steps: int) -> list[Floats]:
    cuts = itertools.combinations_with_replacement(range(size), steps)
    return [np.bincount(np.array(cut), minlength=size) / steps for cut in cuts]


MODELS = {"combination": Combination}
