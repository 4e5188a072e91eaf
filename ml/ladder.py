"""Who answers for a series: champion, challenger, statistical, naive, climatology; each row says which and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

import numpy as np
import pandas as pd

from ml import engine, registry
from ml.calibrate import Calibration
from ml.climatology import climatology
from ml.competition import STAND_IN
from ml.dataset import Panel
from ml.forecaster import QUANTILE_NAMES, QUANTILES, STATISTICAL, Floats, Forecaster, build, is_statistical
from ml.params import Params
from ml.recalibrate import realised
from ml.registry import Bundle
from warehouse.errors import ArtefactRefused, TaskLost
from warehouse.history import known_days
from warehouse.misses import published_misses
from warehouse.settings import Settings

Read = Callable[[tuple[str, ...]], Panel]
LEARNT_RUNGS = ("champion", "challenger")
PART_ROWS = 200_000  # a whole number of the slices in which models predict, so that sums are over the same rows
LEAST_WINDOW_DAYS = 8  # a week and a day: what a statistical model's window wants


@dataclass(frozen=True)
class Answered:
    """`rows`, one per (series_id, horizon_h): variable, model_version, rung, rung_reason and the quantiles.

    `panel`: what they were answered from; `bundles`: by model version, what could answer; `beside`: rows of the
    versions that were asked beside, each with its `arm`.
    """

    rows: pd.DataFrame
    silent: list[str]
    notes: list[str]
    panel: Panel
    bundles: dict[str, Bundle]
    beside: pd.DataFrame


@dataclass(frozen=True)
class Rung:
    name: str
    model_version: str
    bundle: Bundle


def answer(
    settings: Settings,
    params: Params,
    *,
    now: datetime,
    series: pd.DataFrame,
    read: Read,
    arms: Mapping[str, Rung] = MappingProxyType({}),
) -> Answered:
    """Every series of `series` (one dataset's targets) with at least one reading, over all horizons.

    `arms`: versions that answer beside, by the name of their arm; one that cannot is a note.
    """
    rungs, refused = _rungs(settings, params, now)
    covariates = {name for rung in (*rungs, *arms.values()) for name in rung.bundle.params.features.covariates}
    panel = read(tuple(sorted(covariates)))
    days = known_days(settings, params.dataset, now)
    parts: list[pd.DataFrame] = []
    lost: list[str] = []
    why = dict.fromkeys(series["series_id"], "; ".join(refused))
    for rung in rungs:
        try:
            asked = {name: days.get(name, 0.0) for name in why}
            part, passed = _answered_by(settings, rung, panel, params, asked, lost)
        except ArtefactRefused as error:  # trained by code that made other columns
            refused.append(f"{rung.name} refused: {error}")
            why = {name: _and(reason, refused[-1]) for name, reason in why.items()}
            continue
        parts.append(part.assign(rung_reason=part["series_id"].map(why).replace("", None)))
        done = set(part["series_id"])
        why = {name: _and(reason, passed.get(name)) for name, reason in why.items() if name not in done}
        if not why:
            break
    if why:
        climate = climatology(settings, params, now, why)
        parts.append(climate)
        why = {name: reason for name, reason in why.items() if name not in set(climate["series_id"])}
    rows = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    wanted = {str(name): days.get(name, 0.0) for name in series["series_id"]}
    beside, unable = _beside(settings, arms, panel, params, wanted, lost)
    for frame in (rows, beside):
        frame["variable"] = frame["series_id"].map(series.set_index("series_id")["variable"])
    notes = [f"{params.dataset}: {reason}" for reason in (*refused, *unable, *lost)]
    return Answered(rows, sorted(why), notes, panel, {rung.model_version: rung.bundle for rung in rungs}, beside)


def _beside(
    settings: Settings,
    arms: Mapping[str, Rung],
    panel: Panel,
    params: Params,
    wanted: dict[str, float],
    lost: list[str],
) -> tuple[pd.DataFrame, list[str]]:
    parts, unable = [pd.DataFrame(columns=["series_id"])], []
    for arm, rung in arms.items():
        try:
            parts.append(_answered_by(settings, rung, panel, params, wanted, lost)[0].assign(arm=arm))
        except ArtefactRefused as error:
            unable.append(f"{arm} refused: {error}")
    filled = [part for part in parts if len(part)]
    return pd.concat(filled or parts, ignore_index=True), unable


def _rungs(settings: Settings, params: Params, now: datetime) -> tuple[list[Rung], list[str]]:
    """What can be loaded, best first, with untrained stand-ins at the end; and what was refused."""
    rungs, refused = [], []
    for name, row in registry.ladder(settings, params.dataset, now):
        try:
            rungs.append(
                brought_up_to_date(settings, name, str(row["model_version"]), registry.load(settings, row), now)
            )
        except ArtefactRefused as error:
            refused.append(f"{name} refused: {error}")
    if not rungs and not refused:
        refused.append("no trained model")
    have = {rung.name for rung in rungs}
    # a stand-in reads nothing but its series
    features = params.features.model_copy(update={"covariates": (), "issued": ()})
    alone = params.model_copy(update={"features": features})
    for name, model in (("statistical", STATISTICAL[0]), ("naive", STAND_IN)):
        if name not in have and model in (*params.models, STAND_IN):
            bundle = Bundle(model, alone, {model: build(model, alone)}, Calibration.none(params.calibration))
            rungs.append(Rung(name, f"{params.dataset}-{model}-untrained", bundle))
    return sorted(rungs, key=lambda rung: list(params.fallback.widen_by_rung).index(rung.name)), refused


def brought_up_to_date(settings: Settings, rung: str, version: str, bundle: Bundle, now: datetime) -> Rung:
    """The calibration as the version's own forecasts from this rung have corrected it since, by truths known now."""
    origin_at = now.replace(minute=0, second=0, microsecond=0)
    seen = published_misses(settings, version, rung, origin_at, QUANTILES)
    drift = realised(bundle.calibration, bundle.params.calibration, seen)
    return Rung(rung, version, replace(bundle, calibration=replace(bundle.calibration, drift=drift)))


def _answered_by(
    settings: Settings, rung: Rung, panel: Panel, params: Params, wanted: dict[str, float], lost: list[str]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Rows of the series this rung can answer in full; and why it passed over the others.

    `wanted`: days known, by series. `lost` takes what a cluster did not give back.
    """
    stale = panel.stats["staleness_h"]
    passed: dict[str, str] = {}
    able = np.zeros(len(panel.origin_h), bool)
    for position, code in enumerate(panel.series_code):
        name = str(panel.series["series_id"].iloc[code])
        reason = _unable(rung.name, float(stale[position]), float(panel.stats["n_known_24"][position]), params)
        reason = reason or _too_short(rung, wanted.get(name, 0.0), params)
        if reason:
            passed[name] = reason
        able[position] = name in wanted and reason is None
    mine = panel.rows(able[panel.origin])
    if not len(mine):
        return pd.DataFrame(columns=["series_id"]), passed
    calibration = rung.bundle.calibration
    lacking = calibration.widening.of(mine, calibration.bucket(mine.horizon))
    widen = lacking * params.fallback.widen_by_rung[rung.name]
    quantiles = calibration.apply(_raw(settings, rung.bundle, mine, lost), mine.horizon, widen)
    rows = mine.row_frame().drop(columns="origin_at").assign(model_version=rung.model_version, rung=rung.name)
    rows[list(QUANTILE_NAMES)] = quantiles
    complete = np.asarray(np.isfinite(quantiles).all(axis=1), bool)
    unanswered = {str(name) for name in rows["series_id"].to_numpy()[~complete]}
    passed |= dict.fromkeys(unanswered, f"{rung.name} has no answer for the gaps before the origin")
    return rows[~rows["series_id"].isin(unanswered)], passed


def _raw(settings: Settings, bundle: Bundle, panel: Panel, lost: list[str]) -> Floats:
    """(m, 7) uncalibrated answers, made here or in parts by the cluster: the same to the last digit.

    A part holds all origins, for each reads its peers, and so many rows as a model reads at a time anyway. A part that
    the cluster lost is made here: there is to be a forecast in the morning.
    """
    if settings.engine == "local":
        return bundle.raw(panel)
    parts = [slice(start, start + PART_ROWS) for start in range(0, len(panel), PART_ROWS)]
    made = []
    with engine.workers(settings, len(parts)) as pool:
        there = engine.shared((bundle, panel))
        asked = [pool.submit(_raw_part, there, part) for part in parts]
        for part, future in zip(parts, asked, strict=True):
            try:
                made.append(future.result())
            except TaskLost as error:
                lost.append(f"{bundle.name} forecast on this machine: {error}")
                made.append(_raw_part((bundle, panel), part))
    return np.concatenate(made)


def _raw_part(asked: tuple[Bundle, Panel], part: slice) -> Floats:
    bundle, panel = asked
    return bundle.raw(panel.rows(part))


def _unable(rung: str, stale: float, known: float, params: Params) -> str | None:
    if not np.isfinite(stale):
        return "nothing known in the week before the origin"
    if rung in LEARNT_RUNGS and stale > params.fallback.max_staleness_h:
        return f"last value is {stale:.0f} h old"
    if rung in LEARNT_RUNGS and known < params.fallback.min_known_24:
        return f"{known:.0f} of the last 24 hours known"
    return None


def _too_short(rung: Rung, days: float, params: Params) -> str | None:
    """A series is forecast by what its own history can support, however much the others of its dataset have."""
    models = rung.bundle.models
    if any(isinstance(model, Forecaster) and model.learns for model in models.values()):
        needed = params.training.min_days
    else:
        needed = LEAST_WINDOW_DAYS if any(is_statistical(name) for name in models) else 0
    return f"{days:.0f} days of history, {needed} needed" if days < needed else None


def _and(reason: str, more: str | None) -> str:
    return reason if not more or more in reason else "; ".join(filter(None, (reason, more)))
