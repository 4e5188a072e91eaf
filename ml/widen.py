"""How much wider intervals must be where inputs are missing: learnt by forecasting past windows without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ml.calibrate import Calibration, calibrate
from ml.dataset import Panel, some_moments
from ml.forecaster import QUANTILES, Floats, Forecaster, Mask, Model, is_naive, is_statistical, raw_answers
from ml.inputs import COVARIATES, ISSUED, Usual, Widening
from ml.missing import masks
from ml.params import Calibrating

MOST_ORIGINS = 500  # (series, origin) pairs forecast again for each condition
LEAST_FACTOR = 0.2
MOST = 8.0
PARTS = 3


def learn_widening(
    models: Mapping[str, Model], calibrations: dict[str, Calibration], panel: Panel, params: Calibrating
) -> None:
    """Puts a Widening into each calibration. `panel`: rows that the models were not trained on, with their truth.

    A ratio is the stretch that the calibrated quantiles need without the input over the one they need with it, on the
    same rows, per bucket and level and never below 1. It is the largest of those of both tails and of all parts of the
    windows: how a model errs when blind, and to which side, changes with the season. Conditions that hold together
    multiply. A model too costly to be asked again takes the largest ratio of the naive ones.
    """
    some = _thinned(panel)
    if len(some) < params.min_rows:
        return
    usual, unasked = Usual.of(some), np.full((len(some), len(QUANTILES)), np.nan)
    costly = {name: unasked for name in models if is_statistical(name)}
    whole = raw_answers(models, some, given=costly)
    ratios: dict[str, dict[str, Floats]] = {name: {} for name in models}
    for condition, masked in masks(some).items():
        # what reads nothing but its own series is not asked again
        same = condition in (COVARIATES, ISSUED)
        given = costly | {name: whole[name] for name, model in models.items() if same and _reads_only_itself(model)}
        lacking = masked()
        holds = Widening(usual, {}).conditions(lacking)[condition][lacking.origin]
        for name, raw in raw_answers(models, lacking, given=given).items():
            stretch = np.max(
                [_stretch(calibrations[name], whole[name], raw, some, part, params) for part in _parts(some, holds)],
                axis=0,
            )
            ratios[name][condition] = np.clip(np.maximum(stretch, stretch[:, ::-1]), 1.0, MOST)
        for name in costly:
            ratios[name][condition] = np.max([ratios[other][condition] for other in models if is_naive(other)], axis=0)
    for name, found in ratios.items():
        calibrations[name] = replace(calibrations[name], widening=Widening(usual, found))


def _parts(panel: Panel, holds: Mask) -> list[Mask]:
    """The rows in question: all, and those of each third of their time."""
    at = panel.origin_h[panel.origin]
    if not holds.any():
        return [holds]
    edges = np.quantile(np.unique(at[holds]), np.linspace(0, 1, PARTS + 1)[1:-1])
    third = np.searchsorted(edges, at)
    return [holds, *(holds & (third == number) for number in range(PARTS))]


def _stretch(
    calibration: Calibration, before: Floats, after: Floats, panel: Panel, rows: Mask, params: Calibrating
) -> Floats:
    some = panel.rows(rows)
    return _needed(calibration, after[rows], some, params) / _needed(calibration, before[rows], some, params)


def _needed(calibration: Calibration, raw: Floats, panel: Panel, params: Calibrating) -> Floats:
    found = calibrate(calibration.apply(raw, panel.horizon), panel.target, panel.horizon, params).factors
    return np.maximum(found, LEAST_FACTOR)


def _reads_only_itself(model: Model) -> bool:
    return isinstance(model, Forecaster) and not model.learns


def _thinned(panel: Panel) -> Panel:
    """About MOST_ORIGINS of the origins that have rows: of some moments, all series of a moment together."""
    n = len(np.unique(panel.origin))
    if n <= MOST_ORIGINS:
        return panel
    return panel.rows(some_moments(panel.origin_h[panel.origin], MOST_ORIGINS / n))
