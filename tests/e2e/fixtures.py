"""The undisturbed days, run once per test session whatever the number of workers, and copies of them to break.

`day_1` is a first run on an empty folder, `day_2` the next day's run with a location and a CSV series added.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.e2e.inputs import DAY_1, DAY_2, add_location, drop_own_series, write_seeds
from tests.e2e.world import Content, Done, World


@dataclass(frozen=True)
class Day:
    """A world after a run, and what the run said."""

    world: World
    done: Done

    @property
    def said(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.done.stdout)
        return found

    @cached_property
    def content(self) -> Content:
        """What its tables hold; nobody changes them."""
        return self.world.content()


Change = Callable[[World], None]


def prepared_for_day_2(world: World) -> None:
    """What the owner of the world does between the two days."""
    add_location(world)
    drop_own_series(world)


def _once(root: Path, name: str, as_of: str, prepare: Callable[[Path], World]) -> Day:
    """The day as some worker ran it. A failed run is kept, too: the tests that need it say so, and nobody retries."""
    folder, record = root / name, root / f"{name}.json"
    with FileLock(root / f"{name}.lock"):
        if not record.exists():
            done = prepare(folder).run(as_of)
            record.write_text(json.dumps([done.returncode, done.stdout, done.stderr]), encoding="utf-8")
    code, out, err = json.loads(record.read_text(encoding="utf-8"))
    return Day(World(folder), Done(["skyduck", "run"], code, out, err))


@pytest.fixture(scope="session")
def shared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of this test session."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "worlds"
    root.mkdir(exist_ok=True)
    return root


@pytest.fixture(scope="session")
def day_1(shared_root: Path) -> Day:
    def prepare(folder: Path) -> World:
        write_seeds(folder / "seeds")
        return World(folder)

    return _once(shared_root, "day-1", DAY_1, prepare)


@pytest.fixture(scope="session")
def day_2(shared_root: Path, day_1: Day) -> Day:
    def prepare(folder: Path) -> World:
        world = day_1.world.copied(folder)
        prepared_for_day_2(world)
        return world

    return _once(shared_root, "day-2", DAY_2, prepare)


@pytest.fixture
def eve(day_1: Day, tmp_path: Path) -> Iterator[World]:
    """A copy of the world of day 1 with everything for day 2 in place, not run yet."""
    assert day_1.done.returncode == 0, day_1.done.stderr
    world = day_1.world.copied(tmp_path / "world")
    prepared_for_day_2(world)
    yield world
    shutil.rmtree(world.root)


@pytest.fixture
def evening(day_2: Day, tmp_path: Path) -> Iterator[World]:
    """A copy of the world after day 2."""
    assert day_2.done.returncode == 0, day_2.done.stderr
    world = day_2.world.copied(tmp_path / "world")
    yield world
    shutil.rmtree(world.root)
