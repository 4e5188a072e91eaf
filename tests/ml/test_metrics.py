"""Scores against sums done by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml import dataset
from ml.forecaster import QUANTILES
from ml.metrics import Scored, seasonal_scale
from warehouse.marts import OriginQuery


def scored() -> Scored:
    rows = pd.DataFrame(
        {
            "series_id": ["a", "a", "b", "b"],
            "origin_at": pd.to_datetime(["2026-01-01", "2026-01-02"] * 2),
            "horizon_h": np.array([1, 2, 1, 2], np.int32),
        }
    )
    actual = np.array([1.0, 2.0, 3.0, 8.0])
    widths = np.array([-3, -2, -1, 0, 1, 2, 3.0])
    answers = {
        "better": np.array([2.0, 2.0, 3.0, 5.0])[:, None] + widths,
        "naive_last": np.array([3.0, 3.0, 3.0, 3.0])[:, None] + widths,
    }
    return Scored(rows, actual, np.array([1.0, 1.0, 2.0, 2.0]), answers)


def test_scores_over_all_rows():
    line = scored().scores().set_index("model").loc["better"]
    assert line["mae"] == pytest.approx((1 + 0 + 0 + 3) / 4)
    assert line["rmse"] == pytest.approx(np.sqrt((1 + 9) / 4))
    assert line["bias"] == pytest.approx((1 - 3) / 4)
    assert line["mase"] == pytest.approx((1 + 0 + 0 + 1.5) / 4)
    assert line["coverage80"] == pytest.approx(3 / 4)  # 8 lies above 5 + 2
    assert line["coverage90"] == pytest.approx(1.0)  # and on 5 + 3
    assert line["skill"] == pytest.approx(1 - 1 / 2.0)
    assert (line["n_rows"], line["n_origins"]) == (4, 2)


def test_pinball_is_the_mean_over_the_seven_levels():
    made = scored()
    error = made.actual[:, None] - made.answers["better"]
    levels = np.array(QUANTILES)
    expected = np.maximum(levels * error, (levels - 1) * error).mean()
    assert made.scores().set_index("model").loc["better", "pinball"] == pytest.approx(expected)


@pytest.mark.parametrize("by", ["series_id", "horizon_h", "origin_at"])
def test_scores_by_any_column_average_to_the_whole(by):
    table = scored().scores(by)
    assert set(table["model"]) == {"better", "naive_last"}
    part = table[table["model"] == "better"]
    assert np.average(part["mae"], weights=part["n_rows"]) == pytest.approx(1.0)


def test_skill_is_against_the_best_naive_of_the_same_rows():
    table = scored().scores("series_id").set_index(["series_id", "model"])["skill"]
    assert table["a", "better"] == pytest.approx(1 - 0.5 / 1.5)
    assert table["a", "naive_last"] == 0


def test_the_scale_is_the_error_of_the_day_before_also_where_the_newest_hour_is_late(world, made):
    asked = OriginQuery(dataset="air", origin_from=made.start + 3 * made.day, origin_to=made.now, hours=(0,))
    panel = dataset.read(world, asked)
    late = replace(panel, history=np.where(np.arange(168) < 2, np.nan, panel.history).astype(np.float32))
    wave = made.wave(0)
    by_hand = np.abs(wave[24:] - wave[:-24]).mean()
    assert seasonal_scale(panel)[0] == pytest.approx(by_hand, rel=0.02)
    assert seasonal_scale(late)[0] == pytest.approx(by_hand, rel=0.03)


def test_every_row_is_told_model_by_model():
    table = scored().table().to_pandas()
    assert len(table) == 8
    assert set(table.columns) == {
        "series_id",
        "origin_at",
        "horizon_h",
        "model",
        "actual",
        "scale",
        "point",
        "q05",
        "q10",
        "q25",
        "q50",
        "q75",
        "q90",
        "q95",
    }
    assert (table["point"] == table["q50"]).all()
