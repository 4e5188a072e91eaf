"""Gradient boosting, direct: one model for all series and horizons, and a small second one for the size of its error.

The point model minimises the absolute error of the told target (ml.features.Handling). The spread model learns the
absolute residual; quantiles are point + spread x normal scores, which `ml.calibrate` then makes honest.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np

from ml.dataset import Floats32, Panel
from ml.features import CATEGORIES, handling, matrix
from ml.forecaster import NORMAL_SCORES, Files, Floats
from ml.params import Block, Features, Params
from warehouse.errors import ArtefactRefused
from warehouse.faultpoint import reach

MEAN_ABS_OF_NORMAL = 0.7979  # E|z| of a standard normal: from a mean absolute residual to a standard deviation
SPREAD_ROWS = 40_000
PREDICT_ROWS = 200_000


class LightgbmBlock(Block):
    n_trees: int
    n_spread_trees: int
    learning_rate: float
    num_leaves: int
    min_data_in_leaf: int
    feature_fraction: float
    lambda_l2: float
    max_bin: int
    n_jobs: int


class LightgbmDirect:
    learns = True

    def __init__(self, params: Params) -> None:
        self.block = LightgbmBlock(**params.models.get("lightgbm_direct", {}))
        self.features: Features = params.features
        self.columns: list[str] = []
        self.series: list[str] = []  # the category's levels, in the order of training
        self.point: lgb.Booster | None = None
        self.spread: lgb.Booster | None = None

    def fit(self, panel: Panel, *, seed: int, progress: Callable[[str], None]) -> None:
        told = handling(panel, self.features)
        target = told.tell(panel.target.astype(np.float32), panel.origin)
        self.series = panel.series["series_id"].tolist()
        X, self.columns = matrix(panel, self.features, self.series)
        named: dict[str, Any] = {
            "feature_name": self.columns,
            "categorical_feature": list(CATEGORIES),
            "params": self._settings(seed),
        }
        data = lgb.Dataset(X, target, **named)
        self.point = self._boost(data, seed, self.block.n_trees, progress, objective="mae")
        some = np.arange(len(panel))[:: max(1, len(panel) // SPREAD_ROWS)]
        residual = np.abs(target[some] - self.point.predict(X[some], num_threads=self.block.n_jobs))
        sizes = lgb.Dataset(X[some], residual, reference=data, **named)
        self.spread = self._boost(sizes, seed, self.block.n_spread_trees, progress, objective="l2", num_leaves=15)
        self.point, self.spread = self.point.free_dataset(), self.spread.free_dataset()

    def _settings(self, seed: int) -> dict[str, Any]:
        block = self.block
        return {
            "learning_rate": block.learning_rate,
            "num_leaves": block.num_leaves,
            "max_bin": block.max_bin,
            "min_data_in_leaf": block.min_data_in_leaf,
            "feature_fraction": block.feature_fraction,
            "lambda_l2": block.lambda_l2,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "bin_construct_sample_cnt": 50_000,
            "deterministic": True,
            "force_col_wise": True,
            "seed": seed,
            "num_threads": block.n_jobs,
            "verbose": -1,
        }

    def _boost(
        self, data: lgb.Dataset, seed: int, n_trees: int, progress: Callable[[str], None], **settings: Any
    ) -> lgb.Booster:
        def report(env: Any) -> None:
            if env.iteration + 1 == max(1, n_trees // 2):
                reach("train.mid_fit")
            if (env.iteration + 1) % 100 == 0:
                progress(f"lightgbm_direct: {env.iteration + 1} of {n_trees} trees")

        return lgb.train({**self._settings(seed), **settings}, data, n_trees, callbacks=[report])

    def predict(self, panel: Panel) -> Floats:
        """In slices of rows, so that a long backtest needs no more memory than a short one."""
        starts = range(0, len(panel), PREDICT_ROWS)
        parts = [self._predict(panel.rows(slice(start, start + PREDICT_ROWS))) for start in starts]
        return np.concatenate([np.empty((0, len(NORMAL_SCORES))), *parts])

    def _predict(self, panel: Panel) -> Floats:
        if self.point is None or self.spread is None:
            raise ArtefactRefused("lightgbm_direct was asked to predict before it was fitted or restored")
        X, columns = matrix(panel, self.features, self.series)
        if columns != self.columns:
            raise ArtefactRefused(_difference(self.columns, columns))
        point = np.asarray(self.point.predict(X, num_threads=self.block.n_jobs))
        spread = np.maximum(np.asarray(self.spread.predict(X, num_threads=self.block.n_jobs)), 1e-6)
        told = point[:, None] + (spread / MEAN_ABS_OF_NORMAL)[:, None] * NORMAL_SCORES
        answers = handling(panel, self.features).undo(told, panel.origin)
        unknown = ~np.isfinite(panel.stats["last_value"][panel.origin])
        answers[unknown] = np.nan
        return answers

    def importance(self) -> dict[str, float]:
        """Share of the gain by feature."""
        if self.point is None:
            return {}
        gain: Floats32 = self.point.feature_importance("gain")
        share = gain / max(float(gain.sum()), 1e-12)
        return {name: round(float(value), 5) for name, value in zip(self.columns, share, strict=True)}

    def dump(self) -> dict[str, bytes]:
        if self.point is None or self.spread is None:
            return {}
        card = {
            "columns": self.columns,
            "series": self.series,
            "block": self.block.model_dump(mode="json"),
            "features": self.features.model_dump(mode="json"),
        }
        return {
            "lightgbm_direct.json": json.dumps(card, sort_keys=True).encode(),
            "lightgbm_direct.point.txt": self.point.model_to_string().encode(),
            "lightgbm_direct.spread.txt": self.spread.model_to_string().encode(),
        }

    def restore(self, files: Files) -> None:
        """The bytes must have been checked against their sha256: the library trusts a model text blindly."""
        card = json.loads(files["lightgbm_direct.json"])
        self.columns, self.series = list(card["columns"]), list(card["series"])
        self.block = LightgbmBlock(**card["block"])
        self.features = Features.model_validate(card["features"])
        self.point, self.spread = (
            lgb.Booster(model_str=_tree_text(files[f"lightgbm_direct.{part}.txt"])) for part in ("point", "spread")
        )


def _tree_text(content: bytes) -> str:
    if not content.startswith(b"tree\n"):
        raise ArtefactRefused("a file of lightgbm_direct is no LightGBM model text; train again")
    return content.decode()


def _difference(trained: list[str], present: list[str]) -> str:
    missing, new = sorted(set(trained) - set(present)), sorted(set(present) - set(trained))
    return f"the model was trained on other columns (missing now: {missing}, unknown to it: {new}); train again"


MODELS = {"lightgbm_direct": LightgbmDirect}
