"""A panel as the matrix a regression reads: recent hours one by one, the same hour of past days, sun, neighbours.

Everything is an index into what the origin knew, or astronomy and calendar of the target hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.dataset import COVARIATE_H, Float, Floats32, Ints, Panel
from ml.issued import of_issued
from ml.params import Features
from ml.sun import elevation, noon_elevation

Columns = Iterator[tuple[str, NDArray[Any]]]
CATEGORIES = ("series",)
SLICE = 8_192  # rows


@dataclass(frozen=True)
class Handling:
    """How a value is told to the model: as it is, or relative to a recent base of its own series."""

    kind: str  # level, difference, log_ratio
    offset: float
    base: Floats32  # (n,) per origin

    def tell(self, values: Floats32, origin: Ints | None = None) -> Floats32:
        """values (n, ...) per origin, or (m,) per row when `origin` says which origin each belongs to."""
        if self.kind == "level":
            return values
        base = self.base if origin is None else self.base[origin]
        base = base.reshape(base.shape + (1,) * (values.ndim - base.ndim))
        if self.kind == "difference":
            return values - base
        return self._log(values) - self._log(base)

    def _log(self, values: Floats32) -> Floats32:
        logs: Floats32 = np.log(np.maximum(values, 0) + self.offset, dtype=np.float32)
        return logs

    def tell_width(self, widths: Floats32) -> Floats32:
        if self.kind != "log_ratio":
            return widths
        return np.asarray(widths / (np.maximum(self.base, 0) + self.offset), np.float32)

    def undo(self, told: NDArray[np.float64], origin: Ints) -> NDArray[np.float64]:
        """Back to the unit of the series: (m, k) told values of rows."""
        base = self.base[origin].astype(np.float64)[:, None]
        if self.kind == "level":
            return told
        if self.kind == "difference":
            return told + base
        return np.exp(told) * (np.maximum(base, 0) + self.offset) - self.offset


def handling(panel: Panel, params: Features) -> Handling:
    stats = panel.stats
    bases: dict[str, Floats32] = {
        "mean_24": stats["mean_24"],
        "mean_168": stats["mean_168"],
        "mix": ((stats["mean_24"] + stats["mean_168"]) / 2).astype(np.float32),
        "last": stats["last_value"],
    }
    base = bases[params.base]
    return Handling(params.handling, params.log_offset, np.where(np.isfinite(base), base, stats["last_value"]))


def matrix(panel: Panel, params: Features, series: list[str]) -> tuple[Floats32, list[str]]:
    """(m, f) column-major float32 and the names of its columns, always in the same order for the same params.

    `series`: the levels of the category, as trained; another series is a missing value. A covariate that the panel
    lacks is a column of missing values. Each column is made and put in its place before the next: a training holds
    the matrix once.
    """
    nothing = panel.origins(np.zeros(len(panel.origin_h), np.bool_))
    names = [name for name, _ in _columns(nothing, params, series)]
    X = np.empty((len(panel), len(names)), np.float32, order="F")
    for position, (_, values) in enumerate(_columns(panel, params, series)):
        X[:, position] = values
    return X, names


def _columns(panel: Panel, params: Features, series: list[str]) -> Columns:
    """(m,) each, without those that are dropped."""
    told = handling(panel, params)
    covariates = _wanted_covariates(panel, params)
    yield "series", _levels(panel, series)[panel.origin]
    for name, values in chain(_of_origins(panel, params, told), _of_covariates(covariates, params)):
        if name not in params.drop:
            yield name, values[panel.origin]
    groups = [_of_same_hours(panel, told), _of_calendar(panel), _of_covariate_hours(panel, covariates)]
    groups.append(of_issued(panel, params.issued, told.tell))
    if params.peers:
        groups.append(_of_peers(panel, told))
    yield from ((name, values) for group in groups for name, values in group if name not in params.drop)


def _in_slices(measure: Callable[[Floats32], Floats32], values: Floats32) -> Floats32:
    """What a measure makes of each row, a slice of rows at a time: its own arrays stay small."""
    return np.concatenate([measure(values[at : at + SLICE]) for at in range(0, len(values), SLICE)])


def mean_of(values: Floats32, axis: int = 1) -> Floats32:
    """Mean of the finite values along an axis; NaN where there are none."""
    if axis == 1 and len(values) > SLICE:
        return _in_slices(mean_of, values)
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=axis, dtype=np.float64)
    count = known.sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def std_of(values: Floats32) -> Floats32:
    if len(values) > SLICE:
        return _in_slices(std_of, values)
    centred = values - mean_of(values)[:, None]
    return np.sqrt(mean_of(centred * centred))


def range_of(values: Floats32) -> tuple[Floats32, Floats32]:
    """Least and greatest finite value of each row; NaN where there is none."""
    if len(values) > SLICE:
        both = _in_slices(lambda part: np.stack(range_of(part), axis=1), values)
        return both[:, 0], both[:, 1]
    known = np.isfinite(values)
    least, most = np.where(known, values, np.inf).min(axis=1), np.where(known, values, -np.inf).max(axis=1)
    empty = ~known.any(axis=1)
    return np.where(empty, np.nan, least).astype(np.float32), np.where(empty, np.nan, most).astype(np.float32)


def _of_origins(panel: Panel, params: Features, told: Handling) -> Columns:
    history, stats = panel.history, panel.stats
    yield "base", told.base
    yield "last_value", told.tell(stats["last_value"])
    yield "staleness_h", stats["staleness_h"]
    lags = told.tell(history[:, : params.lags])
    for lag in range(params.lags):
        yield f"lag_{lag}", lags[:, lag]
    for hours in (3, 6, 12, 24, 72, 168, 672):
        yield f"mean_{hours}", told.tell(stats[f"mean_{hours}"])
    yield "mean_48", told.tell(mean_of(history[:, :48]))
    yield "std_24", told.tell_width(stats["std_24"])
    for hours in (6, 72, 168):
        yield f"std_{hours}", told.tell_width(std_of(history[:, :hours]))
    for hours in (24, 72, 168):
        least, most = range_of(history[:, :hours])
        yield f"min_{hours}", told.tell(least)
        yield f"max_{hours}", told.tell(most)
    usual = mean_of(history[:, 24::24])  # this hour on the days before
    yield "above_usual", told.tell(stats["last_value"]) - told.tell(usual)
    for day in (1, 2, 3):
        yield f"mean_24_d{day}", told.tell(mean_of(history[:, 24 * day : 24 * day + 24]))
    for name in ("latitude", "longitude"):
        yield name, panel.series[name].to_numpy(np.float32)[panel.series_code]


def _levels(panel: Panel, series: list[str]) -> Floats32:
    code = pd.Index(series).get_indexer(pd.Index(panel.series["series_id"]))
    return np.where(code < 0, np.nan, code).astype(np.float32)[panel.series_code]


def _wanted_covariates(panel: Panel, params: Features) -> dict[str, Floats32]:
    missing = np.full((len(panel.origin_h), COVARIATE_H), np.nan, np.float32)
    wanted = panel.covariates if params.covariates == "auto" else params.covariates
    return {name: panel.covariates.get(name, missing) for name in wanted}


def _of_covariates(covariates: dict[str, Floats32], params: Features) -> Columns:
    for variable, history in covariates.items():
        for lag in params.covariate_lags:
            yield f"{variable}_lag_{lag}", history[:, lag]
        for hours in (6, 24, 72):
            yield f"{variable}_mean_{hours}", mean_of(history[:, :hours])


def hour_before(history: Floats32, panel: Panel, hours: int) -> Floats32:
    """The value `hours` before each row's target hour, NaN where that lies after the origin or before the history."""
    lag = hours - panel.horizon
    inside = (lag >= 0) & (lag < history.shape[1])
    return np.where(inside, history[panel.origin, np.clip(lag, 0, history.shape[1] - 1)], np.float32(np.nan))


