"""The runs on GitHub: what waits for a person and what does not, what is kept, and what they are given."""

from __future__ import annotations

import os
import re
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from flows.cli import app
from warehouse.settings import LIVE_DATA, ROOT

GROUP: Any = typer.main.get_command(app).commands["models"]  # type: ignore[attr-defined]


def jobs_of(*names: str) -> dict[str, Any]:
    found = {}
    for name in names:
        found |= yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))["jobs"]
    return found


def test_on_github_a_person_lets_the_approval_go_and_nothing_else_waits_for_one() -> None:
    jobs = jobs_of("daily", "train")
    assert {name: job["environment"] for name, job in jobs.items() if name != "tell"} == {
        "run": "warehouse",
        "self-test": "warehouse",
        "train": "warehouse",
        "approve": "production",
    }
    assert jobs["approve"]["needs"] == "train"
    trains, *_ = [step for step in jobs["train"]["steps"] if "flows train" in str(step.get("run"))]
    assert trains["env"]["SKYDUCK_PROMOTION_POLICY"] == "manual"
    text = "\n".join(str(step.get("run", "")) for job in ("train", "approve") for step in jobs[job]["steps"])
    assert "${{" not in text, "what comes from outside reaches a shell by the environment"
    for command, options in re.findall(r"flows models (\w+)([^\n;]*)", text):
        known = {option for parameter in GROUP.commands[command].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", options)) <= known


@pytest.mark.parametrize("name", ["run", "train"])
def test_what_was_trained_is_kept_though_the_run_ends_with_an_error(name: str) -> None:
    """As 3 does, by design: the warehouse names a champion by then, and the next run needs its files."""
    steps = jobs_of("daily", "train")[name]["steps"]
    of_models = [step for step in steps if step.get("with", {}).get("path") == str(LIVE_DATA / "models")]
    restore, save = of_models
    assert [step["uses"].split("@")[0] for step in of_models] == ["actions/cache/restore", "actions/cache/save"]
    (trains,) = [step for step in steps if re.search(r"make run|flows train", str(step.get("run")))]
    assert steps.index(restore) < steps.index(trains) < steps.index(save)
    assert save["if"].startswith("always() && ")
    assert save["with"]["key"] == "models-${{ github.run_id }}-${{ github.run_attempt }}", "a second attempt saves, too"
    assert save["with"]["key"].startswith(restore["with"]["restore-keys"])


def test_what_is_approved_are_the_files_of_the_attempt_that_trained() -> None:
    """Which may be an earlier one than that of the approval."""
    jobs = jobs_of("train")
    (save,) = [step for step in jobs["train"]["steps"] if "cache/save" in step.get("uses", "")]
    (restore,) = [step for step in jobs["approve"]["steps"] if "cache/restore" in step.get("uses", "")]
    assert restore["with"]["key"] == "${{ needs.train.outputs.models }}"
    assert jobs["train"]["outputs"]["models"] == save["with"]["key"]
    assert restore["with"]["fail-on-cache-miss"] is True


def test_no_forecast_waits_for_the_self_test_of_motherduck() -> None:
    jobs = jobs_of("daily")
    (name,) = [name for name, job in jobs.items() if "-m motherduck" in str(job["steps"])]
    assert name != "run"
    assert "needs" not in jobs["run"]
    assert "continue-on-error" not in str(jobs[name]), "where it fails the workflow says so"


@pytest.mark.parametrize("name", ["run", "train"])
def test_seeds_of_a_secret_are_unpacked_where_the_run_looks_for_them(name: str, tmp_path: Path) -> None:
    steps = jobs_of("daily", "train")[name]["steps"]
    (step,) = [step for step in steps if step.get("env") == {"SEEDS": "${{ secrets.SEEDS }}"}]
    (trains,) = [step for step in steps if re.search(r"make run|flows train", str(step.get("run")))]
    assert steps.index(step) < steps.index(trains)
    own = tmp_path / "own"
    own.mkdir()
    (own / "places.csv").write_text("place_id\n", encoding="utf-8")
    packed = subprocess.run(["tar", "--create", "--gzip", "--directory", own, "."], capture_output=True, check=True)
    said = tmp_path / "env"
    for seeds, expected in (("", ""), (b64encode(packed.stdout).decode(), f"SKYDUCK_SEEDS_DIR={tmp_path}/seeds\n")):
        said.write_text("", encoding="utf-8")
        env = {"PATH": os.environ["PATH"], "SEEDS": seeds, "RUNNER_TEMP": str(tmp_path), "GITHUB_ENV": str(said)}
        subprocess.run(["bash", "-e", "-c", step["run"]], env=env, check=True)
        assert said.read_text(encoding="utf-8") == expected
    assert (tmp_path / "seeds" / "places.csv").read_text(encoding="utf-8") == "place_id\n"
