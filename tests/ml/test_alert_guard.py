from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

import numpy as np
import pytest

from ml.alerts import contest
from ml.alerts.dataset import AlertRows
from ml.alerts.features import matrix
from ml.alerts.folds import folds
from ml.alerts.guard import refuse_leaks
from tests.ml.alert_rows import SMALL, alert_rows
from warehouse.errors import DataTestFailed

ROWS = alert_rows()
X, COLUMNS = matrix(ROWS)
LEARN, HELD = next(iter(folds(ROWS, SMALL, 1)))


def refused(name: str, *values: np.ndarray) -> str:
    names = [f"{name}_{i}" for i in range(len(values))]
    planted = np.column_stack([X, *values])
    with pytest.raises(DataTestFailed) as error:
        refuse_leaks(planted, [*COLUMNS, *names], ROWS, LEARN, HELD, SMALL)
    return str(error.value)


def test_the_features_themselves_pass():
    assert refuse_leaks(X, COLUMNS, ROWS, LEARN, HELD, SMALL)


def test_the_label_is_refused_by_its_name_whatever_is_in_it():
    with pytest.raises(DataTestFailed, match="label itself is among the features: actual"):
        refuse_leaks(np.column_stack([X, X[:, 0]]), [*COLUMNS, "actual"], ROWS, LEARN, HELD, SMALL)


def test_the_label_under_another_name_is_refused_with_or_without_noise_and_upside_down():
    rng = np.random.default_rng(0)
    for values in (ROWS.label, 3 - 2 * ROWS.label, ROWS.label + rng.normal(0, 0.1, len(ROWS))):
        message = refused("innocent", values)
        assert "innocent_0" in message
        assert "nothing was trained" in message


def test_a_value_from_after_the_origin_is_refused():
    """The maximum of the window, which an origin six hours later does not even know in full."""
    at = {(code, hour): i for i, (code, hour) in enumerate(zip(ROWS.code, ROWS.origin_h, strict=True))}
    later = np.array([at.get((c, h + 24 + 6), -1) for c, h in zip(ROWS.code, ROWS.origin_h, strict=True)])
    ahead = np.where(later >= 0, ROWS.history[later][:, 6:30].max(axis=1), np.nan)
    with pytest.raises(DataTestFailed, match="ahead"):
        refuse_leaks(np.column_stack([X, ahead]), [*COLUMNS, "ahead"], ROWS, LEARN, HELD, SMALL)


def test_a_label_hidden_in_two_features_is_refused_by_small_trees():
    rng = np.random.default_rng(3)
    both = np.ones((2, len(ROWS)))
    quiet = np.flatnonzero(ROWS.label == 0)
    both[rng.integers(0, 2, len(quiet)), quiet] = 0
    assert "hidden" in refused("hidden", *both)


def test_that_one_place_is_always_hot_and_another_never_is_no_leak():
    """A climate parts their events without error, and is known before any of them."""
    hot = ROWS.code == 0
    always = replace(ROWS, label=np.where(hot, 1.0, 0.0))
    climate = np.where(hot, 30.0, 10.0) + np.random.default_rng(1).normal(0, 1, len(ROWS))
    everywhere = np.ones(len(ROWS), bool)
    known, names = np.column_stack([X, climate]), [*COLUMNS, "climate"]
    assert not refuse_leaks(known, names, always, everywhere, everywhere, SMALL)  # no place has both kinds to compare
    often = replace(ROWS, label=np.where(np.arange(len(ROWS)) % 5 == 0, 1 - always.label, always.label))
    assert refuse_leaks(known, names, often, everywhere, everywhere, SMALL)
    with pytest.raises(DataTestFailed, match="innocent"):
        refuse_leaks(np.column_stack([known, often.label]), [*names, "innocent"], often, everywhere, everywhere, SMALL)


def test_what_changes_slowly_is_no_leak_and_the_label_still_is():
    """Snow on the ground: the last value all but tells tomorrow, and so does its mean."""
    n, code = 4000, np.repeat([0, 1], 2000)
    steps = np.random.default_rng(5).normal(0, 0.02, 2001)
    depth = np.array(list(accumulate(steps, lambda before, step: 0.999 * before + step)))
    depth -= np.median(depth)
    label = np.tile(depth[1:] > 0, 2).astype(float)
    depth = np.tile(depth[:-1], 2)
    slow = replace(ROWS, code=code, label=label, stats={**ROWS.stats, "last_value": depth})
    learn, held = code == 0, code == 1
    mean = depth + np.random.default_rng(0).normal(0, 0.001, n)
    assert refuse_leaks(np.column_stack([depth, mean]), ["last_value", "mean_24"], slow, learn, held, SMALL)
    with pytest.raises(DataTestFailed, match="innocent"):
        refuse_leaks(np.column_stack([depth, label]), ["last_value", "innocent"], slow, learn, held, SMALL)


def leaky(rows: AlertRows) -> tuple[np.ndarray, list[str]]:
    values, names = matrix(rows)
    return np.column_stack([values, rows.label]), [*names, "innocent"]


def test_training_stops_at_a_planted_feature(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(contest, "matrix", leaky)
    with pytest.raises(DataTestFailed, match="innocent"):
        contest._classifier(ROWS, 0.9, SMALL)


EVENT = ROWS.label == 1
SOME_EVENTS = np.isin(np.arange(len(ROWS)), np.flatnonzero(EVENT)[:: EVENT.sum() // 36])


@pytest.mark.parametrize(
    ("kept", "first_fold_judges"),
    [
        pytest.param(~(HELD & EVENT), False, id="no event in the first fold"),
        pytest.param(~(HELD & ~EVENT), False, id="nothing but events in the first fold"),
        pytest.param(HELD | ~EVENT, True, id="every event in the first fold"),
        pytest.param(~EVENT | SOME_EVENTS, False, id="too few events in each fold"),
    ],
)
def test_training_stops_at_a_planted_feature_wherever_the_events_fall(
    kept: np.ndarray, first_fold_judges: bool, monkeypatch: pytest.MonkeyPatch
):
    rows = ROWS.at(kept)
    assert contest.too_few(rows, SMALL) is None
    learn, held = next(iter(folds(rows, SMALL, 1)))
    assert refuse_leaks(*matrix(rows), rows, learn, held, SMALL) is first_fold_judges
    contest._classifier(rows, 0.9, SMALL)
    monkeypatch.setattr(contest, "matrix", leaky)
    with pytest.raises(DataTestFailed, match="innocent"):
        contest._classifier(rows, 0.9, SMALL)


def test_what_is_held_out_shares_neither_place_nor_week_nor_window_with_what_is_learnt():
    seen = np.zeros(len(ROWS), int)
    for learn, held in folds(ROWS, SMALL, 2):
        seen += held
        assert not set(ROWS.code[learn]) & set(ROWS.code[held])
        hours = np.unique(ROWS.origin_h[held])
        gaps = np.abs(hours[:, None] - np.unique(ROWS.origin_h[learn])[None, :])
        assert gaps.min() >= ROWS.rule.lead_h + ROWS.rule.window_h
    assert (seen == 1).all()


def test_a_single_place_is_cross_validated_by_time_alone():
    alone = ROWS.at(ROWS.code == 0)
    masks = list(folds(alone, SMALL, 2))
    assert len(masks) == SMALL.time_folds
    assert all(learn.any() and held.any() for learn, held in masks)


def test_features_do_not_change_when_labels_do():
    blind = replace(ROWS, label=np.full(len(ROWS), np.nan), known_at=np.zeros(len(ROWS), np.int64))
    np.testing.assert_array_equal(matrix(blind)[0], X)
