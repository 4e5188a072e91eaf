"""Named kill points for crash tests: `SKYDUCK_FAULT_AT=load.after_fetch` ends the process there with SIGKILL."""

from __future__ import annotations

import os
import signal


def reach(name: str) -> None:
    """Does nothing unless the environment names this point; then the process is gone, as in a power cut."""
    if os.environ.get("SKYDUCK_FAULT_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
