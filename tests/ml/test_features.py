"""The matrix of the regression, against the history it is made from."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from ml import dataset
from ml.features import Handling, handling, matrix
from ml.sun import elevation, noon_elevation
from warehouse.marts import OriginQuery

ORIGIN = datetime(2026, 3, 1, 12)


@pytest.fixture(scope="module")
def panel(world):
    asked = OriginQuery(dataset="air", origin_from=ORIGIN, origin_to=ORIGIN + timedelta(hours=7))
    return dataset.read(world, asked, covariates=("nitrogen_dioxide_ugm3",))


@pytest.fixture(scope="module")
def columns(panel, made):
    params = made.small_params().features.model_copy(update={"handling": "level", "drop": (), "peers": True})
    X, names = matrix(panel, params, list(panel.series["series_id"]))
    return dict(zip(names, X.T, strict=True))


def test_the_same_hour_of_past_days_is_found_in_the_history(panel, columns):
    for row in (0, 23, 24, 47, 100):
        origin, h = panel.origin[row], panel.horizon[row]
        for day in range(1, 8):
            lag = 24 * day - h
            expected = panel.history[origin, lag] if lag >= 0 else np.nan
            np.testing.assert_equal(columns[f"same_hour_d{day}"][row], expected)


def test_no_same_hour_lies_after_the_origin(panel, columns):
    assert np.isnan(columns["same_hour_d1"][panel.horizon > 24]).all()
    assert np.isnan(columns["same_hour_d1_+2"][panel.horizon > 22]).all()
    assert np.isfinite(columns["same_hour_d2"]).all()


def test_recent_hours_are_told_one_by_one(panel, columns):
    for lag in (0, 1, 23):
        np.testing.assert_array_equal(columns[f"lag_{lag}"], panel.history[panel.origin, lag])


def test_peers_leave_out_the_series_itself(panel, columns):
    first = panel.origin_h == panel.origin_h[0]
    now = {code: panel.history[(panel.series_code == code) & first, 0][0] for code in range(3)}
    row = int(np.flatnonzero((panel.row_series == 1) & first[panel.origin])[0])
    assert columns["peers_last"][row] == pytest.approx((now[0] + now[2]) / 2, rel=1e-5)
    assert columns["peers_min"][row] == pytest.approx(min(now[0], now[2]))
    assert columns["peers_max"][row] == pytest.approx(max(now[0], now[2]))


def test_a_series_unknown_to_the_model_is_a_missing_category_and_moves_no_other(panel, made):
    params = made.small_params().features
    levels = list(panel.series["series_id"])
    X, names = matrix(panel, params, levels)
    fewer, _ = matrix(panel, params, [levels[2], levels[0]])
    place = names.index("series")
    assert np.isnan(fewer[panel.row_series == 1, place]).all()
    assert set(fewer[panel.row_series == 0, place]) == {1.0}
    assert set(X[panel.row_series == 0, place]) == {0.0}


def test_a_covariate_that_is_gone_is_a_column_of_missing_values(panel, made):
    params = made.small_params().features.model_copy(update={"covariates": ("nitrogen_dioxide_ugm3", "rain_mm")})
    X, names = matrix(panel, params, list(panel.series["series_id"]))
    assert np.isnan(X[:, names.index("rain_mm_lag_0")]).all()


@pytest.mark.parametrize("kind", ["level", "difference", "log_ratio"])
def test_what_is_told_can_be_undone(kind):
    values = np.array([0.0, 3.5, 120.0], np.float32)
    told = Handling(kind, 1.0, np.array([10.0, 2.0, 80.0], np.float32))
    back = told.undo(told.tell(values)[:, None].astype(float), np.arange(3))
    np.testing.assert_allclose(back[:, 0], values, rtol=1e-4, atol=1e-4)


def test_without_a_base_the_last_value_is_the_base(panel, made):
    params = made.small_params().features.model_copy(update={"base": "mean_24"})
    bare = replace(panel, stats={**panel.stats, "mean_24": np.full_like(panel.stats["mean_24"], np.nan)})
    np.testing.assert_array_equal(handling(bare, params).base, panel.stats["last_value"])


def test_the_sun_stands_where_the_almanac_says():
    hours = lambda *at: np.array([int(datetime(*at).timestamp() - datetime(1970, 1, 1).timestamp()) // 3600])  # noqa: E731
    zero = np.zeros(1)
    equinox, solstice = hours(2026, 3, 20, 12), hours(2026, 6, 21, 11)
    assert elevation(equinox, zero, zero)[0] == pytest.approx(82, abs=3)  # 12:30 at 0, 0
    assert noon_elevation(equinox, zero)[0] == pytest.approx(90, abs=1)
    assert noon_elevation(solstice, np.array([51.5]))[0] == pytest.approx(61.9, abs=0.3)  # London, midsummer
    assert elevation(hours(2026, 6, 21, 0), np.array([51.5]), zero)[0] < -10
