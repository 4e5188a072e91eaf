"""What the README tells a new user to type exists, and no command goes unmentioned."""

from __future__ import annotations

import re

import pytest
import typer

from flows.cli import app
from warehouse.settings import ROOT, Settings

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = {name: found for name, found in typer.main.get_command(app).commands.items() if not found.hidden}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_mentioned(name: str) -> None:
    assert re.search(rf"`(skyduck )?{name}\b", README)


def test_every_call_of_skyduck_names_a_command_and_options_that_exist() -> None:
    calls = re.findall(r"`skyduck ([a-z]+)([^`]*)`", README)
    assert len(calls) > 4
    for name, rest in calls:
        command = COMMANDS[name]
        if below := getattr(command, "commands", None):  # a group: `skyduck models list`
            word, _, rest = rest.strip().partition(" ")
            command = below[word]
        options = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= options | {"--help"}, name


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)", README)) | set(re.findall(r"^\$ make ([a-z]+)", README, re.MULTILINE))
    assert {"run", "test"} <= named <= targets


def test_every_file_it_points_to_is_there() -> None:
    for path in re.findall(r"`((?:dbt_project|docs|ml|flows|\.github)/[^`* ]*)`|\]\(([^)h][^)]*)\)", README):
        assert (ROOT / (path[0] or path[1])).exists(), path


def test_every_setting_it_names_is_one() -> None:
    for name in re.findall(r"SKYDUCK_([A-Z_]+)=", README):
        assert name.lower() in Settings.model_fields


def test_every_test_that_the_table_of_faults_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "faults.md").read_text(encoding="utf-8"))
    assert len(named) > 40
    for path, name in named:
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{name}"
