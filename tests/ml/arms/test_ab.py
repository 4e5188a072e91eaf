"""An A/B calls the better arm right as often as it promises, at the size it states; the same series, the same half."""

from __future__ import annotations

import numpy as np
import pytest

from ml.arms import ab

EFFECT, ALPHA, POWER = 0.02, 0.05, 0.95


def differences(rng: np.random.Generator, n: int, effect: float, sd: float = 0.03, memory: float = 0.3) -> np.ndarray:
    """Relative differences a day that hang together from day to day."""
    noise = rng.normal(0, sd * np.sqrt(1 - memory**2), n + 50)
    for i in range(1, len(noise)):
        noise[i] += memory * noise[i - 1]
    return np.asarray(effect + noise[50:])


def outcome(days: np.ndarray, effect: float = EFFECT) -> ab.Outcome:
    return ab.outcome(np.array([]), days, effect, ALPHA, POWER)


def called(effect: float, trials: int = 200) -> dict[str | None, int]:
    """By outcome, of trials whose size is first stated by a report of four weeks."""
    rng = np.random.default_rng(3)
    found: dict[str | None, int] = {"a": 0, "b": 0, None: 0}
    for _ in range(trials):
        before = differences(rng, 28, 0.0)
        found[ab.outcome(before, differences(rng, 200, effect), EFFECT, ALPHA, POWER).better] += 1
    return found


def test_the_better_arm_is_called_right_at_the_stated_size() -> None:
    found = called(EFFECT)
    assert found["b"] >= 0.95 * 200
    assert found["a"] == 0


def test_equal_arms_are_called_different_as_seldom_as_it_says() -> None:
    found = called(0.0)
    assert found["a"] + found["b"] <= 0.08 * 200


def test_a_smaller_effect_and_a_larger_spread_take_more_days() -> None:
    days = differences(np.random.default_rng(1), 60, 0.0)
    small, large = (ab.size(days, effect, ALPHA, POWER) for effect in (0.02, 0.05))
    assert ab.LEAST_DAYS <= large < small <= ab.MOST_DAYS
    assert ab.size(days * 3, 0.05, ALPHA, POWER) > large
    assert ab.size(np.array([]), 0.05, ALPHA, POWER) > ab.LEAST_DAYS, "nothing known: the usual spread"


@pytest.mark.parametrize("n", [0, 1, 13])
def test_nothing_is_called_before_its_size_is_reached(n: int) -> None:
    found = outcome(np.full(n, 0.5))
    assert (found.is_decided, found.better) == (False, None)
    assert f"{n} of " in str(found)


def test_days_after_it_was_decided_change_nothing() -> None:
    days = differences(np.random.default_rng(2), 120, 0.05)
    found = outcome(days, effect=0.05)
    assert found.is_decided
    turned = np.concatenate([days[: found.n_days], -9 * days[found.n_days :]])
    assert outcome(turned, effect=0.05) == found
    assert found.better == "b"


def test_halves_are_stable_even_and_another_trial_has_others() -> None:
    names = [f"air.P{i}.pm" for i in range(1000)]
    first = [ab.half(name, "t1") for name in names]
    assert first == [ab.half(name, "t1") for name in names]
    assert 400 < first.count("a") < 600
    assert (
        400 < sum(one == other for one, other in zip(first, (ab.half(name, "t2") for name in names), strict=True)) < 600
    )
