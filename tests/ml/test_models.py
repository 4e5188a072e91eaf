"""What every file of ml/models owes: tested on arrival, because the folder is listed."""

from __future__ import annotations

import pkgutil
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

import ml.models
from ml import dataset
from ml.forecaster import STATISTICAL, Blender, Forecaster, build, builders, is_naive
from ml.models import combination, statistical
from ml.params import load_params
from warehouse.errors import ArtefactRefused, BadInput
from warehouse.marts import OriginQuery

NAMES = list(builders())
FORECASTERS = [name for name in NAMES if isinstance(build(name, load_params("air")), Forecaster)]
BLENDERS = [name for name in NAMES if name not in FORECASTERS]


@pytest.fixture(scope="module")
def panels(world, made):
    """(what to learn from, what to answer)"""
    cut = made.now - timedelta(days=6)
    asked = OriginQuery(dataset="air", origin_from=made.start, origin_to=cut, hours=(0, 12))
    live = OriginQuery(dataset="air", origin_from=cut, origin_to=made.now, hours=(6,))
    return dataset.read(world, asked).scorable().known_before(cut), dataset.read(world, live)


def fitted(name, panel, made):
    model = build(name, made.small_params())
    model.fit(panel, seed=1, progress=lambda _: None)
    return model


@pytest.fixture(scope="module")
def answers(panels, made):
    return {name: fitted(name, panels[0], made).predict(panels[1]) for name in FORECASTERS}


def test_every_file_offers_models_and_every_model_has_a_block():
    files = {module.name for module in pkgutil.iter_modules(ml.models.__path__)}
    assert {build(name, load_params("air")).__class__.__module__.rsplit(".", 1)[1] for name in NAMES} == files
    assert set(load_params("any_other").models) == set(NAMES)


@pytest.mark.parametrize("name", FORECASTERS)
def test_seven_sorted_finite_quantiles_a_row(answers, panels, name):
    assert answers[name].shape == (len(panels[1]), 7)
    assert np.isfinite(answers[name]).all()
    assert (np.diff(answers[name], axis=1) >= 0).all()


@pytest.mark.parametrize("name", FORECASTERS)
def test_the_same_data_and_seed_give_the_same_answers(answers, panels, made, name):
    np.testing.assert_array_equal(fitted(name, panels[0], made).predict(panels[1]), answers[name])


@pytest.mark.parametrize("name", FORECASTERS)
def test_what_was_dumped_answers_as_before_and_is_text(answers, panels, made, name):
    files = fitted(name, panels[0], made).dump()
    assert all(file.endswith((".json", ".txt")) and content.decode() for file, content in files.items())
    again = build(name, made.small_params())
    again.restore(files)
    np.testing.assert_array_equal(again.predict(panels[1]), answers[name])


@pytest.mark.parametrize("name", [name for name in FORECASTERS if not is_naive(name)])
def test_an_origin_that_knows_nothing_gets_no_answer(panels, made, name):
    model, live = fitted(name, panels[0], made), panels[1]
    first = np.arange(len(live.origin_h)) == 0
    history = np.where(first[:, None], np.nan, live.history).astype(np.float32)
    last = np.where(first, np.nan, live.stats["last_value"]).astype(np.float32)
    answers = model.predict(replace(live, history=history, stats={**live.stats, "last_value": last}))
    assert np.isnan(answers[live.origin == 0]).all()
    assert np.isfinite(answers[live.origin != 0]).all()


def rows_of(panel, n):
    return panel.rows(slice(0, n))


@pytest.mark.parametrize("name", BLENDERS)
def test_a_blend_lies_between_its_members_and_prefers_the_better_one(panels, made, name):
    params = made.small_params()
    model = build(name, params)
    assert isinstance(model, Blender)
    rng = np.random.default_rng(0)
    some = replace(rows_of(panels[0], 500), target=rng.normal(size=500))
    spread = np.linspace(-1, 1, 7)
    noise = [0.1, *[3.0] * (len(model.members) - 1)]
    told = [some.target + rng.normal(0, s, 500) for s in noise]
    members = {m: points[:, None] + spread for m, points in zip(model.members, told, strict=True)}
    model.fit_weights(members, some)
    blend = model.blend(members, some)
    stacked = np.stack(list(members.values()))
    assert ((blend >= stacked.min(axis=0) - 1e-9) & (blend <= stacked.max(axis=0) + 1e-9)).all()
    alike = np.mean(told, axis=0)
    assert np.abs(blend[:, 3] - some.target).mean() < 0.5 * np.abs(alike - some.target).mean()
    again = build(name, params)
    again.restore(model.dump())
    np.testing.assert_array_equal(again.blend(members, some), blend)


