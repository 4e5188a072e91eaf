"""Refuses features that know the answer: by name, by when they were known, and by what they can do on held-out rows."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np

from ml.alerts.dataset import LABEL_COLUMNS, AlertRows, Floats, Ints, Mask
from ml.alerts.params import AlertParams
from ml.alerts.scores import auc_within
from warehouse.errors import DataTestFailed

LEAST_OF_A_KIND = 20


def refuse_leaks(X: Floats, columns: list[str], rows: AlertRows, learn: Mask, held: Mask, params: AlertParams) -> bool:
    """Whether the held-out rows could judge. Raises DataTestFailed for features from which the label can be rebuilt.

    A column named like the label; a column that ranks events above non-events of the same series all but without
    error; a few small trees that do so on rows held out. Nothing known before a window can do that: something known
    after it is in. Between series it can: that Singapore is always hot and Oslo never gives nothing away. And where
    things change slowly (the snow on the ground), the last value alone nearly can: then a feature must leave a quarter
    of its errors or fewer. Where few rows are events, or few are not, only names are judged.
    """
    named = sorted(set(columns) & set(LABEL_COLUMNS))
    if named:
        raise DataTestFailed(f"the label itself is among the features: {', '.join(named)}")
    label, code = rows.label[held], rows.code[held]
    if _n_of_the_rarer_kind(label, code) < LEAST_OF_A_KIND:
        return False
    persistent = _separation(rows.stats["last_value"][held], label, code)
    most = max(params.leak_auc, 1 - (1 - persistent) / 4)
    for position, name in enumerate(columns):
        reached = _separation(X[held, position], label, code)
        if reached > most:
            raise DataTestFailed(_message(name, reached))
    if len(np.unique(rows.label[learn])) == 2:
        trees = _small_trees(X[learn], rows.label[learn], params)
        reached = auc_within(np.asarray(trees.predict(X[held], num_threads=1)), label, code)
        if reached > most:
            used = [columns[i] for i in np.flatnonzero(trees.feature_importance("split"))]
            raise DataTestFailed(_message(" with ".join(used), reached))
    return True


def _n_of_the_rarer_kind(label: Floats, code: Ints) -> int:
    """Events or non-events, whichever are fewer, of the series that have both."""
    events, all_rows = np.bincount(code, label), np.bincount(code)
    mixed = (events > 0) & (events < all_rows)
    return int(min(events[mixed].sum(), (all_rows - events)[mixed].sum()))


def _separation(values: Floats, label: Floats, code: Ints) -> float:
    """AUC of one column in either direction, missing values as a value of their own."""
    known = np.isfinite(values)
    low = values[known].min() - 1 if known.any() else 0.0
    reached = auc_within(np.where(known, values, low), label, code)
    return max(reached, 1 - reached)


def _small_trees(X: Floats, label: Floats, params: AlertParams) -> lgb.Booster:
    settings = {
        "objective": "binary", "num_leaves": 8, "learning_rate": 0.5, "min_data_in_leaf": 5, "verbose": -1,
        "num_threads": 1, "deterministic": True, "seed": params.seed, "force_col_wise": True, "max_bin": 63,
    }  # fmt: skip
    return lgb.train(settings, lgb.Dataset(X, label), num_boost_round=5)


def _message(name: str, reached: float) -> str:
    return (
        f"the feature {name} parts events from non-events of one series on held-out rows almost without error "
        f"(AUC {reached:.4f}): it must know what happened after the origin. Take it out of the features; "
        "nothing was trained"
    )
