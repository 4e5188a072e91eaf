"""Weather forecasts as they were issued: what a model reads of them, and the proof that forecasts is what they are.

A model that was shown the weather itself looks far better in a backtest than it will ever forecast: observations passed
off as issued are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.dataset import Floats32, Ints, Panel
from warehouse.errors import DataTestFailed

ROWS_TO_JUDGE = 300
PAIRS_TO_JUDGE = 150
MOST_EQUAL = 0.3  # real forecasts hit the observed digit in up to a tenth of the hours
LEAST_GROWTH = 0.05  # from the first day ahead to later ones; real forecasts: a tenth and more, even in the tropics
STANDARD_ERRORS = 3.0


Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Errors:
    """Of one variable: |forecast - observed| over the spread of what was observed, its lead, series and target hour."""

    values: Floats32
    lead: Floats32
    series: Ints
    target_h: Ints


def of_issued(
    panel: Panel, wanted: tuple[str, ...] | Literal["auto"], tell: Callable[[Floats32, Ints], Floats32]
) -> Iterator[tuple[str, Floats32]]:
    """Columns (m,): the forecast of the target hour, the way there from what was last observed, the forecast's age.

    `tell`: how values of the series' own variable are told. What the panel lacks is missing values.
    """
    missing = np.full(len(panel), np.nan, np.float32)
    there = tuple(name for name, values in panel.issued.items() if np.isfinite(values).any())
    names = there if wanted == "auto" else wanted
    for variable in names:
        values = panel.issued.get(variable, missing)
        yield f"issued_{variable}", np.where(_is_own(panel, variable), tell(values, panel.origin), values)
        history = panel.covariates.get(variable)
        if history is not None:
            yield f"issued_{variable}_change", values - _last_of(history)[panel.origin]
    if names:
        yield "issued_lead_h", panel.issued_lead_h


def _is_own(panel: Panel, variable: str) -> NDArray[np.bool_]:
    """(m,) whether the variable is what the row's series measures."""
    return np.asarray(panel.series["variable"] == variable)[panel.row_series]


def _last_of(values: Floats32) -> Floats32:
    """The first finite value of each row; NaN where there is none."""
    first = np.argmax(np.isfinite(values), axis=1)
    newest: Floats32 = values[np.arange(len(values)), first]
    return newest


def refuse_observed(panel: Panel) -> None:
    """Raises DataTestFailed where forecasts equal what was observed later, or are as good days ahead as hours ahead.

    Judged are the variables that the panel itself observes: its target and its covariates.
    """
    judged: list[Errors] = []
    for variable, issued in panel.issued.items():
        errors = _errors(panel, issued, observed_later(panel, variable))
        if len(errors.values) < ROWS_TO_JUDGE:
            continue
        equal = float((errors.values < 0.01).mean())
        if equal > MOST_EQUAL:
            seen = f"{equal:.0%} of {len(errors.values):,} forecasts of {variable}"
            _refuse(panel, f"{seen} equal what was observed later")
        judged.append(errors)
    growth = _growth(judged)
    if growth is not None and growth < LEAST_GROWTH:
        _refuse(panel, f"forecasts of the weather err no more two days ahead than one (at most {growth:+.1%})")


def observed_later(panel: Panel, variable: str) -> Floats32:
    """(m,) the variable at each row's place and target hour, as far as the panel's own later origins know it."""
    found = np.full(len(panel), np.nan, np.float32)
    own = _is_own(panel, variable)
    found[own] = panel.target[own]
    history = panel.covariates.get(variable)
    if history is None or not len(history):
        return found
    key = (panel.series_code << 32) + panel.origin_h
    order = np.argsort(key)
    wanted = (panel.row_series << 32) + panel.target_h
    position = order[np.minimum(np.searchsorted(key[order], wanted), len(key) - 1)]
    lag = panel.origin_h[position] - panel.target_h
    seen = ~own & (panel.series_code[position] == panel.row_series) & (lag >= 0) & (lag < history.shape[1])
    found[seen] = history[position[seen], lag[seen]]
    return found


def _errors(panel: Panel, issued: Floats32, observed: Floats32) -> Errors:
    """Hours at an end of the range (overcast, no wind) are left out: there a forecast is often right to the digit."""
    known = np.isfinite(issued) & np.isfinite(observed)
    if known.any():
        known &= (observed > observed[known].min()) & (observed < observed[known].max())
    spread = max(float(np.std(observed[known], dtype=np.float64)), 1e-6) if known.any() else 1.0
    off = np.abs(issued[known] - observed[known]) / np.float32(spread)
    return Errors(off, panel.issued_lead_h[known], panel.row_series[known], panel.target_h[known])


def _growth(judged: list[Errors]) -> float | None:
    """The most by which the error can be said to grow after the first day ahead; None where too little tells.

    The same hour of the same series forecast early and late: hours differ, the afternoon errs more than the night.
    """
    pairs = [_pairs(errors) for errors in judged]
    if not pairs:
        return None
    near, far, day = (np.concatenate(part) for part in zip(*pairs, strict=True))
    if len(near) < PAIRS_TO_JUDGE or not near.mean() > 0:
        return None
    _, group = np.unique(day, return_inverse=True)
    more = np.bincount(group, far - near) / np.bincount(group)  # hours of a day err together
    if len(more) < 10:
        return None
    doubt = STANDARD_ERRORS * more.std() / np.sqrt(len(more))
    return float((more.mean() + doubt) / near.mean())


def _pairs(errors: Errors) -> tuple[Floats, Floats, Ints]:
    """Of the hours forecast both ways: mean error up to a day ahead, mean error further ahead, day."""
    key, group = np.unique((errors.series << 32) + errors.target_h, return_inverse=True)
    means = []
    for part in (errors.lead <= 24, errors.lead > 24):
        count = np.bincount(group[part], minlength=len(key))
        total = np.bincount(group[part], errors.values[part].astype(np.float64), minlength=len(key))
        means.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    both = np.isfinite(means[0]) & np.isfinite(means[1])
    return means[0][both], means[1][both], (key[both] & 0xFFFFFFFF) // 24


def _refuse(panel: Panel, seen: str) -> None:
    raise DataTestFailed(
        f"{panel.dataset}: {seen}; a forecast as it was issued cannot know that. Nothing is learnt from it: mend what "
        "fills fct_issued_forecasts and rebuild it with --full-refresh, or set features.issued to [] in params.yaml"
    )
