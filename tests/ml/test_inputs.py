"""Panels that lack inputs are what the marts would have given; intervals are wider for it by as much as is needed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from ml import dataset
from ml.backtest import backtest
from ml.calibrate import Calibration
from ml.competition import compete
from ml.dataset import NAIVES, ORIGIN_STATS
from ml.inputs import STALE, Usual, Widening, shares
from ml.missing import lacking, masks, without_covariates, without_newest
from warehouse.errors import BadInput
from warehouse.marts import OriginQuery

ORIGIN = datetime(2026, 3, 1, 12)
COVARIATES = ("nitrogen_dioxide_ugm3",)
FROM, TO = datetime(2026, 3, 1), datetime(2026, 3, 20)
HOUR = timedelta(hours=1)


def read(settings, start: datetime = ORIGIN, end: datetime = ORIGIN + HOUR, hours: tuple[int, ...] = ()):
    query = OriginQuery(dataset="air", origin_from=start, origin_to=end, hours=hours)
    return dataset.read(settings, query, covariates=COVARIATES)


@pytest.mark.parametrize("hours", [1, 6, 30, 100])
def test_a_panel_without_its_newest_hours_is_what_the_marts_give_when_they_have_not_come(
    world, make_world, made, hours
):
    series, table = made.small_world()
    late = table[(table["observed_at"] <= ORIGIN - hours * HOUR) | (table["observed_at"] > ORIGIN)]
    expected, found = read(make_world(series, late)), without_newest(read(world), hours)
    np.testing.assert_array_equal(found.history, expected.history)
    for name in set(ORIGIN_STATS) - {"mean_672"}:
        np.testing.assert_allclose(found.stats[name], expected.stats[name], rtol=1e-5, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(found.stats["mean_672"], expected.stats["mean_672"], rtol=0.05)
    for name in NAIVES:
        np.testing.assert_allclose(found.naive[name], expected.naive[name], rtol=1e-5, err_msg=name)
    for name, values in expected.covariates.items():
        np.testing.assert_array_equal(found.covariates[name], values)


def test_the_panel_it_was_made_from_stays_as_it_was(world):
    panel = read(world)
    before = panel.history.copy(), {name: values.copy() for name, values in panel.stats.items()}
    for mask in masks(panel).values():
        mask()
    np.testing.assert_array_equal(panel.history, before[0])
    for name, values in before[1].items():
        np.testing.assert_array_equal(panel.stats[name], values)


def test_each_mask_puts_the_panel_into_its_own_condition_and_an_untouched_one_is_in_none(world):
    panel = read(world, FROM, TO, (0, 12))
    widening = Widening(Usual.of(panel), {})
    assert not any(holds.any() for holds in widening.conditions(panel).values())
    has_covariate = shares(panel)["covariates"] > 0
    assert not has_covariate.all(), "one place never measured it"
    for name, mask in masks(panel).items():
        holds = widening.conditions(mask())
        expected = has_covariate if name == "covariates" else np.ones(len(has_covariate), bool)
        assert (holds[name] == expected).mean() > 0.7, name  # gaps fall as they fall
        assert sum(holds[stale].any() for stale in STALE) <= 1


def test_a_source_that_is_always_late_is_not_late(world):
    panel = without_newest(read(world, FROM, TO, (0, 12)), 5)
    usual = Usual.of(panel)
    assert usual.staleness_h == 5
    on_time, late = (Widening(usual, {}).conditions(p) for p in (panel, without_newest(panel, 8)))
    assert not any(on_time[name].any() for name in STALE)
    assert late["stale_6"].all()


@pytest.fixture(scope="module")
def learnt(world, made):
    """Calibrations of a small competition, and the panel it was held on."""
    params = made.small_params()
    train, select = read(world, datetime(2026, 1, 10), FROM).scorable(), read(world, FROM, TO, (0, 12)).scorable()
    features = params.features.model_copy(update={"covariates": COVARIATES})
    models = {name: params.models[name] for name in ("lightgbm_direct", "naive_last", "naive_mean7")}
    params = params.model_copy(update={"features": features, "models": models})
    return compete(train.known_before(FROM), select, params, lambda _: None), select


def test_intervals_widen_with_what_is_missing_and_never_narrow(learnt):
    contest, select = learnt
    for calibration in contest.calibrations.values():
        bucket = calibration.bucket(select.horizon)
        assert (calibration.widening.of(select, bucket) == 1).all()
        widths = {name: calibration.widening.of(mask(), bucket) for name, mask in masks(select).items()}
        assert all((ratio >= 1).all() for ratio in widths.values())
        assert widths["stale_24"].mean() > 1
    last = contest.calibrations["naive_last"].widening
    assert last.ratios["stale_6"][0].max() > 1.2
    assert (last.ratios["covariates"] == 1).all(), "the last value reads no covariate"


def test_conditions_multiply_and_a_written_widening_reads_the_same(learnt):
    contest, select = learnt
    calibration = contest.calibrations["lightgbm_direct"]
    both = without_covariates(without_newest(select, 6))
    bucket = calibration.bucket(select.horizon)
    stale, blind = (calibration.widening.of(p, bucket) for p in (without_newest(select, 6), without_covariates(select)))
    assert stale.max() > 1 < blind.max()
    np.testing.assert_allclose(calibration.widening.of(both, bucket), stale * blind)
    again = Calibration.from_json(calibration.to_json()).widening
    np.testing.assert_allclose(again.of(both, bucket), stale * blind, rtol=1e-5)


@pytest.mark.parametrize("missing", [(), ("history:6",), ("history:24",), ("covariates",), ("gaps",)])
def test_coverage_holds_in_a_backtest_with_inputs_removed(world, made, missing):
    params = made.small_params()
    models = {name: block for name, block in params.models.items() if name in ("lightgbm_direct", "naive_mean7")}
    found = backtest(
        world,
        "air",
        date_from=FROM,
        date_to=TO,
        without=missing,
        origin_hours=(0, 12),
        params=params.model_copy(update={"models": models}),
    )
    answers, actual = found.scored.answers["lightgbm_direct"], found.scored.actual
    line = found.summary.set_index("model").loc["lightgbm_direct"]
    assert line["coverage80"] >= 0.78
    assert line["coverage90"] >= 0.88
    assert np.isfinite(answers).all()
    assert len(actual) == 19 * 2 * 3 * 24


def test_what_cannot_be_removed_is_said(world):
    panel = read(world)
    assert len(lacking(panel, ("history:3", "gaps"))) <= len(panel)
    for wrong in ("history", "history:0", "history:168", "history:x", "weather"):
        with pytest.raises(BadInput, match="not without"):
            lacking(panel, (wrong,))


def test_an_unreadable_widening_is_refused():
    calibration = Calibration.from_json(b'{"ends": [48], "factors": [[1, 1, 1, 1, 1, 1, 1]]}')
    assert calibration.widening.ratios.keys() == Widening.untrained().ratios.keys()
    found = calibration.widening.to_dict()
    with pytest.raises(ValueError, match="seven"):
        Widening.from_dict(found | {"ratios": {"gaps": [[1.0, 2.0]]}})
    assert replace(calibration.widening, ratios={}).to_dict()["ratios"] == {}
