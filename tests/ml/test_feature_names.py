"""Words for the columns of the matrix."""

from __future__ import annotations

from datetime import datetime

import pytest

from ml.backtest import Source, with_covariates
from ml.feature_names import group_of, groups, label_of
from ml.features import matrix


@pytest.mark.parametrize(
    ("column", "group", "label"),
    [
        ("lag_0", "recent hours", "value at the origin"),
        ("lag_5", "recent hours", "value 5 h before the origin"),
        ("mean_672", "level of past days and weeks", "mean of the last 672 h"),
        ("mean_24_d2", "level of past days and weeks", "mean of the day 2 d before"),
        ("same_hour_d1_-2", "same hour on past days", "hour -2 of 1 d before"),
        ("same_hour_mean_7_wide", "same hour on past days", "same hour ±1, mean of 7 days"),
        ("peers_same_hour_d1", "neighbours", "neighbours, same hour 1 d before"),
        ("sun_at_noon", "sun and calendar", "height of the sun at noon"),
        ("staleness_h", "age of the inputs", "hours since the last value"),
        ("issued_lead_h", "age of the inputs", "age of the weather forecast"),
        ("issued_temperature_c", "forecast temperature", "forecast temperature"),
        ("issued_wind_speed_kmh_change", "forecast wind speed", "forecast wind speed, change"),
        ("wind_speed_kmh_lag_3", "measured wind speed", "wind speed 3 h before the origin"),
        ("pm2_5_ugm3_mean_24", "measured PM2.5", "PM2.5 mean of the last 24 h"),
        ("cloud_cover_pct_same_hour_d1", "measured cloud cover", "cloud cover same hour 1 d before"),
        ("something_new", "something new", "something new"),
    ],
)
def test_a_column_has_a_group_and_says_what_it_is(column: str, group: str, label: str):
    assert group_of(column) == group
    assert label_of(column) == label


def test_every_column_that_the_models_read_has_words_of_its_own(world, made):
    params = with_covariates(world, made.small_params())
    panel = Source(world, params).report(datetime(2026, 3, 19), datetime(2026, 3, 20))
    _, columns = matrix(panel, params.features.model_copy(update={"drop": ()}), ["air.A.pm2_5_ugm3"])
    raw = [name for name in columns if "_" in label_of(name) or "_" in group_of(name)]
    assert raw == []
    found = groups(columns)
    assert sum(map(len, found.values())) == len(columns)
    assert len(found) < 25
