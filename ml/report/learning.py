"""Learning curve: what a longer past is worth. Small models on the newest 1/8, 1/4, 1/2 and all of the history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.backtest import Panels, Windows
from ml.competition import Progress
from ml.dataset import Panel, some_moments
from ml.forecaster import MEDIAN, Forecaster, build
from ml.params import Params

MODEL = "lightgbm_direct"
SHARES = (0.125, 0.25, 0.5, 1.0)
MOST_ROWS = 8_000  # to learn from, the same for every share: more months, not more rows
MOST_SCORED = 4_000
LEAF = 60  # rows: a leaf as large as that of the whole training would leave nothing to split
N_TREES = 40
FASTEST = 0.2  # learning rate
MOST_LAGS = 24
MOST_BINS = 63
LEAST_DAYS = 7
DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True)
class Curve:
    """`points`: months, n_rows, mae, one line per share. `why_not` says why there are none."""

    points: pd.DataFrame
    n_trees: int = 0
    why_not: str = ""


def learning_curve(panels: Panels, windows: Windows, params: Params, progress: Progress) -> Curve:
    """MAE on the selection windows by months of training data, all of it from before those windows."""
    if not params.evaluation.learning_curve:
        return _none("It is switched off: evaluation.learning_curve in params.yaml.")
    if MODEL not in params.models:
        return _none(f"{MODEL}, whose curve it would be, does not compete here.")
    train = panels.train.known_before(windows.select_from)
    scored = _thinned(panels.select, MOST_SCORED)
    days = float(np.ptp(train.origin_h[train.origin])) / 24 if len(train) else 0.0
    if days < 2 * LEAST_DAYS or not len(scored):
        return _none(f"{days:.0f} days of history before the selection windows are too few for one.")
    progress(f"{params.dataset}: learning curve")
    small, n_trees = _smaller(params)
    lines = []
    for share in SHARES:
        span = days * share
        if span < LEAST_DAYS:
            continue
        part = _thinned(_newest(train, span), MOST_ROWS)
        model = build(MODEL, small)
        assert isinstance(model, Forecaster)
        model.fit(part, seed=params.training.seed, progress=lambda _: None)
        miss = np.abs(model.predict(scored)[:, MEDIAN] - scored.target)
        lines.append({"months": span / DAYS_A_MONTH, "n_rows": len(part), "mae": float(np.nanmean(miss))})
    return Curve(pd.DataFrame(lines), n_trees)


def _none(why: str) -> Curve:
    return Curve(pd.DataFrame(columns=["months", "n_rows", "mae"]), why_not=why)


def _smaller(params: Params) -> tuple[Params, int]:
    """The same kind of model in a second: fewer trees, each of which learns as much more, fewer lags, fewer bins."""
    block = dict(params.models[MODEL])
    n_trees = min(int(block.get("n_trees", N_TREES)), N_TREES)
    rate = float(block.get("learning_rate", 0.1))
    quicker = min(rate * int(block.get("n_trees", n_trees)) / n_trees, max(FASTEST, rate))
    block |= {"n_trees": n_trees, "n_spread_trees": 1, "learning_rate": quicker}
    block["min_data_in_leaf"] = min(LEAF, int(block.get("min_data_in_leaf", LEAF)))
    block["max_bin"] = min(MOST_BINS, int(block.get("max_bin", MOST_BINS)))
    if "starts" in block:
        block["starts"] = ["nothing"]
    features = params.features.model_copy(update={"lags": min(MOST_LAGS, params.features.lags)})
    return params.model_copy(update={"models": {**params.models, MODEL: block}, "features": features}), n_trees


def _newest(panel: Panel, days: float) -> Panel:
    end = int(panel.origin_h[panel.origin].max())
    return panel.origins(panel.origin_h >= end - days * 24)


def _thinned(panel: Panel, most: int) -> Panel:
    """About so many rows at the most: of some moments, all series of a moment together (they are peers)."""
    if len(panel) <= most:
        return panel
    return panel.origins(some_moments(panel.origin_h, most / len(panel)))
