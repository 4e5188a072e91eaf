"""Child processes: started in a group of their own, ended with it, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from warehouse.settings import ROOT


@contextmanager
def child(
    module: str, arguments: list[str], *, env: Mapping[str, str] | None = None, log: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """`python -m module arguments` from the root; output to `log`, else a pipe. Its group ends with the block."""
    sink = log.open("ab") if log else subprocess.PIPE
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.child", module, *arguments],
            cwd=ROOT,
            env=_environment(env),
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    finally:
        if not isinstance(sink, int):
            sink.close()
    try:
        yield process
    finally:
        stop(process)
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, **(extra or {}), "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def stop(process: subprocess.Popen[str], *, grace: float = 5.0) -> None:
    """SIGTERM to the group, SIGKILL to what is left after `grace` seconds."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            kill(process)
    process.wait()


def kill(process: subprocess.Popen[str]) -> None:
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
