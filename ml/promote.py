"""Who goes into production after a training: the new version (challenger) or the one that is there (champion).

The challenger answers as it competed, fitted before the selection windows; losses are those of the report windows, per
origin. The champion answers as it was trained where at least `min_origins` origins lie after its training; else its
recipe is learnt anew beside the challenger, so that neither has seen a window. The same recipe on newer data is no
challenger but a refresh. Test: ml/paired.py; knobs: the block `promotion` of params.yaml.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import pandas as pd

from ml import paired, registry
from ml.backtest import Source, run, with_covariates
from ml.competition import STAND_IN, Progress
from ml.learn import Learnt
from ml.metrics import Scored
from ml.paired import KEY, LEAST_ORIGINS
from ml.params import Params
from ml.recalibrate import replay
from ml.recipe import Row, members, recipe, recipe_of, stored_params
from warehouse import results
from warehouse.errors import ArtefactRefused
from warehouse.settings import Settings

Action = Literal["promote", "keep", "candidate"]
SAME = "the same model"


@dataclass(frozen=True)
class Verdict:
    """`reason` holds the figures as a person reads them, `figures` as a program does."""

    action: Action
    reason: str
    figures: dict[str, object] = field(default_factory=dict)


def judge(settings: Settings, learnt: Learnt, *, now: datetime, run_id: str, progress: Progress) -> Verdict:
    """The decision on the model that won the competition. Policy `manual` leaves it to a person.

    Where nothing is in production there is nothing to protect: the first version is promoted under either policy.
    """
    top = registry.champion(settings, learnt.asked.dataset, now, besides=run_id)
    if top is None:
        return Verdict("promote", "first version")
    verdict = _against(settings, learnt, top, now=now, run_id=run_id, progress=progress)
    if verdict.figures.get("basis") == SAME:
        return verdict
    if (settings.promotion_policy or learnt.asked.promotion.policy) == "auto":
        return verdict
    advice = "promoted" if verdict.action == "promote" else "kept out"
    return Verdict(
        "candidate", f"waits for approval; of itself it would be {advice}: {verdict.reason}", verdict.figures
    )


def _against(
    settings: Settings, learnt: Learnt, top: Row, *, now: datetime, run_id: str, progress: Progress
) -> Verdict:
    # named by model and day: a version's name holds the run's, and a rerun shall say the same
    name, knobs = f"{top['model']} of {top['trained_at']:%Y-%m-%d}", learnt.asked.promotion
    try:
        as_trained = _as_trained(settings, learnt, top, now)
    except ArtefactRefused as error:
        return Verdict("promote", f"the champion {name} cannot answer any more: {error}", {"champion": name})
    if recipe_of(top) == recipe(learnt.asked, learnt.result.champion):
        if top["data_hash"] == learnt.data_hash:
            return Verdict("keep", f"the recipe of {name} on the same data: nothing to change", {"basis": SAME})
        if not _went_back(settings, learnt.asked, now, besides=run_id):
            return _refreshed(learnt, name, as_trained)
    challenger, basis = _losses(learnt, learnt.result.scored, learnt.result.champion), "as it was trained"
    champion: pd.DataFrame | None = as_trained
    if as_trained["origin_at"].nunique() < knobs.min_origins:
        champion = _learnt_anew(settings, learnt, top, now, progress)
        basis = "its recipe learnt anew before the windows"
    if champion is None:  # its recipe needs more history than there is
        champion, basis = as_trained, "as it was trained"
    found = paired.compare(champion, challenger, learnt.asked.evaluation.champion_by)
    margin = margin_needed(settings, learnt.asked, now, besides=run_id)
    figures = {"champion": name, "basis": basis, "margin": round(margin, 6), "alpha": knobs.alpha, **found.figures()}
    told = f"{found}; champion: {name}, {basis}; needed: {margin:.1%} lower and p < {knobs.alpha:g}"
    if found.p_value is None:
        return Verdict("keep", f"{told}; {LEAST_ORIGINS} origins are the least", figures)
    better = found.gain >= margin and found.gain > 0 and found.p_value < knobs.alpha
    return Verdict("promote" if better else "keep", told, figures)


def _went_back(settings: Settings, params: Params, now: datetime, *, besides: str) -> bool:
    """Whether a person rolled back of late: newer data alone does not undo that, only a model that is surely better."""
    events: list[Row] = [e for e in results.champion_events(settings, params.dataset, now) if e["run_id"] != besides]
    since = now - timedelta(days=params.promotion.settle_days)
    return bool(events) and events[0]["action"] == "rollback" and events[0]["event_at"] > since


def _refreshed(learnt: Learnt, name: str, as_trained: pd.DataFrame) -> Verdict:
    """The same recipe on newer data. The champion has seen months that the competing fit had not: some lag is fair."""
    knobs = learnt.asked.promotion
    fresh = _losses(learnt, learnt.result.scored, learnt.result.champion)
    found = paired.compare(as_trained, fresh, learnt.asked.evaluation.champion_by)
    figures = {"champion": name, "basis": "refresh", "margin": -knobs.refresh_worse, "alpha": knobs.alpha}
    figures |= found.figures() if found.n_origins else {}
    told = f"refresh: the recipe of {name} on newer data"
    told += f"; {found}" if found.n_origins else ""
    worse = found.p_worse is not None and found.p_worse < knobs.alpha and found.gain < -knobs.refresh_worse
    if worse:
        return Verdict("keep", f"{told}: worse by more than {knobs.refresh_worse:.0%}", figures)
    return Verdict("promote", told, figures)


def _losses(learnt: Learnt, scored: Scored, model: str) -> pd.DataFrame:
    loss = paired.row_losses(scored.actual, scored.answers[model], learnt.asked.evaluation.champion_by)
    return scored.rows[KEY].assign(loss=loss)


def _as_trained(settings: Settings, learnt: Learnt, top: Row, now: datetime) -> pd.DataFrame:
    """Losses of the champion's own artefact, from the origins after its training. Raises ArtefactRefused."""
    bundle = registry.load(settings, top)
    evaluation, horizon = learnt.asked.evaluation, min(bundle.params.horizon_h, learnt.asked.horizon_h)
    params = bundle.params.model_copy(update={"evaluation": evaluation, "horizon_h": horizon})
    start = max(learnt.windows.report_from, top["trained_at"])
    if start >= learnt.windows.report_to:
        return pd.DataFrame({name: [] for name in (*KEY, "loss")})
    panel = Source(settings, params).report(start, learnt.windows.report_to).known_before(now)
    answers = replay(bundle.calibration, bundle.raw(panel), panel, bundle.params.calibration)[0]
    rows = panel.row_frame()[KEY]
    rows["loss"] = paired.row_losses(panel.target, answers, evaluation.champion_by)
    # where it has no answer the stand-in's counts, as it does for every model that competes
    stand_in = _losses(learnt, learnt.result.scored, STAND_IN).rename(columns={"loss": "instead"})
    rows = rows.merge(stand_in, on=KEY, how="left")
    rows["loss"] = rows["loss"].fillna(rows["instead"])
    return rows.drop(columns="instead").dropna(subset="loss")


