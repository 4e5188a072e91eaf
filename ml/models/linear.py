"""A straight line through the same matrix as the trees': least absolute errors with a ridge penalty (ml.ridge)."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from ml.dataset import Floats32, Panel
from ml.features import handling, matrix
from ml.forecaster import NORMAL_SCORES, Files, Floats
from ml.params import Block, Features, Params
from ml.ridge import Ridge
from warehouse.errors import ArtefactRefused

SPREAD_OF_LOG = 1.25  # from the median absolute residual, which the second line tells, towards a standard deviation
PREDICT_ROWS = 100_000


class LinearBlock(Block):
    """No knobs: the penalty is chosen on the newest training origins."""


class Linear:
    learns = True

    def __init__(self, params: Params) -> None:
        LinearBlock(**params.models.get("linear", {}))
        self.features: Features = params.features
        self.series: list[str] = []
        self.point: Ridge | None = None
        self.spread: Ridge | None = None

    def fit(self, panel: Panel, *, seed: int, progress: Callable[[str], None]) -> None:
        """A line for the told target, a second one for the logarithm of its absolute residual."""
        told = handling(panel, self.features)
        target = told.tell(panel.target.astype(np.float32), panel.origin)
        self.series = panel.series["series_id"].tolist()
        X, columns = matrix(panel, self.features, self.series)
        self.point = Ridge.fit(X, columns, target, panel.horizon, panel.origin_h[panel.origin])
        miss = np.abs(target - self.point.told(X, panel.horizon))
        floor = max(float(np.median(miss)) / 100, 1e-9)
        self.spread = self.point.fit_again(X, np.log(miss + floor).astype(np.float32), panel.horizon)

    def predict(self, panel: Panel) -> Floats:
        starts = range(0, len(panel), PREDICT_ROWS)
        parts = [self._predict(panel.rows(slice(start, start + PREDICT_ROWS))) for start in starts]
        return np.concatenate([np.empty((0, len(NORMAL_SCORES))), *parts])

    def _predict(self, panel: Panel) -> Floats:
        if self.point is None or self.spread is None:
            raise ArtefactRefused("linear was asked to predict before it was fitted or restored")
        X = self._matrix(panel, self.point)
        point = self.point.told(X, panel.horizon)
        spread = np.exp(np.clip(self.spread.told(X, panel.horizon), -20, 12)) * SPREAD_OF_LOG
        answers = handling(panel, self.features).undo(point[:, None] + spread[:, None] * NORMAL_SCORES, panel.origin)
        answers[~np.isfinite(panel.stats["last_value"][panel.origin])] = np.nan
        return answers

    def _matrix(self, panel: Panel, trained: Ridge) -> Floats32:
        X, columns = matrix(panel, self.features, self.series)
        if columns != trained.columns:
            raise ArtefactRefused("linear was trained on other columns than the code makes today; train again")
        return X

    def contributions(self, panel: Panel) -> tuple[Floats, Floats32, list[str]]:
        """(m, f + 1) what each column adds on the told scale, the constant last; the matrix; column names."""
        if self.point is None:
            raise ArtefactRefused("linear was asked for reasons before it was fitted or restored")
        X = self._matrix(panel, self.point)
        return self.point.contributions(X, panel.horizon), X, self.point.columns

    def dump(self) -> dict[str, bytes]:
        if self.point is None or self.spread is None:
            return {}
        card = {"series": self.series, "features": self.features.model_dump(mode="json")}
        return {
            "linear.json": json.dumps(card, sort_keys=True).encode(),
            "linear.point.json": self.point.to_json(),
            "linear.spread.json": self.spread.to_json(),
        }

    def restore(self, files: Files) -> None:
        card = json.loads(files["linear.json"])
        self.series, self.features = list(card["series"]), Features.model_validate(card["features"])
        self.point, self.spread = (Ridge.from_json(files[f"linear.{part}.json"]) for part in ("point", "spread"))


MODELS = {"linear": Linear}
