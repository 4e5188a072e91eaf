"""Children end with their parent, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from flows.process import child
from warehouse.settings import ROOT

PARENT = """
import sys, time
from pathlib import Path
from flows.process import child
with child("http.server", ["0", "--bind", "127.0.0.1"], log=Path(sys.argv[1])) as process:
    print(process.pid, flush=True)
    time.sleep(60)
"""


def wait_until_gone(pid: int) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def parent_of_a_server(tmp_path: Path) -> tuple[subprocess.Popen[str], int]:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    time.sleep(0.5)
    return parent, pid


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent, pid = parent_of_a_server(tmp_path)
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    assert wait_until_gone(pid)


def test_a_child_ends_with_its_block_even_when_the_block_fails(tmp_path: Path) -> None:
    parent, pid = parent_of_a_server(tmp_path)
    os.kill(parent.pid, signal.SIGINT)  # KeyboardInterrupt inside the block
    parent.communicate()
    assert not psutil.pid_exists(pid)


def test_a_childs_output_and_exit_code_come_back() -> None:
    with child("json.tool", ["--help"]) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        assert process.wait() == 0
    assert "usage" in out
