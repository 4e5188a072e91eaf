"""Gradient boosting, direct: one model for all series and horizons, and a small second one for the size of its error.

The point is the mean of one ensemble for each of `starts`: boosted from nothing, or from a straight line (ml.ridge),
whose residuals the trees then learn. Each minimises the absolute error of the told target (ml.features.Handling). The
spread model learns the absolute residual; quantiles are point + spread x normal scores, which `ml.calibrate` then makes
honest.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import lightgbm as lgb
import numpy as np

from ml.dataset import Floats32, Ints, Panel
from ml.features import CATEGORIES, handling, matrix
from ml.forecaster import NORMAL_SCORES, Files, Floats
from ml.params import Block, Features, Params
from ml.ridge import Ridge
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
    starts: tuple[Literal["nothing", "linear"], ...] = ("nothing",)  # versions from before it read one ensemble
    bagging_fraction: float = 0.8
    random_splits: tuple[Literal["nothing", "linear"], ...] = ()


class LightgbmDirect:
    learns = True

    def __init__(self, params: Params) -> None:
        self.block = LightgbmBlock(**params.models.get("lightgbm_direct", {}))
        self.features: Features = params.features
        self.columns: list[str] = []
        self.series: list[str] = []  # the category's levels, in the order of training
        self.points: list[lgb.Booster] = []  # one for each of `starts`
        self.start: Ridge | None = None
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
        self.start, self.points = None, []
        for number, start in enumerate(self.block.starts):
            if start == "linear" and self.start is None:
                self.start = Ridge.fit(X, self.columns, target, panel.horizon, panel.origin_h[panel.origin])
            data.construct().set_init_score(None if start == "nothing" else self._start(start, X, panel.horizon))
            how = {"objective": "mae", "extra_trees": start in self.block.random_splits}
            self.points.append(self._boost(data, seed + number, self.block.n_trees, progress, **how))
        some = np.arange(len(panel))[:: max(1, len(panel) // SPREAD_ROWS)]
        residual = np.abs(target[some] - self.told(X[some], panel.horizon[some]))
        sizes = lgb.Dataset(X[some], residual, reference=data, **named)
        self.spread = self._boost(sizes, seed, self.block.n_spread_trees, progress, objective="l2", num_leaves=15)
        self.points, self.spread = [point.free_dataset() for point in self.points], self.spread.free_dataset()

    def _start(self, start: str, X: Floats32, horizon: Ints) -> Floats:
        return np.zeros(len(X)) if start == "nothing" or self.start is None else self.start.told(X, horizon)

    def told(self, X: Floats32, horizon: Ints) -> Floats:
        """(m,) the point on the told scale."""
        if not self.points:
            raise ArtefactRefused("lightgbm_direct was asked to predict before it was fitted or restored")
        parts = [
            self._start(start, X, horizon) + np.asarray(point.predict(X, num_threads=self.block.n_jobs))
            for start, point in zip(self.block.starts, self.points, strict=True)
        ]
        return np.asarray(np.mean(parts, axis=0), np.float64)

    def _settings(self, seed: int) -> dict[str, Any]:
        block = self.block
        return {
            "learning_rate": block.learning_rate,
            "num_leaves": block.num_leaves,
            "max_bin": block.max_bin,
            "min_data_in_leaf": block.min_data_in_leaf,
            "feature_fraction": block.feature_fraction,
            "lambda_l2": block.lambda_l2,
            "bagging_fraction": block.bagging_fraction,
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
            if (env.iteration + 1) % 20 == 0:  # a stopped run ends here, too
                progress(f"lightgbm_direct: {env.iteration + 1} of {n_trees} trees")

        return lgb.train({**self._settings(seed), **settings}, data, n_trees, callbacks=[report])

    def predict(self, panel: Panel) -> Floats:
        """In slices of rows, so that a long backtest needs no more memory than a short one."""
        starts = range(0, len(panel), PREDICT_ROWS)
        parts = [self._predict(panel.rows(slice(start, start + PREDICT_ROWS))) for start in starts]
        return np.concatenate([np.empty((0, len(NORMAL_SCORES))), *parts])

    def _predict(self, panel: Panel) -> Floats:
        if self.spread is None:
            raise ArtefactRefused("lightgbm_direct was asked to predict before it was fitted or restored")
        X, columns = matrix(panel, self.features, self.series)
        if columns != self.columns:
            raise ArtefactRefused(_difference(self.columns, columns))
        point = self.told(X, panel.horizon)
        spread = np.maximum(np.asarray(self.spread.predict(X, num_threads=self.block.n_jobs)), 1e-6)
        told = point[:, None] + (spread / MEAN_ABS_OF_NORMAL)[:, None] * NORMAL_SCORES
        answers = handling(panel, self.features).undo(told, panel.origin)
        unknown = ~np.isfinite(panel.stats["last_value"][panel.origin])
        answers[unknown] = np.nan
        return answers

    def importance(self) -> dict[str, float]:
        """Share of the gain by feature; what the straight line makes of it is not counted."""
        if not self.points:
            return {}
        gain: Floats32 = np.sum([point.feature_importance("gain") for point in self.points], axis=0)
        share = gain / max(float(gain.sum()), 1e-12)
        return {name: round(float(value), 5) for name, value in zip(self.columns, share, strict=True)}

    def contributions(self, panel: Panel) -> tuple[Floats, Floats32, list[str]]:
        """(m, f + 1) what each column adds on the told scale, the start last; the matrix; column names.

        SHAP values of the trees and, where they start from a straight line, the line's own terms.
        """
        if not self.points:
            raise ArtefactRefused("lightgbm_direct was asked for reasons before it was fitted or restored")
        X, columns = matrix(panel, self.features, self.series)
        total = np.zeros((len(X), len(columns) + 1))
        for start, point in zip(self.block.starts, self.points, strict=True):
            told = point.predict(X, pred_contrib=True, num_threads=self.block.n_jobs)
            total += np.asarray(told, np.float64).reshape(total.shape)
            if start == "linear" and self.start is not None:
                total += self.start.contributions(X, panel.horizon)
        return total / len(self.points), X, columns

    def dump(self) -> dict[str, bytes]:
        if not self.points or self.spread is None:
            return {}
        card = {
            "columns": self.columns,
            "series": self.series,
            "block": self.block.model_dump(mode="json"),
            "features": self.features.model_dump(mode="json"),
        }
        files = {
            "lightgbm_direct.json": json.dumps(card, sort_keys=True).encode(),
            "lightgbm_direct.spread.txt": self.spread.model_to_string().encode(),
        }
        for number, point in enumerate(self.points):
            files[_point_file(number)] = point.model_to_string().encode()
        return files | ({"lightgbm_direct.start.json": self.start.to_json()} if self.start else {})

    def restore(self, files: Files) -> None:
        """The bytes must have been checked against their sha256: the library trusts a model text blindly."""
        card = json.loads(files["lightgbm_direct.json"])
        self.columns, self.series = list(card["columns"]), list(card["series"])
        self.block = LightgbmBlock(**card["block"])
        self.features = Features.model_validate(card["features"])
        names = [_point_file(number) for number in range(len(self.block.starts))]
        self.points = [lgb.Booster(model_str=_tree_text(files[name])) for name in names]
        self.spread = lgb.Booster(model_str=_tree_text(files["lightgbm_direct.spread.txt"]))
        if "linear" in self.block.starts:
            self.start = Ridge.from_json(files["lightgbm_direct.start.json"])


def _point_file(number: int) -> str:
    return "lightgbm_direct.point.txt" if number == 0 else f"lightgbm_direct.point_{number + 1}.txt"


def _tree_text(content: bytes) -> str:
    if not content.startswith(b"tree\n"):
        raise ArtefactRefused("a file of lightgbm_direct is no LightGBM model text; train again")
    return content.decode()


def _difference(trained: list[str], present: list[str]) -> str:
    missing, new = sorted(set(trained) - set(present)), sorted(set(present) - set(trained))
    return f"the model was trained on other columns (missing now: {missing}, unknown to it: {new}); train again"


MODELS = {"lightgbm_direct": LightgbmDirect}
