"""Search for better parameters of the trees and of what they are told: on selection windows, judged on later ones.

The older two thirds of the selection window score the trials, the newest third (with a horizon between) only confirms:
the outcome and the untuned parameters are fitted alike and compared origin by origin. Without a clear gain the untuned
ones stay. Nothing here reads the report window. The study lies on disk and goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from ml.backtest import Panels, Windows
from ml.dataset import Panel, hours_to_time
from ml.forecaster import MEDIAN, Forecaster, build
from ml.learn import data_hash
from ml.paired import Paired, compare, row_losses
from ml.params import Params, laid_over
from ml.tune_space import MODEL, overlay_of, suggested, untuned
from warehouse.errors import BadInput

SEARCH_SHARE = 2 / 3
STEPS = ((12_000, 50), (40_000, 100))  # rows and trees of a trial: the poor ones end after the first
STARTUP_TRIALS = 8
LEAST_ROWS = 500  # of each window
UNTUNED = "untuned"  # marks the trial that changes nothing
COMPLETE = optuna.trial.TrialState.COMPLETE
FINISHED = (COMPLETE, optuna.trial.TrialState.PRUNED)

Progress = Callable[[str], None]


@dataclass(frozen=True)
class TuneResult:
    """`overlay`: values to lay over params.yaml; `search` and `confirm`: mean absolute errors, tuned and untuned."""

    dataset: str
    accepted: bool
    overlay: dict[str, Any]
    search: dict[str, float]
    confirm: dict[str, object]
    windows: dict[str, str]
    n_trials: int
    reason: str
    trials: pd.DataFrame  # number, state, value, the chosen values

    def to_json(self) -> str:
        found = {
            name: value for name, value in asdict(replace(self, trials=pd.DataFrame())).items() if name != "trials"
        }
        return json.dumps(found, indent=1, sort_keys=True) + "\n"


def tune(
    panels: Panels,
    windows: Windows,
    params: Params,
    *,
    storage: Path,
    trials: int | None = None,
    seconds: float | None = None,
    progress: Progress = lambda _: None,
) -> TuneResult:
    """`params` with covariates spelled out. The same panels, seed and number of trials give the same outcome.

    `trials`: how many the study shall have in the end; `seconds`: no new trial starts later. Raises BadInput where
    there is too little to search on.
    """
    learn, search, confirm = _parts(panels, windows)
    _check(params, learn, search, confirm)
    study = _study(storage, params, panels)
    _search(study, learn, search, params, trials, seconds, progress)
    table = _table(study)
    base, best = float(table.loc[table["is_untuned"], "value"].iloc[0]), study.best_trial
    overlay = overlay_of(best.params, params)
    found = TuneResult(
        dataset=params.dataset,
        accepted=False,
        overlay=overlay,
        search={"untuned": base, "tuned": float(study.best_value)},
        confirm={},
        windows=_spans(search, confirm),
        n_trials=len(table),
        reason=f"none of {len(table)} trials was better than the untuned parameters",
        trials=table,
    )
    if not overlay:
        return found
    progress(f"{params.dataset}: confirming trial {best.number} on windows the search has not seen")
    paired = _confirmed(learn, confirm, params, overlay, progress)
    return _judged(found, paired, params)


def _judged(found: TuneResult, paired: Paired, params: Params) -> TuneResult:
    """Kept only with a gain of at least `margin` that luck would seldom give (one-sided, `alpha`)."""
    margin, alpha = params.tuning.margin, params.tuning.alpha
    sure = paired.p_value is not None and paired.p_value < alpha
    accepted = sure and paired.gain >= margin
    verdict = "accepted" if accepted else f"refused (needed: {margin:.1%} better, p < {alpha:g})"
    reason = f"{verdict} on windows the search never saw: {paired}"
    return replace(found, accepted=accepted, confirm=paired.figures(), reason=reason)


def _parts(panels: Panels, windows: Windows) -> tuple[Panel, Panel, Panel]:
    """Rows to learn from, to search on and to confirm on; each known before the next begins."""
    learn = panels.train.known_before(windows.select_from)
    split = windows.select_from + (windows.report_from - windows.select_from) * SEARCH_SHARE
    split = split.replace(hour=0, minute=0, second=0, microsecond=0)
    search = panels.select.between(windows.select_from, split).known_before(split)
    return learn, search, panels.select.between(split, windows.report_from)


def _check(params: Params, learn: Panel, search: Panel, confirm: Panel) -> None:
    days = np.ptp(learn.origin_h[learn.origin]) / 24 if len(learn) else 0
    if days < params.training.min_days or min(len(search), len(confirm)) < LEAST_ROWS:
        raise BadInput(
            f"too little of {params.dataset} to search on: {days:.0f} days before the selection windows "
            f"({params.training.min_days} needed), {len(search):,} rows to search on, {len(confirm):,} to confirm"
        )


def _study(storage: Path, params: Params, panels: Panels) -> optuna.Study:
    """The study of these panels and parameters: other data or other params.yaml begin another one in the same file."""
    storage.parent.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(f"{params.fingerprint()}|{data_hash(panels.train)}|{data_hash(panels.select)}".encode())
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    backend = JournalStorage(JournalFileBackend(str(storage)))
    name = f"{params.dataset}-{key.hexdigest()[:16]}"
    study = optuna.create_study(storage=backend, study_name=name, direction="minimize", load_if_exists=True)
    known = (*FINISHED, optuna.trial.TrialState.WAITING)
    if not any(UNTUNED in trial.user_attrs for trial in study.get_trials(deepcopy=False, states=known)):
        study.enqueue_trial(untuned(params), user_attrs={UNTUNED: True})
    return study


def _search(
    study: optuna.Study,
    learn: Panel,
    search: Panel,
    params: Params,
    trials: int | None,
    seconds: float | None,
    progress: Progress,
) -> None:
    """Draws depend on how many trials there are: a study that was stopped goes on, and does not repeat itself."""
    before = len(study.get_trials(deepcopy=False, states=FINISHED))
    seed = params.training.seed + before
    study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS, constant_liar=False)
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS // 2)
    samples = [_thinned(learn, rows, params.training.seed) for rows, _ in STEPS]

    def objective(trial: optuna.Trial) -> float:
        tried = laid_over_params(params, overlay_of(suggested(trial, params, learn), params))
        loss = np.inf
        for step, (sample, (_, trees)) in enumerate(zip(samples, STEPS, strict=True)):
            loss = float(_losses(_quick(tried, trees), sample, search).mean())
            trial.report(loss, step)
            if UNTUNED not in trial.user_attrs and trial.should_prune():
                raise optuna.TrialPruned
        return loss

    def told(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        value = f"{trial.value:.4g}" if trial.value is not None and trial.state.name == "COMPLETE" else trial.state.name
        progress(f"{params.dataset}: trial {trial.number} {value.lower()}, best {study.best_value:.4g}")

    wanted = None if trials is None else max(0, trials - before)
    if wanted != 0:
        study.optimize(objective, n_trials=wanted, timeout=seconds, callbacks=[told])


def laid_over_params(params: Params, overlay: dict[str, Any]) -> Params:
    return Params.model_validate(laid_over(params.model_dump(), overlay))


def _quick(params: Params, trees: int) -> Params:
    """A trial's model: fewer trees that learn as much together."""
    block = dict(params.models[MODEL])
    rate = block["learning_rate"] * block["n_trees"] / trees
    block |= {"n_trees": trees, "n_spread_trees": 1, "learning_rate": min(rate, 0.2)}
    return params.model_copy(update={"models": {**params.models, MODEL: block}})


