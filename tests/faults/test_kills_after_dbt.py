"""Killed while learning, forecasting, scoring or publishing: the next run goes on, the old copy stays served.

One run is killed after the other on the same files, as in `test_kills_before_ml`, and then one is let through.
"""

from __future__ import annotations

import pytest

from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2
from tests.e2e.world import World
from tests.faults.kills import killed_at, killed_in_dbt, rerun_converges

pytestmark = pytest.mark.timeout(600)
BUILT = ["dbt before ml", "decide", "freshness", "load"]


def forecasts_of(world: World) -> int:
    return int(world.value("select count(*) from ml.forecasts where created_at = ?::timestamp", DAY_2))


def test_kills_from_the_first_fit_to_the_swap_converge(eve: World, day_1: Day, day_2: Day) -> None:
    killed_at("train.mid_fit", eve)
    assert eve.steps(DAY_2) == BUILT
    assert eve.content()["ml.model_versions"] == day_1.content["ml.model_versions"], "a version is on record"
    assert not list(eve.settings.models_path.glob("footfall*")), "a model was saved"
    killed_at("predict.mid_write", eve)
    done = [*BUILT, *BUILT, "train footfall"]
    assert eve.steps(DAY_2) == sorted(done)
    assert forecasts_of(eve) == 0, "half a forecast is to be seen"
    killed_in_dbt("fct_forecasts", eve, day_2, built="ml.forecasts", waiting="marts.fct_current_forecasts")
    done += [*BUILT, "alerts", "drift", "predict"]
    assert eve.steps(DAY_2) == sorted(done)
    assert forecasts_of(eve) == day_2.said["n_forecast_rows"]
    before = eve.copies
    killed_at("publish.before_swap", eve)
    assert eve.steps(DAY_2) == sorted([*done, *BUILT, "alarms", "alerts", "drift", "predict", "dbt after ml"])
    (extra,) = set(eve.copies) - set(before)
    assert extra.endswith(".duckdb"), "the new copy was not whole yet"
    assert eve.published_run not in extra
    rerun_converges(eve, day_2)
    assert not [name for name in eve.copies if name.endswith((".tmp", ".wal"))]