@pytest.mark.parametrize("name", BLENDERS)
def test_a_member_without_an_answer_leaves_its_weight_to_the_others(panels, made, name):
    model = build(name, made.small_params())
    members = {m: np.tile(np.arange(7.0), (2, 1)) for m in model.members}
    members[model.members[0]][1] = np.nan
    model.weights = dict.fromkeys(model.members, 1 / len(model.members))
    blend = model.blend(members, rows_of(panels[0], 2))
    np.testing.assert_allclose(blend, np.tile(np.arange(7.0), (2, 1)))


def test_an_unusual_origin_is_weighed_by_what_did_best_at_unusual_origins(panels, made):
    params = made.small_params()
    block = {**params.models["combination"], "shrink": 0.0, "unusual_share": 0.3, "min_rows": 50}
    model = build("combination", params.model_copy(update={"models": {**params.models, "combination": block}}))
    some = rows_of(panels[0], 4000)
    far = combination.unusual(some) > np.quantile(combination.unusual(some), 0.7)
    rng = np.random.default_rng(1)
    members = {}
    for m in model.members:  # the second member is right on unusual days, the first on all others
        wrong = {model.members[0]: far, model.members[1]: ~far}.get(m, np.ones(len(some), bool))
        members[m] = (some.target + np.where(wrong, rng.normal(0, 5, len(some)), 0))[:, None] + np.linspace(-1, 1, 7)
    model.fit_weights(members, some)
    error = np.abs(model.blend(members, some)[:, 3] - some.target)
    assert error.mean() < 0.05
    assert np.isfinite(error).all()


def test_a_key_no_model_knows_is_named(made):
    params = made.small_params()
    wrong = params.model_copy(update={"models": {**params.models, "mstl": {"windw_h": 168}}})
    with pytest.raises(BadInput, match="windw_h"):
        build("mstl", wrong)
    with pytest.raises(BadInput, match=r"prophet.*naive_last"):
        build("prophet", params)


def test_a_pickle_is_no_model_text(panels, made):
    model = fitted("lightgbm_direct", panels[0], made)
    files = model.dump() | {"lightgbm_direct.point.txt": b"\x80\x04\x95"}
    with pytest.raises(ArtefactRefused, match="no LightGBM model text"):
        build("lightgbm_direct", made.small_params()).restore(files)


def series_of(*values: float, hours: int = 168) -> np.ndarray:
    """Newest first, as in a history."""
    daily = 20 + 5 * np.sin(np.arange(hours) * 2 * np.pi / 24)
    daily[: len(values)] = values
    return daily.astype(np.float32)


@pytest.mark.parametrize(
    ("history", "why"),
    [
        (np.full(168, np.nan, np.float32), "nothing known"),
        (series_of(hours=168) * np.where(np.arange(168) < 40, 1, np.nan), "too short"),
        (series_of(*[np.nan] * 30), "stale for longer than a gap may be"),
        (np.where((np.arange(168) > 50) & (np.arange(168) < 90), np.nan, series_of()), "a long hole"),
    ],
)
def test_the_library_is_never_handed_a_window_that_cannot_carry_a_model(history, why):
    assert statistical.window_of(history.astype(np.float32), max_gap_h=24) is None, why


def test_short_gaps_are_filled_and_the_stale_hours_counted():
    history = series_of(np.nan, np.nan, 21.0)
    history[100:103] = np.nan
    values, stale = statistical.window_of(history, max_gap_h=24)
    assert stale == 2
    assert values[-1] == 21.0
    assert np.isfinite(values).all()
    assert len(values) == 166


@pytest.mark.parametrize("method", STATISTICAL)
def test_a_constant_series_is_forecast_as_that_constant(panels, made, method):
    params = made.small_params()
    model = build(method, params)
    live = panels[1]
    history = np.where(np.arange(len(live.history))[:, None] == 1, 7.0, live.history).astype(np.float32)
    answers = model.predict(replace(live, history=history))
    assert (answers[live.origin == 1] == 7.0).all()
