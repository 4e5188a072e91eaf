"""Killed while learning, forecasting, scoring or publishing: the rerun converges, the old copy stays served."""

from __future__ import annotations

import pytest

from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2
from tests.e2e.world import World
from tests.faults.kills import killed_at, killed_in_dbt, rerun_converges

pytestmark = pytest.mark.timeout(600)
BUILT = ["load", "freshness", "dbt before ml"]
FORECAST = [*BUILT, "train footfall", "predict"]


def forecasts_of(world: World) -> int:
    return int(world.value("select count(*) from ml.forecasts where created_at = ?::timestamp", DAY_2))


def test_a_kill_in_the_middle_of_a_fit_leaves_no_version_and_converges(eve: World, day_2: Day) -> None:
    before = eve.content()["ml.model_versions"]
    killed_at("train.mid_fit", eve)
    assert eve.steps(DAY_2) == BUILT
    assert eve.content()["ml.model_versions"] == before
    assert not list(eve.settings.models_path.glob("footfall*")), "a model was saved"
    rerun_converges(eve, day_2)


def test_a_kill_in_the_middle_of_writing_forecasts_leaves_none_and_converges(eve: World, day_2: Day) -> None:
    killed_at("predict.mid_write", eve)
    assert eve.steps(DAY_2) == [*BUILT, "train footfall"]
    assert forecasts_of(eve) == 0
    rerun_converges(eve, day_2)


def test_a_kill_in_the_second_half_of_dbt_converges(eve: World, day_2: Day) -> None:
    killed_in_dbt("fct_forecast_scores", eve)
    assert eve.steps(DAY_2) == FORECAST
    assert forecasts_of(eve) == day_2.said["n_forecast_rows"]
    rerun_converges(eve, day_2)


def test_a_kill_between_the_new_copy_and_the_swap_converges(eve: World, day_2: Day) -> None:
    before = eve.copies
    killed_at("publish.before_swap", eve)
    assert eve.steps(DAY_2) == [*FORECAST, "dbt after ml"]
    (extra,) = set(eve.copies) - set(before)
    assert extra.endswith(".duckdb"), "the new copy was not whole yet"
    assert not eve.published_run.startswith(extra.removeprefix("gen-").removesuffix(".duckdb"))
    rerun_converges(eve, day_2)
    assert not [name for name in eve.copies if name.endswith((".tmp", ".wal"))]
