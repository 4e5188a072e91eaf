"""The search: bounded, resumable, the same each time, and believed only on windows it has not seen."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from ml import tuned
from ml.backtest import with_covariates
from ml.learn import asked_params, prepared, read_panels
from ml.paired import Paired
from ml.params import load_params
from ml.tune import _judged, _parts, tune
from ml.tune_space import MODEL, overlay_of, untuned
from warehouse.errors import BadInput


@pytest.fixture(scope="module")
def given(world, made):
    """(panels, windows, params) as a training at `now` reads them."""
    asked = made.small_params()
    windows, panels = read_panels(world, asked, made.now)
    return panels, windows, with_covariates(world, asked)


@pytest.fixture(scope="module")
def found(given, tmp_path_factory):
    return tune(*given, storage=tmp_path_factory.mktemp("study") / "study.log", trials=4)


def test_the_first_trial_changes_nothing_and_every_trial_is_kept(found, given):
    assert found.trials["number"].tolist() == [0, 1, 2, 3]
    assert found.trials["is_untuned"].tolist() == [True, False, False, False]
    assert overlay_of(untuned(given[2]), given[2]) == {}
    assert set(found.trials["state"]) <= {"COMPLETE", "PRUNED"}
    assert found.search["tuned"] <= found.search["untuned"]


def test_the_same_trials_and_seed_find_the_same(found, given, tmp_path):
    again = tune(*given, storage=tmp_path / "study.log", trials=4)
    assert again.to_json() == found.to_json()


def test_a_search_goes_on_where_it_stopped(given, tmp_path):
    tune(*given, storage=tmp_path / "study.log", trials=1)
    more = tune(*given, storage=tmp_path / "study.log", trials=3)
    assert more.trials["number"].tolist() == [0, 1, 2]
    same = tune(*given, storage=tmp_path / "study.log", trials=2)
    assert len(same.trials) == 3


def test_time_bounds_it(given, tmp_path):
    assert len(tune(*given, storage=tmp_path / "study.log", seconds=0.01).trials) == 1


def test_nothing_of_the_report_window_is_looked_at(found, given, tmp_path):
    panels, windows, params = given
    poisoned = replace(panels, report=replace(panels.report, target=np.full(len(panels.report), 1e9)))
    assert tune(poisoned, windows, params, storage=tmp_path / "s.log", trials=4).to_json() == found.to_json()


def test_search_and_confirmation_share_no_hour(given):
    panels, windows, _ = given
    learn, search, confirm = _parts(panels, windows)
    assert learn.target_h.max() < search.origin_h[search.origin].min() + 1
    assert search.target_h.max() < confirm.origin_h[confirm.origin].min()
    assert confirm.target_h.max() * 3600 < windows.report_from.timestamp() + 48 * 3600


@pytest.mark.parametrize(
    ("tuned_loss", "p_value", "accepted", "said"),
    [
        (0.97, 0.01, True, "3.0% lower"),
        (0.97, 0.3, False, "3.0% lower"),
        (0.999, 0.01, False, "0.1% lower"),
        (1.1, 1.0, False, "10.0% higher"),
    ],
)
def test_without_a_clear_gain_the_untuned_parameters_stay(found, given, tuned_loss, p_value, accepted, said):
    paired = Paired("mae", 1.0, tuned_loss, 60, 1440, 2.0, p_value, 1 - p_value)
    judged = _judged(found, paired, given[2])
    assert judged.accepted is accepted
    assert f"against 1, {said}" in judged.reason


def test_an_accepted_outcome_reaches_training_and_no_report_that_chose_it(found, world, tmp_path, made):
    settings = world.model_copy(update={"data_dir": tmp_path})
    won = replace(found, accepted=True, overlay={"models": {MODEL: {"num_leaves": 21}}})
    tuned.save(settings, won, now=made.now)
    params = tuned.tuned_params(settings, "air", now=made.now)
    assert params.models[MODEL]["num_leaves"] == 21
    assert params.fingerprint() != load_params("air").fingerprint()
    assert tuned.overlay(settings, "air", now=made.now - timedelta(hours=1)) == {}
    assert tuned.overlay(settings, "air", report_from=made.now - timedelta(days=30)) == {}
    tuned.save(settings, replace(won, accepted=False), now=made.now)
    assert tuned.overlay(settings, "air", now=made.now) == {}


def test_an_outcome_confirmed_on_windows_to_be_reported_is_asked_for_by_no_training(found, world, tmp_path, made):
    settings = world.model_copy(update={"data_dir": tmp_path, "warehouse_path": world.warehouse_path})
    won = replace(found, accepted=True, overlay={"models": {MODEL: {"num_leaves": 21}}})
    report_from = prepared(settings, "air", made.now)[1].report_from
    plain, leaves = load_params("air"), []
    for confirm_to in (report_from - timedelta(days=1), report_from):
        tuned.save(settings, replace(won, windows={**won.windows, "confirm_to": str(confirm_to)}), now=made.now)
        params = asked_params(settings, "air", made.now)
        assert params == prepared(settings, "air", made.now)[0]
        leaves.append(params.models[MODEL]["num_leaves"])
    assert leaves == [21, plain.models[MODEL]["num_leaves"]]


def test_a_damaged_outcome_is_said(found, world, tmp_path):
    settings = world.model_copy(update={"data_dir": tmp_path})
    path = tuned.save(settings, found, now=None or world_now())
    path.write_text(json.dumps({"accepted": True}))
    with pytest.raises(BadInput, match="skyduck tune"):
        tuned.overlay(settings, "air", now=world_now())


def world_now():
    from datetime import datetime

    return datetime(2026, 3, 22, 7)


def test_too_little_history_is_refused_with_the_figures(given, tmp_path):
    panels, windows, params = given
    young = replace(panels, train=panels.train.between(windows.select_from - timedelta(days=9), windows.select_from))
    with pytest.raises(BadInput, match="needed"):
        tune(young, windows, params, storage=tmp_path / "study.log", trials=1)
