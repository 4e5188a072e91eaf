from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from ml.alerts import implied
from ml.alerts.implied import Forecasts
from ml.forecaster import NORMAL_SCORES
from tests.ml.alert_rows import RULE, alert_rows
from warehouse.alert_rules import STATISTICS

MEAN = replace(RULE, statistic="mean", threshold=0.0)


def normal(mean: float, n: int = 1, hours: int = 24) -> np.ndarray:
    """Quantiles of a normal distribution of spread one for every hour."""
    return np.broadcast_to(mean + NORMAL_SCORES, (n, hours, 7)).copy()


def told(rule, mean: float, persistence: float, draws: int = 4_000) -> float:
    return float(implied.probability(normal(mean), rule, persistence, draws=draws, seed=1)[0])


def test_forecasts_answer_every_statistic_that_a_rule_may_name():
    assert implied.REDUCE.keys() == set(STATISTICS)


def test_a_mean_of_fully_dependent_hours_is_as_uncertain_as_an_hour():
    assert told(MEAN, 1.0, 1.0) == pytest.approx(0.8413, abs=0.02)


def test_a_mean_of_independent_hours_is_surer_by_the_root_of_their_number():
    from_theory = 0.9928  # Phi(0.5 * sqrt(24)) of a mean half a spread above the threshold
    assert told(MEAN, 0.5, 0.0) == pytest.approx(from_theory, abs=0.01)


def test_an_hour_beyond_the_threshold_is_likelier_the_less_hours_depend_on_each_other():
    rule = replace(RULE, threshold=0.0)
    found = [told(rule, -2.0, persistence) for persistence in (1.0, 0.9, 0.0)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(0.0228, abs=0.01)
    assert found[2] == pytest.approx(1 - 0.97725**24, abs=0.03)


def test_below_is_the_complement_of_above():
    below = replace(MEAN, direction="below")
    assert told(MEAN, 0.3, 0.8) + told(below, 0.3, 0.8) == pytest.approx(1.0, abs=1e-3)


def test_a_row_is_answered_alike_alone_and_in_company():
    quantiles = np.concatenate([normal(mean) for mean in np.linspace(-2, 2, 9)])
    whole = implied.probability(quantiles, MEAN, 0.9, draws=200, seed=1)
    np.testing.assert_allclose(whole[3], implied.probability(quantiles[[3]], MEAN, 0.9, draws=200, seed=1)[0])
    assert (np.diff(whole) >= 0).all()


def test_the_dependence_of_hours_is_found_again_from_truths():
    rng = np.random.default_rng(5)
    scores = np.empty((400, 24))
    scores[:, 0] = rng.normal(size=400)
    for hour in range(1, 24):
        scores[:, hour] = 0.8 * scores[:, hour - 1] + 0.6 * rng.normal(size=400)
    found = implied.estimate_persistence(normal(3.0, 400), 3.0 + scores)
    assert found == pytest.approx(0.8, abs=0.05)
    assert implied.estimate_persistence(normal(3.0, 3), 3.0 + scores[:3]) == implied.ASSUMED


@pytest.mark.parametrize(
    "actual",
    [
        pytest.param(np.full((20, 24), 3.0), id="a constant series forecast alike"),
        pytest.param(np.full((20, 24), 99.0), id="always above the outer quantile"),
        pytest.param(np.random.default_rng(2).uniform(-99, -9, (20, 24)), id="always below the outer quantile"),
        pytest.param(
            np.where(np.arange(24) == 0, 4.0, np.full((20, 24), 99.0)), id="one side of the pairs alone moves"
        ),
    ],
)
def test_truths_that_have_no_correlation_leave_the_dependence_assumed(actual: np.ndarray):
    """And a sure event stays sure: a dependence that is no number would make every comparison false."""
    forecasts = Forecasts(alert_rows().keys()[:20], normal(3.0, 20), actual)
    assert actual[:, 1:].size >= implied.LEAST_PAIRS
    assert forecasts.persistence() == implied.ASSUMED
    assert told(replace(MEAN, threshold=-50.0), 3.0, forecasts.persistence()) > 0.999


def test_without_forecasts_the_dependence_is_assumed():
    assert Forecasts.none(RULE).before(datetime(2030, 1, 1)).persistence() == implied.ASSUMED


def test_normal_scores_are_straight_lines_between_the_quantiles_and_end_at_the_outer_ones():
    """Numpy's own interpolation, one hour at a time: truths outside and on a quantile, equal and missing quantiles."""
    rng = np.random.default_rng(8)
    quantiles = np.sort(rng.normal(size=(60, 24, 7)), axis=2)
    quantiles[5:15, :, :3] = quantiles[5:15, :, [0]]
    quantiles[10:20, :, 4:] = quantiles[10:20, :, [6]]
    quantiles[20:25] = quantiles[20:25, :, [3]]
    actual = rng.normal(scale=2, size=(60, 24))
    actual[:, :7] = np.where(np.arange(60)[:, None] % 2, quantiles[:, 0], actual[:, :7])
    actual[30, 3], quantiles[31, 4, 2], quantiles[32, 5, 5:], quantiles[33, 6] = np.nan, np.nan, np.inf, np.nan
    found = implied.normal_scores(quantiles, actual)
    known = np.isfinite(actual) & np.isfinite(quantiles).all(axis=2)
    assert known.sum() == found.size - 4
    slowly = [np.interp(actual[at], quantiles[at], NORMAL_SCORES) for at in map(tuple, np.argwhere(known))]
    np.testing.assert_allclose(found[known], slowly, rtol=0, atol=1e-12)
    assert np.isnan(found[~known]).all()


def test_a_window_that_lacks_an_hour_has_no_answer():
    rows = alert_rows(days=12)
    keys = rows.keys()
    series_id, hour = keys[0]
    table = pd.DataFrame(
        {
            "series_id": series_id,
            "origin_at": pd.Timestamp(int(hour), unit="h"),
            "horizon_h": np.arange(1, 25),
            "actual": np.nan,
        }
    )
    for position, name in enumerate(implied.QUANTILE_NAMES):
        table[name] = 30 + NORMAL_SCORES[position]
    other = table.assign(origin_at=pd.Timestamp(int(keys[1][1]), unit="h")).iloc[:-1]
    import pyarrow as pa

    forecasts = Forecasts.of(pa.Table.from_pandas(pd.concat([table, other])), RULE)
    p = implied.probability(forecasts.aligned(rows), RULE, 0.9, draws=100, seed=1)
    assert p[0] > 0.99
    assert np.isnan(p[1:]).all()
