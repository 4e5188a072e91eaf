"""A weighted mean of other models' quantiles (Vincent averaging), the weights learnt on past errors only."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ml.forecaster import MEDIAN, Files, Floats
from ml.params import Block, Params
from warehouse.errors import BadInput


class CombinationBlock(Block):
    members: tuple[str, ...]
    step: float
    shrink: float
    shrink_to: dict[str, float]


class Combination:
    def __init__(self, params: Params) -> None:
        self.block = CombinationBlock(**params.models.get("combination", {}))
        unknown = [name for name in (*self.block.members, *self.block.shrink_to) if name not in params.models]
        if unknown or not self.block.members:
            raise BadInput(f"params.yaml, combination: no such models to combine: {unknown}")
        self.members = self.block.members
        self.weights = self._normal({name: self.block.shrink_to.get(name, 0.0) for name in self.members})

    def fit_weights(self, answers: Mapping[str, Floats], actual: Floats, horizon: NDArray[np.int64]) -> None:
        """The weights of the grid (non-negative, sum 1) with the least absolute error, shrunk to the prior ones."""
        points = np.stack([answers[name][:, MEDIAN] for name in self.members])
        known = np.isfinite(points).all(axis=0) & np.isfinite(actual)
        if not known.any():
            return
        points, actual = points[:, known], actual[known]
        best = min(
            _simplex(len(self.members), round(1 / self.block.step)),
            key=lambda weights: (round(float(np.abs(weights @ points - actual).mean()), 9), tuple(-weights)),
        )
        prior = np.array([self.block.shrink_to.get(name, 0.0) for name in self.members])
        prior = prior / prior.sum() if prior.sum() > 0 else best
        shrunk = (1 - self.block.shrink) * best + self.block.shrink * prior
        self.weights = self._normal(dict(zip(self.members, shrunk.tolist(), strict=True)))

    def blend(self, answers: Mapping[str, Floats], horizon: NDArray[np.int64]) -> Floats:
        """A member without an answer for a row leaves its weight to the others."""
        total, weight = np.zeros_like(answers[self.members[0]]), np.zeros(len(horizon))
        for name, share in self.weights.items():
            known = np.isfinite(answers[name]).all(axis=1)
            total[known] += share * answers[name][known]
            weight[known] += share
        total[weight <= 0] = np.nan
        return np.sort(total / np.where(weight > 0, weight, 1)[:, None], axis=1)

    @staticmethod
    def _normal(weights: dict[str, float]) -> dict[str, float]:
        total = sum(weights.values())
        if total <= 0:
            return {name: 1 / len(weights) for name in weights}
        return {name: round(share / total, 6) for name, share in weights.items()}

    def dump(self) -> dict[str, bytes]:
        return {"combination.json": json.dumps({"weights": self.weights}, sort_keys=True).encode()}

    def restore(self, files: Files) -> None:
        weights: dict[str, float] = json.loads(files["combination.json"])["weights"]
        self.weights = {name: float(share) for name, share in weights.items()}
        self.members = tuple(self.weights)


def _simplex(size: int, steps: int) -> list[Floats]:
    cuts = itertools.combinations_with_replacement(range(size), steps)
    return [np.bincount(np.array(cut), minlength=size) / steps for cut in cuts]


MODELS = {"combination": Combination}
