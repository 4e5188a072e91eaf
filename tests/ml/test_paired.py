"""The paired test: it says "better" by chance as seldom as it claims, and finds what is there to be found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.forecaster import QUANTILES
from ml.paired import LEAST_ORIGINS, compare, diebold_mariano, row_losses

WORLDS = 4000


def differences(n: int, *, weather: float, overlap: float, heavy: bool, seed: int = 1) -> np.ndarray:
    """(WORLDS, n) loss differences of two forecasters of equal skill.

    `overlap`: what neighbouring origins share because their horizons overlap (MA(1), 48 h from daily origins);
    `weather`: what lasts from day to day (AR(1)); `heavy`: a bad day now and then.
    """
    rng = np.random.default_rng(seed)
    noise = rng.standard_t(4, size=(WORLDS, n + 40)) if heavy else rng.normal(size=(WORLDS, n + 40))
    series = np.zeros_like(noise)
    for t in range(1, n + 40):
        series[:, t] = weather * series[:, t - 1] + noise[:, t] + overlap * noise[:, t - 1]
    return series[:, -n:]


def promoted(series: np.ndarray, alpha: float = 0.05) -> float:
    return float(np.mean([diebold_mariano(row)[1] < alpha for row in series]))


@pytest.mark.parametrize("n", [7, 20, 28, 56])
@pytest.mark.parametrize(
    ("weather", "overlap", "heavy", "most"),
    [(0, 0, False, 0.06), (0, 0.5, False, 0.06), (0, 0.5, True, 0.06), (0.3, 0.5, False, 0.07)],
)
def test_equal_skill_is_taken_for_better_no_oftener_than_it_says(n, weather, overlap, heavy, most):
    """Seven origins, the shortest window there is, are allowed one in a hundred more."""
    most += 0.01 * (n == 7)
    assert promoted(differences(n, weather=weather, overlap=overlap, heavy=heavy)) <= most


def test_newey_west_in_its_place_would_promote_twice_as_often():
    """Why it is not used: the same differences, Bartlett weights over the overlap, Student's t with n - 1 degrees."""
    series = differences(28, weather=0.3, overlap=0.5, heavy=False)
    centred = series - series.mean(axis=1, keepdims=True)
    variance = (centred**2).mean(axis=1) + (centred[:, 1:] * centred[:, :-1]).sum(axis=1) / 28  # weight 1/2, twice
    shrunk = np.sqrt((28 + 1 - 4 + 2 / 28) / 28)  # Harvey, Leybourne & Newbold 1997, two steps ahead
    naive = np.mean(series.mean(axis=1) / np.sqrt(variance / 28) * shrunk > 1.703)
    assert naive > 0.09
    assert promoted(series) < 0.07


@pytest.mark.parametrize(("n", "least"), [(20, 0.65), (28, 0.8), (56, 0.95)])
def test_a_difference_of_0_6_of_its_daily_spread_is_found(n, least):
    series = differences(n, weather=0, overlap=0, heavy=False)
    assert promoted(series + 0.6 * series.std()) >= least


def test_the_sides_are_mirror_images():
    series = np.random.default_rng(3).normal(0.3, 1, 25)
    up, down = diebold_mariano(series), diebold_mariano(-series)
    assert up[0] == pytest.approx(-down[0])
    assert up[1] == pytest.approx(down[2])
    assert up[1] + up[2] == pytest.approx(1)


def test_the_statistic_is_the_one_computed_by_hand():
    """Eight origins: m = 2 frequencies, t with 4 degrees of freedom."""
    series = np.array([1.0, 3.0, 2.0, 0.0, 4.0, 2.0, 1.0, 3.0])
    t = np.arange(8)
    power = [abs((series * np.exp(-2j * np.pi * k * t / 8)).sum()) ** 2 / 8 for k in (1, 2)]
    expected = np.sqrt(8) * series.mean() / np.sqrt(np.mean(power))
    statistic, p_value, _ = diebold_mariano(series)
    assert statistic == pytest.approx(expected)
    x = expected / np.sqrt(4 + expected**2)
    assert p_value == pytest.approx(0.5 - 0.5 * x * (1 + 0.5 * (1 - x**2)))  # Abramowitz & Stegun 26.7.4


@pytest.mark.parametrize("series", [np.zeros(20), np.full(20, 0.5), np.full(20, -0.5)])
def test_differences_without_noise_are_judged_by_their_sign(series):
    statistic, p_value, _ = diebold_mariano(series)
    assert np.isfinite(statistic)
    assert p_value == pytest.approx({0.0: 0.5, 0.5: 0.0, -0.5: 1.0}[series[0]], abs=1e-6)


def test_a_handful_of_origins_proves_nothing():
    assert diebold_mariano(np.ones(LEAST_ORIGINS - 1)) == (None, None, None)


def rows(origins: int, loss, *, series: int = 2, skip: int | None = None) -> pd.DataFrame:
    days = pd.date_range("2026-01-01", periods=origins)
    frame = pd.DataFrame(
        [(f"s{s}", day, h) for s in range(series) for day in days for h in (1, 24)],
        columns=["series_id", "origin_at", "horizon_h"],
    )
    frame = frame.assign(loss=loss)
    return frame if skip is None else frame.drop(index=skip)


def test_only_rows_that_both_have_are_compared_and_an_origin_counts_once():
    found = compare(rows(10, 2.0, series=3), rows(8, 1.0, skip=5), "mae")
    assert (found.n_origins, found.n_rows) == (8, 8 * 2 * 2 - 1)
    assert (found.champion, found.challenger, found.gain) == (2.0, 1.0, 0.5)
    assert "over 8 origins" in str(found)


def test_nothing_in_common_is_no_figure():
    found = compare(rows(10, 1.0), rows(10, 1.0).assign(series_id="other"), "mae")
    assert (found.n_origins, found.p_value) == (0, None)
    assert found.figures() == {"loss": "mae", "n_origins": 0, "n_rows": 0, "gain": 0.0}


def test_losses_are_those_that_choose_the_champion():
    answers = np.tile(np.linspace(1, 7, 7), (2, 1))
    actual = np.array([4.0, 10.0])
    assert row_losses(actual, answers, "mae").tolist() == [0.0, 6.0]
    by_hand = [
        np.mean([max(q * (y - a), (q - 1) * (y - a)) for q, a in zip(QUANTILES, answers[0], strict=True)])
        for y in actual
    ]
    assert row_losses(actual, answers, "pinball") == pytest.approx(by_hand)
