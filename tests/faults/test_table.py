"""docs/faults.md names a test for each fault, and each test it names exists."""

from __future__ import annotations

import ast
import re

import pytest

from warehouse.settings import ROOT

LINES = [line for line in (ROOT / "docs" / "faults.md").read_text(encoding="utf-8").splitlines() if line[:3] != "| #"]
ROWS = {int(found[1]): line for line in LINES if (found := re.match(r"\| (\d+) \|", line))}
NOW = [*range(1, 7), 9, 10, 14, 19, *range(22, 44)]


def test_every_fault_has_its_line() -> None:
    assert list(ROWS) == list(range(1, 59))


@pytest.mark.parametrize("number", NOW)
def test_a_fault_that_must_be_shown_names_its_test(number: int) -> None:
    assert "later" not in ROWS[number].split("|")[3]


@pytest.mark.parametrize("number", ROWS)
def test_every_test_named_exists(number: int) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", ROWS[number])
    assert named or "later" in ROWS[number]
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"