def _losses(params: Params, learn: Panel, panel: Panel) -> np.ndarray[Any, np.dtype[np.float64]]:
    model = build(MODEL, params)
    assert isinstance(model, Forecaster)
    model.fit(learn, seed=params.training.seed, progress=lambda _: None)
    return row_losses(panel.target, model.predict(panel)[:, : MEDIAN + 1], "mae")


def _confirmed(learn: Panel, confirm: Panel, params: Params, overlay: dict[str, Any], progress: Progress) -> Paired:
    rows = confirm.row_frame()
    old, new = (
        rows.assign(loss=_losses(tried, learn, confirm)) for tried in (params, laid_over_params(params, overlay))
    )
    return compare(old, new, "mae")


def _thinned(panel: Panel, rows: int, seed: int) -> Panel:
    if len(panel) <= rows:
        return panel
    chosen = np.zeros(len(panel), bool)
    chosen[np.random.default_rng(seed).choice(len(panel), rows, replace=False)] = True
    return panel.rows(chosen)


def _table(study: optuna.Study) -> pd.DataFrame:
    """One line per finished trial."""
    lines = [
        {
            "number": trial.number,
            "state": trial.state.name,
            "is_untuned": UNTUNED in trial.user_attrs,
            "value": trial.value if trial.state == COMPLETE else np.nan,
            **trial.params,
        }
        for trial in study.get_trials(deepcopy=False, states=FINISHED)
    ]
    return pd.DataFrame(lines)


def _spans(search: Panel, confirm: Panel) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, panel in (("search", search), ("confirm", confirm)):
        at = panel.origin_h[panel.origin]
        first, last = pd.DatetimeIndex(hours_to_time(np.array([at.min(), at.max()])))
        found |= {f"{name}_from": first.isoformat(), f"{name}_to": last.isoformat()}
    return found
