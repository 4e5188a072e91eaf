"""The limits of each host, counted on the real clock as the hosts count them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

WINDOWS = ((60, 600, "Minutely"), (3600, 5000, "Hourly"), (86400, 10000, "Daily"))
REASONS = {
    "minutely": "Minutely API request limit exceeded. Please try again in one minute.",
    "hourly": "Hourly API request limit exceeded. Please try again in the next hour.",
    "daily": "Daily API request limit exceeded. Please try again tomorrow.",
    "concurrent": "Too many concurrent requests",
}
MAX_WEIGHT = 5000
QUEUE = 5  # requests that may wait while one runs


def weight(variables: int, days: list[int]) -> float:
    """Open-Meteo's weight of one call: over its locations, max(1, max(v/10, v/10 · days/14))."""
    return sum(max(1.0, variables / 10, variables / 10 * span / 14) for span in days)


class WeightedWindows:
    """Calls weighed per minute, hour and day; looked at before a call, added to after it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.used: dict[tuple[str, int], tuple[int, float]] = {}
        self.running: dict[str, int] = {}
        self.turn: dict[str, asyncio.Lock] = {}

    def exceeded(self, host: str) -> str | None:
        """The reason of the 429, or None."""
        for seconds, limit, name in WINDOWS:
            period, used = self.used.get((host, seconds), (0, 0.0))
            if period == int(self.clock()) // seconds and used >= limit:
                return REASONS[name.lower()]
        return None

    def add(self, host: str, amount: float) -> None:
        for seconds, _, _ in WINDOWS:
            period = int(self.clock()) // seconds
            before, used = self.used.get((host, seconds), (period, 0.0))
            self.used[host, seconds] = (period, (used if before == period else 0.0) + amount)


class SlidingWindow:
    """At most `limit` calls in any `seconds`."""

    def __init__(self, limit: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit, self.seconds, self.clock = limit, seconds, clock
        self.calls: deque[float] = deque()

    def wait(self) -> float:
        """0 where the call may pass (and is counted), else the seconds until one may."""
        now = self.clock()
        while self.calls and now - self.calls[0] >= self.seconds:
            self.calls.popleft()
        if len(self.calls) >= self.limit:
            return self.seconds - (now - self.calls[0])
        self.calls.append(now)
        return 0.0