def _of_same_hours(panel: Panel, told: Handling) -> Columns:
    history, origin = panel.history, panel.origin
    days = np.stack([hour_before(history, panel, 24 * day) for day in range(1, 8)], axis=1)
    for day in range(1, 8):
        yield f"same_hour_d{day}", told.tell(days[:, day - 1], origin)
    mean_7 = mean_of(days)
    yield "same_hour_mean_7", told.tell(mean_7, origin)
    yield "same_hour_mean_3", told.tell(mean_of(days[:, :3]), origin)
    usual = mean_of(history[:, 24::24])[origin]
    yield "usual_change", told.tell(mean_7, origin) - told.tell(usual, origin)
    around = np.empty((len(panel), 21), np.float32)
    around[:, :7] = days
    for shift in (-2, -1, 1, 2):
        day_1, day_2 = (hour_before(history, panel, 24 * day - shift) for day in (1, 2))
        yield f"same_hour_d1_{shift:+d}", told.tell(day_1, origin)
        yield f"same_hour_d2_{shift:+d}", told.tell(day_2, origin)
    for start, shift in ((7, -1), (14, 1)):
        for day in range(1, 8):
            around[:, start + day - 1] = hour_before(history, panel, 24 * day - shift)
    yield "same_hour_mean_7_wide", told.tell(mean_of(around), origin)


