"""Costly models are asked at some origins only: they meet the others on exactly those."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ml import dataset
from ml.compare import compared, sample_note
from ml.competition import compete
from ml.forecaster import STATISTICAL, build, is_statistical, raw_answers, sampled
from ml.metrics import Scored
from warehouse.marts import OriginQuery


@pytest.fixture(scope="module")
def panel(world, made):
    asked = OriginQuery(dataset="air", origin_from=made.start, origin_to=made.now - timedelta(days=3), hours=(0, 12))
    return dataset.read(world, asked).scorable()


def test_a_sample_is_seeded_whole_origins_and_the_smaller_is_part_of_the_larger(panel, made):
    models = {name: build(name, made.small_params()) for name in ("auto_ets", "mstl", "naive_last")}
    models["auto_ets"].block = models["auto_ets"].block.model_copy(update={"max_origins": 5})
    models["mstl"].block = models["mstl"].block.model_copy(update={"max_origins": 9})
    only = sampled(models, panel, 1)
    assert set(only) == {"auto_ets", "mstl"}
    assert len(np.unique(panel.origin[only["auto_ets"]])) == 5
    assert (only["mstl"] | ~only["auto_ets"]).all()
    assert not np.array_equal(sampled(models, panel, 2)["mstl"], only["mstl"])
    answers = raw_answers({"mstl": models["mstl"]}, panel, only=only)["mstl"]
    np.testing.assert_array_equal(np.isfinite(answers[:, 3]), only["mstl"])


def scored(better_by: float) -> tuple[Scored, np.ndarray]:
    """Errors that are four times as large in the sampled half; there `few` beats `all` by that share."""
    n = 400
    sample = np.arange(n) >= n // 2
    error = np.where(sample, 4.0, 1.0)
    rows = pd.DataFrame({"series_id": "s", "origin_at": pd.Timestamp("2026-01-01"), "horizon_h": 1}, index=range(n))
    answers = {"naive_last": 2 * error, "all": error, "few": error * (1 - better_by)}
    return Scored(rows, np.zeros(n), np.ones(n), {m: np.repeat(v[:, None], 7, 1) for m, v in answers.items()}), sample


@pytest.mark.parametrize("better_by", [0.1, -0.1])
def test_a_hard_sample_does_not_count_against_the_model_that_drew_it(made, better_by):
    table, sample = scored(better_by)
    found = compared(table, {"few": sample}, made.small_params()).set_index("model")
    assert found.loc["few", "mae"] == pytest.approx(found.loc["all", "mae"] * (1 - better_by))
    assert found.loc["few", "n_rows"] == 200
    assert sample_note(found.reset_index(), "few") == "; compared on 200 of 400 rows"
    assert sample_note(found.reset_index(), "all") == ""


def test_the_best_statistical_model_goes_on_and_all_of_them_are_scored(panel, made):
    params = made.small_params()
    cut = made.now - timedelta(days=20)
    contest = compete(panel.known_before(cut), panel.between(cut, made.now), params, lambda _: None)
    assert set(STATISTICAL) < set(contest.selection["model"])
    left = [name for name in contest.models if is_statistical(name)]
    table = contest.selection.set_index("model")[params.evaluation.champion_by]
    assert left == [table[list(STATISTICAL)].idxmin()]
    assert set(contest.calibrations) == set(contest.models)
