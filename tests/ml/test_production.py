"""A person's decisions: what they change, what they refuse, and what the history says afterwards."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from ml import production, registry, versions
from ml.predict import predict
from ml.train import train
from tests.ml.three_versions import by_number, naive_params, three_versions
from warehouse import results
from warehouse.connection import connect
from warehouse.decider import Decider
from warehouse.errors import ArtefactRefused, BadInput
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def world(tmp_path_factory, built, made) -> Settings:
    return three_versions(built, tmp_path_factory.mktemp("registry") / "data", made)


@pytest.fixture
def settings(world, tmp_path) -> Settings:
    shutil.copytree(world.data_dir, tmp_path / "data")
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def by(made):
    """by(days): Ada decides, so many days after `now`."""
    return lambda days=0.0, reason="seen the report": Decider(
        "ada", reason, made.now + days * made.day, f"cli-{days}-{reason}"
    )


@pytest.fixture(scope="module")
def v(world, made) -> dict[int, dict]:
    return by_number(world, made)


def status(settings: Settings, v: dict[int, dict], now) -> list[str]:
    found = versions.statuses(settings, "air", now)
    return [found[v[number]["model_version"]] for number in (1, 2, 3)]


def champion(settings: Settings, now) -> str:
    return str(registry.champion(settings, "air", now)["model_version"])


def test_every_version_has_a_status(world, v, made):
    assert status(world, v, made.now) == ["champion", "kept out", "candidate"]
    lines = versions.listed(world, made.now)
    assert {line["status"] for line in lines if line["role"] != "champion"} <= {"fallback", "spare"}
    assert [line["status"] for line in lines if line["model_version"] == v[1]["model_version"]] == ["champion"]
    assert all(line["mae"] > 0 for line in lines)


def test_an_approved_version_goes_into_production_and_takes_its_figures_along(settings, v, by, made):
    (made_by,) = production.decide(settings, "approve", [v[3]], by())
    assert made_by.before == v[1]["model_version"]
    assert status(settings, v, made.now) == ["retired", "kept out", "champion"]
    event = results.champion_events(settings, "air", made.now)[0]
    assert (event["action"], event["actor"]) == ("approve", "ada")
    assert event["reason"].startswith("seen the report; weekly: waits for approval; of itself it would be kept out: ")
    assert "Diebold-Mariano" in event["reason"]


def test_a_rejected_version_stays_out_and_the_champion_in(settings, v, by, made):
    production.decide(settings, "reject", [v[3]], by())
    assert status(settings, v, made.now) == ["champion", "kept out", "rejected"]
    with pytest.raises(BadInput, match=r"nothing to approve: .* is rejected and waits for nobody"):
        production.decide(settings, "approve", [v[3]], by(1))


@pytest.mark.parametrize(("action", "number"), [("approve", 1), ("approve", 2), ("reject", 1), ("reject", 2)])
def test_only_a_version_that_waits_is_approved_or_rejected(settings, v, by, action, number):
    with pytest.raises(BadInput, match="waits for nobody"):
        production.decide(settings, action, [v[number]], by())


def test_a_version_that_lost_can_be_promoted_by_hand_and_overtakes_one_that_waits(settings, v, by, made):
    production.decide(settings, "promote", [v[2]], by())
    assert status(settings, v, made.now) == ["retired", "champion", "superseded"]
    with pytest.raises(BadInput, match="is in production already"):
        production.decide(settings, "promote", [v[2]], by(1))


def test_all_versions_of_a_command_are_decided_on_or_none(settings, v, by, made):
    before = results.champion_events(settings, "air", made.now, results.ACTIONS)
    with pytest.raises(BadInput, match="waits for nobody"):
        production.decide(settings, "approve", [v[3], v[2]], by())
    assert results.champion_events(settings, "air", made.now, results.ACTIONS) == before


def test_two_versions_of_one_dataset_cannot_both_go_into_production(settings, v, by, made):
    with pytest.raises(BadInput, match=r"several versions of one dataset \(air, air\)"):
        production.decide(settings, "promote", [v[2], v[3]], by())
    assert champion(settings, made.now) == v[1]["model_version"]


def test_a_rollback_is_an_event_and_the_next_forecast_comes_from_the_older_version(settings, v, by, made):
    def answered_by(run_id: str, now) -> set[str]:
        predict(settings, now=now, run_id=run_id, params_of=lambda _: naive_params(made))
        with connect(settings) as con:
            rows = con.execute("select distinct model_version from ml.forecasts where run_id = ?", [run_id]).fetchall()
        return {name for (name,) in rows}

    production.decide(settings, "approve", [v[3]], by())
    assert answered_by("before", made.now) == {v[3]["model_version"]}
    back = production.rollback(settings, "air", None, by(0, "too dry"))
    assert (back.model_version, back.before) == (v[1]["model_version"], v[3]["model_version"])
    assert answered_by("after", made.now) == {v[1]["model_version"]}, "at the very moment of the decision"
    with connect(settings) as con:
        assert con.execute("select count(distinct run_id) from ml.model_versions").fetchone() == (3,), "nothing trained"


def test_rollbacks_go_further_back_and_end_at_the_first_version(settings, v, by):
    production.decide(settings, "promote", [v[2]], by(0))
    production.decide(settings, "promote", [v[3]], by(1))
    assert production.rollback(settings, "air", None, by(2)).model_version == v[2]["model_version"]
    assert production.rollback(settings, "air", None, by(3)).model_version == v[1]["model_version"]
    with pytest.raises(BadInput, match="no older one to go back to"):
        production.rollback(settings, "air", None, by(4))
    assert production.rollback(settings, "air", v[3], by(5)).before == v[1]["model_version"]


def test_a_version_that_never_was_in_production_is_no_place_to_go_back_to(settings, v, by):
    with pytest.raises(BadInput, match="never was in production"):
        production.rollback(settings, "air", v[2], by())
    with pytest.raises(BadInput, match="nothing of dataset 'rain' is in production"):
        production.rollback(settings, "rain", None, by())


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_version_with_damaged_files_is_not_put_in_production_and_no_event_is_written(settings, v, by, made, damage):
    production.decide(settings, "promote", [v[2]], by())
    path = settings.models_path / v[1]["model_version"] / "bundle.json"
    path.unlink() if damage == "gone" else path.write_text("{}")
    for go in (
        lambda: production.rollback(settings, "air", None, by(1)),
        lambda: production.decide(settings, "promote", [v[1]], by(1)),
    ):
        with pytest.raises(ArtefactRefused, match=v[1]["model_version"]):
            go()
    assert champion(settings, made.now + 2 * made.day) == v[2]["model_version"]
    shown = versions.shown(settings, v[1], made.now)
    assert (shown["files"], v[1]["model_version"] in shown["refusal"]) == ([], True)


def test_history_is_only_ever_added_to(settings, v, by):
    production.decide(settings, "promote", [v[2]], by(2))
    with pytest.raises(BadInput, match="lies before the newest decision"):
        production.decide(settings, "promote", [v[1]], by(1))


def test_no_decision_changes_or_removes_an_earlier_one(settings, v, by, made):
    def recorded() -> list[tuple]:
        with connect(settings) as con:
            return con.execute("select * from ml.champion_events order by event_seq").fetchall()

    seen = [recorded()]
    for go in (
        lambda: production.decide(settings, "reject", [v[3]], by(1)),
        lambda: production.decide(settings, "promote", [v[3]], by(2)),
        lambda: production.rollback(settings, "air", None, by(3)),
        lambda: train(settings, "air", now=made.now + 4 * made.day, run_id="r4", reason="weekly",
                      params=naive_params(made)),
    ):  # fmt: skip
        go()
        seen.append(recorded())
        assert seen[-1][: len(seen[-2])] == seen[-2]
        assert len(seen[-1]) == len(seen[-2]) + 1


def test_the_history_of_a_day_says_what_was_in_production_and_why(settings, v, by, made):
    production.decide(settings, "promote", [v[2]], by(2, "drier days"))
    production.rollback(settings, "air", None, by(4, "too dry after all"))
    later = made.now + 10 * made.day

    def on(day: date) -> list[tuple[str, str]]:
        found = versions.history(settings, later, dataset="air", on=day)["periods"]
        return [(row["model_version"], row["reason"]) for row in found]

    one, two = v[1]["model_version"], v[2]["model_version"]
    assert on(date(2026, 3, 1)) == []
    assert [name for name, _ in on(date(2026, 3, 23))] == [one]
    assert on(date(2026, 3, 24))[1:] == [(two, "drier days")], "the day of the change shows both"
    assert on(date(2026, 3, 25)) == [(two, "drier days")]
    assert on(date(2026, 3, 31)) == [(one, "too dry after all")]
    with pytest.raises(BadInput, match="lies after"):
        on(date(2026, 5, 1))
    periods = versions.periods(settings, "air", later)
    assert [row["valid_to"] for row in periods] == [*(row["valid_from"] for row in periods[1:]), None]
    assert versions.periods(settings, "air", made.now)[-1]["valid_to"] is None, "as of then it had not ended"


def test_a_lower_rung_put_in_production_has_the_best_of_its_training_below_it(settings, v, by, made):
    rows = [row for row in results.versions(settings, "air", made.now) if row["run_id"] == "r2"]
    naive = next(row for row in rows if registry.role(row) == "naive")
    production.decide(settings, "promote", [naive], by())
    rungs = [(rung, row["model_version"]) for rung, row in registry.ladder(settings, "air", made.now)]
    assert rungs[:2] == [("champion", naive["model_version"]), ("challenger", v[2]["model_version"])]
    assert len({name for _, name in rungs}) == len(rungs)


def test_the_rungs_below_an_older_version_are_those_it_was_trained_with(settings, v, by, made):
    before = [row["model_version"] for _, row in registry.ladder(settings, "air", made.now)]
    production.decide(settings, "promote", [v[2]], by())
    assert {row["run_id"] for _, row in registry.ladder(settings, "air", made.now)} == {"r2"}
    production.rollback(settings, "air", None, by(1))
    after = registry.ladder(settings, "air", made.now + made.day)
    assert [row["model_version"] for _, row in after] == before
    assert {row["run_id"] for _, row in after} == {"r1"}
