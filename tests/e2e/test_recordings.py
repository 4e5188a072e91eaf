"""Real measurements through the product's own loader, dbt, models and scores."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ml.backtest import backtest
from ml.params import load_params
from tests.e2e.world import Done, World
from warehouse.settings import ROOT, Settings

pytestmark = pytest.mark.timeout(600)
RECORDINGS = ROOT.parent / "shared" / "recordings" / "data_gov_sg" / "pm25"
MONTHS = [f"2018-{month:02d}" for month in range(1, 8)]  # 181 days before the cut
REGIONS = ["north", "south", "east", "west", "central"]
KEYS = [
    "plan", "series", "origins", "rows", "best_naive", "mae", "skill", "coverage80", "coverage90", "pinball",
    "train_seconds", "peak_mib", "model", "coverage80_by_bucket", "coverage90_by_bucket",
]  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not RECORDINGS.is_dir():
        pytest.skip("the recordings are not beside the project")
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def scored(root: Path) -> Done:
    """Two weeks of Singapore's five regions, with a bar that nothing can meet."""
    folder = root / "recordings" / "data_gov_sg" / "pm25"
    folder.mkdir(parents=True)
    for month in MONTHS:
        (folder / f"{month}.jsonl.gz").symlink_to(RECORDINGS / f"{month}.jsonl.gz")
    plan = {"sgpm": {"series": REGIONS, "cut": "2018-07-01", "end": "2018-07-15"}}
    arguments = ["--recordings", str(root / "recordings"), "--plan", _written(root / "plan.json", plan)]
    arguments += ["--bars", _written(root / "bars.json", {"sgpm": 0.01})]
    return World(root / "world").skyduck("scoreboard", *arguments, SKYDUCK_SEEDS_DIR=str(ROOT / "dbt_project/seeds"))


def _written(path: Path, content: dict[str, Any]) -> str:
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def test_each_plan_entry_is_one_line_of_json(scored: Done) -> None:
    line = json.loads(scored.stdout.splitlines()[0])
    assert list(line) == KEYS, scored.stderr
    assert (line["plan"], line["series"]) == ("sgpm", 5)
    assert 10 <= line["origins"] <= 14
    assert 0.9 * 5 * 24 * line["origins"] <= line["rows"] <= 5 * 24 * line["origins"]


def test_the_forecast_of_real_air_beats_the_best_naive_method(scored: Done) -> None:
    line = json.loads(scored.stdout.splitlines()[0])
    assert line["skill"] > 0
    assert line["skill"] == pytest.approx(1 - line["mae"] / line["best_naive"], abs=1e-3)
    assert line["mae"] < line["best_naive"] < 15
    assert not line["model"].startswith("naive")
    assert 0.55 < line["coverage80"] < line["coverage90"] <= 1
    assert line["pinball"] < line["mae"]


def test_a_missed_bar_ends_with_1_and_is_named(scored: Done) -> None:
    assert scored.returncode == 1, scored.stderr
    assert "sgpm: mae" in scored.stdout.splitlines()[1]
    assert "over its bar of 0.01" in scored.stdout.splitlines()[1]


def test_the_line_tells_coverage_by_hours_ahead(scored: Done) -> None:
    line = json.loads(scored.stdout.splitlines()[0])
    for level in (80, 90):
        shares = line[f"coverage{level}_by_bucket"]
        assert list(shares) == ["1-6", "7-12", "13-24"]
        assert sum(shares.values()) / 3 == pytest.approx(line[f"coverage{level}"], abs=0.1)


def test_coverage_of_real_air_holds_with_a_day_of_inputs_removed(root: Path, scored: Done) -> None:
    assert scored.stdout
    params = load_params("sgpm")
    quick = {name: params.models[name] for name in ("naive_last", "naive_mean7", "lightgbm_direct")}
    training = params.training.model_copy(update={"max_train_rows": 30_000})
    found = backtest(
        Settings(data_dir=root / "world" / "data" / "scoreboard"),
        "sgpm",
        date_from=datetime(2018, 7, 1),
        date_to=datetime(2018, 7, 29),
        without=("history:24",),
        origin_hours=(0, 12),
        params=params.model_copy(update={"models": quick, "training": training}),
    )
    summary = found.summary.set_index("model")
    for name in quick:
        assert summary.loc[name, "coverage80"] >= 0.78, name
        assert summary.loc[name, "coverage90"] >= 0.88, name