def _learnt_anew(
    settings: Settings, learnt: Learnt, top: Row, now: datetime, progress: Progress
) -> pd.DataFrame | None:
    """Losses of the champion's recipe within the challenger's windows; None where it cannot be learnt in them."""
    model, scored = str(top["model"]), learnt.result.scored
    if model in scored.answers and recipe_of(top) == recipe(learnt.asked, model):
        return _losses(learnt, scored, model)
    stored = stored_params(top)
    if stored is None:
        return None
    needed = {model, *members(stored, model)}
    update = {"evaluation": learnt.asked.evaluation, "models": {k: v for k, v in stored.models.items() if k in needed}}
    params = with_covariates(settings, stored.model_copy(update=update))
    panels = Source(settings, params).panels(learnt.windows, known_by=now)
    progress(f"{params.dataset}: learning the champion's recipe anew")
    again = run(panels, learnt.windows, params, progress)[0].scored
    return _losses(learnt, again, model) if model in again.answers else None


def margin_needed(settings: Settings, params: Params, now: datetime, *, besides: str = "") -> float:
    """The margin, `hysteresis` times as large right after a switch and back to itself over `settle_days`.

    Windows overlap from one training to the next: what tipped the scale once is still in most of them.
    """
    knobs = params.promotion
    switched = last_switch(settings, params.dataset, now, besides=besides)
    if switched is None:
        return knobs.margin
    age = (now - switched).total_seconds() / 86_400
    return knobs.margin * (1 + (knobs.hysteresis - 1) * max(0.0, 1 - age / knobs.settle_days))


def last_switch(settings: Settings, dataset: str, now: datetime, *, besides: str = "") -> datetime | None:
    """When another recipe, or an older version, last went into production; refreshes are no switch."""
    known = {row["model_version"]: row for row in results.versions(settings, dataset, now)}
    events: list[Row] = [e for e in results.champion_events(settings, dataset, now) if e["run_id"] != besides]
    kinds = [_kind(known.get(event["model_version"])) for event in events]
    for event, kind, before in zip(events, kinds, kinds[1:], strict=False):
        if event["action"] == "rollback" or kind != before:
            moment: datetime = event["event_at"]
            return moment
    return None


def _kind(row: Row | None) -> str | None:
    return (
        None if row is None else recipe_of(row) or f"{row['model']} {json.loads(str(row['params'])).get('fingerprint')}"
    )
