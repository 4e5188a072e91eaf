"""An A/B and a bandit on what two known methods lost on the recordings, in blocks of days drawn anew for each trial."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.recorded import columns
from bench.report import show
from bench.scratch import RECORDINGS, machine
from flows.screen import Screen
from ml.arms import ab, bandit
from ml.forecaster import Floats
from ml.monitor.watch import Column
from ml.params import Arms

BLOCK_DAYS, PILOT_DAYS, BARS = 14, 28, "bar: 95 % right; the bandit's regret below the A/B's"
TRIALS, QUICK_TRIALS = 200, 20
LEAST_HOURS = 12


@dataclass(frozen=True)
class Trial:
    needed: int
    better: str | None
    of_equals: str | None  # what it calls where the true difference is taken off
    regret_ab: float
    regret_bandit: float


def main(quick: bool = False) -> None:
    screen, about, knobs = Screen(), machine(), Arms()
    rows = []
    for dataset, found in columns(RECORDINGS).items() if RECORDINGS.is_dir() else ():
        losses = losses_of(found)
        truth = float(_differences(losses).mean())
        if truth < 0:  # so that B is the better one
            losses, truth = losses[:, :, ::-1], -truth
        rng = np.random.default_rng(11)
        trials = [_trial(losses, truth, knobs, rng) for _ in range(QUICK_TRIALS if quick else TRIALS)]
        screen.say(f"{dataset}: {len(trials)} trials of {losses.shape[1]} series")
        rows.append((dataset, *_line(losses, truth, trials)))
    if not rows:
        screen.say("No recordings: nothing to simulate on.")
        return
    head = ("dataset", "series", "days", "B better by", "days needed", "called B", "called A", "equals called",
            "regret A/B", "regret bandit")  # fmt: skip
    show(
        f"arms: same hour yesterday against half way from it to the mean of seven days, resampled ({about})",
        head,
        rows,
        BARS,
    )


def losses_of(found: list[Column]) -> Floats:
    """(days, series, 2): mean absolute error of 24 hours from 00 UTC on days that every series has; A yesterday's hour,
    B half way from it to the mean of that hour over seven days."""
    per_series: list[dict[int, tuple[float, float]]] = []
    for column in found:
        start = column.first_at.hour
        values = column.values[(24 - start) % 24 :]
        days = values[: len(values) // 24 * 24].reshape(-1, 24)
        first = int(column.first_at.toordinal()) + (start > 0)
        mine = {}
        for day in range(7, len(days)):
            with np.errstate(all="ignore"):
                mean = _mean(days[day - 7 : day])
                errors = [np.abs(days[day] - days[day - 1]), np.abs(days[day] - (days[day - 1] + mean) / 2)]
            if all(np.isfinite(error).sum() >= LEAST_HOURS for error in errors):
                mine[first + day] = (float(np.nanmean(errors[0])), float(np.nanmean(errors[1])))
        per_series.append(mine)
    # a site that lies idle for months would leave no common day
    long = [mine for mine in per_series if len(mine) >= 0.5 * max(map(len, per_series))]
    common = sorted(set.intersection(*(set(mine) for mine in long)))
    return np.array([[mine[day] for mine in long] for day in common])


def _mean(days: Floats) -> Floats:
    known = np.isfinite(days)
    return np.where(known.sum(axis=0) > 0, np.nansum(days, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)


def _trial(losses: Floats, truth: float, knobs: Arms, rng: np.random.Generator) -> Trial:
    pilot, days = (_drawn(losses, n, rng) for n in (PILOT_DAYS, ab.MOST_DAYS))
    before, difference = _differences(pilot), _differences(days)
    told = ab.outcome(before, difference, truth, knobs.alpha, knobs.power)
    equal = ab.outcome(before, difference - truth, truth, knobs.alpha, knobs.power)
    needed = told.needed
    days = days[:needed]
    extra = (days[:, :, 0] - days[:, :, 1]).sum(axis=0)  # by series: what A costs more than B
    half = np.array([ab.half(str(number), str(rng.integers(2**31))) == "a" for number in range(len(extra))])
    shares = np.array([
        [bandit.propensities(days[:day, number], knobs.memory_days, seed=day)[0] for number in range(days.shape[1])]
        for day in range(min(needed, 120))
    ])  # fmt: skip
    early = days[: len(shares), :, 0] - days[: len(shares), :, 1]
    best = days[:, :, 1].sum()
    rest = shares[-7:].mean(axis=0) * (days[len(shares) :, :, 0] - days[len(shares) :, :, 1]).sum(axis=0)
    return Trial(needed, told.better, equal.better, float((extra * half).sum() / best),
                 float(((shares * early).sum() + rest.sum()) / best))  # fmt: skip


def _differences(losses: Floats) -> Floats:
    return ab.relative(losses[:, :, 0], losses[:, :, 1])


def _drawn(losses: Floats, days: int, rng: np.random.Generator) -> Floats:
    blocks = [losses[at : at + BLOCK_DAYS] for at in rng.integers(0, len(losses) - BLOCK_DAYS, -(-days // BLOCK_DAYS))]
    return np.concatenate(blocks)[:days]


def _line(losses: Floats, truth: float, trials: list[Trial]) -> tuple[str, ...]:
    share = [np.mean([trial.better == arm for trial in trials]) for arm in "ba"]
    equals = np.mean([trial.of_equals is not None for trial in trials])
    regrets = [np.mean([getattr(trial, name) for trial in trials]) for name in ("regret_ab", "regret_bandit")]
    return (
        str(losses.shape[1]), str(len(losses)), f"{truth:.1%}", f"{np.median([trial.needed for trial in trials]):.0f}",
        *(f"{each:.0%}" for each in (*share, equals)), *(f"{each:.2%}" for each in regrets),
    )  # fmt: skip
