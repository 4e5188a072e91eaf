"""The rules of docs/operations.md, one by one: what asks for a training, what only warns, what goes back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml.arms.ab import Outcome
from ml.monitor.policy import Against, Before, Decision, Errors, Evidence, decide
from ml.params import Policy

POLICY = Policy()
QUIET = Evidence("air", champion="v1", days_since_training=5.0)
WORSE = Errors(value=1.6, promised=1.0, recent_sd=2.0, is_drift=True)
HINT = replace(WORSE, is_drift=False)
WELL = replace(WORSE, value=1.0, recent_sd=0.0, is_drift=False)
BEATEN = Against("v0", n_days=6, gain=0.3, p_value=0.001)


def actions(seen: Evidence, *, manual: bool = False) -> list[str]:
    return [decision.action for decision in decide(seen, POLICY, manual=manual)]


def only(seen: Evidence) -> Decision:
    (decision,) = decide(seen, POLICY, manual=False)
    return decision


def test_nothing_seen_is_held_and_says_so() -> None:
    assert only(QUIET) == Decision("hold", "nothing asks for a change")


@pytest.mark.parametrize(
    ("seen", "trigger"),
    [
        (replace(QUIET, due="the newest training is 7 days old"), "age"),
        (replace(QUIET, errors=WORSE), "performance"),
        (replace(QUIET, errors=HINT, drifted=("air.A.pm (target)",)), "drift_and_errors"),
        (replace(QUIET, new_series=("air.B.pm",)), "new_series:air.B.pm"),
    ],
)
def test_what_asks_for_a_training(seen: Evidence, trigger: str) -> None:
    decision = only(seen)
    assert decision.action == "retrain"
    assert trigger in decision.triggers
    assert decision.reason


@pytest.mark.parametrize(
    "seen",
    [
        replace(QUIET, drifted=("air.A.pm (target)",), errors=WELL),
        replace(QUIET, drifted=("air.A.pm (target)",)),
        replace(QUIET, misses=replace(WORSE, value=0.4, promised=0.2)),
    ],
)
def test_drift_without_errors_and_intervals_that_miss_only_warn(seen: Evidence) -> None:
    assert only(seen).action == "warn"


def test_many_drifting_columns_are_counted_not_listed() -> None:
    seen = replace(QUIET, drifted=tuple(f"air.{name}.pm (target)" for name in "ABCDE"))
    assert only(seen).reason == "drift of air.A.pm (target), air.B.pm (target), air.C.pm (target) and 2 more"


def test_no_training_on_evidence_within_the_cooldown_but_one_that_is_due_is_held() -> None:
    fresh = replace(QUIET, errors=WORSE, days_since_training=POLICY.cooldown_days - 0.1)
    assert only(fresh).action == "hold"
    assert "cooldown" in only(fresh).reason
    assert only(replace(fresh, due="params.yaml has changed")).action == "retrain"
    assert only(replace(fresh, days_since_training=POLICY.cooldown_days)).action == "retrain"


def test_a_rule_that_a_training_did_not_mend_does_not_ask_again_until_it_was_off() -> None:
    asked = Before("retrain", ("performance",), "v1")
    still, off = Before("hold", ("performance",), "v1"), Before("hold", (), "v1")
    assert actions(replace(QUIET, errors=WORSE, before=(still, still, asked))) == ["hold"]
    assert actions(replace(QUIET, errors=WORSE, before=(still, off, asked))) == ["retrain"]
    assert actions(replace(QUIET, errors=WORSE, before=(still, still))) == ["retrain"], "it never was asked for"


def test_it_never_trains_in_a_loop() -> None:
    """Sixty days on which a fault stays that no training mends: one training for it, all others by age."""
    before: tuple[Before, ...] = ()
    since, by_evidence = 5.0, 0
    for _ in range(60):
        due = "the newest training is 7 days old" if since >= 7 else None
        seen = replace(QUIET, due=due, errors=WORSE, days_since_training=since, before=before)
        decision = only(seen)
        by_evidence += decision.action == "retrain" and due is None
        since = 0.0 if decision.action == "retrain" else since + 1
        before = (Before(decision.action, decision.triggers, "v1"), *before)
    assert by_evidence == 1


def test_another_new_series_asks_though_the_first_one_stays_unlearnt() -> None:
    asked = Before("retrain", ("new_series:air.B.pm",), "v1")
    assert actions(replace(QUIET, new_series=("air.B.pm",), before=(asked,))) == ["hold"]
    assert actions(replace(QUIET, new_series=("air.B.pm", "air.C.pm"), before=(asked,))) == ["retrain"]


def test_a_champion_worse_than_its_predecessor_goes_back_and_nothing_is_trained_on_its_errors() -> None:
    assert actions(replace(QUIET, against=BEATEN, errors=WORSE)) == ["rollback"]
    assert actions(replace(QUIET, against=BEATEN, due="the newest training is 7 days old")) == ["rollback", "retrain"]


@pytest.mark.parametrize("change", [{"gain": POLICY.rollback_margin - 0.01}, {"p_value": POLICY.rollback_alpha}])
def test_a_small_or_unsure_difference_is_no_reason_to_go_back(change: dict[str, float]) -> None:
    assert actions(replace(QUIET, against=replace(BEATEN, **change))) == ["hold"]


def test_under_a_manual_policy_a_person_is_advised() -> None:
    assert actions(replace(QUIET, against=BEATEN), manual=True) == ["advise"]


def test_what_a_person_put_back_is_not_taken_out_a_second_time() -> None:
    before = (Before("hold", (), "v0"), Before("rollback", ("predecessor",), "v1"))
    (decision,) = decide(replace(QUIET, against=BEATEN, before=before), POLICY, manual=False)
    assert decision.action == "advise"
    assert "a person decides" in decision.reason


def test_a_won_trial_is_promoted_once_it_is_decided() -> None:
    won = Outcome(n_days=30, needed=30, difference=0.05, low=0.01, high=0.09)
    assert actions(replace(QUIET, trial=won)) == ["promote"]
    assert actions(replace(QUIET, trial=replace(won, n_days=29))) == ["hold"]
    assert actions(replace(QUIET, trial=replace(won, low=-0.01))) == ["hold"]
    assert actions(replace(QUIET, trial=won), manual=True) == ["advise"]


def test_two_days_of_a_far_worse_champion_are_enough_and_one_is_not() -> None:
    found = Against.of("v0", np.array([10.0, 10.0]), np.array([5.0, 5.5]))
    assert found is not None
    assert found.p_value < POLICY.rollback_alpha
    assert Against.of("v0", np.array([10.0]), np.array([5.0])) is None


def test_equal_versions_are_hardly_ever_told_apart_in_a_month_of_daily_looks() -> None:
    """400 pairs whose daily losses differ by 10 % of either sign, looked at every day for 28 days."""
    rng = np.random.default_rng(7)
    went_back = 0
    for _ in range(400):
        champion = rng.gamma(20, 0.5, 28)
        beside = champion * (1 + rng.normal(0, 0.1, 28))
        looks = (Against.of("v0", champion[:n], beside[:n]) for n in range(2, 29))
        went_back += any(
            look is not None and look.p_value < POLICY.rollback_alpha and look.gain >= POLICY.rollback_margin
            for look in looks
        )
    assert went_back <= 8
