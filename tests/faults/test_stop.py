"""SIGTERM is heard, whatever swallows it first."""

from __future__ import annotations

import subprocess
import sys

from warehouse.settings import ROOT

# An exception raised by a signal handler while a compiled module is being imported is lost in it.
SWALLOW = """
import os, signal, time
from flows import cli

@cli.app.command()
def swallow() -> None:
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(20)
    except BaseException:
        print("swallowed", flush=True)
    try:
        time.sleep(20)
    finally:
        time.sleep(2 * cli.AGAIN_SECONDS)
        print("cleaned up", flush=True)

cli.main(["swallow"])
"""


def test_a_sigterm_that_an_import_swallows_is_raised_again_and_never_disturbs_the_cleaning_up() -> None:
    done = subprocess.run([sys.executable, "-c", SWALLOW], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n") == ["swallowed", "cleaned up", ""]
    assert done.returncode == 143, done.stderr
    assert "stopped by SIGTERM" in done.stderr
