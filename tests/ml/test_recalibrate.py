"""Intervals that follow the errors: what they learn from, what they guarantee, and that live and backtest agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ml import dataset
from ml.backtest import Source
from ml.calibrate import Calibration, calibrate
from ml.dataset import HISTORY_H, HOUR, NEVER, Panel
from ml.forecaster import MEDIAN, NORMAL_SCORES
from ml.ladder import _rungs
from ml.params import Calibrating, Rates
from ml.predict import predict
from ml.recalibrate import TAIL, missed, replay
from ml.train import train
from warehouse.connection import connect

PARAMS = Calibrating(horizon_buckets=(6, 12, 24, 48), min_rows=200)
FIXED = PARAMS.model_copy(update={"rates": Rates(all=0, bucket=0, level=0, skew=0)})
ORIGIN = 400_000
few = hypothesis_settings(max_examples=20)


def panel_of(days: int, target: np.ndarray, *, n_series: int = 3, horizon: int = 24, lag_h: int = 0) -> Panel:
    """One origin a day for each series, all of them fresh; truths known `lag_h` after their hour."""
    n = days * n_series
    origin_h = np.repeat(ORIGIN + 24 * np.arange(days), n_series)
    origin, hours = np.repeat(np.arange(n), horizon), np.tile(np.arange(1, horizon + 1), n)
    stats = {"staleness_h": np.zeros(n, np.float32), "n_known_24": np.full(n, 24, np.float32)}
    places = pd.DataFrame({"series_id": [f"s{i}" for i in range(n_series)], "place_id": "p"})
    none = np.zeros(len(origin), np.int64)
    return Panel(
        dataset="air", series=places, series_code=np.tile(np.arange(n_series), days), origin_h=origin_h,
        history=np.zeros((n, HISTORY_H), np.float32), stats=stats, covariates={}, origin=origin, horizon=hours,
        naive={}, local_hour=none, local_weekday=none, target=target,
        known_at=(origin_h[origin] + hours + lag_h) * HOUR, is_ok=np.ones(len(origin), bool),
        issued={}, issued_lead_h=np.full(len(origin), np.nan, np.float32),
    )  # fmt: skip


def season(seed: int, days: int = 184, growth: float = 1.0, **shape: int) -> tuple[np.ndarray, Panel]:
    """Raw quantiles of a standard normal; errors that grow (or shrink) to `growth` times that half way through."""
    rng = np.random.default_rng(seed)
    size = days * shape.get("n_series", 3) * shape.get("horizon", 24)
    scale = np.where(np.arange(size) < size / 2, 1.0, growth)
    panel = panel_of(days, 10 + scale * rng.normal(size=size), **shape)
    return 10 + NORMAL_SCORES + np.zeros((size, 1)), panel


def inside(quantiles: np.ndarray, panel: Panel, low: int = 1, high: int = 5) -> np.ndarray:
    return (panel.target >= quantiles[:, low]) & (panel.target <= quantiles[:, high])


@pytest.mark.parametrize("growth", [0.6, 1.0, 1.6])
def test_coverage_holds_after_the_errors_have_changed(growth):
    raw, panel = season(1, growth=growth)
    answers, _ = replay(Calibration.none(PARAMS), raw, panel, PARAMS)
    for low, high, share in ((1, 5, 0.8), (0, 6, 0.9)):
        hit, bucket = inside(answers, panel, low, high), Calibration.none(PARAMS).bucket(panel.horizon)
        assert hit.mean() == pytest.approx(share, abs=0.02)
        for number in range(3):
            assert hit[bucket == number].mean() == pytest.approx(share, abs=0.04)


def test_without_looking_back_the_same_change_breaks_it():
    raw, panel = season(1, growth=2.0)
    answers, drift = replay(Calibration.none(PARAMS), raw, panel, FIXED)
    assert inside(answers, panel).mean() < 0.72
    assert not drift.any()


@few
@given(seed=st.integers(0, 10**6), n=st.integers(200, 3000))
def test_split_conformal_factors_cover_exchangeable_errors_as_promised(seed, n):
    """Exact up to the spread of the calibration sample: Beta(k, n + 1 - k), Vovk 2012."""
    rng = np.random.default_rng(seed)
    raw, hours = NORMAL_SCORES + np.zeros((n, 1)), np.ones(n, np.int64)
    stretch = calibrate(raw, rng.standard_t(4, n), hours, PARAMS)
    fresh = rng.standard_t(4, 50_000)
    answers = stretch.apply(NORMAL_SCORES + np.zeros((50_000, 1)), np.ones(50_000, np.int64))
    error = np.abs(missed(answers, fresh).mean(axis=0) - TAIL)[np.arange(7) != MEDIAN]
    spread = np.sqrt((TAIL * (1 - TAIL))[np.arange(7) != MEDIAN] * (1 / n + 1 / 50_000))
    assert (error < 5 * spread + 1 / n).all()


@few
@given(seed=st.integers(0, 10**6), growth=st.floats(0.2, 5), lag_h=st.integers(0, 100))
def test_quantiles_never_cross_and_the_median_stays(seed, growth, lag_h):
    raw, panel = season(seed, days=20, growth=growth, n_series=2, lag_h=lag_h)
    answers, _ = replay(Calibration.none(PARAMS), raw, panel, PARAMS)
    assert (np.diff(answers, axis=1) >= 0).all()
    np.testing.assert_array_equal(answers[:, MEDIAN], raw[:, MEDIAN])


@few
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([2.0**-10, 0.25, 8.0, 2.0**12]), shift=st.integers(-64, 64))
def test_another_unit_gives_the_same_intervals_in_that_unit(seed, scale, shift):
    raw, panel = season(seed, days=20, growth=2.0)
    told = replace(panel, target=panel.target * scale + shift)
    factors = calibrate(raw, panel.target, panel.horizon, PARAMS)
    factors_told = calibrate(raw * scale + shift, told.target, panel.horizon, PARAMS)
    np.testing.assert_allclose(factors.factors, factors_told.factors, rtol=1e-9)
    answers, drift = replay(factors, raw, panel, PARAMS)
    answers_told, drift_told = replay(factors_told, raw * scale + shift, told, PARAMS)
    np.testing.assert_allclose(answers * scale + shift, answers_told, rtol=1e-9, atol=1e-9 * scale)
    np.testing.assert_allclose(drift, drift_told, atol=1e-12)


@few
@given(seed=st.integers(0, 10**6), day=st.integers(1, 18), lag_h=st.integers(0, 60))
def test_a_truth_known_after_an_origin_changes_nothing_up_to_it(seed, day, lag_h):
    raw, panel = season(seed, days=20, lag_h=lag_h)
    moment = (ORIGIN + 24 * day) * HOUR
    later = panel.known_at > moment
    rng = np.random.default_rng(seed)
    other = replace(panel, target=np.where(later, rng.normal(0, 50, len(panel)), panel.target))
    gone = panel.rows(~later | (panel.origin_h[panel.origin] * HOUR <= moment))
    gone = replace(gone, known_at=np.where(gone.known_at > moment, NEVER, gone.known_at))
    answers, _ = replay(Calibration.none(PARAMS), raw, panel, PARAMS)
    changed, _ = replay(Calibration.none(PARAMS), raw, other, PARAMS)
    upto = panel.origin_h[panel.origin] * HOUR <= moment
    np.testing.assert_array_equal(answers[upto], changed[upto])
    never, _ = replay(Calibration.none(PARAMS), raw[: len(gone)], gone, PARAMS)
    np.testing.assert_array_equal(answers[upto], never)
    assert not np.array_equal(answers[~upto], changed[~upto])


def test_several_origins_of_a_day_weigh_as_much_as_one():
    rng = np.random.default_rng(4)
    daily = panel_of(60, 3 * rng.normal(size=60 * 24), n_series=1)
    hours = np.repeat(ORIGIN + 3 * np.arange(60 * 8), 1)
    often = panel_of(60 * 8, 3 * rng.normal(size=60 * 8 * 24), n_series=1)
    known_at = (hours[often.origin] + often.horizon) * HOUR
    often = replace(often, origin_h=hours, known_at=known_at)
    drifts = []
    for panel in (daily, often):
        raw = NORMAL_SCORES + np.zeros((len(panel), 1))
        drifts.append(replay(Calibration.none(PARAMS), raw, panel, PARAMS, until=NEVER)[1])
    for drift in drifts:
        assert drift[:3, [0, 6]].mean() == pytest.approx(np.log(3), abs=0.3)


def test_unanswered_rows_stay_unanswered_and_teach_nothing():
    raw, panel = season(2, days=30)
    holes = np.arange(len(panel)) % 3 == 0
    with_holes = np.where(holes[:, None], np.nan, raw)
    answers, drift = replay(Calibration.none(PARAMS), with_holes, panel, PARAMS, until=NEVER)
    assert np.isnan(answers[holes]).all()
    kept, drift_kept = replay(Calibration.none(PARAMS), raw[~holes], panel.rows(~holes), PARAMS, until=NEVER)
    np.testing.assert_array_equal(answers[~holes], kept)
    np.testing.assert_array_equal(drift, drift_kept)


def test_a_calibration_written_down_starts_where_it_ended():
    raw, panel = season(3, growth=2.0)
    first = Calibration.none(PARAMS)
    _, drift = replay(first, raw, panel, PARAMS, until=NEVER)
    again = Calibration.from_json(replace(first, drift=drift).to_json())
    np.testing.assert_allclose(again.drift, drift, atol=1e-6)
    wider = again.apply(raw, panel.horizon)
    assert (wider[:, 5] - wider[:, 1]).mean() > 1.3 * (raw[:, 5] - raw[:, 1]).mean()


def test_what_is_published_day_by_day_is_what_a_replay_of_the_same_days_gives(own_world, made):
    """The drift read from ml.forecasts and the observations is that of the vectorised pass."""
    settings, params = own_world, made.small_params()
    start = made.now.replace(hour=0) - timedelta(days=7)
    train(settings, "air", now=start - timedelta(hours=17), run_id="t", reason="test", params=params)
    for day in range(6):
        predict(settings, now=start + timedelta(days=day), run_id=f"p{day}", params_of=lambda _: params)
    last = start + timedelta(days=6)
    with connect(settings) as con:
        published = con.execute(
            "select * from ml.forecasts where rung = 'champion' order by series_id, origin_at, horizon_h"
        ).df()
        con.execute("delete from ml.forecasts")
    (fresh, *_), _ = _rungs(settings, params, last)  # nothing published: the calibration as it was stored
    bundle = fresh.bundle
    source = Source(settings, bundle.params)
    panel = dataset.read(settings, source.query(start, last, (0,)), covariates=source.covariates)
    until = int(pd.Timestamp(last).timestamp())
    answers, drift = replay(bundle.calibration, bundle.raw(panel), panel, bundle.params.calibration, until=until)
    assert len(published) == len(panel) == 6 * 3 * 48
    names = ["q05", "q10", "q25", "q50", "q75", "q90", "q95"]
    np.testing.assert_allclose(published[names], np.maximum(answers, 0), rtol=1e-6, atol=1e-6)
    with connect(settings) as con:
        con.register("published", published)
        con.execute("insert into ml.forecasts by name select * from published")
    (now, *_), _ = _rungs(settings, params, last)
    np.testing.assert_allclose(now.bundle.calibration.drift, drift, atol=1e-9)
    assert np.abs(drift - bundle.calibration.drift).max() > 0.01
