"""Quantiles that cover what they claim on rows the factors were not learnt on."""

from __future__ import annotations

import numpy as np
import pytest

from ml.calibrate import Calibration, calibrate
from ml.forecaster import NORMAL_SCORES
from ml.params import Calibrating

PARAMS = Calibrating(horizon_buckets=(6, 24, 48), min_rows=200)


def sample(seed: int, n: int = 40_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(raw quantiles three times too narrow, truths, horizons): errors grow with the horizon."""
    rng = np.random.default_rng(seed)
    horizon = rng.integers(1, 49, n)
    scale = 1 + horizon / 12
    return 10 + NORMAL_SCORES * 0.5 + np.zeros((n, 1)), 10 + scale * rng.normal(size=n), horizon


@pytest.mark.parametrize(("low", "high", "share"), [(1, 5, 0.8), (0, 6, 0.9)])
def test_intervals_cover_their_share_in_every_bucket(low, high, share):
    stretch = calibrate(*sample(1), PARAMS)
    raw, actual, horizon = sample(2)
    quantiles = stretch.apply(raw, horizon)
    inside = (actual >= quantiles[:, low]) & (actual <= quantiles[:, high])
    for bucket in range(3):
        assert inside[stretch.bucket(horizon) == bucket].mean() == pytest.approx(share, abs=0.03)
    raw_share = ((actual >= raw[:, low]) & (actual <= raw[:, high])).mean()
    assert raw_share < share - 0.3


def test_the_median_stays_and_quantiles_never_cross():
    stretch = calibrate(*sample(1), PARAMS)
    raw, _, horizon = sample(3)
    quantiles = stretch.apply(raw, horizon)
    np.testing.assert_array_equal(quantiles[:, 3], raw[:, 3])
    assert (np.diff(quantiles, axis=1) >= 0).all()


def test_widening_stretches_both_sides():
    raw, _, horizon = sample(3)
    plain, wide = Calibration.none(PARAMS).apply(raw, horizon), Calibration.none(PARAMS).apply(raw, horizon, 2.0)
    np.testing.assert_allclose(wide[:, 6] - wide[:, 0], 2 * (plain[:, 6] - plain[:, 0]))


def test_too_few_errors_change_nothing():
    raw, actual, horizon = sample(1, n=50)
    np.testing.assert_array_equal(calibrate(raw, actual, horizon, PARAMS).factors, np.ones((3, 7)))


def test_a_thin_bucket_takes_the_factors_of_all_horizons():
    raw, actual, horizon = sample(1)
    keep = (horizon > 6) | (np.arange(len(horizon)) < 60)
    factors = calibrate(raw[keep], actual[keep], horizon[keep], PARAMS).factors
    assert factors[1][0] < factors[0][0] < factors[2][0]


def test_unanswered_and_unknown_rows_teach_nothing():
    raw, actual, horizon = sample(1)
    holes, unknown = raw.copy(), actual.copy()
    holes[::5] = np.nan
    unknown[1::5] = np.nan
    keep = np.isfinite(holes[:, 0]) & np.isfinite(unknown)
    np.testing.assert_array_equal(
        calibrate(holes, unknown, horizon, PARAMS).factors,
        calibrate(raw[keep], actual[keep], horizon[keep], PARAMS).factors,
    )


def test_it_survives_being_written_down():
    stretch = calibrate(*sample(1), PARAMS)
    again = Calibration.from_json(stretch.to_json())
    np.testing.assert_allclose(again.factors, stretch.factors, atol=1e-6)
    assert again.ends == stretch.ends
