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
from ml.compare import compared, sample_note
from ml.dataset import Panel
from ml.forecaster import Blender, Floats, Forecaster, Model, build, is_naive, is_statistical, raw_answers, sampled
from ml.metrics import Scored, seasonal_scale
from ml.params import Params
from ml.recalibrate import replay
from ml.widen import learn_widening

Progress = Callable[[str], None]
Mask = NDArray[np.bool_]
STAND_IN = "naive_mean7"  # answers, in scores and in the ladder, where a model has none
BLEND = "combination"
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

    def publish(self, panel: Panel, raw: dict[str, Floats], *, until: int) -> tuple[dict[str, Floats], Contest]:
        """What each model would have published (m, 7), complete: a row without an answer takes the stand-in's.

        Origins in order, each knowing what became of the earlier ones; the contest given back knows all of them, as
        far as their truth was known by `until` (seconds since 1970).
        """
        answers, calibrations = {}, {}
        for name, values in raw.items():
            mine = self.calibrations[name]
            answers[name], drift = replay(mine, values, panel, self.params.calibration, until=until)
            calibrations[name] = replace(mine, drift=drift)
        answers = {name: _completed(values, answers[STAND_IN]) for name, values in answers.items()}
        return answers, replace(self, calibrations=calibrations)

    def refit(self, train: Panel, progress: Progress) -> Contest:
        """Models learnt again on more history; weights, calibration and choice stay as they are."""
        fresh = dict(self.models)
        for name, model in self.models.items():
            if isinstance(model, Forecaster) and model.learns:
                fresh[name] = _fitted(build(name, self.params), name, train, self.params, progress)
        return replace(self, models=fresh)


def compete(train: Panel, select: Panel, params: Params, progress: Progress) -> Contest:
    """Fits on `train`, compares on `select`; both hold scorable rows only, all of `train` known before `select`."""
    contest = _entrants(train, params)
    for name, model in contest.models.items():
        if isinstance(model, Forecaster):
            _fitted(model, name, train, params, progress)
    if len(select):
        only = sampled(contest.models, select, params.training.seed)
        raw = raw_answers(contest.models, select, learnt=False, only=only)
        scale = seasonal_scale(train)[select.row_series]
        honest = _cross_fitted(contest, raw, select)
        contest.selection = compared(Scored(select.row_frame(), select.target, scale, honest), only, params)
        raw = _best_statistical(contest, raw)
        _learn(contest, raw, select, np.ones(len(select), bool), np.zeros(len(select), bool))
        learn_widening(contest.models, contest.calibrations, select, params.calibration)
    contest.champion = choose(contest.selection, params, contest.too_short)
    progress(f"{params.dataset}: {contest.champion.model} is champion, {contest.champion.reason}")
    return contest


def _best_statistical(contest: Contest, raw: dict[str, Floats]) -> dict[str, Floats]:
    """Of the statistical models, which cost the most to ask, the best goes on; the scores of all stay."""
    by = contest.params.evaluation.champion_by
    ranked = [name for name in contest.selection.sort_values(by)["model"] if is_statistical(name)]
    for name in ranked[1:]:
        del contest.models[name], contest.calibrations[name]
    return {name: values for name, values in raw.items() if name in contest.models}


def _entrants(train: Panel, params: Params) -> Contest:
    """What competes: everything, or only what needs no history where there is too little of it."""
    models = {name: build(name, params) for name in params.models}
    models.setdefault(STAND_IN, build(STAND_IN, params))
    days = np.ptp(train.origin_h[train.origin]) / 24 if len(train) else 0
    short = None
    if days < params.training.min_days:
        short = f"{days:.0f} days of history before the selection windows, {params.training.min_days} needed to train"
        models = {name: model for name, model in models.items() if isinstance(model, Forecaster) and not model.learns}
    return Contest(params, models, {name: Calibration.none(params.calibration) for name in models}, too_short=short)


def _fitted(model: Model, name: str, train: Panel, params: Params, progress: Progress) -> Model:
    if isinstance(model, Forecaster) and model.learns:
        progress(f"{params.dataset}: fitting {name} on {len(train):,} rows")
        model.fit(train, seed=params.training.seed, progress=lambda line: progress(f"{params.dataset}: {line}"))
    return model


def _cross_fitted(contest: Contest, raw: dict[str, Floats], select: Panel) -> dict[str, Floats]:
    """Answers for every other week, with weights and calibration learnt on the weeks between."""
    week = select.origin_h[select.origin] // (24 * DAYS_A_FOLD)
    even: Mask = np.asarray(week % 2 == 0, dtype=np.bool_).reshape(-1)
    honest: dict[str, Floats] = {}
    for mine in (even, np.logical_not(even)):
        for name, values in _learn(contest, raw, select, np.logical_not(mine), mine).items():
            honest.setdefault(name, np.full((len(select), values.shape[1]), np.nan))[mine] = values
    return honest


def _learn(contest: Contest, raw: dict[str, Floats], panel: Panel, learn: Mask, answer: Mask) -> dict[str, Floats]:
    """Weights and calibration from the rows of `learn`; answers for the rows of `answer`."""
    actual, horizon = panel.target, panel.horizon
    own = dict(raw)
    for name, model in contest.models.items():
        if isinstance(model, Blender):
            model.fit_weights({k: v[learn] for k, v in raw.items()}, panel.rows(learn))
            own[name] = model.blend(raw, panel)
    answers = {}
    for name, values in own.items():
        stretch = calibrate(values[learn], actual[learn], horizon[learn], contest.params.calibration)
        contest.calibrations[name] = stretch
        answers[name] = stretch.apply(values[answer], horizon[answer])
    return {name: _completed(values, answers[STAND_IN]) for name, values in answers.items()}


def _completed(values: Floats, stand_in: Floats) -> Floats:
    return np.where(np.isfinite(values).all(axis=1, keepdims=True), values, stand_in)


def choose(scores: pd.DataFrame, params: Params, too_short: str | None) -> Choice:
    """The lowest score; a model that is not naive must beat the best naive one by `min_skill`.

    A mean of models errs less by chance than the one of them that looks best on a few months (Stock & Watson 2004): the
    combination is left for a single model only if that is better by `single_margin`.
    """
    by = params.evaluation.champion_by
    if scores.empty:
        return Choice(STAND_IN, too_short or "no row of the selection windows could be scored")
    table = scores.set_index("model")[by].sort_index().dropna()
    naive = table[[is_naive(name) for name in table.index]]
    best, reference = str(table.idxmin()), str(naive.idxmin())
    if BLEND in table and table[BLEND] <= table[best] / (1 - params.evaluation.single_margin):
        best = BLEND
    skill = 1 - table[best] / naive[reference] if naive[reference] > 0 else 0.0
    note = f"{by} {table[best]:.4g} on the selection windows, {skill:.1%} below {reference} ({naive[reference]:.4g})"
    if is_naive(best) or skill <= params.evaluation.min_skill:
        others = table.drop(naive.index)
        note = f"{by} {naive[reference]:.4g} on the selection windows and no model beats it"
        note += f" by {params.evaluation.min_skill:.0%}" if params.evaluation.min_skill else ""
        note += f" (best: {others.idxmin()} {others.min():.4g})" if len(others) else ""
        best = reference
    note += sample_note(scores, best)
    return Choice(best, note + (f"; {too_short}" if too_short else ""))
