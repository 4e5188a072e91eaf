"""A data directory of its own for each test, and the `skyduck` command as a person starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from warehouse.settings import ROOT, Settings, load_settings

Skyduck = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data", upstream="sample")


@pytest.fixture
def skyduck_in() -> Skyduck:
    """The command as a person starts it, in a process of its own, on a data directory."""

    def run(settings: Settings, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("SKYDUCK_", "PREFECT_"))}
        env |= {"SKYDUCK_DATA_DIR": str(settings.data_dir), "NO_COLOR": "1"} | environment
        return subprocess.run(
            [sys.executable, "-m", "flows", *arguments],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def skyduck(settings: Settings, skyduck_in: Skyduck) -> Skyduck:
    """The same on the test's own data directory."""
    return partial(skyduck_in, settings)
