from __future__ import annotations

import numpy as np
import pytest

from ml.alerts import calibration, scores
from ml.alerts.calibration import Calibrator, HeldOut

P = np.array([0.9, 0.8, 0.4, 0.3, 0.1])
LABEL = np.array([1.0, 0.0, 1.0, 0.0, 0.0])


def test_average_precision_and_auc_are_those_computed_by_hand():
    assert scores.average_precision(P, LABEL) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert scores.auc(P, LABEL) == pytest.approx(5 / 6)


def test_equal_probabilities_rank_nothing():
    flat = np.full(5, 0.4)
    assert scores.average_precision(flat, LABEL) == pytest.approx(0.4)
    assert scores.auc(flat, LABEL) == pytest.approx(0.5)


def test_auc_within_groups_knows_nothing_of_what_parts_the_groups():
    values, label = np.array([1.0, 2.0, 11.0, 12.0]), np.array([0.0, 0.0, 1.0, 1.0])
    assert scores.auc(values, label) == 1
    assert np.isnan(scores.auc_within(values, label, np.array([0, 0, 1, 1])))
    assert scores.auc_within(values, label, np.array([0, 1, 0, 1])) == 1
    assert scores.auc_within(values, np.array([1.0, 0.0, 1.0, 0.0]), np.array([0, 0, 1, 1])) == 0


def test_calibration_error_weighs_bins_by_their_rows():
    told = np.array([0.05] * 90 + [0.95] * 10)
    came = np.array([0.0] * 90 + [1.0] * 5 + [0.0] * 5)
    assert scores.expected_calibration_error(told, came) == pytest.approx(0.9 * 0.05 + 0.1 * 0.45)


def test_relative_value_is_one_for_foresight_and_zero_for_always_or_never():
    label = np.array([1.0] * 20 + [0.0] * 80)
    assert scores.value(label, label, 0.3) == pytest.approx(1.0)
    assert scores.value(np.zeros(100), label, 0.3) == pytest.approx(0.0)  # never acting is the climate's choice: s < a
    assert scores.value(np.ones(100), label, 0.1) == pytest.approx(0.0)  # always acting is, where a < s


def test_relative_value_of_some_hits_and_false_alarms_is_richardsons_formula():
    label = np.array([1.0] * 20 + [0.0] * 80)
    p = np.r_[np.ones(15), np.zeros(5), np.ones(10), np.zeros(70)]
    expense = 0.2 * (0.15 + 0.10) + 0.05
    assert scores.value(p, label, 0.2) == pytest.approx((0.2 - expense) / (0.2 - 0.2 * 0.2))


def test_lift_of_the_most_probable_tenth_is_its_share_of_events_over_a_tenth():
    p = np.linspace(1, 0, 100)
    label = np.r_[np.ones(10), np.zeros(80), np.ones(10)]
    line = next(row for row in scores.lift(p, label) if row["share"] == 0.1)
    assert (line["caught"], line["lift"]) == (pytest.approx(0.5), pytest.approx(5.0))


@pytest.mark.parametrize("kind", ["sigmoid", "isotonic"])
def test_calibration_mends_probabilities_that_are_twice_too_high(kind: str):
    rng = np.random.default_rng(1)
    truth = rng.uniform(0, 0.45, 20_000)
    label = (rng.uniform(size=len(truth)) < truth).astype(float)
    told = 2 * truth
    learnt = calibration.fit(kind, told[:10_000], label[:10_000])
    again = Calibrator.restored(learnt.card())
    before = scores.expected_calibration_error(told[10_000:], label[10_000:])
    after = scores.expected_calibration_error(again.apply(told[10_000:]), label[10_000:])
    assert before > 0.15
    assert after < 0.02
    assert (np.diff(again.apply(np.linspace(0, 1, 50))) >= -1e-12).all()


def test_a_missing_probability_stays_missing_and_no_answer_is_certain():
    learnt = calibration.fit("isotonic", np.r_[np.zeros(50), np.ones(50)], np.r_[np.zeros(50), np.ones(50)])
    told = learnt.apply(np.array([np.nan, 0.0, 1.0]))
    assert np.isnan(told[0])
    assert 0 < told[1] < 0.05
    assert 0.95 < told[2] < 1


def test_rows_told_forward_in_time_weigh_as_much_as_the_rest():
    old = HeldOut.none().plus(np.full(300, 0.5), np.zeros(300), is_later=False)
    both = old.plus(np.full(100, 0.5), np.ones(100), is_later=True)
    told = both.fit("isotonic").apply(np.array([0.5]))[0]
    assert told == pytest.approx(0.5, abs=0.01)
