"""Who answers beside the champion and who in its stead: every arm answers every series, one of them is published."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from ml import production, registry
from ml.arms.beside import versions_beside
from ml.arms.choose import ab_outcome, trial_of
from ml.params import Params
from ml.predict import predict
from tests.ml.arms.arm_world import SERIES, arm_scores
from tests.ml.three_versions import by_number, naive_params, three_versions
from warehouse.connection import connect
from warehouse.decider import Decider
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def world(tmp_path_factory, built, made) -> Settings:
    return three_versions(built, tmp_path_factory.mktemp("arms") / "data", made)


@pytest.fixture
def settings(world, tmp_path) -> Settings:
    shutil.copytree(world.data_dir, tmp_path / "data")
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture(scope="module")
def v(world, made) -> dict[int, str]:
    return {number: str(row["model_version"]) for number, row in by_number(world, made).items()}


@pytest.fixture
def params_in(made):
    def params_in(mode: str) -> Params:
        """An A/B that shall tell a difference of a half: two weeks are enough."""
        params = naive_params(made)
        return params.model_copy(update={"arms": params.arms.model_copy(update={"mode": mode, "effect": 0.5})})

    return params_in


def beside(settings: Settings, params: Params, now) -> dict[str, str]:
    return {arm: str(row["model_version"]) for arm, row in versions_beside(settings, params, now).items()}


def decided(settings: Settings, made, action: str, version: str, days: float = 0.0) -> None:
    by = Decider("ada", "a test", made.now + days * made.day, f"cli-{days}")
    row = next(row for row in by_number(settings, made).values() if row["model_version"] == version)
    production.decide(settings, action, [row], by)


def forecast(settings: Settings, params: Params, now, run_id: str = "p") -> dict[str, pd.DataFrame]:
    predict(settings, now=now, run_id=run_id, params_of=lambda _: params)
    with connect(settings) as con:
        return {
            name: con.execute(f"select * from ml.{name} where run_id = ? order by all", [run_id]).df()
            for name in ("forecasts", "shadow_forecasts", "arms")
        }


def test_a_version_that_lost_or_waits_answers_beside_in_every_mode_but_champion(world, v, params_in, made):
    assert beside(world, params_in("champion"), made.now) == {}
    for mode in ("shadow", "ab", "bandit"):
        assert beside(world, params_in(mode), made.now) == {"candidate": v[3]}


def test_the_predecessor_answers_beside_a_new_champion_for_some_weeks_and_not_after_a_rollback(
    settings, v, params_in, made
):
    params = params_in("champion")
    decided(settings, made, "promote", v[3])
    watch = params.policy.watch_days
    assert beside(settings, params, made.now) == {"predecessor": v[1]}
    assert beside(settings, params, made.now + (watch + 1) * made.day) == {}
    decided(settings, made, "rollback", v[1], days=1)
    assert beside(settings, params, made.now + 2 * made.day) == {}


def test_in_shadow_the_candidate_is_kept_beside_and_never_published(settings, v, params_in, made):
    found = forecast(settings, params_in("shadow"), made.now)
    assert set(found["forecasts"]["model_version"]) == {v[1]}
    shadow = found["shadow_forecasts"]
    assert set(zip(shadow["arm"], shadow["model_version"], strict=True)) == {("candidate", v[3])}
    assert shadow.groupby("series_id").size().to_dict() == dict.fromkeys(SERIES, 48)
    assert found["arms"].empty


def test_in_an_ab_every_series_has_one_arm_published_and_the_other_beside(settings, v, params_in, made):
    found = forecast(settings, params_in("ab"), made.now)
    arms = found["arms"].set_index("series_id")
    assert sorted(arms.index) == SERIES
    assert set(arms["propensity"]) == {0.5}
    version = {"champion": v[1], "candidate": v[3]}
    published = found["forecasts"].groupby("series_id")["model_version"].unique()
    kept = found["shadow_forecasts"].groupby("series_id")["model_version"].unique()
    for name, arm in arms["arm"].items():
        assert published[name].tolist() == [version[arm]]
        assert set(kept[name]) == set(version.values()) - {version[arm]}
    moved = found["forecasts"][found["forecasts"]["model_version"] == v[3]]
    assert set(moved["rung"]) <= {"challenger"}
    assert moved["rung_reason"].str.startswith("ab: 0 of ").all()


def test_the_same_run_again_leaves_the_same_arms(settings, params_in, made):
    first = forecast(settings, params_in("bandit"), made.now)
    again = forecast(settings, params_in("bandit"), made.now)
    for name, table in first.items():
        pd.testing.assert_frame_equal(again[name], table)
    assert first["arms"]["propensity"].between(0, 1).all()


def test_what_came_true_decides_an_ab_and_turns_a_bandit(settings, v, params_in, made):
    """A run of each mode puts its trial on record; then forty days on which the candidate lost twice as much."""
    first = made.now - 41 * made.day
    for mode in ("ab", "bandit"):
        forecast(settings, params_in(mode), made.now, run_id=mode)
    with connect(settings) as con:
        for day in range(40):
            con.execute(
                "insert into ml.arms select * replace (? as run_id, ?::timestamp as created_at) from ml.arms "
                "where run_id in ('ab', 'bandit')", [f"day-{day}", first + day * made.day]
            )  # fmt: skip
    arm_scores(settings, {("champion", v[1]): 1.0, ("candidate", v[3]): 2.0}, first=first, days=40)
    ab, bandit = params_in("ab"), params_in("bandit")
    trial = trial_of(settings, ab, versions_beside(settings, ab, made.now), made.now)
    outcome = ab_outcome(settings, ab, trial, made.now)
    assert (outcome.is_decided, outcome.better) == (True, "a")
    later = ab_outcome(settings, ab, trial, first + 3 * made.day)
    assert later.n_days == 3, "what came later is not known then"
    found = forecast(settings, ab, made.now, run_id="after")
    assert set(found["arms"]["arm"]) == {"champion"}
    assert found["arms"]["reason"].str.startswith("decided: B's loss is 66.7% higher").all()
    assert set(found["forecasts"]["model_version"]) == {v[1]}
    turned = forecast(settings, bandit, made.now, run_id="turned")["arms"]
    assert set(turned["arm"]) == {"champion"}
    assert (turned["propensity"] > 0.99).all()


def test_series_that_a_lower_rung_answers_are_on_no_trial(settings, params_in, made):
    found = forecast(settings, params_in("ab"), made.now + made.hour)
    assert set(found["forecasts"]["rung"]) == {"climatology"}, "an hour of which the marts know nothing"
    assert found["arms"].empty


def test_without_a_champion_nothing_is_on_trial(own_world, params_in, made):
    assert registry.champion(own_world, "air", made.now) is None
    assert trial_of(own_world, params_in("ab"), {}, made.now) is None
