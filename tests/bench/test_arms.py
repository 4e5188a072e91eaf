"""What the simulation of arms stands on: losses of known methods, and trials whose better arm is known."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from bench import arms
from ml.monitor.watch import Column
from ml.params import Arms

FIRST = datetime(2026, 1, 1, 5)  # begins within a day: that day does not count


def test_losses_are_those_of_yesterday_and_of_half_way_to_the_mean_of_the_week():
    values = np.concatenate([np.full(19, 99.0), np.repeat(np.arange(30.0), 24)])
    gaps = values.copy()
    gaps[-24:] = np.nan
    found = arms.losses_of([Column("d", name, "target", FIRST, each) for name, each in (("a", values), ("b", gaps))])
    assert found.shape == (22, 2, 2), "not the week before the first mean, nor the day that one of them lacks"
    assert np.unique(found[:, :, 0]) == pytest.approx([1.0])
    assert np.unique(found[:, :, 1]) == pytest.approx([2.5])


def test_a_trial_calls_an_arm_that_is_far_better_and_not_one_that_is_the_same():
    rng = np.random.default_rng(1)
    level = rng.gamma(8, 1, (400, 3, 1))
    losses = level * np.array([1.0, 0.7]) * (1 + rng.normal(0, 0.1, (400, 3, 2)))
    trial = arms._trial(losses, 0.35, Arms(), rng)
    assert (trial.better, trial.of_equals) == ("b", None)
    assert 14 <= trial.needed < 60
    assert trial.regret_bandit < trial.regret_ab
