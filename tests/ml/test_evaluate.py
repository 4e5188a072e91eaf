"""The figures and curves of a training, as `dvc metrics` and `dvc plots` read them."""

from __future__ import annotations

import csv
import io
import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ml import evaluate
from ml.forecaster import QUANTILES
from ml.metrics import Scored


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


@pytest.fixture
def scored() -> Scored:
    """Two origins, two hours ahead; truths 0 to 3; the naive median is right, the other one too high by its hour."""
    at = pd.to_datetime(["2026-01-01", "2026-01-01", "2026-01-02", "2026-01-02"])
    rows = pd.DataFrame({"series_id": "s", "origin_at": at, "horizon_h": [1, 2, 1, 2]})
    actual = np.arange(4.0)
    spread = np.linspace(-3, 3, len(QUANTILES))
    right = actual[:, None] + spread
    return Scored(rows, actual, np.ones(4), {"naive_mean7": right, "late": right + rows[["horizon_h"]].to_numpy()})


def test_the_error_by_horizon_has_a_line_for_every_model_and_hour(scored):
    found = {
        (row["model"], int(row["horizon_h"])): float(row["mae"]) for row in rows_of(evaluate.mae_by_horizon(scored))
    }
    assert found == {("late", 1): 1, ("late", 2): 2, ("naive_mean7", 1): 0, ("naive_mean7", 2): 0}


def test_reliability_is_the_share_of_truths_at_or_below_each_quantile(scored):
    found = [row for row in rows_of(evaluate.reliability(scored)) if row["model"] == "naive_mean7"]
    assert [float(row["level"]) for row in found] == list(QUANTILES)
    assert [float(row["observed"]) for row in found] == [0, 0, 0, 1, 1, 1, 1]


def test_without_a_row_to_score_the_curves_are_headers_only(scored):
    empty = Scored(scored.rows[:0], np.empty(0), np.empty(0), {"late": np.empty((0, 7))})
    assert evaluate.mae_by_horizon(empty) == b"model,horizon_h,mae\n"
    assert evaluate.reliability(empty) == b"model,level,observed\n"
    assert evaluate.learning_curve("m", pd.DataFrame(columns=["months", "n_rows", "mae"])) == b"model,months,mae\n"


def test_a_learning_curve_has_a_line_for_every_length_of_history():
    points = pd.DataFrame({"months": [1.0, 2.0], "n_rows": [10, 20], "mae": [3.25, 3.0]})
    assert evaluate.learning_curve("m", points) == b"model,months,mae\nm,1.0,3.25\nm,2.0,3.0\n"


def test_metrics_name_the_champion_and_its_artefact_and_are_json_even_where_a_score_is_missing(scored):
    summary = scored.scores()
    summary.loc[summary["model"] == "late", "skill"] = math.nan
    result = SimpleNamespace(summary=summary, champion="late", n_origins=2, n_rows=4, train_rows=9)
    found = evaluate.metrics(result, {"late": "f" * 64})  # type: ignore[arg-type]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["champion"]["artefact"] == "f" * 12
    assert found["champion"]["mae"] == found["models"]["late"]["mae"] == 1.5
    assert found["models"]["late"]["skill"] is None
    assert (found["n_origins"], found["n_rows"], found["n_train_rows"]) == (2, 4, 9)
