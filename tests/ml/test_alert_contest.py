from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from ml.alerts import evaluate
from ml.alerts.calibration import Calibrator
from ml.alerts.choice import choose
from ml.alerts.contest import compete, too_few
from ml.alerts.dataset import AlertRows
from ml.alerts.implied import Forecasts
from ml.alerts.model import AlertModel
from ml.alerts.rules import is_due
from ml.alerts.task import Task, Windows
from ml.alerts.train import learn
from tests.ml.alert_rows import RULE, SMALL, START_H, alert_rows
from warehouse.errors import ArtefactRefused

START = datetime(1970, 1, 1) + timedelta(hours=START_H)
WINDOWS = Windows(
    START, START + timedelta(days=190), START + timedelta(days=240), START + timedelta(days=300)
)  # 190 days to learn from, 50 to choose on, 60 reported
ROWS = alert_rows()
NO_FORECASTS = Forecasts.none(RULE)


@pytest.fixture(scope="module")
def outcome():
    return learn(Task({}, ROWS, NO_FORECASTS, WINDOWS, SMALL))


def test_the_classifier_wins_where_the_days_tell_something_of_the_next(outcome):
    methods = outcome.metrics["methods"]
    assert outcome.model.method == "classifier"
    assert methods["classifier"]["brier_skill"] > 0.2
    assert methods["classifier"]["average_precision"] > methods["persistence"]["average_precision"]
    assert methods["climatology"]["brier_skill"] == 0


def test_the_report_says_all_that_was_promised(outcome):
    metrics = outcome.metrics
    assert set(metrics) >= {
        "methods",
        "selection",
        "cross_validation",
        "paired",
        "details",
        "learning_curve",
        "refusal",
    }
    assert set(metrics["details"]) == {"reliability", "lift", "confusion"}
    assert set(metrics["value_curves"]) == set(metrics["methods"]) >= {metrics["chosen"], "climatology"}
    assert metrics["details"]["confusion"]["act_from"] == RULE.act_from
    assert sum(line["n"] for line in metrics["details"]["reliability"]) == metrics["methods"]["classifier"]["n_rows"]
    assert [line["months"] for line in metrics["learning_curve"]] == sorted(
        line["months"] for line in metrics["learning_curve"]
    )
    assert set(metrics["cross_validation"]) == {"known_places", "new_places"}


def test_nothing_of_the_report_windows_reaches_what_reports_on_them():
    """Other labels there leave every probability of the first block as it was."""
    first_block = ROWS.between(WINDOWS.report_from, WINDOWS.report_from + timedelta(days=30))
    at = (ROWS.origin_h >= first_block.origin_h.min()) & ROWS.labelled
    flipped = replace(ROWS, label=np.where(at, 1 - ROWS.label, ROWS.label))
    told = []
    for rows in (ROWS, flipped):
        learnt = compete(rows, NO_FORECASTS, WINDOWS, SMALL)
        mine = rows.between(WINDOWS.report_from, WINDOWS.report_to)
        first = mine.origin_h <= first_block.origin_h.max()
        told.append(evaluate._rolled(learnt, rows, mine, WINDOWS, SMALL)[0][first])
    np.testing.assert_array_equal(*told)


def test_selection_and_learning_see_no_label_that_was_not_known_by_then():
    """A label revised after the report began counts for nobody before."""
    late = replace(ROWS, known_at=np.where(ROWS.label == 1, 2**60, ROWS.known_at))
    learnt = compete(late, NO_FORECASTS, WINDOWS, SMALL)
    assert learnt.refusal is not None
    assert "0 of 30 needed" in learnt.refusal


@pytest.mark.parametrize("threshold", [60.0, -60.0])
def test_a_rule_without_events_or_without_anything_else_is_refused_and_says_why(threshold: float):
    rows = alert_rows(days=120, rule=replace(RULE, threshold=threshold))
    windows = Windows(START, START + timedelta(days=70), START + timedelta(days=95), START + timedelta(days=120))
    learnt = compete(rows, NO_FORECASTS, windows, SMALL)
    assert "classifier" not in learnt.models
    assert learnt.model.method in ("climatology", "persistence")
    assert ("too few events" if threshold > 0 else "almost always an event") in learnt.reason


