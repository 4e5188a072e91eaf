"""Runs a module as a child that never outlives its parent: `python -m flows.child <module> [arguments]`.

The parent keeps the write end of the child's standard input. When the parent ends, however it ends, the pipe closes
and the child kills its whole process group: no dbt goes on writing a warehouse whose lock is free again, and no
temporary server stays behind.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(137)


def main() -> None:
    module = sys.argv[1]
    sys.argv = [module, *sys.argv[2:]]
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
