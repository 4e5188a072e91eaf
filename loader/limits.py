"""A bucket of call weight: how much a source allows in a minute, an hour, a day."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

LONGEST_WAIT = 90.0  # seconds; a limit that frees later than this ends the source's part of the run


class LimitSpent(Exception):
    """The allowance frees only after LONGEST_WAIT."""


class Bucket:
    """Counts weight in sliding windows, one per limit (weight, per seconds); shared by the threads of a source."""

    def __init__(
        self,
        limits: Iterable[tuple[float, float]],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self.limits = tuple(limits)
        self.clock, self.sleep, self.longest_wait = clock, sleep, longest_wait
        self._used: deque[tuple[float, float]] = deque()
        self._lock = threading.Lock()

    def remember(self, seconds_ago: float, weight: float) -> None:
        """Weight that an earlier run used; call with the oldest first."""
        self._used.append((self.clock() - seconds_ago, weight))

    def take(self, weight: float) -> None:
        """Returns once the weight fits under every limit, and counts it. Raises LimitSpent."""
        while (wait := self._try(weight)) > 0:
            self.sleep(wait)

    def _try(self, weight: float) -> float:
        """Seconds to wait; 0 when the weight was taken."""
        with self._lock:
            now = self.clock()
            longest = max((period for _, period in self.limits), default=0.0)
            while self._used and self._used[0][0] <= now - longest:
                self._used.popleft()
            waits = [(self._wait(now, weight, most, period), most, period) for most, period in self.limits]
            wait, most, period = max(waits, default=(0.0, 0.0, 0.0))
            if wait > self.longest_wait:
                raise LimitSpent(f"its limit of {most:,.0f} per {_named(period)} is used up for another {wait:,.0f} s")
            if wait <= 0:
                self._used.append((now, weight))
            return wait

    def _wait(self, now: float, weight: float, most: float, period: float) -> float:
        """Seconds until enough of what was used within the period has aged out of it."""
        recent = [(at, used) for at, used in self._used if at > now - period]
        over = sum(used for _, used in recent) + weight - most
        if over <= 0 or not recent:
            return 0.0
        for at, used in recent:
            over -= used
            if over <= 0:
                return at + period - now + 0.001
        return recent[-1][0] + period - now + 0.001


def _named(period: float) -> str:
    return {60: "minute", 3600: "hour", 86_400: "day", 2_592_000: "month"}.get(int(period), f"{period:g} s")
