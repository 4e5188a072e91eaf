"""What a training is worth, as the figures and curves that `dvc metrics` and `dvc plots` compare."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import numpy as np
import pandas as pd

from ml.backtest import BacktestResult
from ml.forecaster import QUANTILES
from ml.metrics import Scored

FIGURES = ("mae", "pinball", "coverage80", "coverage90", "skill")
SIGNIFICANT = 6


def metrics(result: BacktestResult, artefacts: dict[str, str]) -> dict[str, Any]:
    """The report windows' scores: the champion's, what there was to score, and every model's.

    `artefacts`: model -> sha256 of its files.
    """
    table = result.summary.set_index("model")
    models = {str(name): {key: _rounded(line[key]) for key in FIGURES} for name, line in table.iterrows()}
    return {
        "champion": {
            "model": result.champion,
            "artefact": artefacts[result.champion][:12],
            **models.get(result.champion, {}),
        },
        "n_origins": result.n_origins,
        "n_rows": result.n_rows,
        "n_train_rows": result.train_rows,
        "models": models,
    }


def mae_by_horizon(scored: Scored) -> bytes:
    """One line per model and horizon."""
    if not len(scored):
        return _csv(("model", "horizon_h", "mae"), [])
    table = scored.scores("horizon_h").sort_values(["model", "horizon_h"])
    columns = (table["model"].tolist(), table["horizon_h"].tolist(), map(_rounded, table["mae"]))
    rows = list(zip(*columns, strict=True))
    return _csv(("model", "horizon_h", "mae"), rows)


def reliability(scored: Scored) -> bytes:
    """One line per model and quantile level: the share of truths at or below it. On the diagonal, levels are honest."""
    rows = [
        (name, level, _rounded(float(np.mean(scored.actual <= answers[:, position]))))
        for name, answers in sorted(scored.answers.items())
        for position, level in enumerate(QUANTILES)
        if len(scored)
    ]
    return _csv(("model", "level", "observed"), rows)


def learning_curve(model: str, points: pd.DataFrame) -> bytes:
    """One line per length of history: MAE on the selection windows; none where history is too short for a curve."""
    rows = [(model, *map(_rounded, row)) for row in points[["months", "mae"]].to_numpy()]
    return _csv(("model", "months", "mae"), rows)


def _rounded(value: Any) -> float | None:
    number = float(value)
    return float(f"{number:.{SIGNIFICANT}g}") if math.isfinite(number) else None


def _csv(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
