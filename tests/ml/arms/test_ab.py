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


def called(effect: float, trials: int = 300) -> dict[str | None, int]:
    """By outcome, of trials whose size is stated by another month of the same kind."""
    rng = np.random.default_rng(3)
    found: dict[str | None, int] = {"a": 0, "b": 0, None: 0}
    for _ in range(trials):
        # what it is sized by: a report of four weeks
        needed = ab.size(differences(rng, 28, 0.0), EFFECT, ALPHA, POWER)
        found[ab.outcome(differences(rng, needed, effect), needed, ALPHA).better] += 1
    return found


def test_the_better_arm_is_called_right_at_the_stated_size() -> None:
    found = called(EFFECT)
    assert found["b"] >= 0.95 * 300
    assert found["a"] == 0


def test_equal_arms_are_called_different_as_seldom_as_it_says() -> None:
    found = called(0.0)
    assert found["a"] + found["b"] <= 0.08 * 300


def test_a_smaller_effect_and_a_larger_spread_take_more_days() -> None:
    days = differences(np.random.default_rng(1), 60, 0.0)
    small, large = (ab.size(days, effect, ALPHA, POWER) for effect in (0.02, 0.05))
    assert ab.LEAST_DAYS <= large < small <= ab.MOST_DAYS
    assert ab.size(days * 3, 0.05, ALPHA, POWER) > large
    assert ab.size(np.array([]), 0.05, ALPHA, POWER) > ab.LEAST_DAYS, "nothing known: the usual spread"


@pytest.mark.parametrize("n", [0, 1, 13])
def test_nothing_is_called_before_its_size_is_reached(n: int) -> None:
    found = ab.outcome(np.full(n, 0.5), 14, ALPHA)
    assert (found.is_decided, found.better) == (False, None)
    assert f"{n} of 14 days" in str(found)


def test_days_after_the_size_do_not_change_what_was_called() -> None:
    rng = np.random.default_rng(2)
    days = differences(rng, 40, 0.05)
    turned = np.concatenate([days[:20], -9 * days[20:]])
    assert ab.outcome(turned, 20, ALPHA) == ab.outcome(days[:20], 20, ALPHA)
    assert ab.outcome(days, 20, ALPHA).better == "b"


def test_halves_are_stable_even_and_another_trial_has_others() -> None:
    names = [f"air.P{i}.pm" for i in range(1000)]
    first = [ab.half(name, "t1") for name in names]
    assert first == [ab.half(name, "t1") for name in names]
    assert 400 < first.count("a") < 600
    assert (
        400 < sum(one == other for one, other in zip(first, (ab.half(name, "t2") for name in names), strict=True)) < 600
    )
