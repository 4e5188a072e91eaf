"""The methods of one rule against each other: learnt before the selection windows, chosen on them.

Cross-validation (ml.alerts.folds) gives the probabilities that choose and fit the calibration. The choice between
methods is made forward in time, as the model is used: the lowest Brier score among what is calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ml.alerts import calibration, scores
from ml.alerts.baselines import Persistence, climatology
from ml.alerts.calibration import Calibrator, HeldOut
from ml.alerts.choice import choose, selection_scores
from ml.alerts.classifier import Classifier
from ml.alerts.dataset import AlertRows, Floats, Ints
from ml.alerts.features import matrix
from ml.alerts.folds import folds
from ml.alerts.guard import refuse_leaks
from ml.alerts.implied import Forecasts
from ml.alerts.model import AlertModel, implied_by
from ml.alerts.params import AlertParams
from ml.alerts.task import Windows
from ml.dataset import some_moments

LEAST_TO_CALIBRATE = 200


@dataclass
class Learnt:
    """The winner as it competed and the scores that chose it; `held_out`: what its calibration was learnt from."""

    model: AlertModel
    reason: str
    refusal: str | None
    selection: dict[str, dict[str, float]]
    cross_validation: dict[str, Any] = field(default_factory=dict)
    held_out: HeldOut = field(default_factory=HeldOut.none)
    models: dict[str, AlertModel] = field(default_factory=dict)


def too_few(rows: AlertRows, params: AlertParams) -> str | None:
    """Why these rows cannot teach a classifier, or None."""
    events, days, others = rows.n_events, rows.n_event_days, len(rows) - rows.n_events
    if events < params.min_events or days < params.min_event_days:
        return (
            f"too few events to learn from: {events} of {params.min_events} needed, "
            f"on {days} of {params.min_event_days} days"
        )
    if others < params.min_events:
        return f"almost always an event: {others} rows without one, {params.min_events} needed"
    return None


def thinned(rows: AlertRows, most: int) -> AlertRows:
    """All series of every k-th origin, so that at most about `most` rows are left."""
    step = -(-len(rows) // most)
    if step <= 1:
        return rows
    return rows.at(some_moments(rows.origin_h, 1 / step))


def compete(rows: AlertRows, forecasts: Forecasts, windows: Windows, params: AlertParams) -> Learnt:
    """Methods learnt on what was known at select_from, scored on the selection windows."""
    dev = thinned(rows.known_before(windows.select_from), params.max_rows)
    select = rows.between(windows.select_from, windows.report_from).known_before(windows.report_from)
    dependence = forecasts.before(windows.select_from).persistence()
    models = {
        "climatology": AlertModel("climatology", Calibrator(), None, dependence, params),
        "persistence": AlertModel(
            "persistence", Calibrator(), Persistence.fit(dev, params.persistence_prior), dependence, params
        ),
    }
    if len(forecasts):
        models["forecast"] = _forecast(dev, forecasts, dependence, params)
    refusal = too_few(dev, params)
    cross: dict[str, Any] = {}
    held_out = HeldOut.none()
    if refusal is None:
        models["classifier"], cross, held_out, folds_told = _classifier(dev, dependence, params)
    told = {name: _selected(model, select, forecasts) for name, model in models.items()}
    if refusal is None:
        held_out = held_out.plus(models["classifier"].raw(select, forecasts), select.label, is_later=True)
    climate, act_from = climatology(select), rows.rule.act_from
    selection = selection_scores(told, select.label, climate, act_from, params)
    pooled = None
    if refusal is None and select.n_event_days < params.min_event_days:
        # too few event days to tell methods apart: the folds before, told of rows not learnt from, have a say as well
        own = {name: _selected(model, dev, forecasts) for name, model in models.items()} | {"classifier": folds_told}
        whole = {name: np.r_[own[name], values] for name, values in told.items() if name != "forecast"}
        label, climate = np.r_[dev.label, select.label], np.r_[climatology(dev), climate]
        pooled = cross["pooled"] = selection_scores(whole, label, climate, act_from, params)
    chosen, reason = choose(selection, pooled, select.n_events, "forecast" in models, refusal, params)
    return Learnt(models[chosen], reason, refusal, selection, cross, held_out, models)


def _forecast(dev: AlertRows, forecasts: Forecasts, dependence: float, params: AlertParams) -> AlertModel:
    """As implied; where enough past forecasts are known, calibrated on them like the classifier."""
    raw = implied_by(dev, forecasts, dependence, params)
    known = np.isfinite(raw)
    chosen = Calibrator()
    if known.sum() >= LEAST_TO_CALIBRATE and dev.label[known].sum() >= params.min_events:
        week = dev.origin_h[known] // (168 * params.block_weeks) % params.time_folds
        kind, _ = _best_kind(raw[known], dev.label[known], week, params)
        chosen = calibration.fit(kind, raw[known], dev.label[known])
    return AlertModel("forecast", chosen, None, dependence, params)


def _classifier(
    dev: AlertRows, dependence: float, params: AlertParams
) -> tuple[AlertModel, dict[str, Any], HeldOut, Floats]:
    """Fitted on all of `dev`; calibrated for its own places by time folds, for others by folds of location and time.

    Last: what it says of `dev`, every row by a model and a calibration that saw neither it nor its weeks.
    """
    features = matrix(dev)
    climate = climatology(dev)
    own, own_fold = _held_out(dev, features, params, 1)
    new, new_fold = _held_out(dev, features, params, params.location_folds)
    kinds, cross = [], {}
    for name, told, fold in (("known_places", own, own_fold), ("new_places", new, new_fold)):
        known = np.isfinite(told)
        kind, by_kind = _best_kind(told[known], dev.label[known], fold[known], params)
        kinds.append(kind)
        cross[name] = {
            "n_folds": len(np.unique(fold[known])),
            "brier_by_calibration": by_kind,
            "brier_skill": 1 - min(by_kind.values()) / max(scores.brier(climate[known], dev.label[known]), 1e-12),
            "average_precision": scores.average_precision(told[known], dev.label[known]),
        }
    model = AlertModel(
        "classifier",
        calibration.fit(kinds[0], own, dev.label),
        None,
        dependence,
        params,
        Classifier.fit(dev, params, features),
        calibration.fit(kinds[1], new, dev.label),
        tuple(sorted(set(dev.series["place_id"].iloc[dev.code]))),
    )
    calm = np.full(len(dev), np.nan)
    seen = np.isfinite(own)
    calm[seen] = _cross_fitted(kinds[0], own[seen], dev.label[seen], own_fold[seen])
    return model, cross, HeldOut.none().plus(own, dev.label, is_later=False), calm


def _held_out(
    dev: AlertRows, features: tuple[Floats, list[str]], params: AlertParams, n_locations: int
) -> tuple[Floats, Ints]:
    """(probabilities of rows by models that saw neither them nor their weeks, fold of each row); NaN and -1 without.

    Raises DataTestFailed for features that know the label: the first fold that can judge them does, and where events
    are too few in each fold, all rows do.
    """
    X, columns = features
    judged = False
    told, fold = np.full(len(dev), np.nan), np.full(len(dev), -1)
    for number, (learn, held) in enumerate(folds(dev, params, n_locations)):
        judged = judged or refuse_leaks(X, columns, dev, learn, held, params)
        if not held.any() or len(np.unique(dev.label[learn])) < 2:
            continue
        told[held] = Classifier.fit(dev.at(learn), params, (X[learn], columns)).predict(
            dev.at(held), (X[held], columns)
        )
        fold[held] = number
    if not judged:
        everything = np.ones(len(dev), bool)
        refuse_leaks(X, columns, dev, ~everything, everything, params)
    return told, fold


def _best_kind(p: Floats, label: Floats, fold: Ints, params: AlertParams) -> tuple[str, dict[str, float]]:
    """The calibration with the lowest Brier score on folds it was not learnt from; the simpler one on a tie."""
    found = {kind: round(scores.brier(_cross_fitted(kind, p, label, fold), label), 8) for kind in params.calibrations}
    return (min(found, key=lambda kind: found[kind]) if found else "none"), found


def _cross_fitted(kind: str, p: Floats, label: Floats, fold: Ints) -> Floats:
    """Each fold calibrated on the others."""
    told = p.copy()
    for number in np.unique(fold):
        mine = fold == number
        told[mine] = calibration.fit(kind, p[~mine], label[~mine]).apply(p[mine])
    return told


def _selected(model: AlertModel, rows: AlertRows, forecasts: Forecasts) -> Floats:
    return model.calibrated(rows, model.raw(rows, forecasts))
