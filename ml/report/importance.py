"""What a version reads: share of the gain, and mean size of its SHAP contributions, by group and by single input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml import explain, feature_names
from ml.dataset import Panel
from ml.features import handling

MOST_ROWS = 250


@dataclass(frozen=True)
class Importance:
    """`groups`, `features`: columns moved (mean |contribution|, in `unit`) and gain (share), the largest first.

    `weight`: of the model in a combination.
    """

    model: str
    weight: float | None
    unit: str
    n_rows: int
    groups: pd.DataFrame
    features: pd.DataFrame


def importance(name: str, model: explain.Explainable, panel: Panel, unit: str) -> Importance:
    """Of one model, over an even sample of the panel's rows."""
    some = panel.rows(np.isin(np.arange(len(panel)), np.linspace(0, len(panel) - 1, MOST_ROWS).astype(np.int64)))
    parts = explain.contributions_of(model, some)
    is_ratio = handling(some, model.features).kind == "log_ratio"
    to_unit = 100.0 if is_ratio else 1.0  # small logarithms are nearly relative changes
    gain: dict[str, float] = getattr(model, "importance", dict)()
    labels = [feature_names.label_of(column) for column in parts.columns]
    gains = pd.Series([gain.get(column, np.nan) for column in parts.columns])
    group_of = [feature_names.group_of(column) for column in parts.columns]
    by_group = {group: float(np.abs(values).mean()) * to_unit for group, values in parts.by_group().items()}
    groups = pd.DataFrame({"moved": by_group, "gain": gains.groupby(group_of).sum()})
    features = pd.DataFrame(
        {"moved": np.abs(parts.added).mean(axis=0) * to_unit, "gain": gains.to_numpy()}, index=labels
    )
    return Importance(
        name,
        None,
        "about %" if is_ratio else unit,
        len(some),
        groups.sort_values("moved", ascending=False),
        features.sort_values("moved", ascending=False),
    )
