"""The methods every model has to beat: last value, same hour yesterday, same hour last week, 7-day mean by hour."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from ml.dataset import Panel
from ml.features import std_of
from ml.forecaster import NORMAL_SCORES, Files, Floats
from ml.params import Params

COLUMNS = {
    "naive_last": "naive_last",
    "naive_day": "naive_day",
    "naive_week": "naive_week",
    "naive_mean7": "naive_mean_7",
}


class Naive:
    """A column of the feature mart as point forecast; raw spread: the standard deviation of the last week."""

    learns = False

    def __init__(self, params: Params, *, column: str) -> None:
        self.column = column

    def fit(self, panel: Panel, *, seed: int, progress: Callable[[str], None]) -> None:
        """Nothing to learn."""

    def predict(self, panel: Panel) -> Floats:
        point = panel.naive[self.column].astype(np.float64)
        spread = std_of(panel.history).astype(np.float64)[panel.origin]
        answers: Floats = point[:, None] + np.nan_to_num(spread)[:, None] * NORMAL_SCORES
        return answers

    def dump(self) -> dict[str, bytes]:
        return {}

    def restore(self, files: Files) -> None:
        """Nothing was kept."""


MODELS = {name: partial(Naive, column=column) for name, column in COLUMNS.items()}
