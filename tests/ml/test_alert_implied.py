from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml.alerts import implied
from ml.alerts.implied import Forecasts
from ml.forecaster import NORMAL_SCORES
from tests.ml.alert_rows import RULE, alert_rows

MEAN = replace(RULE, statistic="mean", threshold=0.0)


def normal(mean: float, n: int = 1, hours: int = 24) -> np.ndarray:
    """Quantiles of a normal distribution of spread one for every hour."""
    return np.broadcast_to(mean + NORMAL_SCORES, (n, hours, 7)).copy()


def told(rule, mean: float, persistence: float, draws: int = 4_000) -> float:
    return float(implied.probability(normal(mean), rule, persistence, draws=draws, seed=1)[0])


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
