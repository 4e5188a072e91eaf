"""Model files that are not those that were trained: refused by their hash, the next rung answers and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.inputs import DAY_2, TARGETS
from tests.e2e.world import World

pytestmark = pytest.mark.timeout(600)
LATER = DAY_2.replace("T06:10", "T07:10")


def files_of(world: World, dataset: str) -> Path:
    """The folder of the champion's files."""
    (version,) = world.rows(
        "select arg_max(model_version, (event_at, event_id)) from ml.champion_events where dataset = ?", dataset
    )
    return world.settings.models_path / str(version[0])


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_truncated_flipped_and_missing_models_are_refused_and_the_next_rung_answers(evening: World) -> None:
    learnt = sorted(files_of(evening, "footfall").glob("lightgbm*.txt"))
    assert learnt, "the champion of footfall has no learnt file to damage"
    before = learnt[0].stat().st_size
    truncate(learnt[0])
    assert learnt[0].stat().st_size < before
    flip(files_of(evening, "sgpm") / "bundle.json")
    (files_of(evening, "carbon") / "bundle.json").unlink()
    done = evening.skyduck("run", "--plain", "--as-of", LATER)
    assert done.returncode == 0, "a forecast that went on is no failure"
    reasons = {
        "footfall": "is not what was trained (sha256 differs)", "sgpm": "is not what was trained (sha256 differs)",
        "carbon": "bundle.json is missing or cannot be read",
    }  # fmt: skip
    said = [line for line in done.stdout.splitlines() if line.startswith("warning: ")]
    for dataset, reason in reasons.items():
        assert [line for line in said if line.startswith(f"warning: {dataset}: champion refused: ") and reason in line]
    rows = evening.published(
        "select dataset, series_id, count(*), any_value(rung), count(distinct rung), any_value(rung_reason) "
        "from marts.fct_current_forecasts group by all"
    )
    assert len(rows) == len(TARGETS) + 2
    for dataset, _, n, rung, n_rungs, reason in rows:
        assert (n, n_rungs) == (48, 1)
        if dataset in reasons:
            assert rung != "champion"
            assert reasons[dataset] in reason
        else:
            assert (rung, reason) == ("champion", None)
    assert {row[3] for row in rows if row[0] == "footfall"} == {"challenger"}
