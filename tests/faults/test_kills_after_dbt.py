"""Killed while learning, forecasting, scoring or publishing: the next run goes on, the old copy stays served."""

from __future__ import annotations

import pytest

from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2
from tests.e2e.world import World
from tests.faults.kills import killed_at, killed_in_dbt, rerun_converges

pytestmark = pytest.mark.timeout(600)
BUILT = ["dbt before ml", "freshness", "load"]


def forecasts_of(world: World) -> int:
    return int(world.value("select count(*) from ml.forecasts where created_at = ?::timestamp", DAY_2))


def test_kills_in_a_fit_and_in_the_writing_of_forecasts_converge(eve: World, day_2: Day) -> None:
    before = eve.content()["ml.model_versions"]
    killed_at("train.mid_fit", eve)
    assert eve.steps(DAY_2) == BUILT
    assert eve.content()["ml.model_versions"] == before, "a version is on record"
    assert not list(eve.settings.models_path.glob("footfall*")), "a model was saved"
    killed_at("predict.mid_write", eve)
    assert eve.steps(DAY_2) == sorted([*BUILT, *BUILT, "train footfall"])
    assert forecasts_of(eve) == 0, "half a forecast is to be seen"
    rerun_converges(eve, day_2)


def test_kills_in_the_second_half_of_dbt_and_before_the_swap_converge(eve: World, day_2: Day) -> None:
    marts = {"built": "ml.forecasts", "waiting": "marts.fct_current_forecasts"}
    killed_in_dbt("fct_forecasts", eve, day_2, **marts)
    first = sorted([*BUILT, "alerts", "predict", "train footfall"])
    assert eve.steps(DAY_2) == first
    assert forecasts_of(eve) == day_2.said["n_forecast_rows"]
    before = eve.copies
    killed_at("publish.before_swap", eve)
    assert eve.steps(DAY_2) == sorted([*first, *BUILT, "alerts", "predict", "dbt after ml"])
    (extra,) = set(eve.copies) - set(before)
    assert extra.endswith(".duckdb"), "the new copy was not whole yet"
    assert eve.published_run not in extra
    rerun_converges(eve, day_2)
    assert not [name for name in eve.copies if name.endswith((".tmp", ".wal"))]
