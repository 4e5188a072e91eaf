"""What the methods would have said on windows that chose nothing, and the learning curve."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np

from ml.alerts import scores
from ml.alerts.baselines import climatology
from ml.alerts.calibration import HeldOut
from ml.alerts.classifier import Classifier
from ml.alerts.contest import Learnt, thinned, too_few
from ml.alerts.dataset import AlertRows, Floats
from ml.alerts.implied import Forecasts
from ml.alerts.model import AlertModel
from ml.alerts.params import AlertParams
from ml.alerts.task import Windows
from ml.dataset import HOUR, seconds_of

CURVE = (0.25, 0.5)
MONTH_H = 730.5


def refitted(model: AlertModel, known: AlertRows, held_out: HeldOut, params: AlertParams) -> AlertModel:
    """The same method learnt on more history, its calibration on all held-out probabilities so far."""
    if model.classifier is None:
        return model
    fresh = Classifier.fit(thinned(known, params.max_rows), params)
    places = tuple(sorted({*model.places, *known.series["place_id"].iloc[np.unique(known.code)]}))
    return replace(model, classifier=fresh, calibrator=held_out.fit(model.calibrator.kind), places=places)


def report(
    learnt: Learnt, rows: AlertRows, forecasts: Forecasts, windows: Windows, params: AlertParams
) -> tuple[dict[str, Any], HeldOut]:
    """(metrics as JSON, held-out probabilities with those of the report rows added).

    The classifier is learnt again every `report_refit_days`, as it would be in use, on what was known by then.
    `methods`: each over all rows, climatology standing in where it has no answer; `paired`: Brier scores over the rows
    that have a forecast; `value_curves`: relative economic value by cost / loss ratio, all rows.
    """
    mine = rows.between(windows.report_from, windows.report_to)
    climate = climatology(mine)
    told = {name: model.calibrated(mine, model.raw(mine, forecasts)) for name, model in learnt.models.items()}
    held_out = learnt.held_out
    if "classifier" in learnt.models:
        told["classifier"], held_out = _rolled(learnt, rows, mine, windows, params)
    answered = {name: np.where(np.isfinite(p), p, climate) for name, p in told.items() if np.isfinite(p).any()}
    chosen, act_from = learnt.model.method, rows.rule.act_from
    found: dict[str, Any] = {
        "methods": {name: scores.headline(p, mine.label, climate, act_from) for name, p in answered.items()},
        "value_curves": {name: scores.value_curve(p, mine.label) for name, p in answered.items()},
        "chosen": chosen,
        "paired": _paired(told, answered, mine),
        "details": scores.details(answered.get(chosen, climate), mine.label, act_from) if len(mine) else {},
        "learning_curve": _curve(learnt, rows.known_before(windows.report_from), mine, answered, params),
    }
    return found, held_out


def _rolled(
    learnt: Learnt, rows: AlertRows, mine: AlertRows, windows: Windows, params: AlertParams
) -> tuple[Floats, HeldOut]:
    """Calibrated probabilities of the report rows, learnt again at the start of each block on what was known then."""
    told, raw = np.full(len(mine), np.nan), np.full(len(mine), np.nan)
    start, held_out = windows.report_from, learnt.held_out
    while start < windows.report_to:
        end = min(start + timedelta(days=params.report_refit_days), windows.report_to)
        known = np.asarray(mine.known_at <= seconds_of(start)) & np.isfinite(raw)
        model = refitted(
            learnt.models["classifier"],
            rows.known_before(start),
            learnt.held_out.plus(raw[known], mine.label[known], is_later=True),
            params,
        )
        at = np.flatnonzero((mine.origin_h * HOUR >= seconds_of(start)) & (mine.origin_h * HOUR < seconds_of(end)))
        block = mine.at(at)
        raw[at] = model.raw(block, Forecasts.none(rows.rule))
        told[at] = model.calibrated(block, raw[at])
        start = end
    return told, held_out.plus(raw, mine.label, is_later=True)


def _paired(told: dict[str, Floats], answered: dict[str, Floats], rows: AlertRows) -> dict[str, Any]:
    if "forecast" not in answered:
        return {}
    both = np.isfinite(told["forecast"])
    return {"n_rows": int(both.sum())} | {
        name: scores.brier(p[both], rows.label[both]) for name, p in sorted(answered.items())
    }


def _curve(
    learnt: Learnt, known: AlertRows, rows: AlertRows, answered: dict[str, Floats], params: AlertParams
) -> list[dict[str, float]]:
    """Brier score on the report rows of classifiers that learnt once, from the newest part of the history only."""
    if "classifier" not in learnt.models or not len(rows):
        return []
    first, last = int(known.origin_h.min()), int(known.origin_h.max())
    found = []
    for share in CURVE:
        part = known.at(known.origin_h >= last - share * (last - first))
        if too_few(part, params):
            continue
        model = refitted(learnt.models["classifier"], part, learnt.held_out, params)
        p = model.calibrated(rows, model.raw(rows, Forecasts.none(rows.rule)))
        p = np.where(np.isfinite(p), p, climatology(rows))
        found.append({"months": round(share * (last - first) / MONTH_H, 1), "brier": scores.brier(p, rows.label)})
    whole = scores.brier(answered["classifier"], rows.label)
    return [*found, {"months": round((last - first) / MONTH_H, 1), "brier": whole}]
