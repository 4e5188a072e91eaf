"""LightGBM on alert features, started from the log-odds of climatology.

Imbalance: no class weights and no resampling. They change the odds on purpose, and the odds are what is wanted: what a
missed event costs enters afterwards, as the threshold cost / loss on honest probabilities. Trees are small and start at
climatology, so that rare events bend the climate's answer instead of inventing one.
"""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np

from ml.alerts.baselines import climatology
from ml.alerts.calibration import log_odds
from ml.alerts.dataset import AlertRows, Floats
from ml.alerts.features import matrix
from ml.alerts.params import AlertParams
from warehouse.errors import ArtefactRefused


class Classifier:
    """One rule's trees. `columns`: the features in the order of training."""

    def __init__(self, booster: lgb.Booster, columns: list[str]) -> None:
        self.booster, self.columns = booster, columns

    @classmethod
    def fit(cls, rows: AlertRows, params: AlertParams, features: tuple[Floats, list[str]] | None = None) -> Classifier:
        """Learns from labelled rows; `features`: their matrix, where it is at hand."""
        X, columns = features or matrix(rows)
        data = lgb.Dataset(X, rows.label, init_score=log_odds(climatology(rows)), feature_name=columns)
        return cls(lgb.train(_settings(params), data, num_boost_round=params.n_trees).free_dataset(), columns)

    def predict(self, rows: AlertRows, features: tuple[Floats, list[str]] | None = None) -> Floats:
        """(n,) uncalibrated; NaN where nothing was known in the week before the origin."""
        X, columns = features or matrix(rows)
        if columns != self.columns:
            # a variable beside that is gone is missing; one that is new is not known to the trees
            at = {name: position for position, name in enumerate(columns)}
            X = np.column_stack([X[:, at[c]] if c in at else np.full(len(rows), np.nan) for c in self.columns])
        raw = np.asarray(self.booster.predict(X, raw_score=True, num_threads=1)) if len(rows) else np.empty(0)
        told = 1 / (1 + np.exp(-(raw + log_odds(climatology(rows)))))
        return np.where(np.isfinite(rows.stats["last_value"]), told, np.nan)

    def importance(self, most: int = 15) -> dict[str, float]:
        """Share of the gain of the features that matter most."""
        gain = self.booster.feature_importance("gain")
        share = gain / max(float(gain.sum()), 1e-12)
        order = np.argsort(-share, kind="stable")[:most]
        return {self.columns[i]: round(float(share[i]), 4) for i in order if share[i] > 0}

    def text(self) -> bytes:
        return str(self.booster.model_to_string()).encode()

    @classmethod
    def restored(cls, content: bytes, columns: list[str]) -> Classifier:
        """The bytes must have been checked against their sha256: the library trusts a model text blindly."""
        if not content.startswith(b"tree\n"):
            raise ArtefactRefused("a file of an alert model is no LightGBM model text; train again")
        booster = lgb.Booster(model_str=content.decode())
        if booster.num_feature() != len(columns):
            raise ArtefactRefused("an alert model has another number of columns than its card; train again")
        return cls(booster, columns)


def _settings(params: AlertParams) -> dict[str, Any]:
    return {
        "objective": "binary",
        "boost_from_average": False,
        "learning_rate": params.learning_rate,
        "num_leaves": params.num_leaves,
        "min_data_in_leaf": params.min_data_in_leaf,
        "feature_fraction": params.feature_fraction,
        "lambda_l2": params.lambda_l2,
        "max_bin": 63,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "deterministic": True,
        "force_col_wise": True,
        "seed": params.seed,
        "num_threads": 1,
        "verbose": -1,
    }
