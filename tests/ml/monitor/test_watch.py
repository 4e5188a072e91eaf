"""What monitoring reads of a real warehouse, and the rows it leaves."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ml.monitor.watch import columns, watch
from ml.predict import predict
from ml.train import train
from tests.ml.monitor.test_drift import weather
from warehouse.connection import connect

NAME = "air.A.pm2_5_ugm3"


@pytest.fixture
def settings(make_world, made):
    """Two places; in the newest 40 hours of one the unit has changed."""
    series = [made.series_row("air", place, "pm2_5_ugm3", is_target=True) for place in ("A", "B")]
    hours = 400 * 24
    tables = []
    for seed, row in enumerate(series):
        values = 20 + weather(seed, hours)
        if row["series_id"] == NAME:
            values[-40:] *= 10
        tables.append(made.readings(row["series_id"], made.now - timedelta(hours=hours - 1), values))
    return make_world(series, pd.concat(tables))


def rows(settings) -> pd.DataFrame:
    with connect(settings, read_only=True) as con:
        return con.execute("from ml.drift order by all").df()


def test_what_changed_is_on_record_and_what_did_not_is_too(settings, made):
    watch(settings, now=made.now, run_id="r")
    found = rows(settings)
    assert set(found.loc[found["is_drift"], "series_id"]) == {NAME}
    assert set(zip(found["aspect"], found["window_h"], strict=True)) == {
        *((aspect, hours) for aspect in ("level", "scale") for hours in (48, 336)),
        ("change", 24),
        ("change", 48),
    }
    assert len(found) == 12
    assert found.loc[found["is_drift"], "what"].str.contains("above the reference").any()
    assert (found["q_value"] >= found["p_value"]).all()
    assert (found["kind"] == "target").all()
    assert ((found["score"] >= found["score_limit"]) == found["is_drift"]).all()


def test_the_same_run_again_replaces_its_rows(settings, made):
    watch(settings, now=made.now, run_id="r")
    before = rows(settings)
    watch(settings, now=made.now, run_id="r")
    pd.testing.assert_frame_equal(rows(settings), before)


def test_nothing_later_than_the_clock_is_read(settings, made):
    watch(settings, now=made.now - timedelta(days=3), run_id="r")
    assert not rows(settings)["is_drift"].any()
    early = list(columns(settings, made.now - timedelta(days=3)))
    assert max(column.last_at for column in early) <= made.now - timedelta(days=3)


def test_forecasts_of_an_hour_count_as_its_prediction_the_newest_of_the_day_before(settings, made):
    def params(name):
        return made.small_params(name)

    train(settings, "air", now=made.now, run_id="t", reason="test", params=params("air"))
    for run_id, now in (("one", made.now - timedelta(hours=6)), ("two", made.now)):
        predict(settings, now=now, run_id=run_id, params_of=params)
    told = {column.series_id: column for column in columns(settings, made.now) if column.kind == "prediction"}
    with connect(settings, read_only=True) as con:
        points = dict(
            con.execute(
                "select target_at, point from ml.forecasts where series_id = ? and run_id = 'two' and horizon_h <= 24",
                [NAME],
            ).fetchall()
        )
    column = told[NAME]
    for hour, value in enumerate(column.values):
        at = column.first_at + timedelta(hours=hour)
        if at in points:
            assert value == points[at]
    assert np.isfinite(column.values).sum() >= len(points)
