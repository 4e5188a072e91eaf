"""Explanations: contributions add up to the forecast they explain, are said in words, and never stop a forecast."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ml import explain
from ml.backtest import Source, with_covariates
from ml.features import handling, matrix
from ml.forecaster import MEDIAN, build
from ml.predict import predict
from ml.reasons import HORIZONS
from ml.train import train
from warehouse.connection import connect
from warehouse.settings import Settings

UNITS = {"air.A.pm2_5_ugm3": "µg/m³", "air.B.pm2_5_ugm3": "µg/m³", "air.C.pm2_5_ugm3": "µg/m³"}


@pytest.fixture(scope="module")
def fitted(world, made):
    """(kind -> models), and a panel they have not seen; a combination leans on the trees and two naive methods."""
    found, panel = {}, None
    for kind in ("level", "difference", "log_ratio"):
        params = with_covariates(world, made.small_params())
        params = params.model_copy(update={"features": params.features.model_copy(update={"handling": kind})})
        source = Source(world, params)
        models = {name: build(name, params) for name in params.models}
        models["lightgbm_direct"].fit(
            source.training(made.start, datetime(2026, 3, 1)), seed=1, progress=lambda _: None
        )
        found[kind] = models
        panel = panel or source.report(datetime(2026, 3, 10), datetime(2026, 3, 20))
    return found, panel


@pytest.mark.parametrize("kind", ["level", "difference", "log_ratio"])
def test_start_groups_and_rest_give_the_forecast_back_in_the_unit_of_the_series(fitted, kind):
    models, panel = fitted[0][kind], fitted[1].rows(slice(None, None, 7))
    rows = explain.rows_of("lightgbm_direct", models, panel, UNITS)
    key = ["series_id", "origin_at", "horizon_h"]
    start = rows[rows["kind"] == "start"].set_index(key)["contribution"]
    moves = rows[rows["kind"].isin(["group", "rest"])].groupby(key, sort=False)["contribution"]
    point = panel.row_frame().assign(point=models["lightgbm_direct"].predict(panel)[:, MEDIAN]).set_index(key)["point"]
    if kind == "log_ratio":
        offset = models["lightgbm_direct"].features.log_offset
        told = (start + offset) * moves.apply(lambda each: np.prod(1 + each / 100)) - offset
    else:
        told = start + moves.sum()
    pd.testing.assert_series_equal(told.sort_index(), point.sort_index(), check_names=False, rtol=1e-6, atol=1e-6)
    effects = rows.loc[rows["kind"] != "start", "unit"].unique().tolist()
    assert effects == (["%"] if kind == "log_ratio" else ["µg/m³"])
    assert rows.loc[rows["kind"] == "start", "unit"].unique().tolist() == ["µg/m³"]


@hypothesis_settings(max_examples=20)
@given(data=st.data())
def test_contributions_and_start_add_up_to_what_the_trees_say_whatever_the_past(fitted, data):
    """Histories with holes, jumps and nonsense included."""
    models, panel = fitted[0]["difference"], fitted[1].rows(slice(0, 24))
    scale = data.draw(st.floats(0.01, 100))
    holes = data.draw(st.integers(0, 167))
    history = (panel.history * np.float32(scale)).copy()
    history[:, : holes + 1 : 3] = np.nan
    odd = replace(panel, history=history)
    model = models["lightgbm_direct"]
    parts = explain.contributions_of(model, odd)
    X, _ = matrix(odd, model.features, model.series)
    np.testing.assert_allclose(parts.start + parts.added.sum(axis=1), model.told(X, odd.horizon), rtol=1e-6, atol=1e-6)
    by_group = np.stack(list(parts.by_group().values()))
    np.testing.assert_allclose(by_group.sum(axis=0), parts.added.sum(axis=1), rtol=1e-6, atol=1e-6)


def test_the_largest_contributions_come_first_and_the_single_inputs_say_what_they_read(fitted):
    models, panel = fitted[0]["difference"], fitted[1].rows(slice(0, 10))
    rows = explain.rows_of("lightgbm_direct", models, panel, UNITS)
    for kind in ("group", "feature"):
        of_kind = rows[rows["kind"] == kind].sort_values("rank")
        size = of_kind.groupby(["series_id", "origin_at", "horizon_h"])["contribution"].apply(
            lambda c: c.abs().tolist()
        )
        assert all(each == sorted(each, reverse=True) and len(each) == explain.TOP for each in size)
    parts = explain.contributions_of(models["lightgbm_direct"], panel)
    largest = np.abs(parts.added).argmax(axis=1)
    first = rows[(rows["kind"] == "feature") & (rows["rank"] == 1)]
    np.testing.assert_allclose(first["value"], parts.values[np.arange(len(panel)), largest], equal_nan=True)
    assert rows.loc[rows["kind"] != "feature", "value"].isna().all()


def test_a_combination_is_explained_through_its_trees_with_their_weight(fitted):
    models, panel = fitted[0]["difference"], fitted[1].rows(slice(0, 5))
    blender = models["combination"]
    others = [name for name in blender.members if name != "lightgbm_direct"]
    blender.weights = {"lightgbm_direct": 0.6, **dict.fromkeys(others, 0.4 / len(others))}
    rows = explain.rows_of("combination", models, panel, UNITS)
    assert set(rows["explained_model"]) == {"lightgbm_direct"}
    assert set(rows["weight"]) == {0.6}
    blender.by_group = {0: {"lightgbm_direct": 0.5, **dict.fromkeys(others, 0.5 / len(others))}}  # 1 to 6 hours ahead
    rows = explain.rows_of("combination", models, fitted[1].rows(slice(0, 8)), UNITS)
    assert set(rows.loc[rows["horizon_h"] <= 6, "weight"]) == {0.5}
    assert set(rows.loc[rows["horizon_h"] > 6, "weight"]) == {0.6}


def test_a_method_that_learns_nothing_is_not_explained(fitted):
    assert explain.rows_of("naive_day", fitted[0]["level"], fitted[1], UNITS).empty


def test_start_of_a_difference_counts_from_the_base_of_the_series(fitted):
    models, panel = fitted[0]["difference"], fitted[1].rows(slice(0, 5))
    model = models["lightgbm_direct"]
    rows = explain.rows_of("lightgbm_direct", models, panel, UNITS)
    start = rows.loc[rows["kind"] == "start", "contribution"].to_numpy()
    base = handling(panel, model.features).base[panel.origin]
    np.testing.assert_allclose(start, base + explain.contributions_of(model, panel).start, rtol=1e-5)


@pytest.fixture(scope="module")
def trained(built, tmp_path_factory, made):
    folder = tmp_path_factory.mktemp("explained") / "data"
    shutil.copytree(built, folder)
    params = made.small_params()
    few = {name: params.models[name] for name in ("naive_last", "naive_mean7", "lightgbm_direct")}
    quiet = params.evaluation.model_copy(update={"learning_curve": False})
    params = params.model_copy(update={"evaluation": quiet, "models": few})
    train(Settings(data_dir=folder), "air", now=made.now, run_id="t", reason="first", params=params)
    return Settings(data_dir=folder)


def ask(settings, sql: str) -> list[tuple]:
    with connect(settings) as con:
        return con.execute(sql).fetchall()


def test_published_forecasts_are_explained_at_eight_horizons_and_a_rerun_adds_nothing(trained, made):
    seen = []
    for _ in range(2):
        found = predict(trained, now=made.now, run_id="p", params_of=lambda _: made.small_params())
        assert found.notes == []
        seen.append(sorted(map(str, ask(trained, "select * from ml.explanations where run_id = 'p'"))))
    assert seen[0] == seen[1] != []
    sql = """
        select e.series_id, count(distinct e.horizon_h), any_value(f.rung) from ml.explanations e
        join ml.forecasts f using (run_id, series_id, origin_at, horizon_h, model_version)
        where e.run_id = 'p' group by 1 order by 1
    """
    assert ask(trained, sql) == [(name, len(HORIZONS), "champion") for name in UNITS]
    lines = 2 + 2 * explain.TOP  # start, rest, groups, features
    assert ask(trained, "select count(*) from ml.explanations where run_id = 'p'") == [(3 * len(HORIZONS) * lines,)]


def test_a_failure_to_explain_is_a_note_and_the_forecast_stands(trained, made, monkeypatch):
    from ml.models.lightgbm_direct import LightgbmDirect

    def broken(self, panel):
        raise MemoryError("no room for reasons")

    monkeypatch.setattr(LightgbmDirect, "contributions", broken)
    found = predict(trained, now=made.now, run_id="broken", params_of=lambda _: made.small_params())
    assert found.n_series == 3
    assert found.by_rung == {"champion": 3}
    assert found.notes == ["air: the forecasts are not explained: MemoryError('no room for reasons')"]
    assert ask(trained, "select count(*) from ml.explanations where run_id = 'broken'") == [(0,)]
