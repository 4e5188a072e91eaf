"""Which arm answers a series in this run; what the others said is kept beside it, to be scored the same way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from ml import registry
from ml.arms import ab, bandit
from ml.forecaster import QUANTILE_NAMES, Floats
from ml.paired import row_losses
from ml.params import Params
from ml.recipe import Row, recipe_of
from warehouse import arms as store
from warehouse import results
from warehouse.settings import Settings


@dataclass(frozen=True)
class Trial:
    """What is compared: the champion and the arms beside it. The same recipes are the same trial."""

    mode: str
    name: str
    versions: dict[str, Row]  # by arm, the champion first

    @property
    def arms(self) -> list[str]:
        return list(self.versions)


@dataclass(frozen=True)
class Published:
    """`rows` go out, `beside` are only scored, `assigned` (None without a trial) says who answered whom and why."""

    rows: pd.DataFrame
    beside: pd.DataFrame
    assigned: pd.DataFrame | None


def trial_of(settings: Settings, params: Params, beside: dict[str, Row], now: datetime) -> Trial | None:
    """The trial that the params ask for, None where nothing stands against the champion. A/B: B is the newest version
    that lost or waits, else the challenger."""
    top = registry.champion(settings, params.dataset, now)
    rivals = [arm for arm in ("candidate", "challenger") if arm in beside]
    if top is None or params.arms.mode not in ("ab", "bandit") or not rivals:
        return None
    rivals = rivals[:1] if params.arms.mode == "ab" else rivals
    versions = {"champion": top} | {arm: beside[arm] for arm in rivals}
    recipes = sorted(recipe_of(row) or str(row["model"]) for row in versions.values())
    name = hashlib.sha256("|".join([params.dataset, params.arms.mode, *recipes]).encode()).hexdigest()[:12]
    return Trial(params.arms.mode, name, versions)


def publish(
    settings: Settings, params: Params, trial: Trial | None, rows: pd.DataFrame, beside: pd.DataFrame, now: datetime
) -> Published:
    """`rows` as the ladder answered, `beside` as the arms did. Only series that the champion answered are on trial."""
    if trial is None or rows.empty:
        return Published(rows, beside, None)
    able = {arm: set(beside.loc[beside["arm"] == arm, "series_id"]) for arm in trial.arms[1:]}
    on_trial = rows.loc[rows["rung"] == "champion", "series_id"].drop_duplicates().tolist()
    chosen = _by_ab if trial.mode == "ab" else _by_bandit
    assigned = pd.DataFrame(
        chosen(settings, params, trial, on_trial, now), columns=["series_id", "arm", "propensity", "reason"]
    )
    lacking = [arm != "champion" and name not in able[arm] for name, arm in assigned[["series_id", "arm"]].to_numpy()]
    assigned.loc[lacking, "reason"] = assigned["arm"] + " has no answer; " + assigned["reason"]
    assigned.loc[lacking, "arm"] = "champion"
    assigned["dataset"], assigned["mode"], assigned["trial"] = params.dataset, trial.mode, trial.name
    assigned["created_at"] = pd.Timestamp(now)
    assigned["model_version"] = [str(trial.versions[arm]["model_version"]) for arm in assigned["arm"]]
    moved = assigned[assigned["arm"] != "champion"].set_index("series_id")
    out = rows["series_id"].isin(moved.index)
    taken = beside["series_id"].map(moved["arm"]) == beside["arm"]
    instead = beside[taken].drop(columns="arm").assign(rung="challenger")
    instead["rung_reason"] = [f"{trial.mode}: {moved['reason'][name]}" for name in instead["series_id"]]
    kept = pd.concat([beside[~taken], rows[out].drop(columns="rung_reason").assign(arm="champion")], ignore_index=True)
    return Published(pd.concat([rows[~out], instead], ignore_index=True), kept, assigned)


def ab_outcome(settings: Settings, params: Params, trial: Trial, now: datetime) -> ab.Outcome:
    """How an A/B stands by what came true until `now`."""
    days, knobs = _differences(_daily(settings, trial, now), "day", trial.arms), params.arms
    return ab.outcome(_backtested(settings, params, trial), days, knobs.effect, knobs.alpha, knobs.power)


def _by_ab(
    settings: Settings, params: Params, trial: Trial, series: list[str], now: datetime
) -> list[tuple[str, str, float, str]]:
    found = ab_outcome(settings, params, trial, now)
    if found.is_decided:
        return [(name, "champion", 1.0, f"decided: {found}") for name in series]
    arm_of = dict(zip("ab", trial.arms, strict=True))
    return [(name, arm_of[ab.half(name, trial.name)], 0.5, str(found)) for name in series]


def _by_bandit(
    settings: Settings, params: Params, trial: Trial, series: list[str], now: datetime
) -> list[tuple[str, str, float, str]]:
    days = _daily(settings, trial, now)
    rows = []
    for name in series:
        mine = days.loc[days["series_id"] == name, trial.arms].to_numpy(np.float64)
        seed = bandit.seed_of(trial.name, name, f"{now:%Y-%m-%d %H}")
        shares = bandit.propensities(mine, params.arms.memory_days, seed)
        arm = bandit.drawn(shares, seed)
        told = ", ".join(f"{each} {share:.0%}" for each, share in zip(trial.arms, shares, strict=True))
        rows.append((name, trial.arms[arm], float(shares[arm]), f"best with {told}, by {len(mine)} days"))
    return rows


def _daily(settings: Settings, trial: Trial, now: datetime) -> pd.DataFrame:
    """series_id, day and a column of losses per arm, where every arm has one, in order of time."""
    wide = store.arm_losses(settings, trial.name, now).pivot_table(
        index=["day", "series_id"], columns="arm", values="pinball"
    )
    return wide.reindex(columns=trial.arms).dropna().sort_index().reset_index()


def _backtested(settings: Settings, params: Params, trial: Trial) -> Floats:
    """Daily relative differences of both models in the report of the champion's training; none where B is not in it."""
    run_id = str(trial.versions["champion"]["run_id"])
    parts = []
    for arm, row in trial.versions.items():
        table = results.backtest(settings, run_id, params.dataset, str(row["model"])).to_pandas()
        loss = row_losses(table["actual"].to_numpy(), table[list(QUANTILE_NAMES)].to_numpy(), "pinball")
        parts.append(table.assign(loss=loss).groupby(["origin_at", "series_id"])["loss"].mean().rename(arm))
    return _differences(pd.concat(parts, axis=1, join="inner").dropna().reset_index(), "origin_at", trial.arms)


def _differences(losses: pd.DataFrame, day: str, arms: list[str]) -> Floats:
    a, b = (losses[arm].to_numpy(np.float64)[:, None] for arm in arms)
    return losses.assign(difference=ab.relative(a, b)).groupby(day)["difference"].mean().to_numpy(np.float64)
