"""What moved each published forecast: the model's own additive contributions, in words and in the unit of the series.

For trees these are SHAP values (TreeSHAP, Lundberg et al. 2020, computed by LightGBM itself); for a straight line on
centred columns its terms are the same thing. They add up, on the scale the model was told (ml.features.Handling):
start + all contributions = the forecast of the explained model.
Level and difference: in the unit of the series, added. Log ratio: in per cent, multiplied onto start + log_offset.
A combination is explained through the member that explains itself, whose weight stands in each row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml import feature_names
from ml.dataset import Floats32, Panel
from ml.features import Handling, handling
from ml.forecaster import Blender, Floats, Model
from ml.params import Features

TOP = 6
COLUMNS = (
    "series_id",
    "origin_at",
    "horizon_h",
    "kind",
    "rank",
    "feature",
    "value",
    "contribution",
    "unit",
    "explained_model",
    "weight",
)


@dataclass(frozen=True)
class Contributions:
    """Of one model, on the told scale: `start` (m,) + `added` (m, f) summed over columns = the told point (m,)."""

    start: Floats
    added: Floats
    values: Floats32  # (m, f) what the model read
    columns: list[str]

    def by_group(self) -> dict[str, Floats]:
        """Readable group -> (m,)."""
        found = feature_names.groups(self.columns)
        return {name: self.added[:, positions].sum(axis=1) for name, positions in found.items()}


@runtime_checkable
class Explainable(Protocol):
    """A forecaster that can say what each column of ml.features.matrix added to its point."""

    features: Features

    def contributions(self, panel: Panel) -> tuple[Floats, Floats32, list[str]]:
        """(m, f + 1) told contributions with the start in the last column, the matrix (m, f), the names (f)."""
        ...


def contributions_of(model: Explainable, panel: Panel) -> Contributions:
    told, values, columns = model.contributions(panel)
    return Contributions(told[:, -1], told[:, :-1], values, columns)


def explainable(name: str, models: dict[str, Model]) -> tuple[str, Explainable] | None:
    """(name, model) through which a version is explained: itself, or its heaviest member that can be."""
    model = models.get(name)
    if isinstance(model, Blender):
        weights = model.weights
        heaviest = sorted(model.members, key=lambda member: -weights.get(member, 0.0))
        return next((found for member in heaviest if (found := explainable(member, models))), None)
    itself: object = model
    return (name, itself) if isinstance(itself, Explainable) else None


def weight_of(name: str, explained: str, models: dict[str, Model], panel: Panel) -> Floats:
    """(m,) weight of the explained model in the version's answers; NaN where a blender does not tell."""
    model = models[name]
    told = model.shares(panel).get(explained) if isinstance(model, Blender) else None
    return np.full(len(panel), 1.0 if name == explained else np.nan) if told is None else told


def rows_of(name: str, models: dict[str, Model], panel: Panel, unit_of: Mapping[str, str]) -> pd.DataFrame:
    """COLUMNS for every row of the panel: the start, the TOP groups, the rest of them, and the TOP single columns.

    `rank` 0 is the start, TOP + 1 the rest. `unit_of`: by series_id. Without a model that explains itself: no rows.
    """
    found = explainable(name, models)
    if found is None or not len(panel):
        return pd.DataFrame(columns=COLUMNS)
    explained, model = found
    parts = contributions_of(model, panel)
    told = handling(panel, model.features)
    by_group = parts.by_group()
    names, added = np.array(list(by_group)), np.stack(list(by_group.values()), axis=1)
    labels = np.array([feature_names.label_of(column) for column in parts.columns])
    best, rest = _ranked(added)
    single, _ = _ranked(parts.added)
    at = np.arange(len(panel))
    lines = [_line("start", 0, "starting point", told.undo(parts.start[:, None], panel.origin)[:, 0])]
    for rank, group in enumerate(best.T, start=1):
        lines.append(_line("group", rank, names[group], _effect(added[at, group], told)))
    lines.append(_line("rest", TOP + 1, "everything else", _effect(rest, told)))
    for rank, column in enumerate(single.T, start=1):
        effect = _effect(parts.added[at, column], told)
        lines.append(_line("feature", rank, labels[column], effect, parts.values[at, column]))
    frame = panel.row_frame().assign(explained_model=explained, weight=weight_of(name, explained, models, panel))
    rows = pd.concat([frame.assign(**line) for line in lines], ignore_index=True)
    in_unit = (rows["kind"] == "start") | (told.kind != "log_ratio")
    rows["unit"] = rows["series_id"].map(dict(unit_of)).fillna("").where(in_unit, "%")
    return rows[list(COLUMNS)]


def _ranked(added: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Columns of the TOP largest contributions of each row (m, TOP), and the sum of the others (m,)."""
    order = np.argsort(-np.abs(added), axis=1, kind="stable")
    rest = np.take_along_axis(added, order[:, TOP:], axis=1).sum(axis=1)
    return order[:, :TOP], rest


def _effect(told: Floats, how: Handling) -> Floats:
    return 100 * np.expm1(told) if how.kind == "log_ratio" else told


def _line(kind: str, rank: int, feature: object, contribution: Floats, value: object = np.nan) -> dict[str, Any]:
    return {
        "kind": kind,
        "rank": np.int32(rank),
        "feature": feature,
        "value": np.asarray(value, np.float64),
        "contribution": contribution,
    }
