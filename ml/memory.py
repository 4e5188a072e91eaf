"""How much memory this process has needed."""

from __future__ import annotations

import psutil


def peak_mib() -> float:
    """Resident memory of this process, its highest so far where the system tells."""
    memory = psutil.Process().memory_info()
    return float(getattr(memory, "peak_wset", 0) or _high_water() or memory.rss) / 2**20


def _high_water() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
