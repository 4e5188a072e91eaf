"""The policy on a real warehouse: it goes back to the predecessor, puts its reasons on record, and repeats nothing."""

from __future__ import annotations

import json
import shutil

import pytest

from ml import production, registry
from ml.monitor.decide import decide_all
from tests.ml.arms.arm_world import answered
from tests.ml.three_versions import by_number, naive_params, three_versions
from warehouse import results
from warehouse.connection import connect
from warehouse.decider import Decider
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def world(tmp_path_factory, built, made) -> Settings:
    return three_versions(built, tmp_path_factory.mktemp("decide") / "data", made)


@pytest.fixture
def settings(world, tmp_path, made) -> Settings:
    """v3 approved by a person now, in place of v1."""
    shutil.copytree(world.data_dir, tmp_path / "data")
    settings = Settings(data_dir=tmp_path / "data")
    by = Decider("ada", "looks good", made.now, "cli-1")
    production.decide(settings, "approve", [by_number(settings, made)[3]], by)
    return settings


@pytest.fixture
def v(settings, made) -> dict[int, str]:
    return {number: str(row["model_version"]) for number, row in by_number(settings, made).items()}


@pytest.fixture
def decided(made):
    """decided(settings, days): actions of a run so many days after `now`, with its decisions on record."""

    def decided(settings: Settings, days: float, run_id: str | None = None, **change) -> list[str]:
        params = naive_params(made)
        params = params.model_copy(update={"promotion": params.promotion.model_copy(update=change)})
        found = decide_all(
            settings, ["air"], now=made.now + days * made.day, run_id=run_id or f"run-{days}",
            params_of=lambda _: params, due_of=lambda *_: None,
        )  # fmt: skip
        return [each.decision.action for each in found]

    return decided


def champion(settings: Settings, now) -> str:
    return str(registry.champion(settings, "air", now)["model_version"])


def worse(settings: Settings, v: dict[int, str], made, days: int = 3) -> None:
    """v3 loses twice as much as v1 would have."""
    answered(settings, (v[3], 2.0), (v[1], 1.0), made.now, days)


def rows(settings: Settings) -> list[tuple]:
    with connect(settings) as con:
        return con.execute(
            "select run_id, action, triggers, reason, evidence from ml.decisions order by created_at, action"
        ).fetchall()


def test_before_there_is_anything_the_first_training_is_the_decision(own_world, made):
    found = decide_all(own_world, ["air"], now=made.now, run_id="r")
    assert [str(each) for each in found] == ["air: retrain: no champion yet"]
    assert not found[0].is_news


def test_a_champion_that_loses_to_its_predecessor_is_taken_out_and_the_reasons_are_on_record(
    settings, v, made, decided
):
    worse(settings, v, made)
    assert decided(settings, 1.5) == ["hold"], "one day is known by then"
    assert decided(settings, 3) == ["rollback"]
    assert champion(settings, made.now + 3 * made.day) == v[1]
    event = results.champion_events(settings, "air", made.now + 3 * made.day)[0]
    assert (event["action"], event["actor"]) == ("rollback", "policy")
    assert "the predecessor's loss would have been 50.0% lower over 3 days" in str(event["reason"])
    *_, (run_id, action, triggers, reason, evidence) = rows(settings)
    assert (run_id, action, triggers) == ("run-3", "rollback", ["predecessor"])
    assert reason == event["reason"]
    assert json.loads(evidence)["champion"] == v[3]
    assert json.loads(evidence)["against"]["n_days"] == 3
    assert decided(settings, 4) == ["hold"]


def test_one_that_a_person_puts_back_stays(settings, v, made, decided):
    worse(settings, v, made, days=6)
    decided(settings, 3)
    by = Decider("ada", "I know better", made.now + 3.5 * made.day, "cli-2")
    production.decide(settings, "promote", [by_number(settings, made)[3]], by)
    answered(settings, (v[3], 2.0), (v[1], 1.0), made.now + 4 * made.day, 3)
    assert decided(settings, 7) == ["advise"]
    assert champion(settings, made.now + 7 * made.day) == v[3]


def test_under_a_manual_policy_it_is_advice(settings, v, made, decided):
    worse(settings, v, made)
    assert decided(settings, 3, policy="manual") == ["advise"]
    assert champion(settings, made.now + 3 * made.day) == v[3]


def test_a_predecessor_whose_files_are_damaged_is_advice_that_says_so(settings, v, made, decided):
    worse(settings, v, made)
    path = settings.models_path / v[1] / "bundle.json"
    path.write_bytes(path.read_bytes()[:-9])
    assert decided(settings, 3) == ["advise"]
    assert "it could not be done" in rows(settings)[-1][3]
    assert champion(settings, made.now + 3 * made.day) == v[3]


def test_the_same_run_again_replaces_its_rows(settings, v, made, decided):
    for _ in range(2):
        decided(settings, 2, run_id="r")
    assert [row[0] for row in rows(settings)] == ["r"]


def test_a_run_of_an_earlier_day_does_not_see_later_scores_or_decisions(settings, v, made, decided):
    worse(settings, v, made)
    decided(settings, 4)
    assert decided(settings, 1.5) == ["hold"]
    assert champion(settings, made.now + 1.5 * made.day) == v[3]


def test_a_series_that_no_training_knew_asks_for_one_when_it_has_history(settings, v, made, decided):
    with connect(settings) as con:
        con.execute("create or replace table marts.dim_series as from marts.dim_series union all by name select "
                    "'air.N.pm2_5_ugm3' as series_id, 'air' as dataset, true as is_target, 'N' as place_id, "
                    "(select min(first_observed_at) from marts.dim_series) as first_observed_at")  # fmt: skip
    assert decided(settings, 3) == ["retrain"]
    assert rows(settings)[-1][2] == ["new_series:air.N.pm2_5_ugm3"]
    assert decided(settings, 4) == ["hold"], "asked once"


def test_a_champion_whose_files_are_refused_a_second_time_is_learnt_anew_at_once(settings, v, made, decided):
    path = settings.models_path / v[3] / "bundle.json"
    path.write_bytes(path.read_bytes()[:-9])
    assert decided(settings, 0.5) == ["warn"], "the next rung answers, and a person may have the files"
    assert decided(settings, 1.5) == ["retrain"]
    assert rows(settings)[-1][2] == ["refused"]
    assert "sha256" in rows(settings)[-1][3]
