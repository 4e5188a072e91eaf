"""The straight line: what it finds, how it is drawn towards the median, and that it can be written down."""

from __future__ import annotations

import numpy as np
import pytest

from ml.ridge import ENDS, Ridge

COLUMNS = ["series", "a", "b", "never", "local_hour"]


@pytest.fixture(scope="module")
def rows():
    """5,000 rows in which the told value is 2a - b + 3 in the afternoon, with b missing now and then."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5_000, 5)).astype(np.float32)
    X[:, 0], X[:, 3], X[:, 4] = rng.integers(0, 3, 5_000), np.nan, rng.integers(0, 24, 5_000)
    told = (2 * X[:, 1] - X[:, 2] + 3 * (X[:, 4] >= 12)).astype(np.float32)
    X[rng.random(5_000) < 0.1, 2] = np.nan
    return X, told, rng.integers(1, 25, 5_000), np.repeat(np.arange(500), 10) * 3


def line(rows, told=None):
    X, true, horizon, origin_h = rows
    return Ridge.fit(X, COLUMNS, true if told is None else told, horizon, origin_h)


def test_it_finds_a_line_with_codes_and_gaps(rows):
    X, told, horizon, _ = rows
    known = np.isfinite(X[:, 2])
    assert np.abs(line(rows).told(X, horizon) - told)[known].mean() < 0.15


def test_a_few_wild_values_do_not_move_it(rows):
    X, told, horizon, _ = rows
    wild = told.copy()
    wild[::20] += 500
    known = np.isfinite(X[:, 2])
    assert np.median(np.abs(line(rows, wild).told(X, horizon) - told)[known]) < 0.5  # a mean would be off by 25


def test_what_the_columns_add_makes_up_the_whole(rows):
    X, _, horizon, _ = rows
    found = line(rows)
    added = found.contributions(X, horizon)
    assert added.shape == (len(X), len(COLUMNS) + 1)
    np.testing.assert_allclose(added.sum(axis=1), found.told(X, horizon), rtol=1e-6, atol=1e-6)
    assert (added[:, COLUMNS.index("never")] == 0).all()


def test_it_is_the_same_after_being_written_down_and_when_fitted_again(rows):
    X, _, horizon, _ = rows
    found = line(rows)
    np.testing.assert_array_equal(Ridge.from_json(found.to_json()).told(X, horizon), found.told(X, horizon))
    assert line(rows).to_json() == found.to_json()


def test_values_far_outside_what_was_seen_stay_bounded(rows):
    X, _, horizon, _ = rows
    odd = X.copy()
    odd[:, 1] = 1e9
    assert np.abs(line(rows).told(odd, horizon)).max() < 50


def test_horizons_without_rows_take_the_weights_of_the_ones_before(rows):
    found = line(rows)
    assert len(found.weights) == len(ENDS)
    assert found.weights[-1] == found.weights[ENDS.index(24)]
