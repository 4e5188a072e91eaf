"""What a run refuses before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows import dvc
from flows.cli import _code
from ml import params
from warehouse.overview import last_runs
from warehouse.settings import Settings

TYPO = "defaults:\n  horizon_h: [48\n"
AS_OF = ["--as-of", "2026-01-01T06:10"]


@pytest.fixture
def here(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(settings.data_dir))
    return settings


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert _code([*arguments, *AS_OF]) == 2
    err = capsys.readouterr().err
    lines = [line for line in err.splitlines() if line.startswith("skyduck:")]
    assert len(lines) == 1
    assert "our fault" not in err
    return lines[0]


@pytest.mark.parametrize("command", [["run", "--plain"], ["train"], ["train", "--dataset", "weather"]])
def test_a_typo_in_params_yaml_is_told_before_anything_is_loaded(
    command: list[str],
    here: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(TYPO)
    monkeypatch.setattr(params, "PARAMS_FILE", path)
    assert refused(command, capsys).startswith("skyduck: params.yaml cannot be read: while parsing a flow sequence")
    (run,) = last_runs(here)
    assert run["status"] == "failed"
    assert "params.yaml" in run["error"]
    assert not (here.data_dir / "dvc").exists(), "nothing was begun"


def test_a_typo_in_a_params_yaml_of_ones_own_is_told_before_a_training(
    here: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    own = dvc.project_of(here).params
    own.unlink()
    own.write_text(TYPO)
    assert str(own) in refused(["train"], capsys)
