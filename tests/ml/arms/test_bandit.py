"""Thompson sampling finds the better version per series, keeps trying, forgets, and loses less than an A/B."""

from __future__ import annotations

import numpy as np

from ml.arms import ab, bandit


def losses(rng: np.random.Generator, days: int, ratio: float) -> np.ndarray:
    """(days, 2): what a day brings is common to both arms, the second one's is `ratio` of the first one's."""
    common = rng.gamma(8, 1.0, (days, 1))
    return np.asarray(common * np.array([1.0, ratio]) * (1 + rng.normal(0, 0.08, (days, 2))))


def test_nothing_known_is_an_even_chance() -> None:
    for empty in (np.empty((0, 2)), np.full((5, 2), np.nan)):
        shares = bandit.propensities(empty, 28, seed=1)
        assert abs(shares[0] - 0.5) < 0.06
        assert shares.sum() == 1


def test_the_better_arm_is_taken_more_and_more_and_the_other_still_tried() -> None:
    found = losses(np.random.default_rng(1), 60, 0.9)
    shares = [bandit.propensities(found[:n], 28, seed=2)[1] for n in (4, 15, 60)]
    assert shares[0] < shares[2]
    assert shares[2] > 0.95
    assert bandit.propensities(losses(np.random.default_rng(2), 10, 0.99), 28, seed=2).min() > 0.05


def test_an_arm_that_was_better_long_ago_loses() -> None:
    rng = np.random.default_rng(3)
    turned = np.concatenate([losses(rng, 120, 0.9), losses(rng, 60, 1.1)])
    assert bandit.propensities(turned, 28, seed=4)[0] > 0.8
    assert bandit.propensities(turned, 10_000, seed=4)[0] < bandit.propensities(turned, 28, seed=4)[0]


def test_a_day_on_which_one_arm_is_missing_tells_nothing() -> None:
    found = losses(np.random.default_rng(5), 20, 0.9)
    with_holes = np.concatenate([found, [[np.nan, 0.1], [5.0, np.nan]]])
    assert np.argmax(bandit.propensities(with_holes, 28, seed=6)) == 1


def test_a_rerun_draws_the_same_arm_by_the_propensities() -> None:
    shares = np.array([0.2, 0.8])
    seeds = [bandit.seed_of("trial", f"s{i}", "2026-01-01 06") for i in range(2000)]
    drawn = [bandit.drawn(shares, seed) for seed in seeds]
    assert drawn == [bandit.drawn(shares, seed) for seed in seeds]
    assert abs(np.mean(drawn) - 0.8) < 0.03


def test_its_regret_is_lower_than_that_of_an_ab_of_the_same_arms() -> None:
    rng = np.random.default_rng(8)
    regret = {"ab": 0.0, "bandit": 0.0}
    for trial in range(12):
        series = [losses(rng, 365, 0.93) for _ in range(6)]
        both = np.array(series)  # (series, days, arms)
        days = ab.relative(both[:, :, 0].T, both[:, :, 1].T)
        needed = ab.outcome(days[:28], days, 0.05, 0.05, 0.95).needed
        for number, mine in enumerate(series):
            worse = (mine[:, 0] - mine[:, 1]).clip(0)  # what answering by the first arm costs
            first_half = ab.half(f"s{number}", str(trial)) == "a"
            regret["ab"] += worse[:needed].sum() * first_half
            for day in range(needed):
                regret["bandit"] += worse[day] * bandit.propensities(mine[:day], 28, seed=day)[0]
    assert regret["bandit"] < regret["ab"]
