"""The numbers behind a report, against what is worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.forecaster import NORMAL_SCORES
from ml.metrics import Scored
from ml.report.evidence import Evidence

ZONES = {"d.A.v": "Asia/Singapore", "d.B.v": "Europe/Berlin"}


@pytest.fixture(scope="module")
def seen():
    """Two series, three midnights (UTC), 48 hours; the model misses by 1, naive methods by 2 and 3, a day of B by 9."""
    origins = pd.date_range("2026-03-28", periods=3, freq="D")
    rows = pd.MultiIndex.from_product([ZONES, origins, range(1, 49)], names=["series_id", "origin_at", "horizon_h"])
    rows = rows.to_frame(index=False)
    actual = np.full(len(rows), 10.0)
    bad = ((rows["series_id"] == "d.B.v") & (rows["origin_at"] == origins[1])).to_numpy()
    misses = {
        "good": np.where(bad, 9.0, 1.0),
        "naive_day": np.full(len(rows), -2.0),
        "naive_last": np.full(len(rows), 3.0),
    }
    answers = {name: (actual + miss)[:, None] + NORMAL_SCORES for name, miss in misses.items()}
    return Evidence(Scored(rows, actual, np.ones(len(rows)), answers), ZONES, (6, 12, 24, 48))


def test_errors_are_cut_by_horizon_series_and_naive_method(seen):
    assert seen.naives == ["naive_day", "naive_last"]
    assert seen.best_naive == "naive_day"
    by_series = seen.mae_by("series_id")
    assert by_series.loc["d.A.v"].to_dict() == {"good": 1, "naive_day": 2, "naive_last": 3}
    assert by_series.loc["d.B.v", "good"] == pytest.approx((1 + 9 + 1) / 3)
    assert len(seen.mae_by("horizon_h")) == 48


def test_the_hour_is_that_of_each_place_and_follows_the_clock_change(seen):
    hours = seen.keys.set_index(["series_id", "origin_at", "horizon_h"])["local_hour"]
    assert hours["d.A.v", pd.Timestamp("2026-03-28"), 1] == 9
    assert hours["d.B.v", pd.Timestamp("2026-03-28"), 1] == 2
    assert hours["d.B.v", pd.Timestamp("2026-03-29"), 1] == 3  # summer time began at 01 UTC
    assert set(seen.mae_by("local_hour").index) == set(range(24))


def test_buckets_end_where_the_calibration_ends_them(seen):
    assert seen.keys.groupby("bucket")["horizon_h"].agg(["min", "max"]).to_dict() == {
        "min": {6: 1, 12: 7, 24: 13, 48: 25},
        "max": {6: 6, 12: 12, 24: 24, 48: 48},
    }


def test_coverage_and_reliability_are_shares_of_truths(seen):
    covered = seen.coverage_by("series_id", "good")
    assert covered.loc["d.A.v"].to_dict() == {80: 1.0, 90: 1.0}  # a miss of 1 lies within 1.28 and 1.64
    assert covered.loc["d.B.v", 80] == pytest.approx(2 / 3)
    at_or_below = seen.observed("good")
    assert at_or_below[:2].tolist() == pytest.approx([1 / 6, 1 / 6])  # the bad day is below every quantile
    assert at_or_below[2] == 1  # 10 + 1 - 0.67 lies above every truth


def test_a_day_that_has_only_begun_is_no_worst_day(seen):
    rows, origin = seen.scored.rows, pd.Timestamp("2026-03-29")
    begun = ((rows["origin_at"] != origin) | (rows["horizon_h"] <= 3)).to_numpy()
    answers = {name: values[begun] for name, values in seen.scored.answers.items()}
    part = Scored(rows[begun].reset_index(drop=True), seen.scored.actual[begun], seen.scored.scale[begun], answers)
    days = Evidence(part, ZONES, (48,)).worst_days("good")
    assert [day.attrs["origin_at"] for day in days].count(origin) == 0
    assert len(days) == 4


def test_the_worst_day_comes_first_and_each_series_and_day_once(seen):
    days = seen.worst_days("good")
    assert len(days) == 5
    worst = days[0]
    assert worst.attrs["series_id"] == "d.B.v"
    assert worst.attrs["origin_at"] == pd.Timestamp("2026-03-29")
    assert (worst.attrs["mae"], worst.attrs["naive_mae"]) == (9, 2)
    assert len(worst) == 24
    assert worst["target_at"].iloc[0] == pd.Timestamp("2026-03-29 01:00")
    assert ((worst["low"] < worst["point"]) & (worst["point"] < worst["high"])).all()
    assert len({(day.attrs["series_id"], day.attrs["origin_at"]) for day in days}) == 5