def test_events_on_few_days_are_too_few_however_many_places_saw_them():
    few = ROWS.at((ROWS.label == 0) | np.isin(ROWS.window_h // 24, np.unique(ROWS.window_h[ROWS.label == 1] // 24)[:4]))
    reason = too_few(few, SMALL.model_copy(update={"min_events": 5}))
    assert reason is not None
    assert "on 4 of 10 days" in reason


def line(brier: float, ece: float) -> dict[str, float]:
    return {"brier": brier, "ece": ece, "brier_skill": 0.1}


def test_a_better_score_does_not_outdo_a_calibrated_one():
    scores = {"classifier": line(0.05, 0.08), "persistence": line(0.06, 0.02), "climatology": line(0.07, 0.01)}
    assert choose(scores, None, 50, False, None, SMALL)[0] == "persistence"
    nobody = {name: line(each["brier"], 0.09) for name, each in scores.items()}
    method, reason = choose(nobody, None, 50, False, None, SMALL)
    assert (method, "no method is calibrated" in reason) == ("classifier", True)


def test_without_events_to_choose_by_the_forecast_answers_or_else_climatology():
    assert choose({}, None, 2, True, "too few", SMALL)[0] == "forecast"
    assert choose({}, None, 2, False, "too few", SMALL)[0] == "climatology"


def test_selection_windows_with_few_event_days_are_judged_together_with_the_folds_before():
    short = replace(WINDOWS, report_from=WINDOWS.select_from + timedelta(days=8))
    learnt = compete(ROWS, NO_FORECASTS, short, SMALL)
    n_select = len(ROWS.between(short.select_from, short.report_from))
    assert learnt.cross_validation["pooled"]["classifier"]["n_rows"] > 10 * n_select
    assert learnt.model.method == "classifier"
    assert "held-out folds" in learnt.reason


def test_a_forecast_without_folds_of_its_own_must_beat_the_winner_where_both_answered():
    pooled = {"classifier": line(0.05, 0.01), "climatology": line(0.07, 0.01)}
    better, worse = line(0.03, 0.01), line(0.06, 0.01)
    assert choose(pooled | {"forecast": better}, pooled, 20, True, None, SMALL)[0] == "forecast"
    assert choose(pooled | {"forecast": worse}, pooled, 20, True, None, SMALL)[0] == "classifier"
    assert choose(pooled | {"forecast": better}, pooled, 2, True, None, SMALL)[0] == "classifier"


def test_a_place_never_learnt_from_gets_an_answer_calibrated_for_new_places(outcome):
    elsewhere = alert_rows(places=("A", "B", "C", "D"))
    new = elsewhere.at(elsewhere.code == 3)
    p, why = outcome.model.answer(new, NO_FORECASTS)
    assert np.isfinite(p).all()
    assert why == [None] * len(new)
    raw = outcome.model.raw(new, NO_FORECASTS)
    assert outcome.model.elsewhere is not None
    np.testing.assert_array_equal(p, outcome.model.elsewhere.apply(raw))


def test_the_same_task_learns_the_same_files_and_files_give_the_same_answers(outcome):
    files = outcome.model.files()
    assert learn(Task({}, ROWS, NO_FORECASTS, WINDOWS, SMALL)).model.files() == files
    some: AlertRows = ROWS.at(ROWS.origin_h > ROWS.origin_h.max() - 240)
    again = AlertModel.restored(files)
    np.testing.assert_allclose(
        again.answer(some, NO_FORECASTS)[0], outcome.model.answer(some, NO_FORECASTS)[0], atol=1e-6
    )


@pytest.mark.parametrize("card", [b"{}", b"[]", b"no json", b'{"method": "pickle"}'])
def test_files_that_are_no_alert_model_are_refused(card: bytes):
    with pytest.raises(ArtefactRefused):
        AlertModel.restored({"alert.json": card})


def test_a_model_of_knobs_that_are_gone_is_refused_and_due_at_once(outcome):
    """A daily run trains what is due before it asks for probabilities; climatology answers where it could not."""
    card = json.loads(outcome.model.files()["alert.json"])
    older = card["params"] | {"a_knob_of_before": 40}
    with pytest.raises(ArtefactRefused, match="a_knob_of_before"):
        AlertModel.restored(outcome.model.files() | {"alert.json": json.dumps(card | {"params": older}).encode()})
    rule = {"event_hash": "e"}
    row = {"event_hash": "e", "trained_at": START, "params": json.dumps(card["params"])}
    assert is_due(row, rule, START, SMALL) is None
    assert is_due(row | {"params": json.dumps(older)}, rule, START, SMALL) == "params.yaml has changed since"


def test_a_window_without_forecast_is_answered_by_climatology_and_says_so():
    model = AlertModel("forecast", Calibrator(), None, 0.9, SMALL)
    some = ROWS.at(np.arange(3))
    p, why = model.answer(some, NO_FORECASTS)
    assert np.isfinite(p).all()
    assert set(why) == {"no forecast covers the window"}
