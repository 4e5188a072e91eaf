"""What a step costs: seconds, CPU seconds, peak memory, bytes read and written, child processes included."""

from __future__ import annotations

import resource
import threading
import time
from types import TracebackType

import psutil

INTERVAL = 0.5


class Meter:
    """A context manager; its figures are final once the block has ended."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu_seconds = 0.0
        self.peak_mib = 0.0
        self.bytes: tuple[int, int] | None = None  # read, written; None where the platform does not count them
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="meter", daemon=True)

    def __enter__(self) -> Meter:
        self._start, self._cpu, self._bytes = time.monotonic(), _cpu(), _bytes()
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()
        self._sample()
        self.seconds = time.monotonic() - self._start
        self.cpu_seconds = _cpu() - self._cpu
        before, after = self._bytes, _bytes()
        if before and after:
            self.bytes = (after[0] - before[0], after[1] - before[1])

    def _watch(self) -> None:
        while not self._done.wait(INTERVAL):
            self._sample()

    def _sample(self) -> None:
        me = psutil.Process()
        total = me.memory_info().rss
        for process in me.children(recursive=True):
            try:
                total += process.memory_info().rss
            except psutil.Error:
                continue  # it ended between the listing and the question
        self.peak_mib = max(self.peak_mib, total / 2**20)


def _cpu() -> float:
    mine, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime


def _bytes() -> tuple[int, int] | None:
    """Bytes asked of read() and write() so far, whether a disk or its cache answered; mapped memory is not counted.

    Linux adds those of a child when it has ended. Other platforms count no children, or nothing: None.
    """
    if not psutil.LINUX:
        return None
    try:
        count = psutil.Process().io_counters()
    except (psutil.Error, OSError, NotImplementedError):  # a sandbox that hides /proc/self/io
        return None
    return count.read_chars, count.write_chars
