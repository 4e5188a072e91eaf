"""Cross-validation by location and time: what is held out shares neither place nor weeks with what was learnt from.

With one fold of locations it is by time alone: what a place that was learnt from can expect.

Weeks come in blocks, dealt to folds in turn. Rows less than lead and window away from a held-out row are not learnt
from (purge and embargo; Lopez de Prado 2018, ch. 7).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ml.alerts.dataset import AlertRows, Ints, Mask
from ml.alerts.params import AlertParams


def folds(rows: AlertRows, params: AlertParams, n_locations: int) -> Iterator[tuple[Mask, Mask]]:
    """(learn, held out) masks; every row is held out once. A single place has folds of time alone."""
    place = places_of(rows)
    n_locations = min(n_locations, len(np.unique(place)))
    location = _dealt(place, n_locations)
    reach = rows.rule.lead_h + rows.rule.window_h
    for b in range(params.time_folds):
        held_weeks = _time_fold(rows.origin_h, params) == b
        near = _touches(rows.origin_h, held_weeks, reach)
        for a in range(n_locations):
            here = location == a if n_locations > 1 else np.ones(len(rows), bool)
            elsewhere = ~here if n_locations > 1 else here
            yield elsewhere & ~near, here & held_weeks


def places_of(rows: AlertRows) -> Ints:
    _, place = np.unique(rows.series["place_id"].to_numpy(), return_inverse=True)
    return np.asarray(place)[rows.code]


def _dealt(place: Ints, n: int) -> Ints:
    return place % max(n, 1)


def _time_fold(origin_h: Ints, params: AlertParams) -> Ints:
    return (origin_h // (params.block_weeks * 168)) % params.time_folds


def _touches(origin_h: Ints, held: Mask, reach: int) -> Mask:
    """Origins less than `reach` hours from a held-out origin."""
    hours = np.unique(origin_h[held])
    if not len(hours):
        return np.zeros(len(origin_h), bool)
    after = np.searchsorted(hours, origin_h)
    next_held = hours[np.minimum(after, len(hours) - 1)]
    last_held = hours[np.maximum(after - 1, 0)]
    return np.asarray((np.abs(next_held - origin_h) < reach) | (np.abs(origin_h - last_held) < reach))