def _of_calendar(panel: Panel) -> Columns:
    yield "horizon_h", panel.horizon
    yield "local_hour", panel.local_hour
    yield "local_weekday", panel.local_weekday
    yield "origin_local_hour", (panel.local_hour - panel.horizon) % 24
    yield "utc_hour", panel.target_h % 24
    latitude = panel.series["latitude"].to_numpy(np.float64)[panel.row_series]
    longitude = panel.series["longitude"].to_numpy(np.float64)[panel.row_series]
    target = panel.target_h
    yield "sun", elevation(target, latitude, longitude)
    yield "sun_hour_before", elevation(target - 1, latitude, longitude)
    yield "sun_at_origin", elevation(panel.origin_h[panel.origin], latitude, longitude)
    yield "sun_at_noon", noon_elevation(target, latitude)
    season = 2 * np.pi * (target / 24 % 365.25) / 365.25
    yield "season_cos", np.cos(season)
    yield "season_sin", np.sin(season)


def _of_covariate_hours(panel: Panel, covariates: dict[str, Floats32]) -> Columns:
    for variable, history in covariates.items():
        yield f"{variable}_same_hour_d1", hour_before(history, panel, 24)


def _of_peers(panel: Panel, told: Handling) -> Columns:
    """The other series of the dataset at the same origin."""
    _, group = np.unique(panel.origin_h, return_inverse=True)
    origin, recent = panel.origin, panel.history[:, :24]
    others = mean_of_others(recent, group)
    last = panel.stats["last_value"]  # a source that is an hour late knows nothing of the origin's own hour
    yield "peers_last", told.tell(mean_of_others(last, group))[origin]
    for hours in (3, 24):
        yield f"peers_mean_{hours}", told.tell(mean_of(others[:, :hours]))[origin]
    least, most = _range_of_others(last, group)
    yield "peers_min", told.tell(least)[origin]
    yield "peers_max", told.tell(most)[origin]
    yield "peers_same_hour_d1", told.tell(hour_before(others, panel, 24), origin)


def mean_of_others(values: NDArray[Float], group: Ints) -> NDArray[Float]:
    """Mean of the finite values of the other rows of each group, (n,) or column by column (n, k); NaN without any."""
    known = np.isfinite(values)
    filled = np.where(known, values, 0).astype(np.float64)
    total = np.zeros((group.max(initial=-1) + 1, *values.shape[1:]))
    count = np.zeros_like(total)
    np.add.at(total, group, filled)
    np.add.at(count, group, known)
    rest = count[group] - known
    return np.where(rest > 0, (total[group] - filled) / np.maximum(rest, 1), np.nan).astype(values.dtype)


def _range_of_others(values: Floats32, group: Ints) -> tuple[Floats32, Floats32]:
    """Least and greatest value of the others of each group: the second best where a row holds the best itself."""
    bounds = []
    for sign in (1, -1):
        signed = np.where(np.isfinite(values), sign * values, np.inf)
        order = np.lexsort((signed, group))
        first = np.flatnonzero(np.r_[True, np.diff(group[order]) > 0][: len(order)])
        best = signed[order][first]
        holder = order[first]
        has_second = np.r_[first[1:], len(order)] - first > 1
        second = np.where(has_second, signed[order][np.minimum(first + 1, len(order) - 1)], np.inf)
        others = best[group]
        others[holder] = second
        bounds.append(np.where(np.isfinite(others), sign * others, np.nan).astype(np.float32))
    return bounds[0], bounds[1]
