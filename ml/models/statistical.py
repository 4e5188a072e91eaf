"""Classical models, one per origin, fitted on the last week alone (statsforecast): AutoETS, MSTL, optimised Theta.

The library accepts gaps, NaN and constant series in silence: nothing reaches it that `window_of` has not checked.
An origin costs 10 to 200 ms: in comparisons they are asked at `max_origins` seeded origins (ml.comparison), and a
cluster, where there is one, shares the origins out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ml.dataset import HISTORY_H, Floats32, Panel
from ml.engine import over_rows
from ml.features import std_of
from ml.forecaster import NORMAL_SCORES, Files, Floats
from ml.params import Block, Params

SEASON = 24


class StatisticalBlock(Block):
    window_h: int
    max_gap_h: int
    max_origins: int = 100  # in comparisons; a live forecast asks it at every origin


class Statistical:
    learns = False

    def __init__(self, params: Params, *, method: str) -> None:
        self.method = method
        self.block = StatisticalBlock(**params.models.get(method, {"window_h": HISTORY_H, "max_gap_h": SEASON}))

    @property
    def max_origins(self) -> int:
        return self.block.max_origins

    def fit(self, panel: Panel, *, seed: int, progress: Callable[[str], None]) -> None:
        """Nothing is learnt across origins."""

    def predict(self, panel: Panel) -> Floats:
        """NaN where the window before the origin cannot carry a model."""
        answers = np.full((len(panel), len(NORMAL_SCORES)), np.nan)
        used, first = np.unique(panel.origin, return_index=True)
        ends = np.append(first, len(panel))[1:] if np.all(np.diff(panel.origin) >= 0) else None
        spreads = std_of(panel.history[:, : HISTORY_H - SEASON] - panel.history[:, SEASON:])
        rows_of = [slice(*at) for at in zip(first, ends, strict=True)] if ends is not None else None
        rows_of = rows_of or [panel.origin == origin for origin in used]
        asked = pd.DataFrame(
            {
                "position": np.arange(len(used)),
                "steps": [int(panel.horizon[rows].max()) for rows in rows_of],
                "newest_first": list(panel.history[used, : self.block.window_h]),
            }
        )
        told = over_rows(self._points, asked, "position:long,point:[double]")
        for position, point in zip(told["position"], told["point"], strict=True):
            rows, spread = rows_of[position], np.nan_to_num(spreads[used[position]])
            answers[rows] = np.asarray(point)[panel.horizon[rows] - 1][:, None] + spread * NORMAL_SCORES
        return answers

    def _points(self, asked: pd.DataFrame) -> pd.DataFrame:
        """position and point (steps,) of the windows that can carry a model."""
        found = {
            position: self._forecast(np.asarray(window, np.float32), int(steps))
            for position, window, steps in zip(asked["position"], asked["newest_first"], asked["steps"], strict=True)
        }
        able = {position: point for position, point in found.items() if point is not None}
        return pd.DataFrame({"position": np.array(list(able), np.int64), "point": list(able.values())})

    def _forecast(self, newest_first: Floats32, steps: int) -> Floats | None:
        window = window_of(newest_first, max_gap_h=self.block.max_gap_h)
        if window is None:
            return None
        values, stale = window
        if np.ptp(values) == 0:
            return np.full(steps, values[-1])
        point = np.asarray(self._model().forecast(y=values, h=steps + stale)["mean"], np.float64)[stale:]
        return point if np.isfinite(point).all() else None

    def _model(self) -> Any:
        from statsforecast import models  # two seconds of import that only these models pay

        if self.method == "mstl":
            return models.MSTL(season_length=SEASON, trend_forecaster=models.SimpleExponentialSmoothingOptimized())
        if self.method == "auto_ets":
            return models.AutoETS(season_length=SEASON, model="ZNA")
        return models.OptimizedTheta(season_length=SEASON)

    def dump(self) -> dict[str, bytes]:
        return {f"{self.method}.json": self.block.model_dump_json().encode()}

    def restore(self, files: Files) -> None:
        self.block = StatisticalBlock.model_validate_json(files[f"{self.method}.json"])


def window_of(newest_first: Floats32, *, max_gap_h: int) -> tuple[Floats, int] | None:
    """(values oldest first with no gap, hours since the last one), or None where too much is missing.

    Gaps up to `max_gap_h` are filled with the same hour of the day before, else in a straight line.
    """
    values = newest_first[::-1].astype(np.float64)
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 2 * SEASON:
        return None
    stale = len(values) - 1 - int(known[-1])
    gaps = np.diff(known) - 1
    if stale > max_gap_h or gaps.max() > max_gap_h:
        return None
    values = values[known[0] : known[-1] + 1]
    if len(values) < 2 * SEASON + 1:
        return None
    for at in np.flatnonzero(~np.isfinite(values)):
        if at >= SEASON:
            values[at] = values[at - SEASON]
    missing = ~np.isfinite(values)
    places = np.arange(len(values))
    values[missing] = np.interp(places[missing], places[~missing], values[~missing])
    return values, stale


MODELS = {name: partial(Statistical, method=name) for name in ("auto_ets", "mstl", "optimized_theta")}
