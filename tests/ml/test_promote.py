"""Challenger against champion: who goes into production, on what evidence, and what is written down."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from ml import registry
from ml.backtest import with_covariates
from ml.learn import Learnt, learn, read_panels
from ml.params import Params
from ml.predict import predict
from ml.promote import Verdict, judge, last_switch, margin_needed
from ml.recipe import recipe_of
from ml.train import is_due, register, train
from warehouse import overview, results
from warehouse.connection import connect
from warehouse.settings import Settings

DAYS_BETWEEN = 12
NAIVE = ("naive_last", "naive_day", "naive_week", "naive_mean7")


def quiet(line: str) -> None:
    """Progress that nobody reads."""


def decisions(settings: Settings, now) -> list[tuple]:
    events = results.champion_events(settings, "air", now, results.ACTIONS)
    return [(event["action"], event["model_version"]) for event in reversed(events)]


def reason(settings: Settings, now) -> str:
    return str(results.champion_events(settings, "air", now, results.ACTIONS)[0]["reason"])


def with_knobs(params: Params, **knobs) -> Params:
    return params.model_copy(update={"promotion": params.promotion.model_copy(update=knobs)})


def only(params: Params, *models: str) -> Params:
    return params.model_copy(update={"models": {name: params.models[name] for name in models}})


def other(params: Params) -> Params:
    """Another recipe of exactly the same skill: what it changes matters to shorter histories only."""
    return params.model_copy(update={"training": params.training.model_copy(update={"min_days": 19})})


@pytest.fixture(scope="module")
def params(made) -> Params:
    small = made.small_params()
    small = small.model_copy(update={"evaluation": small.evaluation.model_copy(update={"learning_curve": False})})
    return only(small, *NAIVE, "lightgbm_direct")


@pytest.fixture(scope="module")
def once(tmp_path_factory, built, made, params) -> Settings:
    """The small world with a version trained twelve days ago; for tests that only read."""
    folder = tmp_path_factory.mktemp("once") / "data"
    shutil.copytree(built, folder)
    settings = Settings(data_dir=folder)
    train(settings, "air", now=made.now - DAYS_BETWEEN * made.day, run_id="r1", reason="first", params=params)
    return settings


@pytest.fixture(scope="module")
def again(once, made, params) -> Callable[..., Learnt]:
    """What a training at `now` finds: again(params), learnt once per recipe."""
    found: dict[str, Learnt] = {}

    def learnt(asked: Params = params, now: datetime = made.now) -> Learnt:
        key = f"{asked.fingerprint()} {now}"
        if key not in found:
            windows, panels = read_panels(once, asked, now)
            found[key] = learn(panels, windows, asked, with_covariates(once, asked), quiet)
        return replace(found[key], asked=asked)

    return learnt


@pytest.fixture
def settings(once, tmp_path) -> Settings:
    """The same, for tests that write."""
    shutil.copytree(once.data_dir, tmp_path / "data")
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture(scope="module")
def kept(once, again, made, params, tmp_path_factory):
    """(settings, result) after a second training whose challenger is of equal skill."""
    folder = tmp_path_factory.mktemp("kept") / "data"
    shutil.copytree(once.data_dir, folder)
    settings = Settings(data_dir=folder)
    return settings, register(settings, again(other(params)), now=made.now, run_id="r2", reason="weekly")


@pytest.fixture
def judged(again, made, params):
    """judged(settings, params): the verdict of a training at `now`."""

    def verdict(settings: Settings, asked: Params = params, now: datetime = made.now) -> Verdict:
        return judge(settings, again(asked, now), now=now, run_id="r2", progress=quiet)

    return verdict


def champion(settings: Settings, now: datetime) -> str:
    return str(registry.champion(settings, "air", now)["model_version"])


def test_the_first_version_is_promoted_at_once_and_says_so(once, made):
    assert reason(once, made.now).startswith("first: first version; ")
    assert [action for action, _ in decisions(once, made.now)] == ["promote"]


def test_where_nothing_is_in_production_a_person_is_not_waited_for(own_world, again, params, made):
    verdict = judge(own_world, again(with_knobs(params, policy="manual")), now=made.now, run_id="r", progress=quiet)
    assert (verdict.action, verdict.reason) == ("promote", "first version")


def test_the_same_recipe_on_newer_data_is_a_refresh(once, judged):
    verdict = judged(once)
    assert (verdict.action, verdict.figures["basis"], verdict.figures["n_origins"]) == ("promote", "refresh", 11)
    assert verdict.reason.startswith("refresh: the recipe of lightgbm_direct of 2026-03-10 on newer data; pinball")


def test_the_same_recipe_on_the_same_data_changes_nothing_and_asks_nobody(settings, again, made, params):
    register(settings, again(), now=made.now, run_id="r2", reason="weekly")
    for policy in ("auto", "manual"):
        asked = again(with_knobs(params, policy=policy))
        verdict = judge(settings, asked, now=made.now + made.hour, run_id="r3", progress=quiet)
        assert (verdict.action, verdict.figures) == ("keep", {"basis": "the same model"})
        assert "on the same data" in verdict.reason


def test_a_refresh_that_is_clearly_worse_is_kept_out(once, again, made):
    """The competing fit is spoilt, as by a change of a library: every answer is too high by the size of the values."""
    learnt = again()
    answers = {name: values + 30 for name, values in learnt.result.scored.answers.items()}
    spoilt = replace(learnt, result=replace(learnt.result, scored=replace(learnt.result.scored, answers=answers)))
    verdict = judge(once, spoilt, now=made.now, run_id="r2", progress=quiet)
    assert verdict.action == "keep"
    assert "worse by more than 10%" in verdict.reason


def test_a_challenger_of_equal_skill_loses_and_the_figures_are_written_down(kept, once, made):
    settings, result = kept
    assert result.action == "keep"
    assert decisions(settings, made.now)[-1] == ("keep", result.model_version)
    assert champion(settings, made.now) == champion(once, made.now)
    said = reason(settings, made.now)
    for part in (
        "weekly: pinball",
        "over 11 origins",
        "Diebold-Mariano",
        "p = ",
        "needed: 1.0% lower and p < 0.05",
        "anew",
    ):
        assert part in said
    row = next(
        row for row in results.versions(settings, "air", made.now) if row["model_version"] == result.model_version
    )
    found = json.loads(row["metrics"])["promotion"]
    assert found.keys() >= {"champion", "challenger", "n_origins", "statistic", "p_value", "margin", "alpha", "basis"}
    assert found["basis"] == "its recipe learnt anew before the windows"


def test_a_challenger_that_lost_is_no_reason_to_train_again_tomorrow(kept, made, params):
    settings, _ = kept
    assert is_due(settings, "air", made.now + made.day, params=other(params)) is None
    assert "7 days old" in is_due(settings, "air", made.now + 7 * made.day, params=other(params))


def test_a_training_judges_against_what_was_there_before_it(kept, again, made, params):
    settings, result = kept
    rerun = register(settings, again(other(params)), now=made.now, run_id="r2", reason="weekly")
    assert (rerun.action, rerun.decision, rerun.versions) == (result.action, result.decision, result.versions)
    assert len(decisions(settings, made.now)) == 2


def test_a_champion_with_enough_origins_since_its_training_is_judged_as_it_was_trained(once, judged, params):
    figures = judged(once, with_knobs(other(params), min_origins=10)).figures
    assert (figures["basis"], figures["n_origins"]) == ("as it was trained", 11)


def test_origins_from_before_the_champions_training_never_count_against_it(once, judged, made, params):
    """Six days later six midnights are new to it, of the eleven that were reported."""
    now = made.now - (DAYS_BETWEEN - 6) * made.day
    figures = judged(once, with_knobs(other(params), min_origins=5), now).figures
    assert (figures["basis"], figures["n_origins"]) == ("as it was trained", 6)


def test_a_better_challenger_takes_over_and_the_next_switch_needs_more(own_world, again, made, params):
    then = made.now - DAYS_BETWEEN * made.day
    train(own_world, "air", now=then, run_id="r1", reason="first", params=only(params, *NAIVE))
    verdict = judge(own_world, again(), now=made.now, run_id="r2", progress=quiet)
    assert verdict.action == "promote"
    assert verdict.figures["gain"] > 0.01
    assert verdict.figures["p_value"] < 0.05
    register(own_world, again(), now=made.now, run_id="r2", reason="weekly")
    assert last_switch(own_world, "air", then) is None, "the first version is no switch"
    assert last_switch(own_world, "air", made.now) == made.now
    for days, times in ((0, 3.0), (14, 2.0), (28, 1.0), (60, 1.0)):
        needed = margin_needed(own_world, params, made.now + days * made.day)
        assert needed == pytest.approx(params.promotion.margin * times)


def test_a_champion_whose_files_are_damaged_is_replaced(settings, judged, made, params):
    (settings.models_path / champion(settings, made.now) / "bundle.json").write_text("{}")
    verdict = judged(settings, other(params))
    assert verdict.action == "promote"
    assert "cannot answer any more" in verdict.reason
    assert "sha256 differs" in verdict.reason


def test_a_recipe_that_the_code_no_longer_reads_is_judged_by_its_files(settings, judged, made, params):
    """Its files still load here: only the params on record are from another time."""
    with connect(settings) as con:
        con.execute('update ml.model_versions set params = \'{"dataset": "air", "fingerprint": "x"}\'')
    assert recipe_of(registry.champion(settings, "air", made.now)) is None
    assert judged(settings, params).figures["basis"] == "as it was trained"


def test_under_policy_manual_nothing_changes_until_a_person_says_so(settings, again, once, made, params):
    manual = with_knobs(params, policy="manual")
    result = register(settings, again(manual), now=made.now, run_id="r2", reason="weekly")
    assert result.action == "candidate"
    assert "waits for approval; of itself it would be promoted: refresh" in reason(settings, made.now)
    assert champion(settings, made.now) == champion(once, made.now)
    assert [row["model_version"] for row in overview.waiting(settings)] == [result.model_version]
    assert is_due(settings, "air", made.now + made.day, params=manual) is None
    predict(settings, now=made.now, run_id="p", params_of=lambda _: params)
    with connect(settings) as con:
        assert con.execute("select distinct model_version from ml.forecasts").fetchall() == [
            (champion(once, made.now),)
        ]


def test_the_environment_can_ask_for_a_persons_approval(once, judged):
    assert judged(once.model_copy(update={"promotion_policy": "manual"})).action == "candidate"
