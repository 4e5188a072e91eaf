"""The weekly training on GitHub: what waits for a person, and what does not."""

from __future__ import annotations

import re
from typing import Any

import typer.main
import yaml

from flows.commands.models import models
from warehouse.settings import ROOT

GROUP: Any = typer.main.get_command(models)


def test_on_github_a_person_lets_the_approval_go_and_nothing_else_waits_for_one() -> None:
    jobs = {}
    for name in ("daily", "train"):
        jobs |= yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))["jobs"]
    assert {name: job["environment"] for name, job in jobs.items()} == {
        "run": "warehouse",
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
