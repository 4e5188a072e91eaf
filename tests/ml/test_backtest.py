"""The rolling-origin backtest: what it may learn from, and what it finds."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ml import competition
from ml.backtest import backtest
from ml.competition import Choice, choose
from ml.forecaster import STATISTICAL, builders, is_naive
from warehouse.errors import BadInput

FROM, TO = datetime(2026, 3, 8), datetime(2026, 3, 20)


@pytest.fixture(scope="module")
def result(world, made):
    return backtest(world, "air", date_from=FROM, date_to=TO, params=made.small_params())


def test_every_model_is_scored_on_the_same_rows(result):
    reported = set(result.summary["model"])
    assert set(result.selection["model"]) == set(builders())
    assert reported | set(STATISTICAL) == set(builders())
    assert len(reported & set(STATISTICAL)) == 1  # the best of them
    assert result.summary["n_rows"].nunique() == 1
    assert result.n_rows == 12 * 3 * 24
    assert (result.n_series, result.n_origins) == (3, 12)
    assert result.scored.rows["horizon_h"].max() == 24
    assert result.scored.rows["origin_at"].dt.hour.unique().tolist() == [0]
    assert result.scored.rows["origin_at"].between(FROM, TO, inclusive="left").all()


def test_a_learnable_series_is_forecast_better_than_by_any_naive_method(result):
    assert not is_naive(result.champion)
    line = result.headline()
    assert line["skill"] > 0.02
    assert 0.65 < line["coverage80"] < 0.95
    assert result.best_naive == result.summary[result.summary["model"].map(is_naive)]["mae"].min()


def test_the_choice_is_made_on_other_windows_than_the_report(result):
    assert result.windows.select_from < result.windows.report_from == FROM
    assert result.selection.set_index("model")["n_origins"].max() <= 21
    assert f"{result.selection.set_index('model').loc[result.champion, 'pinball']:.4g}" in result.reason


def test_nothing_learnt_was_observed_or_known_after_the_cut(world, made, monkeypatch):
    seen = {}

    def spy(train, select, params, progress):
        seen.update(train=train, select=select)
        return original(train, select, params, progress)

    original = competition.compete
    monkeypatch.setattr("ml.backtest.compete", spy)
    found = backtest(world, "air", date_from=FROM, date_to=TO, params=made.small_params())
    select_from = pd.Timestamp(found.windows.select_from).timestamp()
    assert (seen["train"].target_h * 3600 < select_from).all()
    assert (seen["train"].known_at <= select_from).all()
    assert (seen["select"].target_h * 3600 < pd.Timestamp(FROM).timestamp()).all()
    assert (seen["select"].origin_h * 3600 >= select_from).all()


def test_the_report_does_not_change_what_was_chosen(make_world, made, result):
    series, table = made.small_world()
    wild = table.assign(value=table["value"].where(table["observed_at"] < FROM, 500.0))
    other = backtest(make_world(series, wild), "air", date_from=FROM, date_to=TO, params=made.small_params())
    pd.testing.assert_frame_equal(other.selection, result.selection)
    assert (other.champion, other.reason) == (result.champion, result.reason)


def test_a_shuffled_future_leaves_no_skill(make_world, made):
    series, table = made.small_world()
    rng = np.random.default_rng(3)
    noise = table.assign(value=rng.permutation(table["value"]))
    found = backtest(make_world(series, noise), "air", date_from=FROM, date_to=TO, params=made.small_params())
    constant = np.abs(found.scored.actual - np.median(noise["value"])).mean()
    assert found.summary["mae"].min() > 0.97 * constant


def test_refitting_learns_more_as_time_goes_on(world, made, result):
    said: list[str] = []
    often = backtest(
        world, "air", date_from=FROM, date_to=TO, refit_every_days=5, params=made.small_params(), progress=said.append
    )
    assert often.windows.refit_at == tuple(FROM + timedelta(days=5 * i) for i in range(3))
    learnt_from = [
        int(line.split(" on ")[1].split()[0].replace(",", "")) for line in said if "fitting lightgbm_direct" in line
    ]
    assert len(learnt_from) == 4  # before the selection windows, then at each refit
    assert learnt_from == sorted(set(learnt_from))
    keys = ["series_id", "origin_at", "horizon_h"]
    rows = often.scored.rows.sort_values(keys).reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, result.scored.rows.sort_values(keys).reset_index(drop=True))


def test_the_same_backtest_twice_gives_the_same_figures(world, made, result):
    again = backtest(world, "air", date_from=FROM, date_to=TO, params=made.small_params())
    pd.testing.assert_frame_equal(again.summary, result.summary)


def test_places_origins_and_horizon_can_be_chosen(world, made):
    found = backtest(
        world,
        "air",
        date_from=FROM,
        date_to=FROM + timedelta(days=3),
        places=["A"],
        horizon=6,
        origin_hours=(0, 12),
        params=made.small_params(),
    )
    assert set(found.scored.rows["series_id"]) == {"air.A.pm2_5_ugm3"}
    assert found.n_rows == 3 * 2 * 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"date_to": FROM}, "--to after --from"),
        ({"horizon": 49}, "horizon"),
        ({"origin_hours": (24,)}, "0..23"),
        ({"date_from": datetime(2030, 1, 1), "date_to": datetime(2030, 2, 1)}, "no origin"),
        ({"places": ["nowhere"]}, "no origin"),
    ],
)
def test_what_cannot_be_backtested_is_said(world, made, change, message):
    asked = {"date_from": FROM, "date_to": TO, "params": made.small_params(), **change}
    with pytest.raises(BadInput, match=message):
        backtest(world, "air", **asked)


def table_of(**pinball: float) -> pd.DataFrame:
    return pd.DataFrame({"model": list(pinball), "pinball": list(pinball.values()), "mae": 1.0})


@pytest.mark.parametrize(
    ("scores", "min_skill", "champion"),
    [
        ({"lightgbm_direct": 0.9, "naive_day": 1.0, "naive_last": 1.2}, 0.0, "lightgbm_direct"),
        ({"lightgbm_direct": 1.1, "naive_day": 1.0, "naive_last": 1.2}, 0.0, "naive_day"),
        ({"lightgbm_direct": 0.99, "naive_day": 1.0, "naive_last": 1.2}, 0.02, "naive_day"),
        ({"lightgbm_direct": np.nan, "naive_day": 1.0, "naive_last": 1.2}, 0.0, "naive_day"),
    ],
)
def test_a_model_is_champion_only_where_it_beats_the_best_naive(made, scores, min_skill, champion):
    params = made.small_params()
    evaluation = params.evaluation.model_copy(update={"min_skill": min_skill})
    params = params.model_copy(update={"evaluation": evaluation})
    found = choose(table_of(**scores), params, None)
    assert found.model == champion
    assert "naive_day" in found.reason or found.model == "naive_day"


@pytest.mark.parametrize(("combination", "champion"), [(1.005, "combination"), (1.05, "lightgbm_direct")])
def test_the_combination_is_left_only_for_a_model_that_is_clearly_better(made, combination, champion):
    params = made.small_params()
    assert 0.005 < params.evaluation.single_margin < 0.05
    scores = {"lightgbm_direct": 1.0, "combination": combination, "naive_day": 2.0}
    assert (
        choose(pd.DataFrame({"model": list(scores), "pinball": list(scores.values())}), params, None).model == champion
    )


def test_without_a_single_row_to_select_on_the_stand_in_is_champion(made):
    assert choose(pd.DataFrame(), made.small_params(), "3 days") == Choice("naive_mean7", "3 days")
