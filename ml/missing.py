"""Panels that lack inputs on purpose: to learn how much wider an interval must then be, and to see whether it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ml.dataset import Floats32, Panel
from ml.features import hour_before, mean_of, range_of
from ml.inputs import COVARIATES, GAPS, ISSUED, STALE, Usual
from warehouse.errors import BadInput

GAP_BLOCK_H = 5
MEAN_WINDOWS = (3, 6, 12, 24, 72, 168)


def masks(panel: Panel) -> dict[str, Callable[[], Panel]]:
    """Condition -> the panel made to be in it; only conditions the panel is not in anyway."""
    usual = Usual.of(panel)
    late = int(np.ceil(usual.staleness_h))
    found: dict[str, Callable[[], Panel]] = {
        name: partial(without_newest, panel, late + hours) for name, (_, hours) in STALE.items()
    }
    if usual.n_known_24 > 0:
        found[GAPS] = partial(with_gaps, panel)
    if usual.covariates:
        found[COVARIATES] = partial(without_covariates, panel)
    if usual.issued:
        found[ISSUED] = partial(without_issued, panel)
    return found


def lacking(panel: Panel, what: Iterable[str]) -> Panel:
    """The panel without history:<hours>, gaps, covariates or issued, one after the other. Raises BadInput."""
    plain = {GAPS: with_gaps, COVARIATES: without_covariates, ISSUED: without_issued}
    for name in what:
        kind, _, hours = name.partition(":")
        if name in plain:
            panel = plain[name](panel)
        elif kind == "history" and hours.isdigit() and 1 <= int(hours) < panel.history.shape[1]:
            panel = without_newest(panel, int(hours))
        else:
            known = f"history:<hours, 1 to {panel.history.shape[1] - 1}>, {', '.join(plain)}"
            raise BadInput(f"a backtest can be made without {known}; not without '{name}'")
    return panel


def without_newest(panel: Panel, hours: int) -> Panel:
    """As if nothing of the `hours` newest hours had arrived: of the series, its neighbours and its covariates."""
    hidden = np.zeros(panel.history.shape, bool)
    hidden[:, :hours] = True
    covariates = {}
    for name, values in panel.covariates.items():
        covariates[name] = values.copy()
        covariates[name][:, :hours] = np.nan
    return _hiding(replace(panel, covariates=covariates), hidden)


def with_gaps(panel: Panel) -> Panel:
    """As if half of all hours but the newest had been lost, in blocks, the same hours for every origin."""
    hour = panel.origin_h[:, None] - np.arange(panel.history.shape[1])
    block = hour // GAP_BLOCK_H * 2_654_435_761 % 2**32  # Knuth's multiplicative hash
    hidden = block < 2**31
    first = np.argmax(np.isfinite(panel.history), axis=1)
    hidden[np.arange(len(first)), first] = False
    return _hiding(panel, hidden)


def without_covariates(panel: Panel) -> Panel:
    return replace(panel, covariates={name: np.full_like(v, np.nan) for name, v in panel.covariates.items()})


def without_issued(panel: Panel) -> Panel:
    issued = {name: np.full_like(values, np.nan) for name, values in panel.issued.items()}
    return replace(panel, issued=issued, issued_lead_h=np.full_like(panel.issued_lead_h, np.nan))


def _hiding(panel: Panel, hidden: NDArray[np.bool_]) -> Panel:
    """Statistics and naive answers as the feature marts would have made them from the history left (n, 168)."""
    history = np.where(hidden, np.float32(np.nan), panel.history)
    known = np.isfinite(history)
    n, first = known.sum(axis=1), np.argmax(known, axis=1)
    nothing = n == 0
    last = np.where(nothing, np.nan, history[np.arange(len(first)), first]).astype(np.float32)
    least, most = range_of(history[:, :24])
    stats = panel.stats | {
        "last_value": last,
        "staleness_h": np.where(nothing, np.nan, first).astype(np.float32),
        "n_known_24": known[:, :24].sum(axis=1).astype(np.float32),
        "n_known_168": n.astype(np.float32),
        "mean_672": _long_mean(panel, hidden),
        "std_24": _sample_std(history[:, :24]),
        "min_24": least,
        "max_24": most,
        **{f"mean_{hours}": mean_of(history[:, :hours]) for hours in MEAN_WINDOWS},
    }
    return replace(panel, history=history, stats=stats, naive=_naive(panel, history, stats))


def _naive(panel: Panel, history: Floats32, stats: dict[str, Floats32]) -> dict[str, Floats32]:
    """The naive columns of fct_forecast_features, by the same rules."""
    days = np.stack([hour_before(history, panel, 24 * day) for day in range(1, 8)], axis=1)
    last, week = stats["last_value"][panel.origin], stats["mean_168"][panel.origin]
    instead = np.where(np.isfinite(week), week, last)
    chosen = {
        "naive_last": last,
        "naive_day": np.where(panel.horizon <= 24, days[:, 0], days[:, 1]),
        "naive_week": days[:, 6],
        "naive_mean_7": mean_of(days),
    }
    return {name: np.where(np.isfinite(v), v, instead).astype(np.float32) for name, v in chosen.items()}


def _long_mean(panel: Panel, hidden: NDArray[np.bool_]) -> Floats32:
    """mean_672 without what is hidden of it. The four weeks are taken as complete: their count is not in the panel."""
    total = np.where(hidden & np.isfinite(panel.history), panel.history, 0).sum(axis=1, dtype=np.float64)
    count = (hidden & np.isfinite(panel.history)).sum(axis=1)
    mean = panel.stats["mean_672"].astype(np.float64)
    found: Floats32 = ((mean * 672 - total) / (672 - count)).astype(np.float32)
    return found


def _sample_std(values: Floats32) -> Floats32:
    n = np.isfinite(values).sum(axis=1)
    squares = mean_of((values - mean_of(values)[:, None]) ** 2).astype(np.float64)
    return np.where(n > 1, np.sqrt(squares * n / np.maximum(n - 1, 1)), np.nan).astype(np.float32)
