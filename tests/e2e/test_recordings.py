"""Real measurements through the product's own loader, dbt, models and scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.world import Done, World
from warehouse.settings import ROOT

pytestmark = pytest.mark.timeout(600)
RECORDINGS = ROOT.parent / "shared" / "recordings" / "data_gov_sg" / "pm25"
MONTHS = [f"2018-{month:02d}" for month in range(1, 8)]  # 181 days before the cut
REGIONS = ["north", "south", "east", "west", "central"]
KEYS = [
    "plan", "series", "origins", "rows", "best_naive", "mae", "skill", "coverage80", "coverage90", "pinball",
    "train_seconds", "peak_mib", "model",
]  # fmt: skip


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Two weeks of Singapore's five regions, with a bar that nothing can meet."""
    if not RECORDINGS.is_dir():
        pytest.skip("the recordings are not beside the project")
    root = tmp_path_factory.mktemp("recordings")
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
