"""Alert rows as the matrix a classifier reads. Values are told as margins: how far beyond the threshold they lie.

Margins make one model of all places, also of those that never saw an event; nothing says which place a row is of.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ml.alerts.baselines import climatology
from ml.alerts.dataset import AlertRows, Floats
from ml.features import mean_of, mean_of_others, range_of, std_of
from ml.sun import noon_elevation

Columns = Iterator[tuple[str, Floats]]
LAGS = 24
MARGINS = (
    "last_value", "persisted", "mean_3", "mean_6", "mean_12", "mean_24", "mean_72", "mean_168", "mean_672", "min_24",
    "max_24",
)  # fmt: skip


def matrix(rows: AlertRows) -> tuple[Floats, list[str]]:
    """(n, f) float64 and its column names, in the same order for the same variables beside."""
    columns = dict(
        [*_of_series(rows), *_of_frequencies(rows), *_of_calendar(rows), *_of_peers(rows), *_of_beside(rows)]
    )
    X = np.empty((len(rows), len(columns)), order="F")
    for position, values in enumerate(columns.values()):
        X[:, position] = values
    return X, list(columns)


def _margin(rows: AlertRows, values: Floats) -> Floats:
    return rows.sign * (values - rows.rule.threshold)


def _of_series(rows: AlertRows) -> Columns:
    history, window = rows.history, rows.rule.window_h
    for name in MARGINS:
        yield f"margin_{name}", _margin(rows, rows.stats[name])
    for lag in range(1, LAGS):
        yield f"margin_lag_{lag}", _margin(rows, history[:, lag])
    narrow = history.astype(np.float32)
    for day in (1, 2):
        part = narrow[:, 24 * day : 24 * day + 24]
        least, most = range_of(part)
        yield f"margin_mean_24_d{day}", _margin(rows, mean_of(part).astype(np.float64))
        yield f"margin_extreme_d{day}", _margin(rows, (most if rows.sign > 0 else least).astype(np.float64))
    for days in (1, 2, 3):  # the hours of the window, days before
        first = 24 * days - rows.rule.lead_h - window + 1
        if first >= 0:
            part = narrow[:, first : first + window]
            yield f"margin_same_hours_d{days}", _margin(rows, mean_of(part).astype(np.float64))
    yield "change_24", rows.sign * (rows.stats["last_value"] - history[:, 24])
    yield "change_6", rows.sign * (rows.stats["last_value"] - history[:, 6])
    yield "trend_24", rows.sign * (rows.stats["mean_24"] - mean_of(narrow[:, 24:48]).astype(np.float64))
    spread = std_of(narrow).astype(np.float64)
    yield "std_24", rows.stats["std_24"]
    yield "std_72", spread
    for name in ("last_value", "mean_24", "persisted"):  # the same margin is far where little moves
        yield f"margins_in_std_{name}", _margin(rows, rows.stats[name]) / np.maximum(spread, 1e-3)
    yield "staleness_h", rows.stats["staleness_h"]
    yield "n_known_24", rows.stats["n_known_24"]


def _of_frequencies(rows: AlertRows) -> Columns:
    for name, (n, events) in rows.counts.items():
        yield f"rate_{name}", np.where(n > 0, events / np.maximum(n, 1), np.nan)
    yield "climatology", climatology(rows)


def _of_calendar(rows: AlertRows) -> Columns:
    season = 2 * np.pi * (rows.window_h / 24 % 365.25) / 365.25
    yield "season_cos", np.cos(season)
    yield "season_sin", np.sin(season)
    latitude = rows.series["latitude"].to_numpy(np.float64)[rows.code]
    yield "sun_at_noon", noon_elevation(rows.window_h, latitude)
    yield "local_hour", rows.local_hour.astype(np.float64)
    yield "is_weekend", (rows.local_weekday >= 5).astype(np.float64)


def _of_peers(rows: AlertRows) -> Columns:
    """The other series of the rule at the same origin."""
    _, group = np.unique(rows.origin_h, return_inverse=True)
    for name in ("last_value", "mean_24", "persisted"):
        yield f"peers_{name}", mean_of_others(_margin(rows, rows.stats[name]), group)


def _of_beside(rows: AlertRows) -> Columns:
    for variable, (last, mean) in rows.beside.items():
        yield f"{variable}_last", last
        yield f"{variable}_mean_24", mean
