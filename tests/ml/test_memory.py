"""A training holds its matrix once, and what it does a part at a time gives the same bits as at once."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from bench.memory import BAR, CLEAR, MIB, added, bytes_of
from ml import features
from ml.dataset import HISTORY_H, NAIVES, ORIGIN_STATS, Panel
from ml.features import matrix, mean_of, range_of, std_of
from ml.forecaster import Forecaster, build
from ml.learn import freed_goes_back
from ml.params import load_params
from warehouse.settings import ROOT

N_ORIGINS, A_ORIGIN = 12_000, 4  # rows of an origin, as thinned as a training has them
PARAMS = load_params("sgpm")


@pytest.fixture(scope="module")
def panel() -> Panel:
    return made_up(N_ORIGINS)


def made_up(n: int) -> Panel:
    """Five series of made-up numbers at n origins, a tenth of them missing."""
    draw = np.random.default_rng(1)

    def numbers(*shape: int) -> np.ndarray:
        values = draw.normal(20, 5, shape).astype(np.float32)
        values[draw.random(shape) < 0.1] = np.nan
        return values

    m = n * A_ORIGIN
    origin_h = 490_000 + 3 * (np.arange(n) // 5)
    origin, horizon = np.repeat(np.arange(n), A_ORIGIN), np.tile(np.arange(1, 49), m // 48)
    series = pd.DataFrame(
        {
            "series_id": [f"s{i}" for i in range(5)],
            "place_id": [f"p{i}" for i in range(5)],
            "latitude": np.linspace(-30, 60, 5),
            "longitude": np.linspace(-90, 90, 5),
        }
    )
    return Panel(
        dataset="sgpm", series=series, series_code=np.arange(n) % 5, origin_h=origin_h, history=numbers(n, HISTORY_H),
        stats={name: np.nan_to_num(numbers(n), nan=20) for name in ORIGIN_STATS}, covariates={}, origin=origin,
        horizon=horizon, naive={name: numbers(m) for name in NAIVES}, local_hour=(origin_h[origin] + horizon) % 24,
        local_weekday=origin % 7, target=draw.normal(20, 5, m), known_at=np.zeros(m, np.int64),
        is_ok=np.ones(m, np.bool_), issued={}, issued_lead_h=np.full(m, np.nan, np.float32),
    )  # fmt: skip


def peak_of(work: Callable[[], object]) -> int:
    """Bytes at the highest, of all that Python and numpy took for it."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_matrix_is_made_without_a_second_one(panel: Panel) -> None:
    X, names = matrix(panel, PARAMS.features, panel.series["series_id"].tolist())
    assert len(set(names)) == len(names) == X.shape[1]
    peak = peak_of(lambda: matrix(panel, PARAMS.features, panel.series["series_id"].tolist()))
    assert X.nbytes < peak < 2 * X.nbytes


def test_a_line_is_fitted_within_the_bar(panel: Panel) -> None:
    X, _ = matrix(panel, PARAMS.features, panel.series["series_id"].tolist())
    model = build("linear", PARAMS)
    assert isinstance(model, Forecaster)
    peak = peak_of(lambda: model.fit(panel, seed=1, progress=lambda line: None))
    frame = bytes_of(panel) + X.nbytes
    assert peak + bytes_of(panel) < BAR * frame


@pytest.mark.skipif(not CLEAR.exists(), reason="this system does not tell the peak of a part of a process")
def test_trees_are_fitted_within_the_bar() -> None:
    """In a process of its own: an old heap has holes, whose pages come back for good when the training fills them."""
    done = subprocess.run(
        [sys.executable, __file__], check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    peak, frame = map(float, done.stdout.split())
    assert frame < peak < BAR * frame


def trees_and_their_frame() -> tuple[float, int]:
    """Bytes at the highest while trees are fitted, and bytes of the rows and the matrix made of them."""
    freed_goes_back()
    panel = made_up(PARAMS.training.max_train_rows // A_ORIGIN)
    X, _ = matrix(panel, PARAMS.features, panel.series["series_id"].tolist())
    rows, frame = bytes_of(panel), bytes_of(panel) + X.nbytes
    del X
    block = {**PARAMS.models["lightgbm_direct"], "n_trees": 2, "n_spread_trees": 2}
    model = build("lightgbm_direct", PARAMS.model_copy(update={"models": {"lightgbm_direct": block}}))
    assert isinstance(model, Forecaster)
    return rows + added(lambda: model.fit(panel, seed=1, progress=lambda line: None)) * MIB, frame


@pytest.mark.parametrize("width", [3, 7, 21, 24, 168])
def test_measures_in_slices_are_bit_for_bit_those_of_all_rows(
    width: int, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = panel.history[:, :width]

    def all_of_them() -> list[bytes]:
        return [each.tobytes() for each in (mean_of(values), std_of(values), *range_of(values))]

    in_slices = all_of_them()
    monkeypatch.setattr(features, "SLICE", len(values))
    assert in_slices == all_of_them()


def test_a_panel_without_origins_has_the_same_columns(panel: Panel) -> None:
    nothing = panel.origins(np.zeros(N_ORIGINS, np.bool_))
    X, names = matrix(nothing, PARAMS.features, [])
    assert X.shape == (0, len(names))
    assert names == matrix(panel.rows(slice(0, 1)), PARAMS.features, ["s0"])[1]


if __name__ == "__main__":
    print(*trees_and_their_frame())
