"""All models against each other on selection windows: fitted before them, calibrated and weighted on them.

Scores that choose the champion are cross-fitted: weights and calibration of one half of the weeks are those learnt on
the other half. What is kept afterwards is learnt on all selection windows, and on nothing later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.calibrate import Calibration, calibrate
from ml.dataset import Panel
from ml.forecaster import Blender, Floats, Forecaster, Model, build, is_naive
from ml.metrics import Scored, seasonal_scale
from ml.params import Params

Progress = Callable[[str], None]
Mask = NDArray[np.bool_]
STAND_IN = "naive_mean7"  # answers, in scores and in the ladder, where a model has none
DAYS_A_FOLD = 7


@dataclass(frozen=True)
class Choice:
    model: str
    reason: str


@dataclass
class Contest:
    """Fitted models with what was learnt on the selection windows."""

    params: Params
    models: dict[str, Model]
    calibrations: dict[str, Calibration] = field(default_factory=dict)
    selection: pd.DataFrame = field(default_factory=pd.DataFrame)
    champion: Choice = field(default_factory=lambda: Choice(STAND_IN, "no competition was held"))
    too_short: str | None = None

    def answers(self, panel: Panel, *, names: tuple[str, ...] | None = None) -> dict[str, Floats]:
        """Calibrated quantiles (m, 7) per model, complete: a row without an answer takes the stand-in's."""
        raw = raw_answers(self.models, panel, names)
        calibrated = {name: self.calibrations[name].apply(values, panel.horizon) for name, values in raw.items()}
        return {name: _completed(values, calibrated[STAND_IN]) for name, values in calibrated.items()}

    def refit(self, train: Panel, progress: Progress) -> Contest:
        """Models learnt again on more history; weights, calibration and choice stay as they are."""
        fresh = dict(self.models)
        for name, model in self.models.items():
            if isinstance(model, Forecaster) and model.learns:
                fresh[name] = _fitted(build(name, self.params), name, train, self.params, progress)
        return replace(self, models=fresh)


def compete(train: Panel, select: Panel, params: Params, progress: Progress) -> Contest:
    """Fits on `train`, compares on `select`; both hold scorable rows only, all of `train` known before `select`."""
    contest = Contest(params, *_entrants(train, params))
    for name, model in contest.models.items():
        if isinstance(model, Forecaster):
            _fitted(model, name, train, params, progress)
    raw = raw_answers(contest.models, select, learnt=False)
    scored = Scored(select.row_frame(), select.target, seasonal_scale(train)[select.row_series], {})
    honest: dict[str, Floats] = {}
    fold = (select.origin_h[select.origin] // (24 * DAYS_A_FOLD)) % 2 == 0
    for mine in (fold, ~fold):
        for name, values in _learn(contest, raw, select, ~mine, mine).items():
            honest.setdefault(name, np.full((len(select), values.shape[1]), np.nan))[mine] = values
    _learn(contest, raw, select, np.ones(len(select), bool), np.zeros(len(select), bool))
    contest.selection = replace(scored, answers=honest).scores()
    contest.champion = choose(contest.selection, params, contest.too_short)
    progress(f"{params.dataset}: {contest.champion.model} is champion, {contest.champion.reason}")
    return contest


def _entrants(train: Panel, params: Params) -> tuple[dict[str, Model], dict[str, Calibration], pd.DataFrame, Choice, str | None]:
    models = {name: build(name, params) for name in params.models}
    models.setdefault(STAND_IN, build(STAND_IN, params))
    days = np.ptp(train.origin_h[train.origin]) / 24 if len(train) else 0
    short = None
    if days < params.training.min_days:
        short = f"{days:.0f} days of history before the selection windows, {params.training.min_days} needed to train"
        models = {name: model for name, model in models.items() if isinstance(model, Forecaster) and not model.learns}
    start = {name: Calibration.none(params.calibration) for name in models}
    return models, start, pd.DataFrame(), Choice(STAND_IN, "no competition was held"), short


def _fitted(model: Model, name: str, train: Panel, params: Params, progress: Progress) -> Model:
    if isinstance(model, Forecaster) and model.learns:
        progress(f"{params.dataset}: fitting {name} on {len(train):,} rows")
        model.fit(train, seed=params.training.seed, progress=progress)
    return model


def raw_answers(
    models: dict[str, Model], panel: Panel, names: tuple[str, ...] | None = None, *, learnt: bool = True
) -> dict[str, Floats]:
    """Uncalibrated answers of the forecasters and, with `learnt` weights, of the blenders."""
    wanted = set(names or models) | {STAND_IN}
    for name in list(wanted):
        model = models[name]
        wanted |= set(model.members) if isinstance(model, Blender) else set()
    raw = {name: model.predict(panel) for name, model in models.items() if name in wanted and isinstance(model, Forecaster)}
    if learnt:
        for name, model in models.items():
            if name in wanted and isinstance(model, Blender):
                raw[name] = model.blend(raw, panel.horizon)
    return raw


def _learn(contest: Contest, raw: dict[str, Floats], panel: Panel, learn: Mask, answer: Mask) -> dict[str, Floats]:
    """Weights and calibration from the rows of `learn`; answers for the rows of `answer`."""
    actual, horizon = panel.target, panel.horizon
    own = dict(raw)
    for name, model in contest.models.items():
        if isinstance(model, Blender):
            model.fit_weights({k: v[learn] for k, v in raw.items()}, actual[learn], horizon[learn])
            own[name] = model.blend(raw, horizon)
    answers = {}
    for name, values in own.items():
        stretch = calibrate(values[learn], actual[learn], horizon[learn], contest.params.calibration)
        contest.calibrations[name] = stretch
        answers[name] = stretch.apply(values[answer], horizon[answer])
    return {name: _completed(values, answers[STAND_IN]) for name, values in answers.items()}


def _completed(values: Floats, stand_in: Floats) -> Floats:
    return np.where(np.isfinite(values).all(axis=1)[:, None], values, stand_in)


def choose(scores: pd.DataFrame, params: Params, too_short: str | None) -> Choice:
    """The lowest score; a model that is not naive must beat the best naive one by `min_skill`."""
    by = params.evaluation.champion_by
    table = scores.set_index("model")[by].sort_index().dropna()
    naive = table[[is_naive(name) for name in table.index]]
    if naive.empty:
        return Choice(STAND_IN, "no row of the selection windows could be scored" + (f"; {too_short}" if too_short else ""))
    best, reference = str(table.idxmin()), str(naive.idxmin())
    skill = 1 - table[best] / naive[reference] if naive[reference] > 0 else 0.0
    note = f"{by} {table[best]:.4g} on the selection windows, {skill:.1%} below {reference} ({naive[reference]:.4g})"
    if is_naive(best) or skill <= params.evaluation.min_skill:
        note = f"no model beats it by more than {params.evaluation.min_skill:.0%}: {by} {naive[reference]:.4g}, best other {note}"
        best = reference
    return Choice(best, note + (f"; {too_short}" if too_short else ""))
