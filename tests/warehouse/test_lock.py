"""One writer at a time, across processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from warehouse.connection import connect
from warehouse.errors import BadInput, LockHeld
from warehouse.lock import hold, holder, lock_path
from warehouse.settings import ROOT, Settings, load_settings

NOW = datetime(2026, 11, 20, 6, 10)
HOLDER = """
import sys, time
from datetime import datetime
from pathlib import Path
from warehouse.lock import hold
from warehouse.settings import load_settings
settings = load_settings(data_dir=Path(sys.argv[1]))
with hold(settings, run_id="first", now=datetime(2026, 11, 20, 6), command="skyduck run"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path)


def another(settings: Settings, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(settings.data_dir), str(seconds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def first(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    process = another(settings, 60)
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_ends_naming_the_holder(settings: Settings, first: subprocess.Popen[str]) -> None:
    with pytest.raises(LockHeld) as error, hold(settings, run_id="second", now=NOW):
        pass
    assert f"`skyduck run` (pid {first.pid}" in str(error.value)
    assert "run first, since 2026-11-20 06:00:00 UTC" in str(error.value)
    assert "--wait" in str(error.value)
    assert error.value.exit_code == 2


def test_the_lock_of_a_killed_holder_is_free_whatever_its_text_says(
    settings: Settings, first: subprocess.Popen[str]
) -> None:
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert json.loads(lock_path(settings).with_suffix(".json").read_text())["run_id"] == "first"
    assert holder(settings) is None
    with hold(settings, run_id="second", now=NOW):
        found = holder(settings)
        assert found is not None
        assert found.run_id == "second"


def test_a_waiting_run_says_for_whom_and_goes_on_when_it_ends(settings: Settings) -> None:
    process = another(settings, 1.0)
    said: list[str] = []
    started = time.monotonic()
    with hold(settings, run_id="second", now=NOW, wait=True, notice=said.append):
        waited = time.monotonic() - started
    process.communicate()
    assert len(said) == 1
    assert f"pid {process.pid}" in said[0]
    assert waited > 0.3


def test_the_lock_is_re_entrant_in_its_own_process_and_free_afterwards(settings: Settings) -> None:
    with hold(settings, run_id="outer", now=NOW), hold(settings, run_id="inner", now=NOW):
        found = holder(settings)
        assert found is not None
        assert found.run_id == "outer"
    assert holder(settings) is None
    assert not lock_path(settings).with_suffix(".json").exists()


def test_the_lock_is_given_back_when_the_block_fails(settings: Settings) -> None:
    with pytest.raises(RuntimeError), hold(settings, run_id="one", now=NOW):
        raise RuntimeError("mid-run")
    with hold(settings, run_id="two", now=NOW):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '"x"'])
def test_a_damaged_text_names_nobody_and_breaks_nothing(
    settings: Settings, first: subprocess.Popen[str], text: str
) -> None:
    lock_path(settings).with_suffix(".json").write_text(text)
    with pytest.raises(LockHeld, match="unknown"), hold(settings, run_id="second", now=NOW):
        pass


def test_a_data_directory_that_is_a_file_is_bad_input(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(BadInput, match="SKYDUCK_DATA_DIR"), hold(load_settings(data_dir=blocked), run_id="x", now=NOW):
        pass


CHILD = """
import os, sys, time
from pathlib import Path
from warehouse.connection import connect
from warehouse.settings import load_settings
with connect(load_settings(data_dir=Path(sys.argv[1]))):
    print("open", flush=True)
    time.sleep(1.0)
"""


def test_a_run_after_a_kill_waits_for_the_killed_runs_last_child(
    settings: Settings, first: subprocess.Popen[str]
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(settings.data_dir)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "open\n"
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    with pytest.raises(LockHeld), connect(settings):
        pass
    with hold(settings, run_id="second", now=NOW), connect(settings):
        pass
    child.communicate()
